/* SPDX-License-Identifier: MIT */
/* The Lua files that travel inside gpumm and inside modules of their own on top of it. */
#ifndef BIND_LUA_EMBEDDED_H
#define BIND_LUA_EMBEDDED_H

#include <lua.h>

#include "gpumm_lua.h"

extern const gpumm_lua_file gpumm_lua__files[]; /* gpumm's own, made by scripts/embed.cmake */

/* The file of that path, "gpumm/simulation.lua": gpumm's own, or one of a module that this state has opened. NULL:
   there is none. [-0, +0, m] */
const gpumm_lua_file *gpumm_lua__file_named(lua_State *L, const char *path);

#endif
