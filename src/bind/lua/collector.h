/* SPDX-License-Identifier: MIT */
/* The collector of the Lua state and memory that it does not see: it is told of it, and asked to give some back before
   a call fails. */
#ifndef BIND_LUA_COLLECTOR_H
#define BIND_LUA_COLLECTOR_H

#include "base/status.h"
#include "bind/lua/class.h"

/* After OUT_OF_MEMORY or OVER_LIMIT: collects this state's garbage and returns true, so that the call is
   tried once more. Objects of ours that finalisers close meanwhile stay valid in C. */
bool gpumm_lua__collects(lua_State *L, gpumm_status status);
/* A first try: garbage is given before the application's hook is asked for anything. */
#define BIND_TRY_FIRST(status, call) \
    do { \
        first_try(true); \
        (status) = (call); \
        first_try(false); \
    } while (0)
#define BIND_RETRY(L, status, call) \
    do { \
        BIND_TRY_FIRST(status, call); \
        if (gpumm_lua__collects((L), (status))) (status) = (call); \
    } while (0)

/* Tells the collector about memory of the handle's that it does not see. */
void gpumm_lua__collector_pressure(lua_State *L, const bind_handle *handle, uint64_t bytes);
void gpumm_lua__collector_relief(const bind_handle *handle, uint64_t bytes); /* some of it is given back already */

#endif
