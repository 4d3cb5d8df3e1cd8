// SPDX-License-Identifier: MIT
// How good a layout is: how far its distances are from the graph's, how many of a node's neighbours are among the nodes
// nearest to it, which edges cross, and which nodes lie on one another. `hops` and DISTANT come before this file.
//
// Sums are of chunks of nodes, by threads that go through them in their order. Positions and `near` are of all nodes, rows and
// distances of the n nodes from `first` on: all, or a rank's own. What edges cross is asked of all rows.

#define FARTHEST 3.0e38f
#define TOUCHING 0.99999f // of the sum of two radii: nearer is an overlap

typedef unsigned int word;

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

// The same for the nodes within two edges; `reach` has every sampled node's distances in edges.
extern "C" __global__ void kept_in_two(int samples, int n, const word *sample, const hops *reach, const vec *position, double *out)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= samples) return;
    const hops *far = reach + (long long)s * n;
    word near = 0, both = 0, within = 0;
    for (int j = 0; j < n; j++) near += far[j] >= 1 && far[j] <= 2;
    if (near == 0) {
        out[s] = -1.0;
        return;
    }
    const word limit = kth(position, n, sample[s], near);
    for (int j = 0; j < n; j++) {
        const bool is = __float_as_uint(apart(position[sample[s]], position[j])) <= limit && far[j] != 0;
        within += is;
        both += is && far[j] <= 2;
    }
    out[s] = (double)both / (double)(within + near - both);
}

// How many of a node's neighbours come before it: those are the edges that it lists.
extern "C" __global__ void listed(int n, const word *row, const word *near, word *count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    word k = row[i];
    while (k < row[i + 1] && near[k] < (word)i) k++;
    count[i] = k - row[i];
}

// The ends of edges by their numbers in that list, of which node i has those from first[i] on: the nodes, and in `line` the
// coordinates, each in a row of its own.
extern "C" __global__ void ends_of(int edges, int n, const word *chosen, const word *first, const word *row, const word *near,
                                   const vec *position, word *from, word *to, float *line)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= edges) return;
    const word e = chosen ? chosen[s] : (word)s;
    word low = 0, high = (word)n - 1;
    while (low < high) {
        const word middle = (low + high + 1) / 2;
        if (first[middle] <= e) low = middle;
        else high = middle - 1;
    }
    const word other = near[row[low] + e - first[low]];
    from[s] = low;
    to[s] = other;
    line[s] = position[low].x;
    line[edges + s] = position[low].y;
    line[2 * edges + s] = position[other].x;
    line[3 * edges + s] = position[other].y;
}

// On which side of the line from a, by (ux, uy), is c: exact where positions are whole numbers that are not too large.
static __device__ double side_of(double ux, double uy, double ax, double ay, double cx, double cy)
{
    return ux * (cy - ay) - uy * (cx - ax);
}

// How many of the edges before it each edge crosses, which has no end in common with them. What only touches does not cross.
// Without a branch, so that the host's compiler makes one of several pairs.
extern "C" __global__ void crossings(int edges, const word *from, const word *to, const float *line, word *count)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= edges) return;
    const float *x0 = line, *y0 = line + edges, *x1 = line + 2 * edges, *y1 = line + 3 * edges;
    const word i = from[s], j = to[s];
    const double ax = x0[s], ay = y0[s], bx = x1[s], by = y1[s], ux = bx - ax, uy = by - ay;
    word crossed = 0;
    for (int t = 0; t < s; t++) {
        const double cx = x0[t], cy = y0[t], dx = x1[t], dy = y1[t], vx = dx - cx, vy = dy - cy;
        const double c = side_of(ux, uy, ax, ay, cx, cy), d = side_of(ux, uy, ax, ay, dx, dy);
        const double a = side_of(vx, vy, cx, cy, ax, ay), b = side_of(vx, vy, cx, cy, bx, by);
        const word k = from[t], l = to[t];
        crossed += (word)((c * d < 0.0) & (a * b < 0.0) & (i != k) & (i != l) & (j != k) & (j != l));
    }
    count[s] = crossed;
}

// How far the nearest other node is from each node, and whether its disc lies on another's. Without radii they are points,
// which lie on one another where they are one.
extern "C" __global__ void closest(int samples, int n, const word *sample, const vec *position, const float *radius,
                                   float *nearest, unsigned char *overlaps)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= samples) return;
    const word i = sample ? sample[s] : (word)s;
    const float own = radius ? radius[i] : 0.0f;
    float least = FARTHEST;
    word hit = 0;
    for (int j = 0; j < n; j++) {
        if (j == (int)i) continue;
        const float d2 = apart(position[i], position[j]), room = (own + (radius ? radius[j] : 0.0f)) * TOUCHING;
        least = fminf(least, d2);
        hit |= d2 < room * room || d2 == 0.0f;
    }
    nearest[s] = sqrtf(least);
    overlaps[s] = (unsigned char)hit;
}
