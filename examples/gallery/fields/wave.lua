-- SPDX-License-Identifier: MIT
-- Waves through two slits. Three fields take turns as before, now and later; a wall reflects, and the rim swallows what leaves.
--
--     gpumm-run examples/gallery/fields/wave.lua [--out wave.png] [--width 384] [--height 288] [--steps 620]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "wave.png", width = 384, height = 288, steps = 620 })
local w, h = opt.width // 16 * 16, opt.height // 16 * 16

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void wave(int w, int h, const float *before, const float *now, float *later, float push)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y, i = y * w + x;
    const int wall = w / 3, off = y < h / 2 ? h / 2 - 1 - y : y - h / 2; // how far from the middle: the same on both sides
    const bool solid = (x == wall || x == wall + 1) && (off < h / 14 || off > h / 14 + h / 24);
    if (x == 0 || y == 0 || x == w - 1 || y == h - 1 || solid) { later[i] = 0.0f; return; }
    const float sum = now[i - 1] + now[i + 1] + (now[i - w] + now[i + w]) - 4.0f * now[i];
    const int rim = min(min(x, w - 1 - x), min(y, h - 1 - y));
    const float lost = rim < 24 ? 0.12f * (24 - rim) / 24 * (24 - rim) / 24 : 0.0f;
    later[i] = (1.0f - lost) * (2.0f * now[i] - before[i] + 0.25f * sum) + lost * now[i];
    if (x == w / 12 && push != 0.0f) later[i] = push;
}]]
local wave = m:kernel { source = SOURCE, grid = { w // 16, h // 16 }, block = { 16, 16 } }

local before, now = m:buffer { type = "f32", length = w * h }, m:buffer { type = "f32", length = w * h }
local later = m:buffer { type = "f32", length = w * h }

for step = 1, opt.steps do
    local swell = math.min(1, step / 60)
    wave { w = w, h = h, before = before, now = now, later = later, push = swell * math.sin(step * 0.28) }
    before, now, later = now, later, before
end

-- What is below the middle mirrors what is above.
local field, uneven, behind = now:download(), 0, 0
for y = 0, h // 2 - 1 do
    for x = 0, w - 1 do
        uneven = math.max(uneven, math.abs(field[y * w + x + 1] - field[(h - 1 - y) * w + x + 1]))
        if x > w // 3 + 2 then behind = math.max(behind, math.abs(field[y * w + x + 1])) end
    end
end
print(("%d x %d, %d steps: behind the slits up to %.2f high, uneven by %.1e"):format(w, h, opt.steps, behind, uneven))
look.field(m, opt.out, now, w, h, { low = -0.9, high = 0.9, palette = "tide" })
return { uneven = uneven, behind = behind }
