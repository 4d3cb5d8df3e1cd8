// SPDX-License-Identifier: MIT
// Nodes into cells, and cells into larger ones (see space.cu, which comes before this text, as does bounds.cu). Nothing depends on
// the order in which threads run: the nodes of a cell are sorted by their number, and where a cell holds more than CAP of
// them, sums are in fixed point and the nodes that stand for the others are those with the least hashes.

#define FIXED 1048576.0f
#define NEXT_TO_NOTHING 1e-30f
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
    g.z = DIM == 3 ? restored(box[2]) : 0.0f;
    float side = larger(side_of(box) * 1.00001f, 1e-20f);
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

// Many nodes have the same tile: of threads beside one another that are here together, one writes.
static __device__ void hold(unsigned char *at)
{
#ifdef __CUDA_ARCH__
    const unsigned active = __activemask(), lane = threadIdx.x % 32;
    const unsigned long long own = (unsigned long long)at, before = __shfl_up_sync(active, own, 1);
    if (lane == 0 || !(active >> (lane - 1) & 1u) || before != own) *at = 1;
#else
    if (!*at) *at = 1;
#endif
}

// Counts the nodes of every cell, `n` of them from `first` on, and says once where the grid lies. `held` (null: there are no
// others) says which of so many tiles an axis hold one of those.
extern "C" __global__ void count(int n, word first, const vec *position, const word *box, int finest, word seed,
                                 unsigned char *held, int tiles, float *where, word *counts, word *cell_of, word *arrival)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    const frame g = frame_of(box, finest, seed);
    if (k == 0) {
        where[0] = g.x;
        where[1] = g.y;
        where[2] = g.z;
        where[3] = g.cell;
        where[4] = g.per_cell;
    }
    const spot at = spot_of(position[first + k], &g, finest);
    const int c = key_of(at.x, at.y, at.z, finest);
    cell_of[k] = (word)c;
    arrival[k] = atomicAdd(counts + c, 1u);
    if (held) hold(held + HELD * (long long)tile_of(at, finest, tiles));
}

static __device__ sum_t fixed(float v) { return (sum_t)(long long)rintf(v * FIXED); }

// A crowd is dealt to CAP slots by a hash; each slot sums its nodes, and one of them stands for all.
static __device__ void deal(word i, word at, float4 p, const frame *g, spot cell, word seed, sum_t *keys, word *tally,
                            sum_t *sums)
{
    atomicMin(keys + at, (sum_t)mixed(i * 0x9e3779b9u ^ seed) << 32 | (sum_t)i);
    atomicAdd(tally + at, 1u);
    sum_t *s = sums + 4 * (long long)at;
    atomicAdd(s + 0, fixed(p.w * inside(p.x, g->x, g->per_cell, cell.x)));
    atomicAdd(s + 1, fixed(p.w * inside(p.y, g->y, g->per_cell, cell.y)));
    if (DIM == 3) atomicAdd(s + 2, fixed(p.w * inside(p.z, g->z, g->per_cell, cell.z)));
    atomicAdd(s + 3, fixed(p.w));
}

// Nodes to their cells, in the order of arrival: the `own` ones from `first` on, and those of the others, which are listed or
// (null) all, that are in one; n are looked at.
extern "C" __global__ void scatter(int threads, int n, word first, word own, const word *others, const word *cell_of,
                                   const word *arrival, const word *start, word *order)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    for (word k = t; k < (word)n; k += threads)
        if (cell_of[k] != NO_CELL) order[start[cell_of[k]] + arrival[k]] = node_at(k, first, own, others);
}

// Nodes to their places within a cell, by their numbers; those of a crowd to its slots. start[last] is how many are sorted.
extern "C" __global__ void arrange(int threads, word last, const word *order, const word *start, const vec *position,
                                   const float *mass, const float *where, int finest, word seed, float *sorted,
                                   word *ranked, long long room, sum_t *keys, word *tally, sum_t *sums)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    const frame g = frame_in(where);
    const word all = start[last];
    for (word r = t; r < all; r += threads) {
        const word i = order[r];
        const vec at = position[i];
        const spot cell = spot_of(at, &g, finest);
        const word c = key_of(cell.x, cell.y, cell.z, finest), s = start[c], k = start[c + 1] - s;
        const float4 p = point(at, mass[i]);
        if (k <= CAP) {
            word rank = 0;
            for (word j = s; j < s + k; j++) rank += order[j] < i;
            stored(sorted, room, s + rank, p);
            ranked[s + rank] = i;
        } else {
            ranked[r] = i | IN_CROWD;
            deal(i, s + mixed(i ^ mixed(seed)) % CAP, p, &g, cell, seed, keys, tally, sums);
        }
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

// What a cell's sum makes of it. Where masses cancel out, a cell that holds nodes is said to weigh next to nothing: nothing is
// what cells without nodes weigh, by which those are left out.
static __device__ float4 centre(float4 sum, bool holds)
{
    const float per_mass = sum.w != 0.0f ? 1.0f / sum.w : 0.0f;
    sum.x *= per_mass;
    sum.y *= per_mass;
    sum.z *= per_mass;
    if (holds && sum.w == 0.0f) sum.w = NEXT_TO_NOTHING;
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
    const float mass = c.w == NEXT_TO_NOTHING ? 0.0f : c.w;
    add(sum, in_parent(c.x, a), in_parent(c.y, b), DIM == 3 ? in_parent(c.z, e) : 0.0f, mass);
}

// The finest level and the one above it, of which each thread has a cell; counts and box are made ready for the next
// time. Nobody asks for finest cells where few nodes are around (near.cu): these stay as they were, and so does what lies in a
// tile that is not `near` (null: there are no others than own nodes). Where there are others, marks say which cells hold one of
// the `own` ones from `first` on: those were the first to arrive.
extern "C" __global__ void cells(int n, int finest, const word *start, const float *where, const vec *position,
                                 const float *mass, word *box, word *counts, const word *order, sum_t *keys, word *tally,
                                 sum_t *sums, word first, word own, unsigned char *marks, const unsigned char *near, int tiles,
                                 float *sorted, long long room, float *levels, long long all)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    if (t < 6) box[t] = 0xffffffffu;
    const int width = finest / 2;
    const spot of = spot_at(t, width);
    if (near && !near[tile_of(of, width, tiles)]) return;
    const int c = cell_at(of.x, of.y, of.z, width);
    const frame g = frame_in(where);
    const bool finely = DIM == 3 || nodes_in<5>(start, of.x - 2, of.y - 2, 0, width) > LIMIT;
    bool holds = false, holds_own = false;
    float4 whole = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int child = 0; child < 1 << DIM; child++) {
        const int key = c << DIM | child, a = child & 1, b = child >> 1 & 1, e = child >> 2;
        const int at[3] = {2 * of.x + a, 2 * of.y + b, 2 * of.z + e};
        const word s = start[key], k = start[key + 1] - s;
        const long long to = cell_at(at[0], at[1], at[2], finest);
        if (k == 0) {
            if (finely) emptied(levels, all, to);
            continue;
        }
        counts[key] = 0;
        holds = true;
        if (near) holds_own = holds_own || order[s] - first < own;
        const float4 sum = centre(k > CAP ? many(s, order[s], position, mass, keys, tally, sums, sorted, room)
                                          : few(s, k, at, &g, sorted, room), true);
        add_child(&whole, sum, a, b, e);
        if (finely) stored(levels, all, to, sum);
    }
    stored(levels, all, level_size(finest) + c, centre(whole, holds));
    if (near) marks[c] = holds_own;
}

// The sum of the 2 x 2 (x 2) cells below one cell.
static __device__ float4 gather(const float *levels, long long all, long long from, int width, int x, int y, int z)
{
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    bool holds = false;
    for (int k = 0; k < 1 << DIM; k++) {
        const int a = k & 1, b = k >> 1 & 1, e = k >> 2;
        const float4 child = loaded(levels, all, from + cell_at(2 * x + a, 2 * y + b, 2 * z + e, width));
        add_child(&sum, child, a, b, e);
        holds = holds || child.w != 0.0f;
    }
    return centre(sum, holds);
}

// Two levels at once, from the one of `width` cells an axis at `from`, of which thread t has a cell of the second; where only one
// is wanted, only one.
static __device__ void reduced(int t, int width, float *levels, long long all, long long from)
{
    const int half = width / 2, quarter = width / 4;
    const spot of = spot_at(t, quarter);
    const long long to = from + level_size(width);
    float4 sum = {0.0f, 0.0f, 0.0f, 0.0f};
    bool holds = false;
    for (int k = 0; k < 1 << DIM; k++) {
        const int a = k & 1, b = k >> 1 & 1, e = k >> 2, x = 2 * of.x + a, y = 2 * of.y + b, z = 2 * of.z + e;
        const float4 child = gather(levels, all, from, width, x, y, z);
        stored(levels, all, to + cell_at(x, y, z, half), child);
        add_child(&sum, child, a, b, e);
        holds = holds || child.w != 0.0f;
    }
    if (quarter >= 4) stored(levels, all, to + level_size(half) + cell_at(of.x, of.y, of.z, quarter), centre(sum, holds));
}

// Do the 2 x 2 (x 2) cells below one cell hold own nodes? Two marks lie in one short, as padding and sides are even.
static __device__ bool gather_marks(const unsigned char *marks, int width, int x, int y, int z)
{
    word any = 0;
    for (int k = 0; k < 1 << (DIM - 1); k++)
        any |= *(const unsigned short *)(marks + cell_at(2 * x, 2 * y + (k & 1), 2 * z + (k >> 1), width));
    return any != 0;
}

// The same two levels of marks.
static __device__ void reduced_marks(spot of, int width, unsigned char *marks)
{
    const int half = width / 2, quarter = width / 4;
    unsigned char *above = marks + level_size(width);
    bool any = false;
    for (int k = 0; k < 1 << DIM; k++) {
        const int x = 2 * of.x + (k & 1), y = 2 * of.y + (k >> 1 & 1), z = 2 * of.z + (k >> 2);
        const bool holds = gather_marks(marks, width, x, y, z);
        above[cell_at(x, y, z, half)] = holds;
        any = any || holds;
    }
    if (quarter >= 4) above[level_size(half) + cell_at(of.x, of.y, of.z, quarter)] = any;
}

// The marks of the level of `width` begin at `marks_from`. What lies in tiles that are not `near` (null: all are, and nobody asks
// for marks) is left out.
extern "C" __global__ void reduce(int n, int width, unsigned char *marks, long long marks_from, const unsigned char *near,
                                  int tiles, float *levels, long long all, long long from)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const spot of = spot_at(t, width / 4);
    if (near && width / 4 >= tiles && !near[tile_of(of, width / 4, tiles)]) return;
    if (near) reduced_marks(of, width, marks + marks_from);
    reduced(t, width, levels, all, from);
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
