-- gpumm.force.growing: a graph that grows while it is laid out, as a simulation. Nodes come in the order of the
-- graph, each edge with the later of its ends. Survivors stay where they are, new nodes start beside their
-- neighbours, and the layout is warmed a little.

local gpumm = require "gpumm"
local engine = require "gpumm.force.engine"
local kernels = require "gpumm.force.kernels"
local quality = require "gpumm.force.quality"
local start = require "gpumm.force.start"

local need, buffer = kernels.need, kernels.buffer
local growing = {}

local ROUNDS = 8 -- in which nodes that came together find one another

local DEFAULTS = { model = "tforce", dimensions = 2, seed = 1, first = 1000, batch = 1000, every = 10, steps = 200,
    warmth = 1, cooling = 0.9, capture = 5, slots = 4, quality = false }
local OTHERS = { repulsion = true, gravity = true, speed = true, inertia = true, grown = true, frame = true,
    finish = true, device = true }

local function check(options)
    local all = {}
    for key, value in pairs(DEFAULTS) do all[key] = value end
    for key, value in pairs(options or {}) do
        if DEFAULTS[key] == nil and not OTHERS[key] then
            local names = {}
            for name in pairs(DEFAULTS) do names[#names + 1] = name end
            for name in pairs(OTHERS) do names[#names + 1] = name end
            table.sort(names)
            error(("force.growing: unknown option %q; valid: %s"):format(tostring(key), table.concat(names, ", ")), 4)
        end
        all[key] = value
    end
    return all
end

-- Edges in the order of their later end, and how many there are when the first i nodes are: a counting sort.
local function in_order(graph)
    local from, to, upto = graph.from, graph.to, {}
    for i = 0, graph.nodes do upto[i] = 0 end
    for e = 1, #from do
        local last = math.max(from[e], to[e])
        upto[last] = upto[last] + 1
    end
    for i = 1, graph.nodes do upto[i] = upto[i] + upto[i - 1] end
    local place, a, b, w = {}, {}, {}, graph.weights and {}
    for i = 1, graph.nodes do place[i] = upto[i - 1] end
    for e = 1, #from do a[e], b[e] = 0, 0 end
    for e = 1, #from do
        local last = math.max(from[e], to[e])
        local at = place[last] + 1
        place[last], a[at], b[at] = at, from[e], to[e]
    end
    if w then
        for i = 1, graph.nodes do place[i] = upto[i - 1] end
        for e = 1, #from do w[e] = 0 end
        for e = 1, #from do
            local last = math.max(from[e], to[e])
            place[last] = place[last] + 1
            w[place[last]] = graph.weights[e]
        end
    end
    return { from = a, to = b, weight = w, upto = upto }
end

--- Gives the nodes from `first` (counting from 0) to n a place in `position`: at the middle of those of their
--- neighbours that have one, with a hashed offset of up to `by`.
function growing.seat(manager, rows, position, first, by, dimensions)
    local now = rows.now
    local count = now.n - first
    local run = kernels.of(manager, "growing.cu", kernels.dimension(dimensions or 2))
    local placed <close> = buffer(manager, "u32", count)
    need(placed:fill(0))
    for round = 1, ROUNDS do need(run.seat(count, first, round, now.row, now.near, by, placed, position)) end
    need(run.seat_alone(count, first, 2 * by, by, placed, position))
    for round = 2, ROUNDS do need(run.seat(count, first, round, now.row, now.near, by, placed, position)) end
end

local function append_edges(sim, before, after)
    local edges = sim.order
    local first, last = edges.upto[before] + 1, edges.upto[after]
    if last < first then return end
    local columns = { from = table.move(edges.from, first, last, 1, {}), to = table.move(edges.to, first, last, 1, {}) }
    if edges.weight then columns.weight = table.move(edges.weight, first, last, 1, {}) end
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
    append_edges(sim, before, after)
    connect(sim, after)
    if before == 0 then
        start.place(sim.manager, sim.engine.rows, sim.at.position, options)
        sim.engine:balance(sim.at)
    else
        growing.seat(sim.manager, sim.engine.rows, sim.at.position, before, 0.5 / sim.engine.unit, options.dimensions)
    end
    sim.warmth = before == 0 and sim.engine.model.limit or math.max(sim.warmth, options.warmth)
    if options.grown then options.grown(sim, step, after - before) end
end

local function begin(sim, graph, options)
    sim.order, sim.engine, sim.at = in_order(graph), engine.new(sim.manager, options), {}
    for _, name in ipairs { "position", "velocity", "force", "mass", "heft" } do sim.at[name] = sim.nodes:member(name) end
end

local function finish(sim, options)
    local result = { positions = need(sim.at.position:download()), steps = sim.i }
    if options.quality then
        result.quality, result.random = quality.of(sim.manager, sim.engine.rows, sim.at.position, options)
    end
    if options.finish then options.finish(sim, result) end
    return result
end

--- A simulation of a graph that begins with its `first` (1000) nodes and grows by `batch` (1000) every `every` (10)
--- steps, then settles for `steps` (200). grown(sim, step, count) is called at every growth, frame(sim, f) every
--- `capture` (5) steps, finish(sim, result) at the end. Its run returns { positions, steps, quality, random }.
function growing.simulation(graph, options)
    options = check(options)
    local vec = "f32x" .. options.dimensions
    local growths = math.ceil(math.max(0, graph.nodes - options.first) / options.batch)
    return gpumm.simulation {
        device = options.device, steps = growths * options.every + options.steps,
        nodes = gpumm.group { { "position", vec }, { "velocity", vec }, { "force", vec }, { "mass", "f32" },
            { "heft", "f32" }, growth = gpumm.growth.geometric(1.3), ahead = 1, max_length = math.max(graph.nodes, 1 << 20) },
        edges = gpumm.group { { "from", "u32" }, { "to", "u32" }, { "weight", "f32" },
            growth = gpumm.growth.geometric(1.5), max_length = math.max(#graph.from, 1 << 20) },
        watch = options.frame and gpumm.readback { "nodes.position", every = options.capture, slots = options.slots } or nil,
        frame = options.frame,
        init = function(sim) begin(sim, graph, options) end,
        step = function(sim, i)
            if #sim.nodes < graph.nodes and (i - 1) % options.every == 0 then grow(sim, graph, options, i) end
            sim.engine:step(sim.at, i + options.seed * 0x10000, math.max(sim.warmth, 0.02))
            sim.warmth = sim.warmth * (#sim.nodes < graph.nodes and options.cooling or 1 - 5 / (options.steps + 5))
        end,
        finish = function(sim) return finish(sim, options) end,
    }
end

return growing
