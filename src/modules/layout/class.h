/* SPDX-License-Identifier: MIT */
/* Userdata of this module: what all their metatables have. */
#ifndef MODULES_LAYOUT_CLASS_H
#define MODULES_LAYOUT_CLASS_H

#include <lauxlib.h>

/* Makes the metatable of that name unless the state has it: metamethods, methods under __index, sealed. Either list may be
   NULL. [-0, +0, e] */
void gpumm_layout__class_make(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);

#endif
