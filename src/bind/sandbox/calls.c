/* SPDX-License-Identifier: MIT */
/*
 * Functions that call and catch, in a contained state. What catches an error looks at the limits afterwards
 * and raises anew, so that no script outlives its end. An error of the hook is raised with hooks switched
 * off in that thread: therefore no message handler of the script runs for it, and no thread that died by it
 * is ever closed, whose __close functions would run without any tick.
 */
#include "bind/sandbox/calls.h"

#include <lauxlib.h>
#include <string.h>

#include "bind/lua/traceback.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/wrap.h"

static void check_end(lua_State *L) { gpumm_lua__sandbox_tick(L, gpumm_lua__sandbox_at(L)); }

/* ---- Catching ----------------------------------------------------------------------------- */

/* What was caught on top goes on where it is the end's own error, which knows the place. */
static void check_caught(lua_State *L) {
    const sandbox *s = gpumm_lua__sandbox_at(L);
    char text[128];
    const char *caught = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    if (caught && atomic_load(&s->end) != END_NONE && strstr(caught, gpumm_lua__sandbox_end_text(s, text)))
        lua_error(L);
    check_end(L);
}

static int after_call(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    check_caught(L);
    return lua_gettop(L);
}

/* Upvalue 1 with the arguments there are; yieldable where that is. */
static int call_original(lua_State *L) {
    check_end(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, after_call);
    return after_call(L, LUA_OK, 0);
}

/* Upvalue 1: the script's message handler. */
static int checked_handler(lua_State *L) {
    if (atomic_load(&gpumm_lua__sandbox_at(L)->end) != END_NONE) {
        if (lua_type(L, 1) == LUA_TSTRING) gpumm_lua__traceback(L, lua_tostring(L, 1));
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int contained_xpcall(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, checked_handler, 1);
    lua_replace(L, 2);
    return call_original(L);
}

/* ---- Coroutines ----------------------------------------------------------------------------- */

/* As the original's: an error of text gets the place of the call in front. */
static int raise_wrapped(lua_State *L) {
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Upvalues: the coroutine, resume, close. */
static int wrapped_call(lua_State *L) {
    check_end(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_rotate(L, 1, 2);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    check_caught(L);
    if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
    lua_settop(L, 2);
    bool failed = lua_status(lua_tothread(L, lua_upvalueindex(1))) > LUA_YIELD;
    if (!failed) return raise_wrapped(L); /* it runs, or had ended before */
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 1, 2);
    check_end(L);
    if (lua_isnil(L, -1)) lua_settop(L, 2);
    return raise_wrapped(L);
}

/* Upvalues: create, resume, close. */
static int contained_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushcclosure(L, wrapped_call, 3);
    return 1;
}

void gpumm_lua__sandbox_wrap_coroutine(lua_State *L) {
    static const luaL_Reg catching[] = {{"resume", call_original}, {"close", call_original}, {NULL, NULL}};
    lua_getfield(L, -1, "create");
    lua_getfield(L, -2, "resume");
    lua_getfield(L, -3, "close");
    lua_pushcclosure(L, contained_wrap, 3);
    lua_setfield(L, -2, "wrap");
    gpumm_lua__sandbox_wrap(L, catching);
}

/* ---- The rest of the base library ------------------------------------------------------------ */

/* A finaliser runs without ticks, at a time that nobody chose; Lua looks for one here alone. */
static int contained_setmetatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a contained script has no finalisers: this metatable has __gc "
                                 "(__close is allowed)");
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int contained_collectgarbage(lua_State *L) {
    if (strcmp(luaL_optstring(L, 1, "collect"), "count") != 0)
        return luaL_error(L, "in a contained script collectgarbage(\"count\") is all there is");
    lua_pushnumber(L, (lua_Number)lua_gc(L, LUA_GCCOUNT) + (lua_Number)lua_gc(L, LUA_GCCOUNTB) / 1024);
    return 1;
}

/* Text only, whatever mode is asked for: no check of Lua's makes bytecode safe. */
static int contained_load(lua_State *L) {
    const char *mode = luaL_optstring(L, 3, "t");
    if (!strchr(mode, 't')) {
        luaL_pushfail(L);
        lua_pushfstring(L, "a contained script loads text only (mode is '%s')", mode);
        return 2;
    }
    if (lua_gettop(L) < 3) lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    return call_original(L);
}

void gpumm_lua__sandbox_wrap_base(lua_State *L) {
    static const luaL_Reg checked[] = {
        {"pcall", call_original}, {"xpcall", contained_xpcall}, {"load", contained_load}, {NULL, NULL}};
    static const luaL_Reg own[] = {
        {"setmetatable", contained_setmetatable}, {"collectgarbage", contained_collectgarbage}, {NULL, NULL}};
    gpumm_lua__sandbox_wrap(L, checked);
    luaL_setfuncs(L, own, 0);
}
