/* SPDX-License-Identifier: MIT */
/* Lua states for the rows that are measured from Lua: gpumm is the one that is linked in, the manager is the
   same as C's, and the only addition is a monotonic clock. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "bench.h"
#include "gpumm_lua.h"

static int script_clock(lua_State *L) {
    lua_pushnumber(L, (lua_Number)gpumm__clock_ns() / 1e9);
    return 1;
}

typedef struct opening {
    const bench *bench;
    gpumm_manager *manager;
    const char *file;
} opening;

/* In protected mode. Returns the script's functions. */
static int open_protected(lua_State *L) {
    const opening *o = lua_touserdata(L, 1);
    luaL_openlibs(L);
    luaL_requiref(L, "gpumm", luaopen_gpumm, 0);
    const char *path = lua_pushfstring(L, "%s/%s", o->bench->folder, o->file);
    if (luaL_loadfilex(L, path, "t") != LUA_OK) return lua_error(L);
    gpumm_lua_push_manager(L, o->manager, GPUMM_LUA_SHARE_BORROW);
    lua_pushcfunction(L, script_clock);
    lua_pushfstring(L, "%s/bench_kernels.cu", o->bench->folder);
    lua_call(L, 3, 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    return 1;
}

static gpumm_status script_failed(lua_State *L, const char *what) {
    const char *message = luaL_tolstring(L, -1, NULL);
    gpumm_status status = fail(GPUMM_DRIVER, "%s: %s", what, message);
    lua_pop(L, 2);
    return status;
}

gpumm_status script_open(const bench *b, gpumm_manager *m, const char *file, lua_State **out) {
    opening o = {b, m, file};
    lua_State *L = luaL_newstate();
    if (!L) return fail(GPUMM_OUT_OF_MEMORY, "no memory for a Lua state");
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, &o);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) return *out = L, GPUMM_OK;
    gpumm_status status = script_failed(L, file);
    lua_close(L);
    return status;
}

gpumm_status script_call(lua_State *L, const char *function, size_t count, const double *numbers, double *result) {
    lua_getfield(L, 1, function);
    for (size_t i = 0; i < count; i++) lua_pushinteger(L, (lua_Integer)numbers[i]);
    if (lua_pcall(L, (int)count, 1, 0) != LUA_OK) return script_failed(L, function);
    if (result) *result = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return GPUMM_OK;
}

void script_close(lua_State *L) {
    if (L) lua_close(L);
}
