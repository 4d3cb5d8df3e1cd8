/* SPDX-License-Identifier: MIT */
/*
 * Traces. Managers that this state opens while a trace is open are in it.
 *
 *   gpumm.trace { file =, history =, buffer =, detail = }   JSON for Perfetto; a CSV of allocations; bytes that wait to
 *                         be written; is every operation timed?
 *   t:slice(name, f, …)   calls f(…) and returns what it returns: a slice of the calling thread's, also where f raises
 *   t:close()             ends the files
 */
#include "bind/api/trace.h"

#include "base/status.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/permissions.h"

static gpumm_trace *to_trace(lua_State *L, int index) { return gpumm_lua__check(L, index, &gpumm_lua__trace_class); }

/* ---- Opening ------------------------------------------------------------------------------ */

static const char *const keys[] = {"file", "history", "buffer", "detail", NULL};

/* Pushes the path as it is to be opened, which a contained script was granted, or nil. */
static const char *push_path(lua_State *L, const char *key) {
    if (!gpumm_lua__option(L, 1, key)) return lua_pushnil(L), NULL;
    if (lua_type(L, -1) != LUA_TSTRING) gpumm_lua__bad_option(L, key, "a string");
    return gpumm_lua__path(L, lua_gettop(L), BIND_WRITE);
}

static void take_over(bind_state *state, gpumm_trace *trace) {
    gpumm_trace *before = state->trace;
    state->trace = gpumm_trace_retain(trace);
    gpumm_trace_release(before);
}

static const char current_key; /* { the handle, weakly; its trace }, of the one that a script opened last */

static void remember(lua_State *L, int handle, gpumm_trace *trace) {
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, handle);
    lua_rawseti(L, -2, 1);
    lua_pushlightuserdata(L, trace);
    lua_rawseti(L, -2, 2);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &current_key);
}

/* Was the state's trace opened by a script that has lost its handle, so that nobody else can close it? */
static bool is_lost(lua_State *L, const bind_state *state) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &current_key) != LUA_TTABLE) return lua_pop(L, 1), false;
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    const bind_handle *handle = lua_touserdata(L, -2);
    bool lost = lua_touserdata(L, -1) == state->trace && (!handle || !handle->object);
    lua_pop(L, 3);
    return lost;
}

int gpumm_lua__trace_new(lua_State *L) {
    bind_state *state = gpumm_lua__state_of(L);
    gpumm_trace_options options = {.allocator = gpumm_lua__own_allocator(L)};
    gpumm_trace *trace;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    gpumm_lua__options(L, 1, keys, false);
    options.path = push_path(L, "file");
    options.history = push_path(L, "history");
    options.buffer_bytes = gpumm_lua__option_size(L, 1, "buffer", 0);
    options.detail = gpumm_lua__option_bool(L, 1, "detail", false);
    if (state->trace && is_lost(L, state)) {
        (void)gpumm_trace_close(state->trace);
        take_over(state, NULL);
    }
    if (state->trace) return gpumm_lua__fail(L, fail(GPUMM_BUSY, "this state has an open trace: close it first"));
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__trace_class, 0);
    gpumm_status status = gpumm_trace_open(&options, &trace);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    take_over(state, trace);
    gpumm_lua__adopt(L, handle, trace);
    remember(L, lua_gettop(L), trace);
    return 1;
}

/* ---- Methods ------------------------------------------------------------------------------ */

static int trace_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__trace_class);
    if (handle->closed || !handle->object) return gpumm_lua__result(L, GPUMM_OK);
    handle->closed = true;
    if (handle->state->trace == handle->object) take_over(handle->state, NULL);
    return gpumm_lua__result(L, gpumm_trace_close(handle->object));
}

static int slice(lua_State *L, int top, uint64_t since, int status) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__trace_class);
    if (handle->object)
        (void)gpumm_trace_slice(handle->object, lua_tostring(L, 2), 0, since); /* f may have closed it */
    if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
    return lua_gettop(L) - top;
}

static int slice_ended(lua_State *L, int status, lua_KContext since) { return slice(L, 2, (uint64_t)since, status); }

static int trace_slice(lua_State *L) {
    (void)to_trace(L, 1);
    (void)gpumm_lua__text(L, 2);
    luaL_checkany(L, 3);
    uint64_t since = gpumm_trace_now();
    int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 0, (lua_KContext)since, slice_ended);
    return slice(L, 2, since, status);
}

int gpumm_lua__trace_now(lua_State *L) {
    if (!gpumm_lua__state_of(L)->trace) return 0;
    lua_pushinteger(L, (lua_Integer)gpumm_trace_now());
    return 1;
}

int gpumm_lua__trace_slice(lua_State *L) {
    gpumm_trace *trace = gpumm_lua__state_of(L)->trace;
    const char *name = luaL_checkstring(L, 1);
    if (trace) (void)gpumm_trace_slice(trace, name, luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3));
    return 0;
}

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"close", trace_close}, {"slice", trace_slice}, {NULL, NULL}};
static const luaL_Reg meta[] = {{"__close", trace_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *trace) { gpumm_trace_release(trace); }

const bind_class gpumm_lua__trace_class = {
    .name = "gpumm.trace", .methods = methods, .meta = meta, .release = release, .unheeded = "*"};
