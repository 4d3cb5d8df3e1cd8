/* SPDX-License-Identifier: MIT */
/* Growth from tables, factors and lists. A function stays in Lua (schedule.c): core knows what it schedules as EXACT. */
#include "bind/api/growth.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"

static const char *const keys[] = {"kind", "factor", "step", "list", "align", NULL};
static const char *const kinds[] = {"geometric", "linear", "list", "exact", NULL};

static uint32_t factor_ppm(lua_State *L, double factor) {
    if (!(factor >= 1 && factor <= GROWTH_FACTOR_MOST))
        luaL_error(L, "a growth factor is a number from 1 to %d, not %f", GROWTH_FACTOR_MOST, (LUAI_UACNUMBER)factor);
    return (uint32_t)llround(factor * 1e6);
}

enum { LIST_MOST = 65536 }; /* # of a table can be any number: nothing is made from it unchecked */

/* Pushes a userdata with the numbers of table["list"]. */
static void read_list(lua_State *L, int table, gpumm_growth *out) {
    if (!gpumm_lua__option(L, table, "list") || !lua_istable(L, -1))
        luaL_error(L, "a growth of kind \"list\" needs list = {n, …}");
    size_t count = lua_rawlen(L, -1);
    if (count == 0) luaL_error(L, "a growth list needs at least one capacity");
    if (count > LIST_MOST) luaL_error(L, "a growth list has at most %d capacities", LIST_MOST);
    uint64_t *list = lua_newuserdatauv(L, count * sizeof *list, 0);
    for (size_t i = 0; i < count; i++) {
        int exact;
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        lua_Integer n = lua_tointegerx(L, -1, &exact);
        if (!exact || n < 1 || (i > 0 && (uint64_t)n <= list[i - 1]))
            luaL_error(L, "growth list: entry %d must be a whole number greater than the one before", (int)i + 1);
        list[i] = (uint64_t)n;
        lua_pop(L, 1);
    }
    lua_remove(L, -2);
    out->list = list;
    out->list_count = count;
}

static void read_table(lua_State *L, int table, gpumm_growth *out) {
    gpumm_lua__options(L, table, keys, false);
    const char *kind = gpumm_lua__option_text(L, table, "kind", "geometric");
    int which = 0;
    while (kinds[which] && strcmp(kinds[which], kind) != 0) which++;
    if (!kinds[which]) gpumm_lua__unknown(L, "kind of growth", kind, kinds);
    out->kind = (gpumm_growth_kind)which;
    out->align = gpumm_lua__option_count(L, table, "align", 0);
    if (out->kind == GPUMM_GROWTH_GEOMETRIC)
        out->factor_ppm = factor_ppm(L, gpumm_lua__option_number(L, table, "factor", 1.5));
    out->step = gpumm_lua__option_count(L, table, "step", 0);
    if (out->kind == GPUMM_GROWTH_LINEAR && out->step == 0)
        luaL_error(L, "a growth of kind \"linear\" needs step = n, at least 1");
    if (out->kind == GPUMM_GROWTH_LIST) read_list(L, table, out);
    else lua_pushnil(L);
}

bool gpumm_lua__to_growth(lua_State *L, int index, gpumm_growth *out) {
    *out = (gpumm_growth){.kind = GPUMM_GROWTH_EXACT};
    if (lua_istable(L, index)) {
        read_table(L, index, out);
        return false;
    }
    lua_pushnil(L);
    if (lua_isfunction(L, index)) return true;
    *out = (gpumm_growth){.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = 1500000};
    if (lua_type(L, index) == LUA_TNUMBER) out->factor_ppm = factor_ppm(L, lua_tonumber(L, index));
    else if (!lua_isnoneornil(L, index))
        luaL_error(L, "option \"growth\": a growth of gpumm.growth, a factor or a function expected, got %s",
                   luaL_typename(L, index));
    return false;
}

bool gpumm_lua__option_growth(lua_State *L, int table, gpumm_growth *out) {
    if (!gpumm_lua__option(L, table, "growth")) lua_pushnil(L);
    bool function = gpumm_lua__to_growth(L, lua_gettop(L), out);
    if (!function) lua_remove(L, -2);
    else lua_pop(L, 1);
    out->align = gpumm_lua__option_count(L, table, "align", out->align);
    return function;
}

unsigned gpumm_lua__option_ahead(lua_State *L, int table) {
    unsigned steps = gpumm_lua__option_unsigned(L, table, "ahead", GPUMM_AHEAD_AUTO);
    if (steps || !gpumm_lua__option(L, table, "ahead")) return steps;
    lua_pop(L, 1);
    return GPUMM_AHEAD_NONE;
}
