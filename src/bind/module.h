/* SPDX-License-Identifier: MIT */
/* What the module takes from other parts. */
#ifndef BIND_MODULE_H
#define BIND_MODULE_H

#include <lua.h>

/* gpumm.inflate, of gzip.c. */
int gpumm_lua__inflate(lua_State *L);

#endif
