/* SPDX-License-Identifier: MIT */
/*
 * Containing scripts: what the parts of the sandbox share. A contained state has its own globals (an
 * allow-list), memory that is counted, an instruction hook that looks at the clock, and capabilities that the
 * application grants one by one.
 *
 * A limit that ends a script ends it for good: every later tick raises again, and what catches errors
 * (pcall, coroutine.resume and their kin) raises anew, so that nothing can go on in the state.
 */
#ifndef BIND_SANDBOX_H
#define BIND_SANDBOX_H

#include <stdatomic.h>

#include "bind/bind.h"
#include "gpumm_lua.h"

typedef enum sandbox_end { END_NONE, END_TIME, END_MEMORY, END_STOPPED } sandbox_end;
typedef enum sandbox_strain { STRAIN_NONE, STRAIN_OWN, STRAIN_LUA } sandbox_strain; /* whose request it was */

typedef struct sandbox {
    gpumm_allocator from;          /* where its memory comes from */
    atomic_uint_least64_t holders; /* the state, and every block of gpumm's own that is counted here */
    atomic_uint_least64_t used;    /* bytes: Lua's, and gpumm's own for the script's managers */
    atomic_uint_least64_t memory;  /* the limit on them; UINT64_MAX: none */
    const void *refused;           /* the last request that did not fit, */
    size_t refused_size;           /* which Lua repeats after collecting */
    uint64_t deadline;             /* gpumm__clock_ns; UINT64_MAX: none */
    double seconds;                /* what the deadline was made from */
    atomic_int strained;           /* a sandbox_strain: the limit is exceeded, until the next tick has collected */
    atomic_int end;                /* a sandbox_end */
    bool kernels;
    char **read, **write, **environment; /* NULL-terminated; folders are resolved */
} sandbox;

enum { SANDBOX_TICK = 1000 }; /* instructions between two looks at the clock */

/* The sandbox of this state; NULL: it is not contained. */
sandbox *gpumm_lua__sandbox_at(lua_State *L);

/* ---- limits.c ---- */

void *gpumm_lua__sandbox_memory(void *user, void *block, size_t old, size_t size); /* a lua_Alloc */
/* gpumm's own memory for managers of this state, counted with Lua's. The sandbox lives until all is back. */
gpumm_allocator gpumm_lua__sandbox_allocator(sandbox *s);
void gpumm_lua__sandbox_release(sandbox *s);
/* The first end stays. May be called from signal handlers. */
void gpumm_lua__sandbox_end_now(sandbox *s, sandbox_end end);
/* What ended it, for people. */
const char *gpumm_lua__sandbox_end_text(const sandbox *s, char text[static 128]);
/* Raises where a limit has been reached. [-0, +0, v] */
void gpumm_lua__sandbox_tick(lua_State *L, sandbox *s);
void gpumm_lua__sandbox_watch(lua_State *L); /* sets the hook */

/* ---- Globals: each replaces functions of the library table on top. [-0, +0, m] ---- */

void gpumm_lua__sandbox_open_globals(lua_State *L); /* base.c: replaces the state's globals */
void gpumm_lua__sandbox_wrap(lua_State *L, const luaL_Reg *functions); /* each gets the original as upvalue 1 */
void gpumm_lua__sandbox_bound_string(lua_State *L);                    /* loops.c */
void gpumm_lua__sandbox_bound_table(lua_State *L);
void gpumm_lua__sandbox_wrap_base(lua_State *L); /* calls.c */
void gpumm_lua__sandbox_wrap_coroutine(lua_State *L);
int gpumm_lua__sandbox_open_file(lua_State *L); /* permissions.c: io.open for our own Lua files */
/* Pushes what our own Lua files see as globals: out of the script's reach. */
void gpumm_lua__sandbox_push_private(lua_State *L);

#endif
