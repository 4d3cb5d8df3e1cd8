/* SPDX-License-Identifier: MIT */
/* The server as a userdata, for the Lua files of this module. */
#ifndef MODULES_LIVE_BINDING_H
#define MODULES_LIVE_BINDING_H

#include <lua.h>

/* Adds to the table on top: server { host =, port =, viewers =, page =, token =, origins = } and what is beside it. */
void gpumm_live__open_binding(lua_State *L);

#endif
