/* SPDX-License-Identifier: MIT */
/* What a contained script may do. In states that are not contained everything is allowed. */
#ifndef BIND_SANDBOX_PERMISSIONS_H
#define BIND_SANDBOX_PERMISSIONS_H

#include <lua.h>

typedef enum bind_permission {
    BIND_READ,
    BIND_WRITE,
    BIND_KERNEL,
    BIND_ENVIRONMENT,
    BIND_STRIPE,
    BIND_FAULT
} bind_permission;

/* Raises where a contained script was not granted it; `name` is a variable's. */
void gpumm_lua__require_permission(lua_State *L, bind_permission what, const char *name);
/* The path at `index`, to be read or written: raises where that is not granted. In a contained state the slot
   gets the path with its links resolved, which is the one to open. */
const char *gpumm_lua__path(lua_State *L, int index, bind_permission what);
int gpumm_lua__sandbox_open_file(lua_State *L); /* io.open for our own Lua files; upvalue 1: the original */

#endif
