// SPDX-License-Identifier: MIT
// Repulsion over all pairs by a pyramid of grids. `vec`, DIM and REPEL(d2) come from the text before this file.
//
// The finest grid has `width` cells an axis, each level above it half as many, down to 4. Every level is stored
// with two empty cells around it, so that no block of cells needs a check at the border. A cell is its centre of
// mass and its mass. Nothing depends on the order in which threads run: the nodes of a cell are ranked by their
// number, and where a cell holds more than CAP of them, sums are in fixed point and the nodes that stand for the
// others are those with the least hashes.

#define CAP 64     // nodes of a cell that are felt one by one
#define PAD 2      // empty cells on each side of a level
#define FIXED 1048576.0f
#define SHIFT 0.0625f // of the grid, of its side: errors at the borders of cells fall elsewhere every time

typedef unsigned int word;
typedef unsigned long long sum_t;

// `box` holds the least coordinates, then the greatest turned around, so that all six start as the same number.
struct frame { // where the grid lies
    float x, y, z, cell, per_cell;
};

static __device__ word ordered(float v) // unsigned integers that compare as the floats do
{
    const word bits = __float_as_uint(v);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static __device__ float restored(word v)
{
    return __uint_as_float(v & 0x80000000u ? v & 0x7fffffffu : ~v);
}

static __device__ word mixed(word x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// A part of SHIFT, by chance.
static __device__ float shift_of(word seed, word axis)
{
    return SHIFT * (float)(mixed(seed * 4u + axis) >> 8) * (1.0f / 16777216.0f);
}

static __device__ frame frame_of(const word *box, int width, word seed)
{
    frame g;
    g.x = restored(box[0]);
    g.y = restored(box[1]);
    float side = fmaxf(restored(~box[3]) - g.x, restored(~box[4]) - g.y);
    g.z = 0.0f;
#if DIM == 3
    g.z = restored(box[2]);
    side = fmaxf(side, restored(~box[5]) - g.z);
#endif
    side = fmaxf(side * 1.00001f, 1e-20f);
    g.x -= side * shift_of(seed, 0u);
    g.y -= side * shift_of(seed, 1u);
    g.z -= DIM == 3 ? side * shift_of(seed, 2u) : 0.0f;
    side *= 1.0f + SHIFT;
    g.cell = side / (float)width;
    g.per_cell = (float)width / side;
    return g;
}

static __device__ int along(float v, float from, float per_cell, int width)
{
    const int at = (int)((v - from) * per_cell);
    return at < 0 ? 0 : at >= width ? width - 1 : at;
}

static __device__ long long level_size(int width)
{
    const long long side = width + 2 * PAD;
#if DIM == 3
    return side * side * side;
#else
    return side * side;
#endif
}

static __device__ int cell_at(int x, int y, int z, int width)
{
    const int side = width + 2 * PAD;
#if DIM == 3
    return ((z + PAD) * side + y + PAD) * side + x + PAD;
#else
    return (y + PAD) * side + x + PAD;
#endif
}

static __device__ float4 point(vec p, float mass)
{
    float4 v;
    v.x = p.x;
    v.y = p.y;
#if DIM == 3
    v.z = p.z;
#else
    v.z = 0.0f;
#endif
    v.w = mass;
    return v;
}

// ---- Sorting by cell -------------------------------------------------------------------------

// The box around all nodes; few threads, so that few meet at the atomics.
extern "C" __global__ void bounds(int threads, int n, const vec *position, word *box)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads || t >= n) return;
    float4 low = point(position[t], 0.0f), high = low;
    for (int i = t + threads; i < n; i += threads) {
        const float4 p = point(position[i], 0.0f);
        low.x = fminf(low.x, p.x);
        low.y = fminf(low.y, p.y);
        low.z = fminf(low.z, p.z);
        high.x = fmaxf(high.x, p.x);
        high.y = fmaxf(high.y, p.y);
        high.z = fmaxf(high.z, p.z);
    }
    atomicMin(box + 0, ordered(low.x));
    atomicMin(box + 1, ordered(low.y));
    atomicMin(box + 2, ordered(low.z));
    atomicMin(box + 3, ~ordered(high.x));
    atomicMin(box + 4, ~ordered(high.y));
    atomicMin(box + 5, ~ordered(high.z));
}

extern "C" __global__ void count(int n, const vec *position, const word *box, int width, word seed, word *counts,
                                 word *cell_of, word *arrival)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const frame g = frame_of(box, width, seed);
    const float4 p = point(position[i], 0.0f);
    const int x = along(p.x, g.x, g.per_cell, width), y = along(p.y, g.y, g.per_cell, width);
    const int c = cell_at(x, y, DIM == 3 ? along(p.z, g.z, g.per_cell, width) : 0, width);
    cell_of[i] = (word)c;
    arrival[i] = atomicAdd(counts + c, 1u);
}

// Nodes to their cells, in the order of arrival; what a crowded cell gathers in is made ready.
extern "C" __global__ void scatter(int n, const word *cell_of, const word *arrival, const word *start,
                                   word *order, sum_t *keys, word *tally, sum_t *sums)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const word c = cell_of[i], s = start[c], k = arrival[i], at = s + k;
    order[at] = (word)i;
    if (start[c + 1] - s <= CAP || k >= CAP) return;
    keys[at] = ~(sum_t)0;
    tally[at] = 0;
    for (int d = 0; d < 4; d++) sums[4 * (long long)at + d] = 0;
}

static __device__ sum_t fixed(float v)
{
    return (sum_t)(long long)rintf(v * FIXED);
}

// A crowd is dealt to CAP slots by a hash; each slot sums its nodes, and one of them stands for all.
static __device__ void deal(int i, word at, float4 p, const frame *g, word seed, sum_t *keys, word *tally,
                            sum_t *sums)
{
    atomicMin(keys + at, (sum_t)mixed((word)i * 0x9e3779b9u ^ seed) << 32 | (sum_t)i);
    atomicAdd(tally + at, 1u);
    sum_t *s = sums + 4 * (long long)at;
    atomicAdd(s + 0, fixed(p.w * (p.x - g->x) * g->per_cell));
    atomicAdd(s + 1, fixed(p.w * (p.y - g->y) * g->per_cell));
    if (DIM == 3) atomicAdd(s + 2, fixed(p.w * (p.z - g->z) * g->per_cell));
    atomicAdd(s + 3, fixed(p.w));
}

extern "C" __global__ void arrange(int n, const word *order, const word *cell_of, const word *start,
                                   const vec *position, const float *mass, const word *box, int width,
                                   word seed, float4 *sorted, sum_t *keys, word *tally, sum_t *sums)
{
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= n) return;
    const word i = order[r], c = cell_of[i], s = start[c], k = start[c + 1] - s;
    const float4 p = point(position[i], mass[i]);
    if (k <= CAP) {
        word rank = 0;
        for (word j = s; j < s + k; j++) rank += order[j] < i;
        sorted[s + rank] = p;
    } else {
        const frame g = frame_of(box, width, seed);
        deal((int)i, s + mixed(i ^ mixed(seed)) % CAP, p, &g, seed, keys, tally, sums);
    }
}

// ---- The pyramid -----------------------------------------------------------------------------

static __device__ void add(float4 *sum, float x, float y, float z, float mass)
{
    sum->x += mass * x;
    sum->y += mass * y;
    sum->z += mass * z;
    sum->w += mass;
}

static __device__ float4 centre(float4 sum, float x, float y, float z)
{
    const float per_mass = sum.w != 0.0f ? 1.0f / sum.w : 0.0f;
    sum.x = x + sum.x * per_mass;
    sum.y = y + sum.y * per_mass;
    sum.z = z + sum.z * per_mass;
    return sum;
}

static __device__ float4 slot_sum(const sum_t *s, const frame *g)
{
    float4 v;
    const float unit = g->cell / FIXED;
    const double m = (double)(long long)s[3] / (double)FIXED;
    const double per_mass = m != 0.0 ? 1.0 / m : 0.0;
    v.x = g->x + (float)((double)(long long)s[0] * unit * per_mass);
    v.y = g->y + (float)((double)(long long)s[1] * unit * per_mass);
    v.z = g->z + (float)((double)(long long)s[2] * unit * per_mass);
    v.w = (float)m;
    return v;
}

// The finest level. In a crowded cell the one that stands for its slot gets the weight of all.
extern "C" __global__ void cells(int n, int width, word seed, const word *start, const word *box, const vec *position,
                                 const float *mass, const sum_t *keys, const word *tally, const sum_t *sums,
                                 float4 *sorted, float4 *level)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const int x = t % width, y = t / width % width, z = DIM == 3 ? t / width / width : 0;
    const int c = cell_at(x, y, z, width);
    const word s = start[c], k = start[c + 1] - s;
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    if (k == 0) {
        level[c] = sum;
        return;
    }
    const frame g = frame_of(box, width, seed);
    const float cx = g.x + ((float)x + 0.5f) * g.cell, cy = g.y + ((float)y + 0.5f) * g.cell;
    const float cz = DIM == 3 ? g.z + ((float)z + 0.5f) * g.cell : 0.0f;
    for (word j = s; j < s + min(k, (word)CAP); j++) {
        float4 p = {0.0f, 0.0f, 0.0f, 0.0f};
        if (k > CAP) {
            const word many = tally[j], one = (word)keys[j];
            if (many > 0) p = slot_sum(sums + 4 * (long long)j, &g);
            const float4 none = {cx, cy, cz, 0.0f};
            sorted[j] = many > 0 ? point(position[one], mass[one] * (float)many) : none;
        } else {
            p = sorted[j];
        }
        add(&sum, p.x - cx, p.y - cy, p.z - cz, p.w);
    }
    level[c] = centre(sum, cx, cy, cz);
}

// The sum of the 2 x 2 (x 2) cells below one cell.
static __device__ float4 gather(const float4 *below, int width, int x, int y, int z)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int k = 0; k < 1 << DIM; k++) {
        const float4 c = below[cell_at(2 * x + (k & 1), 2 * y + (k >> 1 & 1), 2 * z + (k >> 2), width)];
        add(&sum, c.x, c.y, c.z, c.w);
    }
    return centre(sum, 0.0f, 0.0f, 0.0f);
}

// Two levels at once, from the one of `width` cells an axis; where only one is wanted, only one.
extern "C" __global__ void reduce(int n, int width, const float4 *below, long long from, float4 *above,
                                  long long to)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const int half = width / 2, quarter = width / 4;
    const int x = t % quarter, y = t / quarter % quarter, z = DIM == 3 ? t / quarter / quarter : 0;
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int k = 0; k < 1 << DIM; k++) {
        const int cx = 2 * x + (k & 1), cy = 2 * y + (k >> 1 & 1), cz = 2 * z + (k >> 2);
        const float4 c = gather(below + from, width, cx, cy, cz);
        above[to + cell_at(cx, cy, cz, half)] = c;
        add(&sum, c.x, c.y, c.z, c.w);
    }
    if (quarter >= 4) above[to + level_size(half) + cell_at(x, y, z, quarter)] = centre(sum, 0.0f, 0.0f, 0.0f);
}

// ---- The forces ------------------------------------------------------------------------------

// `unit` is the square of the model's units in one of the layout's. With VIRIAL, x gathers how much the pushes spread
// the nodes instead: pushes times ways, which never cancel, however far it is across the layout.
static __device__ void push(float4 c, float4 p, float unit, float4 *f)
{
    const float dx = p.x - c.x, dy = p.y - c.y;
#if DIM == 3
    const float dz = p.z - c.z, d2 = dx * dx + dy * dy + dz * dz;
#else
    const float d2 = dx * dx + dy * dy;
#endif
    const float s = c.w * (REPEL(unit * d2));
#ifdef VIRIAL
    f->x += s * d2;
#else
    f->x += s * dx;
    f->y += s * dy;
#if DIM == 3
    f->z += s * dz;
#endif
#endif
}

// Three cells side by side: their nodes follow one another, unless one of them is crowded.
static __device__ void near_row(const word *start, const float4 *sorted, int c, float4 p, float unit,
                                float4 *f)
{
    const word a = start[c - 1], b = start[c + 2];
    if (b - a <= CAP) {
        for (word j = a; j < b; j++) push(sorted[j], p, unit, f);
        return;
    }
    for (int k = c - 1; k <= c + 1; k++) {
        const word s = start[k], m = min(start[k + 1] - s, (word)CAP);
        for (word j = s; j < s + m; j++) push(sorted[j], p, unit, f);
    }
}

// The children of the parent's block, less the own block. Seen from a cell's own corner of its parent (the
// step is -1 where it is the second child) the own block is always columns 1 to 3.
static __device__ void far_block(const float4 *level, int side, int x, int y, int z, float4 p,
                                 float unit, float4 *f)
{
    const int sx = x & 1 ? -1 : 1, sy = y & 1 ? -side : side;
    const int ax = (x & ~1) + (x & 1 ? 5 : 0), ay = (y & ~1) + (y & 1 ? 5 : 0);
#if DIM == 3
    const int sz = z & 1 ? -side * side : side * side, az = (z & ~1) + (z & 1 ? 5 : 0);
    const float4 *origin = level + ((long long)az * side + ay) * side + ax;
    for (int k = 0; k < 6; k++)
        for (int r = 0; r < 6; r++)
            for (int q = 0; q < 6; q++) {
                const bool own = q >= 1 && q <= 3 && r >= 1 && r <= 3 && k >= 1 && k <= 3;
                if (!own) push(origin[k * sz + r * sy + q * sx], p, unit, f);
            }
#else
    const float4 *origin = level + (long long)ay * side + ax;
    for (int r = 0; r < 6; r++)
        for (int q = 0; q < 6; q++) {
            const bool own = q >= 1 && q <= 3 && r >= 1 && r <= 3;
            if (!own) push(origin[r * sy + q * sx], p, unit, f);
        }
#endif
}

static __device__ vec as_force(float4 f, float scale)
{
    vec v;
    v.x = f.x * scale;
    v.y = f.y * scale;
#if DIM == 3
    v.z = f.z * scale;
#endif
    return v;
}

// One thread a node, in the order of the cells, so that neighbours in space read the same memory.
extern "C" __global__ void repel(int n, const word *order, const vec *position, const float *mass,
                                 const word *start, const float4 *sorted, const float4 *levels, const word *box,
                                 int width, word seed, float strength, float unit, vec *force)
{
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= n) return;
    const word i = order[r];
    const frame g = frame_of(box, width, seed);
    const float4 p = point(position[i], mass[i]);
    float4 f = {0.0f, 0.0f, 0.0f, 0.0f};
    int x = along(p.x, g.x, g.per_cell, width), y = along(p.y, g.y, g.per_cell, width);
    int z = DIM == 3 ? along(p.z, g.z, g.per_cell, width) : 0;
    for (int b = DIM == 3 ? -1 : 0; b <= (DIM == 3 ? 1 : 0); b++)
        for (int a = -1; a <= 1; a++) near_row(start, sorted, cell_at(x, y + a, z + b, width), p, unit, &f);
    const float4 *level = levels;
    for (int w = width; w >= 4; w >>= 1) {
        far_block(level, w + 2 * PAD, x, y, z, p, unit, &f);
        level += level_size(w);
        x >>= 1;
        y >>= 1;
        z >>= 1;
    }
    force[i] = as_force(f, strength * p.w);
}

// Every pair: the oracle, and quicker for few nodes.
extern "C" __global__ void repel_exactly(int n, const vec *position, const float *mass, float strength,
                                         float unit, vec *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float4 p = point(position[i], mass[i]);
    float4 f = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int j = 0; j < n; j++) push(point(position[j], mass[j]), p, unit, &f);
    force[i] = as_force(f, strength * p.w);
}
