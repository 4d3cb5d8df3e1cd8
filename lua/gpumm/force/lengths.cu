// SPDX-License-Identifier: MIT
// Distances along edges of any length, from many pivots at once. An edge's pull is one over its length. Sums are rounded in
// the order of the way from the pivot, and a longer way never rounds to less: so the least distances do not depend on the
// order in which they are found, and both searches end with the same bits. `hops` and DISTANT come before this file.

typedef unsigned int word;
typedef unsigned long long bits_t;

// ---- A heap for each pivot, nearest first: for few fast threads -------------------------------------

typedef struct heap_t {
    const float *distance; // of each node
    word *node, *place;    // in the heap's order; where each node is in it
    word count;
} heap_t;

static __device__ void put(heap_t *h, word at, word node)
{
    h->node[at] = node;
    h->place[node] = at;
}

static __device__ void rise(heap_t *h, word at, word node)
{
    while (at > 0) {
        const word up = (at - 1) / 2;
        if (!(h->distance[node] < h->distance[h->node[up]])) break;
        put(h, at, h->node[up]);
        at = up;
    }
    put(h, at, node);
}

static __device__ word nearest_of(heap_t *h)
{
    const word found = h->node[0], node = h->node[--h->count];
    word at = 0;
    for (;;) {
        word down = 2 * at + 1;
        if (down >= h->count) break;
        if (down + 1 < h->count && h->distance[h->node[down + 1]] < h->distance[h->node[down]]) down++;
        if (!(h->distance[h->node[down]] < h->distance[node])) break;
        put(h, at, h->node[down]);
        at = down;
    }
    if (h->count > 0) put(h, at, node);
    return found;
}

extern "C" __global__ void search(int searches, int n, const word *row, const word *near, const float *pull,
                                  const word *pivot, int from, int first, hops *distance, word *queue, word *place)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= searches) return;
    hops *d = distance + (long long)(first + from + t) * n;
    heap_t h = {d, queue + (long long)t * n, place + (long long)t * n, 1};
    for (int i = 0; i < n; i++) d[i] = DISTANT;
    d[pivot[from + t]] = 0.0f;
    put(&h, 0, pivot[from + t]);
    while (h.count > 0) {
        const word i = nearest_of(&h);
        for (word k = row[i]; k < row[i + 1]; k++) {
            const word j = near[k];
            const float there = d[i] + 1.0f / pull[k];
            if (!(there < d[j])) continue;
            if (d[j] == DISTANT) h.place[j] = h.count++;
            d[j] = there;
            rise(&h, h.place[j], j);
        }
    }
}

// ---- All pivots at once, round by round: for many threads --------------------------------------------
// A node whose distance from some pivots fell has their bits in `frontier`: its neighbours look whether theirs falls too.

extern "C" __global__ void plant(int n, int pivots, int first, const word *pivot, hops *distance, bits_t *frontier)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    bits_t mine = 0;
    for (int p = 0; p < pivots; p++) {
        const bool here = pivot[p] == (word)i;
        distance[(long long)(first + p) * n + i] = here ? 0.0f : DISTANT;
        if (here) mine |= (bits_t)1 << p;
    }
    frontier[i] = mine;
}

extern "C" __global__ void relax(int segments, const word *node, const word *begin, const word *near, const float *pull, int n,
                                 int first, word round, const bits_t *frontier, bits_t *next, hops *distance, word *last)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    const word i = node[s];
    bits_t found = 0;
    for (word k = begin[s]; k < begin[s + 1]; k++) {
        const word j = near[k];
        const float length = 1.0f / pull[k];
        for (bits_t left = frontier[j]; left; left &= left - 1) {
            const long long at = (long long)(first + __ffsll((long long)left) - 1) * n;
            const volatile hops *there = distance + at;
            const float way = there[j] + length;
            if (!(way < there[i])) continue;
            atomicMin((word *)(distance + at + i), __float_as_uint(way)); // the order of numbers from 0 is that of their bits
            found |= left & ~(left - 1);
        }
    }
    if (!found) return;
    atomicOr(next + i, found);
    if (*last != round) *last = round;
}
