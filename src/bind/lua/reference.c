/* SPDX-License-Identifier: MIT */
/*
 * References: the C object that a userdata stands for, kept where a lost finaliser cannot lose it.
 *
 * Lua drops a finaliser that it has no memory to call, and the userdata's memory with it. So every C reference
 * that a userdata stands for is also kept in the registry: the finaliser releases it, and what was not released
 * when the state closes is released then. References live in Lua's memory, so C has nothing to free after them,
 * and a late finaliser of the script's finds a released reference, not a dangling pointer.
 *
 * Released references are kept and used again, as many as finalisers give back at a time: a userdata that comes and goes
 * each step costs the state one piece of memory, not two and an entry in a table.
 *
 * Watched references: a finaliser costs more than opening a block of scratch, also where the script closed it itself.
 * Such userdata have none. A table with weak values has them by the numbers of their references, and a sentinel, which is
 * garbage from the start, has a finaliser that looks through the references after each collection.
 */
#include "bind/lua/reference.h"

#include <lauxlib.h>

enum { SPARE_MOST = 1024 }; /* some 80 KiB, which stay with the state */

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

/* ---- Watched ones ------------------------------------------------------------------------- */

static void see_to_sentinel(lua_State *L, bind_reference_pool *pool);

static void end_watched(bind_reference *reference) {
    bind_reference_pool *pool = reference->pool;
    reference->taken = false;
    gpumm_lua__reference_drop(reference);
    reference->next = pool->watched_spare;
    pool->watched_spare = reference;
}

/* The finaliser of a sentinel: it ends the references of those that are gone, and leaves the next sentinel. */
static int look_through(lua_State *L) {
    bind_reference_pool *pool = lua_touserdata(L, lua_upvalueindex(1));
    if (pool->closed) return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, pool->watched_table);
    for (bind_reference *r = pool->watched; r; r = r->next_watched) {
        if (r->taken && lua_rawgeti(L, -1, r->slot) == LUA_TNIL) end_watched(r);
        lua_settop(L, 2);
    }
    see_to_sentinel(L, pool);
    return 0;
}

enum { SENTINEL = 0 }; /* its place in the weak table */

/* [-0, +0, m] */
static void watch_again(lua_State *L, bind_reference_pool *pool) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, pool->watched_table);
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, pool);
    lua_pushcclosure(L, look_through, 1);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, SENTINEL);
    lua_pop(L, 1);
}

static void make_weak_table(lua_State *L, bind_reference_pool *pool) {
    lua_createtable(L, 8, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    pool->watched_table = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* There is one at a time. Lua drops a finaliser that it has no memory to call: then there is none, and no reference would
   come back. */
static void see_to_sentinel(lua_State *L, bind_reference_pool *pool) {
    if (!pool->watched_table) make_weak_table(L, pool);
    lua_rawgeti(L, LUA_REGISTRYINDEX, pool->watched_table);
    bool there = lua_rawgeti(L, -1, SENTINEL) != LUA_TNIL;
    lua_pop(L, 2);
    if (!there) watch_again(L, pool);
}

static bind_reference *make_watched(lua_State *L, bind_reference_pool *pool) {
    see_to_sentinel(L, pool);
    bind_reference *reference = make(L, pool);
    reference->slot = ++pool->watched_count;
    reference->next_watched = pool->watched;
    return pool->watched = reference;
}

bind_reference *gpumm_lua__reference_take_watched(lua_State *L, bind_reference_pool *pool) {
    if (pool->closed) luaL_error(L, "CLOSED: this Lua state is closing");
    bind_reference *reference = pool->watched_spare;
    if (reference) pool->watched_spare = reference->next;
    else reference = make_watched(L, pool);
    reference->serial++;
    reference->taken = true;
    lua_rawgeti(L, LUA_REGISTRYINDEX, pool->watched_table);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, reference->slot);
    lua_pop(L, 1);
    return reference;
}

/* ---- Holding and ending ------------------------------------------------------------------- */

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
    if (reference->slot) {
        end_watched(reference);
        return;
    }
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
