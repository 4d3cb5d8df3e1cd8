/* SPDX-License-Identifier: MIT */
/*
 * gpumm_live: a page that shows a simulation while it runs, and acts on it. The server and what it says is C beside this
 * file, on libwebsockets; how a simulation is driven is lua/gpumm/live, which travels inside.
 */
#include <lauxlib.h>
#include <lua.h>

#include "gpumm_lua.h"
#include "modules/live/binding.h"
#include "modules/live/embedded.h"

static int open_functions(lua_State *L) {
    lua_newtable(L);
    gpumm_live__open_binding(L);
    lua_setfield(L, 1, "live.native");
    return 0;
}

GPUMM_API int luaopen_gpumm_live(lua_State *L);
int luaopen_gpumm_live(lua_State *L) { /* for require "gpumm_live", and for applications that load it themselves */
    static const gpumm_lua_module module = {
        .name = "gpumm_live", .version = GPUMM_VERSION, .files = gpumm_live__files, .open = open_functions};
    return gpumm_lua_open_module(L, &module);
}
