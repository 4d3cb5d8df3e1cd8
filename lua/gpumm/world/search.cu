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
