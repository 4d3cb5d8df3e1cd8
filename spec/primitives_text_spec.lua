-- successes: 1
-- SPDX-License-Identifier: MIT
-- Every text of the primitives' kernels is CUDA C that the device's compiler takes; with the fake driver too, which loads
-- nothing. Where one fails, no memory stays behind.

local spec = require "gpumm.spec"

local function buffer(m, type, length) return assert(m:buffer { type = type, length = length }) end

describe("the texts of primitives", function()
    after_each(spec.close)

    it("compile for every type", function()
        local m = spec.manager()
        local n = 10000
        local count, flags = buffer(m, "u32", 1), buffer(m, "u8", n)
        local values = { false, buffer(m, "u32", n), buffer(m, "u64", n) }
        local function runs(what, ok, message)
            assert(ok or message:find("cannot run on Fake", 1, true), ("%s: %s"):format(what, message))
        end
        for _, type in ipairs { "u32", "u64", "i32", "f32" } do
            local from, to = buffer(m, type, n), buffer(m, type, n)
            runs("scan", m:scan { from = from, to = to })
            runs("sum", m:reduce { from = from, to = to, op = "sum" })
            runs("argmin", m:reduce { from = from, to = count, op = "argmin" })
            for _, value in ipairs(values) do runs("sort", m:sort { keys = from, values = value or nil }) end
            runs("unique", m:unique { from = from, to = to, count = count })
            runs("select", m:select { from = from, flags = flags, to = to, count = count })
            runs("histogram", m:histogram { from = from, to = count, low = 0, high = 8 })
        end
        assert(m:check())
        assert.equal(0, m:stats().scratch.now)
    end)
end)
