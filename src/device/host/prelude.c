/* SPDX-License-Identifier: MIT */
/* The prelude's text. Code is written as code: TEXT makes a string of it (without comments and line ends);
   only preprocessor lines stand as strings. Everything is static, so that what a kernel does not
   use costs nothing. */
#include "device/host/prelude.h"

#include <stddef.h>

#include "device/host/prelude_arithmetic.h"
#include "device/host/prelude_half.h"
#include "device/host/prelude_integers.h"

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char words[] =
    "#include <math.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n"
    "#include <assert.h>\n#include <time.h>\n"
    "#define GPUMM_HOST 1\n#define __CUDACC__ 1\n"
    "#define __device__\n#define __host__\n#define __constant__\n#define __managed__\n"
    "#define __global__ __attribute__((always_inline))\n"
    "#define __forceinline__ inline __attribute__((always_inline))\n"
    "#define __noinline__ __attribute__((noinline))\n"
    "#define __launch_bounds__(...)\n#define __maxnreg__(...)\n#define __cluster_dims__(...)\n"
    "#define __grid_constant__\n"
    "#define __align__(n) __attribute__((aligned(n)))\n"
    "#define GPUMM static inline __attribute__((always_inline, unused))\n";

/* Vector types: CUDA's sizes and alignments, two lanes and four aligned to their whole up to 16. */
static const char vectors[] =
    "#define GPUMM_VECTOR(T, N, S)"
    " struct N##1 { T x; };"
    " struct alignas(S * 2 > 16 ? 16 : S * 2) N##2 { T x, y; };"
    " struct N##3 { T x, y, z; };"
    " struct alignas(S * 4 > 16 ? 16 : S * 4) N##4 { T x, y, z, w; };"
    " GPUMM N##1 make_##N##1(T x) { return {x}; }"
    " GPUMM N##2 make_##N##2(T x, T y) { return {x, y}; }"
    " GPUMM N##3 make_##N##3(T x, T y, T z) { return {x, y, z}; }"
    " GPUMM N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }\n"
    "GPUMM_VECTOR(signed char, char, 1)\nGPUMM_VECTOR(unsigned char, uchar, 1)\n"
    "GPUMM_VECTOR(short, short, 2)\nGPUMM_VECTOR(unsigned short, ushort, 2)\n"
    "GPUMM_VECTOR(int, int, 4)\nGPUMM_VECTOR(unsigned int, uint, 4)\n"
    "GPUMM_VECTOR(long, long, 8)\nGPUMM_VECTOR(unsigned long, ulong, 8)\n"
    "GPUMM_VECTOR(long long, longlong, 8)\nGPUMM_VECTOR(unsigned long long, ulonglong, 8)\n"
    "GPUMM_VECTOR(float, float, 4)\nGPUMM_VECTOR(double, double, 8)\n"
    "#undef GPUMM_VECTOR\n";

/* The indices are static and nobody takes their address, so that a compiler keeps them in registers
   and a loop over threads becomes a vector loop. */
static const char indices[] =
    TEXT(
    typedef unsigned char uchar;
    typedef unsigned short ushort;
    typedef unsigned int uint;
    typedef unsigned long ulong;
    struct dim3 {
        unsigned int x, y, z;
        constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
        constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
        constexpr operator uint3() const { return {x, y, z}; }
    };
    static __thread uint3 threadIdx = {0, 0, 0};
    static __thread uint3 blockIdx = {0, 0, 0};
    static __thread uint3 blockDim = {1, 1, 1};
    static __thread uint3 gridDim = {1, 1, 1};
    static constexpr int warpSize = 32;
);

/* Bits and conversions. Conversions to integers saturate and take NaN to 0, as on the GPU. */
static const char bits[] =
    TEXT(
    template <class To, class From> GPUMM To gpumm_bits(From v) {
        static_assert(sizeof(To) == sizeof(From), "sizes differ");
        To to;
        __builtin_memcpy(&to, &v, sizeof to);
        return to;
    }
    GPUMM int __float_as_int(float v) { return gpumm_bits<int>(v); }
    GPUMM unsigned __float_as_uint(float v) { return gpumm_bits<unsigned>(v); }
    GPUMM float __int_as_float(int v) { return gpumm_bits<float>(v); }
    GPUMM float __uint_as_float(unsigned v) { return gpumm_bits<float>(v); }
    GPUMM long long __double_as_longlong(double v) { return gpumm_bits<long long>(v); }
    GPUMM double __longlong_as_double(long long v) { return gpumm_bits<double>(v); }
    GPUMM int __double2hiint(double v) { return (int)(gpumm_bits<long long>(v) >> 32); }
    GPUMM int __double2loint(double v) { return (int)gpumm_bits<long long>(v); }
    GPUMM double __hiloint2double(int hi, int lo) {
        return gpumm_bits<double>((unsigned long long)(unsigned)hi << 32 | (unsigned)lo);
    }
    template <class To, class From> GPUMM To gpumm_saturated(From v, To low, To high) {
        return v != v ? To(0) : v <= (From)low ? low : v >= (From)high ? high : (To)v;
    }
);

/* __float2int_rn and its like, for each rounding. */
static const char conversions[] =
    "#define GPUMM_FROM(F, FN, R, ROUND)"
    " GPUMM int __##FN##2int_##R(F v) {"
    " return gpumm_saturated<int>(ROUND(v), -2147483647 - 1, 2147483647); }"
    " GPUMM unsigned __##FN##2uint_##R(F v) {"
    " return gpumm_saturated<unsigned>(ROUND(v), 0u, 4294967295u); }"
    " GPUMM long long __##FN##2ll_##R(F v) {"
    " return gpumm_saturated<long long>(ROUND(v), -9223372036854775807ll - 1, 9223372036854775807ll); }"
    " GPUMM unsigned long long __##FN##2ull_##R(F v) {"
    " return gpumm_saturated<unsigned long long>(ROUND(v), 0ull, 18446744073709551615ull); }\n"
    "GPUMM_FROM(float, float, rn, __builtin_rintf) GPUMM_FROM(float, float, rz, __builtin_truncf)\n"
    "GPUMM_FROM(float, float, rd, __builtin_floorf) GPUMM_FROM(float, float, ru, __builtin_ceilf)\n"
    "GPUMM_FROM(double, double, rn, __builtin_rint) GPUMM_FROM(double, double, rz, __builtin_trunc)\n"
    "GPUMM_FROM(double, double, rd, __builtin_floor) GPUMM_FROM(double, double, ru, __builtin_ceil)\n"
    "#undef GPUMM_FROM\n";

/* min and max for every pair that CUDA has; of a float and a NaN the float. */
static const char extremes[] =
    "#define GPUMM_EXTREME(A, B, R)"
    " GPUMM R min(A a, B b) { return (R)a < (R)b ? (R)a : (R)b; }"
    " GPUMM R max(A a, B b) { return (R)a > (R)b ? (R)a : (R)b; }\n"
    "GPUMM_EXTREME(int, int, int) GPUMM_EXTREME(unsigned, unsigned, unsigned)\n"
    "GPUMM_EXTREME(int, unsigned, unsigned) GPUMM_EXTREME(unsigned, int, unsigned)\n"
    "GPUMM_EXTREME(long, long, long) GPUMM_EXTREME(unsigned long, unsigned long, unsigned long)\n"
    "GPUMM_EXTREME(long, unsigned long, unsigned long) GPUMM_EXTREME(unsigned long, long, unsigned long)\n"
    "GPUMM_EXTREME(long long, long long, long long)\n"
    "GPUMM_EXTREME(unsigned long long, unsigned long long, unsigned long long)\n"
    "GPUMM_EXTREME(long long, unsigned long long, unsigned long long)\n"
    "GPUMM_EXTREME(unsigned long long, long long, unsigned long long)\n"
    "#undef GPUMM_EXTREME\n" TEXT(
    GPUMM float min(float a, float b) { return __builtin_fminf(a, b); }
    GPUMM float max(float a, float b) { return __builtin_fmaxf(a, b); }
    GPUMM double min(double a, double b) { return __builtin_fmin(a, b); }
    GPUMM double max(double a, double b) { return __builtin_fmax(a, b); }
    GPUMM double min(float a, double b) { return __builtin_fmin(a, b); }
    GPUMM double max(float a, double b) { return __builtin_fmax(a, b); }
    GPUMM double min(double a, float b) { return __builtin_fmin(a, b); }
    GPUMM double max(double a, float b) { return __builtin_fmax(a, b); }
    GPUMM unsigned umin(unsigned a, unsigned b) { return a < b ? a : b; }
    GPUMM unsigned umax(unsigned a, unsigned b) { return a > b ? a : b; }
    template <class T> GPUMM T __ldg(const T *p) { return *p; }
    template <class T> GPUMM T __ldcg(const T *p) { return *p; }
    template <class T> GPUMM T __ldca(const T *p) { return *p; }
    template <class T> GPUMM T __ldcs(const T *p) { return *p; }
    template <class T> GPUMM void __stcg(T *p, T v) { *p = v; }
    template <class T> GPUMM void __stwb(T *p, T v) { *p = v; }
    template <class T> GPUMM void __stcs(T *p, T v) { *p = v; }
);

/* Atomics: whole words by the processor's own, everything else by comparing and exchanging. */
static const char atomics[] =
    "#define GPUMM_WORD(T)"
    " GPUMM T atomicExch(T *p, T v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); }"
    " GPUMM T atomicAnd(T *p, T v) { return __atomic_fetch_and(p, v, __ATOMIC_RELAXED); }"
    " GPUMM T atomicOr(T *p, T v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }"
    " GPUMM T atomicXor(T *p, T v) { return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED); }"
    " GPUMM T atomicCAS(T *p, T compare, T v) {"
    " __atomic_compare_exchange_n(p, &compare, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);"
    " return compare; }"
    " GPUMM T atomicMin(T *p, T v) { return gpumm_change(p, [=](T a) { return v < a ? v : a; }); }"
    " GPUMM T atomicMax(T *p, T v) { return gpumm_change(p, [=](T a) { return v > a ? v : a; }); }\n" TEXT(
    template <unsigned N> struct gpumm_word;
    template <> struct gpumm_word<2> { typedef unsigned short type; };
    template <> struct gpumm_word<4> { typedef unsigned int type; };
    template <> struct gpumm_word<8> { typedef unsigned long long type; };
    template <class T, class F> GPUMM T gpumm_change(T *p, F f) {
        typedef typename gpumm_word<sizeof(T)>::type word __attribute__((may_alias));
        word was = __atomic_load_n((word *)p, __ATOMIC_RELAXED);
        for (;;) {
            T old = gpumm_bits<T>((typename gpumm_word<sizeof(T)>::type)was);
            word now = gpumm_bits<typename gpumm_word<sizeof(T)>::type>(f(old));
            if (now == was ||
                __atomic_compare_exchange_n((word *)p, &was, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                return old;
        }
    }
) "GPUMM_WORD(int) GPUMM_WORD(unsigned int) GPUMM_WORD(long long) GPUMM_WORD(unsigned long long)\n"
           "#undef GPUMM_WORD\n";

static const char atomic_sums[] =
    TEXT(
    GPUMM unsigned short atomicCAS(unsigned short *p, unsigned short compare, unsigned short v) {
        __atomic_compare_exchange_n(p, &compare, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        return compare;
    }
    GPUMM int atomicAdd(int *p, int v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
    GPUMM unsigned atomicAdd(unsigned *p, unsigned v) {
        return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
    }
    GPUMM unsigned long long atomicAdd(unsigned long long *p, unsigned long long v) {
        return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
    }
    GPUMM int atomicSub(int *p, int v) { return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); }
    GPUMM unsigned atomicSub(unsigned *p, unsigned v) {
        return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
    }
    GPUMM float atomicAdd(float *p, float v) {
        return gpumm_change(p, [=](float a) { return a + v; });
    }
    GPUMM double atomicAdd(double *p, double v) {
        return gpumm_change(p, [=](double a) { return a + v; });
    }
    GPUMM float2 atomicAdd(float2 *p, float2 v) {
        return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y)};
    }
    GPUMM float4 atomicAdd(float4 *p, float4 v) {
        return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y), atomicAdd(&p->z, v.z), atomicAdd(&p->w, v.w)};
    }
    GPUMM float atomicExch(float *p, float v) {
        return gpumm_change(p, [=](float) { return v; });
    }
    GPUMM unsigned atomicInc(unsigned *p, unsigned v) {
        return gpumm_change(p, [=](unsigned a) { return a >= v ? 0u : a + 1u; });
    }
    GPUMM unsigned atomicDec(unsigned *p, unsigned v) {
        return gpumm_change(p, [=](unsigned a) { return a == 0 || a > v ? v : a - 1u; });
    }
);

/* The forms for a block and for the whole system are the same thing here. */
static const char atomic_scopes[] =
    "#define GPUMM_SCOPE(N) "
    " template <class T, class... V> GPUMM auto N##_block(T *p, V... v) { return N(p, v...); }"
    " template <class T, class... V> GPUMM auto N##_system(T *p, V... v) { return N(p, v...); }\n"
    "GPUMM_SCOPE(atomicAdd) GPUMM_SCOPE(atomicSub) GPUMM_SCOPE(atomicMin) GPUMM_SCOPE(atomicMax)\n"
    "GPUMM_SCOPE(atomicAnd) GPUMM_SCOPE(atomicOr) GPUMM_SCOPE(atomicXor) GPUMM_SCOPE(atomicExch)\n"
    "GPUMM_SCOPE(atomicCAS) GPUMM_SCOPE(atomicInc) GPUMM_SCOPE(atomicDec)\n"
    "#undef GPUMM_SCOPE\n" TEXT(
    GPUMM void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
    GPUMM void __threadfence_block() { __threadfence(); }
    GPUMM void __threadfence_system() { __threadfence(); }
    GPUMM void __trap() { __builtin_trap(); }
    GPUMM void __brkpt() {}
    GPUMM void __nanosleep(unsigned ns) {
        struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
        nanosleep(&t, nullptr);
    }
    GPUMM long long clock64() {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long)t.tv_sec * 1000000000ll + t.tv_nsec;
    }
);

/* The range of a kernel: parameters are taken once, then each thread is a call that is inlined. The last
   range runs its last block to the end, as a grid does: threads beyond are the kernel's to turn away.
   g is blockIdx.x * blockDim.x + threadIdx.x as a signed counter: a compiler that sees the base added to
   g less the base is left with g, which it knows not to wrap, and makes a vector loop of it. */
static const char range[] =
    TEXT(
    template <unsigned... I> struct gpumm_list {};
    template <unsigned N, unsigned... I> struct gpumm_upto : gpumm_upto<N - 1, N - 1, I...> {};
    template <unsigned... I> struct gpumm_upto<0, I...> { typedef gpumm_list<I...> gpumm_made; };
    template <class T> struct gpumm_held { typedef T type; };
    template <class T> struct gpumm_held<T &> { typedef T type; };
    template <class T> struct gpumm_held<T &&> { typedef T type; };
    template <class T> struct gpumm_box {
        alignas(T) unsigned char bytes[sizeof(T)];
        explicit gpumm_box(const void *from) { __builtin_memcpy(bytes, from, sizeof(T)); }
        const T &value() const { return *(const T *)bytes; }
    };
    template <auto F, class... P> GPUMM __attribute__((always_inline)) void
    gpumm_loop(uint64_t begin, uint64_t end, uint64_t threads, unsigned block, P... p) {
        uint64_t blocks = (threads + block - 1) / block;
        if (end == threads) end = blocks * block;
        blockDim.x = block;
        gridDim.x = (unsigned)blocks;
        unsigned b = (unsigned)(begin / block);
        unsigned first = (unsigned)(begin % block);
        for (uint64_t at = begin; at < end; b++, first = 0) {
            uint64_t left = end - at;
            unsigned last = left < block - first ? first + (unsigned)left : block;
            blockIdx.x = b;
            unsigned base = b * block;
            int g = (int)(base + first);
            for (unsigned t = first; t < last; t++, g++) {
                threadIdx.x = (unsigned)g - base;
                F(p...);
            }
            at += last - first;
        }
    }
    template <auto F, class... P, unsigned... I>
    GPUMM __attribute__((always_inline)) void gpumm_range(void (*)(P...), gpumm_list<I...>,
                                                                  void *const *a, uint64_t begin, uint64_t end,
                                                                  uint64_t threads, unsigned block) {
        gpumm_loop<F, P...>(begin, end, threads, block, (P)gpumm_box<typename gpumm_held<P>::type>(a[I]).value()...);
    }
    template <class... P> static constexpr unsigned gpumm_arity(void (*)(P...)) { return sizeof...(P); }
)
    "#define GPUMM_WORDS extern \"C\" __attribute__((visibility(\"default\")))\n"
    "#define GPUMM_EXPORT(gpumm_k, gpumm_path)"
    " extern \"C\" __attribute__((visibility(\"default\"))) void gpumm_run_##gpumm_k("
    "void *const *gpumm_a, uint64_t gpumm_begin, uint64_t gpumm_end, uint64_t gpumm_threads, "
    "unsigned gpumm_block) { gpumm_range<&gpumm_path>(&gpumm_path, "
    "gpumm_upto<gpumm_arity(&gpumm_path)>::gpumm_made(), gpumm_a, "
    "gpumm_begin, gpumm_end, gpumm_threads, gpumm_block); }\n";

/* clang-format on */

/* Atomics of halves stand behind their type, and what else takes halves. */
static const char *const first[] = {words, vectors, indices, bits, conversions, NULL};
static const char *const second[] = {extremes, atomics, atomic_sums, NULL};
static const char *const last[] = {atomic_scopes, range, NULL};

const char *const *const gpumm__host_prelude[] = {
    first, gpumm__host_prelude_integers, gpumm__host_prelude_arithmetic, second, gpumm__host_prelude_half, last, NULL,
};
