/*
 * Embedding gpumm in an application that owns a Lua state. C++ wraps the include in nothing: it is extern
 * "C".
 *
 * Functions that push may raise Lua's memory error, so call them protected. A state is used by one thread at
 * a time; several states on several threads may share one manager.
 */
#ifndef GPUMM_LUA_H
#define GPUMM_LUA_H

#include <lua.h>

#include "gpumm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What `require "gpumm"` calls. Pushes the module; touches no global. */
GPUMM_API int luaopen_gpumm(lua_State *L);
/* The same for a host: pushes this state's one module table; returns 1. */
GPUMM_API int gpumm_lua_open(lua_State *L);

/* A limit in logical bytes on all managers that scripts of this state open. UINT64_MAX: none. */
GPUMM_API void gpumm_lua_set_limit(lua_State *L, uint64_t bytes);
/* The budget behind that limit; borrowed from the state. */
GPUMM_API gpumm_budget *gpumm_lua_budget(lua_State *L);
/* The device that scripts of this state get, whatever they ask for: "host". NULL or "": what they ask for. */
GPUMM_API void gpumm_lua_set_device(lua_State *L, const char *device);
/* Where managers opened from now on log to. NULL: silent. From the start, warnings go to stderr as "gpumm:
   …". Called from any thread; it must outlive the managers, and never touch the state. */
GPUMM_API void gpumm_lua_set_log(lua_State *L, gpumm_log_fn log, void *user);

/* What a script may do with an object that the host pushes: use it, or end it too. */
typedef enum gpumm_lua_share { GPUMM_LUA_BORROW, GPUMM_LUA_OWN } gpumm_lua_share;

/* Push a handle with a reference of its own; one object has one handle in a state. What the host closes gives
   CLOSED (or STALE) in the script from then on. A borrowed object's close and free raise in Lua. */
GPUMM_API void gpumm_lua_push_manager(lua_State *L, gpumm_manager *manager, gpumm_lua_share share);
GPUMM_API void gpumm_lua_push_buffer(lua_State *L, gpumm_buffer *buffer, gpumm_lua_share share);
GPUMM_API void gpumm_lua_push_readback(lua_State *L, gpumm_readback *readback, gpumm_lua_share share);

/* The object of the handle at `index`, borrowed from it: retain what must outlive the handle. NULL for any
   other value and for closed handles. They never raise. */
GPUMM_API gpumm_manager *gpumm_lua_to_manager(lua_State *L, int index);
GPUMM_API gpumm_buffer *gpumm_lua_to_buffer(lua_State *L, int index);
GPUMM_API gpumm_group *gpumm_lua_to_group(lua_State *L, int index);
GPUMM_API gpumm_readback *gpumm_lua_to_readback(lua_State *L, int index);

#ifdef __cplusplus
}
#endif
#endif
