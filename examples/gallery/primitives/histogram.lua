-- SPDX-License-Identifier: MIT
-- Numbers about numbers, all computed where they are: a histogram, the least and greatest, a sum, and the median by a sort. The
-- values are sums of four dice-like numbers, so that they fall under a bell.
--
--     gpumm-run examples/gallery/primitives/histogram.lua [--out histogram.svg] [--n 1000000] [--bins 64]

local gpumm = require "gpumm"
local chart = dofile(gpumm.beside "../chart.lua")
local opt = gpumm.options(arg, { out = "histogram.svg", n = 1000000, bins = 64 })

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local roll = m:kernel { source = [[
static __device__ float chance(unsigned int x) // from 0 to 1
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return (x ^ x >> 16) / 4294967296.0f;
}

extern "C" __global__ void roll(int n, float *value)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 0.0f;
    for (int k = 0; k < 4; k++) sum += chance(4u * i + k + 1u);
    value[i] = sum;
}]] }

local value, bins = m:buffer { type = "f32", length = opt.n }, m:buffer { type = "u32", length = opt.bins }
local out = {}
roll(opt.n, value)
m:histogram { from = value, to = bins, low = 0, high = 4 }
for _, op in ipairs { "min", "max", "sum" } do
    out[op] = m:buffer { type = "f32", length = 1 }
    m:reduce { from = value, to = out[op], op = op }
end
local values = value:download() -- before they are sorted
m:sort { keys = value }
local median = value:download(opt.n // 2, 1)[1]
local least, most, mean = out.min:download()[1], out.max:download()[1], out.sum:download()[1] / opt.n
print(("%d values from %.3f to %.3f, mean %.4f, median %.4f"):format(opt.n, least, most, mean, median))

local counts, high = bins:download(), 0
for _, c in counts:each() do high = math.max(high, c) end
local drawing = chart.new(800, 480, ("%d sums of four"):format(opt.n))
local wide = 740 / opt.bins
for i, c in counts:each() do
    drawing:box(30 + (i - 1) * wide, 440 - 370 * c / high, wide - 1.5, 370 * c / high, chart.color(1), 0.35 + 0.65 * c / high)
end
for _, mark in ipairs { { mean, "mean", 3, -8, "end" }, { median, "median", 4, 8, "start" } } do
    local x = 30 + 740 * mark[1] / 4
    drawing:line({ x, 56, x, 440 }, chart.color(mark[3]), 1.5)
    drawing:text(x + mark[4], 62, ("%s %.4f"):format(mark[2], mark[1]), { color = chart.color(mark[3]), anchor = mark[5] })
end
for k = 0, 4 do drawing:text(30 + 185 * k, 464, k, { anchor = "middle" }) end
drawing:write(opt.out)
return { counts = counts, values = values, least = least, most = most, mean = mean, median = median }
