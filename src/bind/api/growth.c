/* SPDX-License-Identifier: MIT */
/*
 * Growth from Lua. Schedules that are tables become core's own; a Lua function stays here, with the object
 * that it schedules in the state that made it: core knows that object as EXACT, and before a call that needs
 * more the binding asks the function, without any lock, and hands core the number.
 *
 * Where functions are kept: a named buffer's under its name in the manager's table (the buffer outlives its
 * handle), an anonymous buffer's with its handle, a group's at 0 in its table of members.
 */
#include <math.h>
#include <string.h>

#include "bind/bind.h"

/* ---- Tables ------------------------------------------------------------------------------- */

static const char *const keys[] = {"kind", "factor", "step", "list", "align", NULL};
static const char *const kinds[] = {"geometric", "linear", "list", "exact", NULL};

uint32_t gpumm_lua__factor_ppm(lua_State *L, double factor) {
    if (!(factor >= 1 && factor <= 4000))
        luaL_error(L, "a growth factor is a number from 1 to 4000, not %f", (LUAI_UACNUMBER)factor);
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
        out->factor_ppm = gpumm_lua__factor_ppm(L, gpumm_lua__option_number(L, table, "factor", 1.5));
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
    if (lua_type(L, index) == LUA_TNUMBER) out->factor_ppm = gpumm_lua__factor_ppm(L, lua_tonumber(L, index));
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

/* ---- Functions ---------------------------------------------------------------------------- */

/* The manager's table: schedules by buffer's name, groups by address. [-0, +1] */
void gpumm_lua__push_keeps(lua_State *L, int object) {
    gpumm_lua__push_owner(L, object);
    lua_getiuservalue(L, -1, BIND_EXTRA);
    lua_remove(L, -2);
}

void gpumm_lua__keep_handle(lua_State *L) {
    gpumm_lua__push_keeps(L, lua_gettop(L));
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, gpumm_lua__any_handle(L, -1)->object);
    lua_pop(L, 1);
}

void gpumm_lua__keep_schedule(lua_State *L, int object, int function) {
    bind_handle *handle = gpumm_lua__any_handle(L, object);
    lua_pushvalue(L, function);
    if (handle->class == &gpumm_lua__group_class) {
        lua_getiuservalue(L, object, BIND_EXTRA);
        lua_rotate(L, -2, 1);
        lua_rawseti(L, -2, 0);
    } else if (gpumm_buffer_name(handle->object)[0] == '\0') {
        lua_setiuservalue(L, object, BIND_EXTRA);
        return;
    } else {
        gpumm_lua__push_keeps(L, object);
        lua_pushstring(L, gpumm_buffer_name(handle->object));
        lua_rotate(L, -3, -1);
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
}

/* A group's schedule, by the handle that this state has of it. */
static void push_group_schedule(lua_State *L, gpumm_group *group) {
    if (!gpumm_lua__find(L, &gpumm_lua__group_class, group)) {
        lua_pushnil(L);
        return;
    }
    lua_getiuservalue(L, -1, BIND_EXTRA);
    lua_rawgeti(L, -1, 0);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Pushes the function that schedules the object, or nil; `group` gets the group where it is one or in one. */
static void push_schedule(lua_State *L, int object, gpumm_group **group) {
    bind_handle *handle = gpumm_lua__any_handle(L, object);
    bool is_group = handle->class == &gpumm_lua__group_class;
    *group = is_group ? handle->object : gpumm_buffer_group(handle->object);
    if (*group) {
        push_group_schedule(L, *group);
    } else if (gpumm_buffer_name(handle->object)[0] == '\0') {
        lua_getiuservalue(L, object, BIND_EXTRA);
    } else {
        gpumm_lua__push_keeps(L, object);
        if (lua_istable(L, -1)) lua_getfield(L, -1, gpumm_buffer_name(handle->object));
        else lua_pushnil(L);
        lua_remove(L, -2);
    }
}

static void push_request(lua_State *L, const char *name, const gpumm_buffer_info *info, uint64_t required) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "name");
    gpumm_lua__push_count(L, info->capacity);
    lua_setfield(L, -2, "capacity");
    gpumm_lua__push_count(L, required);
    lua_setfield(L, -2, "required");
    gpumm_lua__push_count(L, info->max_length);
    lua_setfield(L, -2, "max");
}

/* Calls the function on top with the request; what it says. Its error goes on as it is. */
static uint64_t ask(lua_State *L, const char *name, const gpumm_buffer_info *info, uint64_t required) {
    bind_state *state = gpumm_lua__state_of(L);
    push_request(L, name, info, required);
    state->collecting++;
    int outcome = lua_pcall(L, 1, 1, 0);
    state->collecting--;
    if (outcome != LUA_OK) lua_error(L);
    int exact;
    lua_Integer proposed = lua_tointegerx(L, -1, &exact);
    if (lua_type(L, -1) != LUA_TNUMBER || !exact || proposed < 0)
        luaL_error(L, "the growth function%s%s must return a whole number of elements, not %s", name[0] ? " of " : "",
                   name, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
    return size_min((uint64_t)proposed, info->max_length);
}

gpumm_status gpumm_lua__grow_ahead(lua_State *L, int object, uint64_t required) {
    gpumm_group *group;
    gpumm_buffer_info info;
    gpumm_status status;
    void *self = gpumm_lua__any_handle(L, object)->object;
    push_schedule(L, object, &group);
    TRY(group ? gpumm_group_get_info(group, &info) : gpumm_buffer_get_info(self, &info));
    if (lua_isnil(L, -1) || required <= info.capacity || required > info.max_length) {
        lua_pop(L, 1);
        return GPUMM_OK; /* core's own message says what does not fit */
    }
    uint64_t proposed = ask(L, group ? gpumm_group_name(group) : gpumm_buffer_name(self), &info, required);
    if (group) BIND_RETRY(L, status, gpumm_group_grow(group, required, proposed));
    else BIND_RETRY(L, status, gpumm_buffer_grow(self, required, proposed));
    return status;
}
