/* SPDX-License-Identifier: MIT */
/* What calls and catches in a contained state: each function changes the library table on top. [-0, +0, m] */
#ifndef BIND_SANDBOX_CALLS_H
#define BIND_SANDBOX_CALLS_H

#include <lua.h>

void gpumm_lua__sandbox_wrap_base(lua_State *L);
void gpumm_lua__sandbox_wrap_coroutine(lua_State *L);

#endif
