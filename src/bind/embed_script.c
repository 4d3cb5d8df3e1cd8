/* SPDX-License-Identifier: MIT */
/* Running a script in a fresh state of its own. Lua is entered protected; what comes back is a status. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "base/abi.h"
#include "base/status.h"
#include "bind/lua/state.h"
#include "bind/lua/traceback.h"
#include "bind/protect.h"
#include "gpumm_lua.h"

typedef struct running {
    const gpumm_lua_script *script;
    bool unreadable; /* the file could not be read, and the error says why */
} running;

static void prepare(lua_State *L, const gpumm_lua_script *script) {
    if (script->open) {
        lua_pushcfunction(L, script->open);
        lua_pushlightuserdata(L, script->user);
        lua_call(L, 1, 0);
    } else if (!script->sandbox) {
        luaL_openlibs(L);
    }
    gpumm_lua_open(L);
    lua_pop(L, 1);
    if (script->limit > 0) gpumm_lua_set_limit(L, script->limit);
    if (script->device) gpumm_lua_set_device(L, script->device);
    if (script->log) gpumm_lua_set_log(L, script->log, script->log_user);
    if (script->trace) gpumm_lua_set_trace(L, script->trace);
}

/* Pushes the arguments, and names them `arg` as lua5.4 does. */
static void push_arguments(lua_State *L, const gpumm_lua_script *script) {
    if (script->argument_count > 10000) luaL_error(L, "too many arguments");
    int count = (int)script->argument_count;
    luaL_checkstack(L, count + 4, "too many arguments");
    lua_createtable(L, count, 1);
    lua_pushstring(L, script->file);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, script->arguments[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    for (int i = 0; i < count; i++) lua_pushstring(L, script->arguments[i]);
}

static void load(lua_State *L, running *r) {
    int outcome = luaL_loadfilex(L, r->script->file, "t");
    r->unreadable = outcome == LUA_ERRFILE;
    if (outcome != LUA_OK) lua_error(L);
}

/* What the script returned lies from `first` on: it goes to the application, or is run. */
static void conclude(lua_State *L, const gpumm_lua_script *script, int first) {
    if (script->done) {
        lua_pushcfunction(L, script->done);
        lua_insert(L, first);
        lua_pushlightuserdata(L, script->user);
        lua_insert(L, first + 1);
        lua_call(L, lua_gettop(L) - first, 0);
    } else if (luaL_getmetafield(L, first, "__metatable") == LUA_TSTRING &&
               strcmp(lua_tostring(L, -1), "gpumm.simulation") == 0) {
        lua_getfield(L, first, "run");
        lua_pushvalue(L, first);
        lua_call(L, 1, 0);
    }
}

static int run_protected(lua_State *L) {
    running *r = lua_touserdata(L, 1);
    prepare(L, r->script);
    load(L, r);
    int first = lua_gettop(L);
    push_arguments(L, r->script);
    lua_call(L, (int)r->script->argument_count, LUA_MULTRET);
    luaL_checkstack(L, 8, NULL);
    if (lua_gettop(L) < first) lua_pushnil(L);
    conclude(L, r->script, first);
    return 0;
}

static int add_traceback(lua_State *L) {
    gpumm_lua__traceback_handler(L);
    if (!lua_isstring(L, -1)) lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    return 1;
}

static gpumm_status new_state(const gpumm_lua_script *script, lua_State **out) {
    if (script->sandbox) return gpumm_lua_sandbox_open(script->sandbox, out);
    *out = script->allocate ? lua_newstate(script->allocate, script->allocate_user) : luaL_newstate();
    if (!*out) return fail(GPUMM_OUT_OF_MEMORY, "%s: no memory for a Lua state", script->file);
    lua_gc(*out, LUA_GCINC, BIND_PAUSE, 0, 0);
    return GPUMM_OK;
}

gpumm_status gpumm_lua_run_file(const gpumm_lua_script *given) {
    gpumm_lua_script copy, *script = &copy;
    running r = {.script = script};
    lua_State *L;
    NOT_NULL(given, "script");
    TRY(ABI_READ(script, given, "gpumm_lua_script"));
    if (script->argument_count) NOT_NULL(script->arguments, "script.arguments");
    if (!script->file) return fail(GPUMM_INVALID_ARGUMENT, "the script's file is not named");
    TRY(new_state(script, &L));
    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, run_protected);
    lua_pushlightuserdata(L, &r);
    gpumm_status status = gpumm_lua__outcome(L, lua_pcall(L, 1, 0, 1), script->file);
    if (r.unreadable && status == GPUMM_INVALID_ARGUMENT) status = GPUMM_IO;
    char message[2048]; /* closing may fail in ways of its own */
    if (status != GPUMM_OK) snprintf(message, sizeof message, "%s", gpumm_message());
    gpumm_lua_sandbox_close(L);
    return status == GPUMM_OK ? GPUMM_OK : fail(status, "%s", message);
}
