/* SPDX-License-Identifier: MIT */
/* Running a script in the sandbox: permissions and limits of the command line, and a watchdog thread. */
#ifndef RUN_CONTAINED_H
#define RUN_CONTAINED_H

#include <pthread.h>

#include "gpumm_lua.h"

typedef struct contained {
    bool wanted; /* the command line says --sandbox */
    gpumm_lua_sandbox options;
    lua_CFunction open_live; /* NULL: without the live page */
    pthread_t thread;        /* the watchdog, where `watching` */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool watching, done;
} contained;

/* Reads the table in slot 1, made by run.lua: read, write, environment (lists), kernels, limit, memory, timeout,
   live. Raises
   when memory runs out; gpumm__contained_free then frees what was read. */
void gpumm__contained_read(lua_State *L, contained *c);
void gpumm__contained_free(contained *c);
/* Starts the watchdog, which ends the process where a C call of the script does not return within the timeout. */
gpumm_status gpumm__contained_watch(contained *c);
void gpumm__contained_unwatch(contained *c);

#endif
