/* SPDX-License-Identifier: MIT */
/* Plain arguments: text, names, counts, sizes, times. */
#include "bind/lua/arguments.h"

#include <lauxlib.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"

const char *gpumm_lua__text(lua_State *L, int index) {
    size_t size;
    const char *text = luaL_checklstring(L, index, &size);
    luaL_argcheck(L, strlen(text) == size, index, "text without zero bytes expected");
    return text;
}

const char *gpumm_lua__name(lua_State *L, int index) {
    size_t size;
    const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
    return name && strlen(name) == size ? name : NULL;
}

const char *gpumm_lua__kind(lua_State *L, int index) {
    const char *name = NULL;
    if (lua_type(L, index) == LUA_TUSERDATA && luaL_getmetafield(L, index, "__name") != LUA_TNIL) {
        if (lua_type(L, -1) == LUA_TSTRING) name = lua_tostring(L, -1); /* the metatable keeps it */
        lua_pop(L, 1);
    }
    return name ? name : luaL_typename(L, index);
}

static const char *push_visible(lua_State *L, const char *bytes, size_t size) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) luaL_addchar(&text, bytes[i]);
        else luaL_addstring(&text, "\\0");
    }
    luaL_pushresult(&text);
    return lua_tostring(L, -1);
}

const char *gpumm_lua__push_key(lua_State *L, int index) {
    size_t size;
    if (!lua_isstring(L, index)) return lua_pushstring(L, luaL_typename(L, index));
    lua_pushvalue(L, index); /* its text takes its place */
    const char *bytes = lua_tolstring(L, -1, &size);
    push_visible(L, bytes, size);
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

uint64_t gpumm_lua__count(lua_State *L, int index) {
    lua_Integer n = luaL_checkinteger(L, index);
    luaL_argcheck(L, n >= 0, index, "a count cannot be negative");
    return (uint64_t)n;
}

uint64_t gpumm_lua__first(lua_State *L, int index, uint64_t otherwise) {
    if (lua_isnoneornil(L, index)) return otherwise;
    lua_Integer n = luaL_checkinteger(L, index);
    luaL_argcheck(L, n >= 1, index, "positions count from 1");
    return (uint64_t)n - 1;
}

bool gpumm_lua__read_size(lua_State *L, int index, uint64_t *bytes) {
    int exact;
    lua_Integer n = lua_tointegerx(L, index, &exact);
    if (lua_type(L, index) == LUA_TNUMBER) {
        if (exact && n >= 0) *bytes = (uint64_t)n;
        else fail(GPUMM_INVALID_ARGUMENT, "a size in bytes is a whole number, not negative");
        return exact && n >= 0;
    }
    if (lua_type(L, index) == LUA_TSTRING && strlen(lua_tostring(L, index)) == lua_rawlen(L, index))
        return gpumm_parse_size(lua_tostring(L, index), bytes) == GPUMM_OK;
    fail(GPUMM_INVALID_ARGUMENT, "a size is a number of bytes or text as \"4GiB\", not a %s", luaL_typename(L, index));
    return false;
}

uint64_t gpumm_lua__size(lua_State *L, int index) {
    uint64_t bytes = 0;
    if (!gpumm_lua__read_size(L, index, &bytes)) luaL_argerror(L, index, gpumm_message());
    return bytes;
}

double gpumm_lua__seconds(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return -1;
    double seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0, index, "a time in seconds, not negative, expected");
    return seconds;
}

void gpumm_lua__push_count(lua_State *L, uint64_t count) {
    lua_pushinteger(L, (lua_Integer)size_min(count, LUA_MAXINTEGER));
}
