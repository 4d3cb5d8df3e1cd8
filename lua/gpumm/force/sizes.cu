// SPDX-License-Identifier: MIT
// Nodes as discs (balls) that shall not lie on one another. They are sorted by the cell that they are in; a cell is as wide as
// the largest disc of a class, and a class has discs up to twice as large as the next. A disc yields to those of its class by
// half and to larger ones, and so looks at the cells beside its own in the grids of these alone. Gather only, in the
// order of the nodes: repeatable.

#define CLASSES 8    // of radii, each half the one before; all smaller discs are in the last
#define WIDE 2.1f    // radii of the largest: how wide a cell is; discs that keep apart a little are to be found as well
#define BITS 20      // of a cell's number, by axis
#define FURTHEST ((1 << BITS) - 1)

typedef unsigned int word;
typedef unsigned long long cell_t;

static __device__ int class_of(float radius, float largest)
{
    int c = 0;
    while (c < CLASSES - 1 && radius <= 0.5f * largest) {
        largest *= 0.5f;
        c++;
    }
    return c;
}

static __device__ float width_of(int class_, float largest)
{
    return WIDE * largest / (float)(1 << class_);
}

static __device__ int along(float v, float width)
{
    const float at = floorf(v / width) + (float)(1 << (BITS - 1));
    return at < 0.0f ? 0 : at > (float)FURTHEST ? FURTHEST : (int)at;
}

static __device__ cell_t key_of(int class_, int x, int y, int z)
{
    return ((((cell_t)class_ << BITS | (cell_t)z) << BITS | (cell_t)y) << BITS) | (cell_t)x;
}

static __device__ int height(vec p, float width)
{
#if DIM == 3
    return along(p.z, width);
#else
    return 0;
#endif
}

// The cell of each node, and the node itself. `largest` is a little more than the largest disc's radius.
extern "C" __global__ void locate(int n, const vec *position, const float *radius, float largest, cell_t *key, word *node)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const vec p = position[i];
    const int c = class_of(radius[i], largest);
    const float width = width_of(c, largest);
    key[i] = key_of(c, along(p.x, width), along(p.y, width), height(p, width));
    node[i] = (word)i;
}

// Which cell of a plain grid each node is in.
extern "C" __global__ void occupy(int n, const vec *position, float width, cell_t *key)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const vec p = position[i];
    key[i] = key_of(0, along(p.x, width), along(p.y, width), height(p, width));
}

// Is any node so far from 0 that it has no cell of its own?
extern "C" __global__ void beyond(int n, const vec *position, float largest, word *is)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const vec p = position[i];
    const float most = width_of(0, largest) * (float)(1 << (BITS - 1));
    bool far = !(fabsf(p.x) < most) || !(fabsf(p.y) < most);
#if DIM == 3
    far = far || !(fabsf(p.z) < most);
#endif
    if (far) *is = 1;
}

// How far the nearest other node is from each of so many samples, in square, as bits of floats that are infinite at first. A
// thread compares a sample with a chunk of the nodes.
extern "C" __global__ void nearest(int threads, int samples, int chunk, int n, const vec *position, word *least)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    const int s = t % samples, from = t / samples * chunk, end = min(from + chunk, n);
    const int i = (int)(((long long)s * n + n / 2) / samples);
    const vec p = position[i];
    word best = 0x7f800000u; // the order of numbers from 0 is that of their bits
    for (int j = from; j < end; j++) {
        const float dx = position[j].x - p.x, dy = position[j].y - p.y;
#if DIM == 3
        const float dz = position[j].z - p.z;
        const word far = __float_as_uint(dx * dx + dy * dy + dz * dz);
#else
        const word far = __float_as_uint(dx * dx + dy * dy);
#endif
        best = min(best, j == i ? 0x7f800000u : far);
    }
    atomicMin(least + s, best);
}

static __device__ int first_from(const cell_t *key, int n, cell_t wanted)
{
    int low = 0, high = n;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (key[middle] < wanted) low = middle + 1;
        else high = middle;
    }
    return low;
}

static __device__ float chance_of(word *h)
{
    *h = (*h ^ *h >> 15) * 0x846ca68bu + 0x9e3779b9u;
    return (float)((*h ^ *h >> 16) >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

// A direction in which two nodes on one spot part, the one with the lower number one way and the other the other way.
static __device__ vec parting(word i, word j)
{
    word h = (min(i, j) * 0x9e3779b9u ^ max(i, j)) * 0x7feb352du;
    const float sign = i < j ? 1.0f : -1.0f;
    vec way;
    way.x = sign * chance_of(&h);
    way.y = sign * chance_of(&h);
#if DIM == 3
    way.z = sign * chance_of(&h);
#endif
    return way;
}

static __device__ float length_of(vec v)
{
#if DIM == 3
    return sqrtf(v.x * v.x + v.y * v.y + v.z * v.z);
#else
    return sqrtf(v.x * v.x + v.y * v.y);
#endif
}

static __device__ void add(vec *sum, vec v, float scale)
{
    sum->x += scale * v.x;
    sum->y += scale * v.y;
#if DIM == 3
    sum->z += scale * v.z;
#endif
}

// By how much node i yields to j: to all of what they are on one another, `apart` times their radii, or half of it. Returns
// whether they are on one another.
static __device__ bool yielded(word i, word j, float share, float apart, const vec *position, const float *radius, vec *way)
{
    vec d = position[i];
    add(&d, position[j], -1.0f);
    const float room = radius[i] + radius[j], far = length_of(d), over = room * apart - far;
    if (over <= 0.0f) return false;
    if (far > 0.0f) add(way, d, share * over / far);
    else add(way, parting(i, j), share * over);
    return far < room;
}

// Where each node is to go, and how many are on another. `fixed` (null: none) are nodes that stay.
extern "C" __global__ void crowd(int n, const cell_t *key, const word *node, const vec *position, const float *radius,
                                 const unsigned char *fixed, float largest, int classes, float apart, float strength, vec *to,
                                 word *crowded)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const vec p = position[i];
    to[i] = p;
    const int own = class_of(radius[i], largest);
    vec way = p;
    add(&way, p, -1.0f);
    word hits = 0;
    for (int c = 0; c <= CLASSES - 1; c++) {
        if (!(classes >> c & 1) || (c > own && !fixed)) continue;
        const float width = width_of(c, largest), reach = radius[i] + width / 2.0f;
        const int span = c <= own ? 1 : (int)(reach / width) + 1;
        const int x = along(p.x, width), y = along(p.y, width), z = height(p, width);
        for (int w = DIM == 3 ? max(z - span, 0) : 0; w <= (DIM == 3 ? min(z + span, FURTHEST) : 0); w++)
            for (int v = max(y - span, 0); v <= min(y + span, FURTHEST); v++) {
                const cell_t last = key_of(c, min(x + span, FURTHEST), v, w);
                for (int k = first_from(key, n, key_of(c, max(x - span, 0), v, w)); k < n && key[k] <= last; k++) {
                    const word j = node[k];
                    const bool stays = fixed && fixed[j];
                    if (j == (word)i || (c > own && !stays)) continue;
                    hits += yielded((word)i, j, c < own || stays ? 1.0f : 0.5f, apart, position, radius, &way);
                }
            }
    }
    if (hits) atomicAdd(crowded, 1u);
    if (fixed && fixed[i]) return;
    const float far = length_of(way), most = radius[i] + largest; // bounded, however many there are
    add(to + i, way, far > most ? strength * most / far : strength);
}

// They go there, unless none was on another: then nothing moves any more.
extern "C" __global__ void settle(int n, const vec *to, float scale, const word *crowded, vec *position)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n || *crowded == 0) return;
    vec p = to[i];
    p.x *= scale;
    p.y *= scale;
#if DIM == 3
    p.z *= scale;
#endif
    position[i] = p;
}
