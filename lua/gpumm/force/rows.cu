// SPDX-License-Identifier: MIT
// The neighbours of every node in rows (CSR), made from a list of edges: count, scan, scatter, and every row
// sorted, so that nothing depends on the order of arrival. Rows are cut into segments of at most SEGMENT
// entries, one thread each, so that a node with many neighbours does not keep the others waiting.

#define SEGMENT 32

typedef unsigned int word;

extern "C" __global__ void degrees(int m, const word *from, const word *to, word base, word *degree)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    atomicAdd(degree + from[e] - base, 1u);
    atomicAdd(degree + to[e] - base, 1u);
}

extern "C" __global__ void segment_counts(int n, const word *degree, word *segments)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    segments[i] = (degree[i] + SEGMENT - 1) / SEGMENT;
}

// Each edge to the rows of both its ends; `free` starts as the degrees and counts down.
extern "C" __global__ void fill_rows(int m, const word *from, const word *to, word base, const float *weight,
                                     const word *row, word *free, word *near, float *pull, word *owner)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const word a = from[e] - base, b = to[e] - base;
    const word at = row[a] + atomicSub(free + a, 1u) - 1u, to_at = row[b] + atomicSub(free + b, 1u) - 1u;
    near[at] = b;
    near[to_at] = a;
    owner[at] = a;
    owner[to_at] = b;
    if (pull) pull[at] = pull[to_at] = weight[e];
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
extern "C" __global__ void segments_of(int n, const word *row, const word *first, word *node, word *begin)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (word s = first[i]; s < first[i + 1]; s++) {
        node[s] = (word)i;
        begin[s] = row[i] + (s - first[i]) * SEGMENT;
    }
    if (i == n - 1) begin[first[n]] = row[n];
}
