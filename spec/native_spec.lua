-- successes: 9
-- SPDX-License-Identifier: MIT
-- What layouts, graphs and pictures are made of in C (gpumm.layout.native), which our own Lua files alone call: it trusts nothing
-- all the same.

local gpumm = require "gpumm"
local support = require "spec.support"
local beside = require "spec.beside" (teardown)
local native = gpumm["layout.native"]

local function u32(values) return gpumm.view("u32", values) end

local function refused(text, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    support.contains(text, message)
end

-- A file with this text, and one alone.
local sources = 0
local function source(text)
    sources = sources + 1
    return assert(native.open(beside.write("source" .. sources, text), 1 << 20))
end

describe("the functions behind layouts", function()
    it("take no matrix whose eigenvectors would take long, since nothing interrupts them", function()
        local eigenvectors = native.eigenvectors
        local function zeros(n) return gpumm.view("f64", n) end
        refused("at most 1024 rows and at most 8 vectors", eigenvectors, zeros(1025 * 1025), zeros(1025))
        refused("at most 1024 rows and at most 8 vectors", eigenvectors, zeros(9), zeros(3 * 9))
        refused("a square matrix", eigenvectors, zeros(8), zeros(3))
        assert.equal(0, eigenvectors(zeros(1024 * 1024), zeros(1024 * 8)):get(1))
        local axes = eigenvectors(gpumm.view("f64", { 1, 0, 0, 0, 9, 0, 0, 0, 4 }), gpumm.view("f64", { 1, 1, 1, 1, 2, 3 }))
        for k, size in ipairs { 0, 1, 0, 0, 0, 1 } do assert.near(size, math.abs(axes:get(k)), 1e-3) end
    end)

    it("take no components or rows of neighbours on trust", function()
        refused("label 7 is none of the 2 nodes", native.members, u32 { 0, 7 }, 16)
        refused("a view of u32 is needed, not of f32", native.members, gpumm.view("f32", { 0 }), 16)
        refused("from 0", native.members, u32 { 0 }, -1)
        refused("node 2 has no row: there are 2", native.entries, u32 { 0, 1, 2 }, u32 { 0, 2 })
        assert.equal(6, native.entries(u32 { 0, 1, 4, 9 }, u32 { 2, 0 }))
        local lists = native.members(u32 { 0, 5, 2, 0, 4, 5, 0 }, 2)
        assert.same({ 0, 3, 6 }, lists[1]:totable())
        assert.equal("u32", lists[1]:type().name)
        assert.same({ { 1, 5 }, { 2 }, { 4 } }, { lists[2], lists[3], lists[4] })
        assert.same({ 0, 1, 2, 0, 3, 1, 0 }, lists.number:totable())
        local at, one = gpumm.view("f32x2", { { 0, 0 }, { 1, 0 }, { 0, 1 } }), u32 { 0, 0, 0 }
        local function packed(row, near) return native.packed(at, one, 1, u32(row), u32(near), nil, 1, true, true) end
        refused("a row begins where the one before it ends", packed, { 0, 2000000000, 4000000000, 0 }, { 0 })
        refused("there is a row for each node", packed, { 1, 1, 2, 2 }, { 1, 0 })
        refused("there is no such node", packed, { 0, 1, 2, 2 }, { 1, 3 })
        assert.equal(7, #packed({ 0, 1, 2, 2 }, { 1, 0 }))
    end)

    it("take what lies in a frame as it was when the call began", function()
        local m <close> = assert(gpumm.manager { device = "host" })
        local b = m:buffer { type = "u32", length = 4 }
        local r = b:readback { slots = 2 }
        b:upload { 2, 0, 2, 0 }
        r:capture(1)
        local lists = native.members(r:wait(1).data, 1)
        assert.same({ { 1, 3 }, { 0, 2 } }, { lists[1]:totable(), lists[2]:totable() })
        b:upload { 0, 1, 3, 4 }
        r:capture(2)
        local last = r:wait(2).data
        assert.equal(3, native.entries(last, u32 { 2, 1 }))
        assert.equal(4, native.greatest(last))
        r:close()
        refused("STALE", native.greatest, last)
    end)

    it("skip less than all of the points", function()
        local points = gpumm.view("f32x2", { { 1, 2 }, { 3, 4 } })
        for _, skip in ipairs { -0.1, 0.5, 1e12, 0 / 0 } do
            refused("less than a half is skipped", native.spread, points, skip)
        end
        assert.same({ { 1, 1, 3, 3 }, { 2, 2, 4, 4 } }, native.spread(points, 0.4))
    end)

    it("count merged edges beside their ends", function()
        local function rows() return native.rows { u32 { 1, 1, 2 }, u32 { 2, 2, 1 }, u32(3) } end
        for column = 1, 2 do
            refused("counts have a column of their own", native.merge, rows(), 2, 1, 2, 0, column, "sum", 1)
        end
        local merged = rows()
        native.merge(merged, 2, 1, 2, 0, 3, "sum", 1)
        assert.same({ 3 }, merged:view(3):totable())
    end)

    it("name rows that are there", function()
        local function cells()
            local c = native.cells()
            for i = 1, 4 do c:put(i, ("A"):rep(100)) end
            return c
        end
        refused("there is no such row", cells().texts, cells(), native.texts { "B" }, u32 { 1000 })
        local names, other = cells(), native.cells()
        assert.equal("B", names:texts(native.texts { "a", "b", "c", "d", "B" }, u32 { 1, 2, 3, 4, 5 })[5])
        other:put(1, "x")
        assert.equal("", other:column(2, u32 { 1, 5 })[2])
    end)

    it("read dialects and columns without metamethods", function()
        local s = source "a b\nc d\n"
        local dialect = setmetatable({}, { __index = function() s:close() end })
        local function literal() return setmetatable({ kind = "literal" }, { __index = function() return ("n"):rep(100) end }) end
        refused("a literal needs its text", native.columns, s, 1, 1, dialect, { literal() }, 1, "x")
        local _, names = native.columns(s, 1, 1, dialect, { { kind = "name" }, { kind = "name" } }, 1, "x")
        assert.same({ "a", "b", "c", "d" }, { names[1][1], names[1][2], names[1][3], names[1][4] })
    end)

    it("share sources and number nodes within bounds", function()
        local s = source "a b\nc d\n"
        refused("there is no such part", s.share, s, 1, math.maxinteger // 2, math.maxinteger, "\n")
        assert.equal(1, s:share(1, 1, 2, "\n"))
        local b = native.builder()
        b:number(2000)
        b:edge(700, 701)
        local r = native.records(b, native.cells(), "")
        for _, key in ipairs { { "node", "", "id", "id" }, { "edge", "", "source", "from" }, { "edge", "", "target", "to" } } do
            r:key(table.unpack(key))
        end
        native.records_gml(r, source "edge [ source 5 target 6 ] node [ id 6 ] node [ id 5 ] x", 1)
        local rows = b:finish(true)
        assert.equal(700, rows:view(1):get(1))
        assert.equal(701, rows:view(2):get(1))
    end)

    it("shade by colors that no metamethod gives", function()
        local pen = native.pen_pixels(8, 8)
        if not pen then return end -- without Cairo
        local colors = setmetatable({ 1, 0, 0, 0, 0 }, { __len = function() return 6 end, __index = function()
            do local _ <close> = pen end
            return 0.5
        end })
        pen:shade(0, 0, 8, 8, colors)
        assert.equal(64, #pen:over(gpumm.view("u8x4", 64)))
    end)
end)
