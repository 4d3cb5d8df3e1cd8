-- successes: 15
-- SPDX-License-Identifier: MIT
-- gpumm.page: what is in a page, decoded and held against what was given.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local graph, page = gpumm.graph, gpumm.page

-- ---- Reading a page ----------------------------------------------------------------------------

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function decoded(text)
    assert.equal(0, #text % 4)
    local bytes = {}
    for k = 1, #text, 4 do
        local word, pad = 0, 0
        for j = k, k + 3 do
            local c = text:sub(j, j)
            if c == "=" then pad = pad + 1 end
            word = word << 6 | (c == "=" and 0 or LETTERS:find(c, 1, true) - 1)
        end
        bytes[#bytes + 1] = (">I3"):pack(word):sub(1, 3 - pad)
    end
    return table.concat(bytes)
end

local function element(text, id) return (assert(text:match('<script[^>]* id="' .. id .. '">(.-)</script>'), id)) end

local function numbers(format, size, data)
    local values = {}
    for k = 1, #data, size do values[#values + 1] = string.unpack("<" .. format, data, k) end
    return values
end

local function written(options)
    local path = os.tmpname()
    page.write(path, options)
    local file = assert(io.open(path, "rb"))
    local text = file:read "a"
    file:close()
    os.remove(path)
    return {
        text = text, meta = element(text, "meta"), names = element(text, "names"),
        positions = numbers("f", 4, decoded(element(text, "positions"))),
        edges = numbers("I4", 4, decoded(element(text, "edges"))),
        colors = numbers("B", 1, decoded(element(text, "colors"))), looks = numbers("B", 1, decoded(element(text, "looks"))),
        depths = numbers("f", 4, decoded(element(text, "depths"))), radii = numbers("f", 4, decoded(element(text, "radii"))),
        columns = numbers("f", 4, decoded(element(text, "columns"))), frames = numbers("H", 2, decoded(element(text, "frames"))),
    }
end

local PAIR = graph.new(2, { 1 }, { 2 })
local function pair(options)
    options.positions = options.positions or gpumm.view("f32x2", { { 0, 0.5 }, { -3, 1e6 } })
    return options
end

describe("a page", function()
    after_each(spec.close)

    it("has the positions and edges of a layout, bit for bit", function()
        local g = graph.read("examples/data/debian-sample.tsv")
        local r = gpumm.force.layout(g, { device = spec.device, steps = 5 }):run()
        local got = written { positions = r.positions, graph = g }
        local ends = {}
        for e = 1, g.edges do ends[2 * e - 1], ends[2 * e] = g.from[e] - 1, g.to[e] - 1 end
        assert.same(ends, got.edges)
        assert.view_equals(gpumm.view("u8", r.positions:bytes()),
            gpumm.view("u8", gpumm.view("f32", got.positions):bytes()))
        assert.equal(3 * g.nodes, #got.colors)
        assert.matches(('"nodes":%d,"edges":%d,'):format(g.nodes, g.edges), got.meta)
    end)

    it("has any number of nodes", function()
        for n = 1, 5 do
            local list, wanted = {}, {}
            for i = 1, n do
                list[i] = { i / 4, -i }
                wanted[2 * i - 1], wanted[2 * i] = i / 4, -i
            end
            local got = written { positions = list }
            assert.same(wanted, got.positions)
            assert.same({}, got.edges)
            assert.equal(3 * n, #got.colors)
        end
    end)

    it("has x and y of positions in space, and how deep they are", function()
        local got = written { positions = gpumm.view("f32x3", { { 1, 2, 3 }, { 4, 5, 6 } }) }
        assert.same({ 1, 2, 4, 5 }, got.positions)
        assert.same({ 3, 6 }, got.depths)
        assert.matches('"lanes":3,', got.meta, 1, true)
        assert.same({}, written { positions = { { 1, 2 } } }.depths)
    end)

    it("has how edges look, as large as in a picture", function()
        local g = graph.new(4, { 1, 1, 1 }, { 2, 3, 4 }, { 25, 1, 4 })
        g.directed = true
        local got = written { positions = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { -1, -1 } }, graph = g }
        assert.equal(6, #got.looks)
        assert.is_true(got.looks[1] == 192 and got.looks[3] < got.looks[5] and got.looks[5] < 192) -- six times a plain one
        assert.same({ 255, 255, 255 }, { got.looks[2], got.looks[4], got.looks[6] }) -- each is alone
        assert.is_true(got.radii[1] > got.radii[2])
        assert.matches('"directed":true', got.meta, 1, true)
    end)

    it("has radii in the positions' unit, where it is given them", function()
        local at = { { 0, 0 }, { 1, 0 }, { 0, 1 } }
        local got = written { positions = at, radii = { 0.25, 0, 3 } }
        assert.same({ 0.25, 0, 3 }, got.radii)
        assert.matches('"to_scale":true', got.meta, 1, true)
        assert.matches('"to_scale":false', written { positions = at, sizes = { 1, 2, 3 } }.meta, 1, true)
    end)

    it("has columns to filter by: numbers, and texts by their kinds", function()
        local got = written { positions = { { 0, 0 }, { 1, 0 }, { 2, 0 } }, colors = { 1998, 2004, 2020 }, legend = "year",
            columns = { year = { 1998, 2004, 0 / 0 }, side = { "left", "<right>", "left" }, id = { "a", "b", "c" } } }
        assert.matches('"columns":[{"name":"side","kinds":["left","\\u003cright>"]},{"name":"year"}]', got.meta, 1, true)
        assert.same({ 0, 1, 0, 1998, 2004 }, table.move(got.columns, 1, 5, 1, {}))
        assert.is_true(got.columns[6] ~= got.columns[6])
        assert.matches('"legend":{"kind":"range","title":"year","low":1998,"high":2020}', got.meta, 1, true)
    end)

    it("has the frames in which a layout grew, each of them the nodes that there were", function()
        local list = { { step = 5, positions = gpumm.view("f32x2", { { 0, 0 } }) },
            { step = 10, positions = gpumm.view("f32x2", { { 1, -1 }, { 3, 2 } }) } }
        local got = written { positions = { { 4, 0 }, { 0, 0 }, { 2, 3 } }, frames = list }
        assert.matches('"frames":[[5,1],[10,2],[11,3]],"box":[0,-1,4]', got.meta, 1, true)
        local wanted = { 0, 0, 1, -1, 3, 2, 4, 0, 0, 0, 2, 3 }
        assert.equal(#wanted, #got.frames)
        for k, value in ipairs(got.frames) do
            assert.near(wanted[k], (k % 2 == 1 and 0 or -1) + value / 65535 * 4, 4 / 65535)
        end
        local ok, message = pcall(written, { positions = { { 0, 0 } }, frames = list })
        assert.is_false(ok)
        assert.matches("frame 2 has not 1 to 1 positions of f32x2", message)
    end)

    it("keeps some frames of many, evenly", function()
        local frames = page.frames(8)
        for step = 1, 100 do frames:add(step, gpumm.view("f32x2", { { step, 0 } })) end
        assert.is_true(#frames > 4 and #frames <= 8)
        for k = 2, #frames do
            assert.equal(frames[2].step - frames[1].step, frames[k].step - frames[k - 1].step)
            assert.equal(frames[k].step, (frames[k].positions:get(1)))
        end
    end)

    it("has a drawing that other pages can use, and that knows nothing of its data", function()
        local drawing = require "gpumm.page.parts".drawing()
        for _, name in ipairs { "gpummWebGL(", "gpummCanvas(", "gpummDrawing(", "gpummHands(" } do
            assert.matches("function " .. name, drawing, 1, true)
        end
        for _, name in ipairs { "gpummData", "byId", "getElementById", "location.", "@" } do
            assert.is_nil(drawing:find(name, 1, true), name)
        end
        local text = written(pair { graph = PAIR }).text
        assert.matches(drawing, text, 1, true)
        assert.is_nil(text:find "@%u+@")
    end)

    it("has the colors that were asked for", function()
        assert.same({ 255, 0, 0, 0, 128, 255 }, written(pair { colors = { "#ff0000", { 0, 0.5, 1 } } }).colors)
        local low, high = { 77, 133, 242 }, { 247, 199, 66 }
        local wanted = table.move(high, 1, 3, 4, { table.unpack(low) })
        assert.same(wanted, written(pair { colors = { 0.5, 7.25 } }).colors)
    end)

    it("colors a column of kinds by how many they are", function()
        local got = written { positions = { { 0, 0 }, { 1, 0 }, { 2, 0 } }, colors = { "rare", "often", "often" } }.colors
        assert.same({ 0xff, 0x7a, 0x5c, 0x5b, 0x8f, 0xf9, 0x5b, 0x8f, 0xf9 }, got)
    end)

    it("shows edges only between nodes that have a place", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 })
        assert.same({ 0, 1 }, written(pair { graph = g }).edges)
    end)

    it("says names and a title that no page could be broken with", function()
        local g = graph.new(2, { 1 }, { 2 })
        g.names = { '</script><script>alert("1")', "caf\xe9\n" }
        local got = written(pair { graph = g, title = "<b>&</b> @POSITIONS@ %1" })
        assert.equal('["\\u003c/script>\\u003cscript>alert(\\u00221\\u0022)","café\\u000a"]', got.names)
        assert.matches("<title>&lt;b&gt;&amp;&lt;/b&gt; @POSITIONS@ %1</title>", got.text, 1, true)
        assert.equal("[]", written(pair { graph = g, names = false }).names)
    end)

    it("needs nothing from elsewhere", function()
        local text = written(pair { graph = PAIR }).text
        for _, word in ipairs { "http:", "https:", "src=", "href=", "import ", "url%(", "fetch%(" } do
            assert.is_nil(text:find(word), word)
        end
    end)

    it("refuses what it cannot show", function()
        local function refused(options)
            local ok, message = pcall(page.write, "/no/such/folder/page.html", options)
            assert.is_false(ok)
            return message
        end
        assert.matches("unknown option \"colour\" %(did you mean \"colors\"%?%); valid: positions", refused(pair { colour = 1 }))
        assert.matches("page.write needs positions", refused {})
        assert.matches("no positions", refused { positions = {} })
        assert.matches("position 2 is not finite", refused { positions = { { 0, 0 }, { 0 / 0, 1 } } })
        assert.matches("the background is table: .*; a color is", refused(pair { background = { math.huge, 0, 0 } }))
        assert.matches("colors are numbers that are not all finite", refused(pair { colors = { 1, math.huge } }))
        assert.matches("names are a list, one a node, or false; not 5", refused(pair { names = 5 }))
        assert.matches("columns are a table of columns by name, or false; not 5", refused(pair { columns = 5 }))
        assert.matches("a column has a name, not 2", refused(pair { columns = { a = { 1, 2 }, [2] = { 1, 2 } } }))
        assert.matches("frames are a list, not 5", refused(pair { frames = 5 }))
        assert.matches("2 positions for a graph of 1 nodes", refused(pair { graph = graph.new(1, {}, {}) }))
        local ok, message = pcall(page.write, "/no/such/folder/page.html", pair {})
        assert.is_false(ok)
        assert.matches("cannot be written", message)
    end)
end)
