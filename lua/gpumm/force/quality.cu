// SPDX-License-Identifier: MIT
// How good a layout is: how far its distances are from the graph's, and how many of a node's neighbours are
// among the nodes nearest to it. Sums are of chunks of nodes, by threads that go through them in their order. Positions and
// `near` are of all nodes, rows and distances of the n nodes from `first` on: all, or a rank's own.

#define DISTANT 0xffffu

typedef unsigned int word;
typedef unsigned short hops;

static __device__ float apart(vec a, vec b)
{
    const float dx = a.x - b.x, dy = a.y - b.y;
#if DIM == 3
    const float dz = a.z - b.z;
    return dx * dx + dy * dy + dz * dz;
#else
    return dx * dx + dy * dy;
#endif
}

// Sums of r, r^2 and 1 over the pairs of a pivot and a chunk's nodes; r = |xi - xj| / dij.
extern "C" __global__ void ratios(int chunks, word chunk, int n, word first, int pivots, const word *pivot,
                                  const hops *distance, const vec *position, double *out)
{
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    double sum = 0.0, squares = 0.0, pairs = 0.0;
    const word from = (word)c * chunk, end = min((word)n, from + chunk);
    for (int p = 0; p < pivots; p++) {
        const vec here = position[pivot[p]];
        for (word i = from; i < end; i++) {
            const hops d = distance[(long long)p * n + i];
            if (d == 0 || d == DISTANT) continue;
            const double r = sqrt((double)apart(here, position[first + i])) / d;
            sum += r;
            squares += r * r;
            pairs += 1.0;
        }
    }
    out[3 * (first / chunk + c)] = sum;
    out[3 * (first / chunk + c) + 1] = squares;
    out[3 * (first / chunk + c) + 2] = pairs;
}

// The same sums of lengths over a chunk's nodes' edges to nodes before them.
extern "C" __global__ void lengths(int chunks, word chunk, int n, word first, const word *row, const word *near,
                                   const vec *position, double *out)
{
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    double sum = 0.0, squares = 0.0, edges = 0.0;
    const word from = (word)c * chunk, end = min((word)n, from + chunk);
    for (word i = from; i < end; i++)
        for (word k = row[i]; k < row[i + 1] && near[k] < first + i; k++) {
            const double d2 = (double)apart(position[first + i], position[near[k]]);
            sum += sqrt(d2);
            squares += d2;
            edges += 1.0;
        }
    out[3 * (first / chunk + c)] = sum;
    out[3 * (first / chunk + c) + 1] = squares;
    out[3 * (first / chunk + c) + 2] = edges;
}

// The square distance within which the k nodes nearest to one lie, by digits of the numbers' bits.
static __device__ word kth(const vec *position, int n, word self, word k)
{
    word low = 0, found = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        word bins[256];
        for (int b = 0; b < 256; b++) bins[b] = 0;
        const word mask = shift == 24 ? 0u : 0xffffffffu << (shift + 8);
        for (int j = 0; j < n; j++) {
            const word bits = __float_as_uint(apart(position[self], position[j]));
            if ((bits & mask) == low && (word)j != self) bins[bits >> shift & 255u]++;
        }
        int b = 0;
        while (b < 255 && found + bins[b] < k) found += bins[b++];
        low |= (word)b << shift;
    }
    return low;
}

// Jaccard's measure of a node's neighbours and as many nodes nearest to it (more, where they are equally near) of all.
// Nothing is written for a node without a row here.
extern "C" __global__ void kept(int samples, int all, int n, word first, const word *sample, const word *row,
                                const word *near, const vec *position, double *out)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= samples || sample[s] - first >= (word)n) return;
    const word i = sample[s], *of = row + (i - first), degree = of[1] - of[0];
    if (degree == 0) {
        out[s] = -1.0;
        return;
    }
    const word limit = kth(position, all, i, degree);
    word both = 0, within = 0;
    for (word k = of[0]; k < of[1]; k++)
        both += __float_as_uint(apart(position[i], position[near[k]])) <= limit;
    for (int j = 0; j < all; j++)
        within += __float_as_uint(apart(position[i], position[j])) <= limit && (word)j != i;
    out[s] = (double)both / (double)(within + degree - both);
}
