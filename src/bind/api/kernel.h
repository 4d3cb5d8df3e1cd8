/* SPDX-License-Identifier: MIT */
/* Kernels. */
#ifndef BIND_API_KERNEL_H
#define BIND_API_KERNEL_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__kernel_class;
extern const luaL_Reg gpumm_lua__manager_kernels[]; /* methods of managers */

#endif
