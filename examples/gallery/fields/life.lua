-- SPDX-License-Identifier: MIT
-- The game of life on a torus. Each block reads its tile of cells, and the rim around it, into shared memory once. The picture
-- shows when a cell was last alive.
--
--     gpumm-run examples/gallery/fields/life.lua [--out life.png] [--width 320] [--height 240] [--steps 260] [--start soup]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "life.png", width = 320, height = 240, steps = 260, start = "soup" })
local w, h = opt.width // 16 * 16, opt.height // 16 * 16

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void live(int w, int h, const unsigned char *from, unsigned char *to, float *warm)
{
    __shared__ unsigned char tile[18][18];
    const int left = blockIdx.x * 16 - 1, top = blockIdx.y * 16 - 1, x = threadIdx.x, y = threadIdx.y;
    for (int k = y * 16 + x; k < 18 * 18; k += 256)
        tile[k / 18][k % 18] = from[(top + k / 18 + h) % h * w + (left + k % 18 + w) % w];
    __syncthreads();
    int near = 0;
    for (int dy = 0; dy < 3; dy++) for (int dx = 0; dx < 3; dx++) near += tile[y + dy][x + dx];
    const int self = tile[y + 1][x + 1], at = (top + 1 + y) * w + left + 1 + x;
    near -= self;
    to[at] = near == 3 || (self && near == 2);
    warm[at] = to[at] ? 1.0f : 0.975f * warm[at];
}]]
local live = m:kernel { source = SOURCE, grid = { w // 16, h // 16 }, block = { 16, 16 } }

local now, later = m:buffer { type = "u8", length = w * h }, m:buffer { type = "u8", length = w * h }
local warm = m:buffer { type = "f32", length = w * h }

local cells = gpumm.view("u8", w * h)
if opt.start == "glider" then
    for _, at in ipairs { { 1, 0 }, { 2, 1 }, { 0, 2 }, { 1, 2 }, { 2, 2 } } do cells[(at[2] + 4) * w + at[1] + 4 + 1] = 1 end
else -- soup in the middle
    math.randomseed(4)
    for y = h // 5, h - h // 5 do
        for x = w // 5, w - w // 5 do cells[y * w + x + 1] = math.random() < 0.3 and 1 or 0 end
    end
end
now:upload(cells)

for _ = 1, opt.steps do
    live { w = w, h = h, from = now, to = later, warm = warm }
    now, later = later, now
end

local alive = 0
local last = now:download()
for _, c in last:each() do alive = alive + c end
print(("%d x %d cells, %d steps: %d are alive"):format(w, h, opt.steps, alive))
look.field(m, opt.out, warm, w, h, { palette = "ember" })
return { first = cells, last = last, width = w, height = h, alive = alive }
