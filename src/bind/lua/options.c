/* SPDX-License-Identifier: MIT */
/*
 * Arguments and option tables. Tables are read raw, so that no metamethod of a script runs in the midst of a
 * call; errors name the key, what was given and what is valid.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bind/bind.h"

/* ---- Plain arguments ------------------------------------------------------------------------ */

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

/* False: no size; then the thread's message says why. */
static bool read_size(lua_State *L, int index, uint64_t *bytes) {
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
    if (!read_size(L, index, &bytes)) luaL_argerror(L, index, gpumm_message());
    return bytes;
}

double gpumm_lua__seconds(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return -1;
    double seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0, index, "a time in seconds, not negative, expected");
    return seconds;
}

/* ---- Unknown keys --------------------------------------------------------------------------- */

enum { WORD = 32 };

/* Levenshtein's distance of two short words; large for long ones. */
static size_t distance(const char *a, const char *b) {
    size_t row[WORD + 1], n = strlen(b);
    if (strlen(a) > WORD || n > WORD) return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change = corner + (a[i] != b[j]);
            corner = row[j + 1];
            size_t shift = size_min(row[j], row[j + 1]) + 1;
            row[j + 1] = size_min(change, shift);
        }
    }
    return row[n];
}

static const char *nearest(const char *key, const char *const *valid) {
    const char *best = NULL;
    size_t least = 3;
    for (; *valid; valid++) {
        size_t far = distance(key, *valid);
        if (far < least && far < strlen(*valid)) {
            least = far;
            best = *valid;
        }
    }
    return best;
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
    const char *near = nearest(key, valid);
    if (near) lua_pushfstring(L, " (did you mean \"%s\"?)", near);
    else lua_pushliteral(L, "");
    gpumm_lua__push_list(L, valid);
    return luaL_error(L, "unknown %s \"%s\"%s; valid: %s", what, key, lua_tostring(L, -2), lua_tostring(L, -1));
}

static bool among(const char *key, const char *const *valid) {
    for (; *valid; valid++)
        if (strcmp(key, *valid) == 0) return true;
    return false;
}

/* The key is on top. */
static void check_key(lua_State *L, const char *const *valid, bool list) {
    if (list && lua_isinteger(L, -1)) return;
    const char *key = gpumm_lua__name(L, -1);
    if (!key || !among(key, valid)) gpumm_lua__unknown(L, "option", gpumm_lua__push_key(L, -1), valid);
}

void gpumm_lua__options(lua_State *L, int table, const char *const *valid, bool list) {
    luaL_checktype(L, table, LUA_TTABLE);
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        check_key(L, valid, list);
    }
}

/* ---- Reading them --------------------------------------------------------------------------- */

bool gpumm_lua__option(lua_State *L, int table, const char *key) {
    lua_pushstring(L, key);
    if (lua_rawget(L, table) != LUA_TNIL) return true;
    lua_pop(L, 1);
    return false;
}

static int bad_option(lua_State *L, const char *key, const char *wanted) {
    return luaL_error(L, "option \"%s\": %s expected, got %s", key, wanted, luaL_tolstring(L, -1, NULL));
}

uint64_t gpumm_lua__option_count(lua_State *L, int table, const char *key, uint64_t otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    int exact;
    lua_Integer n = lua_tointegerx(L, -1, &exact);
    if (lua_type(L, -1) != LUA_TNUMBER || !exact || n < 0) bad_option(L, key, "a count (a whole number from 0)");
    lua_pop(L, 1);
    return (uint64_t)n;
}

uint64_t gpumm_lua__option_size(lua_State *L, int table, const char *key, uint64_t otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    uint64_t bytes = 0;
    if (!read_size(L, -1, &bytes)) luaL_error(L, "option \"%s\": %s", key, gpumm_message());
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
    if (!lua_isboolean(L, -1)) bad_option(L, key, "true or false");
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

double gpumm_lua__option_number(lua_State *L, int table, const char *key, double otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    if (lua_type(L, -1) != LUA_TNUMBER) bad_option(L, key, "a number");
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

const char *gpumm_lua__option_text(lua_State *L, int table, const char *key, const char *otherwise) {
    if (!gpumm_lua__option(L, table, key)) return otherwise;
    if (lua_type(L, -1) != LUA_TSTRING) bad_option(L, key, "a string");
    const char *text = lua_tostring(L, -1);
    if (strlen(text) != lua_rawlen(L, -1)) luaL_error(L, "option \"%s\": text without zero bytes expected", key);
    lua_pop(L, 1);
    return text;
}

/* ---- Where, and which part -------------------------------------------------------------------- */

static const char *const stream_alone[] = {"stream", NULL};

gpumm_stream *gpumm_lua__option_stream(lua_State *L, int table) {
    if (!gpumm_lua__option(L, table, "stream")) return NULL;
    gpumm_stream *stream = gpumm_lua__test(L, -1, &gpumm_lua__stream_class);
    if (!stream) bad_option(L, "stream", "a stream");
    lua_pop(L, 1); /* the table holds it */
    return stream;
}

bool gpumm_lua__is_where(lua_State *L, int index) {
    return lua_istable(L, index) || gpumm_lua__test_userdata(L, index, &gpumm_lua__stream_class);
}

gpumm_stream *gpumm_lua__where(lua_State *L, int index, const char *const *valid) {
    if (lua_isnoneornil(L, index)) return NULL;
    if (!lua_istable(L, index)) return gpumm_lua__to_stream(L, index);
    gpumm_lua__options(L, index, valid ? valid : stream_alone, false);
    return gpumm_lua__option_stream(L, index);
}

static void range_options(lua_State *L, int index, bind_range *out) {
    static const char *const valid[] = {"first", "count", "stream", NULL};
    out->stream = gpumm_lua__where(L, index, valid);
    if (!lua_istable(L, index)) return;
    uint64_t first = gpumm_lua__option_count(L, index, "first", out->first + 1);
    if (first == 0) luaL_error(L, "option \"first\": positions count from 1");
    out->first = first - 1;
    if (!gpumm_lua__option(L, index, "count")) return;
    lua_pop(L, 1);
    out->count = gpumm_lua__option_count(L, index, "count", 0);
    out->counted = true;
}

void gpumm_lua__to_range(lua_State *L, int index, uint64_t length, bind_range *out) {
    *out = (bind_range){0};
    if (!gpumm_lua__is_where(L, index)) out->first = gpumm_lua__first(L, index++, 0);
    if (!gpumm_lua__is_where(L, index) && !lua_isnoneornil(L, index)) {
        out->count = gpumm_lua__count(L, index);
        out->counted = true;
    }
    if (!gpumm_lua__is_where(L, index)) index++;
    range_options(L, index, out);
    if (!out->counted) out->count = out->first < length ? length - out->first : 0;
}

void gpumm_lua__push_count(lua_State *L, uint64_t count) {
    lua_pushinteger(L, (lua_Integer)size_min(count, LUA_MAXINTEGER));
}

gpumm_access gpumm_lua__access(lua_State *L, int index) {
    static const char *const names[] = {"read", "write", NULL};
    return luaL_checkoption(L, index, NULL, names) == 0 ? GPUMM_READ : GPUMM_WRITE;
}
