/* SPDX-License-Identifier: MIT */
/* What a GPU does in one instruction, in as many as it takes. */
#include "device/host/prelude_integers.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char bits[] = TEXT(
    GPUMM int __popc(unsigned v) { return __builtin_popcount(v); }
    GPUMM int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
    GPUMM int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; }
    GPUMM int __clzll(long long v) { return v ? __builtin_clzll((unsigned long long)v) : 64; }
    GPUMM int __ffs(int v) { return __builtin_ffs(v); }
    GPUMM int __ffsll(long long v) { return __builtin_ffsll(v); }
    GPUMM unsigned __brev(unsigned v) {
        v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
        v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
        v = (v >> 4 & 0x0f0f0f0fu) | (v & 0x0f0f0f0fu) << 4;
        return __builtin_bswap32(v);
    }
    GPUMM unsigned long long __brevll(unsigned long long v) {
        return (unsigned long long)__brev((unsigned)v) << 32 | __brev((unsigned)(v >> 32));
    }
    GPUMM unsigned __byte_perm(unsigned a, unsigned b, unsigned s) {
        unsigned long long all = (unsigned long long)b << 32 | a;
        unsigned out = 0;
        for (int i = 0; i < 4; i++) {
            unsigned byte = (unsigned)(all >> (s >> 4 * i & 7) * 8 & 255);
            if (s >> 4 * i & 8) byte = byte & 128 ? 255 : 0;
            out |= byte << 8 * i;
        }
        return out;
    }
    GPUMM unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned n) {
        return (unsigned)((((unsigned long long)hi << 32 | lo) << (n & 31)) >> 32);
    }
    GPUMM unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned n) {
        return (unsigned)(((unsigned long long)hi << 32 | lo) >> (n & 31));
    }
    GPUMM unsigned __funnelshift_lc(unsigned lo, unsigned hi, unsigned n) {
        return n >= 32 ? lo : __funnelshift_l(lo, hi, n);
    }
    GPUMM unsigned __funnelshift_rc(unsigned lo, unsigned hi, unsigned n) {
        return n >= 32 ? hi : __funnelshift_r(lo, hi, n);
    }
    GPUMM unsigned __fns(unsigned mask, unsigned base, int offset) {
        int left = offset ? (offset < 0 ? -offset : offset) : 1;
        int step = offset < 0 ? -1 : 1;
        for (int i = (int)base; i >= 0 && i < 32; i += step)
            if (mask >> i & 1 && --left == 0)
                return (unsigned)i;
            else if (offset == 0)
                break;
        return 0xffffffffu;
    }
);

static const char products[] = TEXT(
    GPUMM int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
    GPUMM unsigned __umulhi(unsigned a, unsigned b) {
        return (unsigned)((unsigned long long)a * b >> 32);
    }
    GPUMM long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
    GPUMM unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
        return (unsigned long long)((unsigned __int128)a * b >> 64);
    }
    GPUMM int mulhi(int a, int b) { return __mulhi(a, b); }
    GPUMM unsigned umulhi(unsigned a, unsigned b) { return __umulhi(a, b); }
    GPUMM int __mul24(int a, int b) {
        return (int)((long long)((int)((unsigned)a << 8) >> 8) * ((int)((unsigned)b << 8) >> 8));
    }
    GPUMM unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffffu) * (b & 0xffffffu); }
    GPUMM unsigned __sad(int a, int b, unsigned c) {
        return (a > b ? (unsigned)a - (unsigned)b : (unsigned)b - (unsigned)a) + c;
    }
    GPUMM unsigned __usad(unsigned a, unsigned b, unsigned c) { return (a > b ? a - b : b - a) + c; }
    GPUMM int __hadd(int a, int b) { return (int)(((long long)a + b) >> 1); }
    GPUMM int __rhadd(int a, int b) { return (int)(((long long)a + b + 1) >> 1); }
    GPUMM unsigned __uhadd(unsigned a, unsigned b) {
        return (unsigned)(((unsigned long long)a + b) >> 1);
    }
    GPUMM unsigned __urhadd(unsigned a, unsigned b) {
        return (unsigned)(((unsigned long long)a + b + 1) >> 1);
    }
    template <class A, class B> GPUMM unsigned gpumm_dot4(unsigned a, unsigned b, unsigned c) {
        for (int i = 0; i < 32; i += 8) c += (unsigned)((int)(A)(a >> i) * (int)(B)(b >> i));
        return c;
    }
    template <class A, class B> GPUMM unsigned gpumm_dot2(unsigned a, unsigned b, unsigned c) {
        for (int i = 0; i < 2; i++) c += (unsigned)((int)(A)(a >> 16 * i) * (int)(B)(b >> 8 * i));
        return c;
    }
    GPUMM int __dp4a(int a, int b, int c) {
        return (int)gpumm_dot4<signed char, signed char>((unsigned)a, (unsigned)b, (unsigned)c);
    }
    GPUMM unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
        return gpumm_dot4<unsigned char, unsigned char>(a, b, c);
    }
    GPUMM int __dp2a_lo(int a, int b, int c) {
        return (int)gpumm_dot2<short, signed char>((unsigned)a, (unsigned)b, (unsigned)c);
    }
    GPUMM int __dp2a_hi(int a, int b, int c) {
        return (int)gpumm_dot2<short, signed char>((unsigned)a, (unsigned)b >> 16, (unsigned)c);
    }
    GPUMM unsigned __dp2a_lo(unsigned a, unsigned b, unsigned c) {
        return gpumm_dot2<unsigned short, unsigned char>(a, b, c);
    }
    GPUMM unsigned __dp2a_hi(unsigned a, unsigned b, unsigned c) {
        return gpumm_dot2<unsigned short, unsigned char>(a, b >> 16, c);
    }
)
    TEXT(
    template <class V> GPUMM int gpumm_dot4(V a, V b, int c) {
        return c + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
    }
    GPUMM int __dp4a(char4 a, char4 b, int c) { return gpumm_dot4(a, b, c); }
    GPUMM unsigned __dp4a(uchar4 a, uchar4 b, unsigned c) { return (unsigned)gpumm_dot4(a, b, (int)c); }
    GPUMM int __dp2a_lo(short2 a, char4 b, int c) { return c + a.x * b.x + a.y * b.y; }
    GPUMM int __dp2a_hi(short2 a, char4 b, int c) { return c + a.x * b.z + a.y * b.w; }
    GPUMM unsigned __dp2a_lo(ushort2 a, uchar4 b, unsigned c) {
        return c + (unsigned)(a.x * b.x + a.y * b.y);
    }
    GPUMM unsigned __dp2a_hi(ushort2 a, uchar4 b, unsigned c) {
        return c + (unsigned)(a.x * b.z + a.y * b.w);
    }
);

/* Lanes of a word: T is a lane, F makes one of two. */
static const char lanes[] = TEXT(
    template <class T, class F> GPUMM unsigned gpumm_lanes(unsigned a, unsigned b, F f) {
        unsigned out = 0;
        const unsigned width = 8 * sizeof(T);
        const unsigned mask = 0xffffffffu >> (32 - width);
        for (unsigned i = 0; i < 32; i += width)
            out |= ((unsigned)f((int)(T)(a >> i), (int)(T)(b >> i)) & mask) << i;
        return out;
    }
    template <class T, class F> GPUMM unsigned gpumm_lane_sum(unsigned a, unsigned b, F f) {
        unsigned out = 0;
        for (unsigned i = 0; i < 32; i += 8 * sizeof(T)) out += (unsigned)f((int)(T)(a >> i), (int)(T)(b >> i));
        return out;
    }
    template <class T> GPUMM int gpumm_clamped(int v) {
        const bool is_signed = (T)-1 < (T)1;
        const int most = (int)((1u << (8 * sizeof(T) - is_signed)) - 1);
        const int least = is_signed ? -most - 1 : 0;
        return v < least ? least : v > most ? most : v;
    }
    GPUMM int gpumm_apart(int a, int b) { return a > b ? a - b : b - a; }
);

static const char lane_functions[] =
    "#define GPUMM_LANE(NAME, T, E) GPUMM unsigned NAME(unsigned a, unsigned b) {"
    " return gpumm_lanes<T>(a, b, [](int x, int y) { (void)x, (void)y; return E; }); }\n"
    "#define GPUMM_LANE1(NAME, T, E) GPUMM unsigned NAME(unsigned a) {"
    " return gpumm_lanes<T>(a, a, [](int x, int) { return E; }); }\n"
    "#define GPUMM_SUM(NAME, T) GPUMM unsigned NAME(unsigned a, unsigned b) {"
    " return gpumm_lane_sum<T>(a, b, gpumm_apart); }\n"
    "#define GPUMM_COMPARE(NAME, N, T, OP) GPUMM_LANE(__vcmp##NAME##N, T, x OP y ? -1 : 0)"
    " GPUMM_LANE(__vset##NAME##N, T, x OP y ? 1 : 0)\n"
    "#define GPUMM_WORDS_OF(N, S, U)"
    " GPUMM_LANE1(__vabs##N, S, x < 0 ? -x : x) GPUMM_LANE1(__vabsss##N, S, gpumm_clamped<S>(x < 0 ? -x : x))"
    " GPUMM_LANE1(__vneg##N, S, -x) GPUMM_LANE1(__vnegss##N, S, gpumm_clamped<S>(-x))"
    " GPUMM_LANE(__vabsdiffs##N, S, gpumm_apart(x, y)) GPUMM_LANE(__vabsdiffu##N, U, gpumm_apart(x, y))"
    " GPUMM_LANE(__vadd##N, U, x + y) GPUMM_LANE(__vaddss##N, S, gpumm_clamped<S>(x + y))"
    " GPUMM_LANE(__vaddus##N, U, gpumm_clamped<U>(x + y)) GPUMM_LANE(__vsub##N, U, x - y)"
    " GPUMM_LANE(__vsubss##N, S, gpumm_clamped<S>(x - y)) GPUMM_LANE(__vsubus##N, U, gpumm_clamped<U>(x - y))"
    " GPUMM_LANE(__vavgs##N, S, (x + y + (x + y >= 0)) >> 1) GPUMM_LANE(__vavgu##N, U, (x + y + 1) >> 1)"
    " GPUMM_LANE(__vhaddu##N, U, (x + y) >> 1)"
    " GPUMM_LANE(__vmaxs##N, S, x > y ? x : y) GPUMM_LANE(__vmaxu##N, U, x > y ? x : y)"
    " GPUMM_LANE(__vmins##N, S, x < y ? x : y) GPUMM_LANE(__vminu##N, U, x < y ? x : y)"
    " GPUMM_SUM(__vsads##N, S) GPUMM_SUM(__vsadu##N, U)"
    " GPUMM_COMPARE(eq, N, U, ==) GPUMM_COMPARE(ne, N, U, !=) GPUMM_COMPARE(ges, N, S, >=)"
    " GPUMM_COMPARE(geu, N, U, >=) GPUMM_COMPARE(gts, N, S, >) GPUMM_COMPARE(gtu, N, U, >)"
    " GPUMM_COMPARE(les, N, S, <=) GPUMM_COMPARE(leu, N, U, <=) GPUMM_COMPARE(lts, N, S, <)"
    " GPUMM_COMPARE(ltu, N, U, <)\n"
    "GPUMM_WORDS_OF(2, short, unsigned short) GPUMM_WORDS_OF(4, signed char, unsigned char)\n"
    "#undef GPUMM_WORDS_OF\n#undef GPUMM_COMPARE\n#undef GPUMM_SUM\n";

static const char programming[] =
    "#define GPUMM_THREE(T, S, N) GPUMM T __vimax##N##_##S(T a, T b, T c) { T m = a > b ? a : b; return m > c ? m : c; }"
    " GPUMM T __vimin##N##_##S(T a, T b, T c) { T m = a < b ? a : b; return m < c ? m : c; }"
    " GPUMM T __viaddmax_##S(T a, T b, T c) { T s = (T)((unsigned)a + (unsigned)b); return s > c ? s : c; }"
    " GPUMM T __viaddmin_##S(T a, T b, T c) { T s = (T)((unsigned)a + (unsigned)b); return s < c ? s : c; }"
    " GPUMM T __vibmax_##S(T a, T b, bool *p) { *p = a >= b; return a >= b ? a : b; }"
    " GPUMM T __vibmin_##S(T a, T b, bool *p) { *p = a <= b; return a <= b ? a : b; }\n"
    "GPUMM_THREE(int, s32, 3) GPUMM_THREE(unsigned, u32, 3)\n#undef GPUMM_THREE\n" TEXT(
    template <class T, class F> GPUMM unsigned gpumm_lanes3(unsigned a, unsigned b, unsigned c, F f) {
        unsigned low = (unsigned)f((T)a, (T)b, (T)c) & 0xffffu;
        return low | (unsigned)f((T)(a >> 16), (T)(b >> 16), (T)(c >> 16)) << 16;
    }
    GPUMM int gpumm_not_less(int v) { return v > 0 ? v : 0; }
    GPUMM int __vimax_s32_relu(int a, int b) { return gpumm_not_less(a > b ? a : b); }
    GPUMM int __vimin_s32_relu(int a, int b) { return gpumm_not_less(a < b ? a : b); }
    GPUMM int __vimax3_s32_relu(int a, int b, int c) { return gpumm_not_less(__vimax3_s32(a, b, c)); }
    GPUMM int __vimin3_s32_relu(int a, int b, int c) { return gpumm_not_less(__vimin3_s32(a, b, c)); }
    GPUMM int __viaddmax_s32_relu(int a, int b, int c) {
        return gpumm_not_less(__viaddmax_s32(a, b, c));
    }
    GPUMM int __viaddmin_s32_relu(int a, int b, int c) {
        return gpumm_not_less(__viaddmin_s32(a, b, c));
    }
);

/* Two lanes of 16 bits; a sum wraps within its lane. */
static const char programming_lanes[] =
    "#define GPUMM_PAIR(NAME, T, E) GPUMM unsigned NAME(unsigned a, unsigned b, unsigned c) {"
    " return gpumm_lanes3<T>(a, b, c, [](T x, T y, T z) { (void)z; return (int)(E); }); }\n"
    "#define GPUMM_TWO(NAME, T, E) GPUMM unsigned NAME(unsigned a, unsigned b) {"
    " return gpumm_lanes3<T>(a, b, b, [](T x, T y, T) { return (int)(E); }); }\n"
    "#define GPUMM_LARGER(x, y) ((x) > (y) ? (x) : (y))\n#define GPUMM_SMALLER(x, y) ((x) < (y) ? (x) : (y))\n"
    "#define GPUMM_SIGNS(S, T)"
    " GPUMM_PAIR(__vimax3_##S, T, GPUMM_LARGER(GPUMM_LARGER(x, y), z))"
    " GPUMM_PAIR(__vimin3_##S, T, GPUMM_SMALLER(GPUMM_SMALLER(x, y), z))"
    " GPUMM_PAIR(__viaddmax_##S, T, GPUMM_LARGER((T)(x + y), z))"
    " GPUMM_PAIR(__viaddmin_##S, T, GPUMM_SMALLER((T)(x + y), z))"
    " GPUMM unsigned __vibmax_##S(unsigned a, unsigned b, bool *hi, bool *lo) {"
    " *lo = (T)a >= (T)b; *hi = (T)(a >> 16) >= (T)(b >> 16);"
    " return (*lo ? a & 0xffffu : b & 0xffffu) | (*hi ? a & 0xffff0000u : b & 0xffff0000u); }"
    " GPUMM unsigned __vibmin_##S(unsigned a, unsigned b, bool *hi, bool *lo) {"
    " *lo = (T)a <= (T)b; *hi = (T)(a >> 16) <= (T)(b >> 16);"
    " return (*lo ? a & 0xffffu : b & 0xffffu) | (*hi ? a & 0xffff0000u : b & 0xffff0000u); }\n"
    "GPUMM_SIGNS(s16x2, short) GPUMM_SIGNS(u16x2, unsigned short)\n"
    "GPUMM_TWO(__vimax_s16x2_relu, short, gpumm_not_less(GPUMM_LARGER(x, y)))"
    " GPUMM_TWO(__vimin_s16x2_relu, short, gpumm_not_less(GPUMM_SMALLER(x, y)))"
    " GPUMM_PAIR(__vimax3_s16x2_relu, short, gpumm_not_less(GPUMM_LARGER(GPUMM_LARGER(x, y), z)))"
    " GPUMM_PAIR(__vimin3_s16x2_relu, short, gpumm_not_less(GPUMM_SMALLER(GPUMM_SMALLER(x, y), z)))"
    " GPUMM_PAIR(__viaddmax_s16x2_relu, short, gpumm_not_less(GPUMM_LARGER((short)(x + y), z)))"
    " GPUMM_PAIR(__viaddmin_s16x2_relu, short, gpumm_not_less(GPUMM_SMALLER((short)(x + y), z)))\n"
    "#undef GPUMM_PAIR\n#undef GPUMM_TWO\n#undef GPUMM_SIGNS\n#undef GPUMM_LARGER\n#undef GPUMM_SMALLER\n";

static const char hints[] =
    "#if !defined(__clang__)\n#define __builtin_assume(...) ((void)0)\n#endif\n#define __assume(...) ((void)0)\n" TEXT(
    GPUMM unsigned __isGlobal(const void *p) { return p != nullptr; }
    GPUMM unsigned __isShared(const void *) { return 0; }
    GPUMM unsigned __isConstant(const void *) { return 0; }
    GPUMM unsigned __isLocal(const void *) { return 0; }
    GPUMM void __prof_trigger(int) {}
    template <class T> GPUMM T __ldlu(const T *p) { return *p; }
    template <class T> GPUMM T __ldcv(const T *p) { return *p; }
    template <class T> GPUMM void __stwt(T *p, T v) { *p = v; }
    GPUMM long long llmin(long long a, long long b) { return a < b ? a : b; }
    GPUMM long long llmax(long long a, long long b) { return a > b ? a : b; }
    GPUMM unsigned long long ullmin(unsigned long long a, unsigned long long b) {
        return a < b ? a : b;
    }
    GPUMM unsigned long long ullmax(unsigned long long a, unsigned long long b) {
        return a > b ? a : b;
    }
);
/* clang-format on */

const char *const gpumm__host_prelude_integers[] = {bits,        products,          lanes, lane_functions,
                                                    programming, programming_lanes, hints, NULL};
