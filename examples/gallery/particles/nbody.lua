-- SPDX-License-Identifier: MIT
-- N bodies that all pull at one another, by blocks: each block of 128 threads reads 128 bodies at a time into shared memory,
-- and every thread of it uses them. On a GPU that is what makes it fast; the host device runs the same blocks. Two discs of
-- stars meet.
--
--     gpumm-run examples/gallery/particles/nbody.lua [--out nbody.png] [--n 3072] [--steps 110]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "nbody.png", n = 3072, steps = 110 })
local n = opt.n // 128 * 128

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [[
extern "C" __global__ void pull(int n, const float4 *body, float3 *force)
{
    __shared__ float4 tile[128];
    const int i = blockIdx.x * 128 + threadIdx.x;
    const float4 me = body[i];
    float3 sum = make_float3(0, 0, 0);
    for (int first = 0; first < n; first += 128) {
        tile[threadIdx.x] = body[first + threadIdx.x];
        __syncthreads();
        for (int k = 0; k < 128; k++) {
            const float x = tile[k].x - me.x, y = tile[k].y - me.y, z = tile[k].z - me.z;
            const float near = 1.0f / sqrtf(x * x + y * y + z * z + 4e-4f); // softened: nobody is thrown out
            const float by = tile[k].w * near * near * near;
            sum.x += by * x; sum.y += by * y; sum.z += by * z;
        }
        __syncthreads();
    }
    force[i] = sum;
}

extern "C" __global__ void move(int n, float4 *body, float3 *speed, const float3 *force, float kick, float drift, float2 *seen)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    speed[i].x += kick * force[i].x; speed[i].y += kick * force[i].y; speed[i].z += kick * force[i].z;
    body[i].x += drift * speed[i].x; body[i].y += drift * speed[i].y; body[i].z += drift * speed[i].z;
    seen[i] = make_float2(body[i].x, body[i].y - 0.35f * body[i].z);
}]]
local pull = m:kernel { source = SOURCE, name = "pull", block = 128 }
local move = m:kernel { source = SOURCE, name = "move" }

-- A disc around a heavy middle, which moves as a whole.
math.randomseed(11)
local bodies, speeds, shades = {}, {}, {}
local function disc(count, x, y, vx, vy, spin, tilt, shade)
    bodies[#bodies + 1], speeds[#speeds + 1], shades[#shades + 1] = { x, y, 0, 1 }, { vx, vy, 0 }, shade
    for _ = 2, count do
        local r, angle = 0.12 + 0.75 * math.sqrt(math.random()), 2 * math.pi * math.random()
        local fast, c, s = spin * math.sqrt((1 + 0.08 * r * r) / r), math.cos(angle), math.sin(angle)
        bodies[#bodies + 1] = { x + r * c, y + r * s * math.cos(tilt), r * s * math.sin(tilt), 0.08 / count }
        speeds[#speeds + 1] = { vx - fast * s, vy + fast * c * math.cos(tilt), fast * c * math.sin(tilt) }
        shades[#shades + 1] = math.max(0, math.min(1, shade + 0.25 * (0.5 - r)))
    end
end
disc(n // 2, -0.95, -0.35, 0.42, 0.12, 1, 0.4, 0.25)
disc(n - n // 2, 0.95, 0.35, -0.42, -0.12, 1, -0.6, 0.85)

local body, speed = m:buffer { type = "f32x4", length = n }, m:buffer { type = "f32x3", length = n }
local force, seen = m:buffer { type = "f32x3", length = n }, m:buffer { type = "f32x2", length = n }
local shade = m:buffer { type = "f32", length = n }
body:upload(bodies)
speed:upload(speeds)
shade:upload(shades)

local function momentum() -- of all bodies together: nothing changes it
    local px, py, mass = 0, 0, body:download()
    for i, vx, vy in speed:download():each() do
        local _, _, _, w = mass:get(i)
        px, py = px + w * vx, py + w * vy
    end
    return px, py
end

local x0, y0 = momentum()
local dt = 0.01
for step = 1, opt.steps do -- leapfrog: half a kick first
    pull({ n = n, body = body, force = force }, { threads = n })
    move { n = n, body = body, speed = speed, force = force, kick = step == 1 and dt / 2 or dt, drift = dt, seen = seen }
end
local x1, y1 = momentum()
print(("%d bodies, %d steps; their momentum has changed by %.1e"):format(n, opt.steps, math.sqrt((x1 - x0) ^ 2 + (y1 - y0) ^ 2)))
look.points(m, opt.out, seen, { box = { -1.6, -1.2, 1.6, 1.2 }, value = shade, palette = "vivid", radius = 2.4,
    strength = 0.9, glare = 0.12,
    back = "05060d" })
return { drift = math.sqrt((x1 - x0) ^ 2 + (y1 - y0) ^ 2), speeds = speed:download(), dt = dt, bodies = body:download(),
    forces = force:download() }
