/*
 * Guards: what C holds for a userdata, where no lost finaliser can lose it.
 *
 * Lua drops a finaliser that it has no memory to call, and the userdata's memory with it. So every C reference
 * that a userdata stands for is also in a guard, which the registry keeps; the finaliser empties the guard, and
 * what is still in one when the state closes is released then. Guards are Lua's memory, so that nothing of C's
 * is left behind them and a late finaliser of the script's finds an empty guard, not a dangling pointer.
 *
 * A few guards that are done with are kept and serve again: a userdata that comes and goes by its close costs the
 * state one piece of memory, not two and an entry in a table.
 */
#include "bind/bind.h"

enum { SPARE_MOST = 64 };

static const char guards_key = 0; /* its address is the key of the table: guard -> its userdata */

void bind_guards_open(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &guards_key);
}

static bind_guard *make(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &guards_key);
    bind_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    *guard = (bind_guard){.object = NULL};
    lua_rawsetp(L, -2, guard);
    lua_pop(L, 1);
    return guard;
}

bind_guard *bind_guard_take(lua_State *L, bind_state *state) {
    if (state->closed) luaL_error(L, "CLOSED: this Lua state is closing");
    bind_guard *guard = state->spare_guards;
    if (!guard) return make(L);
    state->spare_guards = guard->next;
    state->spare_count--;
    return guard;
}

bind_guard *bind_guard_new(lua_State *L) { return bind_guard_take(L, bind_state_of(L)); }

void bind_guard_empty(bind_guard *guard) {
    void *object = guard->object;
    guard->object = NULL;
    if (object) guard->release(object);
}

static void forget(lua_State *L, bind_guard *guard) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &guards_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, guard); /* the key is there: this needs no memory */
    lua_pop(L, 1);
}

void bind_guard_put(lua_State *L, bind_state *state, bind_guard *guard) {
    if (!guard) return;
    bind_guard_empty(guard);
    if (state->spare_count == SPARE_MOST) {
        forget(L, guard);
        return;
    }
    guard->next = state->spare_guards;
    state->spare_guards = guard;
    state->spare_count++;
}

void bind_guard_end(lua_State *L, bind_guard *guard) { bind_guard_put(L, bind_state_of(L), guard); }

void bind_guards_close(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &guards_key);
    lua_pushnil(L);
    while (lua_istable(L, -2) && lua_next(L, -2)) {
        bind_guard_empty(lua_touserdata(L, -1));
        lua_pop(L, 1);
    }
}
