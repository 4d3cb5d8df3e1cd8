/* SPDX-License-Identifier: MIT */
/* Views from and to files: gpumm.npy (NumPy's .npy) and gpumm.raw (bytes alone). */
#ifndef BIND_IO_NPY_H
#define BIND_IO_NPY_H

#include <lua.h>

/* The module table is at the top of the stack and stays there. */
void gpumm_lua__open_npy(lua_State *L);

#endif
