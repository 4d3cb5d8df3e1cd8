/* SPDX-License-Identifier: MIT */
/* The Lua files that travel inside gpumm and inside modules of their own on top of it, and how such a module is found. */
#ifndef BIND_EXTENSION_H
#define BIND_EXTENSION_H

#include <lua.h>
#include <stdbool.h>

#include "gpumm_lua.h"

/* The file of that path, "gpumm/simulation.lua": gpumm's own, or one of a module that this state has opened. NULL:
   there is none. */
const gpumm_lua_file *gpumm_lua__file_named(lua_State *L, const char *path);
/* Has package.preload find gpumm, its Lua files and the parts that a module brings. The gpumm table is on top and stays
   there. */
void gpumm_lua__extension_preload(lua_State *L);
/* Is `key` ("graph", "force.grid") a part of a module that is not open yet? Then it is opened, or an error says what
   has to be installed. */
bool gpumm_lua__extension_resolve(lua_State *L, const char *key);

#endif
