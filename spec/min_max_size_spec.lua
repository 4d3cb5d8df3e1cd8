-- successes: 8
-- SPDX-License-Identifier: MIT
-- The least and the most that a buffer holds.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

describe("minimum and maximum size", function()
    after_each(spec.close)

    it("gives at least min_size_bytes, in whole elements", function()
        local m = spec.manager()
        assert.equal(4096, m:allocate("u8", "u8", 1).capacity)
        assert.equal(342, m:allocate("f32x3", "f32x3", 1).capacity) -- 4104 bytes are the first that hold 4096
        assert.equal(1, m:allocate("large", "bytes5000", 1).capacity)
        assert.equal(512, m:allocate("f64", "f64", 0, { min_size_bytes = "4KiB" }).capacity)
        assert.equal(1, m:allocate("free", "u8", 1, { min_size_bytes = 0 }).capacity)
        assert.equal(1, m:allocate("f64s", "f64", 1, { min_size_bytes = 1 }).capacity)
    end)

    it("does not lengthen the buffer", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 3, { min_size_bytes = 1 << 20 })
        assert.equal(3, b.length)
        assert.equal(1 << 20, b.capacity)
        assert.equal(3, #b:download())
        assert.equal(1 << 20, m:stats().total_allocated_bytes)
    end)

    it("uses the room of the minimum without a growth", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 3)
        b:resize(4096)
        assert.equal(0, m:stats().resize_count)
        b:resize(4097)
        assert.equal(1, m:stats().resize_count)
        assert.equal(6144, b.capacity)
    end)

    it("stops growth at the maximum, which a last step may use up", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 100000, { max_size_bytes = 160000, growth_factor = 1.5 })
        local data = support.bytes(100000)
        b:upload(data)
        b:ensure_capacity(100001)
        assert.equal(150000, b.capacity)
        b:ensure_capacity(150001)
        assert.equal(160000, b.capacity)
        assert.equal(160000, b.max_length)
        unchanged(m, function()
            fails("OVER_MAX_SIZE", "buffer 'b'", b:ensure_capacity(160001))
        end)
        b:resize(160000)
        assert.equal(data .. string.rep("\0", 60000), b:download():bytes())
    end)

    it("holds whole elements only: 100 bytes are 8 of 12", function()
        local m = spec.manager()
        local b = m:allocate("b", "f32x3", 1, { max_size_bytes = 100, min_size_bytes = 0 })
        assert.equal(8, b.max_length)
        assert.is_true(b:resize(8))
        fails("OVER_MAX_SIZE", "9 elements", b:resize(9))
    end)

    it("takes max_length in elements before max_size_bytes", function()
        local m = spec.manager()
        local b = m:allocate("b", "f64", 1, { max_length = 3, min_size_bytes = 0 })
        assert.equal(3, b.max_length)
        assert.is_true(b:append { 1, 2 })
        fails("OVER_MAX_SIZE", "maximum of 3", b:append { 1 })
        assert.view_equals({ 0, 1, 2 }, b:download())
    end)

    it("keeps the capacity within the maximum where the minimum is larger in elements", function()
        local m = spec.manager()
        assert.equal(3, m:allocate("b", "f64", 1, { max_length = 3 }).capacity)
    end)

    it("refuses a minimum above the maximum, and a maximum that holds nothing", function()
        local m = spec.manager()
        unchanged(m, function()
            raises("min_size_bytes 5000 is more than max_size_bytes 4999", m.allocate, m, "b", "u8", 1,
                { min_size_bytes = 5000, max_size_bytes = 4999 })
            raises("a maximum of 11 bytes holds no element of 12 bytes", m.allocate, m, "b", "f32x3", 1,
                { max_size_bytes = 11, min_size_bytes = 0 })
            raises("'12XB' is not a size", m.allocate, m, "b", "u8", 1, { max_size_bytes = "12XB" })
            raises('option "max_size_bytes"', m.allocate, m, "b", "u8", 1, { max_size_bytes = -1 })
            raises('option "max_length": a count', m.allocate, m, "b", "u8", 1, { max_length = 2 ^ 63 })
        end)
    end)
end)
