/* SPDX-License-Identifier: MIT */
/* Stored in 16 bits, computed in float, rounded to nearest even. A float has more than twice the digits, so that one
   operation comes out as if it had been rounded once. */
#include "device/host/prelude_half.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char types[] = TEXT(
    GPUMM float gpumm_half_to_float(unsigned short h) {
        unsigned sign = (unsigned)(h & 0x8000) << 16;
        unsigned rest = h & 0x7fff;
        if (rest >= 0x7c00) return gpumm_bits<float>(sign | 0x7f800000u | (rest & 0x3ff) << 13);
        if (rest >= 0x0400) return gpumm_bits<float>(sign | ((rest << 13) + 0x38000000u));
        float tiny = (float)rest * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    GPUMM unsigned short gpumm_float_to_half(float f) {
        unsigned bits = gpumm_bits<unsigned>(f);
        unsigned sign = bits >> 16 & 0x8000;
        unsigned rest = bits & 0x7fffffffu;
        if (rest > 0x7f800000u) return (unsigned short)0x7fff;
        if (rest >= 0x477ff000u) return (unsigned short)(sign | 0x7c00);
        if (rest < 0x38800000u)
            return (unsigned short)(sign | (unsigned)__builtin_rintf(gpumm_bits<float>(rest) * 0x1p24f));
        unsigned odd = rest >> 13 & 1;
        return (unsigned short)(sign | (rest - 0x38000000u + 0xfff + odd) >> 13);
    }
    struct __half {
        unsigned short bits;
        __half() = default;
        inline __half(float v) : bits(gpumm_float_to_half(v)) {}
        inline __half(double v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(short v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(unsigned short v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(int v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(unsigned v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(long v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(unsigned long v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(long long v) : bits(gpumm_float_to_half((float)v)) {}
        inline __half(unsigned long long v) : bits(gpumm_float_to_half((float)v)) {}
        inline operator float() const { return gpumm_half_to_float(bits); }
        inline __half &operator+=(__half b) { return *this = __half((float)*this + (float)b); }
        inline __half &operator-=(__half b) { return *this = __half((float)*this - (float)b); }
        inline __half &operator*=(__half b) { return *this = __half((float)*this * (float)b); }
        inline __half &operator/=(__half b) { return *this = __half((float)*this / (float)b); }
        inline __half &operator++() { return *this += __half(1.0f); }
        inline __half &operator--() { return *this -= __half(1.0f); }
        inline __half operator++(int) {
            __half was = *this;
            ++*this;
            return was;
        }
        inline __half operator--(int) {
            __half was = *this;
            --*this;
            return was;
        }
    };
    typedef __half half;
    struct alignas(4) __half2 {
        __half x, y;
        __half2() = default;
        inline constexpr __half2(const __half &a, const __half &b) : x(a), y(b) {}
    };
    typedef __half2 half2;
);

static const char operators[] = TEXT(
    GPUMM __half operator+(__half a) { return a; }
    GPUMM __half operator-(__half a) {
        a.bits ^= 0x8000;
        return a;
    }
    GPUMM __half2 operator+(__half2 a) { return a; }
    GPUMM __half2 operator-(__half2 a) { return {-a.x, -a.y}; }
) "#define GPUMM_BINARY(OP)"
       " GPUMM __half operator OP(__half a, __half b) { return __half((float)a OP (float)b); }"
       " GPUMM __half2 operator OP(__half2 a, __half2 b) { return {a.x OP b.x, a.y OP b.y}; }"
       " GPUMM __half2 &operator OP##=(__half2 &a, __half2 b) { return a = a OP b; }\n"
       "#define GPUMM_COMPARED(OP)"
       " GPUMM bool operator OP(__half a, __half b) { return (float)a OP (float)b; }"
       " GPUMM bool operator OP(__half2 a, __half2 b) { return a.x OP b.x && a.y OP b.y; }\n"
       "GPUMM_BINARY(+) GPUMM_BINARY(-) GPUMM_BINARY(*) GPUMM_BINARY(/)\n"
       "GPUMM_COMPARED(==) GPUMM_COMPARED(!=) GPUMM_COMPARED(<) GPUMM_COMPARED(>) GPUMM_COMPARED(<=) GPUMM_COMPARED(>=)\n"
       "#undef GPUMM_BINARY\n#undef GPUMM_COMPARED\n" TEXT(
    GPUMM __half2 &operator++(__half2 &a) {
        ++a.x;
        ++a.y;
        return a;
    }
    GPUMM __half2 &operator--(__half2 &a) {
        --a.x;
        --a.y;
        return a;
    }
    GPUMM __half2 operator++(__half2 &a, int) {
        __half2 was = a;
        ++a;
        return was;
    }
    GPUMM __half2 operator--(__half2 &a, int) {
        __half2 was = a;
        --a;
        return was;
    }
);

/* NAME of two halves or half2s, NAME##2 (or as given) by lanes. */
static const char arithmetic[] =
    "#define GPUMM_BOTH(NAME, NAME2, E)"
    " GPUMM __half NAME(__half a, __half b) { return E; }"
    " GPUMM __half2 NAME2(__half2 a, __half2 b) { return {NAME(a.x, b.x), NAME(a.y, b.y)}; }\n"
    "#define GPUMM_SATURATED(v) __half(__saturatef((float)(v)))\n"
    "GPUMM_BOTH(__hadd, __hadd2, a + b) GPUMM_BOTH(__hadd_rn, __hadd2_rn, a + b)"
    " GPUMM_BOTH(__hsub, __hsub2, a - b) GPUMM_BOTH(__hsub_rn, __hsub2_rn, a - b)"
    " GPUMM_BOTH(__hmul, __hmul2, a * b) GPUMM_BOTH(__hmul_rn, __hmul2_rn, a * b)"
    " GPUMM_BOTH(__hdiv, __h2div, a / b) GPUMM_BOTH(__hadd_sat, __hadd2_sat, GPUMM_SATURATED((float)a + (float)b))"
    " GPUMM_BOTH(__hsub_sat, __hsub2_sat, GPUMM_SATURATED((float)a - (float)b))"
    " GPUMM_BOTH(__hmul_sat, __hmul2_sat, GPUMM_SATURATED((float)a * (float)b))\n"
    "GPUMM_BOTH(__hmax, __hmax2, (a != a ? b : b != b ? a : (float)a > (float)b ? a : b))"
    " GPUMM_BOTH(__hmin, __hmin2, (a != a ? b : b != b ? a : (float)a < (float)b ? a : b))"
    " GPUMM_BOTH(__hmax_nan, __hmax2_nan, (a != a || b != b ? __half(__builtin_nanf(\"\")) : __hmax(a, b)))"
    " GPUMM_BOTH(__hmin_nan, __hmin2_nan, (a != a || b != b ? __half(__builtin_nanf(\"\")) : __hmin(a, b)))\n" TEXT(
    GPUMM __half __hneg(__half a) { return -a; }
    GPUMM __half2 __hneg2(__half2 a) { return -a; }
    GPUMM __half __habs(__half a) {
        a.bits &= 0x7fff;
        return a;
    }
    GPUMM __half2 __habs2(__half2 a) { return {__habs(a.x), __habs(a.y)}; }
    GPUMM __half __hfma(__half a, __half b, __half c) {
        return __half((float)__builtin_fma((double)(float)a, (double)(float)b, (double)(float)c));
    }
    GPUMM __half __hfma_sat(__half a, __half b, __half c) { return GPUMM_SATURATED(__hfma(a, b, c)); }
    GPUMM __half __hfma_relu(__half a, __half b, __half c) {
        return __hmax(__hfma(a, b, c), __half(0.0f));
    }
    GPUMM __half2 __hfma2(__half2 a, __half2 b, __half2 c) {
        return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
    }
    GPUMM __half2 __hfma2_sat(__half2 a, __half2 b, __half2 c) {
        return {__hfma_sat(a.x, b.x, c.x), __hfma_sat(a.y, b.y, c.y)};
    }
    GPUMM __half2 __hfma2_relu(__half2 a, __half2 b, __half2 c) {
        return {__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y)};
    }
    GPUMM __half2 __hcmadd(__half2 a, __half2 b, __half2 c) {
        return {__hfma(-a.y, b.y, __hfma(a.x, b.x, c.x)), __hfma(a.y, b.x, __hfma(a.x, b.y, c.y))};
    }
    GPUMM bool __hisnan(__half a) { return a != a; }
    GPUMM int __hisinf(__half a) { return (a.bits & 0x7fff) == 0x7c00 ? a.bits & 0x8000 ? -1 : 1 : 0; }
    GPUMM __half2 __hisnan2(__half2 a) { return {__half(a.x != a.x), __half(a.y != a.y)}; }
) "#undef GPUMM_SATURATED\n";

static const char comparisons[] =
    "#define GPUMM_COMPARE(N, OP)"
    " GPUMM bool __h##N(__half a, __half b) { return !(a != a) && !(b != b) && (float)a OP (float)b; }"
    " GPUMM bool __h##N##u(__half a, __half b) { return a != a || b != b || (float)a OP (float)b; }"
    " GPUMM __half2 __h##N##2(__half2 a, __half2 b) { return {__half((int)__h##N(a.x, b.x)),"
    " __half((int)__h##N(a.y, b.y))}; }"
    " GPUMM __half2 __h##N##u2(__half2 a, __half2 b) { return {__half((int)__h##N##u(a.x, b.x)),"
    " __half((int)__h##N##u(a.y, b.y))}; }"
    " GPUMM bool __hb##N##2(__half2 a, __half2 b) { return __h##N(a.x, b.x) && __h##N(a.y, b.y); }"
    " GPUMM bool __hb##N##u2(__half2 a, __half2 b) { return __h##N##u(a.x, b.x) && __h##N##u(a.y, b.y); }"
    " GPUMM unsigned __h##N##2_mask(__half2 a, __half2 b) {"
    " return (__h##N(a.x, b.x) ? 0xffffu : 0u) | (__h##N(a.y, b.y) ? 0xffff0000u : 0u); }"
    " GPUMM unsigned __h##N##u2_mask(__half2 a, __half2 b) {"
    " return (__h##N##u(a.x, b.x) ? 0xffffu : 0u) | (__h##N##u(a.y, b.y) ? 0xffff0000u : 0u); }\n"
    "GPUMM_COMPARE(eq, ==) GPUMM_COMPARE(ne, !=) GPUMM_COMPARE(lt, <) GPUMM_COMPARE(le, <=) GPUMM_COMPARE(gt, >)"
    " GPUMM_COMPARE(ge, >=)\n#undef GPUMM_COMPARE\n#undef GPUMM_BOTH\n";

static const char mathematics[] =
    "#define GPUMM_OF(N, F) GPUMM __half h##N(__half a) { return __half((float)(F)); }"
    " GPUMM __half2 h2##N(__half2 a) { return {h##N(a.x), h##N(a.y)}; }\n"
    "GPUMM_OF(ceil, __builtin_ceilf((float)a)) GPUMM_OF(floor, __builtin_floorf((float)a))"
    " GPUMM_OF(rint, __builtin_rintf((float)a)) GPUMM_OF(trunc, __builtin_truncf((float)a))"
    " GPUMM_OF(sqrt, __builtin_sqrtf((float)a)) GPUMM_OF(rsqrt, 1.0 / __builtin_sqrt((double)(float)a))"
    " GPUMM_OF(rcp, 1.0f / (float)a) GPUMM_OF(log, __builtin_logf((float)a)) GPUMM_OF(log2, __builtin_log2f((float)a))"
    " GPUMM_OF(log10, __builtin_log10f((float)a)) GPUMM_OF(exp, __builtin_expf((float)a))"
    " GPUMM_OF(exp2, __builtin_exp2f((float)a)) GPUMM_OF(exp10, __builtin_pow(10.0, (double)(float)a))"
    " GPUMM_OF(sin, __builtin_sinf((float)a)) GPUMM_OF(cos, __builtin_cosf((float)a))"
    " GPUMM_OF(tanh, __builtin_tanhf((float)a)) GPUMM_OF(tanh_approx, __builtin_tanhf((float)a))\n"
    "#undef GPUMM_OF\n";

/* From wider numbers by the rounding's name, and to integers, which saturate and take NaN to 0. */
static const char conversions[] =
    "#define GPUMM_TO(T, N, R, TO)"
    " GPUMM __half __##N##2half_##R(T v) { return gpumm_to_half((double)v, (double)v != (double)v ? 0 : TO); }\n"
    "#define GPUMM_FROM(T, N, R, F, LOW, HIGH)"
    " GPUMM T __half2##N##_##R(__half v) { return gpumm_saturated<T>(F((float)v), (T)LOW, (T)HIGH); }\n"
    "#define GPUMM_ROUNDINGS(M, T, N) M(T, N, rn, 0) M(T, N, rz, 1) M(T, N, ru, 2) M(T, N, rd, 3)\n"
    "#define GPUMM_INTEGER(T, N, LOW, HIGH) GPUMM_ROUNDINGS(GPUMM_TO, T, N)"
    " GPUMM_FROM(T, N, rn, __builtin_rintf, LOW, HIGH) GPUMM_FROM(T, N, rz, __builtin_truncf, LOW, HIGH)"
    " GPUMM_FROM(T, N, ru, __builtin_ceilf, LOW, HIGH) GPUMM_FROM(T, N, rd, __builtin_floorf, LOW, HIGH)\n" TEXT(
    GPUMM __half gpumm_to_half(double v, int to) {
        __half near;
        float narrow = gpumm_narrow(v, 0, 0);
        if ((double)narrow != v && v == v) {
            /* once more to odd, so that it is rounded once in all */
            narrow = gpumm_narrow(v, 0, 1);
            narrow = gpumm_bits<float>(gpumm_bits<unsigned>(narrow) | 1u);
        }
        near.bits = gpumm_float_to_half(narrow);
        if (!to || v != v || v - v != 0) return near;
        double left = v - (double)(float)near;
        bool negative = near.bits & 0x8000;
        bool up = left > 0 && (to == 2 || (to == 1 && negative));
        bool down = left < 0 && (to == 3 || (to == 1 && !negative));
        if (up)
            near.bits = (unsigned short)(near.bits == 0x8000 ? 1 : negative ? near.bits - 1 : near.bits + 1);
        if (down)
            near.bits = (unsigned short)(near.bits == 0 ? 0x8001 : negative ? near.bits + 1 : near.bits - 1);
        return near;
    }
) "GPUMM_ROUNDINGS(GPUMM_TO, float, float)\n"
           "GPUMM_INTEGER(int, int, -2147483647 - 1, 2147483647) GPUMM_INTEGER(unsigned, uint, 0u, 4294967295u)\n"
           "GPUMM_INTEGER(short, short, -32768, 32767) GPUMM_INTEGER(unsigned short, ushort, 0, 65535)\n"
           "GPUMM_INTEGER(long long, ll, -9223372036854775807ll - 1, 9223372036854775807ll)\n"
           "GPUMM_INTEGER(unsigned long long, ull, 0ull, 18446744073709551615ull)\n"
           "GPUMM_FROM(signed char, char, rz, __builtin_truncf, -128, 127)"
           " GPUMM_FROM(unsigned char, uchar, rz, __builtin_truncf, 0, 255)\n"
           "#undef GPUMM_INTEGER\n#undef GPUMM_ROUNDINGS\n#undef GPUMM_FROM\n#undef GPUMM_TO\n";

static const char parts[] = TEXT(
    GPUMM __half __float2half(float v) { return __half(v); }
    GPUMM __half __double2half(double v) { return gpumm_to_half(v, 0); }
    GPUMM float __half2float(__half v) { return (float)v; }
    GPUMM __half __ushort_as_half(unsigned short v) {
        __half h;
        h.bits = v;
        return h;
    }
    GPUMM __half __short_as_half(short v) { return __ushort_as_half((unsigned short)v); }
    GPUMM unsigned short __half_as_ushort(__half v) { return v.bits; }
    GPUMM short __half_as_short(__half v) { return (short)v.bits; }
    GPUMM __half2 make_half2(__half x, __half y) { return {x, y}; }
    GPUMM __half2 __halves2half2(__half x, __half y) { return {x, y}; }
    GPUMM __half2 __half2half2(__half v) { return {v, v}; }
    GPUMM __half2 __floats2half2_rn(float x, float y) { return {__half(x), __half(y)}; }
    GPUMM __half2 __float2half2_rn(float v) { return {__half(v), __half(v)}; }
    GPUMM __half2 __float22half2_rn(float2 v) { return {__half(v.x), __half(v.y)}; }
    GPUMM float2 __half22float2(__half2 v) { return {(float)v.x, (float)v.y}; }
    GPUMM float __low2float(__half2 v) { return (float)v.x; }
    GPUMM float __high2float(__half2 v) { return (float)v.y; }
    GPUMM __half __low2half(__half2 v) { return v.x; }
    GPUMM __half __high2half(__half2 v) { return v.y; }
    GPUMM __half2 __low2half2(__half2 v) { return {v.x, v.x}; }
    GPUMM __half2 __high2half2(__half2 v) { return {v.y, v.y}; }
    GPUMM __half2 __lows2half2(__half2 a, __half2 b) { return {a.x, b.x}; }
    GPUMM __half2 __highs2half2(__half2 a, __half2 b) { return {a.y, b.y}; }
    GPUMM __half2 __lowhigh2highlow(__half2 v) { return {v.y, v.x}; }
    GPUMM __half atomicAdd(__half *p, __half v) {
        return gpumm_change(p, [=](__half a) { return a + v; });
    }
    GPUMM __half2 atomicAdd(__half2 *p, __half2 v) {
        return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y)};
    }
);
/* clang-format on */

const char *const gpumm__host_prelude_half[] = {types,       operators,   arithmetic, comparisons,
                                                mathematics, conversions, parts,      NULL};
