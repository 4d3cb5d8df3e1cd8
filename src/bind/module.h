/* SPDX-License-Identifier: MIT */
/* What module.c offers to the other parts: the Lua files that travel inside the module, and what it takes from them. */
#ifndef BIND_MODULE_H
#define BIND_MODULE_H

#include <lua.h>

#include "bind/embedded.h"

/* The embedded file of that path, "gpumm/graph.lua"; NULL where there is none. */
const struct embedded_file *gpumm_lua__module_file(const char *path);

/* gpumm.inflate, of gzip.c. */
int gpumm_lua__inflate(lua_State *L);

#endif
