-- SPDX-License-Identifier: MIT
-- Edges that each rank reads a part of, against a plain reader here; numbers of names, and blocks of nodes. Run by world_spec.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm, same = common.gpumm, common.same
local world = require "gpumm.world"

local rank, size = common.open()
local m = common.manager()
local path = common.folder .. "/edges"

-- One rank writes it, all read it.
local function file(text)
    if rank == 0 then
        local out <close> = assert(io.open(path, "wb"))
        assert(out:write(text))
    end
    assert(world.barrier())
    return path
end

local function random(seed)
    local state = seed
    return function(n)
        state = state * 6364136223846793005 + 1442695040888963407
        return (state >> 33) % n + 1
    end
end

-- ---- A plain reader -----------------------------------------------------------------------------------

-- The edges' numbers, weights and the names by number, of rows of names.
local function numbered(rows)
    local numbers, names, from, to, weight = {}, {}, {}, {}, {}
    local function of(name)
        if not numbers[name] then
            names[#names + 1] = name
            numbers[name] = #names
        end
        return numbers[name]
    end
    for e, row in ipairs(rows) do
        from[e], to[e] = of(row[1]), of(row[2])
        weight[e] = row[3] or 0 / 0
    end
    return from, to, names, weight
end

-- All ranks' values, one behind another's.
local function all_of(kind, view)
    local text = table.concat(assert(world.collect(#view > 0 and view:bytes() or "")))
    return #text > 0 and gpumm.view(kind, text):totable() or {}
end

local function compare(what, rows, text, options)
    local from, to, names, weight = numbered(rows)
    local got = world.edges(file(text), options)
    same(#names, got.nodes, "nodes of %s", what)
    same(table.concat(from, " "), table.concat(all_of("u32", got.from), " "), "from of %s", what)
    same(table.concat(to, " "), table.concat(all_of("u32", got.to), " "), "to of %s", what)
    for i = 1, #got.names do same(names[got.number[i]], got.names[i], "name %d of %s", i, what) end
    local weighted = false
    for _, row in ipairs(rows) do weighted = weighted or row[3] ~= nil end
    same(weighted, got.weight ~= nil, "weights of %s", what)
    if weighted then
        local mine = all_of("f64", got.weight)
        for e, w in ipairs(weight) do
            if w == w or mine[e] == mine[e] then same(w, mine[e], "weight %d of %s", e, what) end
        end
    end
end

local function rows_of(count, nodes, seed, weighted)
    local pick, rows = random(seed), {}
    for e = 1, count do
        local a, b = pick(nodes), pick(nodes)
        rows[e] = { ("n%d"):format(a):rep(a % 3 + 1), ("n%d"):format(b):rep(b % 3 + 1), weighted and pick(100) / 4 or nil }
    end
    return rows
end

local function lines_of(rows, sign, head)
    local lines = { head }
    for _, row in ipairs(rows) do lines[#lines + 1] = table.concat(row, sign) end
    return lines
end

local function edges()
    local rows = rows_of(3000, 700, 3)
    compare("a list", rows, table.concat(lines_of(rows, "\t"), "\n") .. "\n")
    rows = rows_of(500, 60, 4, true)
    compare("CSV", rows, table.concat(lines_of(rows, ",", "source,target,weight"), "\n"))
    rows = rows_of(3, 9, 5)
    compare("three lines", rows, "# a comment\n\n" .. table.concat(lines_of(rows, " "), "\n\n# and one more\n") .. "\n")
    rows = rows_of(40, 9, 6)
    for e = 30, 40 do rows[e][3] = e / 2 end
    compare("weights in the end", rows, table.concat(lines_of(rows, " "), "\r\n"))
end

-- An error in one part is every rank's, with the line of the file.
local function broken()
    local rows = rows_of(200, 50, 7, true)
    rows[150][3] = "heavy"
    local ok, message = pcall(world.edges, file(table.concat(lines_of(rows, ","), "\n")))
    if ok or not message:find("edges:150: the weight \"heavy\" is not a number", 1, true) then error(tostring(message)) end
    ok, message = pcall(world.edges, common.folder .. "/none")
    if ok or not message:find("cannot read the edges", 1, true) then error(tostring(message)) end
    ok, message = pcall(world.edges, file "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2\n")
    if ok or not message:find("this is MatrixMarket; only lists of edges", 1, true) then error(tostring(message)) end
    -- One rank has the edges that add up to it; all are told.
    ok, message = pcall(require "gpumm.world.graph".read, world, m, file "a b 1e308\na b 1e308\nc d 1\nd e 1\ne f 1\n")
    if ok or not message:find("edges between nodes 1 and 2 add up to no finite number", 1, true) then error(tostring(message)) end
    assert(world.barrier())
end

-- ---- Names and blocks ---------------------------------------------------------------------------------------

local function names()
    local mine, seen, count = {}, {}, 0
    for r = 0, size - 1 do
        local pick, own = random(20 + r), {}
        for _ = 1, r == 1 and 0 or 50 do -- rank 1 has none
            local name = tostring(pick(120))
            if not own[name] then
                own[name] = true
                if r == rank then mine[#mine + 1] = name end
                if not seen[name] then
                    count = count + 1
                    seen[name] = count
                end
            end
        end
    end
    local numbers, all = world.number(mine)
    same(count, all, "how many names")
    for i, name in ipairs(mine) do same(seen[name], numbers[i], "the number of %s", name) end
end

local function check_blocks(row, node, align)
    local bounds = world.blocks(row, node, align)
    same(size + 1, #bounds, "bounds")
    same(1, bounds[1], "where the first begins")
    same(#row, bounds[size + 1], "where the last ends")
    local all, most = row[#row] - row[1] + node * (#row - 1), 0
    for i = 1, #row - 1 do most = math.max(most, row[i + 1] - row[i] + node) end
    for r = 1, size do
        local first, past = bounds[r], bounds[r + 1]
        assert(first <= past)
        local work = row[past] - row[first] + node * (past - first)
        assert(past == #row or (past - 1) % (align or 1) == 0)
        assert(work <= all / size + most * (1 + (align or 0)), ("block %d has %g of %g"):format(r, work, all))
    end
end

local function blocks()
    local pick, row = random(9), { 0 }
    for i = 1, 1000 do row[i + 1] = row[i] + (i == 500 and 900 or pick(7) - 1) end
    check_blocks(row, 4)
    check_blocks(gpumm.view("u32", row), 0)
    check_blocks(row, 4, 64)
    check_blocks(row, 4, 4096)
    check_blocks({ 5, 8 }, 1)
    check_blocks({ 0 }, 1)
    local ok, message = pcall(world.blocks, 3)
    if ok or not message:find("world.blocks needs where rows begin", 1, true) then error(tostring(message)) end
end

common.ending(m, function()
    edges()
    broken()
    names()
    blocks()
end)
