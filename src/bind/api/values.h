/* SPDX-License-Identifier: MIT */
/*
 * Lua values to typed bytes and back.
 *
 * Tables are read raw: no metamethod runs. Numbers for integer types must be integral and in range; 64-bit
 * integers follow Lua's own convention: a u64 of 2^63 and more is a negative Lua integer (compare with
 * math.ult, print with "%x"), and floats from 2^63 to 2^64 are taken too. f16 is rounded to nearest, ties to
 * even. Vectors are {x, y}; structs are {from = 1, to = 2} or {1, 2}, whole; opaque bytes are strings. What
 * does not fit raises and names the element: "element 17.from: 300 does not fit u8 (0 to 255)".
 */
#ifndef BIND_API_VALUES_H
#define BIND_API_VALUES_H

#include <lua.h>

#include "gpumm.h"

struct elements {
    const void *bytes; /* contiguous elements, at any alignment */
    uint64_t count;    /* elements */
};

/* A list of elements, for vectors also a flat list of numbers, in the table at `index`. Pushes the userdata that has
   their bytes. [-0, +1, e] */
void gpumm_lua__encode_list(lua_State *L, int index, const gpumm_type *type, struct elements *out);
/* One element from the value at `index`, for fill. On an error `element` is
   partly written. Padding is left as it is. [-0, +0, e] */
void gpumm_lua__encode_one(lua_State *L, int index, const gpumm_type *type, void *element);
/* The same for a kernel's parameter, which errors name. */
void gpumm_lua__encode_argument(lua_State *L, int index, const char *kernel, const gpumm_parameter *parameter,
                                void *value);
/* One element from `count` values from slot `first` on: a scalar, a vector's lanes, a struct's fields, or one
   value as in gpumm_lua__encode_one. [-0, +0, e] */
void gpumm_lua__encode_values(lua_State *L, int first, int count, const gpumm_type *type, void *element);

/* One element as one value: number, {x, y}, {name = …}, string. [-0, +1, m] */
void gpumm_lua__push_element(lua_State *L, const gpumm_type *type, const void *element);
/* One element as several results: a vector's lanes, a struct's fields. Returns how many. [-0, +n, m] */
int gpumm_lua__push_values(lua_State *L, const gpumm_type *type, const void *element);

/* The lanes of a vector (x, y, z, w) or the fields of a struct: their number, and the name of one. */
size_t gpumm_lua__part_count(const gpumm_type *type);
const char *gpumm_lua__part_name(const gpumm_type *type, size_t index);
/* The part of that name; SIZE_MAX: there is none. */
size_t gpumm_lua__find_part(const gpumm_type *type, const char *name);
/* The part that was probably meant, or NULL. */
const char *gpumm_lua__nearest_part(const gpumm_type *type, const char *name);
void gpumm_lua__push_parts(lua_State *L, const gpumm_type *type); /* "x, y, z" [-0, +1, m] */
/* Zeroed memory for `count` elements, in a userdata; raises where they are too many. [-0, +1, e] */
void *gpumm_lua__push_memory(lua_State *L, const gpumm_type *type, uint64_t count);

#endif
