// SPDX-License-Identifier: MIT
// Sparse stress: a component's nodes, each as far from some pivots, and from its neighbours, as it is in the graph. To a node at
// distance d a pivot stands for those nearest to it that are at most d / 2 from it, so that one close by does not count for
// all around it. Everything is gathered by one thread a node, in a fixed order. `hops` and DISTANT come before this file; where
// edges have lengths, those are one over `pull`.
//
// Positions, pivots and `near` are of all nodes. All else, members and what is known of them, is of the n nodes from `origin`
// on, and counts from there: all nodes, or a rank's own.

#define DEPTHS 64     // of a pivot's region: distances up to which its nodes are counted
#define NEIGHBOURS 64 // of a node, that are looked at: of more, every so many

typedef unsigned int word;

// What a node is drawn to: a weighted mean of places, from where it is now.
struct draw {
    float x, y, z, weights;
};

static __device__ void draw_to(draw *sum, vec here, vec there, float length, float weight)
{
    const float dx = here.x - there.x, dy = here.y - there.y;
#if DIM == 3
    const float dz = here.z - there.z, apart = sqrtf(dx * dx + dy * dy + dz * dz);
#else
    const float apart = sqrtf(dx * dx + dy * dy);
#endif
    const float stretch = weight * (apart > 0.0f ? length / apart - 1.0f : 0.0f);
    sum->x += stretch * dx;
    sum->y += stretch * dy;
#if DIM == 3
    sum->z += stretch * dz;
#endif
    sum->weights += weight;
}

static __device__ void draw_to_neighbours(draw *sum, word i, vec here, const word *row, const word *near, const float *pull,
                                          const vec *position, float length)
{
    const word degree = row[i + 1] - row[i], step = (degree + NEIGHBOURS - 1) / NEIGHBOURS;
    for (word k = row[i]; k < row[i + 1]; k += step) {
        const float per_length = pull ? pull[k] : 1.0f;
        draw_to(sum, here, position[near[k]], length / per_length, (float)step * per_length * per_length);
    }
}

static __device__ int depth_of(hops h)
{
    return h < DEPTHS ? (int)h : DEPTHS - 1;
}

static __device__ float stands_for(const float *region, int p, hops h)
{
    return region[p * DEPTHS + depth_of((hops)(h / 2))];
}

// The way to where pivots and neighbours want the node to be; `row` may be null: the neighbours are pivots too.
static __device__ draw way_of(word i, vec here, int first, int step, int pivots, int n, const word *pivot,
                              const float *region, const hops *distance, const word *row, const word *near,
                              const float *pull, const vec *position, float length)
{
    draw sum = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int p = first; p < pivots; p += step) {
        const hops h = distance[(long long)p * n + i];
        if (h == 0 || h == DISTANT) continue;
        const float d = (float)h;
        draw_to(&sum, here, position[pivot[p]], length * d, stands_for(region, p, h) / (d * d));
    }
    if (row) draw_to_neighbours(&sum, i, here, row, near, pull, position, length);
    const float per_weight = sum.weights > 0.0f ? 1.0f / sum.weights : 0.0f;
    sum.x *= per_weight;
    sum.y *= per_weight;
    sum.z *= per_weight;
    return sum;
}

// How many members are nearest to each pivot, by their distance; of two as near, the first.
extern "C" __global__ void regions(int members, int pivots, int n, const word *member, const hops *distance,
                                   word *counts)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word i = member ? member[t] : (word)t;
    int best = 0;
    for (int p = 1; p < pivots; p++)
        if (distance[(long long)p * n + i] < distance[(long long)best * n + i]) best = p;
    atomicAdd(counts + best * DEPTHS + depth_of(distance[(long long)best * n + i]), 1u);
}

// Up to each distance.
extern "C" __global__ void weigh_regions(int pivots, const word *counts, float *region)
{
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= pivots) return;
    word sum = 0;
    for (int k = p * DEPTHS; k < (p + 1) * DEPTHS; k++) {
        sum += counts[k];
        region[k] = (float)sum;
    }
}

static __device__ float chance_of(word *h)
{
    *h = (*h ^ *h >> 15) * 0x846ca68bu + 0x9e3779b9u;
    return (float)((*h ^ *h >> 16) >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

// A round of stress majorization, with edges of `length` (null: 1). By `jitter` nodes with the same neighbours part, which would
// end on one spot.
extern "C" __global__ void majorize(int members, int pivots, int n, word origin, const word *member, const word *pivot,
                                    const float *region, const hops *distance, const word *row, const word *near,
                                    const float *pull, const float *length, float jitter, const vec *position, vec *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word own = member ? member[t] : (word)t, i = origin + own;
    const draw way = way_of(own, position[i], 0, 1, pivots, n, pivot, region, distance, row, near, pull, position,
                            length ? length[0] : 1.0f);
    word h = (i ^ i >> 16) * 0x7feb352du;
    out[i].x = position[i].x + way.x + jitter * chance_of(&h);
    out[i].y = position[i].y + way.y + jitter * chance_of(&h);
#if DIM == 3
    out[i].z = position[i].z + way.z + jitter * chance_of(&h);
#endif
}

// Adds to each member's force what draws it there: `strength` of the way, as a node of that heft needs it. Every `step`-th pivot
// has a say, from the `turn`-th on, modulo `step`.
extern "C" __global__ void draw_members(int members, int turn, int step, int pivots, int n, word origin,
                                        const word *member, const word *pivot, const float *region,
                                        const hops *distance, const word *row, const word *near, const float *pull,
                                        const float *length, float strength, const float *heft, const vec *position,
                                        vec *force)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word i = member ? member[t] : (word)t;
    const draw way = way_of(i, position[origin + i], turn % step, step, pivots, n, pivot, region, distance, row, near, pull,
                            position, length[0]);
    const float scale = strength * heft[i];
    force[i].x += scale * way.x;
    force[i].y += scale * way.y;
#if DIM == 3
    force[i].z += scale * way.z;
#endif
}

// Sums over a piece of a pivot's members, all nodes' numbers, each `pieces`th of them: of r, of r^2 and of 1; r is the distance over
// the one in the graph. `column` says where in `distance` a member is. A thread has a piece.
extern "C" __global__ void ratios(int threads, int pieces, int members, int n, const word *member, const word *column,
                                  const word *pivot, const hops *distance, const vec *position, double *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= threads) return;
    const int p = k / pieces;
    const vec here = position[pivot[p]];
    double sum = 0.0, squares = 0.0, pairs = 0.0;
    for (int t = k % pieces; t < members; t += pieces) {
        const word i = member ? member[t] : (word)t;
        const hops d = distance[(long long)p * n + (column ? column[t] : (word)t)];
        if (d == 0 || d == DISTANT) continue;
        const float dx = position[i].x - here.x, dy = position[i].y - here.y;
#if DIM == 3
        const float dz = position[i].z - here.z, r = sqrtf(dx * dx + dy * dy + dz * dz) / (float)d;
#else
        const float r = sqrtf(dx * dx + dy * dy) / (float)d;
#endif
        sum += r;
        squares += r * r;
        pairs += 1.0;
    }
    out[3 * (long long)k] = sum;
    out[3 * (long long)k + 1] = squares;
    out[3 * (long long)k + 2] = pairs;
}

// A pivot's pieces together, weighted.
extern "C" __global__ void join_pieces(int pivots, int pieces, const float *region, const double *each, double *out)
{
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= pivots) return;
    double sums[3] = {0.0, 0.0, 0.0};
    for (long long k = (long long)p * pieces; k < (p + 1LL) * pieces; k++)
        for (int s = 0; s < 3; s++) sums[s] += each[3 * k + s];
    const float all = region[(p + 1) * DEPTHS - 1];
    for (int s = 0; s < 3; s++) out[3 * p + s] = all * sums[s];
}

// The length of an edge at which the stress is least, and that stress.
extern "C" __global__ void fit(int one, int pivots, const double *sums, float *length)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= one) return;
    double sum = 0.0, squares = 0.0, pairs = 0.0;
    for (int p = 0; p < pivots; p++) {
        sum += sums[3 * p];
        squares += sums[3 * p + 1];
        pairs += sums[3 * p + 2];
    }
    const bool is = sum > 0.0 && squares > 0.0;
    length[0] = is ? (float)(squares / sum) : 1.0f;
    length[1] = is ? (float)(1.0 - sum * sum / (pairs * squares)) : 0.0f;
}
