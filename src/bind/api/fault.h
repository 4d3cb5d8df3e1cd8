/* SPDX-License-Identifier: MIT */
/* Faults that a test injects. */
#ifndef BIND_API_FAULT_H
#define BIND_API_FAULT_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__fault_class;
extern const luaL_Reg gpumm_lua__manager_faults[]; /* properties of managers */

#endif
