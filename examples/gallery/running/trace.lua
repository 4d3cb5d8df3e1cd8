-- SPDX-License-Identifier: MIT
-- A trace: what ran on the device and when, in the device's own time, with a slice of the script's own around it. The file is
-- for https://ui.perfetto.dev; here its main streams are drawn as a chart. Two streams overlap where nothing orders them.
--
--     gpumm-run examples/gallery/running/trace.lua [--out trace.svg] [--trace trace.json] [--n 400000]

local gpumm = require "gpumm"
local chart = dofile(gpumm.beside "../chart.lua")
local opt = gpumm.options(arg, { out = "trace.svg", trace = "trace.json", n = 400000 })
local n = opt.n

local SOURCE = [[
extern "C" __global__ void warm(int n, float *value)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) for (int k = 0; k < 8; k++) value[i] = sinf(value[i] + i);
}]]

local trace = assert(gpumm.trace { file = opt.trace })
do
    local m <close> = gpumm.manager { device = "auto" }
    m:raising(true)
    local side, warm = m:stream(), m:kernel { source = SOURCE } -- compiled before anything is enqueued
    local a, b = m:buffer { type = "f32", length = n }, m:buffer { type = "f32", length = n }
    local watch = a:readback { slots = 3 }
    trace:slice("three steps", function()
        for step = 1, 3 do
            warm { n = n, value = a }
            warm({ n = n, value = b }, side) -- beside it: another buffer, another stream
            watch:capture(step) -- waits for the first kernel, and for nothing else
            a:copy(b) -- a reads of the side stream: waits for it, on the device
        end
        m:synchronize()
    end)
end
assert(trace:close())

-- Slices of the device ("X" events of the manager's process), by track; a line of the file is an event.
local tracks, names, from, to, kernels = {}, {}, math.huge, 0, 0
for line in io.lines(opt.trace) do
    local kind, name, pid, tid = line:match '^{"ph":"(.)","name":"([^"]*)","pid":(%d+),"tid":(%d+)'
    if kind == "M" and name == "thread_name" then names[tid] = line:match '"args":{"name":"([^"]*)"' end
    if kind == "X" and pid ~= tid and names[tid] then
        local at, long = tonumber(line:match '"ts":([%d.]+)'), tonumber(line:match '"dur":([%d.]+)')
        if names[tid]:find "stream" then
            tracks[tid] = tracks[tid] or {}
            table.insert(tracks[tid], { name = name, at = at, long = long })
            from, to = math.min(from, at), math.max(to, at + long)
            if name == "warm" then kernels = kernels + 1 end
        end
    end
end

local order = {}
for tid in pairs(tracks) do order[#order + 1] = tid end
table.sort(order)
local drawing = chart.new(800, 90 + 80 * #order, ("Three steps on %d streams, %.1f ms"):format(#order, (to - from) / 1000))
local colors, count = {}, 0
for row, tid in ipairs(order) do
    local y = 10 + 80 * row
    drawing:text(24, y - 8, names[tid])
    for _, slice in ipairs(tracks[tid]) do
        if not colors[slice.name] then count, colors[slice.name] = count + 1, chart.color(count + 1) end
        local x, wide = 24 + 752 * (slice.at - from) / (to - from), math.max(752 * slice.long / (to - from), 1.5)
        drawing:box(x, y, wide, 40, colors[slice.name], 0.9)
        if wide > 8 * #slice.name then drawing:text(x + 5, y + 25, slice.name, { color = "#0f1420", size = 13 }) end
    end
end
drawing:write(opt.out)
print(("%d streams, %d kernels: %.1f ms"):format(#order, kernels, (to - from) / 1000))
return { streams = #order, kernels = kernels, tracks = tracks }
