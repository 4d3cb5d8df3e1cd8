/* SPDX-License-Identifier: MIT */
/* The globals of a contained state. */
#ifndef BIND_SANDBOX_GLOBALS_H
#define BIND_SANDBOX_GLOBALS_H

#include <lua.h>

void gpumm_lua__sandbox_open_globals(lua_State *L); /* replaces the state's globals [-0, +0, m] */
/* Pushes what our own Lua files see as globals: out of the script's reach. [-0, +1, -] */
void gpumm_lua__sandbox_push_private(lua_State *L);

#endif
