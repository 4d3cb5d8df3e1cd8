-- SPDX-License-Identifier: MIT
-- Reaction and diffusion (Gray-Scott): two substances on a torus, one of which feeds on the other, make a pattern of their own.
-- The kernel runs on a grid of blocks in two dimensions; `const` says which of the two fields is read, and which is written.
--
--     gpumm-run examples/gallery/fields/reaction_diffusion.lua [--out coral.png] [--size 256] [--steps 5000]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "coral.png", size = 256, steps = 5000 })
local size, blocks = opt.size // 16 * 16, opt.size // 16

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void react(int size, const float2 *from, float2 *to, float *shown, float feed, float kill)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    const int left = (x + size - 1) % size, right = (x + 1) % size, up = (y + size - 1) % size, down = (y + 1) % size;
    const float2 c = from[y * size + x];
    const float2 a = from[y * size + left], b = from[y * size + right], d = from[up * size + x], e = from[down * size + x];
    const float u = 0.2f * (a.x + b.x + d.x + e.x - 4.0f * c.x), v = 0.1f * (a.y + b.y + d.y + e.y - 4.0f * c.y);
    const float eaten = c.x * c.y * c.y;
    to[y * size + x] = make_float2(c.x + u - eaten + feed * (1.0f - c.x), c.y + v + eaten - (feed + kill) * c.y);
    shown[y * size + x] = c.y;
}]]
local react = m:kernel { source = SOURCE, grid = { blocks, blocks }, block = { 16, 16 } }

local a, b = m:buffer { type = "f32x2", length = size * size }, m:buffer { type = "f32x2", length = size * size }
local shown = m:buffer { type = "f32", length = size * size }

-- Food everywhere, and some squares of those who eat it.
math.randomseed(9)
local start = gpumm.view("f32x2", size * size)
for i = 1, size * size do start:set(i, 1, 0) end
for _ = 1, size // 8 do
    local x, y = math.random(0, size - 1), math.random(0, size - 1)
    for k = 0, 35 do start:set((y + k // 6) % size * size + (x + k % 6) % size + 1, 0.5, 0.35) end
end
a:upload(start)

for _ = 1, opt.steps do
    react { size = size, from = a, to = b, shown = shown, feed = 0.0545, kill = 0.062 }
    a, b = b, a
end

local covered = 0
for _, v in shown:download():each() do covered = covered + (v > 0.15 and 1 or 0) end
print(("%d steps: the pattern covers %.0f %%"):format(opt.steps, 100 * covered / (size * size)))
look.field(m, opt.out, shown, size, size, { low = 0, high = 0.36, palette = "moss" })
return { start = start, field = a:download(), size = size, covered = covered }
