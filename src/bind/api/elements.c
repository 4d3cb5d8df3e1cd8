/* SPDX-License-Identifier: MIT */
/* Whole data from Lua: what b:upload, append and gpumm.view take. */
#include "bind/api/elements.h"

#include <lauxlib.h>
#include <string.h>

#include "base/status.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/lua/arguments.h"
#include "bind/lua/raise.h"

static void bytes_of_string(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    size_t length;
    const char *bytes = lua_tolstring(L, index, &length);
    if (length % gpumm_type_size(type))
        luaL_error(L, "a string of %I bytes does not divide into elements of %s (%I bytes each)", (LUAI_UACINT)length,
                   gpumm_type_name(type), (LUAI_UACINT)gpumm_type_size(type));
    lua_pushvalue(L, index);
    *out = (struct elements){bytes, length / gpumm_type_size(type)};
}

static void elements_of_view(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    const view *v = gpumm_lua__view_test(L, index);
    if (!v)
        luaL_error(L, "elements of %s come from a list, a string of bytes or a view; got %s", gpumm_type_name(type),
                   luaL_typename(L, index));
    if (!gpumm_type_equal(v->type, type))
        gpumm_lua__raise(L, fail(GPUMM_TYPE_MISMATCH, "%s is wanted, and the view is of %s", gpumm_type_name(type),
                                 gpumm_type_name(v->type)));
    out->count = v->count;
    out->bytes = gpumm_lua__view_contiguous(L, index);
}

void gpumm_lua__to_elements(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    index = lua_absindex(L, index);
    if (lua_istable(L, index)) gpumm_lua__encode_list(L, index, type, out);
    else if (lua_type(L, index) == LUA_TSTRING) bytes_of_string(L, index, type, out);
    else elements_of_view(L, index, type, out);
}

/* ---- gpumm.view --------------------------------------------------------------------------- */

/* gpumm.view(type, n), gpumm.view(type, elements) */
static int module_view(lua_State *L) {
    lua_settop(L, 2);
    const gpumm_type *type = gpumm_lua__to_type(L, 1);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        gpumm_lua__view_push_owned(L, type, gpumm_lua__count(L, 2));
        return 1;
    }
    if (lua_isnil(L, 2)) return luaL_error(L, "how many elements, or which? gpumm.view(type, n) or (type, elements)");
    view *v = gpumm_lua__view_push_empty(L);
    gpumm_lua__view_hold(v, gpumm_type_retain(type));
    struct elements data;
    gpumm_lua__to_elements(L, 2, type, &data);
    if (lua_istable(L, 2)) { /* what was encoded is nobody else's */
        gpumm_lua__view_give_memory(L, data.count);
        return 1;
    }
    lua_insert(L, 3);
    void *to = gpumm_lua__view_take_memory(L, data.count);
    gpumm_lua__view_test(L, 2); /* still valid? */
    if (data.count) memcpy(to, data.bytes, data.count * gpumm_type_size(type));
    return 1;
}

void gpumm_lua__open_elements(lua_State *L) {
    lua_pushcfunction(L, module_view);
    lua_setfield(L, -2, "view");
}
