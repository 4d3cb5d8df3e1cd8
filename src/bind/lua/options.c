/* SPDX-License-Identifier: MIT */
/* Option tables, read raw; errors name the key, what was given and what is valid. */
#include "bind/lua/options.h"

#include <lauxlib.h>
#include <string.h>

#include "base/status.h"
#include "bind/lua/arguments.h"
#include "bind/lua/words.h"

static bool among(const char *key, const char *const *valid) {
    for (; *valid; valid++)
        if (strcmp(key, *valid) == 0) return true;
    return false;
}

/* The key is on top. What stands outside of the `listed` entries, as at [0], would be lost. */
static void check_key(lua_State *L, const char *const *valid, uint64_t listed) {
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && (uint64_t)lua_tointeger(L, -1) <= listed) return;
    const char *key = gpumm_lua__name(L, -1);
    if (!key || !among(key, valid)) gpumm_lua__unknown(L, "option", gpumm_lua__push_key(L, -1), valid);
}

void gpumm_lua__options(lua_State *L, int table, const char *const *valid, bool list) {
    luaL_checktype(L, table, LUA_TTABLE);
    luaL_checkstack(L, 8, NULL);
    uint64_t listed = list ? lua_rawlen(L, table) : 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        check_key(L, valid, listed);
    }
}

/* ---- Reading them --------------------------------------------------------------------------- */

bool gpumm_lua__option(lua_State *L, int table, const char *key) {
    lua_pushstring(L, key);
    if (lua_rawget(L, table) != LUA_TNIL) return true;
    lua_pop(L, 1);
    return false;
}

bool gpumm_lua__has_option(lua_State *L, int table, const char *key) {
    bool there = gpumm_lua__option(L, table, key);
    if (there) lua_pop(L, 1);
    return there;
}

int gpumm_lua__bad_option(lua_State *L, const char *key, const char *wanted) {
    if (lua_type(L, -1) == LUA_TSTRING)
        return luaL_error(L, "option \"%s\": %s expected, got the string \"%s\"", key, wanted, lua_tostring(L, -1));
    return luaL_error(L, "option \"%s\": %s expected, got %s", key, wanted, luaL_tolstring(L, -1, NULL));
}

uint64_t gpumm_lua__option_count(lua_State *L, int table, const char *key, uint64_t otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    int exact;
    lua_Integer n = lua_tointegerx(L, -1, &exact);
    if (lua_type(L, -1) != LUA_TNUMBER || !exact || n < 0)
        gpumm_lua__bad_option(L, key, "a count (a whole number from 0)");
    lua_pop(L, 1);
    return (uint64_t)n;
}

uint64_t gpumm_lua__option_size(lua_State *L, int table, const char *key, uint64_t otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    uint64_t bytes = 0;
    if (!gpumm_lua__read_size(L, -1, &bytes)) luaL_error(L, "option \"%s\": %s", key, gpumm_message());
    lua_pop(L, 1);
    return bytes;
}

unsigned gpumm_lua__option_unsigned(lua_State *L, int table, const char *key, unsigned otherwise) {
    uint64_t n = gpumm_lua__option_count(L, table, key, otherwise);
    if (n > INT32_MAX) luaL_error(L, "option \"%s\": %I is too large", key, (LUAI_UACINT)n);
    return (unsigned)n;
}

bool gpumm_lua__option_bool(lua_State *L, int table, const char *key, bool otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    if (!lua_isboolean(L, -1)) gpumm_lua__bad_option(L, key, "true or false");
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

double gpumm_lua__option_number(lua_State *L, int table, const char *key, double otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    if (lua_type(L, -1) != LUA_TNUMBER) gpumm_lua__bad_option(L, key, "a number");
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

const char *gpumm_lua__option_text(lua_State *L, int table, const char *key, const char *otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    if (lua_type(L, -1) != LUA_TSTRING) gpumm_lua__bad_option(L, key, "a string");
    const char *text = lua_tostring(L, -1);
    if (strlen(text) != lua_rawlen(L, -1)) luaL_error(L, "option \"%s\": text without zero bytes expected", key);
    lua_pop(L, 1);
    return text;
}

/* Those of the list on top. */
static void read_numbers(lua_State *L, const char *key, unsigned *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int whole = 0;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        lua_Integer n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
        if (!whole || n < 0 || n > INT32_MAX) gpumm_lua__bad_option(L, key, "a list of whole numbers from 0");
        numbers[i] = (unsigned)n;
        lua_pop(L, 1);
    }
}

size_t gpumm_lua__option_numbers(lua_State *L, int table, const char *key, unsigned *numbers, size_t most) {
    if (!gpumm_lua__option(L, table, key)) return 0;
    size_t count = lua_type(L, -1) == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    if (!count) gpumm_lua__bad_option(L, key, "a list of whole numbers from 0");
    if (count > most)
        luaL_error(L, "option \"%s\": %I numbers are more than %I", key, (LUAI_UACINT)count, (LUAI_UACINT)most);
    read_numbers(L, key, numbers, count);
    lua_pop(L, 1);
    return count;
}

uint64_t gpumm_lua__option_first(lua_State *L, int table, const char *key) {
    uint64_t first = gpumm_lua__option_count(L, table, key, 1);
    if (first == 0) luaL_error(L, "option \"%s\": positions count from 1", key);
    return first - 1;
}
