-- SPDX-License-Identifier: MIT
-- Particles in the order of a Z-curve: neighbours in space become neighbours in memory, by one radix sort of 32-bit keys with
-- the particles' numbers as values. The picture joins each particle with the next.
--
--     gpumm-run examples/gallery/particles/morton.lua [--out morton.png] [--n 1500]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "morton.png", n = 1500 })
local n = opt.n

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local keys_of = m:kernel { source = [[
// Puts a zero bit before every bit of a 16-bit number.
static __device__ unsigned int spread(unsigned int x)
{
    x = (x | x << 8) & 0x00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0fu;
    x = (x | x << 2) & 0x33333333u;
    return (x | x << 1) & 0x55555555u;
}

extern "C" __global__ void keys_of(int n, const float2 *point, unsigned int *key, unsigned int *index)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    key[i] = spread((unsigned int)(point[i].x * 65535.0f)) | spread((unsigned int)(point[i].y * 65535.0f)) << 1;
    index[i] = i;
}]] }

-- Points that keep some distance, on a sunflower.
local list = {}
for i = 1, n do
    local r, angle = 0.495 * math.sqrt(i / n), i * math.pi * (3 - math.sqrt(5))
    list[i] = { 0.5 + r * math.cos(angle), 0.5 + r * math.sin(angle) }
end
local point = m:buffer { type = "f32x2", length = n }
local key, index = m:buffer { type = "u32", length = n }, m:buffer { type = "u32", length = n }
point:upload(list)

keys_of { n = n, point = point, key = key, index = index }
m:sort { keys = key, values = index }

local order, way, jump = index:download(), {}, { before = 0, after = 0 }
local function between(a, b) return math.sqrt((a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2) end
for i = 1, n do way[i] = list[order[i] + 1] end
for i = 2, n do
    jump.before, jump.after = jump.before + between(list[i - 1], list[i]), jump.after + between(way[i - 1], way[i])
end
print(("%d particles; from one to the next %.4f before, %.4f sorted"):format(n, jump.before / (n - 1), jump.after / (n - 1)))

local function rainbow(part)
    local function wave(by) return 0.62 + 0.36 * math.cos(2 * math.pi * (part - by)) end
    return { wave(0), wave(0.33), wave(0.67) }
end

if opt.out ~= "" then
    local from, to, color = {}, {}, {}
    for i = 1, n do color[i] = rainbow(i / n) end
    for i = 1, n - 1 do from[i], to[i] = i, i + 1 end
    gpumm.picture.write(opt.out, { positions = way, graph = gpumm.graph.new(n, from, to), colors = color, manager = m,
        width = 800, height = 800 })
end
return { keys = key:download(), order = order, jump = jump }
