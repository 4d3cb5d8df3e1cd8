/* SPDX-License-Identifier: MIT */
/* References: what C holds for a userdata. Kept by the Lua state, and released when it closes at the latest. */
#ifndef BIND_LUA_REFERENCE_H
#define BIND_LUA_REFERENCE_H

#include <lua.h>
#include <stdbool.h>

struct bind_reference;

/* One in a Lua state. */
typedef struct bind_reference_pool {
    struct bind_reference *spare; /* to use again */
    unsigned spare_count;
    struct bind_reference *watched, *watched_spare; /* all of them; those to use again */
    int watched_count;
    int watched_table; /* in the registry: weak, from a reference's slot to its userdata; 0: not made yet */
    bool closed;       /* the state is closing, and references are no longer kept */
} bind_reference_pool;

typedef struct bind_reference {
    void (*release)(void *object);
    void *object;                /* NULL: nothing is held */
    bind_reference_pool *pool;   /* where it came from */
    struct bind_reference *next; /* among the spare ones */
    /* Of watched ones: */
    struct bind_reference *next_watched;
    int slot;        /* from 1; 0: not watched */
    unsigned serial; /* how often it was taken: a userdata that outlives its reference must not take another's for it */
    bool taken;
} bind_reference;

void gpumm_lua__references_open(lua_State *L);                             /* once a state [-0, +0, m] */
void gpumm_lua__references_close(lua_State *L, bind_reference_pool *pool); /* releases what finalisers did not */
bind_reference *gpumm_lua__reference_take(lua_State *L, bind_reference_pool *pool); /* an empty one [-0, +0, m] */
/* An empty one for the userdata on top, which comes and goes too often for a finaliser: when the collector has taken the
   userdata away, the reference is ended, as one finaliser a collection finds out. [-0, +0, m] */
bind_reference *gpumm_lua__reference_take_watched(lua_State *L, bind_reference_pool *pool);
/* From now on it holds `object`. */
void gpumm_lua__reference_hold(bind_reference *reference, void (*release)(void *object), const void *object);
void gpumm_lua__reference_drop(bind_reference *reference);              /* releases what it holds */
void gpumm_lua__reference_end(lua_State *L, bind_reference *reference); /* and gives it up; NULL is fine [-0, +0, -] */

#endif
