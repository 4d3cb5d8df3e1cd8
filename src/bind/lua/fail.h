/* SPDX-License-Identifier: MIT */
/* The one place that decides what a failed status is in Lua. */
#ifndef BIND_LUA_FAIL_H
#define BIND_LUA_FAIL_H

#include <lua.h>

#include "base/status.h"
#include "bind/lua/raise.h"
#include "gpumm.h"

/* Misuse (INVALID_ARGUMENT, CLOSED, STALE) raises "STATUS: message". Failures that correct scripts meet too return nil,
   "STATUS: message", "STATUS", or raise as well where the manager of the object in stack slot 1 is in raising mode. Use:
   return gpumm_lua__fail(L, status). */
int gpumm_lua__fail(lua_State *L, gpumm_status status);
/* The same for calls where STALE is an outcome and no misuse (tickets). */
int gpumm_lua__fail_ticket(lua_State *L, gpumm_status status);
/* true, or what gpumm_lua__fail returns. */
int gpumm_lua__result(lua_State *L, gpumm_status status);

#endif
