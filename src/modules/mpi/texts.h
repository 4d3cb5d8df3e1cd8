/* SPDX-License-Identifier: MIT */
/* Texts between ranks: what is small, or is Lua's. */
#ifndef MODULES_MPI_TEXTS_H
#define MODULES_MPI_TEXTS_H

#include <lua.h>

/* collect(text): every rank's text, a list in the order of the ranks. */
int gpumm_mpi__collect(lua_State *L);
/* trade(texts): texts[r + 1] goes to rank r; a list of those that came, in the order of the ranks. */
int gpumm_mpi__trade(lua_State *L);
/* home(text, size): a rank for each text, the same on every rank. */
int gpumm_mpi__home(lua_State *L);

#endif
