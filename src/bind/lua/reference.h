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
    bool closed; /* the state is closing, and references are no longer kept */
} bind_reference_pool;

typedef struct bind_reference {
    void (*release)(void *object);
    void *object;                /* NULL: nothing is held */
    bind_reference_pool *pool;   /* where it came from */
    struct bind_reference *next; /* among the spare ones */
} bind_reference;

void gpumm_lua__references_open(lua_State *L);                             /* once a state [-0, +0, m] */
void gpumm_lua__references_close(lua_State *L, bind_reference_pool *pool); /* releases what finalisers did not */
bind_reference *gpumm_lua__reference_take(lua_State *L, bind_reference_pool *pool); /* an empty one [-0, +0, m] */
/* From now on it holds `object`. */
void gpumm_lua__reference_hold(bind_reference *reference, void (*release)(void *object), const void *object);
void gpumm_lua__reference_drop(bind_reference *reference);              /* releases what it holds */
void gpumm_lua__reference_end(lua_State *L, bind_reference *reference); /* and gives it up; NULL is fine [-0, +0, -] */

#endif
