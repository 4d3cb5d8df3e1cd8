/* SPDX-License-Identifier: MIT */
/* Telling a word that is not known from those that are. */
#include "bind/lua/words.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/size.h"

enum { WORD = 32 };

/* How many letters to add, leave out, change or swap with the next make one short word of the other; large for long ones. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][WORD + 1], n = strlen(b); /* of the last three letters of a; rows[i % 3] is the i-th one's */
    if (strlen(a) > WORD || n > WORD) return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) rows[0][j] = j;
    size_t i = 0;
    for (; a[i]; i++) {
        const size_t *before = rows[i % 3], *earlier = rows[(i + 2) % 3];
        size_t *row = rows[(i + 1) % 3];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change = before[j] + (a[i] != b[j]), shift = size_min(row[j], before[j + 1]) + 1;
            row[j + 1] = size_min(change, shift);
            bool swapped = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
            if (swapped) row[j + 1] = size_min(row[j + 1], earlier[j - 1] + 1);
        }
    }
    return rows[i % 3][n];
}

/* At most two letters, and half of the word. */
const char *gpumm_lua__nearest(const char *key, const char *const *valid) {
    const char *best = NULL;
    size_t least = 3;
    for (; *valid; valid++) {
        size_t far = distance(key, *valid);
        if (far < least && 2 * far <= strlen(*valid)) {
            least = far;
            best = *valid;
        }
    }
    return best;
}

/* table[key] of one that lacks the key. Upvalues: its name, its keys' table. */
static int suggest(lua_State *L) {
    enum { MOST = 64 };
    const char *words[MOST + 1] = {NULL};
    size_t count = 0;
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    for (lua_pushnil(L); lua_next(L, lua_upvalueindex(2)); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && count < MOST) words[count++] = lua_tostring(L, -2);
    const char *key = lua_tostring(L, 2), *near = gpumm_lua__nearest(key, words);
    if (!near) return 0;
    return luaL_error(L, "gpumm.%s has no '%s' (did you mean '%s'?)", lua_tostring(L, lua_upvalueindex(1)), key, near);
}

void gpumm_lua__suggest(lua_State *L, const char *name) {
    if (!lua_istable(L, -1)) return;
    if (lua_getmetatable(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, suggest, 2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

void gpumm_lua__push_list(lua_State *L, const char *const *words) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (size_t i = 0; words[i]; i++) {
        if (i > 0) luaL_addstring(&text, ", ");
        luaL_addstring(&text, words[i]);
    }
    luaL_pushresult(&text);
}

int gpumm_lua__unknown(lua_State *L, const char *what, const char *key, const char *const *valid) {
    const char *near = gpumm_lua__nearest(key, valid);
    if (!valid[0]) return luaL_error(L, "unknown %s \"%s\": none is valid here", what, key);
    if (near) lua_pushfstring(L, " (did you mean \"%s\"?)", near);
    else lua_pushliteral(L, "");
    gpumm_lua__push_list(L, valid);
    return luaL_error(L, "unknown %s \"%s\"%s; valid: %s", what, key, lua_tostring(L, -2), lua_tostring(L, -1));
}
