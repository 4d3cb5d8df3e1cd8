/* SPDX-License-Identifier: MIT */
/* From Lua's protected calls back to C. */
#ifndef BIND_PROTECT_H
#define BIND_PROTECT_H

#include <lua.h>

#include "gpumm.h"

/* The status that lua_pcall's outcome is, with Lua's message, which is on top and goes. */
gpumm_status gpumm_lua__outcome(lua_State *L, int outcome, const char *what);

#endif
