/* SPDX-License-Identifier: MIT */
/* What an application sets for a whole Lua state: limit, device, log, trace. */
#include <stdio.h>

#include "bind/lua/state.h"
#include "gpumm_lua.h"

void gpumm_lua_set_limit(lua_State *L, uint64_t bytes) {
    gpumm_budget *budget = gpumm_lua_budget(L);
    if (budget) gpumm_budget_set_limit(budget, bytes);
}

gpumm_budget *gpumm_lua_budget(lua_State *L) { return L ? gpumm_lua__state_of(L)->budget : NULL; }

void gpumm_lua_set_device(lua_State *L, const char *device) {
    if (!L) return;
    bind_state *state = gpumm_lua__state_of(L);
    snprintf(state->device, sizeof state->device, "%s", device ? device : "");
}

void gpumm_lua_set_log(lua_State *L, gpumm_log_fn log, void *user) {
    if (!L) return;
    bind_state *state = gpumm_lua__state_of(L);
    state->log = log;
    state->log_user = user;
}

void gpumm_lua_set_trace(lua_State *L, gpumm_trace *trace) {
    if (!L) return;
    bind_state *state = gpumm_lua__state_of(L);
    gpumm_trace *before = state->trace;
    state->trace = gpumm_trace_retain(trace);
    gpumm_trace_release(before);
}
