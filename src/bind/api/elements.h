/* SPDX-License-Identifier: MIT */
/*
 * The elements that a Lua value stands for: a list, a string of bytes, or a view. gpumm.view makes a view of them.
 */
#ifndef BIND_API_ELEMENTS_H
#define BIND_API_ELEMENTS_H

#include <lua.h>

#include "bind/api/values.h"

/* The elements that the value at `index` stands for: a table (a list of elements; for vectors also a flat
   list of numbers), a string (raw bytes of whole elements), or a view or buffer of the same type. Pushes one value that
   keeps the bytes alive; raises for anything else. Bytes of a frame's view are borrowed from the frame: use
   them before Lua runs again. [-0, +1, e] */
void gpumm_lua__to_elements(lua_State *L, int index, const gpumm_type *type, struct elements *out);
/* Where the value at `index` is a buffer, a view of what it holds takes its place. [-0, +0, e] */
void gpumm_lua__view_of_buffer(lua_State *L, int index);
/* gpumm.view. The module table is at the top of the stack and stays there. */
void gpumm_lua__open_elements(lua_State *L);

#endif
