/* SPDX-License-Identifier: MIT */
/* Managers. */
#ifndef BIND_API_MANAGER_H
#define BIND_API_MANAGER_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__manager_class;

gpumm_manager *gpumm_lua__to_manager(lua_State *L, int index); /* raises for any other value, and CLOSED */
int gpumm_lua__manager_new(lua_State *L);                      /* gpumm.manager */
/* The handle of the application's manager, retained; where the state has one, that. [-0, +1, m] */
void gpumm_lua__push_manager(lua_State *L, gpumm_manager *manager, bool borrowed);

#endif
