/* SPDX-License-Identifier: MIT */
/* Errors that carry a status are made here, and read here. */
#include "bind/lua/raise.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

int gpumm_lua__raise(lua_State *L, gpumm_status status) {
    return luaL_error(L, "%s: %s", gpumm_status_name(status), gpumm_message());
}

int gpumm_lua__push_failure(lua_State *L, gpumm_status status) {
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: %s", gpumm_status_name(status), gpumm_message());
    lua_pushstring(L, gpumm_status_name(status));
    return 3;
}

static gpumm_status leading_status(const char *text) {
    char name[32];
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (length == 0 || length >= sizeof name || strncmp(text + length, ": ", 2) != 0) return GPUMM_STATUS_COUNT;
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    return gpumm_status_named(name);
}

/* Behind "layout.lua:12: " where the text begins with a place. */
static const char *behind_place(const char *text) {
    const char *colon = strchr(text, ':'), *number = colon ? colon + 1 : "";
    size_t digits = strspn(number, "0123456789");
    return digits > 0 && strncmp(number + digits, ": ", 2) == 0 ? number + digits + 2 : text;
}

bool gpumm_lua__has_place(const char *text) { return behind_place(text) != text; }

gpumm_status gpumm_lua__raised(const char *text) { return leading_status(behind_place(text)); }
