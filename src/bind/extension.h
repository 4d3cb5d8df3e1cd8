/* SPDX-License-Identifier: MIT */
/* Modules of their own on top of gpumm: what require finds, and how such a module is found when a part of it is used. */
#ifndef BIND_EXTENSION_H
#define BIND_EXTENSION_H

#include <lua.h>
#include <stdbool.h>

#include "gpumm_lua.h"

/* Has package.preload find gpumm, its Lua files and the parts that a module brings. The gpumm table is on top and stays
   there. */
void gpumm_lua__extension_preload(lua_State *L);
/* Adds the module's files to the gpumm table on top; false: the state has it already. [-0, +0, e] */
bool gpumm_lua__extension_add(lua_State *L, const gpumm_lua_module *module);
/* Is `key` ("graph", "force.grid") a part of a module that is not open yet? Then it is opened, or an error says what
   has to be installed. */
bool gpumm_lua__extension_resolve(lua_State *L, const char *key);

#endif
