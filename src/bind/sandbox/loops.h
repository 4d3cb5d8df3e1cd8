/* SPDX-License-Identifier: MIT */
/* Bounds on C loops of Lua's own libraries: each function changes the library table on top. [-0, +0, m] */
#ifndef BIND_SANDBOX_LOOPS_H
#define BIND_SANDBOX_LOOPS_H

#include <lua.h>

void gpumm_lua__sandbox_bound_string(lua_State *L);
void gpumm_lua__sandbox_bound_table(lua_State *L);

#endif
