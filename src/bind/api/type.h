/* SPDX-License-Identifier: MIT */
/* Element types in Lua. */
#ifndef BIND_API_TYPE_H
#define BIND_API_TYPE_H

#include <lua.h>

#include "bind/lua/reference.h"
#include "gpumm.h"

/* gpumm.type, gpumm.struct. The module table is at the top of the stack and stays there. */
void gpumm_lua__open_type(lua_State *L);
/* Makes a "gpumm.type" userdata of it; retains. [-0, +1, m] */
void gpumm_lua__push_type(lua_State *L, const gpumm_type *type);
/* The type at `index`, a userdata or text as "f32x3"; raises. Text is replaced on the stack by its type, so
   what is returned is borrowed from that stack slot. `index` is a slot of the stack. [-0, +0, e] */
const gpumm_type *gpumm_lua__to_type(lua_State *L, int index);
/* The same; NULL where the value is not a type userdata; never raises. */
const gpumm_type *gpumm_lua__test_type(lua_State *L, int index);
/* gpumm_type_parse and gpumm_type_struct with memory that counts as this state's. In a contained state too little of it
   ends the script. [-0, +0, m] */
gpumm_status gpumm_lua__type_parse(lua_State *L, const char *text, gpumm_type **out);
gpumm_status gpumm_lua__type_struct(lua_State *L, const char *name, const gpumm_field *fields, size_t count,
                                    gpumm_type **out);
/* The empty reference holds this type from now on. */
void gpumm_lua__reference_to_type(bind_reference *reference, const gpumm_type *type);

#endif
