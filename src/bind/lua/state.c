/* SPDX-License-Identifier: MIT */
/* What is kept per Lua state, in its registry: the shared budget, the device override, the log. */
#include <stdio.h>
#include <string.h>

#include "bind/bind.h"
#include "gpumm_lua.h"

static const char state_key = 0; /* its address is the key */

/* People want to see what went wrong, and no more. */
static void log_to_stderr(void *user, gpumm_log_level level, const char *line) {
    (void)user;
    if (level >= GPUMM_LOG_WARNING) fprintf(stderr, "gpumm: %s\n", line);
}

static int collect_state(lua_State *L) {
    bind_state *state = lua_touserdata(L, lua_upvalueindex(1)) == &state_key ? lua_touserdata(L, 1) : NULL;
    if (!state || lua_rawlen(L, 1) != sizeof *state) return 0;
    gpumm_budget *budget = state->budget;
    state->closed = true;
    gpumm_lua__references_close(L);
    state->budget = NULL;
    gpumm_budget_release(budget);
    return 0;
}

static bind_state *new_state(lua_State *L) {
    bind_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    *state = (bind_state){.log = log_to_stderr};
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, (void *)&state_key);
    lua_pushcclosure(L, collect_state, 1);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    gpumm_lua__references_open(L);
    gpumm_status status = gpumm_budget_open(UINT64_MAX, &state->budget);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    return state;
}

bind_state *gpumm_lua__state_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    bind_state *state = lua_touserdata(L, -1); /* the registry holds it */
    lua_pop(L, 1);
    return state ? state : new_state(L);
}

/* ---- For applications ---------------------------------------------------------------------------- */

void gpumm_lua_set_limit(lua_State *L, uint64_t bytes) {
    gpumm_budget *budget = gpumm_lua__state_of(L)->budget;
    if (budget) gpumm_budget_set_limit(budget, bytes);
}

gpumm_budget *gpumm_lua_budget(lua_State *L) { return gpumm_lua__state_of(L)->budget; }

void gpumm_lua_set_device(lua_State *L, const char *device) {
    bind_state *state = gpumm_lua__state_of(L);
    snprintf(state->device, sizeof state->device, "%s", device ? device : "");
}

void gpumm_lua_set_log(lua_State *L, gpumm_log_fn log, void *user) {
    bind_state *state = gpumm_lua__state_of(L);
    state->log = log;
    state->log_user = user;
}

/* A handle that the state had already is handed over too, and never borrowed back. */
static void share_top(lua_State *L, gpumm_lua_share share) {
    if (share == GPUMM_LUA_OWN) gpumm_lua__any_handle(L, -1)->borrowed = false;
}

void gpumm_lua_push_manager(lua_State *L, gpumm_manager *manager, gpumm_lua_share share) {
    gpumm_lua_open(L); /* the classes */
    lua_pop(L, 1);
    gpumm_lua__push_manager(L, manager, share == GPUMM_LUA_BORROW);
    share_top(L, share);
}

/* Replaces the manager's handle on top by the object's. */
static bind_handle *push_object(lua_State *L, const bind_class *class) {
    bind_handle *handle = gpumm_lua__new(L, class, lua_gettop(L));
    lua_remove(L, -2);
    return handle;
}

void gpumm_lua_push_buffer(lua_State *L, gpumm_buffer *buffer, gpumm_lua_share share) {
    gpumm_lua_push_manager(L, gpumm_buffer_manager(buffer), GPUMM_LUA_BORROW);
    bind_handle *fresh = push_object(L, &gpumm_lua__buffer_class);
    fresh->borrowed = share == GPUMM_LUA_BORROW;
    gpumm_lua__adopt(L, fresh, gpumm_buffer_retain(buffer));
    share_top(L, share);
    if (share == GPUMM_LUA_BORROW && gpumm_buffer_name(buffer)[0] != '\0') gpumm_lua__keep_handle(L);
}

void gpumm_lua_push_readback(lua_State *L, gpumm_readback *readback, gpumm_lua_share share) {
    gpumm_lua_push_manager(L, gpumm_readback_manager(readback), GPUMM_LUA_BORROW);
    bind_handle *fresh = push_object(L, &gpumm_lua__readback_class);
    fresh->borrowed = share == GPUMM_LUA_BORROW;
    gpumm_lua__adopt(L, fresh, gpumm_readback_retain(readback));
    share_top(L, share);
    gpumm_lua__readback_names(L, readback);
    lua_setiuservalue(L, -2, BIND_EXTRA);
}

static void *peek(lua_State *L, int index, const bind_class *class) {
    const bind_handle *handle = gpumm_lua__any_handle(L, index);
    return handle && handle->class == class && !handle->closed ? handle->object : NULL;
}

gpumm_manager *gpumm_lua_to_manager(lua_State *L, int index) { return peek(L, index, &gpumm_lua__manager_class); }
gpumm_buffer *gpumm_lua_to_buffer(lua_State *L, int index) { return peek(L, index, &gpumm_lua__buffer_class); }
gpumm_group *gpumm_lua_to_group(lua_State *L, int index) { return peek(L, index, &gpumm_lua__group_class); }
gpumm_readback *gpumm_lua_to_readback(lua_State *L, int index) { return peek(L, index, &gpumm_lua__readback_class); }
