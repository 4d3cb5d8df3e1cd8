/* SPDX-License-Identifier: MIT */
/*
 * C loops of Lua's own libraries that no hook sees, bounded for contained scripts: their number of rounds
 * comes from an argument, from a __len that lies, or from a table whose border lies. gpumm_lua.h lists them,
 * with those that stay.
 */
#include "bind/sandbox/loops.h"

#include <lauxlib.h>

#include "bind/sandbox/limits.h"
#include "bind/sandbox/wrap.h"

enum {
    ROUNDS_MOST = 1 << 24, /* below a second */
    SORT_MOST = 1 << 22,
};

static int pass_on(lua_State *L) {
    gpumm_lua__sandbox_tick(L, gpumm_lua__sandbox_at(L));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void check_rounds(lua_State *L, lua_Integer first, lua_Integer last) {
    if (last >= first && (lua_Unsigned)last - (lua_Unsigned)first >= ROUNDS_MOST)
        luaL_error(L, "a contained script moves at most %d elements in one call", ROUNDS_MOST);
}

/* A length that cannot change between this look and the next. */
static lua_Integer check_list(lua_State *L, lua_Integer most) {
    if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__len") != LUA_TNIL)
        luaL_error(L, "in a contained script a list with __len cannot be changed by the table library");
    if (!lua_istable(L, 1) && !lua_isuserdata(L, 1)) return 0; /* the original says what is wrong */
    lua_Integer length = luaL_len(L, 1);
    if (length < 0 || length > most)
        luaL_error(L, "a list of %I elements is longer than the %I that a contained script may handle at once",
                   (LUAI_UACINT)length, (LUAI_UACINT)most);
    return length;
}

/* Nothing, any number of times, takes as long as something. */
static int bounded_rep(lua_State *L) {
    size_t length, between = 0;
    luaL_checklstring(L, 1, &length);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (length > 0 || between > 0) return pass_on(L);
    lua_pushliteral(L, "");
    return 1;
}

static int bounded_list(lua_State *L) {
    check_list(L, ROUNDS_MOST);
    return pass_on(L);
}

static int bounded_sort(lua_State *L) {
    check_list(L, SORT_MOST);
    return pass_on(L);
}

static int bounded_concat(lua_State *L) {
    lua_Integer length = check_list(L, ROUNDS_MOST);
    check_rounds(L, luaL_optinteger(L, 3, 1), luaL_optinteger(L, 4, length));
    return pass_on(L);
}

static int bounded_move(lua_State *L) {
    check_rounds(L, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3));
    return pass_on(L);
}

void gpumm_lua__sandbox_bound_string(lua_State *L) {
    static const luaL_Reg bounded[] = {{"rep", bounded_rep}, {NULL, NULL}};
    gpumm_lua__sandbox_wrap(L, bounded);
}

void gpumm_lua__sandbox_bound_table(lua_State *L) {
    static const luaL_Reg bounded[] = {{"concat", bounded_concat}, {"insert", bounded_list}, {"move", bounded_move},
                                       {"remove", bounded_list},   {"sort", bounded_sort},   {NULL, NULL}};
    gpumm_lua__sandbox_wrap(L, bounded);
}
