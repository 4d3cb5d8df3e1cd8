/* SPDX-License-Identifier: MIT */
/* Streams, events, and semaphores of others. */
#ifndef BIND_API_STREAM_H
#define BIND_API_STREAM_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__stream_class, gpumm_lua__event_class, gpumm_lua__semaphore_class;
extern const luaL_Reg gpumm_lua__manager_streams[]; /* methods of managers */

gpumm_stream *gpumm_lua__to_stream(lua_State *L, int index); /* raises for any other value, and CLOSED */

#endif
