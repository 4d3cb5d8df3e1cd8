-- successes: 13
-- SPDX-License-Identifier: MIT
-- The limit: bytes that buffers, readback slots and scratch are asked to hold, to the byte, on every device.

local spec = require "gpumm.spec"
local support = require "spec.support"
local fails, contains, unchanged = support.fails, support.contains, support.unchanged

local exact = { min_size_bytes = 0 }

describe("limit", function()
    after_each(spec.close)

    it("stands in the books, as a number or as text", function()
        assert.equal(1 << 20, spec.manager { limit = "1MiB" }:stats().limit_bytes)
        assert.equal(12345, spec.manager { limit = 12345 }:stats().limit_bytes)
        assert.is_nil(spec.manager():stats().limit_bytes)
    end)

    it("allows what fits to the byte, and not a byte more", function()
        local m = spec.manager { limit = 10000 }
        m:allocate("a", "u8", 6000, exact)
        local b = m:allocate("b", "u8", 4000, exact)
        assert.equal(10000, m:stats().used_bytes)
        unchanged(m, function() fails("OVER_LIMIT", "1 bytes more", m:allocate("c", "u8", 1, exact)) end)
        b:free()
        fails("OVER_LIMIT", "'c'", m:allocate("c", "u8", 4001, exact))
        assert.equal(4000, m:allocate("c", "u8", 4000, exact).capacity)
    end)

    it("names the buffer, the request, the largest holders and what is free", function()
        local m = spec.manager { limit = "1MiB" }
        m:allocate("large", "u8", 700 << 10) local line = support.here()
        m:allocate("small", "u8", 100 << 10)
        local message = fails("OVER_LIMIT", "buffer 'wanted': 102400 elements of 4 bytes", m:allocate("wanted", "f32", 100 << 10))
        contains("400.0 KiB more are over the limit", message)
        contains("limit 1.0 MiB, used 800.0 KiB, free 224.0 KiB", message)
        contains("'large' 700.0 KiB (" .. line .. "), ", message)
        assert.matches("largest: .*'large'.*'small' 100%.0 KiB", message)
    end)

    it("counts the minimum size too", function()
        local m = spec.manager { limit = 4095 }
        fails("OVER_LIMIT", "'a'", m:allocate("a", "u8", 1))
        assert.equal(1, m:allocate("a", "u8", 1, exact).capacity)
    end)

    for _, relocate in ipairs { false, true } do
        describe(relocate and "relocating" or "in place", function()
            it("holds on growth, which takes exactly what is required where the schedule does not fit", function()
                local m = spec.manager { limit = 150000, relocate = relocate }
                local data = support.bytes(100000, 7)
                local b = m:allocate("b", "u8", 100000, { min_size_bytes = 0, growth_factor = 2 })
                b:upload(data)
                assert.is_true(b:ensure_capacity(120001))
                assert.equal(120001, b.capacity)
                assert.equal(120001, m:stats().used_bytes)
                assert.equal(data, b:download():bytes())
                unchanged(m, function()
                    local message = fails("OVER_LIMIT", "buffer 'b'", m:ensure_capacity("b", 150001))
                    contains("150001 elements of 1 bytes", message)
                    fails("OVER_LIMIT", "buffer 'b'", b:resize(150001))
                    fails("OVER_LIMIT", "buffer 'b'", b:append(support.bytes(50001)))
                    fails("OVER_LIMIT", "buffer 'b'", b:append(50001))
                end)
                assert.is_true(b:append(support.bytes(50000, 9)))
                assert.equal(data .. support.bytes(50000, 9), b:download():bytes())
                assert.equal(150000, m:stats().used_bytes)
            end)

            it("counts readback slots on both sides, and grows them in the same transaction", function()
                local m = spec.manager { limit = 50000, relocate = relocate }
                local b = m:allocate("b", "u8", 10000, { min_size_bytes = 0, growth_factor = 1, enable_async = true })
                assert.equal(50000, m:stats().used_bytes)
                unchanged(m, function() fails("OVER_LIMIT", "buffer 'b'", b:ensure_capacity(10001)) end)
                unchanged(m, function() fails("OVER_LIMIT", "'c'", m:allocate("c", "u8", 1, exact)) end)
                b:free()
                assert.equal(0, m:stats().used_bytes)
                assert.equal(50000, m:allocate("c", "u8", 50000, exact).capacity)
            end)

            it("counts a group's whole rows", function()
                local m = spec.manager { limit = 1600, relocate = relocate }
                local g = m:group { { "p", "f32x2" }, { "v", "f32x2" }, length = 60, growth = 2 }
                g.p:fill { 1, 2 }
                unchanged(m, function() fails("OVER_LIMIT", "16 bytes", g:resize(101)) end, { g.p, g.v })
                assert.is_true(g:resize(100))
                assert.equal(1600, m:stats().used_bytes)
                assert.same({ 1, 2 }, { g.p:download():get(60) })
                assert.same({ 0, 0 }, { g.p:download():get(61) })
            end)
        end)
    end

    it("counts scratch, until it is closed", function()
        local m = spec.manager { limit = 5000 }
        local s = m:scratch(3000)
        fails("OVER_LIMIT", "scratch of 2001 bytes", m:scratch(2001))
        local t = m:scratch(2000)
        assert.equal(5000, m:stats().used_bytes)
        s:close()
        assert.equal(2000, m:stats().used_bytes)
        t:close()
        assert.equal(0, m:stats().used_bytes)
    end)

    it("counts a readback when it is made", function()
        local m = spec.manager { limit = 60000 }
        local b = m:allocate("b", "u8", 10000, exact)
        unchanged(m, function() fails("OVER_LIMIT", "readback of 'b'", b:readback { slots = 3 }) end)
        local r = b:readback { slots = 2 }
        assert.equal(50000, m:stats().used_bytes)
        r:close()
        assert.equal(10000, m:stats().used_bytes)
    end)

    it("runs out at the same step whatever the granularity and the way to grow", function()
        local steps = {}
        for _, options in ipairs { { granularity = 4096 }, { granularity = "2MiB" }, { relocate = true }, { debug = false } } do
            options.limit = 777777
            local m = spec.manager(options)
            local b = m:allocate("b", "u8", 1000, { growth_factor = 1.3 })
            local capacities = {}
            while b:append(7777) do capacities[#capacities + 1] = b.capacity end
            steps[#steps + 1] = table.concat(capacities, " ")
        end
        for i = 2, #steps do assert.equal(steps[1], steps[i]) end
        assert.matches(" 7%d%d%d%d%d$", steps[1])
    end)
end)
