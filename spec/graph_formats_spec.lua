-- successes: 16
-- SPDX-License-Identifier: MIT
-- Graphs in DOT and GraphML: names that are hard to quote, weights, labels, and what is refused.

local gpumm = require "gpumm"
local graph = gpumm.graph

local beside = require "spec.beside" (teardown)
local write = beside.write
local folder = beside.folder

local function read(name, text) return graph.read(write(name, text)) end

-- The message of a refused text, with FILE for its path.
local function refusal(name, text)
    local path = write(name, text)
    local ok, message = pcall(graph.read, path)
    assert.is_false(ok)
    return (message:gsub(path:gsub("%p", "%%%0"), "FILE"))
end

local function values_of(column) return column:totable() end

local function edges_of(g)
    local list = {}
    for e = 1, g.edges do
        list[e] = g.names[g.from[e]] .. "-" .. g.names[g.to[e]] .. (g.weights and ":" .. g.weights[e] or "")
    end
    table.sort(list)
    return list
end

-- ---- DOT -------------------------------------------------------------------------------------

describe("a graph in DOT", function()
    it("has nodes in the order of the file, lone ones too, and every edge of its subgraphs", function()
        local g = read("a.gv", "strict graph x { z; a -- b:port:ne; subgraph cluster_s { b -- { c d } } }")
        assert.same({ "z", "a", "b", "c", "d" }, values_of(g.names))
        assert.same({ "a-b", "b-c", "b-d" }, edges_of(g))
        assert.is_nil(g.weights)
        assert.is_nil(g.labels)
    end)

    it("keeps names whatever is in them", function()
        local g = read("b.dot", 'digraph { "a b\tc" -> "semi;\\"quoted\\" $(x) `y` \'z\'" -> "two\nlines" -> 5 -> -.5; "" }')
        assert.same({ "a b\tc", "semi;\"quoted\" $(x) `y` 'z'", "two\nlines", "5", "-.5", "" }, values_of(g.names))
        assert.equal(4, g.edges)
    end)

    it("has weights, inherited ones too, and labels", function()
        local g = read("c.gv", [[graph { a [label="An A"]; edge [weight=2]; a -- b; b -- c [weight=0.5]; }]])
        assert.same({ "a-b:2.0", "b-c:0.5" }, edges_of(g))
        assert.same({ "An A", "b", "c" }, values_of(g.labels))
    end)

    it("loses loops and duplicates, and counts them", function()
        local g = read("d.gv", "digraph { a -> b; b -> a; a -> b; a -> a; }")
        assert.same({ 1, 2, 1 }, { g.edges, g.duplicates, g.loops })
    end)

    it("is found at any path, and none is part of a command", function()
        local name = ("o'dd $(cd %s && touch owned) `touch owned`;\n\t&\"x\\.gv"):format(folder):gsub("/", "_")
        assert.equal(1, read(name, "graph { a -- b }").edges)
        os.remove(folder .. "/" .. name)
        assert.is_nil(io.open(folder .. "/owned"))
    end)

    it("may be gzip'd", function()
        local path = write("z.gv", "graph { a -- b -- c }")
        assert(os.execute("gzip " .. path))
        assert.same({ "a-b", "b-c" }, edges_of(graph.read(path .. ".gz")))
    end)

    it("is refused when it is broken, several, empty or weighed in words", function()
        assert.matches("^FILE: syntax error in line 2", refusal("e.gv", "graph {\n a -- }"))
        assert.matches("^FILE: syntax error in line 1", refusal("f.gv", "graph { a -- b"))
        assert.matches("^FILE: syntax error in line 1", refusal("g.gv", "graph { a -- b } and more"))
        assert.equal("FILE: the file holds several graphs; one is read", refusal("h.gv", "graph { a } graph { b }"))
        assert.equal("FILE: the graph is empty: no line names a node", refusal("i.gv", "graph { }"))
        assert.equal('FILE: the weight "x" of the edge from "a" to "b" is not a number',
            refusal("j.gv", "graph { a -- b [weight=x] }"))
    end)

    it("leaves no file behind", function()
        local tmpname, used = os.tmpname, {}
        os.tmpname = function() -- luacheck: ignore
            used[#used + 1] = tmpname()
            return used[#used]
        end
        local read_well = pcall(read, "k.gv", "graph { a -- b }")
        local read_badly = pcall(read, "l.gv", "graph {")
        os.tmpname = tmpname -- luacheck: ignore
        assert.same({ true, false, 4 }, { read_well, read_badly, #used })
        for _, path in ipairs(used) do assert.is_nil(io.open(path)) end
    end)

    it("names the package that is missing", function()
        local path = write("m.gv", "graph { a }")
        local script = write("missing.lua", ("print(select(2, pcall(require 'gpumm'.graph.read, %q)))"):format(path))
        local pipe = assert(io.popen(("PATH=/nowhere %s %s 2>&1"):format(assert(os.getenv "GPUMM_RUN"), script)))
        assert.equal(path .. ": DOT is read by the program gvpr, which is not here (Debian package graphviz)",
            pipe:read "l")
        pipe:close()
    end)
end)

-- ---- GraphML ---------------------------------------------------------------------------------

describe("a graph in GraphML", function()
    local HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'

    it("has nodes, nested ones too, and edges with weights, the default's where there is none", function()
        local g = read("a.graphml", HEAD .. [[
            <key id="d0" for="node" attr.name="label" attr.type="string"/>
            <key id="d1" for="edge" attr.name="weight" attr.type="double"><default>3</default></key>
            <key id="d2" for="edge" attr.name="colour" attr.type="string"/>
            <graph edgedefault="undirected">
              <node id="n 0"><data key="d0">One &amp; only</data></node>
              <node id="n&lt;1"><graph edgedefault="directed"><node id="inside"/></graph></node>
              <edge source="n 0" target="n&lt;1"><data key="d1"> 2.5 </data><data key="d2">red</data></edge>
              <edge source="inside" target="n 0"/>
            </graph></graphml>]])
        assert.same({ "n 0", "n<1", "inside" }, values_of(g.names))
        assert.same({ "One & only", "n<1", "inside" }, values_of(g.labels))
        assert.same({ "inside-n 0:3.0", "n 0-n<1:2.5" }, edges_of(g))
    end)

    it("needs no namespace, no ending of its name, and no weights", function()
        local g = read("plain", '<graphml><graph edgedefault="directed"><node id="a"/><edge source="a" target="b"/>'
            .. "</graph></graphml>")
        assert.same({ "a", "b" }, values_of(g.names))
        assert.is_nil(g.weights)
        assert.is_nil(g.labels)
    end)

    it("may be gzip'd", function()
        local path = write("z.graphml", HEAD .. '<graph><node id="a"/></graph></graphml>')
        assert(os.execute("gzip " .. path))
        assert.same({ "a" }, values_of(graph.read(path .. ".gz").names))
    end)

    it("is refused by the line where it is broken", function()
        assert.equal("FILE:4: the XML is broken: mismatched tag", refusal("b.graphml", HEAD
            .. "<graph>\n</node></graph></graphml>"))
        assert.matches("^FILE:3: the XML is broken: ", refusal("c.graphml", HEAD .. "<graph>"))
        assert.equal('FILE:1: the root is "html", not graphml', refusal("d.graphml", "<html/>"))
        assert.equal("FILE:4: edge has no target", refusal("e.graphml", HEAD .. '<graph>\n<edge source="a"/></graph></graphml>'))
        assert.equal('FILE:4: the weight "x" is not a number', refusal("f.graphml", HEAD
            .. '<key id="w" for="edge" attr.name="weight"/><graph>\n<edge source="a" target="b"><data key="w">x</data></edge>'
            .. "</graph></graphml>"))
        assert.matches("^FILE:3: the file holds several graphs", refusal("g.graphml", HEAD .. "<graph/><graph/></graphml>"))
        assert.matches("^FILE:3: a hyperedge joins", refusal("h.graphml", HEAD .. "<graph><hyperedge/></graph></graphml>"))
        assert.matches("the graph is empty", refusal("i.graphml", HEAD .. "<graph/></graphml>"))
    end)

    it("does not swell", function()
        local bomb = { '<?xml version="1.0"?><!DOCTYPE graphml [<!ENTITY a "' .. ("x"):rep(100) .. '">' }
        for k = 1, 9 do
            local name = string.char(97 + k)
            bomb[#bomb + 1] = ('<!ENTITY %s "%s">'):format(name, ("&%s;"):format(string.char(96 + k)):rep(10))
        end
        bomb[#bomb + 1] = ']><graphml><key id="l" for="node" attr.name="label"/><graph><node id="a"><data key="l">&j;</data>'
            .. "</node></graph></graphml>"
        assert.matches("the XML is broken: .*amplification", refusal("bomb.graphml", table.concat(bomb)))
    end)
end)

-- ---- Contained scripts -----------------------------------------------------------------------

describe("a contained script", function()
    local run = assert(os.getenv "GPUMM_RUN")
    for name, text in pairs { ["s.gv"] = "graph { a -- b }", ["t.gv"] = "digraph { a }" } do
        it("does not read " .. name .. ", nor what it gives out as a library", function()
            local path = write(name, text)
            local script = write("contained.lua", ([[
                require = function(what) print("asked for " .. what) end
                io = { popen = function(what) print("asked to run " .. what) end }
                print(select(2, pcall(gpumm.graph.read, %q)))]]):format(path))
            local pipe = assert(io.popen(("%s --sandbox --allow-read %s %s 2>&1"):format(run, folder, script)))
            local said = pipe:read "a"
            pipe:close()
            assert.matches("^" .. path:gsub("%p", "%%%0")
                .. ": a contained script reads edge lists and Matrix Market files; ", said)
            assert.is_nil(said:find("asked", 1, true))
        end)
    end
end)
