/* SPDX-License-Identifier: MIT */
/*
 * Containing scripts: what is kept of a contained state. It has its own globals (an allow-list), memory that is counted,
 * an instruction hook that looks at the clock, and permissions that the application grants one by one.
 *
 * A limit that ends a script ends it for good: every later tick raises again, and what catches errors
 * (pcall, coroutine.resume and their kin) raises anew, so that nothing can go on in the state.
 */
#ifndef BIND_SANDBOX_SANDBOX_H
#define BIND_SANDBOX_SANDBOX_H

#include <stdatomic.h>

#include "gpumm_lua.h"

typedef struct sandbox {
    lua_State *main;               /* the state's own thread; NULL before it is open, and once it closes */
    gpumm_allocator from;          /* where its memory comes from */
    atomic_uint_least64_t holders; /* the state, and every block of gpumm's own that is counted here */
    atomic_uint_least64_t used;    /* bytes: Lua's, and gpumm's own for the script's managers */
    atomic_uint_least64_t memory;  /* the limit on them; UINT64_MAX: none */
    const void *refused;           /* the last request that did not fit, */
    size_t refused_size;           /* which Lua repeats after collecting */
    atomic_size_t
        own_refused;     /* bytes of the last request of gpumm's own that did not fit; 0: none since that was asked */
    uint64_t deadline;   /* gpumm__clock_ns; UINT64_MAX: none */
    double seconds;      /* what the deadline was made from */
    atomic_int strained; /* a sandbox_strain: the limit is exceeded, until the next tick has collected */
    atomic_int end;      /* a sandbox_end, of limits.h */
    bool kernels;
    char **read, **write, **environment; /* NULL-terminated; folders are resolved */
} sandbox;

gpumm_status gpumm_lua__sandbox_new(const gpumm_lua_sandbox *options, sandbox **out);
void gpumm_lua__sandbox_release(sandbox *s);
/* The sandbox of this state; NULL: it is not contained. */
sandbox *gpumm_lua__sandbox_at(lua_State *L);

#endif
