-- SPDX-License-Identifier: MIT
-- What the exchanges of an iteration cost, for the model of doc/ranks.md:
--     mpirun -n 2 gpumm-run --quiet spec/bench/ranks_bench.lua [nodes …]
-- Of each number of nodes: positions (8 bytes a node) gathered in place, each rank owning a block; and a barrier.

local gpumm = require "gpumm"
local world = require "gpumm.world"

world.open { seconds = 60 }
local m <close> = assert(world.manager { workers = 1 })

-- The least of several, in seconds: what is left when nothing else runs.
local function least(times, f)
    local best = math.huge
    for _ = 1, times do
        assert(world.barrier())
        local before = gpumm.clock()
        f()
        m:synchronize()
        assert(world.barrier())
        best = math.min(best, gpumm.clock() - before)
    end
    return best
end

local function gathered(nodes)
    local b <close> = assert(m:buffer { type = "f32x2", length = nodes, max_length = nodes, max_size_bytes = 8 * nodes })
    local first = nodes * world.rank // world.size
    local past = nodes * (world.rank + 1) // world.size
    local function once() assert(world.allgather { from = b, first = first + 1, count = past - first }) end
    once()
    return least(nodes > 1e6 and 10 or 50, once)
end

local list = #arg > 0 and arg or { 1e3, 1e4, 1e5, 1e6, 1e7 }
local nothing = least(200, function() end)
if world.rank == 0 then print(("%d ranks; two barriers %.1f us"):format(world.size, nothing * 1e6)) end
for _, nodes in ipairs(list) do
    nodes = math.tointeger(tonumber(nodes))
    local seconds = gathered(nodes)
    if world.rank == 0 then
        print(("%9d nodes  %9.1f us  %6.2f GB/s received a rank"):format(nodes, seconds * 1e6,
            8 * nodes * (world.size - 1) / world.size / seconds / 1e9))
    end
end
if world.rank == 0 then print("by " .. table.concat({ world.way() }, ", not by NCCL: ")) end
