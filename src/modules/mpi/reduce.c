/* SPDX-License-Identifier: MIT */
/* Plain loops, one a type and operation, made by macros. */
#include "modules/mpi/reduce.h"

#include <string.h>

/* ---- Half floats ---------------------------------------------------------------------------------------- */

static float bits_to_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t float_to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ffu;
    if (exponent == 31) return bits_to_float(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0) return bits_to_float(sign | (exponent + 112) << 23 | fraction << 13);
    float small = (float)fraction * 0x1p-24f;
    return sign ? -small : small;
}

/* `value` without its `drop` low bits, the nearest, and of two as near the even one. */
static uint32_t round_off(uint32_t value, unsigned drop) {
    uint32_t half = UINT32_C(1) << (drop - 1), odd = value >> drop & 1;
    return (value + half - 1 + odd) >> drop;
}

static uint16_t to_half(float value) {
    uint32_t bits = float_to_bits(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return (uint16_t)(sign | 0x7c00u | 0x200u | (size >> 13 & 0x3ffu)); /* a quiet NaN */
    if (size >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
    if (size >= 0x38800000u) return (uint16_t)(sign | round_off(size - 0x38000000u, 13));
    if (size < 0x33000000u) return (uint16_t)sign;
    uint32_t fraction = (size & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | round_off(fraction, 126 - (size >> 23)));
}

/* ---- The order of floats: IEEE 754's totalOrder ----------------------------------------------------------- */

static int16_t order_f16(uint16_t bits) { return (int16_t)(bits & 0x8000u ? bits ^ 0x7fffu : bits); }

static int32_t order_f32(float value) {
    uint32_t bits = float_to_bits(value);
    return (int32_t)(bits & 0x80000000u ? bits ^ 0x7fffffffu : bits);
}

static int64_t order_f64(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (int64_t)(bits >> 63 ? bits ^ 0x7fffffffffffffffu : bits);
}

/* ---- The loops --------------------------------------------------------------------------------------------- */

#define SAME(x) (x)
#define LOOP(name, type, expression) \
    static void name(void *to_, const void *from_, uint64_t count) { \
        type *to = to_; \
        const type *from = from_; \
        for (uint64_t i = 0; i < count; i++) { \
            type a = to[i], b = from[i]; \
            to[i] = (type)(expression); \
        } \
    }
/* Of a type, the sums in `wide`, compared by `key`. */
#define LOOPS(name, type, wide, key) \
    LOOP(sum_##name, type, (wide)a + (wide)b) \
    LOOP(min_##name, type, key(b) < key(a) ? b : a) \
    LOOP(max_##name, type, key(b) > key(a) ? b : a)

LOOPS(i8, int8_t, uint32_t, SAME)
LOOPS(u8, uint8_t, uint32_t, SAME)
LOOPS(i16, int16_t, uint32_t, SAME)
LOOPS(u16, uint16_t, uint32_t, SAME)
LOOPS(i32, int32_t, uint32_t, SAME)
LOOPS(u32, uint32_t, uint32_t, SAME)
LOOPS(i64, int64_t, uint64_t, SAME)
LOOPS(u64, uint64_t, uint64_t, SAME)
LOOPS(f32, float, float, order_f32)
LOOPS(f64, double, double, order_f64)
LOOP(sum_f16, uint16_t, to_half(from_half(a) + from_half(b)))
LOOP(min_f16, uint16_t, order_f16(b) < order_f16(a) ? b : a)
LOOP(max_f16, uint16_t, order_f16(b) > order_f16(a) ? b : a)

#define OF(name) \
    { sum_##name, min_##name, max_##name }
typedef void loop(void *to, const void *from, uint64_t count);
static loop *const loops[][REDUCTIONS] = {
    [GPUMM_TYPE_I8] = OF(i8),   [GPUMM_TYPE_U8] = OF(u8),   [GPUMM_TYPE_I16] = OF(i16), [GPUMM_TYPE_U16] = OF(u16),
    [GPUMM_TYPE_I32] = OF(i32), [GPUMM_TYPE_U32] = OF(u32), [GPUMM_TYPE_I64] = OF(i64), [GPUMM_TYPE_U64] = OF(u64),
    [GPUMM_TYPE_F16] = OF(f16), [GPUMM_TYPE_F32] = OF(f32), [GPUMM_TYPE_F64] = OF(f64),
};

gpumm_status gpumm_mpi__reduce_check(const gpumm_type *type) {
    if (gpumm_type_kind(type) != GPUMM_KIND_STRUCT) return GPUMM_OK;
    return gpumm_lua_fail(GPUMM_TYPE_MISMATCH, "numbers and vectors are reduced, not %.200s", gpumm_type_name(type));
}

void gpumm_mpi__reduce(const gpumm_type *type, reduction op, void *to, const void *from, uint64_t count) {
    loops[gpumm_type_scalar(type)][op](to, from, count * gpumm_type_lanes(type));
}
