/* SPDX-License-Identifier: MIT */
/* Lua functions that schedule growth. What they schedule is a group, or a buffer that is in none: then `group` is NULL. */
#ifndef BIND_API_SCHEDULE_H
#define BIND_API_SCHEDULE_H

#include <lua.h>

#include "gpumm.h"

/* Keeps the function at `function` (nil: none) for the group or buffer whose handle is at `object`. [-0, +0, m] */
void gpumm_lua__keep_schedule(lua_State *L, int object, gpumm_group *group, gpumm_buffer *buffer, int function);
/* Before a call that needs `required` elements of the object: where a function schedules its growth and it must
   grow, asks it and grows. A function's error propagates. */
gpumm_status gpumm_lua__grow_ahead(lua_State *L, int object, gpumm_group *group, gpumm_buffer *buffer,
                                   uint64_t required);

#endif
