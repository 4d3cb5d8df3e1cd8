-- successes: 4
-- SPDX-License-Identifier: MIT
-- Several buffers side by side: none knows of the others.

local spec = require "gpumm.spec"
local support = require "spec.support"

describe("several", function()
    after_each(spec.close)

    for _, relocate in ipairs { false, true } do
        it("keeps the contents of forty buffers apart while they grow" .. (relocate and ", relocating" or ""), function()
            local m = spec.manager { relocate = relocate }
            local buffers, expected = {}, {}
            for i = 1, 40 do
                expected[i] = support.bytes(i * 1000, i)
                buffers[i] = m:allocate("b" .. i, "u8", i * 1000, i % 2 == 0 and { max_size_bytes = 64000 } or nil)
                buffers[i]:upload(expected[i])
            end
            for round = 1, 2 do
                for i = 1, 40, round do
                    local more = support.bytes(i * 200, 1000 * round + i)
                    assert.is_true(buffers[i]:append(more))
                    expected[i] = expected[i] .. more
                end
            end
            for i = 1, 40 do assert.equal(expected[i], buffers[i]:download():bytes()) end
            local bytes = 0
            for i = 1, 40 do bytes = bytes + buffers[i].capacity_bytes end
            assert.equal(bytes, m:stats().total_allocated_bytes)
            assert.equal(40, m:stats().buffer_count)
        end)
    end

    it("lists them in the order of their making", function()
        local m = spec.manager()
        for _, name in ipairs { "z", "a", "m" } do m:allocate(name, "u8", 1) end
        assert.same({ "z", "a", "m" }, m:names())
        m:free("a")
        m:allocate("a", "u8", 1)
        assert.same({ "z", "m", "a" }, m:names())
    end)

    it("gives no two of them the same memory", function()
        local m = spec.manager()
        local spans = {}
        for i = 1, 200 do
            local b = m:allocate("b" .. i, "u8", i * 37, i % 3 == 0 and { max_size_bytes = 8192 } or nil)
            spans[i] = { b.address, b.address + b.capacity_bytes }
        end
        table.sort(spans, function(a, b) return a[1] < b[1] end)
        for i = 2, #spans do assert.is_true(spans[i - 1][2] <= spans[i][1]) end
    end)
end)
