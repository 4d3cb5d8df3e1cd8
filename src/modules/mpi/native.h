/* SPDX-License-Identifier: MIT */
/* The functions that lua/gpumm/world.lua is made of: require "gpumm.world.native". */
#ifndef MODULES_MPI_NATIVE_H
#define MODULES_MPI_NATIVE_H

#include <lua.h>

/* Pushes their table. Counts and firsts are checked by world.lua, firsts from 0; a stream may be nil.
     open(seconds, start), close(why), info()           info: rank, size, rank and size on this machine
     allgather(from, to, first, count, stream, later)   allreduce(from, to, first, count, stream, op)
     exchange(from, to, first, counts, stream)   broadcast(buffer, first, count, stream, root)
     barrier(stream), collect(text), trade(texts), home(text, size) */
void gpumm_mpi__push_native(lua_State *L);

#endif
