/* SPDX-License-Identifier: MIT */
/* Replacing functions of a library by our own that call them. */
#include "bind/sandbox/wrap.h"

void gpumm_lua__sandbox_wrap(lua_State *L, const luaL_Reg *functions) {
    for (; functions->name; functions++) {
        lua_getfield(L, -1, functions->name);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, -2, functions->name);
    }
}
