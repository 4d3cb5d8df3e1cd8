/* SPDX-License-Identifier: MIT */
/* Contained states for applications: opening, closing, stopping and asking what ended a script. */
#include "bind/sandbox/sandbox.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

sandbox *gpumm_lua__sandbox_at(lua_State *L) { return gpumm_lua__state_of(L)->sandbox; }

/* The same for callers that may not touch the state: signal handlers, other threads. */
static sandbox *sandbox_peek(lua_State *L) {
    void *user;
    return lua_getallocf(L, &user) == gpumm_lua__sandbox_memory ? user : NULL;
}

/* ---- What was granted ----------------------------------------------------------------------- */

static size_t length_of(const char *const *list) {
    size_t count = 0;
    while (list && list[count]) count++;
    return count;
}

static gpumm_status copy_folder(const gpumm_allocator *from, const char *folder, char **out) {
    char resolved[PATH_MAX];
    if (!realpath(folder, resolved))
        return fail(GPUMM_IO, "%s: what is granted to a contained script must be there", folder);
    *out = gpumm__mem_string(from, resolved);
    return *out ? GPUMM_OK : fail_host_memory(strlen(resolved));
}

static gpumm_status copy_list(const gpumm_allocator *from, const char *const *list, bool folders, char ***out) {
    size_t count = length_of(list);
    if (count == 0) return GPUMM_OK;
    *out = gpumm__mem_new(from, (count + 1) * sizeof **out); /* a list that lies in memory: this cannot overflow */
    if (!*out) return fail_host_memory(count * sizeof **out);
    for (size_t i = 0; i < count; i++) {
        if (folders) TRY(copy_folder(from, list[i], &(*out)[i]));
        else (*out)[i] = gpumm__mem_string(from, list[i]);
        if (!(*out)[i]) return fail_host_memory(strlen(list[i]));
    }
    return GPUMM_OK;
}

static gpumm_status copy_lists(sandbox *s, const gpumm_lua_sandbox *o) {
    TRY(copy_list(&s->from, o->read, true, &s->read));
    TRY(copy_list(&s->from, o->write, true, &s->write));
    return copy_list(&s->from, o->environment, false, &s->environment);
}

static gpumm_status new_sandbox(const gpumm_lua_sandbox *o, sandbox **out) {
    const gpumm_allocator *from = o->allocator.reallocate ? &o->allocator : &gpumm__alloc_default;
    if (isnan(o->timeout) || o->timeout < 0)
        return fail(GPUMM_INVALID_ARGUMENT, "a timeout is a number of seconds from 0 (none), not %g", o->timeout);
    sandbox *s = gpumm__mem_new(from, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->from = *from;
    atomic_init(&s->holders, 1);
    atomic_init(&s->memory, o->lua_memory ? o->lua_memory : UINT64_MAX);
    s->deadline = UINT64_MAX; /* not before the script has a chance to run */
    s->kernels = o->kernels;
    gpumm_status status = copy_lists(s, o);
    if (status != GPUMM_OK) gpumm_lua__sandbox_release(s);
    else *out = s;
    return status;
}

/* ---- Opening ------------------------------------------------------------------------------ */

/* In protected mode; slot 1: the options. */
static int open_protected(lua_State *L) {
    const gpumm_lua_sandbox *o = lua_touserdata(L, 1);
    gpumm_lua__state_of(L)->sandbox = sandbox_peek(L);
    lua_gc(L, LUA_GCINC, BIND_PAUSE, 0, 0);
    gpumm_lua__sandbox_open_globals(L);
    gpumm_lua_open(L);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "gpumm");
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
    TRY(new_sandbox(o, &s));
    lua_State *L = lua_newstate(gpumm_lua__sandbox_memory, s);
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
    sandbox *s = sandbox_peek(L);
    if (s) {
        atomic_store(&s->memory, UINT64_MAX); /* finalisers have what they need */
        lua_sethook(L, NULL, 0, 0);
    }
    lua_close(L);
    if (s) gpumm_lua__sandbox_release(s);
}

/* ---- While it runs ------------------------------------------------------------------------ */

void gpumm_lua_sandbox_time(lua_State *L, double seconds) {
    sandbox *s = sandbox_peek(L);
    if (!s) return;
    s->seconds = seconds;
    s->deadline = seconds > 0 ? gpumm__clock_deadline(seconds) : UINT64_MAX;
}

void gpumm_lua_sandbox_stop(lua_State *L) {
    sandbox *s = sandbox_peek(L);
    if (s) gpumm_lua__sandbox_end_now(s, END_STOPPED);
}

bool gpumm_lua_sandbox_ended(lua_State *L, char text[128]) {
    sandbox *s = sandbox_peek(L);
    if (!s) return false;
    if (text) gpumm_lua__sandbox_end_text(s, text);
    return atomic_load(&s->end) != END_NONE;
}

uint64_t gpumm_lua_sandbox_memory(lua_State *L) {
    sandbox *s = sandbox_peek(L);
    return s ? atomic_load(&s->used) : 0;
}
