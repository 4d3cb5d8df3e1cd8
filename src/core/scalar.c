/* SPDX-License-Identifier: MIT */
/* Scalars: what each is called, and integers of any of them. */
#include "core/scalar.h"

#include <string.h>

const struct scalar_info scalar_infos[GPUMM_TYPE_F64 + 1] = {
    [GPUMM_TYPE_I8] = {"i8", 1, "signed char", "char"},
    [GPUMM_TYPE_U8] = {"u8", 1, "unsigned char", "uchar"},
    [GPUMM_TYPE_I16] = {"i16", 2, "short", "short"},
    [GPUMM_TYPE_U16] = {"u16", 2, "unsigned short", "ushort"},
    [GPUMM_TYPE_I32] = {"i32", 4, "int", "int"},
    [GPUMM_TYPE_U32] = {"u32", 4, "unsigned int", "uint"},
    [GPUMM_TYPE_I64] = {"i64", 8, "long long", "longlong"},
    [GPUMM_TYPE_U64] = {"u64", 8, "unsigned long long", "ulonglong"},
    [GPUMM_TYPE_F16] = {"f16", 2, "__half", NULL},
    [GPUMM_TYPE_F32] = {"f32", 4, "float", "float"},
    [GPUMM_TYPE_F64] = {"f64", 8, "double", "double"},
};

uint64_t gpumm__scalar_integer(gpumm_scalar scalar, const void *value) {
    union {
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        uint64_t u64;
    } n;
    static const size_t sizes[] = {
        [GPUMM_TYPE_I8] = 1,  [GPUMM_TYPE_U8] = 1,  [GPUMM_TYPE_I16] = 2, [GPUMM_TYPE_U16] = 2,
        [GPUMM_TYPE_I32] = 4, [GPUMM_TYPE_U32] = 4, [GPUMM_TYPE_I64] = 8, [GPUMM_TYPE_U64] = 8};
    memcpy(&n, value, sizes[scalar]);
    switch (scalar) {
    case GPUMM_TYPE_I8: return (uint64_t)n.i8;
    case GPUMM_TYPE_U8: return n.u8;
    case GPUMM_TYPE_I16: return (uint64_t)n.i16;
    case GPUMM_TYPE_U16: return n.u16;
    case GPUMM_TYPE_I32: return (uint64_t)n.i32;
    case GPUMM_TYPE_U32: return n.u32;
    default: return n.u64;
    }
}

bool gpumm__scalar_set_integer(gpumm_scalar scalar, uint64_t number, void *value) {
    static const struct {
        uint64_t most;
        size_t size;
    } integers[] = {
        [GPUMM_TYPE_I8] = {INT8_MAX, 1},    [GPUMM_TYPE_U8] = {UINT8_MAX, 1},   [GPUMM_TYPE_I16] = {INT16_MAX, 2},
        [GPUMM_TYPE_U16] = {UINT16_MAX, 2}, [GPUMM_TYPE_I32] = {INT32_MAX, 4},  [GPUMM_TYPE_U32] = {UINT32_MAX, 4},
        [GPUMM_TYPE_I64] = {INT64_MAX, 8},  [GPUMM_TYPE_U64] = {UINT64_MAX, 8},
    };
    if ((size_t)scalar >= sizeof integers / sizeof *integers || number > integers[scalar].most) return false;
    uint8_t u8 = (uint8_t)number;
    uint16_t u16 = (uint16_t)number;
    uint32_t u32 = (uint32_t)number;
    size_t size = integers[scalar].size;
    memcpy(value,
           size == 1   ? (void *)&u8
           : size == 2 ? (void *)&u16
           : size == 4 ? (void *)&u32
                       : (void *)&number,
           size);
    return true;
}

unsigned gpumm__element_repeats(const void *element, uint64_t size, uint32_t *pattern) {
    const unsigned char *bytes = element;
    for (unsigned width = 1; width <= 4; width *= 2) {
        if (size % width || memcmp(bytes, bytes + width, size - width) != 0) continue;
        *pattern = 0;
        memcpy(pattern, bytes, width);
        return width;
    }
    return 0;
}
