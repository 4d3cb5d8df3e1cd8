/* SPDX-License-Identifier: MIT */
/* The one table of classes. */
#ifndef BIND_API_CLASSES_H
#define BIND_API_CLASSES_H

#include <lua.h>

void gpumm_lua__open_classes(lua_State *L); /* once a state [-0, +0, m] */

#endif
