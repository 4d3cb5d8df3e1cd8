/* SPDX-License-Identifier: MIT */
/* Replacing functions of a library by our own that call them. */
#ifndef BIND_SANDBOX_WRAP_H
#define BIND_SANDBOX_WRAP_H

#include <lauxlib.h>
#include <lua.h>

/* Each replaces the function of its name in the table on top, and gets it as upvalue 1. [-0, +0, m] */
void gpumm_lua__sandbox_wrap(lua_State *L, const luaL_Reg *functions);

#endif
