/* SPDX-License-Identifier: MIT */
/* Which line of the user's script asks. */
#ifndef BIND_LUA_CALLER_H
#define BIND_LUA_CALLER_H

#include <lua.h>

enum { BIND_TAG = 128 };
/* "layout.lua:12": the first caller that is a script of the user's; "" where there is none. */
const char *gpumm_lua__tag(lua_State *L, char text[static BIND_TAG]);
/* Pushes "layout.lua:12: ", as luaL_where does, of the first function from `level` on that is the user's; "" where there
   is none. [-0, +1, m] */
void gpumm_lua__push_place(lua_State *L, int level);
/* Pushes `path`, beside the first caller that was read from a file, where it is relative. [-0, +1, m] */
void gpumm_lua__push_beside(lua_State *L, const char *path);

#endif
