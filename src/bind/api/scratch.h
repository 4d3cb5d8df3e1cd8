/* SPDX-License-Identifier: MIT */
/* Scratch memory. */
#ifndef BIND_API_SCRATCH_H
#define BIND_API_SCRATCH_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__scratch_class;
extern const luaL_Reg gpumm_lua__manager_scratch[]; /* methods of managers */

#endif
