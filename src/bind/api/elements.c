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
#include "gpumm_lua.h"

static void bytes_of_string(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    size_t length;
    const char *bytes = lua_tolstring(L, index, &length);
    if (length % gpumm_type_size(type))
        luaL_error(L, "a string of %I bytes does not divide into elements of %s (%I bytes each)", (LUAI_UACINT)length,
                   gpumm_type_name(type), (LUAI_UACINT)gpumm_type_size(type));
    lua_pushvalue(L, index);
    *out = (struct elements){bytes, length / gpumm_type_size(type)};
}

/* What lies on the device, through a view of its own. Waits for who wrote it. */
static void elements_of_buffer(lua_State *L, gpumm_buffer *buffer, const gpumm_type *type, struct elements *out) {
    gpumm_buffer_info info;
    if (!gpumm_type_equal(gpumm_buffer_type(buffer), type))
        gpumm_lua__raise(L, fail(GPUMM_TYPE_MISMATCH, "%s is wanted, and the buffer is of %s", gpumm_type_name(type),
                                 gpumm_type_name(gpumm_buffer_type(buffer))));
    gpumm_status status = gpumm_buffer_get_info(buffer, &info);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    void *bytes = gpumm_lua__push_memory(L, type, info.length);
    status = gpumm_buffer_download(buffer, NULL, 0, info.length, bytes);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    *out = (struct elements){bytes, info.length};
}

/* Has the table at `index` a metamethod of that name? */
static bool has_meta(lua_State *L, int index, const char *name) {
    bool there = luaL_getmetafield(L, index, name) != LUA_TNIL;
    if (there) lua_pop(L, 1);
    return there;
}

/* A table that has none of its own and answers by metamethods has its elements elsewhere: they are asked for, once,
   before anything is read. */
static bool is_proxy(lua_State *L, int index) {
    if (lua_rawlen(L, index) > 0) return false;
    if (has_meta(L, index, "__len")) return true;
    if (!has_meta(L, index, "__index")) {
        if (has_meta(L, index, "__pairs"))
            luaL_error(L, "a list is read by # and [i]; this table has neither elements nor __index, but __pairs");
        return false;
    }
    lua_geti(L, index, 1);
    bool first = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return first;
}

/* What a proxy has by names is its own affair; by other keys it would be lost where its elements do not have it. */
static void check_own(lua_State *L, int index, lua_Integer count) {
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) continue;
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= count) continue;
        luaL_error(L, "a list has its elements from 1 to %I; this table has other keys (%s)", (LUAI_UACINT)count,
                   gpumm_lua__push_key(L, -2));
    }
}

/* Pushes a plain table of what the proxy at `index` says that it has: to its length, or to the first nil. [-0, +1, e] */
static void push_plain(lua_State *L, int index) {
    bool counted = has_meta(L, index, "__len");
    lua_Integer count = counted ? luaL_len(L, index) : LUA_MAXINTEGER, i = 1;
    lua_newtable(L);
    for (; i <= count; i++) {
        if (lua_geti(L, index, i) == LUA_TNIL && !counted) {
            lua_pop(L, 1);
            break;
        }
        if (lua_isnil(L, -1)) luaL_error(L, "element %I of %I is nil", (LUAI_UACINT)i, (LUAI_UACINT)count);
        lua_rawseti(L, -2, i);
    }
    check_own(L, index, i - 1);
}

static void elements_of_table(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    if (!is_proxy(L, index)) {
        gpumm_lua__encode_list(L, index, type, out);
        return;
    }
    push_plain(L, index);
    gpumm_lua__encode_list(L, lua_gettop(L), type, out);
    lua_remove(L, -2);
}

static void elements_of_view(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    const view *v = gpumm_lua__view_test(L, index);
    if (!v)
        luaL_error(L, "elements of %s come from a list, a string of bytes, a view or a buffer; got %s",
                   gpumm_type_name(type), gpumm_lua__kind(L, index));
    if (!gpumm_type_equal(v->type, type))
        gpumm_lua__raise(L, fail(GPUMM_TYPE_MISMATCH, "%s is wanted, and the view is of %s", gpumm_type_name(type),
                                 gpumm_type_name(v->type)));
    out->count = v->count;
    out->bytes = gpumm_lua__view_contiguous(L, index);
}

void gpumm_lua__to_elements(lua_State *L, int index, const gpumm_type *type, struct elements *out) {
    index = lua_absindex(L, index);
    gpumm_buffer *buffer = gpumm_lua_to_buffer(L, index);
    if (buffer) elements_of_buffer(L, buffer, type, out);
    else if (lua_istable(L, index)) elements_of_table(L, index, type, out);
    else if (lua_type(L, index) == LUA_TSTRING) bytes_of_string(L, index, type, out);
    else elements_of_view(L, index, type, out);
}

void gpumm_lua__view_of_buffer(lua_State *L, int index) {
    gpumm_buffer *buffer = gpumm_lua_to_buffer(L, index);
    gpumm_buffer_info info;
    if (!buffer) return;
    index = lua_absindex(L, index);
    gpumm_status status = gpumm_buffer_get_info(buffer, &info);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    void *bytes = gpumm_lua__view_push_owned(L, gpumm_buffer_type(buffer), info.length);
    status = gpumm_buffer_download(buffer, NULL, 0, info.length, bytes);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    lua_replace(L, index);
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
    if (lua_istable(L, 2) || gpumm_lua_to_buffer(L, 2)) { /* what was encoded is nobody else's */
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
