/* SPDX-License-Identifier: MIT */
/* What is kept per Lua state, in its registry: the shared budget, the device override, the log, the references. */
#include "bind/lua/state.h"

#include <stdio.h>

#include "bind/lua/raise.h"

static const char state_key = 0;  /* its address is the key */
static const char within_key = 0; /* of a table: threads within simulations -> how many */

/* People want to see what went wrong, and no more. */
static void log_to_stderr(void *user, gpumm_log_level level, const char *line) {
    (void)user;
    if (level >= GPUMM_LOG_WARNING) fprintf(stderr, "gpumm: %s\n", line);
}

static int collect_state(lua_State *L) {
    bind_state *state = lua_touserdata(L, lua_upvalueindex(1)) == &state_key ? lua_touserdata(L, 1) : NULL;
    if (!state || lua_rawlen(L, 1) != sizeof *state) return 0;
    gpumm_budget *budget = state->budget;
    gpumm_lua__references_close(L, &state->references);
    state->budget = NULL;
    gpumm_budget_release(budget);
    gpumm_trace_release(state->trace);
    state->trace = NULL;
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

/* ---- Within simulations ------------------------------------------------------------------------- */

/* [-0, +1, m] */
static void push_threads(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &within_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &within_key);
}

void gpumm_lua__within(lua_State *L, int by) {
    push_threads(L);
    lua_pushthread(L);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    lua_Integer count = lua_tointeger(L, -1) + by;
    lua_pop(L, 1);
    if (count > 0) lua_pushinteger(L, count);
    else lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

bool gpumm_lua__is_within(lua_State *L) {
    bool within = false;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &within_key) == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
            within = within || lua_status(lua_tothread(L, -2)) == LUA_OK;
    lua_pop(L, 1);
    return within;
}
