// SPDX-License-Identifier: MIT
// What stands before the kernels of this folder where they are compiled for a GPU. Beside it stands phases.h, which makes
// the same texts C functions for the host: there EACH_THREAD is a loop over the threads of a block, what a thread OWNs is
// an array with a row for each, and a BARRIER is where one loop ends and the next begins.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;
typedef float f32;

#define ON_GPU 1
#define THREADS 256
#define ROW 1024 // elements that a block takes at once: four a thread
#define ROWS 4
#define TILE 4096
#define DIGITS 256

#define READ const void *
#define WRITE void *
#define COUNT u64
#define WORD u32
#define NAME(name) name
#define HELPER static __device__ __forceinline__
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT) name
#define K2(name, A, a, B, b) KERNEL(name)(A a, B b)
#define K4(name, A, a, B, b, C, c, D, d) KERNEL(name)(A a, B b, C c, D d)
#define K5(name, A, a, B, b, C, c, D, d, E, e) KERNEL(name)(A a, B b, C c, D d, E e)
#define K6(name, A, a, B, b, C, c, D, d, E, e, F, f) KERNEL(name)(A a, B b, C c, D d, E e, F f)
#define K7(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g) KERNEL(name)(A a, B b, C c, D d, E e, F f, G g)
#define K8(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h) KERNEL(name)(A a, B b, C c, D d, E e, F f, G g, \
    H h)
#define K10(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h, I, i, J, j) KERNEL(name)(A a, B b, C c, D d, E \
    e, F f, G g, H h, I i, J j)
#define K11(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h, I, i, J, j, L, l) KERNEL(name)(A a, B b, C c, D \
    d, E e, F f, G g, H h, I i, J j, L l)

#define FOUR(type, name) struct __align__(16) name { type v[4]; }
#define BLOCK blockIdx.x
#define EACH_THREAD(t) if (const u32 t = threadIdx.x; true)
#define BARRIER __syncthreads();
#define SHARED(type, name, count) __shared__ type name[count]
#define OWN(type, name) type name
#define OWNS(type, name, count) type name[count]
#define MINE(name, t) name
#define UNROLL _Pragma("unroll")
#define UNROLL_EIGHT _Pragma("unroll 8")
#define UNROLL_ROWS _Pragma("unroll 4")
#define ADD_SHARED(at) atomicAdd((at), 1u)
#define ADD_GLOBAL(at, value) atomicAdd((at), (value))
#define BITS_IN(bits) __popc(bits)
#define AS_FLOAT(bits) __uint_as_float(bits)

// One value of each thread: those of the threads before it, and of all. `room` has a place for each warp.
HELPER u32 rank_of(u32 value, u32 *room, u32 *total)
{
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    u32 sum = value;
    UNROLL for (u32 d = 1; d < 32; d *= 2) {
        const u32 other = __shfl_up_sync(~0u, sum, d);
        if (lane >= d) sum += other;
    }
    if (lane == 31) room[warp] = sum;
    __syncthreads();
    u32 before = 0, all = 0;
    UNROLL for (u32 w = 0; w < THREADS / 32; w++) {
        const u32 one = room[w];
        if (w < warp) before += one;
        all += one;
    }
    __syncthreads();
    *total = all;
    return before + sum - value;
}
#define RANK(values, ranks, room, total) u32 total; ranks = rank_of(values, room, &total)
