/* SPDX-License-Identifier: MIT */
/* Groups of buffers. */
#ifndef BIND_API_GROUP_H
#define BIND_API_GROUP_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__group_class;
extern const luaL_Reg gpumm_lua__manager_groups[]; /* methods of managers */
extern const luaL_Reg gpumm_lua__buffer_groups[];  /* properties of buffers */

gpumm_group *gpumm_lua__to_group(lua_State *L, int index); /* raises for any other value, and CLOSED */
/* Raises 'unknown member "NAME" (did you mean …?); valid: …'. */
int gpumm_lua__no_member(lua_State *L, gpumm_group *group, const char *name);

#endif
