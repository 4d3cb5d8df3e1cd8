-- SPDX-License-Identifier: MIT
-- Heat that spreads in a plate with holes: a mesh whose nodes exchange heat along its edges. Each node reads its neighbours from
-- rows, so that nothing is added up out of order, and what one node gives is what the other gets.
--
--     gpumm-run examples/gallery/fields/heat_mesh.lua [--out heat_mesh.png] [--rows 44] [--steps 700]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "heat_mesh.png", rows = 44, steps = 700 })

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [==[
extern "C" __global__ void spread(int n, const unsigned int *first, const unsigned int *near, const float *from,
    float *to, float rate)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 0.0f;
    for (unsigned int k = first[i]; k < first[i + 1]; k++) sum += from[near[k]] - from[i];
    to[i] = from[i] + rate * sum;
}]==]
local spread = m:kernel { source = SOURCE }

-- A plate of triangles, with three holes.
local holes = { { 0.3, 0.35, 0.16 }, { 0.72, 0.62, 0.2 }, { 1.08, 0.26, 0.13 } }
local function solid(x, y)
    for _, hole in ipairs(holes) do
        if (x - hole[1]) ^ 2 + (y - hole[2]) ^ 2 < hole[3] ^ 2 then return false end
    end
    return true
end
local at, points, number, from, to = 1 / opt.rows, {}, {}, {}, {}
local columns = math.floor(1.35 * opt.rows)
local function join(i, j)
    if i and j then from[#from + 1], to[#to + 1] = i, j end
end
for r = 0, opt.rows do
    number[r] = {}
    for c = 0, columns do
        local x, y = (c + r % 2 / 2) * at, r * at * 0.87
        if solid(x, y) then
            points[#points + 1] = { x, y }
            number[r][c] = #points
            join(number[r][c - 1], #points)
            if r > 0 then
                local left = number[r - 1][c - 1 + r % 2]
                join(left, #points)
                join(number[r - 1][c + r % 2], #points)
            end
        end
    end
end
local mesh = gpumm.graph.new(#points, from, to)

-- Rows for the device count from 0.
local near, first = mesh:neighbours()
for k = 1, #near do near[k] = near[k] - 1 end
for k = 1, #first do first[k] = first[k] - 1 end
local rows, ends = m:buffer { type = "u32", length = #first }, m:buffer { type = "u32", length = #near }
rows:upload(first)
ends:upload(near)

local now, later = m:buffer { type = "f32", length = #points }, m:buffer { type = "f32", length = #points }
local heat, total = {}, 0
for i, p in ipairs(points) do
    heat[i] = (p[1] - 0.08) ^ 2 + (p[2] - 0.75) ^ 2 < 0.04 and 100 or 0
    total = total + heat[i]
end
now:upload(heat)

for _ = 1, opt.steps do
    spread { n = #points, first = rows, near = ends, from = now, to = later, rate = 0.12 }
    now, later = later, now
end

local after, sum, hottest = now:download(), 0, 0
for _, t in after:each() do sum, hottest = sum + t, math.max(hottest, t) end
print(("%d nodes, %d edges; heat before %.1f, after %.1f; the hottest node has %.1f"):format(#points, mesh.edges, total,
    sum, hottest))
if opt.out ~= "" then
    local shown = {}
    for i, t in after:each() do -- from blue over red to yellow
        local part = (t / hottest) ^ 0.6
        shown[i] = { 0.15 + 1.3 * math.min(part, 0.65), 0.25 + 0.7 * part ^ 3, 0.65 * (1 - part) ^ 1.5 + 0.15 }
    end
    gpumm.picture.write(opt.out, { positions = points, graph = mesh, colors = shown, manager = m, width = 800, height = 600 })
end
return { total = total, sum = sum, hottest = hottest, heat = after, start = heat, mesh = mesh }
