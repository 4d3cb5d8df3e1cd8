-- successes: 33, pango: 1
-- SPDX-License-Identifier: MIT
-- The main job from end to end: examples/layout.lua on the graph that is shipped, and on every bad input there is; the
-- command's options; and the layout with kernels of its own, examples/own_kernels.lua.

local gpumm = require "gpumm"
local graph = gpumm.graph

local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names gpumm-run")
local device = os.getenv "GPUMM_DEVICE" or "host"
local root = assert(io.popen "pwd"):read "l"
local SHIPPED = root .. "/examples/data/debian-sample.tsv"

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))
teardown(function() os.execute("rm -r " .. folder) end)

local function beside(name) return folder .. "/" .. name end

local function write_file(name, text)
    local file = assert(io.open(beside(name), "wb"))
    assert(file:write(text))
    assert(file:close())
    return name
end

local function read_file(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read "a"
    file:close()
    return text
end

-- Runs the layout in the folder; its exit code and what it said, on both outputs.
local function layout(arguments, before, script)
    local code = select(3, os.execute(("cd %s; %s %s --quiet --device %s %s %s >said 2>&1 </dev/null")
        :format(folder, before or "", run, device, script or root .. "/examples/layout.lua", arguments)))
    return code, read_file(beside "said")
end

local function contains(text, ...)
    for _, words in ipairs { ... } do
        assert(text:find(words, 1, true), ("%q\n  is not in\n%s"):format(words, text))
    end
end

-- Every file of the folder, but the graphs and what was said.
local function outputs()
    local list = {}
    for name in assert(io.popen("ls -A " .. folder)):lines() do
        if not name:find "%.txt$" and not name:find "%.mtx$" and name ~= "said" then list[#list + 1] = name end
    end
    return list
end

local function fails(arguments, ...)
    local code, said = layout(arguments)
    assert.equal(1, code)
    contains(said, "gpumm-run: ", ...)
    assert.same({}, outputs())
    return said
end

-- How many colors a picture has, and the part of its pixels that are not of the commonest.
local function colors(path)
    local pixels, width, height = assert(gpumm.image.read(path))
    local bytes, count, kinds, most = pixels:bytes(), {}, 0, 0
    local size = pixels:type().size
    for at = 1, #bytes, size do
        local color = bytes:sub(at, at + size - 1)
        if not count[color] then kinds = kinds + 1 end
        count[color] = (count[color] or 0) + 1
        most = math.max(most, count[color])
    end
    return kinds, 1 - most / (width * height), width, height
end

-- The edges of an edge list by first appearance, read without any help of gpumm's.
local function plain_edges(path)
    local number, count, edges = {}, 0, {}
    local function node(name)
        if not number[name] then
            count = count + 1
            number[name] = count
        end
        return number[name]
    end
    for line in io.lines(path) do
        if not line:find "^#" then
            local a, b = line:match "^(%S+)%s+(%S+)"
            if a then
                local i = node(a)
                edges[#edges + 1] = { i, node(b) }
            end
        end
    end
    return edges, count
end

local function distance(x, y, i, j) return math.sqrt((x[i] - x[j]) ^ 2 + (y[i] - y[j]) ^ 2) end

-- The mean length of the edges over that of as many random pairs: small where positions belong to their nodes.
local function edge_ratio(positions, edges)
    local x, y, length, random = {}, {}, 0, 0
    for i, a, b in positions:each() do x[i], y[i] = a, b end
    math.randomseed(1)
    for _, edge in ipairs(edges) do
        length = length + distance(x, y, edge[1], edge[2])
        random = random + distance(x, y, math.random(#positions), math.random(#positions))
    end
    return length / random
end

local function stresses(said)
    local own, random = said:match "stress ([%d.]+); of a random layout ([%d.]+)"
    return assert(tonumber(own), said), assert(tonumber(random))
end

describe("the layout of the shipped graph", function()
    local code, said = nil, nil
    local edges, nodes = plain_edges(SHIPPED)

    setup(function()
        code, said = layout(SHIPPED .. " --out picture.png --positions positions.npy --steps 150 --grow 500")
    end)

    it("ends well, has every node and edge, and drops no frame", function()
        assert.equal(0, code, said)
        assert.is_true(nodes > 2000)
        contains(said, ("%d nodes, %d edges"):format(nodes, graph.read(SHIPPED).edges), "dropped frames: 0")
    end)

    it("grows in batches, and prints one address that never changes", function()
        local addresses, lines, last = {}, 0, 0
        for shown, capacity, address in said:gmatch "(%d+) nodes, room for +(%d+), positions at (0x%x+)" do
            local count, room = tonumber(shown), tonumber(capacity)
            lines = lines + 1
            assert.is_true(count > last and room >= count)
            last, addresses[address] = count, true
        end
        assert.is_true(lines >= 5, said)
        local address = next(addresses)
        assert.is_not_nil(address)
        assert.is_nil(next(addresses, address), said)
    end)

    it("is at most half as strained as a random one", function()
        local own, random = stresses(said)
        assert.is_true(random > 0.2 and own <= random / 2, said)
        local positions = assert(gpumm.npy.read(beside "positions.npy"))
        local measured = graph.read(SHIPPED):stress(positions)
        assert.is_true(math.abs(measured - own) < 0.002) -- what was printed is what was written
    end)

    it("is written as positions in the order of first appearance", function()
        local positions = assert(gpumm.npy.read(beside "positions.npy"))
        assert.equal(nodes, #positions)
        assert.equal("f32x2", positions:type().name)
        for _, x, y in positions:each() do assert(x - x == 0 and y - y == 0, "not finite") end
        assert.is_true(edge_ratio(positions, edges) < 0.4)
        -- In any other order it would not be so: turned around, edges are as long as anything.
        local turned = {}
        for i, x, y in positions:each() do turned[nodes + 1 - i] = { x, y } end
        assert.is_true(edge_ratio(gpumm.view("f32x2", turned), edges) > 0.6)
    end)

    it("is a picture of the right size that shows something", function()
        local kinds, drawn, width, height = colors(beside "picture.png")
        assert.same({ 1600, 1200 }, { width, height })
        assert.is_true(kinds > 100)
        assert.is_true(drawn > 0.02 and drawn < 0.98)
        assert(os.execute(("rm %s/picture.png %s/positions.npy %s/positions.names.csv"):format(folder, folder, folder)))
        assert.same({}, outputs())
    end)
end)

describe("a small graph", function()
    after_each(function() os.execute(("cd %s; rm -rf -- *.png *.npy *.csv"):format(folder)) end)

    -- Lays it out; the positions, and what was said.
    local function laid_out(name, steps)
        local code, said = layout(("%s --out p.png --positions p.npy --steps %d"):format(name, steps or 30))
        assert.equal(0, code, said)
        assert.is_true((colors(beside "p.png")) > 1)
        return assert(gpumm.npy.read(beside "p.npy")), said
    end

    it("with tabs, spaces, commas, comments and blank lines", function()
        local positions, said = laid_out(write_file("mixed.txt", "# one\n% two\n\n1\t2\n2 3\n3,4 0.5\n\n4 , 1\r\n"))
        assert.equal(4, #positions)
        contains(said, "4 nodes, 4 edges")
    end)

    it("with names, and one of Matrix Market, is the same graph", function()
        local by_name = laid_out(write_file("names.txt", "a b\nb c\nc d\nd a\n"))
        local matrix, said = laid_out(write_file("square.mtx",
            "%%MatrixMarket matrix coordinate pattern symmetric\n% comment\n4 4 4\n1 2\n2 3\n3 4\n4 1\n"))
        contains(said, "4 nodes, 4 edges")
        assert.equal(#by_name, #matrix)
        assert.is_true(by_name:bytes() == matrix:bytes())
    end)

    it("gives the same positions twice", function()
        local name = write_file("path.txt", "a b\nb c\nc d\nd e\ne f\nb f\n")
        assert.is_true(laid_out(name):bytes() == laid_out(name):bytes())
    end)

    it("with self-loops and duplicates is laid out without them", function()
        local positions, said = laid_out(write_file("loops.txt", "a a\na b\nb a\na b\nb c\nc c\nlonely lonely\n"))
        contains(said, "4 nodes, 2 edges")
        assert.equal(4, #positions)
    end)

    it("of isolated nodes alone has no edge, and a place for each", function()
        local positions, said = laid_out(write_file("isolated.mtx",
            "%%MatrixMarket matrix coordinate pattern general\n5 5 0\n"))
        contains(said, "5 nodes, 0 edges")
        local seen = {}
        for _, x, y in positions:each() do
            local place = ("%.4f %.4f"):format(x, y)
            assert.is_nil(seen[place])
            seen[place] = true
        end
    end)

    it("of several components keeps each together", function()
        local lines = {}
        for c = 0, 4 do
            for k = 0, 19 do
                lines[#lines + 1] = ("n%d_%d n%d_%d"):format(c, k, c, (k + 1) % 20)
            end
        end
        local name = write_file("components.txt", table.concat(lines, "\n"))
        local edges = plain_edges(beside(name))
        local positions, said = laid_out(name, 200)
        contains(said, "100 nodes, 100 edges")
        assert.is_true(edge_ratio(positions, edges) < 0.6)
    end)

    it("of one edge, of one node", function()
        assert.equal(2, #laid_out(write_file("edge.txt", "a b\n")))
        assert.equal(1, #laid_out(write_file("node.txt", "a a\n")))
    end)

    it("may grow by one node at a time", function()
        local code, said = layout(write_file("grown.txt", "a b\nb c\nc d\nd e\n") .. " --out p.png --steps 10 --grow 1")
        assert.equal(0, code, said)
        contains(said, "5 nodes, 4 edges", "dropped frames: 0")
        write_file("sizes.txt", "a 1\nb 9\nc 0\nd 4\ne 1\n")
        code, said = layout(beside "grown.txt" .. " --out p.png --page p.html --steps 10 --grow 2 --sizes sizes.txt --quality")
        assert.equal(0, code, said)
        contains(said, " 0.00 % overlap")
        contains(read_file(beside "p.html"), '"to_scale":true')
    end)

    it("writes positions as .csv too, over what was there", function()
        write_file("p.csv", "old")
        local code, said = layout(write_file("csv.txt", "a b\nb c\n") .. " --out p.png --positions p.csv --steps 5")
        assert.equal(0, code, said)
        local _, lines = read_file(beside "p.csv"):gsub("\n", "")
        assert.equal(4, lines)
        assert.matches("^name,x,y\na,%-?[%d.]+,%-?[%d.]+\nb,", read_file(beside "p.csv"))
    end)
end)

describe("the command", function()
    after_each(function() os.execute(("cd %s; rm -rf -- *.png *.npy *.csv *.html *.gexf"):format(folder)) end)

    -- Runs it as a module; what it said.
    local function command(arguments)
        local code, said = layout(arguments, nil, "-m gpumm.layout")
        assert.equal(0, code, said)
        return said
    end

    -- Positions by name.
    local function placed(name)
        local at = {}
        for line in io.lines(beside(name)) do
            local who, x, y = line:match "^([^,]+),([^,]+),([^,]+)"
            if who ~= "name" then at[who] = { tonumber(x), tonumber(y) } end
        end
        return at
    end

    -- Two rings of ten that one edge joins, a tail, and a lone pair.
    local function rings()
        local lines = { "a0 b0", "b5 t1", "t1 t2", "x y" }
        for _, ring in ipairs { "a", "b" } do
            for k = 0, 9 do
                lines[#lines + 1] = ("%s%d %s%d"):format(ring, k, ring, (k + 1) % 10)
                lines[#lines + 1] = ("%s%d %s%d"):format(ring, k, ring, (k + 2) % 10)
            end
        end
        return write_file("rings.txt", table.concat(lines, "\n"))
    end

    it("is the example, to the byte", function()
        local name = rings()
        command(name .. " --out p.png --positions p.csv")
        local mine = read_file(beside "p.csv")
        assert.equal(0, (layout(name .. " --out q.png --positions q.csv")))
        assert.equal(mine, read_file(beside "q.csv"))
        assert.is_true(read_file(beside "p.png") == read_file(beside "q.png"))
    end)

    it("lays out the part that was asked for", function()
        local name = rings()
        contains(command(name .. " --out p.png --largest"), "22 nodes, 43 edges")
        contains(command(name .. " --out p.png --core 3"), "20 nodes, 41 edges")
        contains(command(name .. " --out p.png --ego b5"), "6 nodes, ") -- itself, b3, b4, b6, b7, t1
        contains(command(name .. " --out p.png --ego b5 --core 2 --positions p.csv"), "5 nodes, ")
        assert.is_nil(placed "p.csv".t1)
        assert.is_not_nil(placed "p.csv".b3)
        os.execute(("cd %s; rm -- *.png *.csv"):format(folder))
        fails(name .. " --out p.png --core 9 --positions q.npy --page q.html", "the graph has no 9-core")
    end)

    it("keeps the nodes of an earlier run about where they were, and pinned ones exactly", function()
        local name = rings()
        command(name .. " --out p.png --positions old.csv")
        local old = placed "old.csv"
        write_file("more.txt", read_file(beside(name)) .. "\nnew a3\nnew a4")
        command("more.txt --out p.png --positions new.csv --positions-from old.csv")
        local new, moved, span = placed "new.csv", 0, 0
        for who, at in pairs(old) do
            moved = math.max(moved, math.sqrt((new[who][1] - at[1]) ^ 2 + (new[who][2] - at[2]) ^ 2))
            span = math.max(span, math.abs(at[1]), math.abs(at[2]))
        end
        assert.is_true(moved < 0.3 * span, ("%g of %g"):format(moved, span))
        local function to_new(who) return math.sqrt((new[who][1] - new.new[1]) ^ 2 + (new[who][2] - new.new[2]) ^ 2) end
        assert.is_true(to_new "a3" < to_new "b3" and to_new "a4" < to_new "b8")
        write_file("pins.csv", "name,x,y\na0,100,50\nb0,160,50\nnobody,1,1\n")
        command(name .. " --out p.png --positions pinned.csv --pinned pins.csv")
        local pinned = placed "pinned.csv"
        assert.same({ { 100, 50 }, { 160, 50 } }, { pinned.a0, pinned.b0 })
        local function near(who, to) return math.abs(pinned[who][1] - pinned[to][1]) end
        assert.is_true(near("a5", "a0") < near("a5", "b5") + 60 and near("b1", "b0") < near("b1", "a0"))
        write_file("none.csv", "name,x,y\nnobody,1,1\n")
        os.execute(("cd %s; rm -- *.png old.csv new.csv pins.csv pinned.csv"):format(folder))
        local code, said = layout(name .. " --out z.png --pinned none.csv")
        assert.equal(1, code)
        contains(said, "none of its names is a node of the graph")
        assert.same({ "none.csv" }, outputs())
    end)

    it("says of pins that are no node's, and of columns that edges have, what they are", function()
        local name = write_file("said.txt", "source,target,weight,kind\na,b,1,x\nb,c,2,y\n")
        write_file("pins.csv", "name,x,y\nb,1,1\nnobody,1,1\na,2,3\nnone,1,2\n")
        contains(command(name .. " --out p.png --steps 1 --pinned pins.csv"),
            'pins.csv: 2 of its names are no nodes of the graph, and pin nothing: "nobody" is the first')
        write_file("pins.csv", "name,x,y\nb,1,1\na,2,3\n")
        assert.is_nil(command(name .. " --out p.png --steps 1 --pinned pins.csv"):find("no nodes", 1, true))
        os.execute(("cd %s; rm -- *.png *.csv"):format(folder))
        for _, column in ipairs { "weight", "kind" } do
            fails(name .. " --out p.png --colors " .. column,
                ("No such file or directory; edges have %s, and nodes have no columns of their own"):format(column))
        end
    end)

    it("ends when its time is over, and after so many steps", function()
        local began = gpumm.clock()
        command(SHIPPED .. " --out p.png --time 1")
        assert.is_true(gpumm.clock() - began >= 1)
        command(rings() .. " --out p.png --positions p.csv --steps 1")
        local one = read_file(beside "p.csv")
        command(rings() .. " --out p.png --positions p.csv --steps 100")
        assert.are_not.equal(one, read_file(beside "p.csv"))
    end)

    it("writes a page, the graph and three dimensions, and draws sizes and colors of columns", function()
        local name = rings()
        local lines = {}
        for _, who in ipairs { "a", "b" } do
            for k = 0, 9 do lines[#lines + 1] = ("%s%d %g"):format(who, k, who == "a" and 1 or 100.5) end
        end
        for _, who in ipairs { "t1", "t2", "x", "y" } do lines[#lines + 1] = who .. " 0" end
        write_file("column.txt", table.concat(lines, "\n"))
        command(name .. " --out p.png --page p.html --write p.gexf --dimensions 3 --positions p.csv --colors column.txt")
        assert.matches("^name,x,y,z\n", read_file(beside "p.csv"))
        contains(read_file(beside "p.html"), "<html")
        assert.equal(24, graph.read(beside "p.gexf").nodes)
        command(name .. " --out q.png --positions q.csv --colors column.txt --sizes column.txt")
        command(name .. " --out r.png --positions q.csv --colors column.txt")
        assert.is_false(read_file(beside "q.png") == read_file(beside "r.png"))
        write_file("bad.txt", table.concat(lines, "\n"):gsub("b3 100.5", "b3 nan"))
        os.execute(("cd %s; rm -- *.png *.csv *.npy *.html *.gexf"):format(folder))
        fails(name .. " --out q.png --sizes bad.txt", '--sizes bad.txt: node "b3" has "nan"; a size is a number from 0')
        fails(name .. " --out q.png --sizes weight",
            "--sizes: cannot read the column: weight: No such file or directory; the graph has no columns of its own")
    end)

    it("takes weights as strengths and as lengths, and refuses what is neither", function()
        local name = write_file("weights.txt", "a b 8\nb c 1\nc d 8\nd a 1\n")
        local function ratio(how)
            command(name .. " --out p.png --positions p.csv --weights " .. how)
            local at = placed "p.csv"
            local function length(i, j) return math.sqrt((at[i][1] - at[j][1]) ^ 2 + (at[i][2] - at[j][2]) ^ 2) end
            return length("a", "b") / length("b", "c")
        end
        assert.is_true(ratio "strength" < 0.95)
        assert.is_true(ratio "length" > 1.05)
        local _, line = layout(write_file("line.txt", "a b 1\nb c 1000\nc d 1\n") .. " --out p.png --weights length")
        local mine, random = line:match "stress ([%d.]+); of a random layout ([%d.]+)"
        assert.is_true(tonumber(mine) < 0.05 and tonumber(random) > 0.5, line) -- over lengths: 0.436 and 0.214 over steps
        assert.is_true(math.abs(ratio "none" - 1) < 0.05)
        os.execute(("cd %s; rm -f -- *.png *.csv *.npy"):format(folder))
        fails(write_file("negative.txt", "a b 1\nb c -2\n") .. " --out z.png",
            'edge 2, from node "b" to "c", has the weight -2; a strength is at least 0')
        fails(write_file("zero.txt", "a b 1\nb c 0\n") .. " --out z.png --weights length", "a length is larger than 0")
    end)

    it("refuses what makes no sense", function()
        local name = rings()
        fails(name .. " --weights heavy", '--weights is strength, length, none, not "heavy"')
        fails(name .. " --dimensions 4", "--dimensions is 2, 3")
        fails(name .. " --model springy", "--model is tforce, forceatlas, spring")
        fails(name .. " --grow 5 --time 3", "--grow and --time do not go together")
        fails(name .. " --ego nobody --out p.png", 'the graph has no node "nobody"')
        local code, said = layout("", nil, "-m gpumm.force")
        assert.equal(1, code)
        contains(said, "-m gpumm.force: the module has no function main")
        code, said = layout("", nil, "-m no.such")
        assert.equal(1, code)
        contains(said, "-m no.such: module 'no.such' not found")
    end)

    it("writes shapes with labels and a legend, wide where weights are large, and no other ending #pango", function()
        local name = write_file("weights.txt", "a b 9\nb c 1\nc d 1\nd a 1\n")
        write_file("column.txt", "a 1998\nb 2004\nc 1998\nd 2020\n")
        local arguments = name .. " --steps 5 --colors column.txt --labels 4 --legend --out "
        command(arguments .. "p.svg")
        local text = read_file(beside "p.svg")
        contains(text, ">a<", ">d<", ">1998<", ">2020<", ">column.txt<", "#scale")
        local widths = {}
        local edges = text:match '<g id="edges".-</g>'
        for width in edges:gmatch 'stroke%-width="([%d.]+)"' do widths[#widths + 1] = tonumber(width) end
        table.sort(widths)
        assert.is_true(#widths == 4 and widths[4] > 2 * widths[3])
        command(arguments .. "q.pdf --kinds")
        assert.matches("^%%PDF", read_file(beside "q.pdf"))
        command(arguments .. "q.svg --weights length --kinds")
        contains(read_file(beside "q.svg"), ">1998 (2)<", ">2004 (1)<")
        os.execute(("cd %s; rm -- column.txt *.svg *.pdf"):format(folder))
        fails(name .. " --out p.jpg", 'pictures are written as .png, .svg or .pdf, not as "p.jpg"')
        fails(name .. " --labels -1 --out p.png", "--labels: at least 0 is meant")
    end)

    it("says what its options are for", function()
        local said = command "--help"
        contains(said, "usage: gpumm.layout [options] GRAPH", "--core N", "the k-core alone", "--positions-from TEXT")
    end)
end)

describe("the layout with kernels of its own", function()
    it("grows where it is, and is less strained than a random one", function()
        local code, said = layout(SHIPPED .. " --out own.png --steps 100 --grow 1000", nil, root .. "/examples/own_kernels.lua")
        assert.equal(0, code, said)
        contains(said, "dropped frames: 0")
        local own, random = stresses(said)
        assert.is_true(own < 0.6 * random, said)
        local _, growths = said:gsub("room for", "")
        assert.is_true(growths >= 4)
        os.remove(beside "own.png")
    end)
end)

describe("a bad graph", function()
    it("that is missing is named", function()
        fails("nowhere.txt --out p.png", "nowhere.txt: No such file or directory")
        fails("--out p.png", "the argument GRAPH is missing")
        fails(". --out p.png", "directory")
    end)

    it("that is malformed is named with its line", function()
        fails(write_file("one.txt", "a b\nb c\nalone\nc d\n") .. " --out p.png", "one.txt:3: ", '"alone"')
        fails(write_file("weight.txt", "# x\na b 1\nb c heavy\n") .. " --out p.png", "weight.txt:3: ", '"heavy"', "not a number")
        fails(write_file("range.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 2\n4 1\n") .. " --out p.png",
            "range.mtx:4: ", '"4"', "not a node from 1 to 3")
        fails(write_file("array.mtx", "%%MatrixMarket matrix array real general\n3 3\n1\n") .. " --out p.png", "array.mtx:1: ")
        fails(write_file("oblong.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 4 1\n1 2\n") .. " --out p.png",
            "oblong.mtx:2: ", "3 rows and 4 columns")
        fails(write_file("short.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 3 3\n1 2\n2 3\n") .. " --out p.png",
            "short.mtx", "3")
    end)

    it("that is empty, or no text", function()
        fails(write_file("empty.txt", "") .. " --out p.png", "empty.txt")
        fails(write_file("comments.txt", "# nothing\n% here\n\n") .. " --out p.png", "comments.txt")
        fails(write_file("zero.txt", "a b\n\0\n") .. " --out p.png", "zero.txt", "zero bytes")
        fails(write_file("packed.txt", "\31\139\8\0") .. " --out p.png", "packed.txt", "ends too early")
    end)
end)

describe("bad options", function()
    local name = write_file("good.txt", "a b\nb c\n")

    it("are refused before any work", function()
        fails(name .. " --ouy p.png", "unknown option --ouy (did you mean --out?)")
        fails(name .. " --steps many", '--steps needs a number, not "many"')
        fails(name .. " --steps 1.5", "--steps needs a whole number")
        fails(name .. " --steps", "--steps needs a value")
        fails(name .. " " .. name, "one argument too many")
        fails(name .. " --grow -5 --out p.png", "0 for all")
    end)

    it("positions are .npy or .csv", function()
        fails(name .. " --out p.png --positions p.txt.doc --steps 2", "written as .npy or .csv")
    end)

    it("every output can be written, or nothing begins", function()
        local taken = folder .. ".png"
        assert(os.execute("mkdir -p " .. taken))
        for options, words in pairs {
            ["--out no/such/p.png"] = "cannot write no/such/p.png: there is no folder no/such",
            ["--out p.png --page no/such/p.html"] = "no/such/p.html",
            ["--out p.png --positions no/such/p.npy"] = "no/such/p.npy",
            ["--out " .. taken] = ("IO: %s: cannot be written: Is a directory"):format(taken),
            ["--out folder.txt"] = 'pictures are written as .png, .svg or .pdf, not as "folder.txt"',
            ["--out /proc/p.png"] = "IO: /proc/p.png: cannot be written: ",
        } do
            local said = fails(name .. " --steps 2 " .. options, words)
            assert.is_nil(said:find "room for", said) -- what the first step says
        end
        os.remove(taken)
        local growing = ("cd %s; timeout 60 %s --quiet %s/examples/growing.lua %s --out p.png --frames no/such 2>&1")
            :format(folder, run, root, name)
        contains(io.popen(growing):read "a", "cannot write no/such/000000.npy: there is no folder no/such")
    end)
end)

describe("a picture that cannot be written", function()
    local name = write_file("drawn.txt", "a b\nb c\nc a\n")

    it("for want of a folder, or because it is one", function()
        fails(name .. " --steps 2 --out no/such/p.png", "no/such")
        assert(os.execute("mkdir " .. beside "there.txt"))
        local code, said = layout(name .. " --steps 2 --out there.txt")
        assert.equal(1, code)
        contains(said, "there.txt")
        assert.same({}, outputs())
    end)

    it("on a full disk: an error, and the device is left as it was", function()
        fails(name .. " --steps 2 --out /dev/full", "IO: /dev/full", "No space left on device")
        assert(os.execute "test -c /dev/full")
        assert.is_nil((io.open "/dev/full.part"))
    end)

    it("in the midst leaves no partial file, and what was there before", function()
        layout(name .. " --steps 2 --out old.png") -- and its kernels are in the cache
        local before = assert(read_file(beside "old.png"))
        -- A limit on the size of files, in blocks: writing fails in the midst.
        local code, said = layout(name .. " --steps 3 --out old.png", "trap '' XFSZ; ulimit -f 4;")
        assert.equal(1, code)
        contains(said, "IO: old.png", "File too large")
        assert.is_true(before == read_file(beside "old.png"))
        code, said = layout(name .. " --steps 3 --out new.png", "trap '' XFSZ; ulimit -f 4;")
        assert.equal(1, code)
        contains(said, "new.png")
        assert.same({ "old.png" }, outputs())
        os.remove(beside "old.png")
    end)
end)
