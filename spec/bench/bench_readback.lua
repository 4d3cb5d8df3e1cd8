-- SPDX-License-Identifier: MIT
-- The readback loop as a script has it: every step's frame is captured, delivered and looked at.
-- Run by bench_gpumm with its manager, a monotonic clock and the path of the kernels.
local m, clock, kernels = ...
m:raising(true)

local step = m:kernel { file = kernels, name = "step", block = 256 }
local nodes, watch, length, slots, moves
local tickets = {}
local M = {}

function M.open(n, ring)
    length, slots, moves = n, ring, 0
    nodes = m:buffer { type = "f32x3", length = n, max_length = n }
    watch = nodes:readback { slots = ring }
    return 0
end

function M.close()
    watch:close()
    nodes:free()
    nodes, watch = nil, nil
    return 0
end

-- Waits for the frame of a step, and holds its first and last node against what they must be then.
local function take(wanted)
    local frame = watch:wait(tickets[wanted % slots])
    local view = frame.data
    local x, y = view:get(1)
    local last_x, last_y = view:get(length)
    if frame.step ~= wanted or x ~= 0 or y ~= wanted or last_x ~= length - 1 or last_y ~= wanted then
        error(("the frame of step %d says step %d, first (%g, %g), last (%g, %g)"):format(
            wanted, frame.step, x, y, last_x, last_y))
    end
    frame:release()
end

-- Seconds a frame. As many steps are under way as there are slots, so no frame has to be dropped.
function M.loop(count, turns)
    local first = moves
    local start = clock()
    for _ = 1, count do
        moves = moves + 1
        step(length, nodes, turns)
        tickets[moves % slots] = watch:capture(moves)
        if moves - first >= slots then take(moves - slots + 1) end
    end
    for wanted = math.max(moves - slots + 2, first + 1), moves do take(wanted) end
    local took = clock() - start
    if watch.dropped ~= 0 then error(("%d frames were dropped"):format(watch.dropped)) end
    return took / count
end

return M
