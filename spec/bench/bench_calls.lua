-- SPDX-License-Identifier: MIT
-- Single calls from Lua: a launch, and scratch taken and given back. Run by bench_gpumm.
local m, clock, kernels = ...
m:raising(true)

local COUNT = 256
local step = m:kernel { file = kernels, name = "step", block = 256 }
local nodes = m:buffer { type = "f32x3", length = COUNT, max_length = COUNT }
local M = {}

-- Seconds a launch; the device catches up outside of the time.
function M.by_position(count)
    local start = clock()
    for _ = 1, count do step(COUNT, nodes, 0) end
    local took = clock() - start
    m:synchronize()
    return took / count
end

function M.by_name(count)
    local start = clock()
    for _ = 1, count do step { n = COUNT, nodes = nodes, turns = 0 } end
    local took = clock() - start
    m:synchronize()
    return took / count
end

-- Seconds for taking one block and giving it back.
function M.scratch(bytes, count)
    local start = clock()
    for _ = 1, count do m:scratch(bytes):close() end
    return (clock() - start) / count
end

return M
