/* SPDX-License-Identifier: MIT */
/*
 * References: the C object that a userdata stands for, kept where a lost finaliser cannot lose it.
 *
 * Lua drops a finaliser that it has no memory to call, and the userdata's memory with it. So every C reference
 * that a userdata stands for is also kept in the registry: the finaliser releases it, and what was not released
 * when the state closes is released then. References live in Lua's memory, so C has nothing to free after them,
 * and a late finaliser of the script's finds a released reference, not a dangling pointer.
 *
 * A few released references are kept and used again: a userdata that comes and goes by its close costs the
 * state one piece of memory, not two and an entry in a table.
 */
#include "bind/lua/reference.h"

#include <lauxlib.h>

enum { SPARE_MOST = 64 };

static const char references_key = 0; /* its address is the key of the table: reference -> its userdata */

void gpumm_lua__references_open(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &references_key);
}

static bind_reference *make(lua_State *L, bind_reference_pool *pool) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
    bind_reference *reference = lua_newuserdatauv(L, sizeof *reference, 0);
    *reference = (bind_reference){.pool = pool};
    lua_rawsetp(L, -2, reference);
    lua_pop(L, 1);
    return reference;
}

bind_reference *gpumm_lua__reference_take(lua_State *L, bind_reference_pool *pool) {
    if (pool->closed) luaL_error(L, "CLOSED: this Lua state is closing");
    bind_reference *reference = pool->spare;
    if (!reference) return make(L, pool);
    pool->spare = reference->next;
    pool->spare_count--;
    return reference;
}

void gpumm_lua__reference_hold(bind_reference *reference, void (*release)(void *object), const void *object) {
    reference->release = release;
    reference->object = (void *)object;
}

void gpumm_lua__reference_drop(bind_reference *reference) {
    void *object = reference->object;
    reference->object = NULL;
    if (object) reference->release(object);
}

static void forget(lua_State *L, bind_reference *reference) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, reference); /* the key is there: this needs no memory */
    lua_pop(L, 1);
}

void gpumm_lua__reference_end(lua_State *L, bind_reference *reference) {
    if (!reference) return;
    bind_reference_pool *pool = reference->pool;
    gpumm_lua__reference_drop(reference);
    if (pool->spare_count == SPARE_MOST) {
        forget(L, reference);
        return;
    }
    reference->next = pool->spare;
    pool->spare = reference;
    pool->spare_count++;
}

void gpumm_lua__references_close(lua_State *L, bind_reference_pool *pool) {
    pool->closed = true;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
    lua_pushnil(L);
    while (lua_istable(L, -2) && lua_next(L, -2)) {
        gpumm_lua__reference_drop(lua_touserdata(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}
