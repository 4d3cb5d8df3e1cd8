/* SPDX-License-Identifier: MIT */
/* From Lua's protected calls back to C. */
#include "bind/protect.h"

#include "base/status.h"

gpumm_status gpumm_lua__outcome(lua_State *L, int outcome, const char *what) {
    if (outcome == LUA_OK) return GPUMM_OK;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(an error that is not a string)";
    gpumm_status status = outcome == LUA_ERRMEM ? fail(GPUMM_OUT_OF_MEMORY, "%s: Lua has no more memory", what)
                                                : fail(GPUMM_INVALID_ARGUMENT, "%s", text);
    lua_pop(L, 1);
    return status;
}
