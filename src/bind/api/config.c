/* SPDX-License-Identifier: MIT */
/* gpumm.config: the ancestor's five fields and its presets, as plain tables that a script may change. */
#include "bind/api/config.h"

#include <lauxlib.h>

#include "bind/lua/arguments.h"
#include "gpumm_compat.h"
#include "gpumm.h"

static int push_config(lua_State *L, gpumm_config config) {
    lua_createtable(L, 0, 5);
    gpumm_lua__push_count(L, config.bytes_per_element);
    lua_setfield(L, -2, "bytes_per_element");
    lua_pushnumber(L, config.growth_factor);
    lua_setfield(L, -2, "growth_factor");
    gpumm_lua__push_count(L, config.max_size_bytes);
    lua_setfield(L, -2, "max_size_bytes");
    gpumm_lua__push_count(L, config.min_size_bytes);
    lua_setfield(L, -2, "min_size_bytes");
    lua_pushboolean(L, config.enable_async);
    lua_setfield(L, -2, "enable_async");
    return 1;
}

static int config_default(lua_State *L) { return push_config(L, gpumm_config_default()); }
static int config_positions(lua_State *L) { return push_config(L, gpumm_config_for_positions()); }
static int config_velocities(lua_State *L) { return push_config(L, gpumm_config_for_velocities()); }
static int config_edges(lua_State *L) { return push_config(L, gpumm_config_for_edges()); }
static int config_grid_cells(lua_State *L) { return push_config(L, gpumm_config_for_grid_cells()); }

static const luaL_Reg presets[] = {
    {"default", config_default}, {"for_positions", config_positions},   {"for_velocities", config_velocities},
    {"for_edges", config_edges}, {"for_grid_cells", config_grid_cells}, {NULL, NULL},
};

void gpumm_lua__open_config(lua_State *L) {
    luaL_newlib(L, presets);
    lua_setfield(L, -2, "config");
}
