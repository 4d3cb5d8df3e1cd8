-- SPDX-License-Identifier: MIT
-- Boids: birds that keep apart, fly as their neighbours do, and stay with them. Neighbours are found in a grid of cells that is
-- made anew each step by the primitives: a histogram of the cells, its running sum, and a stable sort.
--
--     gpumm-run examples/gallery/particles/boids.lua [--out boids.png] [--n 5000] [--steps 400]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "boids.png", n = 5000, steps = 400 })
local W, H, SEE = 128, 96, 2 -- the world is a torus of cells as wide as a bird sees, halved

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
#define W 128
#define H 96
extern "C" __global__ void cells(int n, const float2 *position, unsigned int *cell, unsigned int *bird)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    cell[i] = min((int)position[i].y, H - 1) / 2 * (W / 2) + min((int)position[i].x, W - 1) / 2;
    bird[i] = i;
}

static __device__ float turned(float d, float size) { return d - size * rintf(d / size); } // the short way around

extern "C" __global__ void fly(int n, const float2 *from, const float2 *speed, const unsigned int *start,
    const unsigned int *bird,
                               float2 *to, float2 *next, float *heading)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float2 p = from[i];
    float2 v = speed[i], away = make_float2(0, 0), mean = away, middle = away;
    int seen = 0;
    for (int dy = -1; dy <= 1; dy++) for (int dx = -1; dx <= 1; dx++) {
        const int cx = ((int)p.x / 2 + dx + W / 2) % (W / 2), cy = ((int)p.y / 2 + dy + H / 2) % (H / 2), c = cy * (W / 2) + cx;
        for (unsigned int k = start[c]; k < start[c + 1]; k++) {
            const int j = bird[k];
            const float x = turned(from[j].x - p.x, W), y = turned(from[j].y - p.y, H), d2 = x * x + y * y;
            if (j == i || d2 > 4.0f) continue;
            if (d2 < 0.5f) { away.x -= x / (d2 + 0.02f); away.y -= y / (d2 + 0.02f); }
            mean.x += speed[j].x; mean.y += speed[j].y; middle.x += x; middle.y += y; seen++;
        }
    }
    if (seen) {
        v.x += 0.012f * away.x + 0.08f * (mean.x / seen - v.x) + 0.006f * middle.x / seen;
        v.y += 0.012f * away.y + 0.08f * (mean.y / seen - v.y) + 0.006f * middle.y / seen;
    }
    const float fast = 0.25f / fmaxf(sqrtf(v.x * v.x + v.y * v.y), 1e-6f); // every bird flies equally fast
    next[i] = make_float2(v.x * fast, v.y * fast);
    to[i] = make_float2(fmodf(p.x + next[i].x + W, W), fmodf(p.y + next[i].y + H, H));
    heading[i] = atan2f(v.y, v.x) / 6.2831853f + 0.5f;
}]]
local cells, fly = m:kernel { source = SOURCE, name = "cells" }, m:kernel { source = SOURCE, name = "fly" }

local function buffer(type, length) return m:buffer { type = type, length = length } end
local cell, bird, heading = buffer("u32", opt.n), buffer("u32", opt.n), buffer("f32", opt.n)
local count, start = buffer("u32", W * H // (SEE * SEE)), buffer("u32", W * H // (SEE * SEE) + 1)
local now, later = { buffer("f32x2", opt.n), buffer("f32x2", opt.n) }, { buffer("f32x2", opt.n), buffer("f32x2", opt.n) }

math.randomseed(7)
local places, speeds = {}, {}
for i = 1, opt.n do
    local angle = 2 * math.pi * math.random()
    places[i], speeds[i] = { W * math.random(), H * math.random() }, { 0.25 * math.cos(angle), 0.25 * math.sin(angle) }
end
now[1]:upload(places)
now[2]:upload(speeds)

for _ = 1, opt.steps do
    cells { n = opt.n, position = now[1], cell = cell, bird = bird }
    m:histogram { from = cell, to = count }
    m:scan { from = count, to = start, exclusive = true, total = true } -- where each cell's birds begin
    m:sort { keys = cell, values = bird }
    fly { n = opt.n, from = now[1], speed = now[2], start = start, bird = bird, to = later[1], next = later[2],
        heading = heading }
    now, later = later, now
end

local x, y = 0, 0
for _, vx, vy in now[2]:download():each() do x, y = x + vx / 0.25, y + vy / 0.25 end
local order = math.sqrt(x * x + y * y) / opt.n
print(("%d birds, %d steps: %.0f %% of them fly one way"):format(opt.n, opt.steps, 100 * order))
look.points(m, opt.out, now[1], { box = { 0, 0, W, H }, value = heading, palette = "wheel", radius = 2.2 })
return { order = order, positions = now[1]:download(), speeds = now[2]:download() }
