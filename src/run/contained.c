/* SPDX-License-Identifier: MIT */
/* --sandbox and the options that go with it. One Lua state reads the command line, a second, contained one runs the
   script; the options are kept here in between. */
#include "contained.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "base/thread.h"

static const double GRACE_SECONDS = 1; /* for a C call to return, so that the sandbox can end the script */

/* ---- Options ------------------------------------------------------------------------------ */

/* The list of strings at table[key], NULL-terminated; NULL: none. */
static const char *const *read_list(lua_State *L, const char *key) {
    lua_getfield(L, 1, key);
    size_t count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0; /* from the command line, so small */
    char **list = count > 0 ? calloc(count + 1, sizeof *list) : NULL;
    for (size_t i = 0; list && i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        list[i] = strdup(lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!list[i]) break;
    }
    bool failed = count > 0 && (!list || !list[count - 1]);
    lua_pop(L, 1);
    if (failed) luaL_error(L, "not enough memory for the command line");
    return (const char *const *)list;
}

static double read_number(lua_State *L, const char *key) {
    lua_getfield(L, 1, key);
    double number = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return number;
}

void gpumm__contained_read(lua_State *L, contained *c) {
    c->options.read = read_list(L, "read");
    c->options.write = read_list(L, "write");
    c->options.environment = read_list(L, "environment");
    c->options.limit = (uint64_t)read_number(L, "limit");
    c->options.lua_memory_bytes = (uint64_t)read_number(L, "memory");
    c->options.timeout = read_number(L, "timeout");
    lua_getfield(L, 1, "kernels");
    c->options.kernels = lua_toboolean(L, -1);
    lua_getfield(L, 1, "live");
    c->open_live = lua_tocfunction(L, -1);
    lua_pop(L, 2);
    c->wanted = true;
}

static void free_list(const char *const *list) {
    for (const char *const *item = list; item && *item; item++) free((void *)*item);
    free((void *)list);
}

void gpumm__contained_free(contained *c) {
    free_list(c->options.read);
    free_list(c->options.write);
    free_list(c->options.environment);
}

/* ---- The watchdog ------------------------------------------------------------------------- */

static void *watch(void *user) {
    contained *c = user;
    uint64_t deadline = gpumm__clock_deadline(c->options.timeout + GRACE_SECONDS);
    pthread_mutex_lock(&c->mutex);
    while (!c->done && gpumm__cond_wait_until(&c->wake, &c->mutex, deadline)) {}
    bool late = !c->done;
    pthread_mutex_unlock(&c->mutex);
    if (!late) return NULL;
    fprintf(stderr,
            "gpumm-run: the script ran longer than its limit, timeout %g seconds, in a call that does "
            "not return\n",
            c->options.timeout);
    _exit(EXIT_FAILURE); /* the state cannot be closed while that call runs */
}

gpumm_status gpumm__contained_watch(contained *c) {
    sigset_t all, before;
    if (c->options.timeout <= 0) return GPUMM_OK;
    TRY(gpumm__cond_open(&c->wake));
    pthread_mutex_init(&c->mutex, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* SIGINT is for the script's thread */
    int outcome = pthread_create(&c->thread, NULL, watch, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (outcome != 0)
        return fail(GPUMM_OUT_OF_MEMORY, "--timeout: its thread cannot be started: %s", strerror(outcome));
    c->watching = true;
    return GPUMM_OK;
}

void gpumm__contained_unwatch(contained *c) {
    if (!c->watching) return;
    pthread_mutex_lock(&c->mutex);
    c->done = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
}
