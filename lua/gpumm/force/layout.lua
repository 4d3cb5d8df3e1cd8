-- gpumm.force.layout: a graph's layout as a simulation.

local gpumm = require "gpumm"
local distance = require "gpumm.force.distance"
local engine = require "gpumm.force.engine"
local kernels = require "gpumm.force.kernels"
local packing = require "gpumm.force.packing"
local quality = require "gpumm.force.quality"
local start = require "gpumm.force.start"

local need = kernels.need

local DEFAULTS = {
    model = "tforce", dimensions = 2, seed = 1, steps = 300, cooling = 1, settle = 0.002, every = 1,
    quality = false, slots = 4,
}
local OTHERS = { repulsion = true, gravity = true, speed = true, limit = true, inertia = true, pinned = true, positions = true,
    frame = true, finish = true, device = true, }

local function check(options)
    local all = {}
    for key, value in pairs(options or {}) do
        if DEFAULTS[key] == nil and not OTHERS[key] then
            local names = {}
            for name in pairs(DEFAULTS) do names[#names + 1] = name end
            for name in pairs(OTHERS) do names[#names + 1] = name end
            table.sort(names)
            error(("force.layout: unknown option %q; valid: %s"):format(tostring(key), table.concat(names, ", ")), 4)
        end
        all[key] = value
    end
    for key, value in pairs(DEFAULTS) do
        if all[key] == nil then all[key] = value end
    end
    if all.dimensions ~= 2 and all.dimensions ~= 3 then
        error("force.layout: dimensions is 2 or 3, not " .. tostring(all.dimensions), 4)
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

-- One byte a node, from a set of nodes (from 1) or a list of them.
local function pin(sim, graph, options)
    local bytes = {}
    for i = 1, graph.nodes do bytes[i] = 0 end
    for key, value in pairs(options.pinned) do
        local i = value == true and key or value
        if math.type(i) ~= "integer" or not bytes[i] then
            error(("force.layout: pinned names %s, which is no node from 1 to %d"):format(tostring(i), graph.nodes), 0)
        end
        bytes[i] = 1
    end
    need(sim.nodes.pinned:upload(bytes))
end

local function begin(sim, graph, options)
    local manager, m = sim.manager, #graph.from
    sim.engine = engine.new(manager, options)
    sim.at = nodes_of(sim, options)
    if m > 0 then
        need(sim.edges:resize(m))
        need(sim.edges.from:upload(graph.from))
        need(sim.edges.to:upload(graph.to))
        if graph.weights then need(sim.edges.weight:upload(graph.weights)) end
    end
    sim.engine:connect(sim.at, graph.nodes, m, sim.edges.from, sim.edges.to, 1, graph.weights and sim.edges.weight)
    if options.pinned then pin(sim, graph, options) end
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
    return need(sim.moved:download())[1] / 2 ^ 20 / graph.nodes * sim.engine.unit < options.settle
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
        device = options.device, steps = options.steps, nodes = gpumm.group(members),
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
    options = check(options)
    local t = description(graph, options)
    t.init = function(sim) begin(sim, graph, options) end
    t.step = function(sim, i)
        if is_settled(sim, graph, options, i - 1) then return false end
        sim.engine:step(sim.at, i + options.seed * 0x10000, limit_at(sim, options, i))
    end
    t.finish = function(sim) return finish(sim, options) end
    return gpumm.simulation(t)
end
