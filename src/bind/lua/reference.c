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
#include "bind/bind.h"

enum { SPARE_MOST = 64 };

static const char references_key = 0; /* its address is the key of the table: reference -> its userdata */

void gpumm_lua__references_open(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &references_key);
}

static bind_reference *make(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
    bind_reference *reference = lua_newuserdatauv(L, sizeof *reference, 0);
    *reference = (bind_reference){.object = NULL};
    lua_rawsetp(L, -2, reference);
    lua_pop(L, 1);
    return reference;
}

bind_reference *gpumm_lua__reference_take(lua_State *L, bind_state *state) {
    if (state->closed) luaL_error(L, "CLOSED: this Lua state is closing");
    bind_reference *reference = state->spare_references;
    if (!reference) return make(L);
    state->spare_references = reference->next;
    state->spare_count--;
    return reference;
}

bind_reference *gpumm_lua__reference_new(lua_State *L) { return gpumm_lua__reference_take(L, gpumm_lua__state_of(L)); }

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

void gpumm_lua__reference_put(lua_State *L, bind_state *state, bind_reference *reference) {
    if (!reference) return;
    gpumm_lua__reference_drop(reference);
    if (state->spare_count == SPARE_MOST) {
        forget(L, reference);
        return;
    }
    reference->next = state->spare_references;
    state->spare_references = reference;
    state->spare_count++;
}

void gpumm_lua__reference_end(lua_State *L, bind_reference *reference) {
    gpumm_lua__reference_put(L, gpumm_lua__state_of(L), reference);
}

void gpumm_lua__references_close(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
    lua_pushnil(L);
    while (lua_istable(L, -2) && lua_next(L, -2)) {
        gpumm_lua__reference_drop(lua_touserdata(L, -1));
        lua_pop(L, 1);
    }
}
