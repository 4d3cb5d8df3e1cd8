/* SPDX-License-Identifier: MIT */
/* What stands before the kernels of this folder where they are compiled for the host: the words of cuda.cu in C. A kernel
   is a function of a block's number; the function of its name runs a range of blocks, as a kernel that was compiled at
   run time does, so that a launch on the host has a thread for each block. */
#ifndef PRIMITIVES_PHASES_H
#define PRIMITIVES_PHASES_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;

#define ON_GPU 0
enum { THREADS = 256, ROW = 1024, ROWS = 4, TILE = 4096, DIGITS = 256 };

#define READ const void *
#define WRITE void *
#define COUNT u64
#define WORD u32
#define HELPER static inline

/* How a kernel is found, and what it takes: its parameters' kinds, in words. */
#define RUN(name, takes, parameters, arguments) \
    static void NAME(name##_block) parameters; \
    static const char NAME(name##_takes)[] = takes; \
    static void NAME(name)(void *const *p, uint64_t begin, uint64_t end, uint64_t threads, unsigned block) { \
        (void)threads, (void)block; \
        for (; begin < end; begin++) NAME(name##_block) arguments; \
    } \
    static void NAME(name##_block) parameters
#define GET(A, i) *(A const *)p[i]
#define K2(name, A, a, B, b) RUN(name, #A "," #B, (u64 BLOCK, A a, B b), (begin, GET(A, 0), GET(B, 1)))
#define K4(name, A, a, B, b, C, c, D, d) \
    RUN(name, #A "," #B "," #C "," #D, (u64 BLOCK, A a, B b, C c, D d), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3)))
#define K5(name, A, a, B, b, C, c, D, d, E, e) \
    RUN(name, #A "," #B "," #C "," #D "," #E, (u64 BLOCK, A a, B b, C c, D d, E e), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4)))
#define K6(name, A, a, B, b, C, c, D, d, E, e, F, f) \
    RUN(name, #A "," #B "," #C "," #D "," #E "," #F, (u64 BLOCK, A a, B b, C c, D d, E e, F f), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4), GET(F, 5)))
#define K7(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g) \
    RUN(name, #A "," #B "," #C "," #D "," #E "," #F "," #G, (u64 BLOCK, A a, B b, C c, D d, E e, F f, G g), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4), GET(F, 5), GET(G, 6)))
#define K8(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h) \
    RUN(name, #A "," #B "," #C "," #D "," #E "," #F "," #G "," #H, \
        (u64 BLOCK, A a, B b, C c, D d, E e, F f, G g, H h), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4), GET(F, 5), GET(G, 6), GET(H, 7)))
#define K10(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h, I, i, J, j) \
    RUN(name, #A "," #B "," #C "," #D "," #E "," #F "," #G "," #H "," #I "," #J, \
        (u64 BLOCK, A a, B b, C c, D d, E e, F f, G g, H h, I i, J j), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4), GET(F, 5), GET(G, 6), GET(H, 7), GET(I, 8), \
         GET(J, 9)))
#define K11(name, A, a, B, b, C, c, D, d, E, e, F, f, G, g, H, h, I, i, J, j, L, l) \
    RUN(name, #A "," #B "," #C "," #D "," #E "," #F "," #G "," #H "," #I "," #J "," #L, \
        (u64 BLOCK, A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, L l), \
        (begin, GET(A, 0), GET(B, 1), GET(C, 2), GET(D, 3), GET(E, 4), GET(F, 5), GET(G, 6), GET(H, 7), GET(I, 8), \
         GET(J, 9), GET(L, 10)))

#define FOUR(type, name) \
    typedef struct name { \
        type v[4]; \
    } name
#define EACH_THREAD(t) for (u32 t = 0; t < THREADS; t++)
#define BARRIER
#define SHARED(type, name, count) type name[count]
#define OWN(type, name) type name[THREADS]
#define OWNS(type, name, count) type name[THREADS][count]
#define MINE(name, t) name[t]
#define UNROLL
#define UNROLL_ROWS
#define ADD_SHARED(at) ((*(at))++)
#define ADD_GLOBAL(at, value) __atomic_fetch_add((at), (value), __ATOMIC_RELAXED)

#define PAUSE() sched_yield()
#define BITS_IN(bits) (u32) __builtin_popcount(bits)

static inline f32 AS_FLOAT(u32 bits) {
    f32 value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline u32 rank_all(const u32 values[static THREADS], u32 ranks[static THREADS]) {
    u32 sum = 0;
    for (u32 t = 0; t < THREADS; t++) {
        ranks[t] = sum;
        sum += values[t];
    }
    return sum;
}
#define RANK(values, ranks, room, total) \
    (void)room; \
    const u32 total = rank_all(values, ranks)

#endif
