/* SPDX-License-Identifier: MIT */
#include "modules/layout/views.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(lua_State *L, int index, const char *wanted, const gpumm_lua_view *v) {
    luaL_argerror(L, index, lua_pushfstring(L, "a view of %s is needed, not of %s", wanted, gpumm_type_name(v->type)));
    abort();
}

static gpumm_lua_view view_as_it_is(lua_State *L, int index) {
    gpumm_lua_view v = {0};
    if (!gpumm_lua_to_view(L, index, &v)) luaL_typeerror(L, index, "gpumm.view");
    return v;
}

/* Read again once there is memory: Lua may have run. */
gpumm_lua_view gpumm_layout__any_view_at(lua_State *L, int index) {
    gpumm_lua_view v = view_as_it_is(L, index);
    if (!v.borrowed) return v;
    lua_pop(L, 1);
    size_t bytes = (size_t)v.count * gpumm_type_size(v.type);
    void *copy = lua_newuserdatauv(L, bytes + 1, 0);
    v = view_as_it_is(L, index);
    memcpy(copy, v.bytes, bytes);
    lua_pop(L, 1);
    v.bytes = copy;
    return v;
}

gpumm_lua_view gpumm_layout__view_at(lua_State *L, int index, const char *type) {
    gpumm_lua_view v = gpumm_layout__any_view_at(L, index);
    if (strcmp(gpumm_type_name(v.type), type) != 0) refuse(L, index, type, &v);
    return v;
}

gpumm_lua_view gpumm_layout__points_at(lua_State *L, int index) {
    gpumm_lua_view v = gpumm_layout__any_view_at(L, index);
    const char *name = gpumm_type_name(v.type);
    if (strcmp(name, "f32x2") != 0 && strcmp(name, "f32x3") != 0) refuse(L, index, "f32x2 or f32x3", &v);
    return v;
}
