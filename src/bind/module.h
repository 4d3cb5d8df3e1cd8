/* SPDX-License-Identifier: MIT */
/* The module, for those who open a state. */
#ifndef BIND_MODULE_H
#define BIND_MODULE_H

#include <lua.h>

/* A require for contained scripts, which knows gpumm and its parts alone. [-0, +1, m] */
void gpumm_lua__push_contained_require(lua_State *L);
/* The table of the parts that have a dot in their name, which contained scripts do not reach. [-0, +1, m] */
void gpumm_lua__push_inner_parts(lua_State *L);

#endif
