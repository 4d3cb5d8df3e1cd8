-- SPDX-License-Identifier: MIT
-- A recording: 24 small kernels a step, enqueued one by one, and then by one call that replays them. Each kernel moves every
-- point of an attractor once; the result is the same to the bit.
--
--     gpumm-run examples/gallery/running/recordings.lua [--out attractor.png] [--n 40000] [--steps 12]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "attractor.png", n = 40000, steps = 12 })
local n, EACH = opt.n, 24

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void scatter(int n, float2 *point, float *shade)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    point[i] = make_float2(fmodf(i * 0.618034f, 1.0f) - 0.5f, fmodf(i * 0.754878f, 1.0f) - 0.5f);
    shade[i] = 0.5f;
}

extern "C" __global__ void move(int n, float2 *point, float *shade, float a, float b, float c, float d)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float2 p = point[i];
    point[i] = make_float2(sinf(a * p.y) - cosf(b * p.x), sinf(c * p.x) - cosf(d * p.y));
    shade[i] = 0.7f * shade[i] + 0.3f * fminf(0.5f * hypotf(point[i].x - p.x, point[i].y - p.y) / 1.4f, 1.0f);
}]]
local scatter, move = m:kernel { source = SOURCE, name = "scatter" }, m:kernel { source = SOURCE, name = "move" }

local point, shade = m:buffer { type = "f32x2", length = n }, m:buffer { type = "f32", length = n }

local function step(a)
    for _ = 1, EACH do move { n = n, point = point, shade = shade, a = a, b = -2.3, c = 2.4, d = -2.1 } end
end

-- Seconds that the calls took, which only enqueue, and what came of them.
local function timed(run)
    scatter { n = n, point = point, shade = shade }
    m:synchronize()
    local calls = 0
    for i = 1, opt.steps do
        local begun = gpumm.clock()
        run(1.4 + 0.0001 * i)
        calls = calls + gpumm.clock() - begun
        m:synchronize()
    end
    return calls / opt.steps, point:download():bytes()
end

local one_by_one, first = timed(step)
local recording = m:record(function(r) step(r:scalar "a") end)
local replayed, second = timed(function(a) recording:replay { a = a } end)

print(("%d operations a step: %.0f us to enqueue one by one, %.0f us as a recording; the same points: %s"):format(recording.count,
    1e6 * one_by_one, 1e6 * replayed, first == second))
look.points(m, opt.out, point, { box = { -2.1, -2.1, 2.1, 2.1 }, value = shade, palette = "ember", radius = 1.3, strength = 0.35,
    glare = 0.03 })
return { same = first == second, count = recording.count, points = point:download() }
