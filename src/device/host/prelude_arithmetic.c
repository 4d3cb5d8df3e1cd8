/* SPDX-License-Identifier: MIT */
/* Results are rounded as their names say: the nearest one is found first, with the sign of what is missing from the
   exact result, and then the next number that way is taken where the rounding wants it. */
#include "device/host/prelude_arithmetic.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
/* gpumm_to: 0 nearest, 1 zero, 2 up, 3 down. */
static const char directions[] = TEXT(
    template <class F> struct gpumm_limit;
    template <> struct gpumm_limit<float> { static constexpr float most = 3.402823466e+38f; };
    template <> struct gpumm_limit<double> { static constexpr double most = 1.7976931348623157e+308; };
    GPUMM float gpumm_next(float v, float to) { return __builtin_nextafterf(v, to); }
    GPUMM double gpumm_next(double v, double to) { return __builtin_nextafter(v, to); }
    template <class F> GPUMM F gpumm_directed(F near, int missing, int to) {
        bool up = to == 2 || (to == 1 && near < 0);
        bool down = to == 3 || (to == 1 && near > 0);
        if (missing > 0 && up) return gpumm_next(near, (F)__builtin_inf());
        if (missing < 0 && down) return gpumm_next(near, -(F)__builtin_inf());
        return near;
    }
    template <class T> GPUMM int gpumm_sign(T v) { return (v > 0) - (v < 0); }
    /* From a wider result and the sign of what it lacks itself. */
    GPUMM float gpumm_narrow(double wide, int missing, int to) {
        float near = (float)wide;
        if (wide != wide || wide - wide != 0) return near;
        if (near - near != 0 && to) {
            float most = gpumm_limit<float>::most;
            return near > 0 ? (to == 2 ? near : most) : (to == 3 ? near : -most);
        }
        double left = wide - (double)near;
        return gpumm_directed(near, left != 0 ? gpumm_sign(left) : missing, to);
    }
    GPUMM double gpumm_sum_rest(double a, double b, double sum) {
        double part = sum - a;
        return (a - (sum - part)) + (b - part);
    }
    GPUMM double gpumm_double(double near, double rest, int to, bool finite) {
        if (near - near != 0 && near == near && finite && to) {
            double most = gpumm_limit<double>::most;
            return near > 0 ? (to == 2 ? near : most) : (to == 3 ? near : -most);
        }
        return near - near != 0 ? near : gpumm_directed(near, gpumm_sign(rest), to);
    }
    GPUMM bool gpumm_finite(double a) { return a - a == 0; }
    template <class F> GPUMM F gpumm_zero(F sum, int to) { return sum == 0 && to == 3 ? -(F)0 : sum; }
);

static const char singles[] = TEXT(
    GPUMM float gpumm_fadd(float a, float b, int to) {
        double sum = (double)a + b;
        if (sum == 0 && a != 0) return gpumm_zero(0.0f, to);
        return gpumm_narrow(sum, gpumm_sign(gpumm_sum_rest(a, b, sum)), to);
    }
    GPUMM float gpumm_fmul(float a, float b, int to) { return gpumm_narrow((double)a * b, 0, to); }
    GPUMM float gpumm_fma(float a, float b, float c, int to) {
        double product = (double)a * b;
        double sum = product + c;
        if (sum == 0 && c != 0) return gpumm_zero(0.0f, to);
        return to ? gpumm_narrow(sum, gpumm_sign(gpumm_sum_rest(product, c, sum)), to)
                  : __builtin_fmaf(a, b, c);
    }
    GPUMM float gpumm_fdiv(float a, float b, int to) {
        double ratio = (double)a / b;
        if (!to || b == 0) return a / b;
        double rest = __builtin_fma(-ratio, (double)b, (double)a);
        return gpumm_narrow(ratio, b > 0 ? gpumm_sign(rest) : -gpumm_sign(rest), to);
    }
    GPUMM float gpumm_fsqrt(float a, int to) {
        double root = __builtin_sqrt((double)a);
        return gpumm_narrow(root, gpumm_sign(__builtin_fma(-root, root, (double)a)), to);
    }
);

static const char doubles[] = TEXT(
    GPUMM double gpumm_dadd(double a, double b, int to) {
        double sum = a + b;
        if (sum == 0 && a != 0) return gpumm_zero(0.0, to);
        return gpumm_double(sum, gpumm_sum_rest(a, b, sum), to, gpumm_finite(a) && gpumm_finite(b));
    }
    GPUMM double gpumm_dmul(double a, double b, int to) {
        double product = a * b;
        return gpumm_double(product, __builtin_fma(a, b, -product), to, gpumm_finite(a) && gpumm_finite(b));
    }
    GPUMM double gpumm_dfma(double a, double b, double c, int to) {
        double near = __builtin_fma(a, b, c);
        double product = a * b;
        double low = __builtin_fma(a, b, -product);
        double sum = product + c;
        double rest = (sum - near) + (gpumm_sum_rest(product, c, sum) + low);
        if (near == 0 && c != 0) return gpumm_zero(0.0, to);
        return gpumm_double(near, rest, to, gpumm_finite(a) && gpumm_finite(b) && gpumm_finite(c));
    }
    GPUMM double gpumm_ddiv(double a, double b, int to) {
        double ratio = a / b;
        if (b == 0) return ratio;
        double rest = __builtin_fma(-ratio, b, a);
        return gpumm_double(ratio, b > 0 ? rest : -rest, to, gpumm_finite(a));
    }
    GPUMM double gpumm_dsqrt(double a, int to) {
        double root = __builtin_sqrt(a);
        return gpumm_double(root, __builtin_fma(-root, root, a), to, gpumm_finite(a));
    }
);

static const char roundings[] =
    "#define GPUMM_ROUNDED(R, TO)"
    " GPUMM float __fadd_##R(float a, float b) { return gpumm_fadd(a, b, TO); }"
    " GPUMM float __fsub_##R(float a, float b) { return gpumm_fadd(a, -b, TO); }"
    " GPUMM float __fmul_##R(float a, float b) { return gpumm_fmul(a, b, TO); }"
    " GPUMM float __fmaf_##R(float a, float b, float c) { return gpumm_fma(a, b, c, TO); }"
    " GPUMM float __fmaf_ieee_##R(float a, float b, float c) { return gpumm_fma(a, b, c, TO); }"
    " GPUMM float __fdiv_##R(float a, float b) { return gpumm_fdiv(a, b, TO); }"
    " GPUMM float __frcp_##R(float a) { return gpumm_fdiv(1.0f, a, TO); }"
    " GPUMM float __fsqrt_##R(float a) { return gpumm_fsqrt(a, TO); }"
    " GPUMM double __dadd_##R(double a, double b) { return gpumm_dadd(a, b, TO); }"
    " GPUMM double __dsub_##R(double a, double b) { return gpumm_dadd(a, -b, TO); }"
    " GPUMM double __dmul_##R(double a, double b) { return gpumm_dmul(a, b, TO); }"
    " GPUMM double __fma_##R(double a, double b, double c) { return gpumm_dfma(a, b, c, TO); }"
    " GPUMM double __ddiv_##R(double a, double b) { return gpumm_ddiv(a, b, TO); }"
    " GPUMM double __drcp_##R(double a) { return gpumm_ddiv(1.0, a, TO); }"
    " GPUMM double __dsqrt_##R(double a) { return gpumm_dsqrt(a, TO); }"
    " GPUMM float __double2float_##R(double a) { return gpumm_narrow(a, 0, TO); }"
    " GPUMM float __int2float_##R(int a) { return gpumm_narrow((double)a, 0, TO); }"
    " GPUMM float __uint2float_##R(unsigned a) { return gpumm_narrow((double)a, 0, TO); }"
    " GPUMM float __ll2float_##R(long long a) {"
    " return gpumm_narrow((double)a, gpumm_sign((__int128)a - (__int128)(double)a), TO); }"
    " GPUMM float __ull2float_##R(unsigned long long a) {"
    " return gpumm_narrow((double)a, gpumm_sign((__int128)a - (__int128)(double)a), TO); }"
    " GPUMM double __ll2double_##R(long long a) {"
    " return gpumm_directed((double)a, gpumm_sign((__int128)a - (__int128)(double)a), TO); }"
    " GPUMM double __ull2double_##R(unsigned long long a) {"
    " return gpumm_directed((double)a, gpumm_sign((__int128)a - (__int128)(double)a), TO); }\n"
    "GPUMM_ROUNDED(rn, 0) GPUMM_ROUNDED(rz, 1) GPUMM_ROUNDED(ru, 2) GPUMM_ROUNDED(rd, 3)\n"
    "#undef GPUMM_ROUNDED\n" TEXT(
    GPUMM float __frsqrt_rn(float v) { return (float)(1.0 / __builtin_sqrt((double)v)); }
    GPUMM double __int2double_rn(int v) { return v; }
    GPUMM double __uint2double_rn(unsigned v) { return v; }
);

/* Multiples of a half turn come out exactly. */
static const char turns[] = TEXT(
    GPUMM double gpumm_sinpi(double v) {
        double r = v - 2.0 * __builtin_rint(0.5 * v);
        double a = __builtin_fabs(r);
        if (a > 0.5) a = 1.0 - a;
        double s = a <= 0.25 ? __builtin_sin(3.14159265358979323846 * a)
                             : __builtin_cos(3.14159265358979323846 * (0.5 - a));
        return __builtin_copysign(s, r);
    }
    GPUMM double gpumm_cospi(double v) {
        double a = __builtin_fabs(v - 2.0 * __builtin_rint(0.5 * v));
        return a <= 0.25   ? __builtin_cos(3.14159265358979323846 * a)
               : a <= 0.75 ? __builtin_sin(3.14159265358979323846 * (0.5 - a))
                           : -__builtin_cos(3.14159265358979323846 * (1.0 - a));
    }
    GPUMM double sinpi(double v) { return gpumm_sinpi(v); }
    GPUMM double cospi(double v) { return gpumm_cospi(v); }
    GPUMM float sinpif(float v) { return (float)gpumm_sinpi(v); }
    GPUMM float cospif(float v) { return (float)gpumm_cospi(v); }
    GPUMM void sincospi(double v, double *s, double *c) {
        *s = gpumm_sinpi(v);
        *c = gpumm_cospi(v);
    }
    GPUMM void sincospif(float v, float *s, float *c) {
        *s = sinpif(v);
        *c = cospif(v);
    }
);

static const char norms[] = TEXT(
    GPUMM float rsqrtf(float v) { return 1.0f / __builtin_sqrtf(v); }
    GPUMM double rsqrt(double v) { return 1.0 / __builtin_sqrt(v); }
    GPUMM float rsqrt(float v) { return rsqrtf(v); }
    GPUMM float rcbrtf(float v) { return 1.0f / __builtin_cbrtf(v); }
    GPUMM double rcbrt(double v) { return 1.0 / __builtin_cbrt(v); }
    GPUMM float rhypotf(float x, float y) { return 1.0f / __builtin_hypotf(x, y); }
    GPUMM double rhypot(double x, double y) { return 1.0 / __builtin_hypot(x, y); }
    GPUMM float norm3df(float x, float y, float z) { return __builtin_sqrtf(x * x + y * y + z * z); }
    GPUMM float rnorm3df(float x, float y, float z) { return 1.0f / norm3df(x, y, z); }
    GPUMM float norm4df(float x, float y, float z, float w) {
        return __builtin_sqrtf(x * x + y * y + z * z + w * w);
    }
    GPUMM float rnorm4df(float x, float y, float z, float w) { return 1.0f / norm4df(x, y, z, w); }
    GPUMM double norm3d(double x, double y, double z) { return __builtin_sqrt(x * x + y * y + z * z); }
    GPUMM double rnorm3d(double x, double y, double z) { return 1.0 / norm3d(x, y, z); }
    GPUMM double norm4d(double x, double y, double z, double w) {
        return __builtin_sqrt(x * x + y * y + z * z + w * w);
    }
    GPUMM double rnorm4d(double x, double y, double z, double w) { return 1.0 / norm4d(x, y, z, w); }
    template <class F> GPUMM double gpumm_norm(int n, const F *p) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += (double)p[i] * p[i];
        return __builtin_sqrt(sum);
    }
    GPUMM double norm(int n, const double *p) { return gpumm_norm(n, p); }
    GPUMM double rnorm(int n, const double *p) { return 1.0 / gpumm_norm(n, p); }
    GPUMM float normf(int n, const float *p) { return (float)gpumm_norm(n, p); }
    GPUMM float rnormf(int n, const float *p) { return (float)(1.0 / gpumm_norm(n, p)); }
    GPUMM float fdividef(float a, float b) { return a / b; }
    GPUMM float __fdividef(float a, float b) { return a / b; }
    GPUMM float __saturatef(float v) { return v > 0 ? v < 1 ? v : 1.0f : 0.0f; }
);

/* The inverses by Newton's steps from a first guess, in double precision for both. */
static const char statistics[] = TEXT(
    GPUMM double normcdf(double x) { return 0.5 * __builtin_erfc(-x * 0.70710678118654752440); }
    GPUMM float normcdff(float x) { return (float)normcdf((double)x); }
    inline double gpumm_erfc_inverse(double q) {
        if (!(q > 0)) return q == 0 ? __builtin_inf() : __builtin_nan("");
        if (!(q < 2)) return q == 2 ? -__builtin_inf() : __builtin_nan("");
        if (q > 1) return -gpumm_erfc_inverse(2 - q);
        double t = __builtin_sqrt(-2 * __builtin_log(0.5 * q));
        double x = 0.70710678118654752440 * (t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                                                     (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
        for (int i = 0; i < 4; i++) {
            double slope = 1.12837916709551257390 * __builtin_exp(-x * x);
            double u = (__builtin_erfc(x) - q) / slope;
            if (!(slope > 0)) break;
            x += u / (1 - x * u);
        }
        return x;
    }
    inline double gpumm_erf_inverse(double p) {
        if (__builtin_fabs(p) > 0.5) return p > 0 ? gpumm_erfc_inverse(1 - p) : -gpumm_erfc_inverse(1 + p);
        double x = 0.88622692545275801365 * p;
        for (int i = 0; i < 5; i++) {
            double u = (__builtin_erf(x) - p) / (1.12837916709551257390 * __builtin_exp(-x * x));
            x -= u / (1 + x * u);
        }
        return x;
    }
    GPUMM double erfinv(double p) { return gpumm_erf_inverse(p); }
    GPUMM float erfinvf(float p) { return (float)gpumm_erf_inverse(p); }
    GPUMM double erfcinv(double q) { return gpumm_erfc_inverse(q); }
    GPUMM float erfcinvf(float q) { return (float)gpumm_erfc_inverse(q); }
    GPUMM double normcdfinv(double p) { return -1.41421356237309504880 * gpumm_erfc_inverse(2 * p); }
    GPUMM float normcdfinvf(float p) { return (float)normcdfinv(p); }
    inline double gpumm_erfcx(double x) {
        if (x < 25) return __builtin_exp(x * x) * __builtin_erfc(x);
        double r = 1 / (x * x);
        return 0.56418958354775628695 / x * (1 - r * (0.5 - r * (0.75 - r * 1.875)));
    }
    GPUMM double erfcx(double x) { return gpumm_erfcx(x); }
    GPUMM float erfcxf(float x) { return (float)gpumm_erfcx(x); }
    inline double gpumm_bessel(int order, double x) {
        double half = 0.5 * x;
        double term = order ? half : 1;
        double sum = term;
        for (int k = 1; k < 2000 && __builtin_fabs(term) > 1e-18 * __builtin_fabs(sum); k++)
            sum += term *= half * half / ((double)k * (k + order));
        return sum;
    }
    GPUMM double cyl_bessel_i0(double x) { return gpumm_bessel(0, x); }
    GPUMM double cyl_bessel_i1(double x) { return gpumm_bessel(1, x); }
    GPUMM float cyl_bessel_i0f(float x) { return (float)gpumm_bessel(0, x); }
    GPUMM float cyl_bessel_i1f(float x) { return (float)gpumm_bessel(1, x); }
);

/* The C library declares some for itself, so they get another name first. The fast forms are the exact ones: the host
   has no faster ones that are worth it. */
static const char fast[] =
    "#define __expf gpumm__expf\n#define __exp10f gpumm__exp10f\n#define __logf gpumm__logf\n"
    "#define __log2f gpumm__log2f\n#define __log10f gpumm__log10f\n#define __sinf gpumm__sinf\n"
    "#define __cosf gpumm__cosf\n#define __tanf gpumm__tanf\n#define __powf gpumm__powf\n"
    "#define __sincosf gpumm__sincosf\n#define __tanhf gpumm__tanhf\n" TEXT(
    GPUMM float gpumm__expf(float v) { return __builtin_expf(v); }
    GPUMM float gpumm__exp10f(float v) { return __builtin_powf(10.0f, v); }
    GPUMM float gpumm__logf(float v) { return __builtin_logf(v); }
    GPUMM float gpumm__log2f(float v) { return __builtin_log2f(v); }
    GPUMM float gpumm__log10f(float v) { return __builtin_log10f(v); }
    GPUMM float gpumm__sinf(float v) { return __builtin_sinf(v); }
    GPUMM float gpumm__cosf(float v) { return __builtin_cosf(v); }
    GPUMM float gpumm__tanhf(float v) { return __builtin_tanhf(v); }
    GPUMM float gpumm__tanf(float v) { return __builtin_tanf(v); }
    GPUMM float gpumm__powf(float a, float b) { return __builtin_powf(a, b); }
    GPUMM void gpumm__sincosf(float v, float *s, float *c) {
        *s = gpumm__sinf(v);
        *c = gpumm__cosf(v);
    }
);
/* clang-format on */

const char *const gpumm__host_prelude_arithmetic[] = {directions, singles, doubles,    roundings, turns,
                                                      norms,      fast,    statistics, NULL};
