/* SPDX-License-Identifier: MIT */
/* The Lua files, kernels and pages that travel inside gpumm_layout. */
#ifndef MODULES_LAYOUT_EMBEDDED_H
#define MODULES_LAYOUT_EMBEDDED_H

#include "gpumm_lua.h"

extern const gpumm_lua_file gpumm_layout__files[]; /* made by scripts/embed.cmake */

#endif
