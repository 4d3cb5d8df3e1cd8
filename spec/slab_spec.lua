-- successes: 6
-- SPDX-License-Identifier: MIT
-- Small buffers: from the slab, at their maximum at once, so that they never move.

local spec = require "gpumm.spec"
local support = require "spec.support"

describe("slab", function()
    after_each(spec.close)

    for _, relocate in ipairs { false, true } do
        local where = relocate and ", relocating" or ""

        it("serves what stays small, without a range of its own" .. where, function()
            local m = spec.manager { relocate = relocate }
            local b = m:allocate("flags", "u8", 100, { max_size_bytes = 4096, min_size_bytes = 0 })
            assert.equal(0, b.committed_bytes)
            assert.equal(100, b.capacity_bytes)
            assert.equal(0, b.address % 256)
            local address = b.address
            b:upload(support.bytes(100))
            for n = 200, 4000, 100 do assert.is_true(b:resize(n)) end
            assert.equal(address, b.address)
            assert.equal(1, b.generation)
            assert.equal(support.bytes(100) .. string.rep("\0", 3900), b:download():bytes())
            assert.is_true(m:allocate("large", "u8", 100).committed_bytes > 0)
        end)

        it("keeps a thousand blocks apart through freeing and taking" .. where, function()
            local m = spec.manager { relocate = relocate }
            local expected, seed = {}, 12345
            local function random(n)
                seed = (seed * 1103515245 + 12345) & 0x7fffffff
                return seed // 65536 % n + 1
            end
            for round = 1, 3 do
                for i = 1, 400 do
                    local name = "b" .. i
                    if expected[name] and random(2) == 1 then
                        assert.equal(expected[name], m:get_buffer(name):download():bytes())
                        m:free(name)
                        expected[name] = nil
                    elseif not expected[name] then
                        local n = random(3000)
                        expected[name] = support.bytes(n, i * round)
                        m:allocate(name, "u8", n, { min_size_bytes = 0, max_size_bytes = n }):upload(expected[name])
                    end
                end
                assert.is_true(m:check())
            end
            local bytes = 0
            for name, data in pairs(expected) do
                assert.equal(data, m:get_buffer(name):download():bytes())
                bytes = bytes + #data
            end
            assert.equal(bytes, m:stats().total_allocated_bytes)
        end)
    end

    it("gives a freed block to the next that fits", function()
        local m = spec.manager()
        local options = { max_size_bytes = 2000, min_size_bytes = 0 }
        m:allocate("before", "u8", 10, options)
        local a = m:allocate("a", "u8", 10, options)
        m:allocate("after", "u8", 10, options)
        local address = a.address
        a:fill(0xFF)
        a:free()
        m:synchronize()
        m:poll()
        local b = m:allocate("b", "u8", 10, options)
        assert.equal(address, b.address)
        assert.equal(string.rep("\0", 10), b:download():bytes())
    end)

    it("does not hand a block to somebody while another stream uses it", function()
        local m = spec.inject_faults({}, { memory = "64MiB", debug = false })
        local options = { max_size_bytes = 2000, min_size_bytes = 0 }
        local s = m:stream()
        local a, to = m:allocate("a", "u8", 2000, options), m:allocate("to", "u8", 2000, options)
        a:fill(0x42)
        m:synchronize()
        m.fault:hold("snapshot")
        to:copy(a, s)
        local address = a.address
        a:free()
        m:poll()
        local b = m:allocate("b", "u8", 2000, options)
        assert.is_true(b.address ~= address)
        m.fault:release()
        assert.equal(string.rep("\x42", 2000), to:download():bytes())
        assert.equal(string.rep("\0", 2000), b:download():bytes())
    end)
end)
