// SPDX-License-Identifier: MIT
// Where the cells of the pyramid lie, and how points and cells are stored. The text of this file comes before those
// that sort (grid.cu, tiles.cu) and that push (far.cu, near.cu); `vec` and DIM come before it.
//
// The finest grid has `finest` cells an axis, each level above it half as many, down to 4; levels follow one another,
// the finest first. The one above the finest is where nodes are felt one by one, unless there are too many of them.
// Every level is stored with two empty cells around it, so that no block of cells needs a check at the border. A cell
// is its mass and its centre of mass, which is counted from the middle of the cell in cells: so nothing of it is lost
// to large coordinates, and what cells do to one another does not ask where they are.

#define PAD 2  // empty cells on each side of a level
#define CAP 64 // nodes of a finest cell that are felt one by one
#define LIMIT (DIM == 3 ? 216 : 48) // nodes around, at which finer cells are quicker
#define FEW 72                      // and up to which larger cells are
#define HELD 32                     // bytes for each tile, so that who writes to one does not wait for who writes to the next
#define NO_CELL 0xffffffffu         // of a node that is not sorted here
#define IN_CROWD 0x80000000u        // beside the number of a node that is one of more than CAP in a cell

typedef unsigned int word;
typedef unsigned long long sum_t;

struct frame { // where the grid lies
    float x, y, z, cell, per_cell;
};

static __device__ frame frame_in(const float *where)
{
    const frame g = {where[0], where[1], where[2], where[3], where[4]};
    return g;
}

static __device__ int along(float v, float from, float per_cell, int width)
{
    const int at = (int)((v - from) * per_cell);
    return at < 0 ? 0 : at >= width ? width - 1 : at;
}

// How far a point is from the middle of its cell, in cells.
static __device__ float inside(float v, float from, float per_cell, int at)
{
    return (v - from) * per_cell - ((float)at + 0.5f);
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

// Nodes are sorted by cell of the level above the finest, and within it by its children: those are `key << DIM` on.
static __device__ int key_of(int x, int y, int z, int finest)
{
    const int child = DIM == 3 ? (z & 1) << 2 | (y & 1) << 1 | (x & 1) : (y & 1) << 1 | (x & 1);
    return cell_at(x >> 1, y >> 1, z >> 1, finest / 2) << DIM | child;
}

// The first row, from 0, of the parent's own cells and of those around: as many as 6 cells an axis.
static __device__ int parents_from(int at) { return (at & ~1) - 2; }

// How many nodes are in SIDE cells an axis of the level above the finest, from that one on, row by row; far more where a row
// may hold a crowd.
template <int SIDE>
static __forceinline__ __device__ word nodes_in(const word *start, int x, int y, int z, int width)
{
    word count = 0;
#pragma unroll
    for (int row = 0; row < (DIM == 3 ? SIDE * SIDE : SIDE); row++) {
        const int c = cell_at(x, y + row % SIDE, z + row / SIDE, width);
        const word along = start[(c + SIDE) << DIM] - start[c << DIM];
        count += along > CAP ? 0x1000000u : along;
    }
    return count;
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

// The node that stands kth where the `own` ones from `first` on come before the others: those that are listed or (null) all.
static __device__ word node_at(word k, word first, word own, const word *others)
{
    if (others && k >= own) return others[k - own];
    return k < own ? first + k : k - own < first ? k - own : k;
}

struct spot { // a cell of a level
    int x, y, z;
};

// The finest cell that a node is in.
static __device__ spot spot_of(vec position, const frame *g, int finest)
{
    const float4 p = point(position, 0.0f);
    const spot at = {along(p.x, g->x, g->per_cell, finest), along(p.y, g->y, g->per_cell, finest),
                     DIM == 3 ? along(p.z, g->z, g->per_cell, finest) : 0};
    return at;
}

static __device__ int log2_of(int power) { return __ffs(power) - 1; }

// The cells of a level one by one; all widths are powers of two.
static __device__ spot spot_at(int t, int width)
{
    const int bits = log2_of(width), y = t >> bits;
    const spot at = {t & (width - 1), DIM == 3 ? y & (width - 1) : y, DIM == 3 ? y >> bits : 0};
    return at;
}

// The tile, of so many an axis, in which a cell of the level of `width` lies: as spot_at counts them.
static __device__ int tile_of(spot at, int width, int tiles)
{
    const int bits = log2_of(tiles), down = log2_of(width) - bits;
    return ((DIM == 3 ? at.z >> down << bits : 0) + (at.y >> down) << bits) + (at.x >> down);
}

// Points and cells are four numbers each: side by side where one thread reads one of them, and in four rows of `room`
// where LANES of them are read at once, as the host's compiler wants them.
#ifdef GPUMM_HOST
#define LANES 8
// Unrolled, what is to become one instruction would be eight.
#define EACH_LANE(l) _Pragma("GCC unroll 1") _Pragma("GCC ivdep") for (int l = 0; l < LANES; l++)

static __device__ float4 loaded(const float *all, long long room, long long at)
{
    const float4 v = {all[at], all[room + at], DIM == 3 ? all[2 * room + at] : 0.0f, all[3 * room + at]};
    return v;
}

static __device__ void stored(float *all, long long room, long long at, float4 v)
{
    all[at] = v.x;
    all[room + at] = v.y;
    if (DIM == 3) all[2 * room + at] = v.z;
    all[3 * room + at] = v.w;
}

// What is nowhere weighs nothing; where that was matters no more.
static __device__ void emptied(float *all, long long room, long long at)
{
    if (all[3 * room + at] != 0.0f) all[3 * room + at] = 0.0f;
}
#else
#define LANES 1
#define EACH_LANE(l) for (int l = 0; l < LANES; l++)

static __device__ float4 loaded(const float *all, long long room, long long at) { return ((const float4 *)all)[at]; }

static __device__ void stored(float *all, long long room, long long at, float4 v) { ((float4 *)all)[at] = v; }

static __device__ void emptied(float *all, long long room, long long at) { all[4 * at + 3] = 0.0f; }
#endif
