/* SPDX-License-Identifier: MIT */
/* What is kept per Lua state, in its registry: the shared budget, the device override, the log, the references. */
#include "bind/lua/state.h"

#include <stdio.h>

#include "bind/lua/raise.h"

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
    gpumm_lua__references_close(L, &state->references);
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
