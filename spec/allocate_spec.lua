-- successes: 15
-- SPDX-License-Identifier: MIT
-- Allocating buffers by name.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

describe("allocate", function()
    after_each(spec.close)

    it("gives a buffer with what was asked for", function()
        local m = spec.manager()
        local b = m:allocate("positions", "f32x3", 1000)
        assert.equal("positions", b.name)
        assert.equal("f32x3", tostring(b.type))
        assert.equal(1000, b.length)
        assert.equal(1000, #b)
        assert.equal(1000, b.capacity)
        assert.equal(12000, b.capacity_bytes)
        assert.equal((1 << 30) // 12, b.max_length)
        assert.equal(1, b.generation)
        assert.is_true(b.address ~= 0)
        assert.equal(m, b.manager)
        assert.is_nil(b.group)
    end)

    it("zeroes every element", function()
        local m = spec.manager()
        for _, n in ipairs { 1, 1000, 1000003 } do
            assert.equal(string.rep("\0", n), m:allocate("z" .. n, "u8", n):download():bytes())
        end
    end)

    it("zeroes memory that held something before", function()
        local m = spec.manager()
        for _, n in ipairs { 1000, 500000 } do
            m:allocate("dirty", "u8", n):fill(0xAB)
            m:free("dirty")
            assert.equal(string.rep("\0", n), m:allocate("clean", "u8", n):download():bytes())
            m:free("clean")
        end
    end)

    it("keeps what is uploaded, of every scalar type", function()
        local m = spec.manager()
        local values = {
            i8 = { -128, 127, 5 }, u8 = { 0, 255, 5 }, i16 = { -32768, 32767, 5 }, u16 = { 0, 65535, 5 },
            i32 = { -2147483648, 2147483647, 5 }, u32 = { 0, 4294967295, 5 },
            i64 = { math.mininteger, math.maxinteger, 5 }, u64 = { 0, -1, 5 },
            f16 = { -65504.0, 0.5, 2.0 ^ -24 }, f32 = { -3.5, 2.0 ^ 100, 0.1 }, f64 = { 0.1, -1e300, 5.0 },
        }
        values.f32[3] = string.unpack("<f", string.pack("<f", 0.1))
        for type, list in pairs(values) do
            local b = m:allocate(type, type, 3)
            b:upload(list)
            assert.view_equals(list, b:download())
        end
    end)

    it("makes opaque elements where no type is given", function()
        local m = spec.manager()
        local b = m:allocate("opaque", nil, 3)
        assert.equal("bytes4", b.type.name)
        b:upload("abcdefghijkl")
        assert.equal("efgh", b:download():get(2))
        assert.equal("bytes32", m:allocate("edges", nil, 1, { bytes_per_element = 32 }).type.name)
    end)

    it("takes a length of 0, and grows from there", function()
        local m = spec.manager()
        local b = m:allocate("empty", "u32", 0, { min_size_bytes = 0 })
        assert.equal(0, b.length)
        assert.equal(0, b.capacity)
        assert.equal(0, #b:download())
        b:append { 1, 2, 3 }
        assert.view_equals({ 1, 2, 3 }, b:download())
    end)

    it("is found again by name as the same object", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 1)
        assert.is_true(rawequal(b, m:get_buffer("b")))
        assert.same({ "b" }, m:names())
    end)

    it("outlives its handle", function()
        local m = spec.manager()
        m:allocate("b", "u16", 3):upload { 1, 2, 3 }
        collectgarbage()
        collectgarbage()
        assert.view_equals({ 1, 2, 3 }, m:get_buffer("b"):download())
    end)

    it("refuses more than the buffer's maximum", function()
        local m = spec.manager()
        local message = unchanged(m, function()
            return (fails("OVER_MAX_SIZE", "268435457 elements are more than the maximum of 268435456",
                m:allocate("b", "f32", (1 << 28) + 1)))
        end)
        assert.is_true(#message > 0)
        fails("OVER_MAX_SIZE", "maximum of 10", m:allocate("b", "f32", 11, { max_length = 10 }))
    end)

    it("refuses lengths of 2^63 and more, below 0, and not whole", function()
        local m = spec.manager()
        unchanged(m, function()
            raises("number has no integer representation", m.allocate, m, "b", "u8", 2 ^ 63)
            raises("a count cannot be negative", m.allocate, m, "b", "u8", 1 << 63)
            raises("a count cannot be negative", m.allocate, m, "b", "u8", -1)
            raises("number has no integer representation", m.allocate, m, "b", "u8", 1.5)
            raises("number expected, got nil", m.allocate, m, "b", "u8")
            fails("OVER_MAX_SIZE", "9223372036854775807 elements", m:allocate("b", "u8", math.maxinteger))
            raises("more than can be addressed", m.allocate, m, "b", "u64", 1, { max_length = math.maxinteger })
        end)
    end)

    it("refuses names that are empty, too long or with a zero byte", function()
        local m = spec.manager()
        unchanged(m, function()
            raises("a buffer's name has 1 to 255 bytes; this one has none", m.allocate, m, "", "u8", 1)
            raises("a buffer's name has 1 to 255 bytes; this one has more", m.allocate, m, ("n"):rep(256), "u8", 1)
            raises("a buffer's name has 1 to 255 bytes; this one has more", m.allocate, m, ("n"):rep(10000), "u8", 1)
            raises("text without zero bytes expected", m.allocate, m, "a\0b", "u8", 1)
            raises("string expected, got table", m.allocate, m, {}, "u8", 1)
        end)
    end)

    it("takes every other name", function()
        local m = spec.manager()
        local names = { ("n"):rep(255), "a b", "größe/β", "\1\255", "%s%n", "'" }
        for i, name in ipairs(names) do m:allocate(name, "u8", 1):fill(i) end
        assert.same(names, m:names())
        for i, name in ipairs(names) do assert.view_equals({ i }, m:get_buffer(name):download()) end
    end)

    it("refuses types that there are not", function()
        local m = spec.manager()
        unchanged(m, function()
            raises("'f33' is no element type: write one of i8 u8", m.allocate, m, "b", "f33", 1)
            raises("'f32x5' is no element type", m.allocate, m, "b", "f32x5", 1)
            raises("an element type is wanted", m.allocate, m, "b", {}, 1)
        end)
    end)

    it("leaves nothing behind where the device has no memory", function()
        local m = spec.inject_faults({}, { memory = "256MiB" })
        m:allocate("kept", "u8", 100000):upload(support.bytes(100000))
        for _, call in ipairs(m:device().in_place and { "reserve", "commit" } or { "alloc" }) do
            m:trim()
            for _ = 1, 2 do
                m.fault:plan { call = call, nth = 1, status = "DRIVER" }
                unchanged(m, function() fails("DRIVER", "", m:allocate("b", "u8", 1 << 20)) end)
            end
        end
        assert.equal(string.rep("\0", 1 << 20), m:allocate("b", "u8", 1 << 20):download():bytes())
    end)

    it("shows a buffer as text, before and after", function()
        local b = spec.manager():allocate("b", "f32x2", 7)
        assert.equal("gpumm.buffer 'b' of 7 f32x2", tostring(b))
        b:free()
        assert.equal("gpumm.buffer 'b' (freed)", tostring(b))
    end)
end)
