-- SPDX-License-Identifier: MIT
-- Layouts over ranks: families of graphs, of which each rank has a part of the edges, in 2D and 3D, with weights, growing, with
-- pins and sizes; arg[4] = "alone": by one process as everyone has it. What came out goes to the file "result" of a rank, to be
-- compared byte for byte. Run by world_layout_spec.

package.path = "./?.lua;" .. package.path
local gpumm = require "gpumm"
local by_place = require "gpumm.force.by_place"
local halo = require "gpumm.force.halo"
local force = gpumm.force

local folder, device, alone = arg[1], arg[2], arg[4] == "alone"
local common, world, graphs
if not alone then
    common = require "spec.ranks.common"
    common.open()
    world, graphs = require "gpumm.world", require "gpumm.world.graph"
end

-- ---- The families ----------------------------------------------------------------------------------------------

local function random(seed)
    local state = seed
    return function(n)
        state = state * 6364136223846793005 + 1442695040888963407
        return (state >> 33) % n
    end
end

local function edges_by(count, seed, pair)
    local from, to, pick = {}, {}, random(seed)
    for e = 1, count do from[e], to[e] = pair(pick, e) end
    return from, to
end

local families = {}

-- Loops, duplicates and edges both ways are among them.
function families.rmat() -- more nodes than have all pairs of distances
    local scale = 11
    return 1 << scale, edges_by(3000, 5, function(pick)
        local a, b = 0, 0
        for _ = 1, scale do
            local x = pick(100)
            local corner = x < 57 and 0 or x < 76 and 1 or x < 95 and 2 or 3
            a, b = 2 * a + (corner >> 1), 2 * b + (corner & 1)
        end
        return a + 1, b + 1
    end)
end

function families.grid()
    local from, to, w = {}, {}, 30
    for y = 0, w - 1 do
        for x = 0, w - 1 do
            local i = y * w + x + 1
            if x < w - 1 then from[#from + 1], to[#to + 1] = i, i + 1 end
            if y < w - 1 then from[#from + 1], to[#to + 1] = i, i + w end
        end
    end
    return w * w, from, to
end

local function lattice(w)
    local from, to = {}, {}
    for i = 1, w * w do
        if i % w > 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
        if i <= w * w - w then from[#from + 1], to[#to + 1] = i, i + w end
    end
    return w * w, from, to
end

function families.lattice() return lattice(91) end -- enough nodes for levels of cells that are not done at once, in rows
function families.large() return lattice(182) end  -- and for more than all are asked for to find how long edges are

function families.star() return 560, edges_by(559, 1, function(_, e) return 1, e + 1 end) end

function families.tree() return 550, edges_by(549, 7, function(pick, e) return e + 1, pick(e) + 1 end) end

function families.ring() return 90, edges_by(90, 1, function(_, e) return e, e % 90 + 1 end) end

function families.clusters()
    return 640, edges_by(1500, 9, function(pick)
        local c = pick(8)
        if pick(40) == 0 then return pick(640) + 1, pick(640) + 1 end
        return c * 80 + pick(80) + 1, c * 80 + pick(80) + 1
    end)
end

function families.components() -- of many sizes, single nodes, and a tree
    return 660, edges_by(900, 13, function(pick, e)
        if e <= 30 then return 401 + e, 401 + pick(e) end
        local base, size = table.unpack(({ { 0, 300 }, { 300, 60 }, { 440, 25 }, { 470, 5 }, { 500, 150 } })[pick(5) + 1])
        return base + pick(size) + 1, base + pick(size) + 1
    end)
end

function families.seven() return 7, { 1, 2, 4, 4 }, { 2, 3, 5, 6 } end -- every pair, and more ranks than blocks
function families.three() return 3, { 3, 2 }, { 1, 3 } end
function families.no_edge() return 600, {}, {} end
function families.complete() return 20, edges_by(400, 1, function(_, e) return (e - 1) // 20 + 1, (e - 1) % 20 + 1 end) end

-- ---- Laying out ----------------------------------------------------------------------------------------------------

local function weights_of(count)
    local pick, weights = random(21), {}
    for e = 1, count do weights[e] = (pick(1000) + 1) / 16 end
    return weights
end

local function part_of(list)
    return table.move(list, #list * world.rank // world.size + 1, #list * (world.rank + 1) // world.size, 1, {})
end

local function graph_of(n, from, to, weights)
    if alone then return gpumm.graph.new(n, from, to, weights) end
    local m <close> = common.manager { workers = 1 }
    return graphs.of(world, m, { nodes = n, from = gpumm.view("u32", part_of(from)), to = gpumm.view("u32", part_of(to)),
        weight = weights and gpumm.view("f64", part_of(weights)) })
end

local out, few = {}, {} -- of all cases, and of those that other numbers of ranks than two do

local function note(format, ...) out[#out + 1] = format:format(...) end

local by_number = by_place.least -- all graphs here are smaller
halo.least.cuda = 1

local function lay_out(name, how, kind, is_more)
    if is_more and not alone and world.size ~= 2 then return end
    by_place.least, how.by_place = how.by_place and 1 or by_number, nil
    local before = #out
    local n, from, to = families[name]()
    how.device, how.settle = device, kind ~= "growing" and 0 or nil
    local graph = graph_of(n, from, to, how.weights and weights_of(#from))
    local simulation = force[kind or "layout"](graph, how)
    local result = simulation:run { workers = 1 }
    note("%s %s %s %d edges\n", name, kind or "", how.dimensions, graph.edges)
    out[#out + 1] = result.positions:bytes()
    if how.every and not kind and not alone and world.size > 1 then -- they tell one another what they ask for
        assert((simulation.engine.halo.told or 0) > 0, name .. ": there were no lists")
    end
    if result.quality then note("%s", force.describe(result.quality, result.random)) end
    if not is_more then table.move(out, before + 1, #out, #few + 1, few) end
end

local function pins(n)
    local at, pick = {}, random(3)
    for i = 1, n do at[i] = i % 3 > 0 and { pick(100), pick(100) } or false end
    return at
end

local function sizes(n)
    local list, pick = {}, random(17)
    for i = 1, n do list[i] = pick(9) end
    return list
end

local function all()
    for _, name in ipairs { "rmat", "grid", "star", "tree", "ring", "clusters", "components", "seven", "three", "no_edge",
        "complete" } do
        lay_out(name, { dimensions = 2, steps = 4, quality = name == "components" })
    end
    for _, name in ipairs { "star", "tree", "ring", "seven", "three", "no_edge", "complete", "rmat", "grid", "clusters" } do
        lay_out(name, { dimensions = 3, steps = 4 }, nil, name == "rmat" or name == "grid" or name == "clusters")
    end
    lay_out("lattice", { dimensions = 2, steps = 2 })
    lay_out("lattice", { dimensions = 2, steps = 13, by_place = true, model = "forceatlas", every = 6 })
    lay_out("large", { dimensions = 2, steps = 20, by_place = true, every = 100 }, nil, true)
    lay_out("rmat", { dimensions = 2, steps = 4, weights = "strength", model = "forceatlas", quality = true })
    lay_out("clusters", { dimensions = 3, steps = 4, weights = "strength", model = "spring" }, nil, true)
    lay_out("components", { dimensions = 2, steps = 4, sizes = sizes(660), pinned = { 2, 660 }, quality = true }, nil, true)
    lay_out("tree", { dimensions = 2, steps = 40, sizes = sizes(550), quality = true }, nil, true) -- long enough to be untangled
    lay_out("rmat", { dimensions = 2, steps = 4, by_place = true, weights = "strength", quality = true })
    lay_out("components", { dimensions = 3, steps = 4, by_place = true })
    lay_out("grid", { dimensions = 2, steps = 4, by_place = true, weights = "length" }, nil, true)
    lay_out("ring", { dimensions = 2, steps = 4, weights = "length" })
    for _, name in ipairs { "clusters", "tree", "components" } do
        lay_out(name, { dimensions = 2, steps = 4, weights = "length", quality = name == "clusters" }, nil, true)
    end
    lay_out("grid", { dimensions = 2, steps = 4, positions = pins(900), hold = 0.2, pinned = { 1, 40, 900 } })
    lay_out("rmat", { dimensions = 2, steps = 4, first = 300, batch = 300, every = 2 }, "growing")
    lay_out("tree", { dimensions = 3, steps = 4, first = 100, batch = 300, every = 3, weights = "strength" }, "growing", true)
    lay_out("tree", { dimensions = 2, steps = 4, first = 300, batch = 300, every = 2, weights = "length" }, "growing", true)
end

local function save()
    for name, list in pairs { result = out, few = few } do
        local file <close> = assert(io.open(("%s/%s%s"):format(folder, name, alone and "" or world.rank), "wb"))
        assert(file:write(table.concat(list)))
    end
end

if alone then
    all()
    save()
else
    common.ending(common.manager { workers = 1 }, function()
        all()
        save()
    end)
end
