/* SPDX-License-Identifier: MIT */
/* Words that are not known: what is valid instead, and what was probably meant. Lists of words end with NULL. */
#ifndef BIND_LUA_WORDS_H
#define BIND_LUA_WORDS_H

#include <lua.h>

/* The valid word that is nearest to `word`; NULL where none is near. */
const char *gpumm_lua__nearest(const char *word, const char *const *valid);
/* Raises 'unknown WHAT "word" (did you mean …?); valid: …'. */
int gpumm_lua__unknown(lua_State *L, const char *what, const char *word, const char *const *valid);
void gpumm_lua__push_list(lua_State *L, const char *const *words); /* "a, b, c"; [-0, +1, m] */
/* The table on top, gpumm.NAME, raises where it lacks a key that is nearly one of its own. Nothing where it has a
   metatable, or is no table. [-0, +0, m] */
void gpumm_lua__suggest(lua_State *L, const char *name);

#endif
