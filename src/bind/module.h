/* SPDX-License-Identifier: MIT */
/* The module, for those who open a state. */
#ifndef BIND_MODULE_H
#define BIND_MODULE_H

#include <lua.h>

/* A require for contained scripts, which knows gpumm and its parts alone. [-0, +1, m] */
void gpumm_lua__push_contained_require(lua_State *L);
/* What a module has added to the gpumm table, which is on top, under names with a dot: contained scripts do not reach it from
   now on. [-0, +0, m] */
void gpumm_lua__hide_inner_parts(lua_State *L);

#endif
