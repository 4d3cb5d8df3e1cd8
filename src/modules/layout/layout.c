/* SPDX-License-Identifier: MIT */
/*
 * gpumm_layout: graphs from files, force-directed layouts, pictures and pages. What reads better in Lua lies in
 * lua/gpumm and travels inside; what needs libpng, zlib or speed is C beside this file.
 */
#include <lua.h>

#include "gpumm_lua.h"
#include "modules/layout/embedded.h"
#include "modules/layout/image.h"
#include "modules/layout/inflate.h"

static int open_functions(lua_State *L) {
    lua_pushcfunction(L, gpumm_layout__inflate);
    lua_setfield(L, 1, "inflate");
    gpumm_layout__open_image(L);
    return 0;
}

int gpumm_lua_open_layout(lua_State *L) {
    static const gpumm_lua_module module = {
        .name = "gpumm_layout", .version = GPUMM_VERSION, .files = gpumm_layout__files, .open = open_functions};
    return gpumm_lua_open_module(L, &module);
}

GPUMM_API int luaopen_gpumm_layout(lua_State *L);
int luaopen_gpumm_layout(lua_State *L) { return gpumm_lua_open_layout(L); }
