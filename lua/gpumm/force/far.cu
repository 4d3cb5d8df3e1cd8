// SPDX-License-Identifier: MIT
// What is far: a cell gathers what the children of its parent's neighbours give that are not its own neighbours, as a
// local expansion around its middle up to the second order, and adds what its parent was given. `REPEL(d2)` comes from
// the text before this file, as does a template of the same expression: on jets it derives itself, and where it calls what jets
// do not know, differences take the place of derivatives.
//
// All lengths of an expansion are in cells of its level, so that no power of a length is too large or too small. In
// two dimensions its numbers are x y, xx xy yy, xxx xxy xyy yyy; in three x y z, xx xy xz yy yz zz and the ten of the
// third order in the same way. The push is a gradient: the order of the indices makes no difference.

#define STEP 0.03125f // of differences, of the square distance

#ifdef VIRIAL // a scalar, pushes times ways: its value, gradient and second derivatives
#define COEFFICIENTS (DIM == 3 ? 10 : 6)
#else
#define COEFFICIENTS (DIM == 3 ? 19 : 9)
#endif

// ---- Derivatives -------------------------------------------------------------------------------

struct jet { // of a function of u: its value, its first and its second derivative
    float v, a, b;
    __forceinline__ __device__ jet(float value, float first = 0.0f, float second = 0.0f) : v(value), a(first), b(second) {}
};

static __forceinline__ __device__ jet operator+(jet x, jet y) { return jet(x.v + y.v, x.a + y.a, x.b + y.b); }

static __forceinline__ __device__ jet operator-(jet x, jet y) { return jet(x.v - y.v, x.a - y.a, x.b - y.b); }

static __forceinline__ __device__ jet operator-(jet x) { return jet(-x.v, -x.a, -x.b); }

static __forceinline__ __device__ jet operator*(jet x, jet y)
{
    return jet(x.v * y.v, x.a * y.v + x.v * y.a, x.b * y.v + 2.0f * x.a * y.a + x.v * y.b);
}

static __forceinline__ __device__ jet operator/(jet x, jet y)
{
    const float per = 1.0f / y.v, slope = y.a * per;
    return x * jet(per, -slope * per, (2.0f * slope * slope - y.b * per) * per);
}

static __forceinline__ __device__ jet sqrtf(jet x)
{
    const float root = sqrtf(x.v), per = 0.5f / root, slope = x.a * per;
    return jet(root, slope, x.b * per - slope * slope / root);
}

static __forceinline__ __device__ jet expf(jet x)
{
    const float e = expf(x.v);
    return jet(e, e * x.a, e * (x.b + x.a * x.a));
}

// The push over its length, at the square distance u: its derivatives times u and the square of u. Derivatives would be lost
// where u is so small or large that its powers are no numbers any more: there it counts as so small or large.
#ifdef DERIVES
template <class T>
static __forceinline__ __device__ auto derived(T u, int) -> decltype(jet(repel_of(u)))
{
    const float v = u.v < 1e-9f ? 1e-9f : u.v > 1e12f ? 1e12f : u.v;
    const jet g = repel_of(T(v, 1.0f));
    return jet(g.v, v * g.a, v * (v * g.b));
}
#endif

template <class T>
static __forceinline__ __device__ jet derived(T u, long)
{
    const float g = REPEL(u.v), up = REPEL(u.v * (1.0f + STEP)), down = REPEL(u.v * (1.0f - STEP));
    return jet(g, (up - down) * (0.5f / STEP), (up - 2.0f * g + down) * (1.0f / (STEP * STEP)));
}

// ---- What is given -----------------------------------------------------------------------------

// What one cell gives to lane l: `unit` is the square of the model's units in a cell.
static __forceinline__ __device__ void take(float (*c)[LANES], int l, float x, float y, float z, float hole, float mass,
                                            float unit)
{
    const float d2 = x * x + y * y + z * z + hole, per = 1.0f / d2;
    const jet g = derived(jet(unit * d2, 1.0f), 0);
    const float f = mass * g.v, first = mass * g.a, second = mass * g.b;
#ifdef VIRIAL
    const float a = 2.0f * (f + first), b = 4.0f * (2.0f * first + second) * per;
    c[0][l] += f * d2;
    c[1][l] += a * x;
    c[2][l] += a * y;
    c[DIM + 1][l] += DIM == 3 ? a * z : a + b * x * x;
#if DIM == 3
    c[4][l] += a + b * x * x;
    c[5][l] += b * x * y;
    c[6][l] += b * x * z;
    c[7][l] += a + b * y * y;
    c[8][l] += b * y * z;
    c[9][l] += a + b * z * z;
#else
    c[4][l] += b * x * y;
    c[5][l] += a + b * y * y;
#endif
#else
    const float a = 2.0f * first * per, b = 4.0f * second * per * per, bxx = b * x * x, byy = b * y * y;
    c[0][l] += f * x;
    c[1][l] += f * y;
#if DIM == 3
    const float bzz = b * z * z;
    c[2][l] += f * z;
    c[3][l] += f + a * x * x;
    c[4][l] += a * x * y;
    c[5][l] += a * x * z;
    c[6][l] += f + a * y * y;
    c[7][l] += a * y * z;
    c[8][l] += f + a * z * z;
    c[9][l] += (3.0f * a + bxx) * x;
    c[10][l] += (a + bxx) * y;
    c[11][l] += (a + bxx) * z;
    c[12][l] += (a + byy) * x;
    c[13][l] += b * x * y * z;
    c[14][l] += (a + bzz) * x;
    c[15][l] += (3.0f * a + byy) * y;
    c[16][l] += (a + byy) * z;
    c[17][l] += (a + bzz) * y;
    c[18][l] += (3.0f * a + bzz) * z;
#else
    c[2][l] += f + a * x * x;
    c[3][l] += a * x * y;
    c[4][l] += f + a * y * y;
    c[5][l] += (3.0f * a + bxx) * x;
    c[6][l] += (a + bxx) * y;
    c[7][l] += (a + byy) * x;
    c[8][l] += (3.0f * a + byy) * y;
#endif
#endif
}

// ---- The expansion at a point x, y, z from its middle ------------------------------------------

#ifdef VIRIAL
static __forceinline__ __device__ void value_at(const float *c, float x, float y, float z, float *out)
{
#if DIM == 3
    *out = c[0] + c[1] * x + c[2] * y + c[3] * z + 0.5f * (c[4] * x * x + c[7] * y * y + c[9] * z * z) + c[5] * x * y +
           c[6] * x * z + c[8] * y * z;
#else
    *out = c[0] + c[1] * x + c[2] * y + 0.5f * (c[3] * x * x + c[5] * y * y) + c[4] * x * y;
#endif
}
#else
// Half the second order's part of a component, from six or three of its numbers.
#if DIM == 3
static __forceinline__ __device__ float bent(float xx, float xy, float xz, float yy, float yz, float zz, float x,
                                             float y, float z)
{
    return 0.5f * (xx * x * x + yy * y * y + zz * z * z) + xy * x * y + xz * x * z + yz * y * z;
}
#else
static __forceinline__ __device__ float bent(float xx, float xy, float yy, float x, float y)
{
    return 0.5f * (xx * x * x + yy * y * y) + xy * x * y;
}
#endif

static __forceinline__ __device__ void value_at(const float *c, float x, float y, float z, float *out)
{
#if DIM == 3
    out[0] = c[0] + c[3] * x + c[4] * y + c[5] * z + bent(c[9], c[10], c[11], c[12], c[13], c[14], x, y, z);
    out[1] = c[1] + c[4] * x + c[6] * y + c[7] * z + bent(c[10], c[12], c[13], c[15], c[16], c[17], x, y, z);
    out[2] = c[2] + c[5] * x + c[7] * y + c[8] * z + bent(c[11], c[13], c[14], c[16], c[17], c[18], x, y, z);
#else
    out[0] = c[0] + c[2] * x + c[3] * y + bent(c[5], c[6], c[7], x, y);
    out[1] = c[1] + c[3] * x + c[4] * y + bent(c[6], c[7], c[8], x, y);
#endif
}
#endif

// A parent's expansion as that of a child of half its size, whose middle is x, y, z from the parent's, in the parent's
// size. A force is an expansion times the cell, the scalar one times its square.
static __forceinline__ __device__ void hand_down(const float *c, float x, float y, float z, float (*to)[LANES])
{
    float value[3];
    value_at(c, x, y, z, value);
#ifdef VIRIAL
    to[0][0] += 4.0f * value[0];
#if DIM == 3
    to[1][0] += 2.0f * (c[1] + c[4] * x + c[5] * y + c[6] * z);
    to[2][0] += 2.0f * (c[2] + c[5] * x + c[7] * y + c[8] * z);
    to[3][0] += 2.0f * (c[3] + c[6] * x + c[8] * y + c[9] * z);
    for (int k = 4; k < 10; k++) to[k][0] += c[k];
#else
    to[1][0] += 2.0f * (c[1] + c[3] * x + c[4] * y);
    to[2][0] += 2.0f * (c[2] + c[4] * x + c[5] * y);
    for (int k = 3; k < 6; k++) to[k][0] += c[k];
#endif
#else
    for (int k = 0; k < DIM; k++) to[k][0] += 2.0f * value[k];
#if DIM == 3
    to[3][0] += c[3] + c[9] * x + c[10] * y + c[11] * z;
    to[4][0] += c[4] + c[10] * x + c[12] * y + c[13] * z;
    to[5][0] += c[5] + c[11] * x + c[13] * y + c[14] * z;
    to[6][0] += c[6] + c[12] * x + c[15] * y + c[16] * z;
    to[7][0] += c[7] + c[13] * x + c[16] * y + c[17] * z;
    to[8][0] += c[8] + c[14] * x + c[17] * y + c[18] * z;
    for (int k = 9; k < 19; k++) to[k][0] += 0.5f * c[k];
#else
    to[2][0] += c[2] + c[5] * x + c[6] * y;
    to[3][0] += c[3] + c[6] * x + c[7] * y;
    to[4][0] += c[4] + c[7] * x + c[8] * y;
    for (int k = 5; k < 9; k++) to[k][0] += 0.5f * c[k];
#endif
#endif
}

// Where the middle of a cell lies in its parent.
static __device__ float part_of(int x) { return (float)(x & 1) * 0.5f - 0.25f; }

// ---- A cell's block ----------------------------------------------------------------------------

// What is called for each source: lane, the way from it to the middle of the cell, what is added to the square distance
// so that nothing is divided by zero, the mass.
struct taking {
    float (*c)[LANES], unit;
    __forceinline__ __device__ void operator()(int l, float x, float y, float z, float hole, float mass) const
    {
        take(c, l, x, y, z, hole, mass, unit);
    }
};

#ifdef GPUMM_HOST
// A row of cells at once. Two lanes are beyond the block, and three hold the cell's own neighbours in rows where those
// are: such lanes weigh nothing, and have a hole's distance.
template <class visit>
static __forceinline__ __device__ void each_of_row(const visit &each, const float *row, long long all,
                                                   const float *keep, float from, float y, float z)
{
    const float *across = row + all, *up = across + all, *mass = up + all;
    EACH_LANE(l)
        each(l, from - (float)l - row[l], y - across[l], DIM == 3 ? z - up[l] : 0.0f, 1.0f - keep[l],
             mass[l] * keep[l]);
}

template <class visit>
static __forceinline__ __device__ void each_far(const visit &each, const float *levels, long long all, long long from,
                                                int width, int x, int y, int z)
{
    const int px = x & 1, py = y & 1, pz = z & 1;
    float wide[LANES], sides[LANES];
    EACH_LANE(l) {
        wide[l] = l < 6 ? 1.0f : 0.0f;
        sides[l] = l < 6 && (l < 1 + px || l > 3 + px) ? 1.0f : 0.0f;
    }
    for (int k = DIM == 3 ? 0 : 2; k < (DIM == 3 ? 6 : 3); k++)
        for (int r = 0; r < 6; r++) {
            const bool own = r > py && r < 4 + py && (DIM == 2 || (k > pz && k < 4 + pz));
            const float *row = levels + from + cell_at(x - px - 2, y - py - 2 + r, z - pz - 2 + k, width);
            each_of_row(each, row, all, own ? sides : wide, (float)(2 + px), (float)(2 + py - r), (float)(2 + pz - k));
        }
}
#else
// Seen from a cell's own corner of its parent (the step is -1 where it is the second child) the own block is always
// columns 1 to 3, so that threads beside one another do the same.
template <class visit>
static __forceinline__ __device__ void each_far(const visit &each, const float *levels, long long all, long long from,
                                                int width, int x, int y, int z)
{
    const int sx = x & 1 ? -1 : 1, sy = y & 1 ? -1 : 1, sz = z & 1 ? -1 : 1;
    for (int k = DIM == 3 ? 0 : 2; k < (DIM == 3 ? 6 : 3); k++)
        for (int r = 0; r < 6; r++)
            for (int q = 0; q < 6; q++) {
                if (q >= 1 && q <= 3 && r >= 1 && r <= 3 && (DIM == 2 || (k >= 1 && k <= 3))) continue;
                const int dx = sx * (q - 2), dy = sy * (r - 2), dz = DIM == 3 ? sz * (k - 2) : 0;
                const float4 v = loaded(levels, all, from + cell_at(x + dx, y + dy, z + dz, width));
                each(0, (float)-dx - v.x, (float)-dy - v.y, DIM == 3 ? (float)-dz - v.z : 0.0f, 0.0f, v.w);
            }
}
#endif

// The sum of the lanes, in an order of its own.
static __forceinline__ __device__ float folded(const float *c)
{
#ifdef GPUMM_HOST
    return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
#else
    return c[0];
#endif
}

static __forceinline__ __device__ void gathered(float (*sum)[LANES], const float *levels, long long all, long long from,
                                                int width, int x, int y, int z, float cell, float unit)
{
    for (int k = 0; k < COEFFICIENTS; k++)
        EACH_LANE(l) sum[k][l] = 0.0f;
    const taking taker = {sum, unit * cell * cell};
    each_far(taker, levels, all, from, width, x, y, z);
}

// What is given lies cell by cell, from the level above the finest on: that is the last one that is given anything.

// What the cells of the level of `width` an axis, which begins at cell `from`, and of all above it gather: few cells,
// all at once. What they were handed down is not in it yet. Where `marks` is given, cells without a mark are left out.
extern "C" __global__ void far_above(int n, int width, const float *levels, long long all, long long from,
                                     const unsigned char *marks, const float *where, int finest, float unit,
                                     float *given)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    int cells = DIM == 3 ? width * width * width : width * width;
    while (t >= cells) {
        t -= cells;
        from += level_size(width);
        width /= 2;
        cells >>= DIM;
    }
    const spot of = spot_at(t, width);
    const int x = of.x, y = of.y, z = of.z;
    const long long c = from + cell_at(x, y, z, width), mine = c - level_size(finest);
    if ((marks && !marks[mine]) || loaded(levels, all, c).w == 0.0f) return;
    float sum[COEFFICIENTS][LANES];
    gathered(sum, levels, all, from, width, x, y, z, where[3] * (float)(finest / width), unit);
    for (int k = 0; k < COEFFICIENTS; k++) given[COEFFICIENTS * mine + k] = folded(sum[k]);
}

// The expansions of the level of `width` cells an axis, which begins at cell `from`: what a cell gathers, and what is
// handed down to it through `above` levels, of which only the uppermost has been handed down what there is above it.
// Where `start` is given, cells with few nodes around are left out: those are given what their parents are; where
// `marks` is, cells without a mark.
extern "C" __global__ void far(int n, int width, int above, const float *levels, long long all, long long from,
                               const word *start, const unsigned char *marks, const float *where, int finest,
                               float unit, float *given)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const spot of = spot_at(t, width);
    const int x = of.x, y = of.y, z = of.z;
    const long long c = from + cell_at(x, y, z, width), mine = c - level_size(finest);
    if ((marks && !marks[mine]) || loaded(levels, all, c).w == 0.0f) return;
    if (DIM == 2 && start && nodes_in<6>(start, parents_from(x), parents_from(y), 0, width) <= FEW) return;
    float sum[COEFFICIENTS][LANES], coarse[COEFFICIENTS];
    long long at = from - level_size(finest);
    for (int s = 0; s < above; s++) at += level_size(width >> s);
    for (int s = above; s > 0; s--) {
        const float *one = given + COEFFICIENTS * (at + cell_at(x >> s, y >> s, z >> s, width >> s));
        for (int k = 0; k < COEFFICIENTS; k++) sum[k][0] = one[k];
        if (s < above) hand_down(coarse, part_of(x >> s), part_of(y >> s), part_of(z >> s), sum);
        for (int k = 0; k < COEFFICIENTS; k++) coarse[k] = sum[k][0];
        at -= level_size(width >> (s - 1));
    }
    gathered(sum, levels, all, from, width, x, y, z, where[3] * (float)(finest / width), unit);
    if (above) hand_down(coarse, part_of(x), part_of(y), part_of(z), sum);
    for (int k = 0; k < COEFFICIENTS; k++) given[COEFFICIENTS * mine + k] = folded(sum[k]);
}
