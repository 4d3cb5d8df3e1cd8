/* SPDX-License-Identifier: MIT */
/* A failed status as Lua sees it: an error with its name in front, or nil, message, code. What of the two it is, decides
   lua/fail.h. */
#ifndef BIND_LUA_RAISE_H
#define BIND_LUA_RAISE_H

#include <lua.h>
#include <stdbool.h>

#include "gpumm.h"

/* Raises "STATUS: message" whatever the status, with this thread's message. */
int gpumm_lua__raise(lua_State *L, gpumm_status status);
/* Pushes nil, "STATUS: message", "STATUS"; returns 3. [-0, +3, m] */
int gpumm_lua__push_failure(lua_State *L, gpumm_status status);
/* The status that an error's text begins with, behind the place that Lua may have put in front of it;
   GPUMM_STATUS_COUNT: none. */
gpumm_status gpumm_lua__raised(const char *text);
/* Does it begin with such a place, "layout.lua:12: "? */
bool gpumm_lua__has_place(const char *text);

#endif
