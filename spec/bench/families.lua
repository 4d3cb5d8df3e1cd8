-- SPDX-License-Identifier: MIT
-- Forty families of generated graphs: writes each one's edges and gpumm's layout to a folder, from where families.py measures
-- them beside others' layouts:
--
--     gpumm-run --device host spec/bench/families.lua FOLDER [--nodes 1000] [--dimensions 2] [--seed 1] [--only NAME]
--         [--as gpumm]
--     python3 spec/bench/families.py FOLDER
--
-- Another build's layouts, as those from before a change, go beside by --as before. --road N is the road network alone, with
-- about N nodes, laid out and described here without files (for GPUs: --road 1e6).

local gpumm = require "gpumm"

local opt = gpumm.options(arg, { "folder", nodes = 1000, dimensions = 2, seed = 1, only = "", as = "gpumm", device = "auto",
    road = 0.0 })

-- Chance that is the same everywhere.
local state = 0
local function random(n)
    state = state + 0x9E3779B97F4A7C15
    local x = state
    x = (x ~ x >> 30) * 0xBF58476D1CE4E5B9
    x = (x ~ x >> 27) * 0x94D049BB133111EB
    local unit = ((x ~ x >> 31) >> 11) * 0x1p-53
    return n and math.floor(unit * n) + 1 or unit
end

-- ---- A graph that is made edge by edge ---------------------------------------------------------

local Made = {}
Made.__index = Made

local function made(n) return setmetatable({ n = n, from = {}, to = {}, seen = {} }, Made) end

function Made:add(i, j)
    if i == j then return end
    local key = math.min(i, j) << 32 | math.max(i, j)
    if self.seen[key] then return end
    self.seen[key] = true
    self.from[#self.from + 1], self.to[#self.to + 1] = i, j
end

function Made:node()
    self.n = self.n + 1
    return self.n
end

-- ---- Families: functions of the number of nodes -----------------------------------------------------

local function lattice(width, height, more)
    local g = made(width * height)
    for i = 1, width * height do
        local x, y = (i - 1) % width, (i - 1) // width
        if x < width - 1 then g:add(i, i + 1) end
        if y < height - 1 then g:add(i, i + width) end
        if more then more(g, i, x, y) end
    end
    return g
end

local function clique(g, first, size)
    for i = first, first + size - 1 do
        for j = i + 1, first + size - 1 do g:add(i, j) end
    end
end

local function tree(n, parent)
    local g = made(n)
    for i = 2, n do g:add(parent(i), i) end
    return g
end

-- Points in the unit square, joined where they are nearer than a radius for so many neighbours.
local function geometric(n, neighbours, place)
    local g, cells, at = made(n), {}, {}
    local radius = math.sqrt(neighbours / (math.pi * n))
    for i = 1, n do
        local x, y = place()
        local key = (x // radius | 0) << 32 | (y // radius | 0)
        at[i] = { x, y }
        cells[key] = cells[key] or {}
        table.insert(cells[key], i)
    end
    for i = 1, n do
        local x, y = at[i][1], at[i][2]
        for u = x // radius - 1 | 0, x // radius + 1 | 0 do
            for v = y // radius - 1 | 0, y // radius + 1 | 0 do
                for _, j in ipairs(u >= 0 and v >= 0 and cells[u << 32 | v] or {}) do
                    if j < i and (x - at[j][1]) ^ 2 + (y - at[j][2]) ^ 2 < radius * radius then g:add(i, j) end
                end
            end
        end
    end
    return g
end

-- Towns on a jittered lattice whose streets are partly missing, roads of several nodes between crossings, some fast ones.
local function roads(n)
    local side = math.max(3, math.floor(math.sqrt(n / 2.6)))
    local g = made(side * side)
    local function road(i, j)
        local last = i
        for _ = 2, random(3) - 1 do
            local next = g:node()
            g:add(last, next)
            last = next
        end
        g:add(last, j)
    end
    for i = 1, side * side do
        local x, y = (i - 1) % side, (i - 1) // side
        local town = math.sin(x / 7) * math.sin(y / 9) > 0
        if x < side - 1 and (town or random() < 0.6) then road(i, i + 1) end
        if y < side - 1 and (town or random() < 0.6) then road(i, i + side) end
        if x % 20 == 0 and x < side - 20 and y % 20 == 0 then road(i, i + 20) end
    end
    return g
end

local function blocks(n, count, inside, across)
    local g, size = made(n), n // count
    for i = 1, n do
        local block = math.min((i - 1) // size, count - 1)
        for _ = 1, inside do g:add(i, block * size + random(size)) end
        if random() < across then g:add(i, random(n)) end
    end
    return g
end

local function attached(n, each)
    local g, ends = made(n), { 1 }
    for i = 2, n do
        for _ = 1, math.min(each, i - 1) do
            local j = ends[random(#ends)]
            g:add(i, j)
            ends[#ends + 1], ends[#ends + 2] = i, j
        end
    end
    return g
end

local function legs(n, hub, length)
    local g = made(1)
    if hub > 1 then
        g = lattice(hub, hub)
    end
    local core = g.n
    while g.n + length <= n do
        local last = random(core)
        for _ = 1, length do
            local next = g:node()
            g:add(last, next)
            last = next
        end
    end
    return g
end

local function wide(n) return math.max(3, math.floor(math.sqrt(n))) end

local FAMILIES = {
    { "path", function(n) return tree(n, function(i) return i - 1 end) end },
    { "cycle", function(n) local g = tree(n, function(i) return i - 1 end) g:add(n, 1) return g end },
    { "star", function(n) return tree(n, function() return 1 end) end },
    { "binary", function(n) return tree(n, function(i) return i // 2 end) end },
    { "ternary", function(n) return tree(n, function(i) return (i + 1) // 3 end) end },
    { "random-tree", function(n) return tree(n, function(i) return random(i - 1) end) end },
    { "preferred-tree", function(n) return attached(n, 1) end },
    { "caterpillar", function(n) return tree(n, function(i) return i <= n // 4 and i - 1 or random(n // 4) end) end },
    { "tree-chords", function(n)
        local g = tree(n, function(i) return random(i - 1) end)
        for _ = 1, n // 100 do g:add(random(n), random(n)) end
        return g
    end },
    { "legs", function(n) return legs(n, 1, 40) end },
    { "legs-on-mesh", function(n) return legs(n, wide(n // 4), 40) end },
    { "cactus", function(n)
        local g = made(1)
        while g.n + 8 <= n do
            local first = random(g.n)
            local last = first
            for _ = 1, 3 + random(4) do
                local next = g:node()
                g:add(last, next)
                last = next
            end
            g:add(last, first)
        end
        return g
    end },
    { "grid", function(n) return lattice(wide(n), wide(n)) end },
    { "strip", function(n) return lattice(8, n // 8) end },
    { "triangles", function(n)
        local side = wide(n)
        return lattice(side, side, function(g, i, x, y) if x < side - 1 and y < side - 1 then g:add(i, i + side + 1) end end)
    end },
    { "torus", function(n)
        local side = wide(n)
        return lattice(side, side, function(g, i, x, y)
            if x == side - 1 then g:add(i, i - side + 1) end
            if y == side - 1 then g:add(i, x + 1) end
        end)
    end },
    { "tube", function(n)
        return lattice(12, n // 12, function(g, i, x) if x == 11 then g:add(i, i - 11) end end)
    end },
    { "holes", function(n)
        local side = wide(n * 5 // 4)
        local g = lattice(side, side)
        local keep, kept = {}, made(0)
        for i = 1, g.n do
            local x, y = (i - 1) % side, (i - 1) // side
            if not (x % 10 > 2 and x % 10 < 7 and y % 10 > 2 and y % 10 < 7) then keep[i] = kept:node() end
        end
        for e = 1, #g.from do
            if keep[g.from[e]] and keep[g.to[e]] then kept:add(keep[g.from[e]], keep[g.to[e]]) end
        end
        return kept
    end },
    { "cube", function(n)
        local side = math.floor(n ^ (1 / 3) + 0.5)
        local g, flat = made(side ^ 3 | 0), side * side
        for i = 1, g.n do
            local x, y, z = (i - 1) % side, (i - 1) // side % side, (i - 1) // flat
            if x < side - 1 then g:add(i, i + 1) end
            if y < side - 1 then g:add(i, i + side) end
            if z < side - 1 then g:add(i, i + flat) end
        end
        return g
    end },
    { "hypercube", function(n)
        local bits = math.floor(math.log(n, 2))
        local g = made(1 << bits)
        for i = 0, g.n - 1 do
            for b = 0, bits - 1 do g:add(i + 1, (i ~ 1 << b) + 1) end
        end
        return g
    end },
    { "geometric", function(n) return geometric(n, 8, function() return random(), random() end) end },
    { "geometric-dense", function(n) return geometric(n, 24, function() return random(), random() end) end },
    { "geometric-ring", function(n)
        return geometric(n, 6, function()
            local a, r = 2 * math.pi * random(), 0.35 + 0.1 * random()
            return 0.5 + r * math.cos(a), 0.5 + r * math.sin(a)
        end)
    end },
    { "geometric-uneven", function(n) return geometric(n, 4, function() return random() ^ 2, random() ^ 2 end) end },
    { "roads", roads },
    { "random", function(n)
        local g = made(n)
        for _ = 1, 2 * n do g:add(random(n), random(n)) end
        return g
    end },
    { "cubic", function(n)
        local g = tree(n, function(i) return i - 1 end)
        for i = 1, n // 2 do g:add(i, n // 2 + random(n // 2)) end
        return g
    end },
    { "preferred", function(n) return attached(n, 2) end },
    { "preferred-dense", function(n) return attached(n, 6) end },
    { "small-world", function(n)
        local g = made(n)
        for i = 1, n do
            for k = 1, 3 do g:add(i, random() < 0.03 and random(n) or (i + k - 1) % n + 1) end
        end
        return g
    end },
    { "blocks", function(n) return blocks(n, 20, 4, 0.3) end },
    { "blocks-few", function(n) return blocks(n, 4, 5, 0.05) end },
    { "blocks-blurred", function(n) return blocks(n, 10, 3, 1) end },
    { "hierarchy", function(n)
        local g = blocks(n, 32, 3, 0)
        for level, share in ipairs { 0.3, 0.1, 0.03 } do
            local size = n // 32 * 4 ^ level // 1 | 0
            for i = 1, n do
                local first = (i - 1) // size * size
                if random() < share then g:add(i, first + random(math.min(size, n - first))) end
            end
        end
        return g
    end },
    { "cliques-chain", function(n)
        local g = made(n)
        for first = 1, n - 19, 20 do
            clique(g, first, 20)
            if first > 1 then g:add(first, first - 1) end
        end
        return g
    end },
    { "cliques-tree", function(n)
        local g = made(n // 12 * 12)
        for c = 0, n // 12 - 1 do
            clique(g, 12 * c + 1, 12)
            if c > 0 then g:add(12 * c + 1, 12 * random(c) - random(11)) end
        end
        return g
    end },
    { "two-cliques", function(n)
        local half = math.min(n // 2, 60)
        local g = made(2 * half)
        clique(g, 1, half)
        clique(g, half + 1, half)
        g:add(1, half + 1)
        return g
    end },
    { "bipartite", function(n)
        local g = made(n)
        for i = 1, n do
            for _ = 1, 3 do g:add(i, n // 5 * 4 + random(n - n // 5 * 4)) end
        end
        return g
    end },
    { "components", function(n)
        local g = made(0)
        while g.n < n do
            local size, first = math.min(1 + math.floor(40 * random() ^ 4), n - g.n), g.n
            for i = 1, size do
                g:node()
                if i > 1 then g:add(first + random(i - 1), first + i) end
                if i > 2 and random() < 0.3 then g:add(first + random(i - 1), first + i) end
            end
        end
        return g
    end },
    { "sparse", function(n)
        local g = made(n)
        for _ = 1, n * 3 // 5 do g:add(random(n), random(n)) end
        return g
    end },
}

-- ---- What is done with them -----------------------------------------------------------------------

local function graph_of(family, n)
    state = opt.seed * 1000003
    local g = family(n)
    return gpumm.graph.new(g.n, g.from, g.to)
end

local function layout(g)
    local began = gpumm.clock()
    local r = gpumm.force.layout(g, { device = opt.device, dimensions = opt.dimensions, seed = opt.seed }):run()
    return r, gpumm.clock() - began
end

local function write(name, lines)
    local file = assert(io.open(opt.folder .. "/" .. name, "w"))
    assert(file:write(table.concat(lines, "\n"), "\n"))
    assert(file:close())
end

local function save(name, g)
    local edges, points = { g.nodes .. "" }, {}
    for e = 1, g.edges do edges[e + 1] = g.from[e] - 1 .. " " .. g.to[e] - 1 end
    write(name .. ".edges", edges)
    local r, seconds = layout(g)
    for i = 1, g.nodes do points[i] = ("%.7g"):rep(opt.dimensions, " "):format(r.positions:get(i)) end
    table.insert(points, 1, ("# %.3f"):format(seconds))
    write(name .. "." .. opt.as .. ".at", points)
end

if opt.road > 0 then
    local g = graph_of(roads, math.tointeger(opt.road // 1))
    layout(graph_of(roads, 2000)) -- compiles
    local r, seconds = layout(g)
    local mine, chance = gpumm.force.quality(g, r.positions, { device = opt.device, dimensions = opt.dimensions })
    print(("roads: %d nodes, %d edges, %d steps in %.3f s; %s"):format(g.nodes, g.edges, r.steps, seconds,
        gpumm.force.describe(mine, chance)))
    return
end
for i, family in ipairs(FAMILIES) do
    local name = family[1]
    if opt.only == "" or opt.only == name then
        if i == 1 then layout(graph_of(family[2], 50)) end -- compiles before the clock counts
        save(name, graph_of(family[2], opt.nodes))
    end
end
