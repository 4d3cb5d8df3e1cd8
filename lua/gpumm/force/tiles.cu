// SPDX-License-Identifier: MIT
// What is a rank's of a grid, and what ranks tell one another of theirs (tiles.lua; space.cu comes before this text). Tiles are
// the cells of one level. A rank sorts the nodes of those that hold own nodes and of those around them, whose sums are then the
// same on every rank that has them, and are told to all: cells above tiles are of all nodes on every rank.

// In tiles. Of the levels below that of tiles, a cell asks for the cells of its parent and of those around it, and a tile is one
// parent or more: what these are is known where all nodes of the tile and of those around it are sorted.
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

// Counts other ranks' nodes, that are none of the `own` ones from `first` on, where their tiles are near, behind the own ones:
// which they are goes to `others`, and `more`, 0 before, says how many.
extern "C" __global__ void count_others(int threads, int n, word first, word own, const vec *position, const float *where,
                                        int finest, const unsigned char *near, int tiles, word *more, word *others,
                                        word *counts, word *cell_of, word *arrival)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    const frame g = frame_in(where);
    for (word j = t; j < (word)n - own; j += threads) {
        const word i = j < first ? j : j + own;
        const spot at = spot_of(position[i], &g, finest);
        if (!near[tile_of(at, finest, tiles)]) continue;
        const word k = own + atomicAdd(more, 1u), c = key_of(at.x, at.y, at.z, finest);
        others[k] = i;
        cell_of[k] = c;
        arrival[k] = atomicAdd(counts + c, 1u);
    }
}

// The sums of near tiles, whose level begins at cell `from`, and nothing for the others: four words each.
extern "C" __global__ void tell(int n, int tiles, const unsigned char *near, const float *levels, long long all,
                                long long from, word *known)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const spot of = spot_at(t, tiles);
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    if (near[t]) sum = loaded(levels, all, from + cell_at(of.x, of.y, of.z, tiles));
    known[4 * t] = __float_as_uint(sum.x);
    known[4 * t + 1] = __float_as_uint(sum.y);
    known[4 * t + 2] = __float_as_uint(sum.z);
    known[4 * t + 3] = __float_as_uint(sum.w);
}

// What so many ranks know: a tile's sum is that of the first one that has it. What holds nodes weighs something.
static __device__ float4 told(const word *known, int ranks, int n, int t)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int r = 0; r < ranks && sum.w == 0.0f; r++) {
        const word *one = known + 4 * ((long long)r * n + t);
        sum.x = __uint_as_float(one[0]);
        sum.y = __uint_as_float(one[1]);
        sum.z = __uint_as_float(one[2]);
        sum.w = __uint_as_float(one[3]);
    }
    return sum;
}

// The level of tiles, of all nodes. Two counts and what tiles hold are made ready for the next time.
extern "C" __global__ void hear(int n, int tiles, int ranks, const word *known, word *counted, unsigned char *held,
                                float *levels, long long all, long long from)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    if (t < 2) counted[t] = 0;
    held[HELD * (long long)t] = 0;
    const spot of = spot_at(t, tiles);
    stored(levels, all, from + cell_at(of.x, of.y, of.z, tiles), told(known, ranks, n, t));
}
