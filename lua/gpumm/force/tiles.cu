// SPDX-License-Identifier: MIT
// What is a rank's of a grid, and what ranks tell one another of theirs (tiles.lua; space.cu comes before this text). Tiles are
// the cells of one level. A rank sorts the nodes of those that hold own nodes and of those around them, whose sums are then the
// same on every rank that has them, and are told to all: cells above tiles are of all nodes on every rank.

// In tiles. Of the levels below that of tiles, a cell asks for the cells of its parent and of those around it, and a tile is one
// parent or more: what these are is known where all nodes of the tile and of those around it are sorted. (At the rim a cell may
// seem to have fewer nodes around than it has; it is none that an own node asks for finely.)
#define REACH 1

// Marks what is above a tile. Who finds a cell marked leaves those above to who marked it.
static __device__ void mark_above(unsigned char *marks, spot at, int width)
{
    while (width > 4) {
        marks += level_size(width);
        width /= 2;
        at.x /= 2;
        at.y /= 2;
        at.z /= 2;
        unsigned char *mark = marks + cell_at(at.x, at.y, at.z, width);
        if (*mark) return;
        *mark = 1;
    }
}

static __device__ bool is_reached(const unsigned char *marks, spot of, int tiles)
{
    const int deep = DIM == 3 ? REACH : 0;
    for (int z = -deep; z <= deep; z++)
        for (int y = -REACH; y <= REACH; y++)
            for (int x = -REACH; x <= REACH; x++)
                if (marks[cell_at(of.x + x, of.y + y, of.z + z, tiles)]) return true;
    return false;
}

// Marks the tiles that hold own nodes, and what is above them. The marks of tiles begin at `tile_marks`.
extern "C" __global__ void mark(int n, int tiles, const unsigned char *held, long long tile_marks, unsigned char *marks)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n || !held[HELD * (long long)t]) return;
    const spot of = spot_at(t, tiles);
    marks += tile_marks;
    marks[cell_at(of.x, of.y, of.z, tiles)] = 1;
    mark_above(marks, of, tiles);
}

// Which tiles are in reach of one that is marked: `near`.
extern "C" __global__ void reach(int n, int tiles, const unsigned char *marks, long long tile_marks, unsigned char *near)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n) near[t] = is_reached(marks + tile_marks, spot_at(t, tiles), tiles);
}

// Counts other ranks' nodes, that are none of the `own` ones from `first` on, where their tiles are near: those of the list
// `others` or (null) all. They stand behind the own ones, up to n in all, in their order: those that are not counted are in no cell.
extern "C" __global__ void count_others(int threads, int n, word first, word own, const word *others, const vec *position,
                                        const float *where, int finest, const unsigned char *near, int tiles, word *counts,
                                        word *cell_of, word *arrival)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    const frame g = frame_in(where);
    for (word k = own + t; k < (word)n; k += threads) {
        const spot at = spot_of(position[node_at(k, first, own, others)], &g, finest);
        const bool is_near = near[tile_of(at, finest, tiles)];
        const word c = is_near ? key_of(at.x, at.y, at.z, finest) : NO_CELL;
        cell_of[k] = c;
        if (is_near) arrival[k] = atomicAdd(counts + c, 1u);
    }
}

// The sums of near tiles, whose level begins at cell `from`, and nothing for the others.
extern "C" __global__ void tell(int n, int tiles, const unsigned char *near, const float *levels, long long all,
                                long long from, float4 *known)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const spot of = spot_at(t, tiles);
    const float4 nothing = {0.0f, 0.0f, 0.0f, 0.0f};
    known[t] = near[t] ? loaded(levels, all, from + cell_at(of.x, of.y, of.z, tiles)) : nothing;
}

// What so many ranks know: a tile's sum is that of the first one that has it. What holds nodes weighs something.
static __device__ float4 told(const float4 *known, int ranks, int n, int t)
{
    float4 sum = known[t];
    for (int r = 1; r < ranks && sum.w == 0.0f; r++) sum = known[(long long)r * n + t];
    return sum;
}

// The level of tiles, of all nodes. What is listed and what tiles hold are made ready for the next time.
extern "C" __global__ void hear(int n, int tiles, int ranks, const float4 *known, word *listed, unsigned char *held,
                                float *levels, long long all, long long from)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    if (t == 0) *listed = 0;
    held[HELD * (long long)t] = 0;
    const spot of = spot_at(t, tiles);
    stored(levels, all, from + cell_at(of.x, of.y, of.z, tiles), told(known, ranks, n, t));
}
