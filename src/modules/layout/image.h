/* SPDX-License-Identifier: MIT */
/* Pictures: gpumm.image writes and reads PNG. */
#ifndef MODULES_LAYOUT_IMAGE_H
#define MODULES_LAYOUT_IMAGE_H

#include <lua.h>

/* The gpumm table is on top and stays there. */
void gpumm_layout__open_image(lua_State *L);

#endif
