/* SPDX-License-Identifier: MIT */
/* Scans, sums, sorts and the like: methods of managers. */
#ifndef BIND_API_PRIMITIVES_H
#define BIND_API_PRIMITIVES_H

#include "bind/lua/class.h"

extern const luaL_Reg gpumm_lua__manager_primitives[];

#endif
