-- SPDX-License-Identifier: MIT
-- gpumm.force.layout: a graph's layout as a simulation.

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local distance = require "gpumm.force.distance"
local engine = require "gpumm.force.engine"
local kernels = require "gpumm.force.kernels"
local models = require "gpumm.force.models"
local packing = require "gpumm.force.packing"
local quality = require "gpumm.force.quality"
local settings = require "gpumm.force.settings"
local start = require "gpumm.force.start"

local need = kernels.need

local FIELDS = settings.fields {
    cooling = { kind = "number", default = 1, least = 0 }, settle = { kind = "number", default = 0.002 },
    every = { kind = "whole", default = 1, least = 1 }, limit = { kind = "number", least = 0 },
    pinned = { kind = "any" }, positions = { kind = "any" },
}

-- At `level` is who calls force.layout.
local function check(graph, options, level)
    local all = checked.options("force.layout", options, FIELDS, level + 1)
    models.of(all.model, "force.layout", level + 1)
    if all.pinned then all.pinned = settings.pinned("force.layout", graph.nodes, all.pinned, level + 1) end
    if all.positions then
        all.positions = settings.positions("force.layout", graph.nodes, all.dimensions, all.positions, all.pinned, level + 1)
    end
    return all
end

-- The buffers by the names that an engine knows.
local function nodes_of(sim, options)
    local all = {}
    for _, name in ipairs { "position", "velocity", "force", "mass", "heft" } do all[name] = sim.nodes:member(name) end
    all.pinned = options.pinned and sim.nodes:member "pinned" or nil
    return all
end

local function begin(sim, graph, options)
    local manager, m = sim.manager, #graph.from
    sim.engine = engine.new(manager, options)
    sim.at = nodes_of(sim, options)
    if m > 0 then
        need(sim.edges:resize(m))
        need(sim.edges.from:upload(graph.from))
        need(sim.edges.to:upload(graph.to))
        if graph.weights then need(sim.edges.weight:upload(settings.relative(graph.weights))) end
    end
    sim.engine:connect(sim.at, graph.nodes, m, sim.edges.from, sim.edges.to, 1, graph.weights and sim.edges.weight)
    if options.pinned then need(sim.nodes.pinned:upload(options.pinned)) end
    if options.positions then need(sim.at.position:upload(options.positions))
    else sim.components = start.place(manager, sim.engine.rows, sim.at.position, options) end
    sim.engine:balance(sim.at)
end

--- How far a node may move in step i of n.
local function limit_at(sim, options, i)
    return (options.limit or sim.engine.model.limit) * (1 - (i - 1) / options.steps) ^ options.cooling + 1e-3
end

-- Several components end side by side too, for forces alone may have pushed them over one another.
local function pack(sim, options)
    if not sim.components or #sim.components < 2 or options.pinned then return end
    local lists = start.lists(distance.components(sim.manager, sim.engine.rows), sim.engine.rows.now.n)
    local run = kernels.of(sim.manager, "start.cu", kernels.dimension(options.dimensions))
    packing.pack({ manager = sim.manager, run = run, dimensions = options.dimensions, position = sim.at.position,
        n = sim.engine.rows.now.n }, lists)
end

local function is_settled(sim, graph, options, i)
    if options.settle <= 0 or i == 0 or i % 16 ~= 0 then return false end
    need(sim.moved:fill(0))
    sim.engine:moved(sim.at, sim.moved)
    return need(sim.moved:download())[1] / 2 ^ 20 / graph.nodes < options.settle
end

local function finish(sim, options)
    pack(sim, options)
    local result = { positions = need(sim.at.position:download()), steps = sim.i, components = sim.components }
    if options.quality then
        result.quality, result.random = quality.of(sim.manager, sim.engine.rows, sim.at.position, options)
    end
    if options.finish then options.finish(sim, result) end
    return result
end

local function description(graph, options)
    local vec, n = "f32x" .. options.dimensions, graph.nodes
    local members = { { "position", vec }, { "velocity", vec }, { "force", vec }, { "mass", "f32" }, { "heft", "f32" },
        length = n, max_length = math.max(2 * n, 1 << 20) }
    if options.pinned then members[#members + 1] = { "pinned", "u8" } end
    return {
        device = options.device, steps = options.steps, recorded = true, nodes = gpumm.group(members),
        edges = gpumm.group { { "from", "u32" }, { "to", "u32" }, { "weight", "f32" },
            max_length = math.max(2 * #graph.from, 1 << 20) },
        moved = gpumm.buffer { type = "u64", length = 1 },
        watch = options.frame and gpumm.readback { "nodes.position", every = options.every, slots = options.slots } or nil,
        frame = options.frame,
    }
end

--- A simulation that lays the graph out. Its run returns { positions = a view, steps =, components = sizes,
--- quality =, random = }. Options: model ("tforce", "forceatlas", "spring" or a table), dimensions (2), seed,
--- steps (300), limit (how far a node may move at first), cooling (the exponent at which that
--- falls), settle (ends when nodes move less than this on average; 0: never), pinned (nodes that stay), positions
--- (to begin at, instead of PivotMDS), quality (true: measured at the end), repulsion, gravity, speed, inertia,
--- frame(sim, f) every so many steps, finish(sim, result), device.
return function(graph, options)
    if type(graph) ~= "table" or not graph.from or not graph.nodes then error("force.layout needs a graph", 2) end
    options = check(graph, options, 2)
    local t = description(graph, options)
    t.init = function(sim) begin(sim, graph, options) end
    t.step = function(sim, i)
        if is_settled(sim, graph, options, i - 1) then return false end
        sim.engine:step(sim.at, i + options.seed * 0x10000, limit_at(sim, options, i))
    end
    t.finish = function(sim) return finish(sim, options) end
    return gpumm.simulation(t)
end
