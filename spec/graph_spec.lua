-- successes: 45
-- SPDX-License-Identifier: MIT
-- Graphs from files: formats, mistakes with their line, order, batches, distances and stress.

local gpumm = require "gpumm"
local graph = gpumm.graph

local made = {}

local function file_of(text)
    local path = os.tmpname()
    made[#made + 1] = path
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
end

local function unhex(text)
    return (text:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

-- "a b\nb c\n" and "c d 0.5\n" as two members of gzip, and a small Matrix Market file.
local TWO_MEMBERS = unhex("1f8b08000000000002034b5448e24a5248e60200325835be080000001f8b08000000000002034b56485130d033"
    .. "e50200069b432608000000")
local MATRIX = unhex("1f8b08000000000002035355f54d2c29caacf04d2cca4e2d51c805731492f3f38b5232f3124b52150a124b4a52"
    .. "8bf2148a2b7373538192c95cc60ac60a465c460a86409621170078cbab7f41000000")

local function read(text)
    return graph.read(file_of(text))
end

-- The message of a refused text, with FILE for its path.
local function refusal(text)
    local path = file_of(text)
    local ok, message = pcall(graph.read, path)
    assert.is_false(ok)
    return (message:gsub(path, "FILE", 1, true):gsub("^.*" .. path:match("[^/]*$"), "FILE"))
end

local function values_of(column) return column:totable() end

local function edges_of(g)
    local list = {}
    for e = 1, g.edges do list[e] = g.names[g.from[e]] .. "-" .. g.names[g.to[e]] end
    return table.concat(list, " ")
end

local function numbers(format, raw)
    local list, at = {}, 1
    while at <= #raw do
        list[#list + 1], at = string.unpack("=" .. format, raw, at)
    end
    return list
end

teardown(function()
    for _, path in ipairs(made) do os.remove(path) end
end)

describe("an edge list", function()
    it("has nodes in the order of first appearance", function()
        local g = read "c a\nb c\na d\n"
        assert.same({ "c", "a", "b", "d" }, values_of(g.names))
        assert.equal(4, g.nodes)
        assert.equal(3, g.edges)
        assert.equal("c-a b-c a-d", edges_of(g))
    end)

    it("is separated by tabs, spaces or commas, indented, with any line end", function()
        assert.equal("a-b c-d e-f g-h i-j", edges_of(read "a\tb\r\nc,d\n  e   f  \n\tg , h\ni j"))
    end)

    it("has comments, blank lines and a byte order mark", function()
        local g = read "\239\187\191# one\n\n% two\n   # three\na b # four\n \t \nb c\n"
        assert.equal("a-b b-c", edges_of(g))
        assert.is_nil(g.weights)
    end)

    it("has names that are numbers, or any text without separators", function()
        local g = read "10 20\n20 libc6.1+b~2\n\195\164 10\n"
        assert.same({ "10", "20", "libc6.1+b~2", "\195\164" }, values_of(g.names))
    end)

    it("may have weights, and columns behind them that are passed over", function()
        local g = read "a b 2.5\nb c\nc d -1e3 1290000000\n"
        assert.same({ 2.5, 1.0, -1000.0 }, values_of(g.weights))
    end)

    it("loses self-loops, which name their node, and counts them", function()
        local g = read "a a\na b\nb b\nz z\n"
        assert.equal(3, g.loops)
        assert.equal(1, g.edges)
        assert.same({ "a", "b", "z" }, values_of(g.names))
        assert.same({ 1, 1, 0 }, g:degrees())
    end)

    it("loses duplicates in either direction and counts them", function()
        local g = read "a b 1\nb a 2\na b 3\nb c\n"
        assert.equal(2, g.duplicates)
        assert.equal("a-b b-c", edges_of(g))
        assert.same({ 6.0, 1.0 }, values_of(g.weights))
    end)

    it("refuses a line with one name, by its number", function()
        assert.equal('FILE:3: an edge needs two names, this line has one: "lonely"', refusal "a b\n# x\nlonely\n")
        assert.equal('FILE:2: an edge needs two names, this line has one: "a # b"', refusal "a b\na # b\n")
    end)

    it("refuses weights that add up to no finite number, by the edge's ends", function()
        local said = "the weights of the edges between %q and %q add up to no finite number"
        assert.equal("FILE: " .. said:format("a", "b"), refusal "b c 1\na b 1e308\nb a 1\na b 1e308\n")
        assert.has_error(function() graph.new(2, { 1, 1 }, { 2, 2 }, { 1e308, 1e308 }) end,
            "graph.new: " .. said:format("1", "2"))
        assert.same({ 5e307, 1 }, values_of(read("a b 1e308\nb a 5e307\na b -1e308\na a 1e308\na a 1e308\nb c 1\n").weights))
    end)

    it("refuses a weight that is no finite number, by its line", function()
        assert.equal('FILE:2: the weight "heavy" is not a number', refusal "a b 1\na c heavy\n")
        assert.equal('FILE:1: the weight "1e999" is not finite', refusal "a b 1e999\n")
    end)

    it("is read when it is gzip'd, in several parts too", function()
        local g = read(TWO_MEMBERS .. ("\0"):rep(100))
        assert.equal("a-b b-c c-d", edges_of(g))
        assert.same({ 1, 1, 0.5 }, values_of(g.weights))
        assert.equal("2-1 3-1", edges_of(read(MATRIX)))
    end)

    it("refuses a graph without nodes", function()
        assert.equal("FILE: the graph is empty: no line names a node", refusal "")
        assert.equal("FILE: the graph is empty: no line names a node", refusal "# nothing\n\n")
    end)

    it("refuses what is damaged or no text", function()
        local whole = TWO_MEMBERS
        assert.matches("FILE: IO: the compressed data ends too early", refusal(whole:sub(1, -6)), 1, true)
        assert.matches("FILE: IO: the compressed data ends too early", refusal "\31\139\8\0\0", 1, true)
        assert.matches("FILE: IO: the compressed data is damaged: incorrect data check",
            refusal(whole:sub(1, -7) .. "x" .. whole:sub(-5)), 1, true)
        assert.matches("FILE: IO: the compressed data is damaged: incorrect header check", refusal(whole .. "rest"), 1, true)
        assert.matches("^FILE is not a text file", refusal "a b\n\0\1\2")
    end)

    it("names a file that is missing", function()
        local ok, message = pcall(graph.read, "/nowhere/at.all")
        assert.is_false(ok)
        assert.equal("cannot read the graph: /nowhere/at.all: No such file or directory", message)
    end)

    it("is not read from a folder", function()
        local ok, message = pcall(graph.read, "/")
        assert.is_false(ok)
        assert.matches("^cannot read the graph: /", message)
    end)

    it("raises misuse at the caller", function()
        local ok, message = pcall(graph.read, nil)
        assert.is_false(ok)
        assert.matches("graph.read needs a path, not a nil", message)
    end)

    it("is read fast: a hundred thousand edges within two seconds", function()
        local lines = {}
        for i = 1, 100000 do lines[i] = ("node%d\tnode%d"):format(i, i // 2) end
        local path, start = file_of(table.concat(lines, "\n")), os.clock()
        local g = graph.read(path)
        assert.equal(100000, g.edges)
        assert.is_true(os.clock() - start < 2)
    end)
end)

describe("a Matrix Market file", function()
    local HEAD = "%%MatrixMarket matrix coordinate "

    it("is read in the order of its rows, isolated nodes among them", function()
        local g = read(HEAD .. "pattern symmetric\n% made by hand\n5 5 2\n4 2\n2 1\n")
        assert.same({ "1", "2", "3", "4", "5" }, values_of(g.names))
        assert.equal("4-2 2-1", edges_of(g))
        assert.is_nil(g.weights)
    end)

    it("has weights where its field is real or integer", function()
        assert.same({ 0.5, 2 }, read(HEAD .. "real general\n3 3 2\n1 2 .5\n2 3 2\n").weights:totable())
        assert.same({ 7 }, read(HEAD .. "integer symmetric\n2 2 1\n2 1 7\n").weights:totable())
    end)

    it("counts both triangles of a general matrix once, and drops the diagonal", function()
        local g = read(HEAD .. "pattern general\n3 3 4\n1 2\n2 1\n3 3\n2 3\n")
        assert.equal(2, g.edges)
        assert.equal(1, g.duplicates)
        assert.equal(1, g.loops)
    end)

    it("may be of nodes alone", function()
        local g = read(HEAD .. "pattern symmetric\n3 3 0\n")
        assert.equal(3, g.nodes)
        assert.equal(0, g.edges)
    end)

    it("is empty with no rows", function()
        assert.equal("FILE: the graph is empty: no line names a node", refusal(HEAD .. "pattern symmetric\n0 0 0\n"))
    end)

    it("must promise what it holds", function()
        assert.equal("FILE:4: more than the 1 entries promised", refusal(HEAD .. "pattern general\n3 3 1\n1 2\n2 3\n"))
        assert.equal("FILE:3: the file ends after 1 of the 2 entries promised",
            refusal(HEAD .. "pattern general\n3 3 2\n1 2\n"))
    end)

    it("must name nodes that exist", function()
        assert.equal('FILE:3: "4" is not a node from 1 to 3', refusal(HEAD .. "pattern general\n3 3 1\n1 4\n"))
        assert.equal('FILE:3: "0" is not a node from 1 to 3', refusal(HEAD .. "pattern general\n3 3 1\n0 1\n"))
        assert.equal([[FILE:3: expected 'row column', found "1 x"]], refusal(HEAD .. "pattern general\n3 3 1\n1 x\n"))
    end)

    it("must have the columns of its field", function()
        assert.equal("FILE:3: an entry here has 3 columns", refusal(HEAD .. "real general\n3 3 1\n1 2\n"))
        assert.equal("FILE:3: an entry here has 2 columns", refusal(HEAD .. "pattern general\n3 3 1\n1 2 5\n"))
    end)

    it("must be a square coordinate matrix of real numbers", function()
        assert.matches("^FILE:2: a graph's matrix is square, this one has 3 rows and 4 columns",
            refusal(HEAD .. "pattern general\n3 4 1\n1 2\n"))
        assert.matches("^FILE:1: a graph is a 'matrix coordinate'",
            refusal "%%MatrixMarket matrix array real general\n2 2\n1\n1\n1\n1\n")
        assert.matches('^FILE:1: the field "complex" is not one of', refusal(HEAD .. "complex general\n2 2 0\n"))
        assert.matches('^FILE:1: the symmetry "odd" is not one of', refusal(HEAD .. "real odd\n2 2 0\n"))
        assert.matches("^FILE:2: expected 'rows columns entries', found \"2 2\"",
            refusal(HEAD .. "real general\n2 2\n"))
        assert.equal("FILE:1: the file ends before its size line", refusal(HEAD .. "real general\n"))
    end)
end)

describe("a graph", function()
    it("is made from arrays too", function()
        local g = graph.new(4, { 1, 2, 2 }, { 2, 3, 1 })
        assert.equal(2, g.edges)
        assert.equal(1, g.duplicates)
        assert.same({ "1", "2", "3", "4" }, values_of(g.names))
        assert.has_error(function() graph.new(2, { 1 }, { 3 }) end)
        for _, count in ipairs { 0, 0x7fffffff } do
            assert.has_error(function() graph.new(count, {}, {}) end, "graph.new needs 1 to 2147483646 nodes, not " .. count)
        end
    end)

    it("has the names and labels that a program gives it", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 }, nil, { names = { "ada", "grace", "alan" }, labels = { "A. L.", "", false } })
        assert.same({ "ada", "grace", "alan" }, values_of(g.names))
        assert.same({ "A. L.", "grace", "alan" }, values_of(g.labels))
        assert.same({ "ada", "grace" }, values_of(g:around("ada", 1).names))
        assert.same({ "A. L.", "grace", "alan" }, values_of(graph.new(3, {}, {}, nil, { names = g.labels }).names))
        local function refused(options) return select(2, pcall(graph.new, 3, { 1 }, { 2 }, nil, options)) end
        assert.matches("names are a list of 3 texts, one a node, not 2", refused { names = { "a", "b" } })
        assert.matches('nodes 1 and 3 are both "a"', refused { names = { "a", "b", "a" } })
        assert.matches("7 of node 2 is no text", refused { names = { "a", 7, "c" } })
        assert.matches('unknown option "name" %(did you mean "names"', refused { name = {} })
    end)

    it("knows degrees and neighbours", function()
        local g = read "a b\na c\nc d\n"
        assert.same({ 2, 1, 2, 1 }, g:degrees())
        local near, first = g:neighbours()
        assert.same({ 1, 3, 4, 6, 7 }, first)
        assert.same({ 2, 3, 1, 1, 4, 3 }, near)
    end)

    it("knows its components and their sizes", function()
        local label, sizes = read("a b\nx y\nb c\nlone lone\n"):components()
        assert.same({ 1, 1, 2, 2, 1, 3 }, label)
        assert.same({ 3, 2, 1 }, sizes)
    end)

    it("knows distances, -1 where there is no path", function()
        local g = read "a b\nb c\nc d\nd a\nd e\nx y\n"
        assert.same({ 0, 1, 2, 1, 2, -1, -1 }, g:bfs(1))
        assert.has_error(function() g:bfs(8) end, "bfs needs a node from 1 to 7, not 8")
    end)

    it("finds communities, the largest first", function()
        local from, to = {}, {}
        local function clique(first, last)
            for i = first, last do
                for j = i + 1, last do from[#from + 1], to[#to + 1] = i, j end
            end
        end
        clique(1, 6)
        clique(7, 16)
        from[#from + 1], to[#to + 1] = 1, 7
        local label, sizes = graph.new(16, from, to):communities()
        assert.same({ 10, 6 }, sizes)
        for i = 1, 16 do assert.equal(i <= 6 and 2 or 1, label[i]) end
    end)

    it("gives its edges as raw pairs from 0, those of the first nodes alone on demand", function()
        local g = read "a b\nb c\nc a\n"
        assert.same({ 0, 1, 1, 2, 2, 0 }, numbers("I4", (g:ends())))
        local raw, count = g:ends(2)
        assert.same({ 0, 1 }, numbers("I4", raw))
        assert.equal(1, count)
    end)
end)

describe("batches", function()
    local TEXT = "a b\nc a\nd c\nb d\ne e\n"

    it("come all at once by default", function()
        local batch = read(TEXT):batches()
        local all = batch()
        assert.equal(5, all.node_count)
        assert.equal(4, all.edge_count)
        assert.equal(5 * 8, #all.nodes.position)
        assert.same({ 3, 3, 3, 3, 1 }, numbers("f", all.nodes.mass))
        assert.is_nil(batch())
        assert.is_nil(batch())
    end)

    it("bring n nodes at a time, and every edge with the later of its ends", function()
        local batch = read(TEXT):batches(2)
        local one, two, three = batch(), batch(), batch()
        assert.same({ 0, 1 }, numbers("I4", one.edges.ends))
        assert.same({ 2, 0, 3, 2, 1, 3 }, numbers("I4", two.edges.ends))
        assert.same({}, numbers("I4", three.edges.ends))
        assert.same({ 2, 2, 1 }, { one.node_count, two.node_count, three.node_count })
        assert.same({ 1, 3, 0 }, { one.edge_count, two.edge_count, three.edge_count })
        assert.is_nil(batch())
    end)

    it("hold columns alone, by member name", function()
        local more = read(TEXT):batches(0)()
        for key, column in pairs(more.nodes) do
            assert.is_true(key == "position" or key == "mass")
            assert.equal("string", type(column))
        end
        assert.same({ "ends" }, { next(more.edges), (next(more.edges, "ends")) })
    end)

    it("start the same every time, with no two nodes on one spot", function()
        local lines = {}
        for i = 1, 300 do lines[i] = ("hub leaf%d"):format(i) end
        local g, seen = read(table.concat(lines, "\n")), {}
        for _, size in ipairs { 0, 7 } do
            local first, again = g:batches(size), g:batches(size)
            for more in first do
                assert.equal(more.nodes.position, again().nodes.position)
                local xy = numbers("f", more.nodes.position)
                for k = 1, #xy, 2 do
                    local spot = size .. ":" .. xy[k] .. "," .. xy[k + 1]
                    assert.is_nil(seen[spot])
                    seen[spot] = true
                end
            end
        end
    end)

    it("start beside the neighbours, where they are now if that is told", function()
        local positions = { { 100, 0 }, { 100, 50 } }
        function positions:get(i) return self[i][1], self[i][2] end
        local batch = read("a b\nc a\nc b\n"):batches(2)
        batch()
        local x, y = table.unpack(numbers("f", batch(positions).nodes.position))
        assert.is_true((x - 100) ^ 2 + (y - 25) ^ 2 <= 1.5 ^ 2 + 1e-3)
    end)

    it("carry weights beside the edges", function()
        local more = read("a b 2\nb c 0.5\n"):batches()()
        assert.same({ 2, 0.5 }, numbers("f", more.weights))
    end)

    it("refuse a size that is negative or not whole", function()
        local g = read(TEXT)
        for _, n in ipairs { -1, 1.5, "x" } do
            assert.has_error(function() g:batches(n) end, "batches needs how many nodes at a time, 0 for all")
        end
    end)
end)

describe("stress", function()
    local function path_of(n)
        local from, to, line = {}, {}, {}
        for i = 1, n do line[2 * i - 1], line[2 * i] = 3 * i, 0 end
        for i = 1, n - 1 do from[i], to[i] = i, i + 1 end
        return graph.new(n, from, to), line
    end

    it("is 0 for a path laid out straight, at any scale, and more at random", function()
        local g, line = path_of(200)
        local stress, random = g:stress(line)
        assert.is_true(math.abs(stress) < 1e-12)
        assert.is_true(random > 0.3)
        assert.equal(random, g:random_stress())
    end)

    it("is computed as defined", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 })
        -- all pivots: distances 1, 1 and 2; lengths 1, 1 and sqrt(2), each pair seen from both ends
        local sum, squares = 2 * (2 + math.sqrt(2) / 2), 2 * (2 + 0.5)
        local stress = g:stress({ { 0, 0 }, { 1, 0 }, { 1, 1 } }, { pivots = 3 })
        assert.is_true(math.abs(stress - (1 - sum * sum / (6 * squares))) < 1e-12)
    end)

    it("depends on its seed alone, and leaves math.random be", function()
        local g = path_of(300)
        math.randomseed(7)
        local expected = math.random()
        math.randomseed(7)
        local first = g:random_stress { pivots = 5, seed = 3 }
        assert.equal(expected, math.random())
        assert.equal(first, g:random_stress { pivots = 5, seed = 3 })
        assert.not_equal(first, g:random_stress { pivots = 5, seed = 4 })
    end)

    it("is 1 for a layout on one spot, and refuses too few positions and bad options", function()
        local g = path_of(3)
        assert.equal(1, (g:stress { 5, 5, 5, 5, 5, 5 }))
        assert.has_error(function() g:stress { 5, 5 } end)
        assert.has_error(function() g:stress({ 1, 1, 2, 2, 3, 3 }, { pivots = 0 }) end)
        assert.has_error(function() g:stress({ 1, 1, 2, 2, 3, 3 }, { seed = "x" }) end)
    end)
end)

describe("the shipped graph", function()
    it("is one component of several thousand nodes, dependencies before dependents", function()
        local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or "./"
        local g = graph.read(here .. "examples/data/debian-sample.tsv")
        local _, sizes = g:components()
        assert.is_true(g.nodes > 3000 and g.edges > 6000)
        assert.same({ g.nodes }, sizes)
    end)
end)
