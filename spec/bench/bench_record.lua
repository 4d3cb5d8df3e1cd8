-- SPDX-License-Identifier: MIT
-- Steps of many small kernels: launched one by one, replayed from a recording, and as a simulation's recorded step.
-- Run by bench_gpumm with its manager, a monotonic clock and the path of the kernels.
local m, clock, kernels = ...
local gpumm = require "gpumm"
m:raising(true)

local step = m:kernel { file = kernels, name = "step", block = 256 }
local nodes, length, still, moving, frames, watch, simulations
local M = {}

-- `many` launches a step, of so few nodes that launching is what takes time; frames have `few` launches.
function M.open(n, many, few)
    length, simulations = n, {}
    nodes = m:buffer { type = "f32x3", length = n, max_length = n }
    watch = nodes:readback { slots = 3 }
    still = m:record(function()
        for _ = 1, many do step(n, nodes, 0) end
    end)
    moving = m:record(function(r)
        for _ = 1, many do step(n, nodes, r:scalar "turns") end
    end)
    frames = m:record(function(r)
        for _ = 1, few do step(n, nodes, 0) end
        watch:capture(r:scalar "at")
    end)
    return 0
end

function M.close()
    for _, sim in pairs(simulations) do sim:close() end
    for _, object in ipairs { still, moving, frames, watch } do object:close() end
    nodes:free()
    return 0
end

-- ---- Seconds a step until the device is through ------------------------------------------------

local function through(count, f)
    m:synchronize()
    local start = clock()
    for i = 1, count do f(i) end
    m:synchronize()
    return (clock() - start) / count
end

function M.replayed(count) return through(count, function() still:replay() end) end

function M.launched(count, many)
    return through(count, function()
        for _ = 1, many do step(length, nodes, 0) end
    end)
end

-- ---- Seconds a step in the host, the device being idle before -------------------------------------

local function in_host(count, f)
    local took = 0
    for i = 1, count do
        m:synchronize()
        local start = clock()
        f(i)
        took = took + clock() - start
    end
    return took / count
end

function M.replay_host(count) return in_host(count, function() still:replay() end) end

function M.patch_host(count)
    return in_host(count, function(i) moving:replay { turns = i % 2 } end)
end

-- ---- A simulation whose steps are recorded, or not -------------------------------------------------

local function simulation(recorded, many)
    local key = recorded and "at_recorded" or "at_plain"
    if simulations[key] then return simulations[key] end
    simulations[key] = gpumm.simulation {
        recorded = recorded, in_flight = 8,
        [key] = gpumm.buffer { type = "f32x3", length = length, max_length = length },
        step = function(sim)
            local at = sim[key]
            for _ = 1, many do step(length, at, 0) end
        end,
    }
    return simulations[key]:open { manager = m }
end

function M.simulated(count, many, recorded)
    local sim = simulation(recorded == 1, many)
    return through(count, function() sim:advance(1) end)
end

function M.simulated_host(count, many, recorded)
    local sim = simulation(recorded == 1, many)
    return in_host(count, function() sim:advance(1) end)
end

-- ---- Every frame -------------------------------------------------------------------------------

local moves, tickets = 0, {}

local function take(wanted)
    local frame = watch:wait(tickets[wanted % 3])
    if frame.step ~= wanted then error(("the frame of step %d says step %d"):format(wanted, frame.step)) end
    frame:release()
end

-- Seconds a frame; as many are under way as there are slots, so none has to be dropped.
function M.frames(count)
    m:synchronize()
    local first, start = moves, clock()
    for _ = 1, count do
        moves = moves + 1
        if moves - first > 2 then take(moves - 2) end
        tickets[moves % 3] = frames:replay { at = moves }
    end
    for wanted = moves - 1, moves do take(wanted) end
    local took = clock() - start
    if watch.dropped ~= 0 then error(("%d frames were dropped"):format(watch.dropped)) end
    return took / count
end

return M
