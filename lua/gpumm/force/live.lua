-- SPDX-License-Identifier: MIT
-- Layouts that are watched: what a viewer does to one (gpumm.live), by one function that a description has as its `live`. A
-- node that is dragged stays where it is dropped; it warms the layout around it, and a parameter all of it, which then settles
-- again.
--
--     live = live.handler(graph)             -- of a simulation with sim.engine, sim.at and sim.nodes
--     local heat = live.cool(sim)            -- in each step: how far nodes may move for it, by the shares in sim.at.heat where
--                                               those are; nil: nothing was changed

local heat_of = require "gpumm.force.heat"
local kernels = require "gpumm.force.kernels"
local colors = require "gpumm.picture.colors"

local need = kernels.need
local live = {}

local WARM, COOLING, COLD = 0.1, 0.97, 0.02 -- of the model's limit: where heat begins, how it falls, where it ends
local DRAGGED = 2

local PARAMETERS = { -- an engine's, from where to where; gravity's sizes differ between models
    { "repulsion", 0, 10 }, { "gravity", 0, 0.01 }, { "speed", 0.01, 2 }, { "inertia", 0, 0.95 },
}

-- All of it.
local function warm(sim, share)
    sim.warm = math.max(sim.warm or 0, sim.engine.model.limit * (share or WARM))
    sim.at.heat = nil
    return true
end

--- Around so many nodes: as far as they may move first, in the model's units. Where all of it is warm, that is. What cools
--- goes on from where it was.
function live.warm_around(sim, node, count, heat)
    local most, before = math.max(heat, sim.warm or 0), sim.warm or 0
    if sim.warm and not sim.at.heat then return warm(sim) end
    sim.spread = sim.spread or heat_of.new(sim.manager)
    sim.spread:add(sim.engine.rows, node, count, heat / most, before / most)
    sim.warm, sim.at.heat = most, sim.spread.of
    return true
end

-- The neighbours of what is dragged have all of the heat, for it does not move itself.
local function warm_node(sim, node, share)
    return live.warm_around(sim, node, 1, share * WARM * sim.engine.model.limit)
end

--- The heat of this step, and less for the next one.
function live.cool(sim)
    local heat = sim.warm
    if not heat then
        sim.at.heat = nil
        return nil
    end
    sim.warm = heat > sim.engine.model.limit * COLD and heat * COOLING or nil
    return heat
end

--- Pins and heat go with the nodes, also those that came since.
function live.fit(sim)
    if sim.at.own_pins then need(sim.at.own_pins:resize(#sim.nodes)) end
    if sim.spread then sim.spread:fit(#sim.nodes) end
end

-- The buffer of pins: the layout's own, or one made for the first node that is dragged.
local function pins(sim)
    if not sim.at.pinned then
        sim.at.own_pins = sim.at.own_pins or need(sim.manager:buffer { type = "u8", length = #sim.nodes, max_length = 1 << 31 })
        sim.at.pinned, sim.at.dragged = sim.at.own_pins, {}
    end
    return sim.at.pinned
end

local act = {}

-- By the numbers that the layout works with.
local function number_of(sim, event) return sim.numbers and sim.numbers:of(event.node) or event.node end

function act.drag(sim, event)
    local point, number = { event.x, event.y, sim.engine.dimensions == 3 and (event.z or 0) or nil }, number_of(sim, event)
    need(pins(sim):upload({ 1 }, number))
    if sim.at.dragged then sim.at.dragged[number] = true end
    need(sim.nodes.position:upload({ point }, event.node))
    return warm_node(sim, number, DRAGGED)
end
act.drop = act.drag

function act.free(sim, event)
    local number = number_of(sim, event)
    if sim.at.pinned then need(sim.at.pinned:upload({ 0 }, number)) end
    if sim.at.dragged then
        sim.at.dragged[number] = nil
        if not next(sim.at.dragged) then sim.at.pinned, sim.at.dragged = nil, nil end -- nobody is held any more
    end
    return warm_node(sim, number, 1)
end

function act.set(sim, event)
    sim.engine[event.name] = event.value
    return warm(sim, 3 * WARM)
end

function act.describe(sim, _, graph)
    local parameters = {}
    for i, p in ipairs(PARAMETERS) do
        local value = sim.engine[p[1]]
        parameters[i] = { name = p[1], value = value, least = p[2], most = math.max(p[3], 4 * value) }
    end
    return { positions = "nodes.position", edges = { "edges.from", "edges.to" }, base = 1, title = graph.path,
        names = graph.labels or graph.names, parameters = parameters,
        colors = colors.has_communities(graph) and graph:communities() or nil, kinds = true }
end

function act.go(sim) return warm(sim) end -- of a layout at rest

--- A description's `live` for a layout of this graph.
function live.handler(graph)
    return function(sim, event)
        local f = act[event.kind]
        return f and f(sim, event, graph)
    end
end

return live
