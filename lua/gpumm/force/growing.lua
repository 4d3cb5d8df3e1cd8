-- SPDX-License-Identifier: MIT
-- gpumm.force.growing: a graph that grows while it is laid out, as a simulation. Nodes come in the order of the
-- graph, each edge with the later of its ends. Survivors stay where they are, new nodes start beside their
-- neighbours, and the layout is warmed a little.

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local columns_of = require "gpumm.graph.edge_columns"
local edges_by_last_node = require "gpumm.graph.order"
local engine = require "gpumm.force.engine"
local kernels = require "gpumm.force.kernels"
local live = require "gpumm.force.live"
local models = require "gpumm.force.models"
local part = require "gpumm.force.part"
local parting = require "gpumm.force.parting"
local quality = require "gpumm.force.quality"
local native = require "gpumm.layout.native"
local settings = require "gpumm.force.settings"
local sizes = require "gpumm.force.sizes"
local start = require "gpumm.force.start"

local need, buffer = kernels.need, kernels.buffer
local growing = {}

local ROUNDS = 8 -- in which nodes that came together find one another
local FEW = 0.02 -- of the nodes: where the layout has cooled down, so many more warm what is around them, and not the whole
local LEAST = 0.02 -- that a node may move in a step, in the model's units

local FIELDS = settings.fields {
    first = { kind = "whole", default = 1000, least = 1 }, batch = { kind = "whole", default = 1000, least = 1 },
    every = { kind = "whole", default = 10, least = 1 }, steps = { kind = "whole", default = 200, least = 0 },
    warmth = { kind = "number", default = 1, least = 0 }, cooling = { kind = "number", default = 0.9, least = 0 },
    weights = { kind = "any", default = "strength" }, sizes = { kind = "any" },
    capture = { kind = "whole", default = 5, least = 1 }, grown = { kind = "callable" },
}

-- Edges in the order of their later end; those of the first i nodes are the ones before first[i + 1].
local function in_order(graph, lengths)
    local order, first = edges_by_last_node(graph)
    local from, to = columns_of(graph)
    return {
        from = native.gather(from, order), to = native.gather(to, order), first = first,
        weight = graph.weights and native.gather(settings.relative(graph, lengths), order),
    }
end

--- The same for those of the nodes from `first` on for which `placed`, a u32 for every node, has 0.
function growing.seat_rest(manager, rows, position, first, by, dimensions, placed)
    local now, of = rows.now, rows.part
    local run = kernels.of(manager, "growing.cu", kernels.dimension(dimensions or 2))
    local from = math.max(first, now.first)
    local own = math.max(0, now.first + now.count - from)
    local function seat(round)
        if own > 0 then
            need(run.seat(own, first, from, now.first, round, now.row, now.near, by, placed, position))
        end
        of:gather(position, now.n)
        of:gather(placed, now.n)
    end
    for round = 1, ROUNDS do seat(round) end
    need(run.seat_alone(now.n - first, first, 2 * by, by, placed, position))
    for round = 2, ROUNDS do seat(round) end
end

--- Gives the nodes from `first` (counting from 0) to n a place in `position`: at the middle of those of their
--- neighbours that have one, with a hashed offset of up to `by`.
function growing.seat(manager, rows, position, first, by, dimensions)
    local placed <close> = buffer(manager, "u32", rows.now.n)
    need(placed:fill(0))
    growing.seat_rest(manager, rows, position, first, by, dimensions, placed)
end

local function append_edges(sim, before, after)
    local edges = sim.order
    local first, last = edges.first[before + 1], edges.first[after + 1] - 1
    if last < first then return end
    local columns = { from = native.slice(edges.from, first, last), to = native.slice(edges.to, first, last) }
    if edges.weight then columns.weight = native.slice(edges.weight, first, last) end
    need(sim.edges:append(columns))
end

local function connect(sim, n)
    sim.engine:connect(sim.at, n, #sim.edges, sim.edges.from, sim.edges.to, 1, sim.order.weight and sim.edges.weight)
end

-- More nodes: survivors keep place and speed, what is new has none.
local function grow(sim, graph, options, step)
    local before = #sim.nodes
    local after = math.min(graph.nodes, before == 0 and options.first or before + options.batch)
    need(sim.nodes:append(after - before))
    need(sim.moving:resize(select(2, options.part:block(after))))
    append_edges(sim, before, after)
    live.fit(sim)
    connect(sim, after)
    if before == 0 then
        start.place(sim.manager, sim.engine.rows, sim.at.position, options)
        sim.engine:balance(sim.at)
    else
        growing.seat(sim.manager, sim.engine.rows, sim.at.position, before, 0.5 / sim.engine.unit, options.dimensions)
    end
    if after - before <= FEW * before and sim.warmth <= LEAST then
        live.warm_around(sim, before + 1, after - before, options.warmth)
    else
        sim.warmth = before == 0 and sim.engine.model.limit or math.max(sim.warmth, options.warmth)
    end
    if options.grown then options.grown(sim, step, after - before) end
end

local function begin(sim, graph, options)
    sim.order, sim.engine, sim.at = in_order(graph, options.lengths), engine.new(sim.manager, options), {}
    sim.engine.recorded = false -- the simulation's steps are, which costs less where every few steps are others
    for _, name in ipairs { "position", "mass" } do sim.at[name] = sim.nodes:member(name) end
    for _, name in ipairs { "velocity", "force", "heft" } do sim.at[name] = sim.moving:member(name) end
end

-- Discs for the nodes that have come; false: there are none.
local function discs_of(sim, options)
    local of, most = {}, 0
    for i = 1, options.sizes and #sim.nodes or 0 do
        of[i] = options.sizes[i]
        most = math.max(most, of[i])
    end
    return most > 0 and sizes.new(sim.manager, options.dimensions, of)
end

local function finish(sim, options)
    sim.discs = discs_of(sim, options)
    parting.part(sim, options)
    if not sim.at.own_pins then parting.part_coincident(sim, options) end
    local result = { positions = need(sim.at.position:download()), steps = sim.i,
        radii = sim.discs and need(sim.discs.radius:download()) or nil }
    if options.quality then
        options.radii = sim.discs and sim.discs.radius or nil
        result.quality, result.random = quality.of(sim.manager, sim.engine.rows, sim.at.position, options)
    end
    if options.finish then options.finish(sim, result) end
    return result
end

--- A simulation of a graph that begins with its `first` (1000) nodes and grows by `batch` (1000) every `every` (10)
--- steps, then settles for `steps` (200). grown(sim, step, count) is called at every growth, frame(sim, f) every
--- `capture` (5) steps, finish(sim, result) at the end. Its run returns { positions, steps, quality, random }, and radii where
--- nodes have sizes, as force.layout has them.
function growing.simulation(graph, options)
    if type(graph) ~= "table" or not graph.from or not graph.nodes then error("force.growing needs a graph", 2) end
    options = checked.options("force.growing", options, FIELDS, 2)
    models.of(options.model, "force.growing", 2)
    options.part = graph.part or part.whole
    options.lengths = settings.lengths_of("force.growing", graph, options.weights, 2)
    settings.check_weights("force.growing", graph, options.lengths, 2)
    if options.sizes then options.sizes = settings.sizes("force.growing", graph.nodes, options.sizes, 2) end
    local vec = "f32x" .. options.dimensions
    local growths = math.ceil(math.max(0, graph.nodes - options.first) / options.batch)
    return gpumm.simulation {
        device = options.device or options.part.device, workers = options.part.workers,
        steps = math.max(1, growths * options.every + options.steps), recorded = true,
        nodes = gpumm.group { { "position", vec }, { "mass", "f32" },
            growth = gpumm.growth.geometric(1.3), ahead = 1, max_length = math.max(graph.nodes, 1 << 20) },
        moving = gpumm.group { { "velocity", vec }, { "force", vec }, { "heft", "f32" },
            growth = gpumm.growth.geometric(1.3), ahead = 1, max_length = math.max(graph.nodes, 1 << 20) },
        edges = gpumm.group { { "from", "u32" }, { "to", "u32" }, { "weight", "f32" },
            growth = gpumm.growth.geometric(1.5), max_length = math.max(#graph.from, 1 << 20) },
        watch = options.frame and gpumm.readback { "nodes.position", every = options.capture, slots = options.slots } or nil,
        frame = options.frame,
        init = function(sim) begin(sim, graph, options) end,
        step = function(sim, i)
            if #sim.nodes < graph.nodes and (i - 1) % options.every == 0 then grow(sim, graph, options, i) end
            local heat, cold = live.cool(sim), math.max(sim.warmth, LEAST)
            if heat and i > sim.steps then cold = 0 end -- at rest only what is warm moves
            sim.engine:step(sim.at, i + options.seed * 0x10000, math.max(cold, heat or 0), 0, cold)
            sim.warmth = sim.warmth * (#sim.nodes < graph.nodes and options.cooling or 1 - 5 / (options.steps + 5))
        end,
        finish = function(sim) return finish(sim, options) end,
        live = live.handler(graph),
    }
end

return growing
