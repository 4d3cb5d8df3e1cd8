/* SPDX-License-Identifier: MIT */
/* coroutine.resume and coroutine.wrap do what Lua's own do, and remember the thread. They resume it themselves: a function
   around Lua's would halve how deep coroutines may nest. Static state is needed here: a signal handler reads it. */
#include "running.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>

static lua_State *volatile now;
static volatile lua_Hook stopping; /* NULL: nobody stops the script */

static void set_hook(lua_State *L, lua_Hook hook) {
    lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

void gpumm__running_stop(lua_Hook hook) {
    stopping = hook;
    if (now) set_hook(now, hook);
}

/* Resumes `other` with the values on top, and leaves what comes of it on top: as many as it returns, or an error (-1). */
static int resume(lua_State *L, lua_State *other, int arguments) {
    int results = 0;
    if (!lua_checkstack(other, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, other, arguments);
    now = other;
    int status = lua_resume(other, L, arguments, &results);
    now = L;
    if (stopping) set_hook(L, stopping);
    bool good = status == LUA_OK || status == LUA_YIELD;
    if (good && !lua_checkstack(L, results + 1)) {
        lua_pop(other, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(other, L, good ? results : 1);
    return good ? results : -1;
}

static int watched_resume(lua_State *L) {
    lua_State *other = lua_tothread(L, 1);
    luaL_argexpected(L, other, 1, "thread");
    int results = resume(L, other, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results >= 0 ? -results - 1 : -2);
    return results >= 0 ? results + 1 : 2;
}

/* What it has to close is closed, since nobody else has the coroutine. */
static void close_failed(lua_State *L, lua_State *other) {
    int status = lua_status(other);
    if (status == LUA_OK || status == LUA_YIELD) return; /* it runs, or had ended before */
    lua_resetthread(other);
    lua_xmove(other, L, 1);
}

/* Upvalue: the coroutine. An error of text gets the place of the call. */
static int call_wrapped(lua_State *L) {
    lua_State *other = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, other, lua_gettop(L));
    if (results >= 0) return results;
    close_failed(L, other);
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int watched_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *other = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, other, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

void gpumm__running_watch(lua_State *L) {
    static const luaL_Reg watched[] = {{"resume", watched_resume}, {"wrap", watched_wrap}, {NULL, NULL}};
    now = L;
    lua_getglobal(L, LUA_COLIBNAME);
    luaL_setfuncs(L, watched, 0);
    lua_pop(L, 1);
}
