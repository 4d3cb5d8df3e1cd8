/* SPDX-License-Identifier: MIT */
/* Running a script contained: what the command line grants and limits, the state for it, and a watchdog. */
#ifndef RUN_CONTAINED_H
#define RUN_CONTAINED_H

#include <pthread.h>

#include "gpumm_lua.h"

typedef struct contained {
    bool wanted; /* the command line says --sandbox */
    gpumm_lua_sandbox options;
    pthread_t thread; /* the watchdog, where `watching` */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool watching, done;
} contained;

/* Slot 1: a table of run.lua's: read, write, environment (lists), kernels, limit, memory, timeout. Raises Lua's
   memory error; what was taken by then is given back by gpumm__contained_free. */
void gpumm__contained_read(lua_State *L, contained *c);
void gpumm__contained_free(contained *c);
/* The watchdog ends the process when a call of the script's outlives the timeout and does not return. */
gpumm_status gpumm__contained_watch(contained *c);
void gpumm__contained_unwatch(contained *c);

#endif
