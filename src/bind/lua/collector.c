/* SPDX-License-Identifier: MIT */
/* Collecting before a call fails, and in proportion to the memory that handles stand for. */
#include "bind/lua/collector.h"

#include "base/size.h"

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
