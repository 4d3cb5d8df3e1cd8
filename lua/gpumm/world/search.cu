// SPDX-License-Identifier: MIT
// Breadth-first distances over ranks, from up to 64 pivots, a bit each. A rank looks for its own nodes, which are n from
// `first` on; the frontier is known of all nodes. What a level found is told to the other ranks, as triples of a node and its
// bits.

#define DISTANT 0xffffu

typedef unsigned int word;
typedef unsigned long long bits_t;
typedef unsigned short hops;

extern "C" __global__ void plant(int n, word first, int pivots, int before, const word *pivot, hops *distance, bits_t *seen,
                                 bits_t *found)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    bits_t mine = 0;
    for (int p = 0; p < pivots; p++) {
        const bool here = pivot[p] == first + (word)i;
        distance[(long long)(before + p) * n + i] = here ? 0 : DISTANT;
        if (here) mine |= (bits_t)1 << p;
    }
    seen[i] = mine;
    found[i] = 0;
}

extern "C" __global__ void begin(int pivots, const word *pivot, bits_t *frontier)
{
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p < pivots) atomicOr(frontier + pivot[p], (bits_t)1 << p);
}

// Segments of rows, so that a node with many neighbours does not keep the others waiting.
extern "C" __global__ void look(int segments, word first, const word *node, const word *begin, const word *near, bits_t all,
                                const bits_t *frontier, const bits_t *seen, bits_t *found)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    const word i = node[s] - first;
    const bits_t wanted = all & ~seen[i];
    bits_t mine = 0;
    for (word k = begin[s]; wanted && k < begin[s + 1] && (mine & wanted) != wanted; k++) mine |= frontier[near[k]];
    if (mine & wanted) atomicOr(found + i, mine & wanted);
}

extern "C" __global__ void arrive(int n, int before, word level, const bits_t *found, bits_t *seen, hops *distance,
                                  unsigned char *is)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const bits_t mine = found[i];
    is[i] = mine != 0;
    if (!mine) return;
    seen[i] |= mine;
    for (bits_t left = mine; left; left &= left - 1)
        distance[(long long)(before + __ffsll((long long)left) - 1) * n + i] = (hops)min(level, DISTANT - 1u);
}

// What was found, to be told; `found` is left empty.
extern "C" __global__ void tell(int count, word first, const word *which, bits_t *found, word *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const bits_t mine = found[which[k]];
    found[which[k]] = 0;
    out[3 * k] = first + which[k];
    out[3 * k + 1] = (word)mine;
    out[3 * k + 2] = (word)(mine >> 32);
}

extern "C" __global__ void forget(int count, const word *told, bits_t *frontier)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) frontier[told[3 * k]] = 0;
}

extern "C" __global__ void hear(int count, const word *told, bits_t *frontier)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) frontier[told[3 * k]] = (bits_t)told[3 * k + 2] << 32 | told[3 * k + 1];
}

// ---- Along lengths: what a round found may become less in a later one -----------------------------------
// `all` has the distances of all nodes from the pivots of this search, node by node. A node whose distance from some pivots fell
// has their bits in `frontier`. What is told of it are its number, its bits and its distances.

#define OUT_OF_REACH 3.0e38f

extern "C" __global__ void plant_far(int n, int pivots, const word *pivot, float *all, bits_t *frontier)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    bits_t mine = 0;
    for (int p = 0; p < pivots; p++) {
        const bool here = pivot[p] == (word)i;
        all[(long long)i * pivots + p] = here ? 0.0f : OUT_OF_REACH;
        if (here) mine |= (bits_t)1 << p;
    }
    frontier[i] = mine;
}

extern "C" __global__ void relax(int segments, word first, int pivots, const word *node, const word *begin, const word *near,
                                 const float *pull, const bits_t *frontier, float *all, bits_t *found)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    const word i = node[s];
    float *here = all + (long long)i * pivots;
    bits_t mine = 0;
    for (word k = begin[s]; k < begin[s + 1]; k++) {
        const volatile float *there = all + (long long)near[k] * pivots;
        const float length = 1.0f / pull[k];
        for (bits_t left = frontier[near[k]]; left; left &= left - 1) {
            const int p = __ffsll((long long)left) - 1;
            const float way = there[p] + length;
            if (!(way < *(const volatile float *)(here + p))) continue;
            atomicMin((word *)(here + p), __float_as_uint(way)); // the order of numbers from 0 is that of their bits
            mine |= left & ~(left - 1);
        }
    }
    if (mine) atomicOr(found + (i - first), mine);
}

extern "C" __global__ void fell(int n, const bits_t *found, unsigned char *is)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) is[i] = found[i] != 0;
}

// `found` is left empty.
extern "C" __global__ void tell_far(int count, word first, int pivots, const word *which, bits_t *found, const float *all, word *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const word i = which[k];
    word *mine = out + (long long)k * (3 + pivots);
    mine[0] = first + i;
    mine[1] = (word)found[i];
    mine[2] = (word)(found[i] >> 32);
    for (int p = 0; p < pivots; p++) mine[3 + p] = __float_as_uint(all[(long long)(first + i) * pivots + p]);
    found[i] = 0;
}

extern "C" __global__ void forget_far(int count, int pivots, const word *told, bits_t *frontier)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) frontier[told[(long long)k * (3 + pivots)]] = 0;
}

extern "C" __global__ void hear_far(int count, int pivots, const word *told, bits_t *frontier, float *all)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const word *one = told + (long long)k * (3 + pivots);
    frontier[one[0]] = (bits_t)one[2] << 32 | one[1];
    for (int p = 0; p < pivots; p++) all[(long long)one[0] * pivots + p] = __uint_as_float(one[3 + p]);
}

// Pivot by pivot behind those of `before` others, as they are kept.
extern "C" __global__ void keep(int n, word first, int pivots, int before, const float *all, float *distance)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (int p = 0; p < pivots; p++) distance[(long long)(before + p) * n + i] = all[(long long)(first + (word)i) * pivots + p];
}

// Are labels other than before? They are kept for the next time.
extern "C" __global__ void changed(int n, const word *label, word *before, word *is)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n || before[i] == label[i]) return;
    before[i] = label[i];
    if (!*is) *is = 1;
}

// ---- Edges to the ranks that own their ends --------------------------------------------------------------

static __device__ word owner_of(word node, int size, const word *bound)
{
    int low = 0, high = size - 1; // the last block that begins at or before it
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (bound[middle] <= node) low = middle;
        else high = middle - 1;
    }
    return (word)low;
}

// Two entries an edge: the owners of its ends; where these are one, the second is nobody, as `size` says.
extern "C" __global__ void owners(int m, const word *from, const word *to, int size, const word *bound, word *owner,
                                  word *entry)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const word a = owner_of(from[e], size, bound), b = owner_of(to[e], size, bound);
    owner[2 * e] = a;
    owner[2 * e + 1] = a == b ? (word)size : b;
    entry[2 * e] = 2u * (word)e;
    entry[2 * e + 1] = 2u * (word)e + 1u;
}

extern "C" __global__ void deal(int count, const word *entry, const word *from, const word *to, const double *weight,
                                word *out_from, word *out_to, double *out_weight)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const word e = entry[k] / 2u;
    out_from[k] = from[e];
    out_to[k] = to[e];
    if (weight) out_weight[k] = weight[e];
}

// Is the lesser end among our own nodes? Ends count from 1.
extern "C" __global__ void lesser_is_own(int m, const word *from, const word *to, word first, word count, unsigned char *is)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const word lesser = from[e] < to[e] ? from[e] : to[e];
    is[e] = lesser - 1u - first < count;
}

// These edges by other numbers, which count from 0.
extern "C" __global__ void numbered(int count, const word *which, const word *place, const word *from, const word *to,
                                    const float *weight, word *out_from, word *out_to, double *out_weight)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const word e = which[k];
    out_from[k] = place[from[e] - 1u] + 1u;
    out_to[k] = place[to[e] - 1u] + 1u;
    if (weight) out_weight[k] = (double)weight[e];
}

extern "C" __global__ void narrowed(int n, const double *from, float *to)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] = (float)from[i];
}
