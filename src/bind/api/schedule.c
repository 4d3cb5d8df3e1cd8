/* SPDX-License-Identifier: MIT */
/*
 * Schedules that are Lua functions. They stay here, with what they schedule in the state that made it: before a call
 * that needs more, the function is asked, without any lock, and core gets the number.
 *
 * A named buffer's is kept under its name by its manager, because the buffer outlives its handle; a group's under its
 * address; an anonymous buffer's with its handle.
 */
#include "bind/api/schedule.h"

#include "base/size.h"
#include "base/status.h"
#include "bind/api/keep.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"

static bool is_anonymous(const gpumm_group *group, const gpumm_buffer *buffer) {
    return !group && gpumm_buffer_name(buffer)[0] == '\0';
}

void gpumm_lua__keep_schedule(lua_State *L, int object, gpumm_group *group, gpumm_buffer *buffer, int function) {
    if (is_anonymous(group, buffer)) {
        lua_pushvalue(L, function);
        lua_setiuservalue(L, object, BIND_EXTRA);
        return;
    }
    gpumm_lua__push_schedules(L, object);
    lua_pushvalue(L, function);
    if (group) lua_rawsetp(L, -2, group);
    else lua_setfield(L, -2, gpumm_buffer_name(buffer));
    lua_pop(L, 1);
}

/* Pushes the function, or nil. */
static void push_schedule(lua_State *L, int object, const gpumm_group *group, const gpumm_buffer *buffer) {
    if (is_anonymous(group, buffer)) {
        lua_getiuservalue(L, object, BIND_EXTRA);
        return;
    }
    gpumm_lua__push_schedules(L, object);
    if (group) lua_rawgetp(L, -1, group);
    else lua_getfield(L, -1, gpumm_buffer_name(buffer));
    lua_remove(L, -2);
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
    if ((uint64_t)proposed < required)
        luaL_error(L, "the growth function%s%s returned %I elements, fewer than the %I that are required",
                   name[0] ? " of " : "", name, (LUAI_UACINT)proposed, (LUAI_UACINT)required);
    lua_pop(L, 1);
    return size_min((uint64_t)proposed, info->max_length);
}

gpumm_status gpumm_lua__grow_ahead(lua_State *L, int object, gpumm_group *group, gpumm_buffer *buffer,
                                   uint64_t required) {
    gpumm_buffer_info info;
    gpumm_status status;
    push_schedule(L, object, group, buffer);
    if (lua_isnil(L, -1)) return lua_pop(L, 1), GPUMM_OK;
    TRY(group ? gpumm_group_get_info(group, &info) : gpumm_buffer_get_info(buffer, &info));
    if (required <= info.capacity || required > info.max_length) {
        lua_pop(L, 1);
        return GPUMM_OK; /* core's own message says what does not fit */
    }
    uint64_t proposed = ask(L, group ? gpumm_group_name(group) : gpumm_buffer_name(buffer), &info, required);
    if (group) BIND_RETRY(L, status, gpumm_group_grow(group, required, proposed));
    else BIND_RETRY(L, status, gpumm_buffer_grow(buffer, required, proposed));
    return status;
}
