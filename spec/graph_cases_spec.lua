-- successes: 331
-- SPDX-License-Identifier: MIT
-- Small files of all formats, by spec/graph_cases.lua: each as it is, gzip'd, and read by several threads.

local gpumm = require "gpumm"
local graph = gpumm.graph
local cases = require "spec.graph_cases"

local beside = require "spec.beside" (teardown)
local write = beside.write

local function split(text, by)
    local list = {}
    for part in (text .. by):gmatch("(.-)" .. by:gsub("%p", "%%%0")) do list[#list + 1] = part end
    return list
end

local function numbers(text)
    local list = split(text, ",")
    for i, word in ipairs(list) do list[i] = tonumber(word) + 0.0 end
    return list
end

local function check(case, path)
    local read, g = pcall(graph.read, path, case.options)
    if case.refused then
        assert.is_false(read)
        assert.is_truthy(tostring(g):find(case.refused, 1, true), tostring(g):sub(1, 300))
        return
    end
    assert.is_true(read, tostring(g):sub(1, 300))
    assert.same({ case[3], case[4] }, { g.nodes, g.edges })
    assert.equal(g.nodes, #g.names)
    assert.equal(g.edges, #g.from)
    if case.names then assert.same(split(case.names, "|"), g.names:totable()) end
    if case.labels then assert.same(split(case.labels, "|"), g.labels:totable()) end
    if case.weights then assert.same(numbers(case.weights), g.weights:totable()) end
    if case.weights == false then assert.is_nil(g.weights) end
    if case.loops then assert.equal(case.loops, g.loops) end
    return g
end

describe("a small file", function()
    for _, case in ipairs(cases) do
        it(case[1] .. (case.refused and " is refused" or " is read"), function()
            local path = write(case[1], case[2])
            check(case, path)
            assert(os.execute(("gzip -f '%s'"):format(path)))
            check(case, path .. ".gz")
        end)
    end
end)

-- A small file of random bytes' changes: the same for the same seed.
local function worsened(text, seed)
    local at = 1 + (seed * 7919) % #text
    local byte = string.char((text:byte(at) ~ (1 << (seed % 8))) & 255)
    return text:sub(1, at - 1) .. byte .. text:sub(at + 1)
end

local function holds_together(g)
    for e = 1, g.edges do
        if g.from[e] < 1 or g.from[e] > g.nodes or g.to[e] < 1 or g.to[e] > g.nodes then return false end
    end
    return g.nodes >= 1 and #g.names == g.nodes and #g.from == g.edges and #g.to == g.edges
end

local function answers(name, text)
    local path = write(name, text)
    local read, g = pcall(graph.read, path, { threads = 1 + #text % 2 })
    if read then assert.is_true(holds_together(g))
    else assert.is_truthy(type(g) == "string" and g:find(path, 1, true)) end
end

describe("a file", function()
    it("that is cut anywhere, or has a bit turned, is a graph or an error", function()
        for _, case in ipairs(cases) do
            local text = case[2]
            if #text < 600 and not case[1]:find "%.gv$" and not case[1]:find "^z%-" then
                for k = 1, #text do
                    answers(case[1], text:sub(1, k))
                    answers(case[1], worsened(text, k))
                end
            end
        end
    end)

    -- Names that repeat, of all lengths, with quotes and weights, and lines that are none.
    local function large(count)
        local lines, seed = { "source,target,weight,kind" }, 1
        local function next_number(n)
            seed = (seed * 1103515245 + 12345) % (1 << 31)
            return seed // 1024 % n
        end
        for i = 1, count do
            local a, b = next_number(5000), next_number(5000)
            local to = b % 7 == 0 and ('"a name, %d"'):format(b) or ("n%s%d"):format(("x"):rep(b % 23), b)
            lines[#lines + 1] = ("%d,%s,%d.%d,k%d"):format(a, to, i % 10, i % 7, i % 5)
            if i % 1000 == 0 then lines[#lines + 1] = i % 2000 == 0 and "# a comment" or "" end
        end
        return write("large.csv", table.concat(lines, "\n"))
    end

    it("is the same graph for 1, 2, 3 and 7 threads", function()
        local path, first = large(40000), nil
        for _, threads in ipairs { 1, 2, 3, 7 } do
            local g = graph.read(path, { threads = threads, duplicates = "count" })
            local function text(column) return table.concat(column, "|") end -- luassert is slow at long tables
            local all = { text(g.names), text(g.from), text(g.to), text(g.weights), g.loops, g.duplicates,
                text(g.edge_columns.kind), text(g.edge_columns.count) }
            first = first or all
            for k, value in ipairs(all) do assert.is_true(first[k] == value) end
        end
        assert.is_true(first[6] > 0)
    end)

    -- One parts its merging from some hundred thousand edges on; every edge is here twice and a half, of a few nodes many.
    it("merges many edges as it merges few: the first of each stays, with the weights of all", function()
        local lines, seen, from, to, weights, count = {}, {}, {}, {}, {}, {}
        for i = 1, 600000 do
            local a, b = i % 240000 // 480 + 1, i % 480 + 1
            if i % 2 == 0 then a, b = b, a end
            lines[i] = a .. " " .. b .. " " .. i % 5
            local key = math.min(a, b) << 20 | math.max(a, b)
            local at = a ~= b and (seen[key] or #from + 1) or nil
            if at and not seen[key] then seen[key], from[at], to[at], weights[at], count[at] = at, a, b, 0.0, 0 end
            if at then weights[at], count[at] = weights[at] + i % 5, count[at] + 1 end
        end
        local path = write("many.txt", table.concat(lines, "\n"))
        for _, threads in ipairs { 1, 3 } do
            local g = graph.read(path, { threads = threads, duplicates = "count" })
            assert.same({ 500, #from }, { g.nodes, g.edges })
            local names, wrong = g.names, 0
            for k = 1, #from do
                local same = names[g.from[k]] == tostring(from[k]) and names[g.to[k]] == tostring(to[k])
                    and g.weights[k] == weights[k] and g.edge_columns.count[k] == count[k]
                wrong = wrong + (same and 0 or 1)
            end
            assert.equal(0, wrong)
        end
    end)

    it("has columns of the types that hold all of it, whatever its first lines look like", function()
        local lines = { "a b c" }
        for i = 1, 3000 do lines[#lines + 1] = ("%d %d %d"):format(i, i, i) end
        lines[#lines + 1] = "3001 1.5 word"
        local t = gpumm.columns.read(write("wider.txt", table.concat(lines, "\n")))
        assert.same({ 3001, { "a", "b", "c" } }, { t.rows, t.names })
        assert.equal("i64", t.columns.a:type().name)
        assert.same({ "f64", 7.0, 1.5 }, { t.columns.b:type().name, t.columns.b[7], t.columns.b[3001] })
        assert.same({ "7", "word" }, { t.columns.c[7], t.columns.c[3001] })
    end)

    it("has no column behind its lines' last delimiter but one that is empty", function()
        local t = gpumm.columns.read(write("trailing.csv", "a,b\n1,\n2,\n"))
        assert.same({ "a", "b" }, t.names)
        t = gpumm.columns.read(write("trailing.csv", "1,2,\n3,4,\n"))
        assert.same({ { "1", "2", "3" }, { "", "" } }, { t.names, { t.columns[3][1], t.columns[3][2] } })
        local g = graph.read(write("trailing.csv", "source,target,kind\na,b,\n#c,d,\n"))
        assert.same({ "a", "b", "#c", "d" }, g.names:totable())
    end)

    it("is read as it is told to be, or what was told is refused", function()
        local path = write("told.csv", "a,b\n1,2\n")
        local told = { delimiter = ",,", decimal = "x", header = "yes", comments = "x", quotes = 5, columns = "a" }
        for option, wrong in pairs(told) do
            for what, read in pairs { ["columns.read"] = gpumm.columns.read, ["graph.read"] = graph.read } do
                local done, message = pcall(read, path, { [option] = wrong })
                assert.is_false(done)
                assert.is_truthy(message:find(what .. ": " .. option .. " is ", 1, true), message)
            end
        end
    end)

    it("that is wrong is told with the beginning of what is wrong", function()
        local long = ("x"):rep(99999)
        for name, text in pairs { ["l.mtx"] = "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2 " .. long,
            ["h.mtx"] = "%%MatrixMarket matrix " .. long, ["f.mtx"] = "%%MatrixMarket matrix coordinate " .. long .. " general",
            ["v.net"] = "*Vertices 2\n*Edges\n1 " .. long, ["n.net"] = "*Vertices 2\n*" .. long, ["t.txt"] = "a b " .. long,
            ["r.graphml"] = ("<%s></%s>"):format(long, long),
            ["w.graphml"] = '<graphml><graph><edge source="a" target="b"><data key="weight">' .. long
                .. "</data></edge></graph></graphml>",
            ["n.gml"] = "graph [ node [ id 1 ] edge [ source 1 target " .. long .. " ] ]" } do
            local path = write(name, text)
            local read, message = pcall(graph.read, path)
            assert.is_false(read)
            assert.is_true(#message < #path + 200, message:sub(1, 300))
        end
    end)

    -- What takes a second for a hundred thousand characters takes an hour for ten million.
    it("of one long line is known, or refused, in time that goes with its length", function()
        local n, began = 200000, os.clock()
        for name, text in pairs { ["blanks.json"] = "{" .. (" "):rep(n) .. "x", ["braces.json"] = "{}" .. (" "):rep(n) .. "x",
            ["tuple.txt"] = "(" .. (","):rep(n), ["id.csv"] = "id" .. ("\t"):rep(n), ["comments.xml"] = ("<!-- >"):rep(n),
            ["instructions.xml"] = ("<?a >"):rep(n), ["types.xml"] = ("<!a>"):rep(n), ["subsets.xml"] = ("<![]x>"):rep(n),
            ["digits.csv"] = "a,b,weight\na,c," .. ("9"):rep(n) .. "x" } do
            answers(name, text)
        end
        assert.is_true(os.clock() - began < 10)
    end)

    it("that swells past its limit is refused", function()
        local path = write("swells.txt", ("a b\n"):rep(100000))
        assert(os.execute("gzip -f " .. path))
        local read, message = pcall(graph.read, path .. ".gz", { limit = 1000 })
        assert.is_false(read)
        assert.matches("swells to more than 1000 bytes", message)
        assert.equal(1, graph.read(path .. ".gz", { limit = 400000 }).edges)
        assert.equal(1, graph.read(write("plain.txt", "a b\n"), { limit = 1 }).edges)
    end)
end)
