/* SPDX-License-Identifier: MIT */
/* The Lua files that travel inside gpumm_mpi. */
#ifndef MODULES_MPI_EMBEDDED_H
#define MODULES_MPI_EMBEDDED_H

#include "gpumm_lua.h"

extern const gpumm_lua_file gpumm_mpi__files[]; /* made by scripts/embed.cmake */

#endif
