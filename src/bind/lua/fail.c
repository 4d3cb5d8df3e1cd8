/* SPDX-License-Identifier: MIT */
/* What a failed status is in Lua: what raises, and what returns nil, message, code. */
#include "bind/lua/fail.h"

#include <stdio.h>

#include "bind/lua/class.h"
#include "bind/sandbox/limits.h"

/* Misuse is a mistake in the script and raises; the rest happens to correct scripts too. */
static bool is_misuse(gpumm_status status) {
    return status == GPUMM_INVALID_ARGUMENT || status == GPUMM_CLOSED || status == GPUMM_STALE;
}

/* Is the object in slot 1 a manager in raising mode, or does it belong to one? What is no object's, as a function that
   writes a file, raises within simulations. */
static bool raises(lua_State *L) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (!handle) return gpumm_lua__is_within(L);
    if (handle->raising) return true;
    gpumm_lua__push_owner(L, 1);
    handle = gpumm_lua__any_handle(L, -1);
    lua_pop(L, 1);
    return handle && handle->raising;
}

static int give(lua_State *L, gpumm_status status) {
    return raises(L) ? gpumm_lua__raise(L, status) : gpumm_lua__push_failure(L, status);
}

/* Looking at the limits collects, and a finaliser's call may fail in between. */
static void look_at_limits(lua_State *L, gpumm_status status) {
    char message[1024];
    if (status != GPUMM_OUT_OF_MEMORY) return;
    snprintf(message, sizeof message, "%s", gpumm_message());
    gpumm_lua__check_own_memory(L);
    fail(status, "%s", message);
}

int gpumm_lua__fail(lua_State *L, gpumm_status status) {
    look_at_limits(L, status);
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
