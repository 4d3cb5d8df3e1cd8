/* SPDX-License-Identifier: MIT */
/* Traces of what managers do. */
#ifndef BIND_API_TRACE_H
#define BIND_API_TRACE_H

#include "bind/lua/class.h"

extern const bind_class gpumm_lua__trace_class;

int gpumm_lua__trace_new(lua_State *L); /* gpumm.trace {…} */

/* For our own files: now, in nanoseconds, or nil where this state traces nothing; and (name, number, since): a slice on the
   track of this thread. */
int gpumm_lua__trace_now(lua_State *L);
int gpumm_lua__trace_slice(lua_State *L);

#endif
