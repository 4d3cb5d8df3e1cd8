/* SPDX-License-Identifier: MIT */
/* Plain arguments: text, names, counts, sizes, times. Each function that reads one raises where it is of another kind. */
#ifndef BIND_LUA_ARGUMENTS_H
#define BIND_LUA_ARGUMENTS_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

/* A string without zero bytes; raises. */
const char *gpumm_lua__text(lua_State *L, int index);
/* The string at `index` where it can be a name; NULL for any other value, and where more follows behind a zero
   byte: what is compared as C compares must not pass for another. [-0, +0, -] */
const char *gpumm_lua__name(lua_State *L, int index);
/* What a value is in messages: "gpumm.group" of ours, else the name of its Lua type. [-0, +0, m] */
const char *gpumm_lua__kind(lua_State *L, int index);
/* Pushes the key at `index` as messages show it, a zero byte as "\\0"; where it is neither text nor a number, the name
   of its Lua type. [-0, +1, m] */
const char *gpumm_lua__push_key(lua_State *L, int index);
/* A count of elements: an integer that is not negative; raises. */
uint64_t gpumm_lua__count(lua_State *L, int index);
/* A size in bytes: a number, or text as "4GiB"; raises. */
uint64_t gpumm_lua__size(lua_State *L, int index);
/* The same without raising; false: the value is not a size, and the thread's message says why. [-0, +0, -] */
bool gpumm_lua__read_size(lua_State *L, int index, uint64_t *bytes);
/* A position from 1, returned from 0; `otherwise` where it is absent. */
uint64_t gpumm_lua__first(lua_State *L, int index, uint64_t otherwise);
/* Seconds; -1 (no bound) where absent; raises for NaN and negative ones. */
double gpumm_lua__seconds(lua_State *L, int index);
/* Pushes a count as a Lua integer; what is past the largest is the largest. [-0, +1, -] */
void gpumm_lua__push_count(lua_State *L, uint64_t count);

#endif
