/* SPDX-License-Identifier: MIT */
/* The prelude's text. Code is written as code: TEXT makes a string of it (without comments and line ends);
   only preprocessor lines stand as strings. Everything is static, so that what a kernel does not
   use costs nothing. */
#include "device/host/prelude.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

#define WORDS \
    "#include <math.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n" \
    "#include <assert.h>\n#include <time.h>\n" \
    "#define GPUMM_HOST 1\n#define __CUDACC__ 1\n" \
    "#define __device__\n#define __host__\n#define __constant__\n#define __managed__\n" \
    "#define __global__ __attribute__((always_inline))\n" \
    "#define __forceinline__ inline __attribute__((always_inline))\n" \
    "#define __noinline__ __attribute__((noinline))\n" \
    "#define __launch_bounds__(...)\n#define __maxnreg__(...)\n#define __cluster_dims__(...)\n" \
    "#define __grid_constant__\n" \
    "#define __align__(n) __attribute__((aligned(n)))\n" \
    "#define GPUMM static inline __attribute__((always_inline, unused))\n"

/* Vector types: CUDA's sizes and alignments, two lanes and four aligned to their whole up to 16. */
#define VECTORS \
    "#define GPUMM_VECTOR(T, N, S)" \
    " struct N##1 { T x; };" \
    " struct alignas(S * 2 > 16 ? 16 : S * 2) N##2 { T x, y; };" \
    " struct N##3 { T x, y, z; };" \
    " struct alignas(S * 4 > 16 ? 16 : S * 4) N##4 { T x, y, z, w; };" \
    " GPUMM N##1 make_##N##1(T x) { return {x}; }" \
    " GPUMM N##2 make_##N##2(T x, T y) { return {x, y}; }" \
    " GPUMM N##3 make_##N##3(T x, T y, T z) { return {x, y, z}; }" \
    " GPUMM N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }\n" \
    "GPUMM_VECTOR(signed char, char, 1)\nGPUMM_VECTOR(unsigned char, uchar, 1)\n" \
    "GPUMM_VECTOR(short, short, 2)\nGPUMM_VECTOR(unsigned short, ushort, 2)\n" \
    "GPUMM_VECTOR(int, int, 4)\nGPUMM_VECTOR(unsigned int, uint, 4)\n" \
    "GPUMM_VECTOR(long, long, 8)\nGPUMM_VECTOR(unsigned long, ulong, 8)\n" \
    "GPUMM_VECTOR(long long, longlong, 8)\nGPUMM_VECTOR(unsigned long long, ulonglong, 8)\n" \
    "GPUMM_VECTOR(float, float, 4)\nGPUMM_VECTOR(double, double, 8)\n" \
    "#undef GPUMM_VECTOR\n"

/* The indices are static and nobody takes their address, so that a compiler keeps them in registers
   and a loop over threads becomes a vector loop. */
#define INDICES \
    TEXT(typedef unsigned char uchar; typedef unsigned short ushort; typedef unsigned int uint; \
         typedef unsigned long ulong; struct dim3 { \
             unsigned int x, y, z; \
             constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {} \
             constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {} \
             constexpr operator uint3() const { return {x, y, z}; } \
         }; \
         static __thread uint3 threadIdx = {0, 0, 0}; static __thread uint3 blockIdx = {0, 0, 0}; \
         static __thread uint3 blockDim = {1, 1, 1}; static __thread uint3 gridDim = {1, 1, 1}; \
         static constexpr int warpSize = 32;)

/* Bits and conversions. Conversions to integers saturate and take NaN to 0, as on the GPU. */
#define BITS \
    TEXT( \
        template <class To, class From> GPUMM To gpumm_bits(From v) { \
            static_assert(sizeof(To) == sizeof(From), "sizes differ"); \
            To to; \
            __builtin_memcpy(&to, &v, sizeof to); \
            return to; \
        } GPUMM int __float_as_int(float v) { return gpumm_bits<int>(v); } GPUMM unsigned __float_as_uint(float v) { \
            return gpumm_bits<unsigned>(v); \
        } GPUMM float __int_as_float(int v) { return gpumm_bits<float>(v); } GPUMM float __uint_as_float(unsigned v) { \
            return gpumm_bits<float>(v); \
        } GPUMM long long __double_as_longlong(double v) { \
            return gpumm_bits<long long>(v); \
        } GPUMM double __longlong_as_double(long long v) { \
            return gpumm_bits<double>(v); \
        } GPUMM int __double2hiint(double v) { \
            return (int)(gpumm_bits<long long>(v) >> 32); \
        } GPUMM int __double2loint(double v) { \
            return (int)gpumm_bits<long long>(v); \
        } GPUMM double __hiloint2double(int hi, int lo) { \
            return gpumm_bits<double>((unsigned long long)(unsigned)hi << 32 | (unsigned)lo); \
        } GPUMM int __popc(unsigned v) { return __builtin_popcount(v); } GPUMM int __popcll(unsigned long long v) { \
            return __builtin_popcountll(v); \
        } GPUMM int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; } GPUMM int __clzll(long long v) { \
            return v ? __builtin_clzll((unsigned long long)v) : 64; \
        } GPUMM int __ffs(int v) { return __builtin_ffs(v); } GPUMM int __ffsll(long long v) { \
            return __builtin_ffsll(v); \
        } GPUMM unsigned __brev(unsigned v) { \
            v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1; \
            v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2; \
            v = (v >> 4 & 0x0f0f0f0fu) | (v & 0x0f0f0f0fu) << 4; \
            return __builtin_bswap32(v); \
        } GPUMM unsigned long long __brevll(unsigned long long v) { \
            return (unsigned long long)__brev((unsigned)v) << 32 | __brev((unsigned)(v >> 32)); \
        } GPUMM unsigned __byte_perm(unsigned a, unsigned b, unsigned s) { \
            unsigned long long all = (unsigned long long)b << 32 | a; \
            unsigned out = 0; \
            for (int i = 0; i < 4; i++) out |= (unsigned)(all >> (s >> 4 * i & 7) * 8 & 255) << 8 * i; \
            return out; \
        } GPUMM unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned n) { \
            return (unsigned)((((unsigned long long)hi << 32 | lo) << (n & 31)) >> 32); \
        } GPUMM unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned n) { \
            return (unsigned)(((unsigned long long)hi << 32 | lo) >> (n & 31)); \
        } GPUMM int __mulhi(int a, int b) { \
            return (int)((long long)a * b >> 32); \
        } GPUMM unsigned __umulhi(unsigned a, unsigned b) { \
            return (unsigned)((unsigned long long)a * b >> 32); \
        } GPUMM long long __mul64hi(long long a, long long b) { \
            return (long long)((__int128)a * b >> 64); \
        } GPUMM unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { \
            return (unsigned long long)((unsigned __int128)a * b >> 64); \
        })

#define INTEGERS \
    TEXT( \
        GPUMM int __mul24(int a, int b) { \
            return (int)((long long)((int)((unsigned)a << 8) >> 8) * ((int)((unsigned)b << 8) >> 8)); \
        } GPUMM unsigned __umul24(unsigned a, unsigned b) { \
            return (a & 0xffffffu) * (b & 0xffffffu); \
        } GPUMM unsigned __sad(int a, int b, unsigned c) { \
            return (a > b ? (unsigned)a - (unsigned)b : (unsigned)b - (unsigned)a) + c; \
        } GPUMM unsigned __usad(unsigned a, unsigned b, unsigned c) { \
            return (a > b ? a - b : b - a) + c; \
        } GPUMM int __hadd(int a, int b) { return (int)(((long long)a + b) >> 1); } GPUMM int __rhadd(int a, int b) { \
            return (int)(((long long)a + b + 1) >> 1); \
        } GPUMM unsigned __uhadd(unsigned a, unsigned b) { \
            return (unsigned)(((unsigned long long)a + b) >> 1); \
        } GPUMM unsigned __urhadd(unsigned a, unsigned b) { \
            return (unsigned)(((unsigned long long)a + b + 1) >> 1); \
        } template <class To, class From> \
        GPUMM To gpumm_saturated(From v, To low, To high) { \
            return v != v ? To(0) : v <= (From)low ? low : v >= (From)high ? high : (To)v; \
        })

/* __float2int_rn and its like, for each rounding; to floating point the rounding is to nearest. */
#define CONVERSIONS \
    "#define GPUMM_FROM(F, FN, R, ROUND)" \
    " GPUMM int __##FN##2int_##R(F v) {" \
    " return gpumm_saturated<int>(ROUND(v), -2147483647 - 1, 2147483647); }" \
    " GPUMM unsigned __##FN##2uint_##R(F v) {" \
    " return gpumm_saturated<unsigned>(ROUND(v), 0u, 4294967295u); }" \
    " GPUMM long long __##FN##2ll_##R(F v) {" \
    " return gpumm_saturated<long long>(ROUND(v), -9223372036854775807ll - 1, 9223372036854775807ll); }" \
    " GPUMM unsigned long long __##FN##2ull_##R(F v) {" \
    " return gpumm_saturated<unsigned long long>(ROUND(v), 0ull, 18446744073709551615ull); }\n" \
    "GPUMM_FROM(float, float, rn, __builtin_rintf) GPUMM_FROM(float, float, rz, __builtin_truncf)\n" \
    "GPUMM_FROM(float, float, rd, __builtin_floorf) GPUMM_FROM(float, float, ru, __builtin_ceilf)\n" \
    "GPUMM_FROM(double, double, rn, __builtin_rint) GPUMM_FROM(double, double, rz, __builtin_trunc)\n" \
    "GPUMM_FROM(double, double, rd, __builtin_floor) GPUMM_FROM(double, double, ru, __builtin_ceil)\n" \
    "#undef GPUMM_FROM\n" TEXT( \
        GPUMM float __int2float_rn(int v) { return (float)v; } GPUMM float __uint2float_rn(unsigned v) { \
            return (float)v; \
        } GPUMM float __ll2float_rn(long long v) { \
            return (float)v; \
        } GPUMM float __ull2float_rn(unsigned long long v) { return (float)v; } GPUMM double __int2double_rn(int v) { \
            return v; \
        } GPUMM double __uint2double_rn(unsigned v) { return v; } GPUMM double __ll2double_rn(long long v) { \
            return (double)v; \
        } GPUMM double __ull2double_rn(unsigned long long v) { \
            return (double)v; \
        } GPUMM float __double2float_rn(double v) { return (float)v; })

/* The C library declares these for itself, so they get another name first. */
#define FAST_NAMES \
    "#define __expf gpumm__expf\n#define __exp10f gpumm__exp10f\n#define __logf gpumm__logf\n" \
    "#define __log2f gpumm__log2f\n#define __log10f gpumm__log10f\n#define __sinf gpumm__sinf\n" \
    "#define __cosf gpumm__cosf\n#define __tanf gpumm__tanf\n#define __powf gpumm__powf\n" \
    "#define __sincosf gpumm__sincosf\n"

/* Arithmetic by name. The fast forms are the exact ones: the host has no faster ones that are worth it. */
#define ARITHMETIC \
    TEXT( \
        GPUMM float rsqrtf(float v) { return 1.0f / __builtin_sqrtf(v); } GPUMM double rsqrt(double v) { \
            return 1.0 / __builtin_sqrt(v); \
        } GPUMM float rsqrt(float v) { return rsqrtf(v); } GPUMM float rcbrtf(float v) { \
            return 1.0f / __builtin_cbrtf(v); \
        } GPUMM double rcbrt(double v) { return 1.0 / __builtin_cbrt(v); } GPUMM float rhypotf(float x, float y) { \
            return 1.0f / __builtin_hypotf(x, y); \
        } GPUMM float norm3df(float x, float y, float z) { \
            return __builtin_sqrtf(x * x + y * y + z * z); \
        } GPUMM float rnorm3df(float x, float y, float z) { \
            return 1.0f / norm3df(x, y, z); \
        } GPUMM float norm4df(float x, float y, float z, float w) { \
            return __builtin_sqrtf(x * x + y * y + z * z + w * w); \
        } GPUMM float rnorm4df(float x, float y, float z, float w) { \
            return 1.0f / norm4df(x, y, z, w); \
        } GPUMM double norm3d(double x, double y, double z) { \
            return __builtin_sqrt(x * x + y * y + z * z); \
        } GPUMM float sinpif(float v) { \
            return (float)__builtin_sin(3.14159265358979323846 * v); \
        } GPUMM float cospif(float v) { \
            return (float)__builtin_cos(3.14159265358979323846 * v); \
        } GPUMM double sinpi(double v) { \
            return __builtin_sin(3.14159265358979323846 * v); \
        } GPUMM double cospi(double v) { \
            return __builtin_cos(3.14159265358979323846 * v); \
        } GPUMM float fdividef(float a, float b) { return a / b; } GPUMM float __fdividef(float a, float b) { \
            return a / b; \
        } GPUMM float gpumm__expf(float v) { return __builtin_expf(v); } GPUMM float gpumm__exp10f(float v) { \
            return __builtin_powf(10.0f, v); \
        } GPUMM float gpumm__logf(float v) { return __builtin_logf(v); } GPUMM float gpumm__log2f(float v) { \
            return __builtin_log2f(v); \
        } GPUMM float gpumm__log10f(float v) { return __builtin_log10f(v); } GPUMM float gpumm__sinf(float v) { \
            return __builtin_sinf(v); \
        } GPUMM float gpumm__cosf(float v) { return __builtin_cosf(v); } GPUMM float gpumm__tanf(float v) { \
            return __builtin_tanf(v); \
        } GPUMM float gpumm__powf(float a, float b) { \
            return __builtin_powf(a, b); \
        } GPUMM void gpumm__sincosf(float v, float *s, float *c) { \
            *s = gpumm__sinf(v); \
            *c = gpumm__cosf(v); \
        } GPUMM float __saturatef(float v) { \
            return v > 0 ? v < 1 ? v : 1.0f : 0.0f; \
        } GPUMM float __fadd_rn(float a, float b) { return a + b; } GPUMM float __fsub_rn(float a, float b) { \
            return a - b; \
        } GPUMM float __fmul_rn(float a, float b) { return a * b; } GPUMM float __fdiv_rn(float a, float b) { \
            return a / b; \
        } GPUMM float __fmaf_rn(float a, float b, float c) { \
            return __builtin_fmaf(a, b, c); \
        } GPUMM float __fsqrt_rn(float v) { return __builtin_sqrtf(v); } GPUMM float __frsqrt_rn(float v) { \
            return 1.0f / __builtin_sqrtf(v); \
        } GPUMM float __frcp_rn(float v) { return 1.0f / v; })

#define DOUBLES \
    TEXT( \
        GPUMM double __dadd_rn(double a, double b) { return a + b; } GPUMM double __dsub_rn(double a, double b) { \
            return a - b; \
        } GPUMM double __dmul_rn(double a, double b) { return a * b; } GPUMM double __ddiv_rn(double a, double b) { \
            return a / b; \
        } GPUMM double __drcp_rn(double v) { return 1.0 / v; } GPUMM double __dsqrt_rn(double v) { \
            return __builtin_sqrt(v); \
        } GPUMM double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); })

/* min and max for every pair that CUDA has; of a float and a NaN the float. */
#define EXTREMES \
    "#define GPUMM_EXTREME(A, B, R)" \
    " GPUMM R min(A a, B b) { return (R)a < (R)b ? (R)a : (R)b; }" \
    " GPUMM R max(A a, B b) { return (R)a > (R)b ? (R)a : (R)b; }\n" \
    "GPUMM_EXTREME(int, int, int) GPUMM_EXTREME(unsigned, unsigned, unsigned)\n" \
    "GPUMM_EXTREME(int, unsigned, unsigned) GPUMM_EXTREME(unsigned, int, unsigned)\n" \
    "GPUMM_EXTREME(long, long, long) GPUMM_EXTREME(unsigned long, unsigned long, unsigned long)\n" \
    "GPUMM_EXTREME(long, unsigned long, unsigned long) GPUMM_EXTREME(unsigned long, long, unsigned long)\n" \
    "GPUMM_EXTREME(long long, long long, long long)\n" \
    "GPUMM_EXTREME(unsigned long long, unsigned long long, unsigned long long)\n" \
    "GPUMM_EXTREME(long long, unsigned long long, unsigned long long)\n" \
    "GPUMM_EXTREME(unsigned long long, long long, unsigned long long)\n" \
    "#undef GPUMM_EXTREME\n" TEXT( \
        GPUMM float min(float a, float b) { return __builtin_fminf(a, b); } GPUMM float max(float a, float b) { \
            return __builtin_fmaxf(a, b); \
        } GPUMM double min(double a, double b) { return __builtin_fmin(a, b); } GPUMM double max(double a, double b) { \
            return __builtin_fmax(a, b); \
        } GPUMM double min(float a, double b) { return __builtin_fmin(a, b); } GPUMM double max(float a, double b) { \
            return __builtin_fmax(a, b); \
        } GPUMM double min(double a, float b) { return __builtin_fmin(a, b); } GPUMM double max(double a, float b) { \
            return __builtin_fmax(a, b); \
        } GPUMM unsigned umin(unsigned a, unsigned b) { \
            return a < b ? a : b; \
        } GPUMM unsigned umax(unsigned a, unsigned b) { return a > b ? a : b; } template <class T> \
        GPUMM T __ldg(const T *p) { return *p; } template <class T> \
        GPUMM T __ldcg(const T *p) { return *p; } template <class T> \
        GPUMM T __ldca(const T *p) { return *p; } template <class T> \
        GPUMM T __ldcs(const T *p) { return *p; } template <class T> \
        GPUMM void __stcg(T *p, T v) { *p = v; } template <class T> \
        GPUMM void __stwb(T *p, T v) { *p = v; } template <class T> \
        GPUMM void __stcs(T *p, T v) { *p = v; })

/* Atomics: whole words by the processor's own, everything else by comparing and exchanging. */
#define ATOMICS \
    "#define GPUMM_WORD(T)" \
    " GPUMM T atomicExch(T *p, T v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); }" \
    " GPUMM T atomicAnd(T *p, T v) { return __atomic_fetch_and(p, v, __ATOMIC_RELAXED); }" \
    " GPUMM T atomicOr(T *p, T v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }" \
    " GPUMM T atomicXor(T *p, T v) { return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED); }" \
    " GPUMM T atomicCAS(T *p, T compare, T v) {" \
    " __atomic_compare_exchange_n(p, &compare, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);" \
    " return compare; }" \
    " GPUMM T atomicMin(T *p, T v) { return gpumm_change(p, [=](T a) { return v < a ? v : a; }); }" \
    " GPUMM T atomicMax(T *p, T v) { return gpumm_change(p, [=](T a) { return v > a ? v : a; }); }\n" TEXT( \
        template <unsigned N> struct gpumm_word; template <> struct gpumm_word<2> { typedef unsigned short type; }; \
        template <> struct gpumm_word<4> { typedef unsigned int type; }; \
        template <> struct gpumm_word<8> { typedef unsigned long long type; }; \
        template <class T, class F> GPUMM T gpumm_change(T * p, F f) { \
            typedef typename gpumm_word<sizeof(T)>::type word __attribute__((may_alias)); \
            word was = __atomic_load_n((word *)p, __ATOMIC_RELAXED); \
            for (;;) { \
                T old = gpumm_bits<T>((typename gpumm_word<sizeof(T)>::type)was); \
                word now = gpumm_bits<typename gpumm_word<sizeof(T)>::type>(f(old)); \
                if (now == was || \
                    __atomic_compare_exchange_n((word *)p, &was, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) \
                    return old; \
            } \
        }) "GPUMM_WORD(int) GPUMM_WORD(unsigned int) GPUMM_WORD(long long) GPUMM_WORD(unsigned long long)\n" \
           "#undef GPUMM_WORD\n"

#define ATOMIC_SUMS \
    TEXT( \
        GPUMM unsigned short atomicCAS(unsigned short *p, unsigned short compare, unsigned short v) { \
            __atomic_compare_exchange_n(p, &compare, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
            return compare; \
        } GPUMM int atomicAdd(int *p, int v) { \
            return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); \
        } GPUMM unsigned atomicAdd(unsigned *p, unsigned v) { \
            return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); \
        } GPUMM unsigned long long atomicAdd(unsigned long long *p, unsigned long long v) { \
            return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); \
        } GPUMM int atomicSub(int *p, int v) { \
            return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); \
        } GPUMM unsigned atomicSub(unsigned *p, unsigned v) { \
            return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); \
        } GPUMM float atomicAdd(float *p, float v) { \
            return gpumm_change(p, [=](float a) { return a + v; }); \
        } GPUMM double atomicAdd(double *p, double v) { \
            return gpumm_change(p, [=](double a) { return a + v; }); \
        } GPUMM float2 atomicAdd(float2 *p, float2 v) { \
            return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y)}; \
        } GPUMM float4 atomicAdd(float4 *p, float4 v) { \
            return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y), atomicAdd(&p->z, v.z), atomicAdd(&p->w, v.w)}; \
        } GPUMM float atomicExch(float *p, float v) { \
            return gpumm_change(p, [=](float) { return v; }); \
        } GPUMM unsigned atomicInc(unsigned *p, unsigned v) { \
            return gpumm_change(p, [=](unsigned a) { return a >= v ? 0u : a + 1u; }); \
        } GPUMM unsigned atomicDec(unsigned *p, unsigned v) { \
            return gpumm_change(p, [=](unsigned a) { return a == 0 || a > v ? v : a - 1u; }); \
        })

/* The forms for a block and for the whole system are the same thing here. */
#define ATOMIC_SCOPES \
    "#define GPUMM_SCOPE(N) " \
    " template <class T, class... V> GPUMM auto N##_block(T *p, V... v) { return N(p, v...); }" \
    " template <class T, class... V> GPUMM auto N##_system(T *p, V... v) { return N(p, v...); }\n" \
    "GPUMM_SCOPE(atomicAdd) GPUMM_SCOPE(atomicSub) GPUMM_SCOPE(atomicMin) GPUMM_SCOPE(atomicMax)\n" \
    "GPUMM_SCOPE(atomicAnd) GPUMM_SCOPE(atomicOr) GPUMM_SCOPE(atomicXor) GPUMM_SCOPE(atomicExch)\n" \
    "GPUMM_SCOPE(atomicCAS) GPUMM_SCOPE(atomicInc) GPUMM_SCOPE(atomicDec)\n" \
    "#undef GPUMM_SCOPE\n" TEXT( \
        GPUMM void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); } GPUMM void __threadfence_block() { \
            __threadfence(); \
        } GPUMM void __threadfence_system() { __threadfence(); } GPUMM void __trap() { \
            __builtin_trap(); \
        } GPUMM void __brkpt() {} GPUMM void __nanosleep(unsigned ns) { \
            struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}; \
            nanosleep(&t, nullptr); \
        } GPUMM long long clock64() { \
            struct timespec t; \
            clock_gettime(CLOCK_MONOTONIC, &t); \
            return (long long)t.tv_sec * 1000000000ll + t.tv_nsec; \
        })

/* Half precision: stored in 16 bits, computed in float, rounded to nearest even. */
#define HALVES \
    TEXT( \
        GPUMM float gpumm_half_to_float(unsigned short h) { \
            unsigned sign = (unsigned)(h & 0x8000) << 16; \
            unsigned rest = h & 0x7fff; \
            if (rest >= 0x7c00) return gpumm_bits<float>(sign | 0x7f800000u | (rest & 0x3ff) << 13); \
            if (rest >= 0x0400) return gpumm_bits<float>(sign | ((rest << 13) + 0x38000000u)); \
            float tiny = (float)rest * 0x1p-24f; \
            return sign ? -tiny : tiny; \
        } GPUMM unsigned short gpumm_float_to_half(float f) { \
            unsigned bits = gpumm_bits<unsigned>(f); \
            unsigned sign = bits >> 16 & 0x8000; \
            unsigned rest = bits & 0x7fffffffu; \
            if (rest > 0x7f800000u) return (unsigned short)0x7fff; \
            if (rest >= 0x477ff000u) return (unsigned short)(sign | 0x7c00); \
            if (rest < 0x38800000u) \
                return (unsigned short)(sign | (unsigned)__builtin_rintf(gpumm_bits<float>(rest) * 0x1p24f)); \
            unsigned odd = rest >> 13 & 1; \
            return (unsigned short)(sign | (rest - 0x38000000u + 0xfff + odd) >> 13); \
        } struct __half { \
            unsigned short bits; \
            __half() = default; \
            inline __half(float v) : bits(gpumm_float_to_half(v)) {} \
            inline __half(double v) : bits(gpumm_float_to_half((float)v)) {} \
            inline __half(int v) : bits(gpumm_float_to_half((float)v)) {} \
            inline __half(unsigned v) : bits(gpumm_float_to_half((float)v)) {} \
            inline operator float() const { return gpumm_half_to_float(bits); } \
            inline __half &operator+=(__half b) { return *this = __half((float)*this + (float)b); } \
            inline __half &operator-=(__half b) { return *this = __half((float)*this - (float)b); } \
            inline __half &operator*=(__half b) { return *this = __half((float)*this * (float)b); } \
            inline __half &operator/=(__half b) { return *this = __half((float)*this / (float)b); } \
        }; \
        typedef __half half; struct alignas(4) __half2 { __half x, y; }; typedef __half2 half2;)

#define HALF_FUNCTIONS \
    TEXT( \
        GPUMM __half operator+(__half a, __half b) { return __half((float)a + (float)b); } GPUMM __half operator-( \
            __half a, __half b) { return __half((float)a - (float)b); } GPUMM __half \
        operator*(__half a, __half b) { return __half((float)a * (float)b); } GPUMM __half \
        operator/(__half a, __half b) { return __half((float)a / (float)b); } GPUMM __half \
        operator-(__half a) { \
            a.bits ^= 0x8000; \
            return a; \
        } GPUMM bool \
        operator==(__half a, __half b) { return (float)a == (float)b; } GPUMM bool \
        operator!=(__half a, __half b) { return (float)a != (float)b; } GPUMM bool \
        operator<(__half a, __half b) { return (float)a < (float)b; } GPUMM bool \
        operator>(__half a, __half b) { return (float)a > (float)b; } GPUMM bool \
        operator<=(__half a, __half b) { return (float)a <= (float)b; } GPUMM bool \
        operator>=(__half a, __half b) { return (float)a >= (float)b; } GPUMM __half __float2half(float v) { \
            return __half(v); \
        } GPUMM __half __float2half_rn(float v) { return __half(v); } GPUMM float __half2float(__half v) { \
            return (float)v; \
        } GPUMM __half __ushort_as_half(unsigned short v) { \
            __half h; \
            h.bits = v; \
            return h; \
        } GPUMM unsigned short __half_as_ushort(__half v) { return v.bits; } GPUMM __half __hadd(__half a, __half b) { \
            return a + b; \
        } GPUMM __half __hsub(__half a, __half b) { return a - b; } GPUMM __half __hmul(__half a, __half b) { \
            return a * b; \
        } GPUMM __half __hdiv(__half a, __half b) { return a / b; } GPUMM __half __hneg(__half a) { \
            return -a; \
        } GPUMM __half __hfma(__half a, __half b, __half c) { \
            return __half(__builtin_fmaf((float)a, (float)b, (float)c)); \
        } GPUMM bool __hlt(__half a, __half b) { return a < b; } GPUMM bool __hgt(__half a, __half b) { \
            return a > b; \
        } GPUMM bool __heq(__half a, __half b) { return a == b; } GPUMM __half2 make_half2(__half x, __half y) { \
            return {x, y}; \
        } GPUMM __half2 __halves2half2(__half x, __half y) { \
            return {x, y}; \
        } GPUMM __half2 __floats2half2_rn(float x, float y) { \
            return {__half(x), __half(y)}; \
        } GPUMM __half2 __float2half2_rn(float v) { \
            return {__half(v), __half(v)}; \
        } GPUMM __half2 __float22half2_rn(float2 v) { \
            return {__half(v.x), __half(v.y)}; \
        } GPUMM float2 __half22float2(__half2 v) { \
            return {(float)v.x, (float)v.y}; \
        } GPUMM float __low2float(__half2 v) { return (float)v.x; } GPUMM float __high2float(__half2 v) { \
            return (float)v.y; \
        } GPUMM __half __low2half(__half2 v) { return v.x; } GPUMM __half __high2half(__half2 v) { \
            return v.y; \
        } GPUMM __half2 __hadd2(__half2 a, __half2 b) { \
            return {a.x + b.x, a.y + b.y}; \
        } GPUMM __half2 __hmul2(__half2 a, __half2 b) { \
            return {a.x * b.x, a.y * b.y}; \
        } GPUMM __half2 __hfma2(__half2 a, __half2 b, __half2 c) { \
            return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; \
        } GPUMM __half atomicAdd(__half *p, __half v) { return gpumm_change(p, [=](__half a) { return a + v; }); })

/* The range of a kernel: parameters are taken once, then each thread is a call that is inlined. The last
   range runs its last block to the end, as a grid does: threads beyond are the kernel's to turn away.
   g is blockIdx.x * blockDim.x + threadIdx.x as a signed counter: a compiler that sees the base added to
   g less the base is left with g, which it knows not to wrap, and makes a vector loop of it. */
#define RANGE \
    TEXT( \
        template <unsigned... I> struct gpumm_list{}; template <unsigned N, unsigned... I> struct gpumm_upto \
        : gpumm_upto<N - 1, N - 1, I...>{}; \
        template <unsigned... I> struct gpumm_upto<0, I...> { typedef gpumm_list<I...> list; }; \
        template <class T> struct gpumm_box { \
            alignas(T) unsigned char bytes[sizeof(T)]; \
            explicit gpumm_box(const void *from) { __builtin_memcpy(bytes, from, sizeof(T)); } \
            const T &value() const { return *(const T *)bytes; } \
        }; \
        template <auto F, class... P> static inline __attribute__((always_inline)) void gpumm_loop( \
            uint64_t begin, uint64_t end, uint64_t threads, unsigned block, P... p) { \
            uint64_t blocks = (threads + block - 1) / block; \
            if (end == threads) end = blocks * block; \
            blockDim.x = block; \
            gridDim.x = (unsigned)blocks; \
            unsigned b = (unsigned)(begin / block); \
            unsigned first = (unsigned)(begin % block); \
            for (uint64_t at = begin; at < end; b++, first = 0) { \
                uint64_t left = end - at; \
                unsigned last = left < block - first ? first + (unsigned)left : block; \
                blockIdx.x = b; \
                unsigned base = b * block; \
                int g = (int)(base + first); \
                for (unsigned t = first; t < last; t++, g++) { \
                    threadIdx.x = (unsigned)g - base; \
                    F(p...); \
                } \
                at += last - first; \
            } \
        } template <auto F, class... P, unsigned... I> \
        static inline __attribute__((always_inline)) void gpumm_range(void (*)(P...), gpumm_list<I...>, \
                                                                      void *const *a, uint64_t begin, uint64_t end, \
                                                                      uint64_t threads, unsigned block) { \
            gpumm_loop<F, P...>(begin, end, threads, block, gpumm_box<P>(a[I]).value()...); \
        } template <class... P> \
        static constexpr unsigned gpumm_arity(void (*)(P...)) { return sizeof...(P); }) \
    "#define GPUMM_WORDS extern \"C\" __attribute__((visibility(\"default\")))\n" \
    "#define GPUMM_EXPORT(gpumm_k, gpumm_path)" \
    " extern \"C\" __attribute__((visibility(\"default\"))) void gpumm_run_##gpumm_k(" \
    "void *const *gpumm_a, uint64_t gpumm_begin, uint64_t gpumm_end, uint64_t gpumm_threads, " \
    "unsigned gpumm_block) { gpumm_range<&gpumm_path>(&gpumm_path, " \
    "gpumm_upto<gpumm_arity(&gpumm_path)>::list(), gpumm_a, " \
    "gpumm_begin, gpumm_end, gpumm_threads, gpumm_block); }\n"

const char *const gpumm__host_prelude[] = {
    WORDS,    VECTORS, INDICES,     BITS,          INTEGERS, CONVERSIONS,    ARITHMETIC, FAST_NAMES, DOUBLES,
    EXTREMES, ATOMICS, ATOMIC_SUMS, ATOMIC_SCOPES, HALVES,   HALF_FUNCTIONS, RANGE,      NULL,
};
