-- SPDX-License-Identifier: MIT
-- The Mandelbrot set: one launch on a grid in two dimensions, with a smooth count of steps as the color, and the area by a
-- reduction of what never leaves.
--
--     gpumm-run examples/gallery/fields/mandelbrot.lua [--out mandelbrot.png] [--width 800] [--most 400]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "mandelbrot.png", width = 800, most = 400 })
local w = opt.width // 16 * 16
local h = w * 3 // 4 // 16 * 16

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void count(int w, int h, int most, float left, float top, float step, float *shade, unsigned int *inside)
{
    const int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    const float cx = left + (px + 0.5f) * step, cy = top - (py + 0.5f) * step;
    float x = 0.0f, y = 0.0f, square = 0.0f;
    int k = 0;
    for (; k < most && square < 64.0f; k++) {
        const float t = x * x - y * y + cx;
        y = 2.0f * x * y + cy;
        x = t;
        square = x * x + y * y;
    }
    const float smooth = k + 1 - log2f(0.5f * logf(fmaxf(square, 1.001f)));
    inside[py * w + px] = square < 4.0f;
    shade[py * w + px] = square < 4.0f ? 0.0f : sqrtf(logf(fmaxf(smooth, 1.0f)) / logf((float)most)) * 0.97f + 0.03f;
}]]
local count = m:kernel { source = SOURCE, grid = { w // 16, h // 16 }, block = { 16, 16 } }

local shade, inside = m:buffer { type = "f32", length = w * h }, m:buffer { type = "u32", length = w * h }
local sum = m:buffer { type = "u32", length = 1 }

local step = 3.2 / w
count { w = w, h = h, most = opt.most, left = -2.25, top = h / 2 * step, step = step, shade = shade, inside = inside }
m:reduce { from = inside, to = sum, op = "sum" }

local area = sum:download()[1] * step * step
print(("%d x %d points: an area of %.4f"):format(w, h, area))
look.field(m, opt.out, shade, w, h, { palette = "night" })
return { area = area, inside = inside:download(), width = w, height = h }
