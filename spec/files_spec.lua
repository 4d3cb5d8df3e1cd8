-- successes: 9
-- SPDX-License-Identifier: MIT
-- Data from and to files: .npy as NumPy writes it, and raw bytes; whole or not at all.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails = support.raises, support.fails

local folder
local function path(name) return folder .. "/" .. name end

local function slurp(name)
    local file <close> = assert(io.open(path(name), "rb"))
    return file:read("a")
end

local function write(name, text)
    local file <close> = assert(io.open(path(name), "wb"))
    file:write(text)
end

local function files()
    local list = {}
    for name in io.popen(("ls -A '%s'"):format(folder)):lines() do list[#list + 1] = name end
    return list
end

local function npy(header, data)
    header = header .. (" "):rep((-(10 + #header + 1)) % 64) .. "\n"
    return "\147NUMPY\1\0" .. string.pack("<I2", #header) .. header .. (data or "")
end

describe("files", function()
    before_each(function()
        folder = os.tmpname()
        os.remove(folder)
        os.execute(("mkdir '%s'"):format(folder))
    end)
    after_each(function()
        os.execute(("rm -rf '%s'"):format(folder))
        spec.close()
    end)

    it("write .npy byte for byte as NumPy would read it", function()
        assert.is_true(gpumm.npy.write(path "a.npy", gpumm.view("f32x2", { 1, 2, 3, 4, 5, 6 })))
        local text = slurp "a.npy"
        assert.equal(0, (#text - 24) % 64)
        assert.equal("\147NUMPY\1\0", text:sub(1, 8))
        assert.matches("{'descr': '<f4', 'fortran_order': False, 'shape': %(3, 2%), } *\n", text)
        assert.equal(string.pack("<ffffff", 1, 2, 3, 4, 5, 6), text:sub(-24))
        gpumm.npy.write(path "b.npy", gpumm.view("u64", { -1 }))
        support.contains("'<u8', 'fortran_order': False, 'shape': (1,), }", slurp "b.npy")
        local s = gpumm.struct { { "tag", "u8" }, { "w", "f64" }, { "at", "f32x2" } }
        gpumm.npy.write(path "c.npy", gpumm.view(s, 2))
        support.contains("[('tag', '|u1'), ('', '|V7'), ('w', '<f8'), ('at', '<f4', (2,))]", slurp "c.npy")
    end)

    it("read back every type as it was", function()
        for _, type in ipairs { "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f16", "f32", "f64" } do
            for _, lanes in ipairs { "", "x2", "x3", "x4" } do
                local name = type .. lanes
                local v = gpumm.view(name, support.bytes(gpumm.type(name).size * 37, 5))
                assert.is_true(gpumm.npy.write(path(name), v))
                local back = gpumm.npy.read(path(name))
                assert.is_true(back:type() == gpumm.type(name), name)
                assert.equal(v:bytes(), back:bytes())
            end
        end
    end)

    it("bring structs through a buffer and a file", function()
        local s = gpumm.struct { { "tag", "u8" }, { "w", "f64" }, { "at", "f32x2" }, { "id", "i64" } }
        local b = spec.manager():allocate("b", s, 50)
        local rows = {}
        for i = 1, 50 do rows[i] = { tag = i, w = i / 3, at = { i, -i }, id = -i << 50 } end
        b:upload(rows)
        gpumm.npy.write(path "s.npy", b:download())
        local back = gpumm.npy.read(path "s.npy")
        assert.is_true(back:type() == s)
        b:fill { tag = 0, w = 0, at = { 0, 0 }, id = 0 }
        b:upload(back)
        assert.same({ 50, 50 / 3, { 50, -50 }, -50 << 50 }, { b:download():get(50) })
    end)

    it("write a field's view without its neighbours", function()
        gpumm.raw.write(path "y", gpumm.view("u16x2", { 1, 2, 3, 4 }).y)
        assert.equal("\2\0\4\0", slurp "y")
        gpumm.npy.write(path "y.npy", gpumm.view("u16x2", { 1, 2, 3, 4 }).y)
        assert.view_equals({ 2, 4 }, gpumm.npy.read(path "y.npy"))
    end)

    it("read raw bytes as what they are said to be", function()
        write("raw", string.pack("<i8i8", math.mininteger, 77))
        assert.view_equals({ math.mininteger, 77 }, gpumm.raw.read(path "raw", "i64"))
        assert.equal(16, #gpumm.raw.read(path "raw", "u8"))
        local v, message, code = gpumm.raw.read(path "raw", "f32x3")
        fails("IO", "16 bytes", v, message, code)
        write("empty", "")
        assert.equal(0, #gpumm.raw.read(path "empty", "f32"))
    end)

    it("name what cannot be read", function()
        fails("IO", path "missing", gpumm.npy.read(path "missing"))
        fails("IO", path "missing", gpumm.raw.read(path "missing", "u8"))
        fails("IO", folder, gpumm.raw.read(folder, "u8"))
        raises("text without zero bytes", gpumm.npy.read, path "a\0b")
    end)

    it("refuse .npy files that are damaged or of another kind", function()
        local good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", ("\0"):rep(8))
        local cases = {
            good:sub(1, 5), good:sub(1, 40), good:sub(1, -2), "PK\3\4" .. good,
            npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", ("\0"):rep(8)),
            npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", ("\0"):rep(24)),
            npy("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", ("\0"):rep(16)),
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", ("\0"):rep(16)),
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 7), }", ("\0"):rep(56)),
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,), }", ("\0"):rep(4)),
            npy("{'descr': '<f4', 'shape': (2,)", ("\0"):rep(8)),
        }
        write("good", good)
        assert.view_equals({ 0, 0 }, gpumm.npy.read(path "good"))
        for i, text in ipairs(cases) do
            write("bad", text)
            local v, message, code = gpumm.npy.read(path "bad")
            assert.is_nil(v, "case " .. i)
            assert.equal("string", type(code))
            support.contains(path "bad", message)
        end
    end)

    it("leave no part of a file where writing fails, and the old one as it was", function()
        fails("IO", path "no/such/folder", gpumm.npy.write(path "no/such/folder/a.npy", gpumm.view("u8", 3)))
        write("old", "old contents")
        fails("IO", "/dev/full", gpumm.raw.write("/dev/full", gpumm.view("u8", 100000)))
        raises("gpumm.view expected", gpumm.raw.write, path "old", "text")
        assert.equal("old contents", slurp "old")
        assert.same({ "old" }, files())
        assert.is_true(gpumm.raw.write(path "old", gpumm.view("u8", { 65, 66 })))
        assert.equal("AB", slurp "old")
        assert.same({ "old" }, files())
    end)

    it("carry no elements as well as some", function()
        gpumm.npy.write(path "none.npy", gpumm.view("f32x3", 0))
        local v = gpumm.npy.read(path "none.npy")
        assert.equal(0, #v)
        assert.equal("f32x3", v:type().name)
    end)
end)
