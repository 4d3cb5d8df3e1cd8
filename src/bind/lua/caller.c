/* SPDX-License-Identifier: MIT */
/* The first caller that is a script of the user's, for tags and for files beside it. */
#include "bind/lua/caller.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bind/lua/embedded.h"

enum { LEVELS = 64 };

/* Our own Lua files speak for whoever called them. */
static bool is_ours(lua_State *L, const lua_Debug *ar) {
    return ar->source[0] == '@' && gpumm_lua__file_named(L, ar->source + 1) != NULL;
}

/* The first level from this one on that runs a script of the user's, from a file where `file`. */
static bool find_caller(lua_State *L, int level, lua_Debug *ar, bool file) {
    for (; level < LEVELS && lua_getstack(L, level, ar); level++) {
        lua_getinfo(L, "Sl", ar);
        if (ar->currentline < 0 || is_ours(L, ar)) continue;
        if (!file || ar->source[0] == '@') return true;
    }
    return false;
}

const char *gpumm_lua__tag(lua_State *L, char text[static BIND_TAG]) {
    lua_Debug ar;
    text[0] = '\0';
    if (!find_caller(L, 1, &ar, false)) return text;
    const char *source = ar.source[0] == '@' ? ar.source + 1 : ar.short_src;
    const char *slash = ar.source[0] == '@' ? strrchr(source, '/') : NULL;
    snprintf(text, BIND_TAG, "%.100s:%d", slash ? slash + 1 : source, ar.currentline);
    return text;
}

void gpumm_lua__push_place(lua_State *L, int level) {
    lua_Debug ar;
    if (find_caller(L, level, &ar, false)) lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    else lua_pushliteral(L, "");
}

void gpumm_lua__push_beside(lua_State *L, const char *path) {
    lua_Debug ar;
    const char *slash = NULL;
    if (path[0] != '/' && find_caller(L, 1, &ar, true)) slash = strrchr(ar.source, '/');
    if (!slash) {
        lua_pushstring(L, path);
        return;
    }
    lua_pushlstring(L, ar.source + 1, (size_t)(slash - ar.source)); /* with its slash */
    lua_pushstring(L, path);
    lua_concat(L, 2);
}
