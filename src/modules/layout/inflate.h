/* SPDX-License-Identifier: MIT */
/* gpumm.inflate: text that gzip or zlib has compressed. */
#ifndef MODULES_LAYOUT_INFLATE_H
#define MODULES_LAYOUT_INFLATE_H

#include <lua.h>

int gpumm_layout__inflate(lua_State *L);

#endif
