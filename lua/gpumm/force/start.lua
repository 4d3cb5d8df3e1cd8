-- SPDX-License-Identifier: MIT
-- A good start: every component of some size by PivotMDS and rounds of stress majorization, the small ones on a disc, packed
-- side by side. One edge is about one unit long.

local gpumm = require "gpumm"
local chance = require "gpumm.common.chance"
local kernels = require "gpumm.force.kernels"
local distance = require "gpumm.force.distance"
local native = require "gpumm.layout.native"
local packing = require "gpumm.force.packing"
local pivots_of = require "gpumm.force.pivots"
local stress = require "gpumm.force.stress"
local wedges = require "gpumm.force.wedges"

local need, buffer = kernels.need, kernels.buffer
local start = {}

local SAMPLES = 8192
local SMALL = 16      -- components up to this many nodes need no PivotMDS: forces unfold them
local MANY = 64       -- components that get one
local ROUNDS = 60     -- of stress majorization
local FEW = 2048      -- nodes up to which each is a pivot of those
local PAIRS = FEW * FEW // 4 -- of nodes and pivots of a larger tree
local WIDE = 16       -- as many components at most as have so many pivots, for each has distances to all nodes
local HELD = 8        -- components, whose stress is held while forces move the nodes
local JITTER = 0.05   -- so that nodes with the same neighbours do not start on one spot

-- ---- One component ------------------------------------------------------------------------------

local function flat(vectors, scale)
    local all = {}
    for k = 1, #vectors do all[k] = vectors[k] * scale end
    return all
end

-- By how much to scale positions so that they are apart as their nodes are in the graph.
local function fitting_scale(task, pivots, sample)
    local positions, of = need(task.position:download(1, task.n)), task.sampled
    local top, bottom, columns = 0, 0, need(of.column:download(1, #sample))
    for p = 1, math.min(8, #pivots) do
        local hops = need(of.hops:download((p - 1) * of.stride + 1, of.stride))
        local here = { positions:get(pivots[p] + 1) }
        for s = 1, math.min(2000, #sample) do
            local there, d, square = { positions:get(sample[s] + 1) }, hops[columns[s] + 1], 0
            for k = 1, #here do square = square + (here[k] - there[k]) ^ 2 end
            top, bottom = top + d * math.sqrt(square), bottom + square
        end
    end
    return bottom > 0 and top / bottom or 1
end

local function choose(members, n, count, seed)
    local chosen = chance.sample(count, members and #members or n, seed)
    if members then
        for k, at in ipairs(chosen) do chosen[k] = members[at + 1] end
    end
    return chosen
end

local function by_chance(length, axes, seed)
    local values = {}
    for c = 1, axes do
        for k = 1, length do values[#values + 1] = chance.unit(seed << 20 | c << 10 | k) - 0.5 end
    end
    return gpumm.view("f64", values)
end

-- The leading axes over the pivots, by the sampled nodes: a view, axis by axis.
local function leading_axes(task, pivots, sample)
    local manager, run, count, samples = task.manager, task.run, #pivots, #sample
    local matrix <close> = buffer(manager, "f64", samples * count)
    local out <close> = buffer(manager, "f64", count * count)
    local of = task.sampled
    need(run.means(count, samples, of.stride, of.column, of.hops, task.mean))
    need(run.centred(samples, count, of.stride, of.column, of.hops, task.mean, matrix))
    need(run.products(count * count, count, samples, matrix, out))
    return native.eigenvectors(need(out:download()), by_chance(count, task.dimensions, task.seed))
end

local function is_flat_tree(task, members)
    return task.dimensions == 2 and task.rounds > 0 and wedges.is_tree(task, members)
end

local function all_of(count)
    local all = {}
    for i = 1, count do all[i] = i - 1 end
    return all
end

-- The stress by every node of a small component, or by the pivots of a larger one. Of a tree those are more, and evenly on its
-- branches: such as are farthest from one another leave whole branches where they are.
local function stress_of(task, members, count, nodes, own, pivots, hops)
    local is_small = count <= FEW and task.n <= WIDE * count
    local evenly = not is_small and PAIRS // task.n > #pivots and is_flat_tree(task, members)
    if not is_small and not evenly then
        return stress.new(task.manager, task.rows, task.dimensions, members, nodes, own, pivots, hops)
    end
    hops:close()
    local all = evenly and wedges.evenly(task, members, math.min(count, PAIRS // task.n)) or members or all_of(count)
    return stress.new(task.manager, task.rows, task.dimensions, members, nodes, own, all,
        distance.from(task.manager, task.rows, all))
end

-- A tree begins without crossings.
local function place_tree(task, members)
    local values = need(task.position:download(1, task.n))
    wedges.place(task, members, function(i, x, y) values:set(i + 1, x, y) end)
    need(task.position:upload(values))
end

--- PivotMDS of one component: `members` lists its nodes from 0, nil: all.
local function pivot_mds(task, members)
    local manager, count = task.manager, members and #members or task.n
    local now, part = task.rows.now, task.rows.part
    local nodes, own, before = distance.own(manager, task.rows, members)
    local sample = choose(members, task.n, SAMPLES, task.seed + 1)
    local pivots, hops = pivots_of.choose(manager, task.rows, members, nodes, task.seed, own, before)
    local sampled <close> = buffer(manager, "u32", #sample)
    need(sampled:upload(sample))
    task.sampled = distance.sampled(manager, task.rows, hops, #pivots, sample, sampled)
    local mean <close> = buffer(manager, "f64", #pivots)
    local axes <close> = buffer(manager, "f64", 3 * #pivots)
    task.mean = mean
    local vectors = leading_axes(task, pivots, sample)
    local function place(scale, jitter)
        need(axes:upload(flat(vectors, scale)))
        if own > 0 then
            need(task.run.place(own, #pivots, now.count, now.first, nodes, hops, mean, axes, jitter, task.position))
        end
        part:gather(task.position, task.n)
    end
    if is_flat_tree(task, members) then
        place_tree(task, members)
    else
        place(1, 0)
        place(fitting_scale(task, pivots, sample), JITTER)
    end
    if task.rounds == 0 then return end
    local of = stress_of(task, members, count, nodes, own, pivots, hops)
    of:majorize(task.position, task.rounds)
    if #task.held < HELD then task.held[#task.held + 1] = of end
end

-- ---- Several ------------------------------------------------------------------------------------

--- Lists of nodes from 0 by component, as native.members has them: tables of the small ones, views of the others.
function start.lists(labels) return native.members(labels, SMALL) end

-- A component is called by its least node.
local function is_one(labels) return native.greatest(labels) == 0 end

-- The small ones: hashed places on a disc (a ball) with room for each node.
local function scatter_small(task, list, values)
    local d = task.dimensions
    local radius = (#list - 1) ^ (1 / d) * 0.6
    for _, i in ipairs(list) do
        local at, length = {}, 0
        for k = 1, d do
            at[k] = chance.unit(task.seed << 40 | i << 2 | k) - 0.5
            length = length + at[k] ^ 2
        end
        local scale = radius * chance.unit(task.seed << 40 | i << 2) ^ (1 / d) / math.sqrt(length)
        for k = 1, d do at[k] = at[k] * scale end
        values:set(i + 1, table.unpack(at))
    end
end

local function place_small(task, list, values)
    if not is_flat_tree(task, list) then return scatter_small(task, list, values) end
    wedges.place(task, list, function(i, x, y) values:set(i + 1, x, y) end)
end

local function place_all(task, lists)
    local values = gpumm.view("f32x" .. task.dimensions, task.n)
    for k, list in ipairs(lists) do
        if #list <= SMALL or k > MANY then place_small(task, list, values) end
    end
    need(task.position:upload(values))
    for k, list in ipairs(lists) do
        if #list > SMALL and k <= MANY then pivot_mds(task, list) end
    end
    packing.pack(task, lists)
end

--- Writes a start for rows.now.n nodes to `position`, a buffer of f32x2 or f32x3. Options: dimensions, seed, rounds (an
--- even number; 0: PivotMDS alone). Returns the components' sizes, and the stresses of the largest.
function start.place(manager, rows, position, options)
    local task = {
        manager = manager, rows = rows, n = rows.now.n, position = position,
        dimensions = options.dimensions or 2, seed = options.seed or 1, rounds = options.rounds or ROUNDS, held = {},
    }
    task.run = kernels.of(manager, "start.cu", kernels.dimension(task.dimensions) .. kernels.distances(rows))
    local labels = distance.components(manager, rows)
    if is_one(labels) then
        if task.n > 1 then pivot_mds(task) else need(position:fill({ 0, 0, task.dimensions == 3 and 0 or nil })) end
        return { task.n }, task.held
    end
    local lists = start.lists(labels)
    place_all(task, lists)
    local sizes = {}
    for k, list in ipairs(lists) do sizes[k] = #list end
    return sizes, task.held
end

return start
