/* SPDX-License-Identifier: MIT */
/* Shares, and attachments to those of other processes. */
#ifndef BIND_API_SHARE_H
#define BIND_API_SHARE_H

#include "bind/lua/class.h"

extern const bind_class gpumm_lua__share_class, gpumm_lua__attachment_class;
extern const luaL_Reg gpumm_lua__manager_shares[];
int gpumm_lua__attach(lua_State *L); /* gpumm.attach */

#endif
