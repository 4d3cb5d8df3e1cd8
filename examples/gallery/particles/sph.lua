-- SPDX-License-Identifier: MIT
-- Water as particles (SPH): a dam breaks. Each particle's density comes from its neighbours; pressure pushes from dense to thin,
-- and friction makes neighbours move alike. Neighbours are found in cells, as in spatial_hash.lua.
--
--     gpumm-run examples/gallery/particles/sph.lua [--out sph.png] [--n 4000] [--steps 860]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "sph.png", n = 4000, steps = 860 })
local W, H = 96, 64 -- in cells, whose size is the reach of a particle

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
#define W 96
#define H 64
#define EACH(...) for (int cy = max((int)p.y - 1, 0); cy <= min((int)p.y + 1, H - 1); cy++) \
    for (int cx = max((int)p.x - 1, 0); cx <= min((int)p.x + 1, W - 1); cx++) \
        for (unsigned int k = start[cy * W + cx]; k < start[cy * W + cx + 1]; k++) { \
            const int j = drop[k]; \
            const float x = p.x - position[j].x, y = p.y - position[j].y, d = sqrtf(x * x + y * y), q = 1.0f - d; \
            if (q > 0.0f) { __VA_ARGS__ } }

extern "C" __global__ void cells(int n, const float2 *position, unsigned int *cell, unsigned int *drop)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    cell[i] = (int)position[i].y * W + (int)position[i].x;
    drop[i] = i;
}

extern "C" __global__ void densities(int n, const float2 *position, const unsigned int *start, const unsigned int *drop,
    float *density)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float2 p = position[i];
    float sum = 0.0f;
    EACH(sum += q * q;)
    density[i] = sum; // at least its own 1
}

extern "C" __global__ void flow(int n, const float2 *position, const float2 *speed, const float *density,
    const unsigned int *start,
                                const unsigned int *drop, float dt, float2 *to, float2 *next, float *shade)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float2 p = position[i];
    float2 v = speed[i], f = make_float2(0.0f, -12.0f);
    EACH(
        if (j == i) continue;
        const float push = 2500.0f * q * fmaxf(density[i] + density[j] - 3.4f, 0.0f) / (density[i] + density[j]),
            near = 1.0f / (d + 1e-4f);
        f.x += push * x * near + 1.5f * q * (speed[j].x - v.x);
        f.y += push * y * near + 1.5f * q * (speed[j].y - v.y);)
    v.x += dt * f.x; v.y += dt * f.y;
    float2 at = make_float2(p.x + dt * v.x, p.y + dt * v.y);
    if (at.x < 0.5f || at.x > W - 0.5f) v.x *= -0.3f;
    if (at.y < 0.5f || at.y > H - 0.5f) v.y *= -0.3f;
    to[i] = make_float2(fminf(fmaxf(at.x, 0.5f), W - 0.5f), fminf(fmaxf(at.y, 0.5f), H - 0.5f));
    next[i] = v;
    shade[i] = sqrtf(v.x * v.x + v.y * v.y) / 50.0f;
}]]
local cells = m:kernel { source = SOURCE, name = "cells" }
local densities, flow = m:kernel { source = SOURCE, name = "densities" }, m:kernel { source = SOURCE, name = "flow" }

local function buffer(type, length) return m:buffer { type = type, length = length } end
local n, start, count = opt.n, buffer("u32", W * H + 1), buffer("u32", W * H)
local cell, drop, density, shade = buffer("u32", n), buffer("u32", n), buffer("f32", n), buffer("f32", n)
local now, later = { buffer("f32x2", n), buffer("f32x2", n) }, { buffer("f32x2", n), buffer("f32x2", n) }

math.randomseed(5)
local dam, wide = {}, math.floor(math.sqrt(n / 1.6))
for i = 0, n - 1 do dam[i + 1] = { 1 + 0.6 * (i % wide) + 0.01 * math.random(), 0.7 + 0.6 * (i // wide) } end
now[1]:upload(dam)

for _ = 1, opt.steps do
    cells { n = n, position = now[1], cell = cell, drop = drop }
    m:histogram { from = cell, to = count }
    m:scan { from = count, to = start, exclusive = true, total = true }
    m:sort { keys = cell, values = drop, bits = 14 }
    densities { n = n, position = now[1], start = start, drop = drop, density = density }
    flow { n = n, position = now[1], speed = now[2], density = density, start = start, drop = drop, dt = 0.005, to = later[1],
           next = later[2], shade = shade }
    now, later = later, now
end

local least, most, height = math.huge, 0, 0
for _, x, y in now[1]:download():each() do least, most, height = math.min(least, x), math.max(most, x), height + y / n end
print(("%d drops, from %.1f to %.1f, %.1f high on average"):format(n, least, most, height))
look.points(m, opt.out, now[1], { box = { 0, 0, W, H }, value = shade, palette = "water", radius = 5, strength = 1.2,
    back = "0a0c16" })
return { positions = now[1]:download(), densities = density:download(), before = later[1]:download(), height = height }
