/* SPDX-License-Identifier: MIT */
/* The last argument of whatever enqueues work, and the range before it. */
#include "bind/api/where.h"

#include <lauxlib.h>
#include <string.h>

#include "bind/api/stream.h"
#include "bind/lua/arguments.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"

static const char *const stream_alone[] = {"stream", NULL};

gpumm_stream *gpumm_lua__option_stream(lua_State *L, int table) {
    if (!gpumm_lua__option(L, table, "stream")) return NULL;
    gpumm_stream *stream = gpumm_lua__test(L, -1, &gpumm_lua__stream_class);
    if (!stream) gpumm_lua__bad_option(L, "stream", "a stream");
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
    if (gpumm_lua__has_option(L, index, "first")) out->first = gpumm_lua__option_first(L, index, "first");
    if (!gpumm_lua__has_option(L, index, "count")) return;
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

gpumm_access gpumm_lua__access(lua_State *L, int index) {
    static const char *const names[] = {"read", "write", NULL};
    const char *name = luaL_checkstring(L, index);
    if (strcmp(name, names[0]) == 0) return GPUMM_ACCESS_READ;
    if (strcmp(name, names[1]) != 0) gpumm_lua__unknown(L, "access", name, names);
    return GPUMM_ACCESS_WRITE;
}
