/* SPDX-License-Identifier: MIT */
/*
 * Lua values to typed bytes and back, and the Lua face of element types.
 *
 * Tables are read raw: no metamethod runs. Numbers for integer types must be integral and in range; 64-bit
 * integers follow Lua's own convention: a u64 of 2^63 and more is a negative Lua integer (compare with
 * math.ult, print with "%x"), and floats from 2^63 to 2^64 are taken too. f16 is rounded to nearest, ties to
 * even. Vectors are {x, y}; structs are {from = 1, to = 2} or {1, 2}, whole; opaque bytes are strings. What
 * does not fit raises and names the element: "element 17.from: 300 does not fit u8 (0 to 255)".
 */
#ifndef BIND_DATA_H
#define BIND_DATA_H

#include <lua.h>

#include "gpumm.h"

/* ---- Types -------------------------------------------------------------------------------- */

/* gpumm.type, gpumm.struct. The module table is at the top of the stack and stays there. */
int gpumm_lua__open_type(lua_State *L);
/* Makes a "gpumm.type" userdata of it; retains. [-0, +1, m] */
void gpumm_lua__push_type(lua_State *L, const gpumm_type *type);
/* The type at `index`, a userdata or text as "f32x3"; raises. Text is replaced on the stack by its type, so
   what is returned is borrowed from that stack slot. `index` is a slot of the stack. [-0, +0, e] */
const gpumm_type *gpumm_lua__to_type(lua_State *L, int index);
/* The same, NULL where the value is no type userdata; never raises. */
const gpumm_type *gpumm_lua__test_type(lua_State *L, int index);

/* ---- Data --------------------------------------------------------------------------------- */

struct data {
    const void *bytes; /* contiguous elements, at any alignment */
    uint64_t count;    /* elements */
};

/* The elements that the value at `index` stands for: a table (a list of elements; for vectors also a flat
   list of numbers), a string (raw bytes of whole elements) or a view of the same type. Pushes one value that
   keeps the bytes alive; raises for anything else. Bytes of a frame's view are borrowed from the frame: use
   them before Lua runs again. [-0, +1, e] */
void gpumm_lua__data_encode(lua_State *L, int index, const gpumm_type *type, struct data *out);
/* One element from the value at `index`, for fill. On an error `element` is
   partly written. Padding is left as it is. [-0, +0, e] */
void gpumm_lua__data_encode_one(lua_State *L, int index, const gpumm_type *type, void *element);
/* The same for a kernel's parameter, which errors name. */
void gpumm_lua__data_encode_argument(lua_State *L, int index, const char *kernel, const gpumm_parameter *parameter,
                                     void *value);
/* One element from `count` values from slot `first` on: a scalar, a vector's lanes, a struct's fields, or one
   value as in gpumm_lua__data_encode_one. [-0, +0, e] */
void gpumm_lua__data_encode_values(lua_State *L, int first, int count, const gpumm_type *type, void *element);

/* One element as one value: number, {x, y}, {name = …}, string. [-0, +1, m] */
void gpumm_lua__data_push(lua_State *L, const gpumm_type *type, const void *element);
/* One element as several results: a vector's lanes, a struct's fields. Returns how many. [-0, +n, m] */
int gpumm_lua__data_push_values(lua_State *L, const gpumm_type *type, const void *element);

#endif
