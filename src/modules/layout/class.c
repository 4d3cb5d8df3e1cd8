/* SPDX-License-Identifier: MIT */
/* A metatable that scripts can neither read nor change. */
#include "modules/layout/class.h"

static void set_methods(lua_State *L, const luaL_Reg *methods) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
}

void gpumm_layout__class_make(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods) {
    if (luaL_newmetatable(L, name)) {
        if (meta) luaL_setfuncs(L, meta, 0);
        if (methods) set_methods(L, methods);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
}
