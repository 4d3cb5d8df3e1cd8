// SPDX-License-Identifier: MIT
// The neighbours of every node in rows (CSR), made from a list of edges: count, scan, scatter, and every row
// sorted, so that nothing depends on the order of arrival. Rows are cut into segments of at most SEGMENT
// entries, one thread each, so that a node with many neighbours does not keep the others waiting.
//
// Rows are those of the n nodes from `first` on: of all, or of a rank's own, whose other ends are in `near` all the
// same. Numbers of rows, as in `owner`, count from `first`; those in `near` and of a segment's node do not.

#define SEGMENT 32

typedef unsigned int word;

extern "C" __global__ void degrees(int m, const word *from, const word *to, word base, word first, word n,
                                   word *degree)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const word a = from[e] - base - first, b = to[e] - base - first;
    if (a < n) atomicAdd(degree + a, 1u);
    if (b < n) atomicAdd(degree + b, 1u);
}

extern "C" __global__ void segment_counts(int n, const word *degree, word *segments)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    segments[i] = (degree[i] + SEGMENT - 1) / SEGMENT;
}

static __device__ void put(word i, word other, const float *weight, const word *row, word *free, word *near,
                           float *pull, word *owner)
{
    const word at = row[i] + atomicSub(free + i, 1u) - 1u;
    near[at] = other;
    owner[at] = i;
    if (weight) pull[at] = *weight;
}

// Each edge to the rows of both its ends; `free` starts as the degrees and counts down.
extern "C" __global__ void fill_rows(int m, const word *from, const word *to, word base, word first, word n,
                                     const float *weight, const word *row, word *free, word *near, float *pull,
                                     word *owner)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const word a = from[e] - base, b = to[e] - base;
    if (a - first < n) put(a - first, b, weight ? weight + e : 0, row, free, near, pull, owner);
    if (b - first < n) put(b - first, a, weight ? weight + e : 0, row, free, near, pull, owner);
}

// How many of a sorted run are less than `value`; or not greater, for what stands behind the run.
static __device__ word rank_in(const word *run, word length, word value, bool ties)
{
    word low = 0, high = length;
    while (low < high) {
        const word middle = (low + high) / 2;
        if (run[middle] < value || (ties && run[middle] == value)) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Merges sorted runs of `width` within each row to runs twice as long: every entry finds its own place.
extern "C" __global__ void merge(int entries, word width, const word *row, const word *owner, const word *near,
                                 const float *pull, word *sorted_near, float *sorted_pull)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= entries) return;
    const word start = row[owner[k]], stop = row[owner[k] + 1], local = (word)k - start;
    const word run = local / width, other = run ^ 1u;
    const word first = start + other * width, pair = start + (run & ~1u) * width;
    const word length = first < stop ? min(width, stop - first) : 0u;
    const word at = pair + local % width + rank_in(near + first, length, near[k], run > other);
    sorted_near[at] = near[k];
    if (pull) sorted_pull[at] = pull[k];
}

// Which node a segment belongs to, and its first entry.
extern "C" __global__ void segments_of(int n, word first, const word *row, const word *segment, word *node,
                                       word *begin)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (word s = segment[i]; s < segment[i + 1]; s++) {
        node[s] = first + (word)i;
        begin[s] = row[i] + (s - segment[i]) * SEGMENT;
    }
    if (i == n - 1) begin[segment[n]] = row[n];
}
