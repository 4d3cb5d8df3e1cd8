// SPDX-License-Identifier: MIT
// Nodes numbered by where they lie (by_place.lua). `vec`, DIM and bounds.cu come before this text, and `hops`.

#define BITS (DIM == 3 ? 10 : 16) // of a coordinate in a key

// A coordinate's bits, with room for those of the others between them.
static __device__ word spread(float v, float from, float side)
{
    const float at = (v - from) / side * (float)(1 << BITS);
    const word cell = at > 0.0f ? (word)smaller(at, (float)((1 << BITS) - 1)) : 0u;
    word bits = 0;
    for (int b = 0; b < BITS; b++) bits |= (cell >> b & 1u) << (DIM * b);
    return bits;
}

// Of each node the cell that it lies in, by a curve through all of them.
extern "C" __global__ void keys(int n, const vec *position, const word *box, word *key, word *order)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float side = larger(side_of(box), 1e-20f);
    word all = spread(position[i].x, restored(box[0]), side) | spread(position[i].y, restored(box[1]), side) << 1;
#if DIM == 3
    all |= spread(position[i].z, restored(box[2]), side) << 2;
#endif
    key[i] = all;
    order[i] = (word)i;
}

extern "C" __global__ void places(int n, const word *order, word *place)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) place[order[k]] = (word)k;
}

// Positions in that order, and back.
extern "C" __global__ void in_order(int n, const word *order, const vec *from, vec *to)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) to[k] = from[order[k]];
}

extern "C" __global__ void given_back(int n, const word *order, const vec *from, vec *to)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) to[order[k]] = from[k];
}

// Nodes by their new numbers; both count from `base`.
extern "C" __global__ void translate(int count, word base, const word *place, const word *nodes, word *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) out[k] = place[nodes[k] - base] + base;
}

// Of the nodes from `first` on, in the order, what each of all nodes has.
extern "C" __global__ void take_hops(int count, word first, const word *order, const hops *all, long long at, hops *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) out[at + k] = all[order[first + k]];
}

extern "C" __global__ void flag(int count, word first, const word *nodes, unsigned char *flags)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t < count) flags[first + nodes[t]] = 1;
}

extern "C" __global__ void take_flags(int count, word first, const word *order, const unsigned char *all, unsigned char *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count) out[k] = all[order[first + k]];
}
