/* SPDX-License-Identifier: MIT */
/* Encodes Lua values as elements, and decodes them. Nothing allocates while a table is read, so no finaliser
   runs in the midst of it, except on the way to an error. */
#include "bind/api/values.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "bind/lua/arguments.h"
#include "bind/lua/words.h"
#include "core/element.h"

/* A value, a number and a key for every struct that is open, and room for a message. */
enum { STACK_ROOM = 4 * (TYPE_DEPTH_MAX + 2) + LUA_MINSTACK };

/* ---- Where a bad value was ---------------------------------------------------------------- */

struct place {
    const struct place *up;
    const char *name;     /* of the field, where `up` is set; of the parameter, where `kernel` is */
    lua_Unsigned element; /* from 1; 0: there is just one */
    const char *kernel;   /* whose argument it is, or NULL */
};

static void push_place(lua_State *L, const struct place *at) { /* [-0, +1, m] */
    if (!at->up) {
        if (at->kernel) lua_pushfstring(L, "kernel '%s', parameter '%s'", at->kernel, at->name);
        else if (at->element) lua_pushfstring(L, "element %I", (LUAI_UACINT)at->element);
        else lua_pushliteral(L, "");
        return;
    }
    push_place(L, at->up);
    const char *around = lua_tostring(L, -1);
    lua_pushfstring(L, "%s%s%s", around, *around ? "." : "", at->name);
    lua_remove(L, -2);
}

/* Raises "element 17.from: what". What is wrong is on top of the stack. */
static int bad(lua_State *L, const struct place *at) {
    push_place(L, at);
    const char *place = lua_tostring(L, -1);
    return luaL_error(L, "%s%s%s", place, *place ? ": " : "", lua_tostring(L, -2));
}

/* ---- Numbers ------------------------------------------------------------------------------ */

/* Rounds to nearest, ties to even, straight from the double: by way of a float it would round twice. */
static uint16_t half_encode(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned sign = (unsigned)(bits >> 48) & 0x8000u;
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 1024) return (uint16_t)(sign | 0x7c00u | (fraction ? 0x200u : 0));
    if (exponent > 15) return (uint16_t)(sign | 0x7c00u);
    if (exponent < -25) return (uint16_t)sign; /* less than half of the smallest */
    unsigned shift = exponent < -14 ? (unsigned)(42 - 14 - exponent) : 42;
    uint64_t whole = UINT64_C(1) << 52 | fraction, rest = whole & ((UINT64_C(1) << shift) - 1);
    uint64_t tie = UINT64_C(1) << (shift - 1), result = whole >> shift;
    if (rest > tie || (rest == tie && (result & 1))) result++;
    if (exponent >= -14) result += (uint64_t)(exponent + 14) << 10; /* the 1 before the point counts one up too */
    return (uint16_t)(sign | result);
}

static double half_decode(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 0x3ff;
    double value = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return half & 0x8000 ? -value : value;
}

#define STORE(type, value) \
    do { \
        type stored_ = (type)(value); \
        memcpy(to, &stored_, sizeof stored_); \
    } while (0)

static void store_float(gpumm_scalar scalar, lua_Number value, unsigned char *to) {
    if (scalar == GPUMM_TYPE_F32) STORE(float, value);
    else if (scalar == GPUMM_TYPE_F64) STORE(double, value);
    else STORE(uint16_t, half_encode(value));
}

#define STORE_BETWEEN(type, low, high) \
    do { \
        if (value < (low) || value > (high)) return false; \
        STORE(type, value); \
        return true; \
    } while (0)

static bool store_integer(gpumm_scalar scalar, lua_Integer value, unsigned char *to) {
    switch (scalar) {
    case GPUMM_TYPE_I8: STORE_BETWEEN(int8_t, INT8_MIN, INT8_MAX);
    case GPUMM_TYPE_U8: STORE_BETWEEN(uint8_t, 0, UINT8_MAX);
    case GPUMM_TYPE_I16: STORE_BETWEEN(int16_t, INT16_MIN, INT16_MAX);
    case GPUMM_TYPE_U16: STORE_BETWEEN(uint16_t, 0, UINT16_MAX);
    case GPUMM_TYPE_I32: STORE_BETWEEN(int32_t, INT32_MIN, INT32_MAX);
    case GPUMM_TYPE_U32: STORE_BETWEEN(uint32_t, 0, (lua_Integer)UINT32_MAX);
    default: STORE(int64_t, value); return true;
    }
}

/* A float that only a u64 holds: from 2^63 on. */
static bool store_large(gpumm_scalar scalar, lua_Number value, unsigned char *to) {
    if (scalar != GPUMM_TYPE_U64 || !(value >= 0x1p63 && value < 0x1p64)) return false;
    STORE(uint64_t, value);
    return true;
}

/* False: it does not fit. */
static inline bool store(lua_State *L, int index, gpumm_scalar scalar, unsigned char *to) {
    if (lua_type(L, index) != LUA_TNUMBER) return false; /* not text, even where it reads as a number */
    if (scalar >= GPUMM_TYPE_F16) {
        store_float(scalar, lua_tonumber(L, index), to);
        return true;
    }
    int integral;
    lua_Integer value = lua_tointegerx(L, index, &integral);
    return integral ? store_integer(scalar, value, to) : store_large(scalar, lua_tonumber(L, index), to);
}

static const char *range_text(gpumm_scalar scalar) {
    static const char *const texts[] = {
        [GPUMM_TYPE_I8] = "-128 to 127",
        [GPUMM_TYPE_U8] = "0 to 255",
        [GPUMM_TYPE_I16] = "-32768 to 32767",
        [GPUMM_TYPE_U16] = "0 to 65535",
        [GPUMM_TYPE_I32] = "-2147483648 to 2147483647",
        [GPUMM_TYPE_U32] = "0 to 4294967295",
        [GPUMM_TYPE_I64] = "-2^63 to 2^63 - 1",
        [GPUMM_TYPE_U64] = "0 to 2^64 - 1",
    };
    return texts[scalar];
}

/* Raises what is wrong with the number on top. */
static int bad_number(lua_State *L, const struct place *at, gpumm_scalar scalar) {
    const char *name = scalar_infos[scalar].name;
    if (lua_type(L, -1) != LUA_TNUMBER) {
        lua_pushfstring(L, "%s wants a number, got %s", name, luaL_typename(L, -1));
    } else {
        lua_Number number = lua_tonumber(L, -1);
        lua_pushvalue(L, -1); /* its text takes its place */
        const char *text = lua_tostring(L, -1);
        if (isfinite(number) && number != floor(number)) lua_pushfstring(L, "%s wants an integer, not %s", name, text);
        else lua_pushfstring(L, "%s does not fit %s (%s)", text, name, range_text(scalar));
    }
    return bad(L, at);
}

static inline void encode_scalar(lua_State *L, const struct place *at, gpumm_scalar scalar, unsigned char *to) {
    if (!store(L, -1, scalar, to)) bad_number(L, at, scalar);
}

static void push_scalar(lua_State *L, gpumm_scalar scalar, const unsigned char *from) { /* [-0, +1, -] */
    union {
        int8_t i8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        float f32;
        double f64;
    } v;
    memcpy(&v, from, scalar_infos[scalar].size);
    switch (scalar) {
    case GPUMM_TYPE_I8: lua_pushinteger(L, v.i8); break;
    case GPUMM_TYPE_U8: lua_pushinteger(L, *from); break;
    case GPUMM_TYPE_I16: lua_pushinteger(L, v.i16); break;
    case GPUMM_TYPE_U16: lua_pushinteger(L, v.u16); break;
    case GPUMM_TYPE_I32: lua_pushinteger(L, v.i32); break;
    case GPUMM_TYPE_U32: lua_pushinteger(L, v.u32); break;
    case GPUMM_TYPE_F16: lua_pushnumber(L, half_decode(v.u16)); break;
    case GPUMM_TYPE_F32: lua_pushnumber(L, (lua_Number)v.f32); break;
    case GPUMM_TYPE_F64: lua_pushnumber(L, v.f64); break;
    default: lua_pushinteger(L, v.i64); break;
    }
}

/* ---- Members: a vector's lanes and a struct's fields --------------------------------------- */

static const char *const lane_names[] = {"x", "y", "z", "w"};

size_t gpumm_lua__part_count(const gpumm_type *type) {
    return gpumm_type_kind(type) == GPUMM_KIND_VECTOR ? gpumm_type_lanes(type) : gpumm_type_field_count(type);
}

const char *gpumm_lua__part_name(const gpumm_type *type, size_t index) {
    return gpumm_type_kind(type) == GPUMM_KIND_VECTOR ? lane_names[index] : gpumm_type_field(type, index)->name;
}

size_t gpumm_lua__find_part(const gpumm_type *type, const char *name) {
    size_t count = gpumm_lua__part_count(type);
    for (size_t i = 0; i < count; i++)
        if (strcmp(gpumm_lua__part_name(type, i), name) == 0) return i;
    return SIZE_MAX;
}

const char *gpumm_lua__nearest_part(const gpumm_type *type, const char *name) {
    enum { MOST = 64 };
    const char *names[MOST + 1] = {NULL};
    size_t count = size_min(gpumm_lua__part_count(type), MOST);
    for (size_t i = 0; i < count; i++) names[i] = gpumm_lua__part_name(type, i);
    return gpumm_lua__nearest(name, names);
}

void gpumm_lua__push_parts(lua_State *L, const gpumm_type *type) {
    luaL_Buffer names;
    luaL_buffinit(L, &names);
    for (size_t i = 0; i < gpumm_lua__part_count(type); i++) {
        if (i) luaL_addstring(&names, ", ");
        luaL_addstring(&names, gpumm_lua__part_name(type, i));
    }
    luaL_pushresult(&names);
}

static void encode(lua_State *L, const struct place *at, const gpumm_type *type, unsigned char *to);

/* The value on top. */
static void encode_member(lua_State *L, const struct place *at, const gpumm_type *type, size_t index,
                          unsigned char *to) {
    struct place here = {at, gpumm_lua__part_name(type, index), 0, NULL};
    if (gpumm_type_kind(type) == GPUMM_KIND_VECTOR) {
        gpumm_scalar scalar = gpumm_type_scalar(type);
        encode_scalar(L, &here, scalar, to + index * scalar_infos[scalar].size);
    } else {
        const gpumm_field *field = gpumm_type_field(type, index);
        encode(L, &here, field->type, to + field->offset);
    }
}

/* The member that the string at `key` names; raises where there is none. */
static size_t find_member(lua_State *L, const struct place *at, const gpumm_type *type, int key) {
    const char *name = gpumm_lua__name(L, key);
    size_t index = name ? gpumm_lua__find_part(type, name) : SIZE_MAX;
    if (index != SIZE_MAX) return index;
    const char *shown = gpumm_lua__push_key(L, key), *near = name ? gpumm_lua__nearest_part(type, name) : NULL;
    if (near) lua_pushfstring(L, " (did you mean '%s'?)", near);
    else lua_pushliteral(L, "");
    gpumm_lua__push_parts(L, type);
    lua_pushfstring(L, "%s has no field '%s'%s; its fields are %s", gpumm_type_name(type), shown, lua_tostring(L, -2),
                    lua_tostring(L, -1));
    bad(L, at);
    return 0;
}

static int bad_count(lua_State *L, const struct place *at, const gpumm_type *type, size_t count) {
    gpumm_lua__push_parts(L, type);
    lua_pushfstring(L, "%s wants %d values (%s), not %d", gpumm_type_name(type), (int)gpumm_lua__part_count(type),
                    lua_tostring(L, -1), (int)size_min(count, INT32_MAX));
    return bad(L, at);
}

static int bad_missing(lua_State *L, const struct place *at, const gpumm_type *type) {
    for (size_t i = 0; i < gpumm_lua__part_count(type); i++) {
        lua_pushstring(L, gpumm_lua__part_name(type, i));
        if (lua_rawget(L, -2) == LUA_TNIL) {
            lua_pushfstring(L, "%s wants its field '%s' too", gpumm_type_name(type), gpumm_lua__part_name(type, i));
            return bad(L, at);
        }
        lua_pop(L, 1);
    }
    return bad_count(L, at, type, 0);
}

/* {from = 1, to = 2}, the table on top. One pass finds what is unknown and what is missing. */
static void encode_named(lua_State *L, const struct place *at, const gpumm_type *type, unsigned char *to) {
    size_t found = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        encode_member(L, at, type, find_member(L, at, type, -2), to);
        found++;
    }
    if (found < gpumm_lua__part_count(type)) bad_missing(L, at, type);
}

/* The key below the value on top is none of the list's positions. What it has would be lost where it says what the
   list says, or stands outside of it, as in { 1, 2, y = 3 } and { [0] = 1, 2, 3 }. Other names are the script's own:
   { 1, 2, label = "a" }. */
static void check_beside(lua_State *L, const struct place *at, const gpumm_type *type) {
    const char *name = gpumm_lua__name(L, -2);
    if (name && gpumm_lua__find_part(type, name) == SIZE_MAX) return;
    lua_pushfstring(L, "%s wants its values listed, { v, … }, or named; this table also has [%s]",
                    gpumm_type_name(type), gpumm_lua__push_key(L, -2));
    bad(L, at);
}

/* {1, 2}, the table on top. One pass finds what is beside the list. */
static void encode_listed(lua_State *L, const struct place *at, const gpumm_type *type, size_t count,
                          unsigned char *to) {
    size_t found = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_Integer i = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
        if (i < 1 || (lua_Unsigned)i > count) {
            check_beside(L, at, type);
            continue;
        }
        encode_member(L, at, type, (size_t)i - 1, to);
        found++;
    }
    for (size_t i = 0; found < count && i < count; i++) { /* one is nil, which this says */
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        encode_member(L, at, type, i, to);
        lua_pop(L, 1);
    }
}

static void encode_members(lua_State *L, const struct place *at, const gpumm_type *type, unsigned char *to) {
    if (!lua_istable(L, -1)) {
        lua_pushfstring(L, "%s wants a table, got %s", gpumm_type_name(type), luaL_typename(L, -1));
        bad(L, at);
    }
    size_t count = lua_rawlen(L, -1);
    if (count == 0) {
        encode_named(L, at, type, to);
        return;
    }
    if (count != gpumm_lua__part_count(type)) bad_count(L, at, type, count);
    encode_listed(L, at, type, count, to);
}

static void encode_bytes(lua_State *L, const struct place *at, const gpumm_type *type, unsigned char *to) {
    size_t length = 0, size = gpumm_type_size(type);
    bool text = lua_type(L, -1) == LUA_TSTRING;
    const char *bytes = text ? lua_tolstring(L, -1, &length) : NULL;
    if (bytes && length == size) {
        memcpy(to, bytes, size);
        return;
    }
    if (text)
        lua_pushfstring(L, "%s wants a string of %I bytes, not of %I", gpumm_type_name(type), (LUAI_UACINT)size,
                        (LUAI_UACINT)length);
    else lua_pushfstring(L, "%s wants a string of bytes, got %s", gpumm_type_name(type), luaL_typename(L, -1));
    bad(L, at);
}

/* The value on top, which is left there. */
static void encode(lua_State *L, const struct place *at, const gpumm_type *type, unsigned char *to) {
    if (gpumm_type_kind(type) == GPUMM_KIND_SCALAR) encode_scalar(L, at, gpumm_type_scalar(type), to);
    else if (gpumm_lua__part_count(type)) encode_members(L, at, type, to);
    else encode_bytes(L, at, type, to);
}

/* ---- Many elements ------------------------------------------------------------------------ */

void *gpumm_lua__push_memory(lua_State *L, const gpumm_type *type, uint64_t count) {
    uint64_t bytes;
    if (!size_mul(count, gpumm_type_size(type), &bytes) || bytes > PTRDIFF_MAX)
        luaL_error(L, "a list of %I elements of %s is too large", (LUAI_UACINT)count, gpumm_type_name(type));
    return memset(lua_newuserdatauv(L, (size_t)bytes, 0), 0, (size_t)bytes);
}

static void encode_scalars(lua_State *L, int index, gpumm_scalar scalar, uint64_t count, unsigned char *to) {
    size_t size = scalar_infos[scalar].size;
    for (uint64_t i = 0; i < count; i++, to += size) {
        struct place at = {NULL, NULL, i + 1, NULL};
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        encode_scalar(L, &at, scalar, to);
        lua_pop(L, 1);
    }
}

/* {x1, y1, x2, y2, …} */
static void encode_flat(lua_State *L, int index, const gpumm_type *type, uint64_t count, unsigned char *to) {
    unsigned lanes = gpumm_type_lanes(type);
    lua_Integer next = 1;
    for (uint64_t i = 0; i < count; i++, to += gpumm_type_size(type)) {
        struct place at = {NULL, NULL, i + 1, NULL};
        for (unsigned lane = 0; lane < lanes; lane++) {
            lua_rawgeti(L, index, next++);
            encode_member(L, &at, type, lane, to);
            lua_pop(L, 1);
        }
    }
}

static void encode_each(lua_State *L, int index, const gpumm_type *type, uint64_t count, unsigned char *to) {
    for (uint64_t i = 0; i < count; i++, to += gpumm_type_size(type)) {
        struct place at = {NULL, NULL, i + 1, NULL};
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        encode(L, &at, type, to);
        lua_pop(L, 1);
    }
}

static bool is_flat(lua_State *L, int index, const gpumm_type *type) {
    if (gpumm_type_kind(type) != GPUMM_KIND_VECTOR) return false;
    bool flat = lua_rawgeti(L, index, 1) == LUA_TNUMBER;
    lua_pop(L, 1);
    return flat;
}

/* Names beside a list are the script's own: { 1, 2, label = "ends" }. */
static bool is_element(lua_State *L, int key, uint64_t count) {
    if (count > 0 && lua_type(L, key) == LUA_TSTRING) return true;
    return lua_isinteger(L, key) && lua_tointeger(L, key) >= 1 && (uint64_t)lua_tointeger(L, key) <= count;
}

/* A table with other positions than 1 to `count` has values that would be lost, as { [0] = 5, 6 } has. */
static void check_list(lua_State *L, int index, const gpumm_type *type, uint64_t count) {
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (!is_element(L, -2, count))
            luaL_error(L, "a list of %s is wanted, with elements from 1 on; this table has other keys (%s)",
                       gpumm_type_name(type), gpumm_lua__push_key(L, -2));
}

void gpumm_lua__encode_list(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    luaL_checkstack(L, STACK_ROOM, "to read elements");
    uint64_t count = lua_rawlen(L, index);
    bool flat = is_flat(L, index, type);
    check_list(L, index, type, count);
    if (flat && count % gpumm_type_lanes(type))
        luaL_error(L, "a flat list for %s has a multiple of %d numbers, not %I", gpumm_type_name(type),
                   (int)gpumm_type_lanes(type), (LUAI_UACINT)count);
    if (flat) count /= gpumm_type_lanes(type);
    unsigned char *bytes = gpumm_lua__push_memory(L, type, count);
    if (flat) encode_flat(L, index, type, count, bytes);
    else if (gpumm_type_kind(type) == GPUMM_KIND_SCALAR)
        encode_scalars(L, index, gpumm_type_scalar(type), count, bytes);
    else encode_each(L, index, type, count, bytes);
    *out = (struct elements){bytes, count};
}

/* ---- One element -------------------------------------------------------------------------- */

static void encode_at(lua_State *L, int index, const struct place *at, const gpumm_type *type, void *element) {
    if (gpumm_type_kind(type) == GPUMM_KIND_SCALAR && store(L, index, gpumm_type_scalar(type), element)) return;
    luaL_checkstack(L, STACK_ROOM, "to read an element");
    lua_pushvalue(L, index);
    encode(L, at, type, element);
    lua_pop(L, 1);
}

void gpumm_lua__encode_one(lua_State *L, int index, const gpumm_type *type, void *element) {
    static const struct place alone = {NULL, NULL, 0, NULL};
    encode_at(L, index, &alone, type, element);
}

void gpumm_lua__encode_argument(lua_State *L, int index, const char *kernel, const gpumm_parameter *parameter,
                                void *value) {
    struct place at = {NULL, parameter->name, 0, kernel};
    encode_at(L, index, &at, parameter->element, value);
}

void gpumm_lua__encode_values(lua_State *L, int first, int count, const gpumm_type *type, void *element) {
    static const struct place alone = {NULL, NULL, 0, NULL};
    size_t members = gpumm_lua__part_count(type);
    if (members == 0 || (count == 1 && lua_istable(L, first))) {
        if (count != 1) luaL_error(L, "%s wants one value, not %d", gpumm_type_name(type), count);
        gpumm_lua__encode_one(L, first, type, element);
        return;
    }
    if ((size_t)count != members) bad_count(L, &alone, type, (size_t)count);
    luaL_checkstack(L, STACK_ROOM, "to read an element");
    for (size_t i = 0; i < members; i++) {
        lua_pushvalue(L, first + (int)i);
        encode_member(L, &alone, type, i, element);
        lua_pop(L, 1);
    }
}

/* [-0, +1, m] */
static void push_member(lua_State *L, const gpumm_type *type, size_t index, const unsigned char *from) {
    if (gpumm_type_kind(type) == GPUMM_KIND_VECTOR) {
        gpumm_scalar scalar = gpumm_type_scalar(type);
        push_scalar(L, scalar, from + index * scalar_infos[scalar].size);
    } else {
        const gpumm_field *field = gpumm_type_field(type, index);
        gpumm_lua__push_element(L, field->type, from + field->offset);
    }
}

void gpumm_lua__push_element(lua_State *L, const gpumm_type *type, const void *element) {
    size_t members = gpumm_lua__part_count(type);
    luaL_checkstack(L, LUA_MINSTACK, "to make an element");
    if (gpumm_type_kind(type) == GPUMM_KIND_SCALAR) {
        push_scalar(L, gpumm_type_scalar(type), element);
    } else if (members == 0) {
        lua_pushlstring(L, element, gpumm_type_size(type));
    } else {
        bool list = gpumm_type_kind(type) == GPUMM_KIND_VECTOR;
        lua_createtable(L, list ? (int)members : 0, list ? 0 : (int)members);
        for (size_t i = 0; i < members; i++) {
            if (!list) lua_pushstring(L, gpumm_lua__part_name(type, i));
            push_member(L, type, i, element);
            if (list) lua_rawseti(L, -2, (lua_Integer)i + 1);
            else lua_rawset(L, -3);
        }
    }
}

int gpumm_lua__push_values(lua_State *L, const gpumm_type *type, const void *element) {
    size_t members = gpumm_lua__part_count(type);
    if (members == 0) {
        gpumm_lua__push_element(L, type, element);
        return 1;
    }
    luaL_checkstack(L, (int)members + LUA_MINSTACK, "to make an element's values");
    for (size_t i = 0; i < members; i++) push_member(L, type, i, element);
    return (int)members;
}
