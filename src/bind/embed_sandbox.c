/* SPDX-License-Identifier: MIT */
/* Contained states for applications: opening, closing, stopping, and asking what ended a script. */
#include <lauxlib.h>

#include "base/status.h"
#include "base/thread.h"
#include "bind/lua/state.h"
#include "bind/module.h"
#include "bind/sandbox/globals.h"
#include "bind/sandbox/limits.h"
#include "gpumm_lua.h"

/* ---- Opening ------------------------------------------------------------------------------ */

/* In protected mode; slot 1: the options. */
static int open_protected(lua_State *L) {
    const gpumm_lua_sandbox *o = lua_touserdata(L, 1);
    gpumm_lua__state_of(L)->sandbox = gpumm_lua__sandbox_peek(L);
    lua_gc(L, LUA_GCINC, BIND_PAUSE, 0, 0);
    gpumm_lua__sandbox_open_globals(L);
    gpumm_lua_open(L);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "gpumm");
    gpumm_lua__push_contained_require(L);
    lua_setglobal(L, "require");
    gpumm_lua__sandbox_push_private(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "gpumm");
    if (o->limit > 0) gpumm_lua_set_limit(L, o->limit);
    gpumm_lua__sandbox_watch(L);
    return 0;
}

gpumm_status gpumm_lua_sandbox_open(const gpumm_lua_sandbox *options, lua_State **out) {
    static const gpumm_lua_sandbox nothing = {0};
    const gpumm_lua_sandbox *o = options ? options : &nothing;
    sandbox *s = NULL;
    TRY(gpumm_lua__sandbox_new(o, &s));
    lua_State *L = gpumm_lua__sandbox_new_state(s);
    if (!L) {
        gpumm_lua__sandbox_release(s);
        return fail(GPUMM_OUT_OF_MEMORY, "no memory for a Lua state");
    }
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, (void *)o);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
        gpumm_lua_sandbox_time(L, o->timeout);
        *out = L;
        return GPUMM_OK;
    }
    gpumm_status status = fail(GPUMM_OUT_OF_MEMORY, "a contained state cannot be opened: %.200s",
                               lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no memory");
    gpumm_lua_sandbox_close(L);
    return status;
}

void gpumm_lua_sandbox_close(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_peek(L);
    if (s) {
        atomic_store(&s->memory, UINT64_MAX); /* finalisers have what they need */
        s->main = NULL;
        lua_sethook(L, NULL, 0, 0);
    }
    lua_close(L);
    if (s) gpumm_lua__sandbox_release(s);
}

/* ---- While it runs ------------------------------------------------------------------------ */

void gpumm_lua_sandbox_time(lua_State *L, double seconds) {
    sandbox *s = gpumm_lua__sandbox_peek(L);
    if (!s) return;
    s->seconds = seconds;
    s->deadline = seconds > 0 ? gpumm__clock_deadline(seconds) : UINT64_MAX;
}

void gpumm_lua_sandbox_stop(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_peek(L);
    if (s) gpumm_lua__sandbox_end_now(s, END_STOPPED);
}

bool gpumm_lua_sandbox_ended(lua_State *L, char text[128]) {
    sandbox *s = gpumm_lua__sandbox_peek(L);
    if (!s) return false;
    if (text) gpumm_lua__sandbox_end_text(s, text);
    return atomic_load(&s->end) != END_NONE;
}

uint64_t gpumm_lua_sandbox_memory(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_peek(L);
    return s ? atomic_load(&s->used) : 0;
}
