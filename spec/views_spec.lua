-- successes: 14
-- SPDX-License-Identifier: MIT
-- Views: typed windows on host memory.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises = support.raises

local edge = gpumm.struct { { "from", "u32" }, { "to", "u32" }, { "w", "f32" } }

describe("views", function()
    after_each(spec.close)

    it("read and write scalars by index, from 1", function()
        local v = gpumm.view("i32", 3)
        assert.equal(3, #v)
        assert.view_equals({ 0, 0, 0 }, v)
        v[1], v[3] = -5, 7
        assert.equal(-5, v[1])
        assert.equal(0, v[2])
        assert.equal(7, v[3])
    end)

    it("give nil past the end, and raise where that is written", function()
        local v = gpumm.view("f32", { 1, 2 })
        for _, i in ipairs { 0, 3, -1, math.maxinteger, math.mininteger, 1.5 } do assert.is_nil(v[i]) end
        assert.is_nil(v:get(3))
        assert.is_nil((gpumm.view(edge, 2):get(3)))
        for _, i in ipairs { 0, 3, -1, math.maxinteger, math.mininteger } do
            raises(("index %d is outside of this view of 2 elements"):format(i), function() v[i] = 5 end)
            raises("is outside of this view", v.set, v, i, 5)
        end
        raises("of a view is not a whole number", function() v[1.5] = 5 end)
        raises("written by number", function() v.x = 5 end)
        assert.view_equals({ 1, 2 }, v)
    end)

    it("keep 64-bit integers as integers", function()
        local i, u = gpumm.view("i64", { math.mininteger, math.maxinteger, -1 }), gpumm.view("u64", { 0, -1, 1 << 63 })
        assert.view_equals({ math.mininteger, math.maxinteger, -1 }, i)
        assert.view_equals({ 0, -1, math.mininteger }, u)
        for k = 1, 3 do
            assert.equal("integer", math.type(i[k]))
            assert.equal("integer", math.type(u[k]))
        end
        u[1] = 2.0 ^ 63
        assert.equal(math.mininteger, u[1])
        raises("does not fit u64 (0 to 2^64 - 1)", function() u[1] = 2.0 ^ 64 end)
        raises("does not fit u64 (0 to 2^64 - 1)", function() u[1] = -1.0e300 end)
        raises("does not fit i64", function() i[1] = 2.0 ^ 63 end)
        assert.equal(1 << 53 | 1, gpumm.view("i64", { 1 << 53 | 1 })[1])
    end)

    it("refuse integers out of range and fractions, and take whole floats", function()
        local ranges = { i8 = { -128, 127 }, u8 = { 0, 255 }, i16 = { -32768, 32767 }, u16 = { 0, 65535 },
            i32 = { -2147483648, 2147483647 }, u32 = { 0, 4294967295 } }
        for type, range in pairs(ranges) do
            local v = gpumm.view(type, 1)
            for _, bound in ipairs(range) do
                v[1] = bound
                assert.equal(bound, v[1])
                v[1] = bound + 0.0
                assert.equal(bound, v[1])
                assert.equal("integer", math.type(v[1]))
            end
            raises("does not fit " .. type, function() v[1] = range[1] - 1 end)
            raises("does not fit " .. type, function() v[1] = range[2] + 1 end)
            raises(type .. " wants an integer, not 0.5", function() v[1] = 0.5 end)
            raises("does not fit " .. type, function() v[1] = 0 / 0 end)
            raises(type .. " wants a number, got string", function() v[1] = "1" end)
            raises(type .. " wants a number, got nil", function() v[1] = nil end)
            assert.equal(range[2], v[1])
        end
    end)

    it("round halves to nearest, ties to even, and know their limits", function()
        local v = gpumm.view("f16", 1)
        local pairs_of = { { 1.5, 1.5 }, { 65504, 65504 }, { 65519.99, 65504 }, { 65520, math.huge }, { 1e9, math.huge },
            { -1e9, -math.huge }, { 2.0 ^ -24, 2.0 ^ -24 }, { 2.0 ^ -25, 0 }, { 2.0 ^ -25 * 1.0001, 2.0 ^ -24 },
            { 2049, 2048 }, { 2051, 2052 }, { 1 + 2.0 ^ -11, 1 }, { 1 + 3 * 2.0 ^ -11, 1 + 2.0 ^ -9 } }
        for _, case in ipairs(pairs_of) do
            v[1] = case[1]
            assert.equal(case[2], v[1])
        end
        v[1] = 0 / 0
        assert.is_true(v[1] ~= v[1])
    end)

    it("keep NaN, infinities and negative zero", function()
        for _, type in ipairs { "f32", "f64", "f16" } do
            local v = gpumm.view(type, { 0 / 0, 1 / 0, -1 / 0, -0.0 })
            assert.is_true(v[1] ~= v[1])
            assert.equal(math.huge, v[2])
            assert.equal(-math.huge, v[3])
            assert.equal(-math.huge, 1 / v[4])
        end
    end)

    it("give vectors' lanes and structs' fields, whole and by name", function()
        local v = gpumm.view("f32x3", { 1, 2, 3, 4, 5, 6 })
        assert.same({ 4, 5, 6 }, { v:get(2) })
        assert.view_equals({ 2, 5 }, v.y)
        v.z[1] = 9
        v:set(2, 7, 8, 9)
        assert.view_equals({ { 1, 2, 9 }, { 7, 8, 9 } }, v)
        raises("a view of f32x3 has no 'w'; its fields are x, y, z", function() return v.w end)
        raises("v[i] reads scalars; this is a view of f32x3", function() return v[1] end)
        raises("v[i] = x writes scalars", function() v[1] = 5 end)

        local e = gpumm.view(edge, { { 1, 2, 0.5 }, { from = 3, to = 4, w = 1.5 } })
        assert.same({ 3, 4, 1.5 }, { e:get(2) })
        e.to[1] = 77
        e:set(2, { from = 8, to = 9, w = 10 })
        assert.same({ { from = 1, to = 77, w = 0.5 }, { from = 8, to = 9, w = 10.0 } }, e:totable())
        raises("has no 'weight'; its fields are from, to, w", function() return e.weight end)
        raises("has no 'from\\0'; its fields are from, to, w", function() return e["from\0"] end)
    end)

    it("write an element whole or not at all", function()
        local e = gpumm.view(edge, { { 1, 2, 3 } })
        raises("to: -1 does not fit u32", e.set, e, 1, 9, -1, 9)
        raises("wants 3 values (from, to, w), not 2", e.set, e, 1, 9, 9)
        raises("wants 3 values (from, to, w), not 4", e.set, e, 1, 9, 9, 9, 9)
        assert.same({ 1, 2, 3.0 }, { e:get(1) })
    end)

    it("walk with each()", function()
        local seen = {}
        for i, x, y in gpumm.view("f32x2", { 1, 2, 3, 4 }):each() do seen[i] = { x, y } end
        assert.same({ { 1, 2 }, { 3, 4 } }, seen)
        for i, x in gpumm.view("u8", { 5, 6 }):each() do seen[i] = x end
        assert.same({ 5, 6 }, seen)
        for _ in gpumm.view("u8", 0):each() do error("nothing is there") end
    end)

    it("come from tables, flat lists, strings and views", function()
        local nested, flat = gpumm.view("u16x2", { { 1, 2 }, { 3, 4 } }), gpumm.view("u16x2", { 1, 2, 3, 4 })
        local text = gpumm.view("u16x2", "\1\0\2\0\3\0\4\0")
        assert.view_equals(nested, flat)
        assert.view_equals(nested, text)
        local copy = gpumm.view("u16x2", nested)
        nested.x[1] = 99
        assert.equal(1, copy.x[1])
        assert.equal("\1\0\2\0\3\0\4\0", copy:bytes())
        assert.equal("\1\0\3\0", copy.x:bytes())
        assert.view_equals({ 2, 4 }, gpumm.view("u16", copy.y))
        raises("a flat list for u16x2 has a multiple of 2 numbers, not 3", gpumm.view, "u16x2", { 1, 2, 3 })
        raises("how many elements, or which?", gpumm.view, "u16x2")
        raises("a count cannot be negative", gpumm.view, "u8", -1)
        raises("is too large", gpumm.view, "u64", math.maxinteger)
    end)

    it("copy to memory of their own", function()
        local v = gpumm.view("f32x2", { 1, 2, 3, 4 })
        local copy, column = v:copy(), v.y:copy()
        v:set(1, 9, 9)
        assert.view_equals({ { 1, 2 }, { 3, 4 } }, copy)
        assert.view_equals({ 2, 4 }, column)
        assert.equal(v:type(), gpumm.type "f32x2")
    end)

    it("of a field keep the whole alive", function()
        local column = gpumm.view("f32x2", { 1, 2, 3, 4 }).y
        collectgarbage()
        collectgarbage()
        assert.view_equals({ 2, 4 }, column)
    end)

    it("of a download own their memory", function()
        local m = spec.manager()
        local b = m:allocate("b", "u32", 3)
        b:upload { 1, 2, 3 }
        local v = b:download()
        b:fill(9)
        m:free("b")
        m:close()
        v[2] = 22
        assert.view_equals({ 1, 22, 3 }, v)
    end)

    it("of a frame are read-only, and STALE after the next delivery unless kept", function()
        local m = spec.manager()
        local b = m:allocate("b", "u32", 3)
        local r = b:readback { slots = 3 }
        b:fill(1)
        r:capture(1)
        local first = r:wait()
        local v, copy = first.data, first.data:copy()
        raises("a frame is read-only", function() v[1] = 5 end)
        raises("a frame is read-only", v.set, v, 1, 5)
        assert.view_equals({ 1, 1, 1 }, v)
        b:fill(2)
        r:capture(2)
        local second = r:wait():keep()
        raises("STALE: the frame of step 1 has ended: a later one was delivered: keep() it", function() return v[1] end)
        raises("STALE", function() return v:totable() end)
        raises("STALE", function() return v.totable end)
        raises("STALE", b.upload, b, v)
        support.contains("stale", tostring(v))
        b:fill(3)
        r:capture(3)
        assert.view_equals({ 3, 3, 3 }, r:wait().data)
        assert.view_equals({ 2, 2, 2 }, second.data)
        second:release()
        raises("STALE", function() return second.data[1] end)
        assert.view_equals({ 1, 1, 1 }, copy)
    end)
end)
