-- SPDX-License-Identifier: MIT
-- A spatial hash: how many neighbours every point has within a radius, from a table of cells instead of all pairs. The table is
-- three calls: a histogram of the cells, its running sum, and a sort.
--
--     gpumm-run examples/gallery/particles/spatial_hash.lua [--out spatial_hash.png] [--n 30000] [--radius 0.02]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "spatial_hash.png", n = 30000, radius = 0.02 })
local SLOTS = 4096

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [==[
static __device__ unsigned int slot_of(int x, int y)
{
    return ((unsigned int)x * 73856093u ^ (unsigned int)y * 19349663u) % 4096u;
}

extern "C" __global__ void slots(int n, const float2 *point, float size, unsigned int *slot, unsigned int *index)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    slot[i] = slot_of((int)floorf(point[i].x / size), (int)floorf(point[i].y / size));
    index[i] = i;
}

// Different cells may share a slot, and one slot may come twice: so what is counted is in the very cell that is looked at.
extern "C" __global__ void neighbours(int n, const float2 *point, float size, const unsigned int *start,
    const unsigned int *index,
                                      unsigned int *count, float *shade)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int cx = (int)floorf(point[i].x / size), cy = (int)floorf(point[i].y / size);
    unsigned int found = 0;
    for (int y = cy - 1; y <= cy + 1; y++) for (int x = cx - 1; x <= cx + 1; x++)
        for (unsigned int k = start[slot_of(x, y)]; k < start[slot_of(x, y) + 1]; k++) {
            const float2 p = point[index[k]];
            if ((int)floorf(p.x / size) != x || (int)floorf(p.y / size) != y) continue;
            const float dx = p.x - point[i].x, dy = p.y - point[i].y;
            found += dx * dx + dy * dy <= size * size;
        }
    count[i] = found - 1; // without itself
    shade[i] = logf(1.0f + count[i]) / logf(200.0f);
}]==]
local slots, neighbours = m:kernel { source = SOURCE, name = "slots" }, m:kernel { source = SOURCE, name = "neighbours" }

-- Two spiral arms, thicker in the middle.
math.randomseed(3)
local list = {}
for i = 1, opt.n do
    local r = math.random() ^ 1.5
    local angle = 5 * r + (i % 2) * math.pi + 0.9 * (math.random() + math.random() - 1) * (1.1 - r)
    if i % 6 == 0 then r, angle = 1.3 * math.sqrt(math.random()), 2 * math.pi * math.random() end -- stars behind
    list[i] = { r * math.cos(angle), 0.75 * r * math.sin(angle) }
end

local function buffer(type, length) return m:buffer { type = type, length = length } end
local point, slot, index = buffer("f32x2", opt.n), buffer("u32", opt.n), buffer("u32", opt.n)
local histogram, start = buffer("u32", SLOTS), buffer("u32", SLOTS + 1)
local count, shade = buffer("u32", opt.n), buffer("f32", opt.n)
point:upload(list)

slots { n = opt.n, point = point, size = opt.radius, slot = slot, index = index }
m:histogram { from = slot, to = histogram }
m:scan { from = histogram, to = start, exclusive = true, total = true }
m:sort { keys = slot, values = index, bits = 12 }
neighbours { n = opt.n, point = point, size = opt.radius, start = start, index = index, count = count, shade = shade }

local pairs_found = 0
local counts = count:download()
for _, c in counts:each() do pairs_found = pairs_found + c end
print(("%d points, %d pairs nearer than %g; %d distances would be all"):format(opt.n, pairs_found // 2, opt.radius,
    opt.n * (opt.n - 1) // 2))
look.points(m, opt.out, point, { box = { -1.05, -0.79, 1.05, 0.79 }, value = shade, palette = "ember", radius = 1.5,
    strength = 1 })
return { points = point:download(), counts = counts, radius = opt.radius }
