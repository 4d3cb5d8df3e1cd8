/* SPDX-License-Identifier: MIT */
/*
 * What an application does with scripts, beside pushing its objects (lua/state.c): takes a buffer out of one by name,
 * and runs a file in a fresh state. Both enter Lua protected and come back with a status.
 */
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "bind/bind.h"
#include "gpumm_lua.h"

/* The status that lua_pcall's outcome is, with Lua's message, which is on top and goes. */
static gpumm_status outcome_of(lua_State *L, int outcome, const char *what) {
    if (outcome == LUA_OK) return GPUMM_OK;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(an error that is no text)";
    gpumm_status status = outcome == LUA_ERRMEM ? fail(GPUMM_OUT_OF_MEMORY, "%s: Lua has no more memory", what)
                                                : fail(GPUMM_INVALID_ARGUMENT, "%s", text);
    lua_pop(L, 1);
    return status;
}

/* ---- Finding a buffer ----------------------------------------------------------------------- */

typedef struct search {
    const char *path; /* what is left of it */
    gpumm_buffer *found;
    gpumm_status status;
} search;

/* Replaces the value in slot 1 by its entry of the path's first name. */
static void descend(lua_State *L, search *s) {
    size_t length = strcspn(s->path, ".");
    lua_pushlstring(L, s->path, length);
    s->path += length + (s->path[length] == '.');
    lua_gettable(L, 1);
    lua_replace(L, 1);
}

/* The value in slot 1 is the end of the path, or a manager that knows the rest of it. */
static gpumm_status arrive(lua_State *L, search *s) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (lua_isnil(L, 1)) return fail(GPUMM_NOT_FOUND, "there is nothing of that name");
    if (!handle || (handle->class != &gpumm_lua__manager_class && handle->class != &gpumm_lua__buffer_class))
        return fail(GPUMM_TYPE_MISMATCH, "a buffer was expected there, not a %s",
                    handle ? handle->class->name : luaL_typename(L, 1));
    if (!handle->object || handle->closed) return fail(GPUMM_CLOSED, "this %s is closed", handle->class->name);
    if (handle->class == &gpumm_lua__manager_class) return gpumm_find(handle->object, s->path, NULL, &s->found);
    s->found = gpumm_buffer_retain(handle->object);
    return GPUMM_OK;
}

static int find_protected(lua_State *L) {
    search *s = lua_touserdata(L, 2);
    while (s->path[0] != '\0' && !lua_isnil(L, 1)) {
        const bind_handle *handle = gpumm_lua__any_handle(L, 1);
        if (handle && handle->class == &gpumm_lua__manager_class) break;
        descend(L, s);
    }
    s->status = arrive(L, s);
    return 0;
}

gpumm_status gpumm_lua_find_buffer(lua_State *L, int index, const char *path, gpumm_buffer **out) {
    search s = {.path = path};
    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 4)) return fail(GPUMM_OUT_OF_MEMORY, "Lua has no more stack");
    lua_pushcfunction(L, find_protected);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, &s);
    gpumm_status status = outcome_of(L, lua_pcall(L, 2, 0, 0), "looking for a buffer");
    if (status == GPUMM_OK) status = s.status;
    if (status != GPUMM_OK) return fail_in(status, "'%.255s': ", path);
    *out = s.found;
    return GPUMM_OK;
}

/* ---- Running a file ------------------------------------------------------------------------- */

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
    if (!lua_isstring(L, 1) && !luaL_getmetafield(L, 1, "__tostring")) {
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
        return 1;
    }
    gpumm_lua__traceback(L, luaL_tolstring(L, 1, NULL));
    return 1;
}

static gpumm_status new_state(const gpumm_lua_script *script, lua_State **out) {
    if (script->sandbox) return gpumm_lua_sandbox_open(script->sandbox, out);
    *out = script->allocate ? lua_newstate(script->allocate, script->allocate_user) : luaL_newstate();
    if (!*out) return fail(GPUMM_OUT_OF_MEMORY, "%s: no memory for a Lua state", script->file);
    lua_gc(*out, LUA_GCINC, BIND_PAUSE, 0, 0);
    return GPUMM_OK;
}

gpumm_status gpumm_lua_run_file(const gpumm_lua_script *script) {
    running r = {.script = script};
    lua_State *L;
    if (!script->file) return fail(GPUMM_INVALID_ARGUMENT, "the script's file is not named");
    TRY(new_state(script, &L));
    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, run_protected);
    lua_pushlightuserdata(L, &r);
    gpumm_status status = outcome_of(L, lua_pcall(L, 1, 0, 1), script->file);
    if (r.unreadable && status == GPUMM_INVALID_ARGUMENT) status = GPUMM_IO;
    char message[2048]; /* closing may fail in ways of its own */
    if (status != GPUMM_OK) snprintf(message, sizeof message, "%s", gpumm_message());
    gpumm_lua_sandbox_close(L);
    return status == GPUMM_OK ? GPUMM_OK : fail(status, "%s", message);
}
