/* SPDX-License-Identifier: MIT */
/* gpumm.config. */
#ifndef BIND_API_CONFIG_H
#define BIND_API_CONFIG_H

#include <lua.h>

/* The module table is on top of the stack and stays there. */
void gpumm_lua__open_config(lua_State *L);

#endif
