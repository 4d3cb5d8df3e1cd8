-- SPDX-License-Identifier: MIT
-- gpumm.force.layout: a graph's layout as a simulation.

local gpumm = require "gpumm"
local by_place = require "gpumm.force.by_place"
local checked = require "gpumm.common.checked"
local closed = require "gpumm.force.closed"
local distance = require "gpumm.force.distance"
local engine = require "gpumm.force.engine"
local kernels = require "gpumm.force.kernels"
local live = require "gpumm.force.live"
local models = require "gpumm.force.models"
local packing = require "gpumm.force.packing"
local parting = require "gpumm.force.parting"
local placing = require "gpumm.force.placing"
local quality = require "gpumm.force.quality"
local settings = require "gpumm.force.settings"
local sizes = require "gpumm.force.sizes"
local start = require "gpumm.force.start"
local untangling = require "gpumm.force.untangling"
local whole = require "gpumm.force.part".whole

local need = kernels.need

local MANY = 1000000 -- steps, where the time ends them
local REFINED, A_FEW = 40, 4 -- rounds by which lengths are reached in the end, and how many of them before trees are looked at
local FITTED, RARELY = 16, 32 -- steps after which the stress is fitted again, and, later, the middle is looked for again
local TENSION = 0.06 -- by which a stress is held in the end

local FIELDS = settings.fields {
    cooling = { kind = "number", default = 1, least = 0 }, settle = { kind = "number", default = 0.0005 },
    every = { kind = "whole", default = 1, least = 1 }, limit = { kind = "number", least = 0 },
    pinned = { kind = "any" }, positions = { kind = "any" }, hold = { kind = "number", default = 0, least = 0, most = 1 },
    seconds = { kind = "number", default = 0, least = 0 }, tension = { kind = "number", default = TENSION, least = 0 },
    weights = { kind = "any", default = "strength" }, sizes = { kind = "any" },
}

-- At `level` is who calls force.layout.
local function check(graph, options, level)
    local all = checked.options("force.layout", options, FIELDS, level + 1)
    models.of(all.model, "force.layout", level + 1)
    all.part = graph.part or whole
    all.lengths = settings.lengths_of("force.layout", graph, all.weights, level + 1)
    settings.check_weights("force.layout", graph, all.lengths, level + 1)
    if all.seconds > 0 and not (options and options.steps) then all.steps = MANY end
    if all.pinned then all.pinned = settings.pinned("force.layout", graph.nodes, all.pinned, level + 1) end
    if all.sizes then all.sizes = settings.sizes("force.layout", graph.nodes, all.sizes, level + 1) end
    if all.positions then
        all.positions, all.known = settings.positions("force.layout", graph.nodes, all.dimensions, all.positions, all.pinned,
            level + 1)
    elseif all.hold > 0 then error("force.layout: hold is for nodes that have positions", level + 1) end
    return all
end

-- The buffers by the names that an engine knows.
local function nodes_of(sim, options)
    local all = {}
    for _, name in ipairs { "position", "mass" } do all[name] = sim.nodes:member(name) end
    for _, name in ipairs { "velocity", "force", "heft" } do all[name] = sim.moving:member(name) end
    all.pinned = options.pinned and sim.nodes:member "pinned" or nil
    if options.hold > 0 then all.anchor, all.held = sim.moving:member "anchor", sim.moving:member "held" end
    return all
end

-- Of a list with `per` numbers a node, those of the own nodes.
local function own_of(options, n, list, per)
    if options.part.is_whole then return list end
    local first, count = options.part:block(n)
    return table.move(list, first * per + 1, (first + count) * per, 1, {})
end

local function within(low, value, high) return math.max(low, math.min(value, high)) end

-- How strongly the stress is held in the end: more where it is good, for the plane can hold such a graph; where nodes have many
-- neighbours, for those keep one another in place; and where there are few nodes, for whom the far ones are near as well.
local function least_tension(now, stress, tension)
    local degree = 2 * now.m / now.n
    return tension * within(1, 0.05 / math.max(stress, 1e-9), 4) * within(1, degree / 4, 4)
        * within(0.1, (400 / now.n) ^ 0.75, 2)
end

-- The stress that the start reached is held for a while, by a model that does not see what is far apart.
local function begin_anew(sim, options)
    local held
    sim.components, held = start.place(sim.manager, sim.engine.rows, sim.at.position, options)
    if not sim.engine.model.length or #held == 0 then return end
    if options.lengths then
        sim.at.stress = held
        return
    end
    held[1]:fit(sim.at.position)
    sim.at.stress, sim.least = held, least_tension(sim.engine.rows.now, held[1]:value(), options.tension)
end

-- A stress draws nodes to where pivots want them, and nothing draws the pivots back: so all of it would move along, together, for
-- ever. What moved the middle in the last steps is taken from everyone's motion in the next ones; to look waits for the device,
-- and later less is new.
local function keep_middle(sim, i)
    local before, since, drift = i > 1 and sim.middle, sim.since, sim.at.drift or { 0, 0, 0 }
    if sim.at.pinned or before and i < since + within(FITTED, since - 1, RARELY) then return end
    local now = sim.engine:centre(sim.at)
    sim.middle, sim.since = now, i
    if not before then return end -- it begins, or something was dragged
    local share = (1 - sim.engine.inertia) / (i - since) -- a steady push moves by so much more than itself
    sim.at.drift = {}
    for k = 1, 3 do sim.at.drift[k] = drift[k] + share * (now[k] - before[k]) end
end

-- Fitted to the layout again every so many steps.
local function hold_stress(sim, i, done)
    if not sim.at.stress then return end
    keep_middle(sim, i)
    if sim.engine.model.lengths then
        sim.at.tension = 1
        return
    end
    sim.at.tension = sim.least + math.max(0, 1 - sim.least) * (1 - done) ^ 5
    if i % FITTED ~= 1 then return end
    for _, of in ipairs(sim.at.stress) do of:fit(sim.at.position) end
end

-- Works with other numbers from now on, and with positions by these beside those by the caller's. What held the start's stress
-- does so, too.
local function number_by_place(sim, graph, options)
    local manager, n, old, weighted = sim.manager, graph.nodes, sim.engine, graph.weights
    local numbers = by_place.new(manager, old.rows, options.dimensions, sim.at.position)
    old:close()
    local mine = { m = #sim.edges, from = sim.edges.from, to = sim.edges.to, weight = weighted and sim.edges.weight }
    local part, edges = options.part:renumbered(manager, n, mine, numbers)
    options.part = part
    need(sim.moving:resize((select(2, options.part:block(n)))))
    sim.at.position, sim.at.mass = kernels.buffer(manager, "f32x" .. options.dimensions, n), kernels.buffer(manager, "f32", n)
    numbers:take(sim.nodes.position, sim.at.position)
    sim.engine, sim.numbers = engine.new(manager, options), numbers
    sim.engine:connect(sim.at, n, edges.m, edges.from, edges.to, 1, edges.weight or nil)
    edges.from:close()
    edges.to:close()
    if edges.weight and edges.weight ~= sim.edges.weight then edges.weight:close() end
    for k, of in ipairs(sim.at.stress or {}) do sim.at.stress[k] = of:renumbered(sim.engine.rows, numbers) end
end

local function begin(sim, graph, options)
    local manager, m = sim.manager, #graph.from
    options.part = graph.part or whole -- a run before this one may have dealt the nodes anew
    local is_free = not options.positions and not options.pinned and not (options.lengths and m > 0)
    sim.alike = is_free and closed.positions(graph, options.dimensions) or false
    sim.engine = engine.new(manager, options)
    sim.at = nodes_of(sim, options)
    if m > 0 then
        need(sim.edges:resize(m))
        need(sim.edges.from:upload(graph.from))
        need(sim.edges.to:upload(graph.to))
    end
    if graph.weights then -- where other parts have edges, too
        local relative = settings.relative(graph, options.lengths)
        if m > 0 then need(sim.edges.weight:upload(relative)) end
    end
    sim.engine:connect(sim.at, graph.nodes, m, sim.edges.from, sim.edges.to, 1, graph.weights and sim.edges.weight)
    if options.pinned then need(sim.at.pinned:upload(options.pinned)) end
    if options.known then placing.place(manager, sim.engine.rows, sim.at.position, options)
    elseif options.positions then need(sim.at.position:upload(options.positions))
    elseif sim.alike then need(sim.at.position:upload(sim.alike))
    else
        begin_anew(sim, options)
        if graph.nodes >= by_place.least and not options.pinned and not options.sizes then
            number_by_place(sim, graph, options)
        end
    end
    if not options.part.is_whole then -- edges between parts are with both, rows with one
        need(sim.edges:resize(0))
        need(sim.edges:shrink_to_fit())
    end
    if sim.at.anchor then
        need(sim.at.anchor:upload(own_of(options, graph.nodes, options.positions, options.dimensions)))
        need(options.known and sim.at.held:upload(own_of(options, graph.nodes, options.known, 1)) or sim.at.held:fill(1))
    end
    if not options.lengths or options.positions then sim.engine:balance(sim.at) end -- a start by lengths has them
    if options.sizes then sim.discs = sizes.new(manager, options.dimensions, options.sizes) end
    if sim.components then sim.untangling = untangling.new(graph, options, sim.engine.rows) end
    sim.began = gpumm.clock()
end

-- The share of the way that is behind step i: of the steps, or of the time.
local function done_at(sim, options, i)
    local done = (i - 1) / options.steps
    if options.seconds == 0 then return done end
    return options.part:agreed(math.min(1, math.max(done, (gpumm.clock() - sim.began) / options.seconds)))
end

--- How far a node may move then.
local function limit_at(sim, options, done)
    return (options.limit or sim.engine.model.limit) * (1 - done) ^ options.cooling + 1e-3
end

-- Several components end side by side too, for forces alone may have pushed them over one another; and what became longer one
-- way than the other lies flat.
local function pack(sim, options)
    if not sim.components or options.pinned or #sim.components == 1 and options.dimensions == 3 then return end
    local rows = sim.engine.rows
    local lists = #sim.components > 1 and start.lists(distance.components(sim.manager, rows)) or nil
    packing.pack({ manager = sim.manager, rows = rows, n = rows.now.n, dimensions = options.dimensions,
        position = sim.at.position, radii = sim.discs and sim.discs.radius,
        alike = not rows.lengths }, lists)
end

local function is_settled(sim, graph, options, i)
    if options.settle <= 0 or i == 0 or i % 16 ~= 0 then return false end
    need(sim.moved:fill(0))
    sim.engine:moved(sim.at, sim.moved)
    return need(sim.moved:download())[1] / 2 ^ 20 / graph.nodes < options.settle
end

-- What forces have moved comes as near to the lengths as it can; trees, a little at a time, as they can without crossings.
local function fit_lengths(sim, options)
    if not options.lengths or options.pinned then return end
    for _ = 1, sim.untangling and REFINED // A_FEW or 1 do
        for _, of in ipairs(sim.at.stress or {}) do of:majorize(sim.at.position, sim.untangling and A_FEW or REFINED, 0) end
        if sim.untangling then sim.untangling:finish(sim.at.position) end
    end
end

-- The caller's positions are what a step begins with and ends with; over ranks, a step behind one that somebody looked at, and
-- one that somebody looks at.
local function take(sim)
    if sim.numbers then sim.numbers:take(sim.nodes.position, sim.at.position) end
end

local function give_back(sim)
    if sim.numbers then sim.numbers:give_back(sim.at.position, sim.nodes.position) end
end

-- Over ranks, a step leaves it to `show` to tell everyone all positions, unless somebody looks at them behind it, or lists (halo)
-- would not pay.
local function gathers_all(sim, options, i)
    return options.part.is_alone or not sim.numbers or sim.untangling or sim.at.heat or i % options.every == 0
        or i == options.steps
end

local function show(sim)
    if not sim.at.partial then return end
    sim.engine:complete(sim.at)
    sim.at.partial = nil
    give_back(sim)
end

-- What somebody dragged stays where it was put, and so does the rest.
local function finish(sim, options)
    local is_dragged = sim.at.own_pins ~= nil
    take(sim)
    if not is_dragged then fit_lengths(sim, options) end
    if sim.untangling then sim.untangling:finish(sim.at.position) end
    parting.part(sim, options)
    if not is_dragged then
        pack(sim, options)
        parting.part_coincident(sim, options)
    end
    give_back(sim)
    local result = { positions = need(sim.nodes.position:download()), steps = sim.i, components = sim.components,
        radii = sim.discs and need(sim.discs.radius:download()) }
    if options.quality then
        options.radii = sim.discs and sim.discs.radius
        result.quality, result.random = quality.of(sim.manager, sim.engine.rows, sim.at.position, options)
    end
    if options.finish then options.finish(sim, result) end
    return result
end

local function description(graph, options)
    local vec, n = "f32x" .. options.dimensions, graph.nodes
    local most, _, own = math.max(2 * n, 1 << 20), options.part:block(n)
    local nodes = { { "position", vec }, { "mass", "f32" }, length = n, max_length = most }
    local moving = { { "velocity", vec }, { "force", vec }, { "heft", "f32" }, length = own, max_length = most }
    if options.pinned then nodes[#nodes + 1] = { "pinned", "u8" } end
    if options.hold > 0 then
        moving[#moving + 1] = { "anchor", vec }
        moving[#moving + 1] = { "held", "u8" }
    end
    return {
        device = options.device or options.part.device, workers = options.part.workers,
        steps = options.steps < MANY and options.steps or nil,
        recorded = not options.part.is_alone or nil, -- else the engine's iterations are
        nodes = gpumm.group(nodes), moving = gpumm.group(moving),
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
--- falls), settle (ends when nodes move less than this on average; 0: never), seconds (that it may take, instead of steps; 0:
--- as long as it takes; such a layout is not repeatable), pinned (nodes that stay), positions (to begin at, instead of
--- PivotMDS; a point that is false: a node that finds its place beside its neighbours), hold (0 to 1: how strongly nodes are
--- drawn back to their positions), weights ("strength": heavy edges pull more; "length": they are how long edges shall be, in
--- proportion), sizes (a number from 0 for each node, by which the areas of discs go; none lies on another in the end, and
--- they cover 30 % of the room that the layout took, or less, down to a fifth of that, so that the stress rises little; the
--- result's radii are theirs), quality (true: measured at the end),
--- tension (how strongly distances are held in the end, 0.06; 1: nothing else moves), repulsion, gravity, speed, inertia,
--- frame(sim, f) every so many steps, finish(sim, result), device.
return function(graph, options)
    if type(graph) ~= "table" or not graph.from or not graph.nodes then error("force.layout needs a graph", 2) end
    options = check(graph, options, 2)
    local t = description(graph, options)
    t.init = function(sim) begin(sim, graph, options) end
    t.step = function(sim, i)
        local done, heat = done_at(sim, options, i), live.cool(sim)
        if not heat and (sim.alike or done >= 1 or is_settled(sim, graph, options, i - 1)) then
            sim.rested = true
            return false
        end
        done = math.min(done, 1)
        if not sim.at.partial then take(sim) end
        if heat then -- what is dragged goes anywhere, and not the whole with it
            sim.at.tension, sim.at.drift, sim.middle, sim.untangling = 0, nil, nil, nil
        else hold_stress(sim, i, done) end
        if sim.untangling then sim.untangling:step(sim.at.position, i, done) end
        local at_rest = heat and (sim.rested or done >= 1) -- then only what is warm moves
        local cold = at_rest and 0 or limit_at(sim, options, done)
        sim.at.partial = not gathers_all(sim, options, i) or nil
        sim.engine:step(sim.at, i + options.seed * 0x10000, math.max(heat or 0, cold), options.hold, cold)
        if not sim.at.partial then give_back(sim) end
    end
    t.complete = show
    t.finish = function(sim) return finish(sim, options) end
    t.live = live.handler(graph)
    return gpumm.simulation(t)
end
