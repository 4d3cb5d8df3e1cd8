-- successes: 11
-- SPDX-License-Identifier: MIT
-- Element types: scalars, packed vectors, structs with C layout, opaque bytes.

local gpumm = require "gpumm"
local support = require "spec.support"
local raises = support.raises

describe("element types", function()
    it("have CUDA's sizes and alignments", function()
        local scalars = { i8 = 1, u8 = 1, i16 = 2, u16 = 2, i32 = 4, u32 = 4, i64 = 8, u64 = 8, f16 = 2, f32 = 4, f64 = 8 }
        for name, size in pairs(scalars) do
            local scalar = gpumm.type(name)
            assert.equal(size, scalar.size)
            assert.equal(size, scalar.align)
            assert.equal("scalar", scalar.kind)
            assert.equal(1, scalar.lanes)
            for lanes = 2, 4 do
                local vector = gpumm.type(name .. "x" .. lanes)
                assert.equal(size * lanes, vector.size)
                assert.equal(lanes == 3 and size or math.min(size * lanes, 16), vector.align)
                assert.equal("vector", vector.kind)
                assert.equal(lanes, vector.lanes)
                assert.equal(name, vector.scalar)
                assert.equal(name .. "x" .. lanes, vector.name)
            end
        end
    end)

    it("are not: f32x1, f32x5, f8, float, F32, bytes0", function()
        for _, name in ipairs { "f32x1", "f32x5", "f32x", "f32x3 ", "f8", "float", "F32", "", "bytes", "bytes0", "bytes-4",
            "bytes99999999999999999999", "u32[2]" } do
            support.contains("is no element type: write one of i8 u8 i16 u16 i32 u32 i64 u64 f16 f32 f64",
                raises("INVALID_ARGUMENT", gpumm.type, name))
        end
        raises("text without zero bytes", gpumm.type, "f32\0")
        raises("an element type is wanted", gpumm.type, 32)
        raises("an element type is wanted", gpumm.type)
    end)

    it("lay structs out as C does", function()
        local s = gpumm.struct {
            { "a", "u8" }, { "b", "f64" }, { "c", "u16" }, { "d", "f32x3" }, { "e", "u8" }, { "f", "f32x4" }, { "g", "u8" },
        }
        local offsets = {}
        for i, field in ipairs(s.fields) do offsets[i] = field.offset end
        assert.same({ 0, 8, 16, 20, 32, 48, 64 }, offsets)
        assert.equal(80, s.size)
        assert.equal(16, s.align)
        assert.equal("struct", s.kind)
        assert.equal("d", s.fields[4].name)
        assert.equal("f32x3", s.fields[4].type.name)
    end)

    it("nest structs", function()
        local point = gpumm.struct { { "x", "f32" }, { "y", "f32" }, name = "point" }
        local line = gpumm.struct { { "kind", "u8" }, { "from", point }, { "to", point } }
        assert.equal(20, line.size)
        assert.equal(4, line.fields[2].offset)
        assert.equal(12, line.fields[3].offset)
        local v = gpumm.view(line, { { kind = 1, from = { x = 2, y = 3 }, to = { 4, 5 } } })
        assert.equal(3, v.from.y[1])
        assert.equal(4, v.to.x[1])
        v.to.x[1] = 9
        assert.same({ { kind = 1, from = { x = 2, y = 3 }, to = { x = 9, y = 5 } } }, v:totable())
    end)

    it("are equal by shape: names of structs do not count, those of fields do", function()
        local a = gpumm.struct { { "x", "f32" }, { "y", "f32" }, name = "a" }
        local b = gpumm.struct { { "x", "f32" }, { "y", "f32" }, name = "b" }
        local c = gpumm.struct { { "x", "f32" }, { "z", "f32" } }
        assert.is_true(a == b)
        assert.is_false(a == c)
        assert.is_false(a == gpumm.type "f32x2")
        assert.equal("a", a.struct_name)
        assert.is_nil(c.struct_name)
    end)

    it("declare themselves in C", function()
        local edge = gpumm.struct { { "from", "u32" }, { "at", "f32x2" }, name = "edge" }
        support.contains("typedef struct edge {", edge:declaration())
        support.contains("unsigned int from;", edge:declaration())
        support.contains("} other;", edge:declaration "other")
    end)

    it("refuse structs that are none", function()
        raises("a struct has 1 to 1024 fields", gpumm.struct, {})
        raises("field 1 of a struct is { name, type }", gpumm.struct, { "x" })
        raises("field 2 of a struct is { name, type }", gpumm.struct, { { "x", "u8" }, { "y" } })
        raises("the name of field 1 is a string, got number", gpumm.struct, { { 5, "u8" } })
        raises("'two words' is no C identifier", gpumm.struct, { { "two words", "u8" } })
        raises("is no C identifier", gpumm.struct, { { "1st", "u8" } })
        raises("is no C identifier", gpumm.struct, { { "", "u8" } })
        raises("is no C identifier", gpumm.struct, { { ("x"):rep(10000), "u8" } })
        raises("text without zero bytes", gpumm.struct, { { "a\0b", "u8" } })
        raises("'int' is a word of C or C++ itself", gpumm.struct, { { "int", "u8" } })
        raises("'x' is there twice", gpumm.struct, { { "x", "u8" }, { "x", "u8" } })
        raises("'f33' is no element type", gpumm.struct, { { "x", "f33" } })
        raises("the struct name 'a b' is no C identifier", gpumm.struct, { { "x", "u8" }, name = "a b" })
        raises('unknown option "nmae" (did you mean "name"?)', gpumm.struct, { { "x", "u8" }, nmae = "a" })
    end)

    it("may have fields that are called as a view's method is, which wins: field() reaches all", function()
        for _, name in ipairs { "get", "set", "each", "totable", "copy", "bytes", "type", "field" } do
            local v = gpumm.view(gpumm.struct { { name, "u8" }, { "x", "f32" } }, { { 7, 1.5 }, { 8, 2.5 } })
            assert.view_equals({ 7, 8 }, v:field(name))
            assert.view_equals({ 1.5, 2.5 }, v:field "x")
            assert.is_true(rawequal(v.x, v:field "x"))
            assert.equal("function", type(v[name]))
            v:field(name)[2] = 9
            assert.same({ 9, 2.5 }, { v:get(2) })
        end
        local v = gpumm.view(gpumm.struct { { "from", "u32" } }, 1)
        raises("has no 'form' (did you mean 'from'?); its fields are from", v.field, v, "form")
        raises("has no 'totabel' (did you mean 'totable'?)", function() return v.totabel end)
    end)

    it("refuse structs nested too deep", function()
        local s = gpumm.struct { { "x", "u8" } }
        local ok, message = pcall(function()
            for _ = 1, 100 do s = gpumm.struct { { "x", s } } end
        end)
        assert.is_false(ok)
        support.contains("nests structs more than", message)
    end)

    it("hold opaque bytes", function()
        local b = gpumm.type "bytes12"
        assert.equal(12, b.size)
        assert.equal(4, b.align)
        assert.equal("bytes", b.kind)
        assert.same({}, b.fields)
        local v = gpumm.view(b, { "abcdefghijkl", "\0\1\2\3\4\5\6\7\8\9\10\11" })
        assert.equal("abcdefghijkl", v:get(1))
        raises("bytes12 wants a string of 12 bytes, not of 11", v.set, v, 1, "abcdefghijk")
        raises("bytes12 wants a string of bytes, got number", v.set, v, 1, 5)
        assert.equal("abcdefghijkl", v:get(1))
    end)

    it("say what they have", function()
        local f = gpumm.type "f32"
        assert.equal("f32", tostring(f))
        raises("a type has no 'length'; it has name, kind, size, align", function() return f.length end)
        assert.equal("gpumm.type", getmetatable(f))
    end)
end)
