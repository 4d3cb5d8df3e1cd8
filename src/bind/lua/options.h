/* SPDX-License-Identifier: MIT */
/* Option tables. They are read raw, so that no metamethod of a script runs in the midst of a call. */
#ifndef BIND_LUA_OPTIONS_H
#define BIND_LUA_OPTIONS_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

/* Raises 'unknown option "limt" (did you mean "limit"?); valid: …' for a key that is not in `valid`, which
   NULL ends. Positional entries are refused unless `list`. */
void gpumm_lua__options(lua_State *L, int table, const char *const *valid, bool list);
/* table[key] raw: pushes it and returns true, or returns false and pushes nothing where it is nil. */
bool gpumm_lua__option(lua_State *L, int table, const char *key);
bool gpumm_lua__has_option(lua_State *L, int table, const char *key); /* the same without pushing */
/* The rest read one option and pop it. A missing one leaves `otherwise`. A bad one raises and names its key.
   Text stays alive with the table. */
uint64_t gpumm_lua__option_count(lua_State *L, int table, const char *key, uint64_t otherwise);
uint64_t gpumm_lua__option_size(lua_State *L, int table, const char *key, uint64_t otherwise);
unsigned gpumm_lua__option_unsigned(lua_State *L, int table, const char *key, unsigned otherwise);
bool gpumm_lua__option_bool(lua_State *L, int table, const char *key, bool otherwise);
double gpumm_lua__option_number(lua_State *L, int table, const char *key, double otherwise);
const char *gpumm_lua__option_text(lua_State *L, int table, const char *key, const char *otherwise);
/* A list of at most `most` whole numbers from 0 that fit an unsigned; returns how many, 0 where there is no such option. An empty
   one raises. */
size_t gpumm_lua__option_numbers(lua_State *L, int table, const char *key, unsigned *numbers, size_t most);
uint64_t gpumm_lua__option_first(lua_State *L, int table, const char *key); /* a position from 1, returned from 0 */
/* Raises 'option "key": WANTED expected, got VALUE' (a string in quotes), the value being on top. */
int gpumm_lua__bad_option(lua_State *L, const char *key, const char *wanted);

#endif
