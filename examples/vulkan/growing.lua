-- SPDX-License-Identifier: MIT
-- What main.c draws: a tree that grows while forces lay it out. Every node has three children, in the order in which they come;
-- neighbours pull each other, and what is crowded spreads. The memory is shareable, so that a renderer has it as it is.
--
-- Called with the number of nodes at first and at last, and of steps; returns the simulation.

local gpumm = require "gpumm"
local first, last, steps = ...
local GROWTHS, CELLS = 12, 1024

-- Nodes after so many growths, and the step before which growth k comes: in the middle three quarters of all steps.
local function count(k) return math.floor(first * (last / first) ^ (k / GROWTHS) + 0.5) end
local function due(k) return math.floor(steps * (1 / 8 + 3 / 4 * (k - 1) / GROWTHS)) end

local grown = 0

local function grow(sim, n)
    local before = #sim.nodes
    sim.nodes:resize(n)
    sim.edges:resize(n - 1)
    sim.born { n = n - before, first = before, position = sim.nodes.position }
    sim.join { n = n - 1, ends = sim.edges.ends }
end

return gpumm.simulation {
    nodes = gpumm.group {
        { "position", "f32x2" }, { "stamp", "u32" }, { "velocity", "f32x2" }, { "force", "f32x2" },
        growth = gpumm.growth.geometric(1.3), ahead = 1, max_length = last, shareable = true,
    },
    edges = gpumm.group {
        { "ends", gpumm.struct { { "from", "u32" }, { "to", "u32" } } },
        growth = gpumm.growth.geometric(1.3), ahead = 1, max_length = last, shareable = true,
    },
    cells   = gpumm.buffer { type = "u32", length = CELLS * CELLS },
    born    = gpumm.kernel { file = "growing.cu", threads = "n" },
    join    = gpumm.kernel { file = "growing.cu", threads = "n" },
    crowd   = gpumm.kernel { file = "growing.cu", threads = "n" },
    pull    = gpumm.kernel { file = "growing.cu", threads = "n" },
    move    = gpumm.kernel { file = "growing.cu", threads = "n" },
    steps   = steps,

    step = function(sim, i)
        if i == 1 then grow(sim, first) end
        while grown < GROWTHS and i > due(grown + 1) do
            grown = grown + 1
            grow(sim, count(grown))
        end
        local n, nodes = #sim.nodes, sim.nodes
        local half = math.sqrt(n) + 16 -- the field that is looked at: four times what they need
        local side = math.min(CELLS, math.max(64, half // 2))
        sim.cells:fill(0)
        sim.crowd { n = n, position = nodes.position, cells = sim.cells, side = side, half = half }
        sim.pull { n = n, position = nodes.position, cells = sim.cells, side = side, half = half, force = nodes.force }
        sim.move { n = n, position = nodes.position, velocity = nodes.velocity, force = nodes.force, stamp = nodes.stamp,
                   step = i }
    end,
}
