-- SPDX-License-Identifier: MIT
-- What application.c and application.cpp run: a layout of a graph that the application feeds while it runs. The script says
-- what there is and what a step does; the application owns the loop, the manager and the picture.
--
-- It returns the simulation and a function add(nodes, edges) for the application: edges is a list of {from, to}
-- counted from 0; what is added takes effect with the next step.

local gpumm = require "gpumm"

local waiting = { nodes = 0, edges = {} } -- what the application asked for since the last step
local start = tonumber((...)) or 8

-- New nodes start on a spiral, so that no two are in one place.
local function places(first, count)
    local list = {}
    for i = 1, count do
        local k = first + i
        list[i] = { math.sqrt(k) * math.cos(k * 2.4), math.sqrt(k) * math.sin(k * 2.4) }
    end
    return list
end

local function change(sim)
    if waiting.nodes > 0 then sim.nodes:append { place = places(#sim.nodes, waiting.nodes) } end
    if #waiting.edges > 0 then sim.edges:append { ends = waiting.edges } end
    waiting = { nodes = 0, edges = {} }
end

local function add(nodes, edges)
    waiting.nodes = waiting.nodes + nodes
    for _, edge in ipairs(edges) do table.insert(waiting.edges, edge) end
end

local ring = {}
for i = 0, start - 1 do ring[i + 1] = { i, (i + 1) % start } end
add(start, ring)

local simulation = gpumm.simulation {
    nodes = gpumm.group {
        { "place", "f32x2" }, { "force", "f32x2" },
        growth = gpumm.growth.geometric(1.5), max_length = 1e6,
    },
    edges = gpumm.group { { "ends", gpumm.struct { { "from", "u32" }, { "to", "u32" } } }, max_length = 1e6 },
    pull  = gpumm.kernel { file = "ring.cu", threads = "n" },
    move  = gpumm.kernel { file = "ring.cu", threads = "n" },
    watch = gpumm.readback { "nodes.place", every = 2, slots = 3 },

    step = function(sim)
        change(sim)
        local n, place, force = #sim.nodes, sim.nodes.place, sim.nodes.force
        sim.pull { n = n, m = #sim.edges, place = place, ends = sim.edges.ends, force = force }
        sim.move { n = n, place = place, force = force }
    end,
}

return simulation, add
