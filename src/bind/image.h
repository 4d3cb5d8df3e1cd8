/* SPDX-License-Identifier: MIT */
/* Pictures: gpumm.image writes and reads PNG. */
#ifndef BIND_IMAGE_H
#define BIND_IMAGE_H

#include <lua.h>

/* The module table is at the top of the stack and stays there. */
int gpumm_lua__open_image(lua_State *L);

#endif
