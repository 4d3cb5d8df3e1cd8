/* SPDX-License-Identifier: MIT */
/* The text that precedes every kernel for NVRTC. */
#include "device/cuda/prelude.h"

#include "base/hash.h"

/* 64 bits are long long, as NVRTC's own libcu++ has them, which says so again; atomicAdd knows no long either. */
const char gpumm__cuda_prelude[] =
    "typedef signed char int8_t;\ntypedef unsigned char uint8_t;\n"
    "typedef short int16_t;\ntypedef unsigned short uint16_t;\n"
    "typedef int int32_t;\ntypedef unsigned int uint32_t;\n"
    "typedef long long int64_t;\ntypedef unsigned long long uint64_t;\n"
    "typedef int64_t intptr_t;\ntypedef uint64_t uintptr_t;\n"
    "typedef int64_t intmax_t;\ntypedef uint64_t uintmax_t;\n"
    "typedef long ptrdiff_t;\n"
    "#define INT8_MIN (-128)\n#define INT8_MAX 127\n#define UINT8_MAX 255\n"
    "#define INT16_MIN (-32768)\n#define INT16_MAX 32767\n#define UINT16_MAX 65535\n"
    "#define INT32_MIN (-2147483647 - 1)\n#define INT32_MAX 2147483647\n#define UINT32_MAX 4294967295u\n"
    "#define INT64_MIN (-9223372036854775807ll - 1)\n#define INT64_MAX 9223372036854775807ll\n"
    "#define UINT64_MAX 18446744073709551615ull\n#define SIZE_MAX UINT64_MAX\n"
    "#define CHAR_BIT 8\n#define INT_MIN INT32_MIN\n#define INT_MAX INT32_MAX\n#define UINT_MAX UINT32_MAX\n"
    "#define LONG_MIN (-9223372036854775807l - 1)\n#define LONG_MAX 9223372036854775807l\n"
    "#define ULONG_MAX 18446744073709551615ul\n"
    "#define FLT_MAX 3.402823466e+38f\n#define FLT_MIN 1.175494351e-38f\n"
    "#define FLT_EPSILON 1.192092896e-07f\n"
    "#define DBL_MAX 1.7976931348623157e+308\n#define DBL_MIN 2.2250738585072014e-308\n"
    "#define DBL_EPSILON 2.2204460492503131e-16\n"
    "#ifndef INFINITY\n#define INFINITY __int_as_float(0x7f800000)\n#endif\n"
    "#ifndef NAN\n#define NAN __int_as_float(0x7fffffff)\n#endif\n"
    "#define GPUMM_WORDS extern \"C\" __device__\n#define GPUMM_EXPORT(gpumm_k, gpumm_path)\n"
    "#define GPUMM_BLOCKS(gpumm_k, gpumm_path)\n"
    "#ifndef M_PI\n#define M_PI 3.14159265358979323846\n#endif\n";

/* Headers of C that kernels include out of habit. What they declare is above or the compiler's own, so that they
   are empty but for std's names. */
#define INTEGERS \
    "namespace std { using ::int8_t; using ::uint8_t; using ::int16_t; using ::uint16_t; using ::int32_t; " \
    "using ::uint32_t; using ::int64_t; using ::uint64_t; using ::intptr_t; using ::uintptr_t; " \
    "using ::intmax_t; using ::uintmax_t; }\n"
#define SIZES "namespace std { using ::size_t; using ::ptrdiff_t; }\n"
#define MATH \
    "namespace std { using ::abs; using ::fabs; using ::sqrt; using ::cbrt; using ::hypot; using ::exp; " \
    "using ::exp2; using ::expm1; using ::log; using ::log2; using ::log10; using ::log1p; using ::pow; " \
    "using ::sin; using ::cos; using ::tan; using ::asin; using ::acos; using ::atan; using ::atan2; " \
    "using ::sinh; using ::cosh; using ::tanh; using ::floor; using ::ceil; using ::trunc; using ::round; " \
    "using ::fmod; using ::fma; using ::fmin; using ::fmax; using ::isnan; using ::isinf; using ::isfinite; }\n"

#define HEADERS(X) \
    X("stdint.h", "") \
    X("cstdint", INTEGERS) \
    X("inttypes.h", "") \
    X("cinttypes", INTEGERS) \
    X("stddef.h", "") \
    X("cstddef", SIZES) \
    X("stdbool.h", "") \
    X("limits.h", "") \
    X("climits", "") \
    X("float.h", "") \
    X("cfloat", "") \
    X("math.h", "") \
    X("cmath", MATH) \
    X("stdio.h", "") \
    X("cstdio", "") \
    X("stdlib.h", "") X("cstdlib", SIZES) X("string.h", "") X("cstring", SIZES) X("assert.h", "") X("cassert", "")
#define NAME(name, text) name,
#define TEXT(name, text) text,

const char *const gpumm__cuda_header_names[] = {HEADERS(NAME)};
const char *const gpumm__cuda_header_texts[] = {HEADERS(TEXT)};
const int gpumm__cuda_header_count = sizeof gpumm__cuda_header_names / sizeof *gpumm__cuda_header_names;

/* Changes whenever any of these texts does. */
uint64_t gpumm__cuda_prelude_stamp(void) {
    uint64_t stamp = hash_text(hash_start, gpumm__cuda_prelude);
    for (int i = 0; i < gpumm__cuda_header_count; i++) stamp = hash_text(stamp, gpumm__cuda_header_texts[i]);
    return stamp;
}
