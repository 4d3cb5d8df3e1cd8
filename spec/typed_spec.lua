-- successes: 7
-- SPDX-License-Identifier: MIT
-- Typed access: a buffer has one element type, and who asks for another learns both.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

describe("typed access", function()
    after_each(spec.close)

    it("finds a buffer by its type, as text or as an object, or by name alone", function()
        local m = spec.manager()
        local b = m:allocate("p", "f32x3", 2)
        b:upload { 1, 2, 3, 4, 5, 6 }
        for _, type in ipairs { "f32x3", gpumm.type "f32x3", b.type } do
            assert.is_true(rawequal(b, m:get_buffer("p", type)))
        end
        assert.is_true(rawequal(b, m:get_buffer("p")))
    end)

    it("refuses every other type, also one of the same size", function()
        local m = spec.manager()
        m:allocate("p", "f32", 2):upload { 1, 2 }
        unchanged(m, function()
            for _, other in ipairs { "u32", "i32", "f64", "u8", "f32x2", "bytes4", "f16x2" } do
                fails("TYPE_MISMATCH", "buffer 'p' holds f32, not " .. other, m:get_buffer("p", other))
            end
            raises("'float' is no element type", m.get_buffer, m, "p", "float")
            raises("an element type is wanted", m.get_buffer, m, "p", 4)
        end)
    end)

    it("compares structs by their fields, in order, whatever their name", function()
        local m = spec.manager()
        m:allocate("e", gpumm.struct { { "from", "u32" }, { "to", "u32" }, name = "edge" }, 1)
        assert.equal("e", m:get_buffer("e", gpumm.struct { { "from", "u32" }, { "to", "u32" } }).name)
        fails("TYPE_MISMATCH", "holds edge{from:u32,to:u32}, not {to:u32,from:u32}",
            m:get_buffer("e", gpumm.struct { { "to", "u32" }, { "from", "u32" } }))
        fails("TYPE_MISMATCH", "", m:get_buffer("e", gpumm.struct { { "from", "u32" }, { "to", "i32" } }))
        fails("TYPE_MISMATCH", "", m:get_buffer("e", "u32x2"))
    end)

    it("refuses views of another type, and takes strings of whole elements", function()
        local m = spec.manager()
        local b = m:allocate("p", "f32", 2)
        b:upload { 5, 6 }
        unchanged(m, function()
            raises("TYPE_MISMATCH: f32 is wanted, and the view is of u32", b.upload, b, gpumm.view("u32", { 1, 2 }))
            raises("a string of 7 bytes does not divide into elements of f32 (4 bytes each)", b.upload, b, "1234567")
            raises("f32 wants a number, got string", b.upload, b, { 1, "2" })
            raises("come from a list, a string of bytes, a view or a buffer; got number", b.upload, b, 5)
        end)
        b:upload(string.pack("<ff", 1.5, -2.5))
        assert.view_equals({ 1.5, -2.5 }, b:download())
    end)

    it("copies between buffers of one type only", function()
        local m = spec.manager()
        local a, b, c = m:allocate("a", "f32", 3), m:allocate("b", "f32", 3), m:allocate("c", "u32", 3)
        a:upload { 1, 2, 3 }
        unchanged(m, function() fails("TYPE_MISMATCH", "'c' holds u32, 'a' holds f32", c:copy(a)) end)
        assert.is_true(b:copy(a))
        assert.view_equals({ 1, 2, 3 }, b:download())
        assert.is_true(b:copy(a, { first = 2, from_first = 3, count = 1 }))
        assert.view_equals({ 1, 3, 3 }, b:download())
    end)

    it("refuses values that do not fit, by element and field, and writes nothing", function()
        local m = spec.manager()
        local e = m:allocate("e", gpumm.struct { { "from", "u32" }, { "w", "i8" } }, 2)
        e:upload { { 1, 2 }, { 3, 4 } }
        unchanged(m, function()
            raises("element 2.from: -1 does not fit u32 (0 to 4294967295)", e.upload, e, { { 1, 1 }, { -1, 1 } })
            raises("element 1.w: 128 does not fit i8 (-128 to 127)", e.upload, e, { { 1, 128 }, { 1, 1 } })
            raises("element 1.w: i8 wants an integer, not 1.5", e.upload, e, { { from = 1, w = 1.5 } })
            raises("wants its field 'w' too", e.upload, e, { { from = 1 } })
            raises("has no field 'v'; its fields are from, w", e.upload, e, { { from = 1, v = 2 } })
            raises("has no field 'w\\0x'; its fields are from, w", e.upload, e, { { from = 1, ["w\0x"] = 2 } })
            raises("has no field '7'; its fields are from, w", e.upload, e, { { from = 1, [7] = 2 } })
            raises("wants 2 values (from, w), not 3", e.upload, e, { { 1, 2, 3 } })
            raises("wants a table, got number", e.upload, e, { 1, 2 })
            raises("this table has other keys (x)", e.upload, e, { x = 1 })
            raises("from: u32 wants an integer, not 1.5", function() e:fill { 1.5, 2 } end)
        end)
    end)

    it("says what a type is made of", function()
        local edge = gpumm.struct { { "from", "u32" }, { "to", "u32" }, name = "edge" }
        local b = spec.manager():allocate("e", edge, 1)
        assert.is_true(b.type == edge)
        assert.is_true(b.type ~= gpumm.type "u32x2")
        assert.equal("edge{from:u32,to:u32}", tostring(b.type))
    end)
end)
