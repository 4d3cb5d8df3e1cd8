/* SPDX-License-Identifier: MIT */
/* Memory, time, and being stopped: the ends of a contained script. */
#ifndef BIND_SANDBOX_LIMITS_H
#define BIND_SANDBOX_LIMITS_H

#include "bind/sandbox/sandbox.h"

typedef enum sandbox_end { END_NONE, END_TIME, END_MEMORY, END_STOPPED } sandbox_end;

/* A Lua state whose memory is counted by the sandbox; NULL: not enough memory. */
lua_State *gpumm_lua__sandbox_new_state(sandbox *s);
/* As gpumm_lua__sandbox_at, for callers that may not touch the state: signal handlers, other threads. */
sandbox *gpumm_lua__sandbox_peek(lua_State *L);
/* gpumm's own memory for managers of this state, counted with Lua's. The sandbox lives until all is back. */
gpumm_allocator gpumm_lua__sandbox_allocator(sandbox *s);
/* The same for what the state itself takes besides Lua's: malloc's where it is not contained. */
gpumm_allocator gpumm_lua__own_allocator(lua_State *L);
/* After a status of no memory: ends a contained script where that memory was refused, and would be again. [-0, +0, v] */
void gpumm_lua__check_own_memory(lua_State *L);
/* The same, but the next tick raises. [-0, +0, -] */
void gpumm_lua__look_at_own_memory(lua_State *L);
/* That memory was refused, and collecting did not help: ends a contained script. [-0, +0, v] */
void gpumm_lua__out_of_own_memory(lua_State *L);
/* The first end stays. May be called from signal handlers. */
void gpumm_lua__sandbox_end_now(sandbox *s, sandbox_end end);
/* What ended it, for people. */
const char *gpumm_lua__sandbox_end_text(const sandbox *s, char text[static 128]);
/* Raises where a limit has been reached. [-0, +0, v] */
void gpumm_lua__sandbox_tick(lua_State *L, sandbox *s);
void gpumm_lua__sandbox_watch(lua_State *L); /* sets the hook */

#endif
