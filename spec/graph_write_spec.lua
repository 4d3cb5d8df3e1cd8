-- successes: 14
-- SPDX-License-Identifier: MIT
-- Graphs as files and back; positions by the names of their nodes; columns wherever a list may be.

local gpumm = require "gpumm"
local graph, picture = gpumm.graph, gpumm.picture

local beside = require "spec.beside" (teardown)
local write = beside.write
local folder = beside.folder

-- Names that are hard to quote, weights, and an attribute of every type.
local function sample()
    return graph.read(write("in.csv", 'source,target,weight,kind,year,share\n"A, ""x""",B<&>,2,p,1999,0.25\n'
        .. 'B<&>,c  d,1.5,q,2001,0.5\n'
        .. '"c  d","A, ""x""",0.1,,2002,\n'))
end

local AT = gpumm.view("f32x2", { { 0.1, 2 }, { -3, 4e10 }, { 5, 6.5 } })

describe("a graph that is written", function()
    for _, ending in ipairs { "graphml", "gexf", "csv" } do
        it("as ." .. ending .. " is the same when it is read back, attributes too", function()
            local g = sample()
            assert.is_true(graph.write(beside("out." .. ending), g))
            local back = graph.read(beside("out." .. ending))
            assert.same(g.names:totable(), back.names:totable())
            assert.same(g.weights:totable(), back.weights:totable())
            assert.same(g.from:totable(), back.from:totable())
            assert.same(g.to:totable(), back.to:totable())
            assert.same({ "p", "q", "" }, back.edge_columns.kind:totable())
            assert.same({ 1999, 2001, 2002 }, back.edge_columns.year:totable())
            assert.same({ 0.25, 0.5 }, { back.edge_columns.share[1], back.edge_columns.share[2] })
            assert.is_true(back.edge_columns.share[3] ~= back.edge_columns.share[3]) -- nothing is there
        end)
    end

    it("has as many nodes when it was of two kinds that are numbered apart", function()
        local g = graph.read(write("two.tsv", "% bip unweighted\n1 1\n1 2\n2 1\n"))
        assert.same({ 1, 1, 2, 2 }, g.node_columns.kind:totable())
        for _, ending in ipairs { "graphml", "gexf", "csv" } do
            assert(graph.write(beside("two." .. ending), g))
            local back = graph.read(beside("two." .. ending))
            assert.same({ 4, 3 }, { back.nodes, back.edges })
        end
        assert(picture.positions(beside "two.csv", gpumm.view("f32x2", { { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 } }), g))
        assert.same({ 3.0, 3.0 }, { graph.positions(beside "two.csv", g):get(3) })
    end)

    it("has positions, sizes and colors in the formats that know them", function()
        local options = { positions = AT, sizes = gpumm.view("f32", { 1, 2, 3 }), colors = { "#ff0000", "#00ff00", { 0, 0, 1 } } }
        assert(graph.write(beside "at.graphml", sample(), options))
        assert(graph.write(beside "at.gexf", sample(), options))
        local ml, xf = graph.read(beside "at.graphml").node_columns, graph.read(beside "at.gexf").node_columns
        for i = 1, 3 do
            local x, y = AT:get(i)
            assert.same({ x, y, i + 0.0 }, { ml.x[i], ml.y[i], ml.size[i] })
            assert.same({ x, y, 0.0, i + 0.0 }, { xf.x[i], xf.y[i], xf.z[i], xf.size[i] })
        end
        assert.same({ 255, 0, 0 }, ml.r:totable())
        assert.same({ "#ff0000", "#00ff00", "#0000ff" }, xf.color:totable())
    end)

    it("stays directed where all edges of a table were", function()
        for word, directed in pairs { Directed = true, Undirected = false } do
            local g = graph.read(write("type.csv", ("Source,Target,Type\na,b,%s\nb,c,%s\n"):format(word, word)))
            assert.equal(directed, g.directed)
            assert(graph.write(beside "type.graphml", g))
            assert.equal(directed, graph.read(beside "type.graphml").directed)
        end
        assert.is_nil(graph.read(write("type.csv", "Source,Target,Type\na,b,Directed\nb,c,Undirected\n")).directed)
    end)

    it("is well-formed XML whatever the names hold", function()
        local g = graph.read(write("odd.csv", "source,target\ncaf\233,b\1\n\u{fffe},\u{e9}\u{1f600}\n\192\175,\237\160\128\n"))
        for _, ending in ipairs { "graphml", "gexf" } do
            assert(graph.write(beside("odd." .. ending), g))
            local back = graph.read(beside("odd." .. ending))
            assert.same({ "caf\u{e9}", "b\u{fffd}", "\u{fffd}", "\u{e9}\u{1f600}", "\u{c0}\u{af}", "\u{ed}\u{a0}\u{80}" },
                back.names:totable())
            local file <close> = assert(io.open(beside("odd." .. ending), "rb"))
            assert.is_truthy(utf8.len(file:read "a"))
        end
    end)

    it("is refused where two of its nodes would be one, or its text none", function()
        local function refused(ending, names, message)
            local g = graph.new(#names, { 1 }, { 2 }, nil, { names = names })
            assert.has_error(function() graph.write(beside("twins." .. ending), g) end, message)
            assert.is_nil(io.open(beside("twins." .. ending)))
        end
        for _, ending in ipairs { "graphml", "gexf" } do
            local said = "%q and %q, nodes %d and %d, would both be %q: XML has no other characters for them"
            refused(ending, { "x", "a\0b", "a\1b" }, said:format("a\0b", "a\1b", 2, 3, "a\u{fffd}b"))
            refused(ending, { "caf\u{e9}", "caf\233" }, said:format("caf\233", "caf\u{e9}", 2, 1, "caf\u{e9}"))
        end
        refused("csv", { "a\0b", "c" }, 'CSV has no zero bytes: "a\\0b" cannot be written')
        local g = graph.new(2, { 1 }, { 2 }, nil, { names = { "a\0b", "c" } })
        assert.has_error(function() picture.positions(beside "zero.csv", gpumm.view("f32x2", 2), g) end,
            'CSV has no zero bytes: "a\\0b" cannot be written')
    end)

    it("is refused by its ending before the work, and where it cannot lie", function()
        assert.has_error(function() graph.write(beside "g.txt", sample()) end,
            ("graphs are written as .graphml, .gexf or .csv (edges), not as %q"):format(beside "g.txt"))
        assert.has_error(function() picture.outputs { graph = beside "g.txt" } end)
        assert.has_no_error(function() picture.outputs { graph = beside "g.gexf" } end)
        assert.is_false((pcall(graph.write, beside "none/g.gexf", sample())))
        local function refused(options, message)
            assert.has_error(function() graph.write(beside "few.gexf", sample(), options) end, message)
        end
        refused({ positions = { { 1, 2 } } }, "there are 1 positions for 3 nodes")
        refused({ positions = gpumm.view("f32x2", { { 1, 2 } }) }, "there are 1 positions for 3 nodes")
        refused({ positions = { { 1, 2 }, { 3, 4 }, { 5, 0 / 0 } } }, "the position of node 3 is not finite")
        refused({ sizes = { 1, 1 / 0, 2 } }, "the size of node 2 is not a finite number")
        assert.is_nil(io.open(beside "few.gexf"))
    end)
end)

describe("positions with names", function()
    for _, ending in ipairs { "csv", "npy" } do
        it("as ." .. ending .. " are found by the names of another graph's nodes", function()
            local path = beside("at." .. ending)
            assert(picture.positions(path, AT, sample()))
            local other = { names = { "c  d", 'A, "x"' } }
            local view = graph.positions(path, other)
            assert.same({ { AT:get(3) }, { AT:get(1) } }, { { view:get(1) }, { view:get(2) } })
            assert.has_error(function() graph.positions(path, { names = { "nobody" } }) end,
                ('%s has no position for node "nobody"'):format(path))
        end)
    end
end)

describe("a file of positions", function()
    it("that has none for a node is refused", function()
        local path = write("gap.csv", "name,x,y\na,1,2\nb,,3\n")
        assert.has_error(function() graph.positions(path, { names = { "a", "b" } }) end, path .. ' has no position for node "b"')
        assert.same({ 1.0, 2.0 }, { graph.positions(path, { names = { "a" } }):get(1) })
    end)
end)

describe("a column", function()
    it("serves where a list does, and so does a list in a graph", function()
        local from, to = gpumm.view("u32", { 1, 2, 3 }), gpumm.view("u32", { 2, 3, 4 })
        local g = graph.new(4, from, to, gpumm.view("f64", { 1, 2, 3 }))
        assert.same({ 1.0, 2.0, 3.0 }, g.weights:totable())
        assert.has_error(function() g.from[1] = 2 end)
        local seen = {}
        for i, w in pairs(g.weights) do seen[i] = w end
        assert.same({ 1.0, 2.0, 3.0 }, seen)
        local at = gpumm.view("f32x2", { { 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 4 } })
        local pinned = gpumm.view("u32", { 1, 4 })
        local r = gpumm.force.layout(g, { device = "host", steps = 5, pinned = pinned, positions = at }):run()
        assert.same({ 0.0, 0.0, 3.0, 4.0 }, { r.positions:get(1), select(2, r.positions:get(1)), r.positions:get(4) })
        g.from, g.to, g.weights = { 1, 2, 3 }, { 2, 3, 4 }, { 3, 2, 1 }
        assert.equal(("\0\0\0\0\1\0\0\0"), (g:ends(2)))
        assert.equal(4, #g:communities())
    end)

    it("that a contained script reads counts against its memory", function()
        local path = write("large.txt", ("name%d other%d\n"):rep(1):format(1, 2))
        local file = assert(io.open(path, "wb"))
        for i = 1, 200000 do file:write("name", i, "\tother", i, "\n") end
        file:close()
        local script = write("contained.lua", ("print((pcall(gpumm.graph.read, %q)))"):format(path))
        local function said(memory)
            local pipe = assert(io.popen(("%s --quiet --sandbox --allow-read %s --lua-memory %s %s 2>&1"):format(
                assert(os.getenv "GPUMM_RUN"), folder, memory, script)))
            local text = pipe:read "a"
            pipe:close()
            return text
        end
        assert.equal("true\n", said "256MiB")
        assert.is_nil(said("12MiB"):find "true")
    end)
end)
