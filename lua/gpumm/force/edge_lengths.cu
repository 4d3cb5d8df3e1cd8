// SPDX-License-Identifier: MIT
// Sums over the lengths of all edges, each at its later node. `vec` and DIM come before this file. A node's row is gathered by
// segments, since a hub's would keep one thread for long; then the segments of a chunk's nodes are added in their order. Positions
// are of all nodes, segments of the n nodes from `first` on: all, or a rank's own.

typedef unsigned int word;

static __device__ double length_of(vec a, vec b)
{
    const float dx = a.x - b.x, dy = a.y - b.y;
#if DIM == 3
    const float dz = a.z - b.z;
    return sqrt((double)(dx * dx + dy * dy + dz * dz));
#else
    return sqrt((double)(dx * dx + dy * dy));
#endif
}

// Of each segment: the sum of lengths, and of their squares.
extern "C" __global__ void by_segment(int segments, const word *node, const word *begin, const word *near, const vec *position,
                                      double *sums)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    double sum = 0.0, squares = 0.0;
    const word self = node[s];
    for (word k = begin[s]; k < begin[s + 1] && near[k] < self; k++) {
        const double d = length_of(position[self], position[near[k]]);
        sum += d;
        squares += d * d;
    }
    sums[2 * (long long)s] = sum;
    sums[2 * (long long)s + 1] = squares;
}

extern "C" __global__ void by_chunk(int chunks, word chunk, int n, word first, const word *segment, const double *sums,
                                    double *out)
{
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    double sum = 0.0, squares = 0.0;
    const word from = (word)c * chunk, end = min((word)n, from + chunk);
    for (word s = segment[from]; s < segment[end]; s++) {
        sum += sums[2 * (long long)s];
        squares += sums[2 * (long long)s + 1];
    }
    out[2 * (first / chunk + c)] = sum;
    out[2 * (first / chunk + c) + 1] = squares;
}
