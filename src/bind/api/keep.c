/* SPDX-License-Identifier: MIT */
/* The user value EXTRA of a manager's handle is a table: handles by the address of their object, and at 1 the table of
   schedules. */
#include "bind/api/keep.h"

#include "bind/lua/class.h"

enum { SCHEDULES = 1 };

void gpumm_lua__keep_open(lua_State *L) {
    lua_newtable(L);
    lua_newtable(L);
    lua_rawseti(L, -2, SCHEDULES);
    lua_setiuservalue(L, -2, BIND_EXTRA);
}

/* [-0, +1, -] */
static void push_kept(lua_State *L, int index) {
    gpumm_lua__push_owner(L, index);
    lua_getiuservalue(L, -1, BIND_EXTRA);
    lua_remove(L, -2);
}

void gpumm_lua__keep_handle(lua_State *L) {
    push_kept(L, lua_gettop(L));
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, gpumm_lua__any_handle(L, -1)->object);
    lua_pop(L, 1);
}

void gpumm_lua__keep_no_longer(lua_State *L, int index, const void *object) {
    push_kept(L, index);
    lua_pushnil(L);
    lua_rawsetp(L, -2, object);
    lua_pop(L, 1);
}

void gpumm_lua__push_schedules(lua_State *L, int index) {
    push_kept(L, index);
    lua_rawgeti(L, -1, SCHEDULES);
    lua_remove(L, -2);
}
