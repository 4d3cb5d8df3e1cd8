// SPDX-License-Identifier: MIT
// Nodes into cells, and cells into larger ones (see space.cu, which comes before this text, as does bounds.cu). Nothing depends on the
// order in which threads run: the nodes of a cell are sorted by their number, and where a cell holds more than CAP of
// them, sums are in fixed point and the nodes that stand for the others are those with the least hashes.

#define FIXED 1048576.0f
#define SHIFT 0.0625f // of the grid, of its side: errors at the borders of cells fall elsewhere every time

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

// `box` holds the least coordinates, then the greatest turned around, so that all six start as the same number.
static __device__ frame frame_of(const word *box, int finest, word seed)
{
    frame g;
    g.x = restored(box[0]);
    g.y = restored(box[1]);
    float side = larger(restored(~box[3]) - g.x, restored(~box[4]) - g.y);
    g.z = 0.0f;
#if DIM == 3
    g.z = restored(box[2]);
    side = larger(side, restored(~box[5]) - g.z);
#endif
    side = larger(side * 1.00001f, 1e-20f);
    g.x -= side * shift_of(seed, 0u);
    g.y -= side * shift_of(seed, 1u);
    g.z -= DIM == 3 ? side * shift_of(seed, 2u) : 0.0f;
    side *= 1.0f + SHIFT;
    g.cell = side / (float)finest;
    g.per_cell = (float)finest / side;
    return g;
}

// ---- Sorting by cell -------------------------------------------------------------------------

// The box around all nodes, where nobody else has found it.
extern "C" __global__ void bounds(int threads, int n, const vec *position, word *box)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t < threads && t < n) bound(t, threads, n, position, box);
}

// Counts the nodes of every cell, and says once where the grid lies. In `marks` (null: nobody asks), whose bytes are 0, it
// marks the cells of the level above the finest that hold one of the `own` nodes from `first` on.
extern "C" __global__ void count(int n, const vec *position, const word *box, int finest, word seed, word first,
                                 word own, unsigned char *marks, float *where, word *counts, word *cell_of,
                                 word *arrival)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const frame g = frame_of(box, finest, seed);
    if (i == 0) {
        where[0] = g.x;
        where[1] = g.y;
        where[2] = g.z;
        where[3] = g.cell;
        where[4] = g.per_cell;
    }
    const float4 p = point(position[i], 0.0f);
    const int x = along(p.x, g.x, g.per_cell, finest), y = along(p.y, g.y, g.per_cell, finest);
    const int c = key_of(x, y, DIM == 3 ? along(p.z, g.z, g.per_cell, finest) : 0, finest);
    cell_of[i] = (word)c;
    arrival[i] = atomicAdd(counts + c, 1u);
    if (marks && (word)i - first < own) marks[c >> DIM] = 1;
}

static __device__ sum_t fixed(float v) { return (sum_t)(long long)rintf(v * FIXED); }

// A crowd is dealt to CAP slots by a hash; each slot sums its nodes, and one of them stands for all.
static __device__ void deal(word i, word at, float4 p, const frame *g, int finest, word seed, sum_t *keys, word *tally,
                            sum_t *sums)
{
    atomicMin(keys + at, (sum_t)mixed(i * 0x9e3779b9u ^ seed) << 32 | (sum_t)i);
    atomicAdd(tally + at, 1u);
    sum_t *s = sums + 4 * (long long)at;
    atomicAdd(s + 0, fixed(p.w * inside(p.x, g->x, g->per_cell, along(p.x, g->x, g->per_cell, finest))));
    atomicAdd(s + 1, fixed(p.w * inside(p.y, g->y, g->per_cell, along(p.y, g->y, g->per_cell, finest))));
    if (DIM == 3) atomicAdd(s + 2, fixed(p.w * inside(p.z, g->z, g->per_cell, along(p.z, g->z, g->per_cell, finest))));
    atomicAdd(s + 3, fixed(p.w));
}

// Nodes to their cells, in the order of arrival.
extern "C" __global__ void scatter(int n, const word *cell_of, const word *arrival, const word *start, word *order)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    order[start[cell_of[i]] + arrival[i]] = (word)i;
}

// Nodes to their places within a cell, by their numbers; those of a crowd to its slots.
extern "C" __global__ void arrange(int n, const word *order, const word *cell_of, const word *start,
                                   const vec *position, const float *mass, const float *where, int finest, word seed,
                                   float *sorted, word *ranked, long long room, sum_t *keys, word *tally, sum_t *sums)
{
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= n) return;
    const word i = order[r], c = cell_of[i], s = start[c], k = start[c + 1] - s;
    const float4 p = point(position[i], mass[i]);
    if (k <= CAP) {
        word rank = 0;
        for (word j = s; j < s + k; j++) rank += order[j] < i;
        stored(sorted, room, s + rank, p);
        ranked[s + rank] = i;
    } else {
        ranked[r] = i | IN_CROWD;
        const frame g = frame_in(where);
        deal(i, s + mixed(i ^ mixed(seed)) % CAP, p, &g, finest, seed, keys, tally, sums);
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

static __device__ float4 centre(float4 sum)
{
    const float per_mass = sum.w != 0.0f ? 1.0f / sum.w : 0.0f;
    sum.x *= per_mass;
    sum.y *= per_mass;
    sum.z *= per_mass;
    return sum;
}

// The sum of a cell's nodes.
static __device__ float4 few(word s, word count, const int at[3], const frame *g, const float *sorted, long long room)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (word j = s; j < s + count; j++) {
        const float4 p = loaded(sorted, room, j);
        add(&sum, inside(p.x, g->x, g->per_cell, at[0]), inside(p.y, g->y, g->per_cell, at[1]),
            DIM == 3 ? inside(p.z, g->z, g->per_cell, at[2]) : 0.0f, p.w);
    }
    return sum;
}

static __device__ float summed(sum_t v) { return (float)((double)(long long)v / (double)FIXED); }

// The slots of a crowd: the one that stands for a slot gets the weight of all. What was gathered is made ready for the
// next crowd.
static __device__ float4 many(word s, word other, const vec *position, const float *mass, sum_t *keys, word *tally,
                              sum_t *sums, float *sorted, long long room)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (word j = s; j < s + CAP; j++) {
        const word count = tally[j], one = count > 0 ? (word)keys[j] : other;
        sum_t *of = sums + 4 * (long long)j;
        stored(sorted, room, j, point(position[one], mass[one] * (float)count));
        sum.x += summed(of[0]);
        sum.y += summed(of[1]);
        sum.z += summed(of[2]);
        sum.w += summed(of[3]);
        of[0] = of[1] = of[2] = of[3] = 0;
        keys[j] = ~(sum_t)0;
        tally[j] = 0;
    }
    return sum;
}

// From a child's cells to its parent's: what lies c from the middle of child a, which is 0 or 1.
static __device__ float in_parent(float c, int a) { return 0.5f * c + ((float)a - 0.5f) * 0.5f; }

static __device__ void add_child(float4 *sum, float4 c, int a, int b, int e)
{
    add(sum, in_parent(c.x, a), in_parent(c.y, b), DIM == 3 ? in_parent(c.z, e) : 0.0f, c.w);
}

// Marks what is above a marked cell of the level of `width`. Who finds a cell marked leaves those above to who marked it.
static __device__ void mark_above(unsigned char *marks, int x, int y, int z, int width)
{
    while (width > 4) {
        marks += level_size(width);
        width /= 2;
        x /= 2;
        y /= 2;
        z /= 2;
        unsigned char *mark = marks + cell_at(x, y, z, width);
        if (*mark) return;
        *mark = 1;
    }
}

// The finest level and the one above it, of which each thread has a cell; counts and box are made ready for the next
// time. Nobody asks for finest cells where few nodes are around (near.cu): these stay as they were.
extern "C" __global__ void cells(int n, int finest, const word *start, const float *where, const vec *position,
                                 const float *mass, word *box, word *counts, word *order, sum_t *keys, word *tally,
                                 sum_t *sums, unsigned char *marks, float *sorted, long long room, float *levels,
                                 long long all)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    if (t < 6) box[t] = 0xffffffffu;
    const int width = finest / 2, x = t % width, y = t / width % width, z = DIM == 3 ? t / width / width : 0;
    const int c = cell_at(x, y, z, width);
    if (marks && marks[c]) mark_above(marks, x, y, z, width);
    const frame g = frame_in(where);
    const bool finely = DIM == 3 || nodes_in<5>(start, x - 2, y - 2, 0, width) > LIMIT;
    float4 whole = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int child = 0; child < 1 << DIM; child++) {
        const int key = c << DIM | child, a = child & 1, b = child >> 1 & 1, e = child >> 2;
        const int at[3] = {2 * x + a, 2 * y + b, 2 * z + e};
        const word s = start[key], k = start[key + 1] - s;
        const long long to = cell_at(at[0], at[1], at[2], finest);
        if (k == 0) {
            if (finely) emptied(levels, all, to);
            continue;
        }
        counts[key] = 0;
        const float4 sum = centre(k > CAP ? many(s, order[s], position, mass, keys, tally, sums, sorted, room)
                                          : few(s, k, at, &g, sorted, room));
        add_child(&whole, sum, a, b, e);
        if (finely) stored(levels, all, to, sum);
    }
    stored(levels, all, level_size(finest) + c, centre(whole));
}

// The sum of the 2 x 2 (x 2) cells below one cell.
static __device__ float4 gather(const float *levels, long long all, long long from, int width, int x, int y, int z)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int k = 0; k < 1 << DIM; k++) {
        const int a = k & 1, b = k >> 1 & 1, e = k >> 2;
        add_child(&sum, loaded(levels, all, from + cell_at(2 * x + a, 2 * y + b, 2 * z + e, width)), a, b, e);
    }
    return centre(sum);
}

// Two levels at once, from the one of `width` cells an axis at `from`, of which thread t has a cell of the second; where only one
// is wanted, only one.
static __device__ void reduced(int t, int width, float *levels, long long all, long long from)
{
    const int half = width / 2, quarter = width / 4;
    const int x = t % quarter, y = t / quarter % quarter, z = DIM == 3 ? t / quarter / quarter : 0;
    const long long to = from + level_size(width);
    for (int k = 0; k < 1 << DIM; k++) {
        const int cx = 2 * x + (k & 1), cy = 2 * y + (k >> 1 & 1), cz = 2 * z + (k >> 2);
        stored(levels, all, to + cell_at(cx, cy, cz, half), gather(levels, all, from, width, cx, cy, cz));
    }
    if (quarter < 4) return;
    stored(levels, all, to + level_size(half) + cell_at(x, y, z, quarter), gather(levels, all, to, half, x, y, z));
}

extern "C" __global__ void reduce(int n, int width, float *levels, long long all, long long from)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n) reduced(t, width, levels, all, from);
}

// All levels that there are above that one, by one block.
extern "C" __global__ void reduce_all(int n, int width, float *levels, long long all, long long from)
{
    const int t = threadIdx.x;
    for (; width >= 8; width /= 4) {
        if (t < n) reduced(t, width, levels, all, from);
        from += level_size(width) + level_size(width / 2);
        n >>= 2 * DIM;
        __syncthreads();
    }
}
