// SPDX-License-Identifier: MIT
// The push on every node: of each node in the cells around, and what its cell was given of all others (far.cu, which
// comes before this text). Nodes are felt one by one in the level above the finest; where that holds few, in the one above it,
// and where it holds too many, in the finest one: what lies between is felt as finest cells then.

#ifdef VIRIAL
#define SUMS 1
#define SCALE(cell) ((cell) * (cell))
#else
#define SUMS DIM
#define SCALE(cell) (cell)
#endif

static __device__ bool outside(int at, int width) { return at < 0 || at >= width; }

// Adds the push of a node on another to lane l. `unit` is the square of the model's units in one of the layout's.
// With VIRIAL, x gathers how much the pushes spread the nodes instead: pushes times ways, which never cancel, however
// far it is across the layout.
static __forceinline__ __device__ void push(float (*f)[LANES], int l, float4 c, float4 p, float unit)
{
    const float dx = p.x - c.x, dy = p.y - c.y, dz = DIM == 3 ? p.z - c.z : 0.0f;
    const float d2 = DIM == 3 ? dx * dx + dy * dy + dz * dz : dx * dx + dy * dy;
    const float s = c.w * (REPEL(unit * d2));
#ifdef VIRIAL
    f[0][l] += s * d2;
#else
    f[0][l] += s * dx;
    f[1][l] += s * dy;
    if (DIM == 3) f[2][l] += s * dz;
#endif
}

// Nodes a to b of the sorted ones; lanes beyond weigh nothing, and there is room for them.
static __forceinline__ __device__ void run_of(float (*f)[LANES], const float *sorted, long long room, word a, word b,
                                              float4 p, float unit)
{
    const long long end = b;
    long long j = a;
#ifndef GPUMM_HOST
    if (j >= end) return; // there, LANES that push nothing cost less than a branch that nobody foresees
#endif
    do {
        const int left = (int)(end - j);
        EACH_LANE(l) {
            float4 c = loaded(sorted, room, j + l);
            c.w = l < left ? c.w : 0.0f;
            push(f, l, c, p, unit);
        }
        j += LANES;
    } while (j < end);
}

// The nodes of a finest cell; of a crowd, those that stand for it.
static __forceinline__ __device__ void run_of_cell(float (*f)[LANES], const word *start, const float *sorted,
                                                   long long room, int key, float4 p, float unit)
{
    const word a = start[key], k = start[key + 1] - a;
    run_of(f, sorted, room, a, a + (k < CAP ? k : CAP), p, unit);
}

// Cells side by side: their nodes follow one another.
template <int SIDE>
static __forceinline__ __device__ void push_block(float (*f)[LANES], const word *start, const float *sorted,
                                                  long long room, int x, int y, int z, int width, float4 p, float unit)
{
    for (int row = 0; row < (DIM == 3 ? SIDE * SIDE : SIDE); row++) {
        const int c = cell_at(x, y + row % SIDE, z + row / SIDE, width);
        run_of(f, sorted, room, start[c << DIM], start[(c + SIDE) << DIM], p, unit);
    }
}

struct pushing { // of cells on a point, which is x, y, z from the middle of its own
    float (*f)[LANES], x, y, z, unit;
    __forceinline__ __device__ void operator()(int l, float dx, float dy, float dz, float hole, float mass) const
    {
        const float4 from = {-dx, -dy, -dz, mass}, to = {x, y, z, 0.0f};
        push(f, l, from, to, unit);
    }
};

// Where nodes are many: those of the finest cells around, and the other finest cells.
static __forceinline__ __device__ void push_finely(float (*f)[LANES], float (*far)[LANES], const word *start,
                                                   const float *sorted, long long room, const float *levels,
                                                   long long all, const frame *g, int x, int y, int z, int finest,
                                                   float4 p, float unit)
{
    for (int e = DIM == 3 ? -1 : 0; e <= (DIM == 3 ? 1 : 0); e++)
        for (int b = -1; b <= 1; b++)
            for (int a = -1; a <= 1; a++) {
                if (outside(x + a, finest) || outside(y + b, finest) || (DIM == 3 && outside(z + e, finest))) continue;
                run_of_cell(f, start, sorted, room, key_of(x + a, y + b, z + e, finest), p, unit);
            }
    const pushing pusher = {far, inside(p.x, g->x, g->per_cell, x), inside(p.y, g->y, g->per_cell, y),
                            DIM == 3 ? inside(p.z, g->z, g->per_cell, z) : 0.0f, unit * g->cell * g->cell};
    each_far(pusher, levels, all, 0, finest, x, y, z);
}

static __device__ void nothing(float (*f)[LANES])
{
    for (int k = 0; k < SUMS; k++)
        EACH_LANE(l) f[k][l] = 0.0f;
}

// Near pushes, pushes of finest cells and the expansion's value, which are in cells of their level: of `above` the latter.
static __forceinline__ __device__ vec as_force(float (*f)[LANES], float (*finely)[LANES], const float *given,
                                               float cell, float above, float scale)
{
    float sum[3] = {0.0f, 0.0f, 0.0f};
    for (int k = 0; k < SUMS; k++)
        sum[k] = (folded(f[k]) + SCALE(cell) * folded(finely[k]) + SCALE(above) * given[k]) * scale;
    vec v;
    v.x = sum[0];
    v.y = sum[1];
#if DIM == 3
    v.z = sum[2];
#endif
    return v;
}

#define BLOCK 256 // threads, as in repulsion.lua
#define ROUND 8   // places that a thread looks at

// Lists where own nodes, `count` from `first` on, are in the order of the cells, unless there are as many threads as nodes that
// are sorted, which start[last] is. A block's come behind those of another, as blocks come; `listed`, 0 before, counts them.
extern "C" __global__ void list_own(word threads, word last, const word *start, const word *ranked, word first, word count,
                                    word *listed, word *list)
{
    __shared__ word sums[BLOCK], from;
    const word t = threadIdx.x, begin = (blockIdx.x * BLOCK + t) * ROUND, all = start[last];
    if (all <= threads) return;
    word own = 0;
    for (word r = begin; r < begin + ROUND && r < all; r++) own += (ranked[r] & ~IN_CROWD) - first < count;
    sums[t] = own;
    __syncthreads();
    for (word d = 1; d < BLOCK; d *= 2) {
        const word before = t >= d ? sums[t - d] : 0;
        __syncthreads();
        sums[t] += before;
        __syncthreads();
    }
    if (t == BLOCK - 1) from = sums[t] ? atomicAdd(listed, sums[t]) : 0;
    __syncthreads();
    word to = from + sums[t] - own;
    for (word r = begin; r < begin + ROUND && r < all; r++)
        if ((ranked[r] & ~IN_CROWD) - first < count) list[to++] = r;
}

// One thread for each node that is sorted, in the order of the cells, so that neighbours in space read the same memory; those
// of other ranks' nodes end at once. Forces are of the `count` nodes from `first` on. Where there are fewer threads than nodes
// that are sorted, which start[last] is, `list` says where own nodes are in that order.
extern "C" __global__ void repel(int n, word first, word count, const word *list, word last, const word *ranked,
                                 const vec *position, const float *mass, const word *start, const float *sorted,
                                 long long room, const float *levels, long long all, const float *given,
                                 const float *where, int finest, bool wide, float strength, float unit, vec *force)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const word nodes = start[last];
    const bool listed = list && nodes > (word)n;
    if ((word)t >= (listed ? count : nodes)) return;
    const word r = listed ? list[t] : (word)t, i = ranked[r] & ~IN_CROWD;
    if (i - first >= count) return;
    const frame g = frame_in(where);
    const float4 p = ranked[r] & IN_CROWD ? point(position[i], mass[i]) : loaded(sorted, room, r);
    const int fx = along(p.x, g.x, g.per_cell, finest), fy = along(p.y, g.y, g.per_cell, finest);
    const int fz = DIM == 3 ? along(p.z, g.z, g.per_cell, finest) : 0;
    const int x = fx / 2, y = fy / 2, z = fz / 2, width = finest / 2;
    float f[SUMS][LANES], finely[SUMS][LANES], expansion[3];
    nothing(f);
    nothing(finely);
    const int px = parents_from(x), py = parents_from(y), deep = DIM == 3 ? z - 1 : 0;
    const bool are_few = DIM == 2 && wide && nodes_in<6>(start, px, py, 0, width) <= FEW;
    if (are_few) push_block<6>(f, start, sorted, room, px, py, 0, width, p, unit);
    else if (nodes_in<3>(start, x - 1, y - 1, deep, width) <= LIMIT)
        push_block<3>(f, start, sorted, room, x - 1, y - 1, deep, width, p, unit);
    else push_finely(f, finely, start, sorted, room, levels, all, &g, fx, fy, fz, finest, p, unit);
    const int s = are_few, gx = x >> s, gy = y >> s, gz = z >> s; // of the cell that was given the rest
    const float per = are_few ? 0.25f * g.per_cell : 0.5f * g.per_cell;
    const long long at = (are_few ? level_size(width) : 0) + cell_at(gx, gy, gz, width >> s);
    value_at(given + COEFFICIENTS * at, inside(p.x, g.x, per, gx), inside(p.y, g.y, per, gy),
             DIM == 3 ? inside(p.z, g.z, per, gz) : 0.0f, expansion);
    force[i - first] = as_force(f, finely, expansion, g.cell, (are_few ? 4.0f : 2.0f) * g.cell, strength * p.w);
}

// Every pair: the oracle, and quicker for few nodes.
extern "C" __global__ void repel_exactly(int n, word first, int all, const vec *position, const float *mass,
                                         float strength, float unit, vec *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float4 p = point(position[first + i], mass[first + i]);
    const float none[3] = {0.0f, 0.0f, 0.0f};
    float f[SUMS][LANES], finely[SUMS][LANES];
    nothing(f);
    nothing(finely);
    for (int j = 0; j < all; j++) push(f, j % LANES, point(position[j], mass[j]), p, unit);
    force[i] = as_force(f, finely, none, 0.0f, 0.0f, strength * p.w);
}
