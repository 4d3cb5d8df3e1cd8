/* SPDX-License-Identifier: MIT */
/* The views that calls are given: what they need is told where it is something else. */
#ifndef MODULES_LAYOUT_VIEWS_H
#define MODULES_LAYOUT_VIEWS_H

#include <lua.h>

#include "gpumm_lua.h"

/* The view at `index`, and what keeps its bytes alive. Those of a frame are copied: it may end as soon as Lua runs, which it does
   wherever memory is taken, and the device writes there then. [-0, +1, e] */
gpumm_lua_view gpumm_layout__any_view_at(lua_State *L, int index);
/* The same of elements whose type has this name. [-0, +1, e] */
gpumm_lua_view gpumm_layout__view_at(lua_State *L, int index, const char *type);
/* The same of f32x2 or f32x3. [-0, +1, e] */
gpumm_lua_view gpumm_layout__points_at(lua_State *L, int index);

#endif
