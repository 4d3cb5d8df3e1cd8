/* SPDX-License-Identifier: MIT */
/* The Lua files and the page of this module, which the build embeds (scripts/embed.cmake). */
#ifndef MODULES_LIVE_EMBEDDED_H
#define MODULES_LIVE_EMBEDDED_H

#include "gpumm_lua.h"

extern const gpumm_lua_file gpumm_live__files[];

#endif
