/* SPDX-License-Identifier: MIT */
/*
 * gpumm_mpi: gpumm.world, the ranks of an MPI program, and collective calls on buffers. What reads better in Lua is
 * lua/gpumm/world.lua, which travels inside. NCCL is opened at run time, where ranks have GPUs.
 */
#include <lauxlib.h>
#include <lua.h>

#include "gpumm_lua.h"
#include "modules/mpi/embedded.h"
#include "modules/mpi/native.h"

static int open_functions(lua_State *L) {
    gpumm_mpi__push_native(L);
    lua_setfield(L, 1, "world.native");
    return 0;
}

GPUMM_API int luaopen_gpumm_mpi(lua_State *L);
int luaopen_gpumm_mpi(lua_State *L) {
    static const gpumm_lua_module module = {
        .name = "gpumm_mpi", .version = GPUMM_VERSION, .files = gpumm_mpi__files, .open = open_functions};
    return gpumm_lua_open_module(L, &module);
}
