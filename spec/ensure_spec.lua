-- successes: 16
-- SPDX-License-Identifier: MIT
-- Capacity on request: ensure_capacity without and with a resize, and the length, which is another thing.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

for _, relocate in ipairs { false, true } do
    describe(relocate and "ensure, relocating" or "ensure", function()
        local function manager() return spec.manager { relocate = relocate } end
        after_each(spec.close)

        it("changes nothing where the capacity is enough", function()
            local m = manager()
            local b = m:allocate("b", "u8", 100000)
            b:upload(support.bytes(100000))
            unchanged(m, function()
                for _, n in ipairs { 0, 1, 99999, 100000 } do
                    assert.is_true(m:ensure_capacity("b", n))
                    assert.is_true(b:ensure_capacity(n))
                end
            end)
            assert.equal(0, m:stats().resize_count)
        end)

        it("grows the capacity alone, counts one resize, and keeps every byte", function()
            local m = manager()
            local b = m:allocate("b", "u8", 100000)
            b:upload(support.bytes(100000))
            assert.is_true(m:ensure_capacity("b", 500000))
            assert.equal(500000, b.capacity)
            assert.equal(100000, b.length)
            assert.equal(support.bytes(100000), b:download():bytes())
            local stats = m:stats()
            assert.equal(1, stats.resize_count)
            assert.equal(1, stats.allocation_count)
            assert.equal(1, stats.buffer_count)
            assert.equal(500000, stats.total_allocated_bytes)
            assert.is_true(b:ensure_capacity(500001))
            assert.equal(750000, b.capacity)
            assert.equal(2, m:stats().resize_count)
        end)

        it("leaves the books of the grown buffer under its name", function()
            local m = manager()
            m:allocate("b", "u8", 100000)
            m:ensure_capacity("b", 400000)
            assert.equal(1, #m:leaks())
            assert.equal(400000, m:leaks()[1].bytes)
            m:free("b")
            assert.same({}, m:leaks())
            assert.equal(0, m:stats().total_allocated_bytes)
        end)

        it("makes room that later resizes and appends need no growth for", function()
            local m = manager()
            local b = m:allocate("b", "u16", 10)
            b:upload(support.count(10))
            b:ensure_capacity(50000)
            b:resize(30000)
            b:append(support.count(20000, 7))
            assert.equal(1, m:stats().resize_count)
            assert.equal(50000, b.capacity)
            local v = b:download()
            for i = 1, 10 do assert.equal(i, v[i]) end
            for i = 11, 30000 do assert.equal(0, v[i]) end
            for i = 30001, 50000 do assert.equal(i - 30000 + 6, v[i]) end
        end)

        it("refuses more than the maximum and changes nothing", function()
            local m = manager()
            local b = m:allocate("b", "f32", 1000, { max_size_bytes = 100000 })
            b:upload(support.count(1000))
            unchanged(m, function()
                fails("OVER_MAX_SIZE", "25001 elements are more than its maximum of 25000", m:ensure_capacity("b", 25001))
                fails("OVER_MAX_SIZE", "'b'", b:resize(25001))
                fails("OVER_MAX_SIZE", "'b'", b:append(24001))
                fails("OVER_MAX_SIZE", "'b'", b:append(support.bytes(24001 * 4)))
                fails("OVER_MAX_SIZE", "9223372036854775807", b:ensure_capacity(math.maxinteger))
            end)
            assert.is_true(m:ensure_capacity("b", 25000))
            assert.equal(25000, b.capacity)
        end)

        it("refuses what is no capacity", function()
            local m = manager()
            local b = m:allocate("b", "f32", 10)
            unchanged(m, function()
                raises("a count cannot be negative", m.ensure_capacity, m, "b", -1)
                raises("number has no integer representation", m.ensure_capacity, m, "b", 2 ^ 63)
                raises("number has no integer representation", b.resize, b, 1.5)
                raises("number expected, got no value", b.resize, b)
                raises("number expected, got string", b.ensure_capacity, b, "many")
                fails("NOT_FOUND", "'c'", m:ensure_capacity("c", 1))
            end)
        end)

        it("zeroes what enters the length, also what was there before", function()
            local m = manager()
            local b = m:allocate("b", "u8", 300000)
            b:fill(0xFF)
            b:resize(1000)
            assert.equal(1000, b.length)
            assert.equal(300000, b.capacity)
            b:resize(400000)
            assert.equal(string.rep("\255", 1000) .. string.rep("\0", 399000), b:download():bytes())
            b:resize(0)
            assert.equal("", b:download():bytes())
            b:resize(5)
            assert.view_equals({ 0, 0, 0, 0, 0 }, b:download())
        end)

        it("shrinks to fit, and grows again", function()
            local m = manager()
            local b = m:allocate("b", "u8", 1 << 20)
            b:upload(support.bytes(1 << 20, 3))
            b:resize(300001)
            assert.is_true(b:shrink_to_fit())
            assert.equal(300001, b.capacity)
            assert.equal(300001, m:stats().total_allocated_bytes)
            assert.equal(300001, m:stats().used_bytes)
            local unit = m:device().granularity
            support.wait_for_committed(m, b, (300001 + unit - 1) // unit * unit)
            unchanged(m, function() b:shrink_to_fit() end)
            b:resize(1 << 20)
            assert.equal(support.bytes(1 << 20, 3):sub(1, 300001) .. string.rep("\0", (1 << 20) - 300001),
                b:download():bytes())
        end)
    end)
end
