/* SPDX-License-Identifier: MIT */
/* Buffers. */
#ifndef BIND_API_BUFFER_H
#define BIND_API_BUFFER_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__buffer_class;
extern const luaL_Reg gpumm_lua__manager_buffers[]; /* methods of managers: allocate, buffer, … */

gpumm_buffer *gpumm_lua__to_buffer(lua_State *L, int index); /* raises for any other value, and CLOSED */
/* The buffer's handle, retained; `owner` is the slot of its manager's. [-0, +1, m] */
void gpumm_lua__push_buffer(lua_State *L, gpumm_buffer *buffer, int owner);

#endif
