/* SPDX-License-Identifier: MIT */
/*
 * The one way to turn a status into Lua: what raises, what returns nil, message, code, and what is tried
 * again after the collector has run.
 */
#include "bind/bind.h"

/* Misuse is a mistake in the script and raises; the rest happens to correct scripts too. */
static bool is_misuse(gpumm_status status) {
    return status == GPUMM_INVALID_ARGUMENT || status == GPUMM_CLOSED || status == GPUMM_STALE;
}

/* Does the object in slot 1 belong to a manager in raising mode? */
static bool raises(lua_State *L) {
    bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (!handle) return false;
    if (handle->class == &gpumm_lua__manager_class) return handle->raising;
    gpumm_lua__push_owner(L, 1);
    handle = gpumm_lua__any_handle(L, -1);
    lua_pop(L, 1);
    return handle && handle->raising;
}

int gpumm_lua__raise(lua_State *L, gpumm_status status) {
    return luaL_error(L, "%s: %s", gpumm_status_name(status), gpumm_message());
}

static int give(lua_State *L, gpumm_status status) {
    if (raises(L)) return gpumm_lua__raise(L, status);
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: %s", gpumm_status_name(status), gpumm_message());
    lua_pushstring(L, gpumm_status_name(status));
    return 3;
}

int gpumm_lua__fail(lua_State *L, gpumm_status status) {
    return is_misuse(status) ? gpumm_lua__raise(L, status) : give(L, status);
}

int gpumm_lua__fail_ticket(lua_State *L, gpumm_status status) {
    return status == GPUMM_STALE ? give(L, status) : gpumm_lua__fail(L, status);
}

int gpumm_lua__result(lua_State *L, gpumm_status status) {
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

bool gpumm_lua__collects(lua_State *L, gpumm_status status) {
    if (status != GPUMM_OUT_OF_MEMORY && status != GPUMM_OVER_LIMIT) return false;
    bind_state *state = gpumm_lua__state_of(L);
    state->collecting++; /* finalisers run in here */
    lua_gc(L, LUA_GCCOLLECT);
    state->collecting--;
    return true;
}

void gpumm_lua__collector_pressure(lua_State *L, const bind_handle *handle, uint64_t bytes) {
    enum { LEAST = 16 << 20, MOST_KIB = 256 * 1024 }; /* one whole cycle at the most */
    bind_state *state = handle->state;
    if (!size_add(state->collector_debt, bytes, &state->collector_debt)) state->collector_debt = UINT64_MAX;
    if (state->collector_debt < LEAST || !lua_gc(L, LUA_GCISRUNNING)) return;
    int kib = (int)size_min(state->collector_debt / 1024, MOST_KIB);
    state->collector_debt = 0;
    lua_gc(L, LUA_GCSTEP, kib);
}

void gpumm_lua__collector_relief(const bind_handle *handle, uint64_t bytes) {
    bind_state *state = handle->state;
    state->collector_debt -= size_min(state->collector_debt, bytes);
}
