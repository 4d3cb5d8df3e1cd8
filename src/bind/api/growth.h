/* SPDX-License-Identifier: MIT */
/* Growth as scripts describe it. */
#ifndef BIND_API_GROWTH_H
#define BIND_API_GROWTH_H

#include <lua.h>

#include "gpumm.h"

/* The growth that the value at `index` describes: nil, a table of gpumm.growth's, a factor, or a function. Returns
   whether it is a function: then `out` is EXACT, and gpumm_lua__grow_ahead asks it. A list is copied into a
   userdata that is pushed always (nil where there is none). [-0, +1, e] */
bool gpumm_lua__to_growth(lua_State *L, int index, gpumm_growth *out);
/* The same from table["growth"] and table["align"]. Pushes the function where it is one. [-0, +1, e] */
bool gpumm_lua__option_growth(lua_State *L, int table, gpumm_growth *out);
/* table["ahead"]: 0 says none, nothing says that gpumm chooses. [-0, +0, e] */
unsigned gpumm_lua__option_ahead(lua_State *L, int table);

#endif
