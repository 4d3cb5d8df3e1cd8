-- SPDX-License-Identifier: MIT
-- An iteration over ranks, and its parts by the clock, on graphs that are made on the devices, which takes no file:
--     mpirun -n 2 gpumm-run --quiet spec/bench/ranks_made_bench.lua [--grid 10000] [--rmat 22] [--edges 1e8] [--steps 20]
-- A square grid of so many nodes a side, and an R-MAT graph of so many edges over 2^22 nodes, some of them twice; 0 leaves one
-- out. Each rank has a block of the nodes, which lie together in the plane, as they do once a layout has numbered them by
-- place. An iteration tells ranks the positions that they ask for, where that is less than all. Far and near is what repulsion
-- takes beyond the grid, for more than 16,384 nodes. Memory is rank 0's.

local gpumm = require "gpumm"
local world = require "gpumm.world"
local engine = require "gpumm.force.engine"
local force_part = require "gpumm.force.part"
local part = require "gpumm.world.part"

local opt = gpumm.options(arg, { grid = 10000, rmat = 22, edges = 1e8, steps = 20 })
local PIECE <const> = 1 << 24 -- ends of edges at a time

world.open { seconds = 120 }
local m <close> = assert(world.manager { workers = 1 })
m:raising(true)

local KERNELS <const> = [==[
typedef unsigned int word;

static __device__ word mixed(word x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static __device__ word permuted(word x, int bits)
{
    const word mask = (1u << bits) - 1u;
    for (int k = 0; k < 3; k++) {
        x = x * (0x9e3779b1u + 0x2468acf0u * (word)k) & mask;
        x ^= x >> (bits / 2);
    }
    return x;
}

static __device__ bool is_own(word i, word first, word past) { return i >= first && i < past; }

extern "C" __global__ void rmat(int n, word seed, int bits, word first, word past, word *from, word *to, unsigned char *own)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= n) return;
    word row = 0, column = 0, state = mixed((word)e + seed * 2654435761u + 17u);
    for (int k = 0; k < bits; k++) {
        state = mixed(state + 0x9e3779b9u);
        const float quarter = (state >> 8) / 16777216.0f;
        row = 2 * row + (quarter >= 0.76f);
        column = 2 * column + ((quarter >= 0.57f && quarter < 0.76f) || quarter >= 0.95f);
    }
    row = permuted(row, bits);
    column = permuted(column, bits);
    from[e] = row + 1;
    to[e] = column + 1;
    own[e] = row != column && (is_own(row, first, past) || is_own(column, first, past));
}

// To the right of nodes from `first` on, and down.
extern "C" __global__ void grid(int n, word first, word side, word *from, word *to, unsigned char *own)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= n) return;
    const word i = first + (word)e / 2, down = e % 2;
    from[e] = i + 1;
    to[e] = i + 1 + (down ? side : 1);
    own[e] = (down ? i / side : i % side) + 1 < side;
}

extern "C" __global__ void picked(int n, const word *which, const word *from, const word *to, word at, word *a, word *b)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    a[at + k] = from[which[k]];
    b[at + k] = to[which[k]];
}

extern "C" __global__ void places(int n, word side, float2 *position)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    position[i].x = (word)i % side + 0.3f * (mixed(i) >> 8) / 16777216.0f;
    position[i].y = (word)i / side + 0.3f * (mixed(i + 77u) >> 8) / 16777216.0f;
}]==]

local function kernel(name) return m:kernel { source = KERNELS, name = name } end

local function buffer(type, n)
    return m:buffer { type = type, length = math.max(1, n), max_length = math.max(1, n), ahead = 0 }
end

-- The edges that make(count, at, from, to, own) marks as own, of `all` that it makes in pieces; room for so many.
local function own_edges(all, room, make)
    local a, b, at = buffer("u32", room), buffer("u32", room), 0
    local from <close> = buffer("u32", PIECE)
    local to <close> = buffer("u32", PIECE)
    local own <close> = buffer("u8", PIECE)
    local which <close> = buffer("u32", PIECE)
    local found <close> = buffer("u32", 1)
    for e = 0, all - 1, PIECE do
        local count = math.min(PIECE, all - e)
        make(count, e, from, to, own)
        m:select { flags = own, to = which, count = found, n = count }
        local more = found:download()[1]
        assert(at + more <= room, "more edges than expected are this rank's")
        if more > 0 then kernel "picked"(more, which, from, to, at, a, b) end
        at = at + more
    end
    m:synchronize()
    return a, b, at
end

-- Blocks of as many nodes, which begin where chunks do.
local function dealt(n)
    local chunk, blocks = force_part.chunk(n), {}
    for r = 0, world.size - 1 do blocks[r + 1] = n * r // world.size // chunk * chunk + 1 end
    blocks[world.size + 1] = n + 1
    return part.new(world, blocks)
end

local function timed(f)
    f(1) -- compiled then, and as large as it will be
    m:synchronize()
    world.barrier()
    local since = gpumm.clock()
    for i = 1, opt.steps do f(i) end
    m:synchronize()
    world.barrier()
    return (gpumm.clock() - since) / opt.steps * 1e3
end

local function measure(name, n, side, own, from, to, edges)
    local _, count = own:block(n)
    local e = engine.new(m, { model = "tforce", part = own })
    local nodes = { position = buffer("f32x2", n), mass = buffer("f32", n), velocity = buffer("f32x2", count),
        force = buffer("f32x2", count), heft = buffer("f32", count) }
    kernel "places"(n, side, nodes.position)
    e:connect(nodes, n, edges, from, to, 1)
    from:free()
    to:free()
    local gathering = timed(function(i) e:step(nodes, i, 0.01) end)
    nodes.partial = true
    local all = timed(function(i) e:step(nodes, i, 0.01) end)
    local others = e.halo and e.halo:others()
    local held = m:stats().used_bytes
    nodes.partial = nil
    e:complete(nodes)
    local springs = timed(function() e:springs(nodes) end)
    local repulsion = timed(function(i) e:repel(nodes, 1, i) end)
    local grid = timed(function(i) e.pushes.grid:build(n, nodes.position, nodes.mass, i) end)
    local gather = timed(function() own:gather(nodes.position, n) end)
    if world.rank > 0 then return end
    print(("%s, %d nodes, %d ranks, by %s: an iteration %.3f ms, by %s; %.3f where all positions are gathered; of that springs "
        .. "%.3f, grid %.3f, far and near %.3f, gathered %.3f; %.1f GiB"):format(name, n, world.size, world.way(), all,
        others and ("a list of %d others"):format(others.count) or "no list", gathering, springs, grid, repulsion - grid, gather,
        held / 2 ^ 30))
    for _, b in pairs(nodes) do b:close() end
    e:close()
end

local function grid_of(side)
    local n = side * side
    local own, run = dealt(n), kernel "grid"
    local first, count = own:block(n)
    local from = math.max(0, first - side) -- what leads down to the first ones, too
    local ends = 2 * (first + count - from)
    measure("grid", n, side, own, own_edges(ends, ends, function(k, at, a, b, flag) run(k, from + at // 2, side, a, b, flag) end))
end

local function rmat_of(bits, edges)
    local n = 1 << bits
    local own, run, parts = dealt(n), kernel "rmat", world.size
    local first, count = own:block(n)
    local room = math.min(edges, math.ceil(edges * (2 / parts - 1 / parts ^ 2) * 1.15))
    measure("R-MAT", n, 1 << (bits + 1) // 2, own, own_edges(edges, room, function(k, at, a, b, flag)
        run(k, at // PIECE, bits, first, first + count, a, b, flag)
    end))
end

if opt.grid > 0 then grid_of(opt.grid) end
collectgarbage()
if opt.rmat > 0 then rmat_of(opt.rmat, math.tointeger(opt.edges)) end
