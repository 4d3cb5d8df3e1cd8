/* SPDX-License-Identifier: MIT */
/* {call = "commit", nth = 3, status = "OUT_OF_MEMORY", jitter = seed, hold = "copy"}: what a manager is opened with, and
   what m.fault:plan takes. */
#include "bind/api/fault_plan.h"

#include <lauxlib.h>

#include "bind/lua/options.h"

/* Who says what fails, and not when, means the next. */
static uint64_t option_nth(lua_State *L, int table) {
    bool fails = gpumm_lua__has_option(L, table, "call") || gpumm_lua__has_option(L, table, "times") ||
                 gpumm_lua__has_option(L, table, "status");
    return gpumm_lua__option_count(L, table, "nth", fails);
}

void gpumm_lua__option_fault(lua_State *L, int table, gpumm_fault *plan) {
    static const char *const valid[] = {"call", "nth", "status", "jitter", "hold", "times", NULL};
    gpumm_lua__options(L, table, valid, false);
    *plan = (gpumm_fault){
        .call = gpumm_lua__option_text(L, table, "call", NULL),
        .nth = option_nth(L, table),
        .times = gpumm_lua__option_count(L, table, "times", 1),
        .jitter = gpumm_lua__option_count(L, table, "jitter", 0),
        .hold = gpumm_lua__option_text(L, table, "hold", NULL),
        .status = GPUMM_OUT_OF_MEMORY,
    };
    const char *status = gpumm_lua__option_text(L, table, "status", "OUT_OF_MEMORY");
    plan->status = gpumm_status_named(status);
    if (plan->status == GPUMM_STATUS_COUNT)
        luaL_error(L, "option \"status\": there is no status \"%s\" (gpumm.statuses has them)", status);
}
