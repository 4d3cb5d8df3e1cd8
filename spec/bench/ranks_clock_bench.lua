-- SPDX-License-Identifier: MIT
-- An iteration of a whole layout by the clock, over ranks and on one process, where nothing else runs:
--     gpumm-run --quiet spec/bench/ranks_clock_bench.lua EDGES [STEPS]                  (as many workers as there are cores)
--     mpirun -n 2 gpumm-run --quiet spec/bench/ranks_clock_bench.lua EDGES [STEPS [WORKERS]] ranks
-- WORKERS (1) are each rank's. Where there are GPUs it runs on them, unless GPUMM_DEVICE=host.

local gpumm = require "gpumm"
local over = arg[#arg] == "ranks"
local path, steps, workers = arg[1], tonumber(arg[2]) or 60, tonumber(arg[3]) or 1
local world = over and require "gpumm.world"

local function read()
    if not over then return gpumm.graph.read(path, { weights = false }) end
    world.open { seconds = 100 }
    local m <close> = assert(world.manager { workers = workers })
    local graph = require "gpumm.world.graph".read(world, m, path, false)
    graph.part.workers = workers
    return graph
end

local sim = gpumm.force.layout(read(), { steps = 1 << 20, every = 1 << 20 })

local function timed(count)
    if over then world.barrier() end
    local since = gpumm.clock()
    sim:advance(count)
    sim.manager:synchronize()
    if over then world.barrier() end
    return (gpumm.clock() - since) / count * 1e3
end

sim:open {}
timed(steps)
for _ = 1, 3 do
    local each = timed(steps)
    if not over or world.rank == 0 then
        print(("%s: %.2f ms an iteration"):format(over and ("%d ranks, by %s"):format(world.size, (world.way())) or "one process",
            each))
    end
end
sim:close()
