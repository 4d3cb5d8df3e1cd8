/* The text that precedes every kernel for NVRTC. */
#include "device/cuda/prelude.h"

const char cuda_prelude[] =
    "typedef signed char int8_t;\ntypedef unsigned char uint8_t;\n"
    "typedef short int16_t;\ntypedef unsigned short uint16_t;\n"
    "typedef int int32_t;\ntypedef unsigned int uint32_t;\n"
    "typedef long int64_t;\ntypedef unsigned long uint64_t;\n"
    "typedef long intptr_t;\ntypedef unsigned long uintptr_t;\n"
    "typedef long intmax_t;\ntypedef unsigned long uintmax_t;\n"
    "typedef long ptrdiff_t;\n"
    "#define INT8_MIN (-128)\n#define INT8_MAX 127\n#define UINT8_MAX 255\n"
    "#define INT16_MIN (-32768)\n#define INT16_MAX 32767\n#define UINT16_MAX 65535\n"
    "#define INT32_MIN (-2147483647 - 1)\n#define INT32_MAX 2147483647\n#define UINT32_MAX 4294967295u\n"
    "#define INT64_MIN (-9223372036854775807l - 1)\n#define INT64_MAX 9223372036854775807l\n"
    "#define UINT64_MAX 18446744073709551615ul\n#define SIZE_MAX UINT64_MAX\n"
    "#define CHAR_BIT 8\n#define INT_MIN INT32_MIN\n#define INT_MAX INT32_MAX\n#define UINT_MAX UINT32_MAX\n"
    "#define LONG_MIN INT64_MIN\n#define LONG_MAX INT64_MAX\n#define ULONG_MAX UINT64_MAX\n"
    "#define FLT_MAX 3.402823466e+38f\n#define FLT_MIN 1.175494351e-38f\n"
    "#define FLT_EPSILON 1.192092896e-07f\n"
    "#define DBL_MAX 1.7976931348623157e+308\n#define DBL_MIN 2.2250738585072014e-308\n"
    "#define DBL_EPSILON 2.2204460492503131e-16\n"
    "#ifndef INFINITY\n#define INFINITY __int_as_float(0x7f800000)\n#endif\n"
    "#ifndef NAN\n#define NAN __int_as_float(0x7fffffff)\n#endif\n"
    "#ifndef M_PI\n#define M_PI 3.14159265358979323846\n#endif\n";

const char *const cuda_header_names[] = {"stdint.h",  "cstdint",  "stddef.h", "cstddef", "stdbool.h", "limits.h",
                                         "climits",   "float.h",  "cfloat",   "math.h",  "cmath",     "stdio.h",
                                         "cstdio",    "assert.h", "cassert",  "string.h", "cstring",  "stdlib.h",
                                         "cstdlib"};
const char *const cuda_header_texts[] = {"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""};
_Static_assert(sizeof cuda_header_names == sizeof cuda_header_texts, "one text a name");
const int cuda_header_count = sizeof cuda_header_names / sizeof *cuda_header_names;
