/* SPDX-License-Identifier: MIT */
/* The books of a manager, in Lua: methods of the manager's class. */
#ifndef BIND_BOOKS_H
#define BIND_BOOKS_H

#include <lua.h>

int gpumm_lua__books_stats(lua_State *L);
int gpumm_lua__books_leaks(lua_State *L);
int gpumm_lua__books_check(lua_State *L);
int gpumm_lua__books_blocks(lua_State *L);

#endif
