// SPDX-License-Identifier: MIT
// A part of the box around all nodes. The text of this file comes before those of kernels that look at every node's
// position anyway; `vec` and DIM come before it. The box holds the least coordinates, then the greatest turned around,
// as numbers that compare as floats do: all of them are lowered, in any order.

typedef unsigned int word;

static __device__ word ordered(float v) // unsigned integers that compare as the floats do
{
    const word bits = __float_as_uint(v);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static __device__ float restored(word v) { return __uint_as_float(v & 0x80000000u ? v & 0x7fffffffu : ~v); }

static __device__ float larger(float a, float b) { return a > b ? a : b; }

static __device__ float smaller(float a, float b) { return a < b ? a : b; }

// The longest side of a box.
static __device__ float side_of(const word *box)
{
    float side = larger(restored(~box[3]) - restored(box[0]), restored(~box[4]) - restored(box[1]));
#if DIM == 3
    side = larger(side, restored(~box[5]) - restored(box[2]));
#endif
    return side;
}

// Lowers a number to what a thread has found. Where a warp can, its threads meet before.
static __device__ void lower(word *at, word value)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    const unsigned active = __activemask();
    value = __reduce_min_sync(active, value);
    if ((threadIdx.x & 31) == __ffs(active) - 1) atomicMin(at, value);
#else
    atomicMin(at, value);
#endif
}

// Thread t of so many looks at every such node, so that few meet at the atomics.
static __device__ void bound(int t, int threads, int n, const vec *position, word *box)
{
    vec low = position[t], high = low;
    for (int i = t + threads; i < n; i += threads) {
        const vec p = position[i];
        low.x = smaller(low.x, p.x);
        low.y = smaller(low.y, p.y);
        high.x = larger(high.x, p.x);
        high.y = larger(high.y, p.y);
#if DIM == 3
        low.z = smaller(low.z, p.z);
        high.z = larger(high.z, p.z);
#endif
    }
    lower(box + 0, ordered(low.x));
    lower(box + 1, ordered(low.y));
    lower(box + 3, ~ordered(high.x));
    lower(box + 4, ~ordered(high.y));
#if DIM == 3
    lower(box + 2, ordered(low.z));
    lower(box + 5, ~ordered(high.z));
#endif
}
