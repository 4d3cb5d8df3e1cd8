/* SPDX-License-Identifier: MIT */
/*
 * Groups: buffers that share a length and grow together, all or none.
 *
 *   m:group {{name, type}, …, growth =, align =, ahead =, length =, max_length =, min_length =, name =}
 *   g.position, g:member("position")     a member's buffer
 *   g:append {position = data, …}        unnamed members get zeros; or g:append(n): n elements of zeros
 *   g:resize(n [, where])  g:ensure_capacity(n)  g:shrink_to_fit()  g:readback {…}  g:members()  g:free()
 *
 * A group's handle is kept by its manager until the group is freed. Its table of members (user value EXTRA)
 * has their buffers by name.
 */
#include "bind/api/group.h"

#include <string.h>

#include "base/limits.h"
#include "base/size.h"
#include "base/status.h"
#include "bind/api/buffer.h"
#include "bind/api/elements.h"
#include "bind/api/frame.h"
#include "bind/api/growth.h"
#include "bind/api/keep.h"
#include "bind/api/manager.h"
#include "bind/api/schedule.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"

static const char *const keys[] = {"growth", "align", "ahead",  "length",    "max_length", "min_length",
                                   "name",   "tag",   "stream", "shareable", NULL};

/* ---- Making them --------------------------------------------------------------------------- */

/* Member i of the table in slot 2; pushes its type. */
static void read_member(lua_State *L, int i, gpumm_member *member) {
    *member = (gpumm_member){0};
    lua_rawgeti(L, 2, i);
    if (!lua_istable(L, -1)) luaL_error(L, "group member %d: {name, type} expected", i);
    if (lua_rawlen(L, -1) > 2) luaL_error(L, "group member %d: {name, type} expected, it has more entries", i);
    lua_rawgeti(L, -1, 1);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "group member %d: its name must be a string", i);
    member->name = lua_tostring(L, -1); /* alive with the table */
    if (strlen(member->name) != lua_rawlen(L, -1)) luaL_error(L, "group member %d: its name has a zero byte", i);
    lua_rawgeti(L, -2, 2);
    if (lua_isnil(L, -1))
        luaL_error(L, "group member \"%s\": {name, type} expected, its type is missing", member->name);
    member->type = gpumm_lua__to_type(L, lua_gettop(L));
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static size_t read_members(lua_State *L, gpumm_member *members) {
    size_t count = lua_rawlen(L, 2);
    if (count < 1 || count > GROUP_MEMBERS)
        luaL_error(L, "a group has 1 to %d members, not %d", GROUP_MEMBERS, (int)count);
    luaL_checkstack(L, GROUP_MEMBERS + 16, NULL);
    for (size_t i = 0; i < count; i++) read_member(L, (int)i + 1, &members[i]);
    return count;
}

/* The new group's handle is on top: its manager keeps it, and it gets the table of its members. */
static void settle(lua_State *L, gpumm_group *group) {
    gpumm_lua__keep_handle(L);
    lua_createtable(L, 0, (int)gpumm_group_count(group));
    for (size_t i = 0; i < gpumm_group_count(group); i++) {
        gpumm_lua__push_buffer(L, gpumm_group_at(group, i), 1);
        lua_setfield(L, -2, gpumm_group_member_name(group, i));
    }
    lua_setiuservalue(L, -2, BIND_EXTRA);
}

static gpumm_group_options read_options(lua_State *L, gpumm_member *members, char tag[static BIND_TAG]) {
    gpumm_lua__options(L, 2, keys, true);
    return (gpumm_group_options){
        .name = gpumm_lua__option_text(L, 2, "name", NULL),
        .length = gpumm_lua__option_count(L, 2, "length", 0),
        .max_length = gpumm_lua__option_count(L, 2, "max_length", 0),
        .min_length = gpumm_lua__option_count(L, 2, "min_length", 0),
        .ahead = gpumm_lua__option_ahead(L, 2),
        .shareable = gpumm_lua__option_bool(L, 2, "shareable", false),
        .stream = gpumm_lua__option_stream(L, 2),
        .tag = gpumm_lua__option_text(L, 2, "tag", gpumm_lua__tag(L, tag)),
        .members = members,
        .member_count = read_members(L, members),
    };
}

static int manager_group(lua_State *L) {
    gpumm_member members[GROUP_MEMBERS];
    char tag[BIND_TAG];
    lua_settop(L, 2);
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    gpumm_group_options options = read_options(L, members, tag);
    /* In a borrowed manager nobody else could find it to free it. */
    options.unowned = gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class)->borrowed;
    if (!gpumm_lua__option_growth(L, 2, &options.growth)) lua_pushnil(L);
    int schedule = lua_gettop(L);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__group_class, 1);
    gpumm_group *group;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_group_open(manager, &options, &group));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, group);
    settle(L, group);
    gpumm_lua__keep_schedule(L, lua_gettop(L), group, NULL, schedule);
    return 1;
}

/* ---- Members ------------------------------------------------------------------------------ */

static void member_names(const gpumm_group *group, const char *names[static GROUP_MEMBERS + 1]) {
    size_t count = size_min(gpumm_group_count(group), GROUP_MEMBERS);
    for (size_t i = 0; i < count; i++) names[i] = gpumm_group_member_name(group, i);
    names[count] = NULL;
}

/* The member's name that is nearest to the string in slot 2. */
static const char *nearest_member(lua_State *L, const gpumm_group *group) {
    const char *names[GROUP_MEMBERS + 1], *name = gpumm_lua__name(L, 2);
    member_names(group, names);
    return name ? gpumm_lua__nearest(name, names) : NULL;
}

int gpumm_lua__no_member(lua_State *L, gpumm_group *group, const char *name) {
    const char *names[GROUP_MEMBERS + 1];
    member_names(group, names);
    return gpumm_lua__unknown(L, "member", name, names);
}

/* group[key]: the member; where there is none, the class says what there is. Of a member that is called as a method is,
   the method is what group.name gives, and group:member(name) the member. */
static int group_missing(lua_State *L) {
    lua_getiuservalue(L, 1, BIND_EXTRA);
    if (lua_type(L, 2) != LUA_TSTRING || !lua_istable(L, -1)) return 0;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) return 1;
    gpumm_group *group = gpumm_lua__test_handle(L, 1, &gpumm_lua__group_class)->object;
    lua_settop(L, 2);
    const char *near = group ? nearest_member(L, group) : NULL;
    if (near) return luaL_error(L, "gpumm.group has no '%s' (did you mean '%s'?)", gpumm_lua__push_key(L, 2), near);
    return 0;
}

static int group_member(lua_State *L) {
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    const char *name = gpumm_lua__text(L, 2);
    gpumm_buffer *member = gpumm_group_member(group, name);
    if (!member) return gpumm_lua__no_member(L, group, name);
    gpumm_lua__push_owner(L, 1);
    gpumm_lua__push_buffer(L, member, lua_gettop(L));
    return 1;
}

static int group_members(lua_State *L) {
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    size_t count = gpumm_group_count(group);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, gpumm_group_member_name(group, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- Size --------------------------------------------------------------------------------- */

static gpumm_status resize(lua_State *L, uint64_t length, gpumm_stream *stream) {
    gpumm_status status;
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    TRY(gpumm_lua__grow_ahead(L, 1, group, NULL, length));
    BIND_RETRY(L, status, gpumm_group_resize(group, stream, length));
    return status;
}

static int group_resize(lua_State *L) {
    gpumm_lua__to_group(L, 1);
    uint64_t length = gpumm_lua__count(L, 2);
    return gpumm_lua__result(L, resize(L, length, gpumm_lua__where(L, 3, NULL)));
}

static int group_ensure(lua_State *L) {
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    uint64_t capacity = gpumm_lua__count(L, 2);
    gpumm_status status = gpumm_lua__grow_ahead(L, 1, group, NULL, capacity);
    if (status == GPUMM_OK) BIND_RETRY(L, status, gpumm_group_ensure_capacity(group, capacity));
    return gpumm_lua__result(L, status);
}

static int group_shrink(lua_State *L) {
    return gpumm_lua__result(L, gpumm_group_shrink_to_fit(gpumm_lua__to_group(L, 1)));
}

/* ---- Append ------------------------------------------------------------------------------- */

/* Every key of the table in slot 2 names a member. */
static void check_columns(lua_State *L, gpumm_group *group) {
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "append: {member = data, …} expected, got a %s as a key", luaL_typename(L, -1));
        const char *name = gpumm_lua__name(L, -1);
        if (!name || !gpumm_group_member(group, name)) gpumm_lua__no_member(L, group, gpumm_lua__push_key(L, -1));
    }
}

/* Pushes two values a member: what the script gave, and what keeps the bytes alive. Returns the rows. */
static uint64_t read_columns(lua_State *L, gpumm_group *group, const void **columns) {
    const char *first = NULL;
    uint64_t rows = 0;
    for (size_t i = 0; i < gpumm_group_count(group); i++) {
        struct elements data = {NULL, 0};
        const char *name = gpumm_group_member_name(group, i);
        if (!gpumm_lua__option(L, 2, name)) {
            lua_pushnil(L);
            lua_pushnil(L);
            continue;
        }
        gpumm_lua__to_elements(L, lua_gettop(L), gpumm_buffer_type(gpumm_group_at(group, i)), &data);
        if (first && data.count != rows)
            luaL_error(L, "append: '%s' has %I elements, but '%s' has %I", name, (LUAI_UACINT)data.count, first,
                       (LUAI_UACINT)rows);
        if (!first) first = name;
        rows = data.count;
        columns[i] = data.bytes;
    }
    if (!first) luaL_argerror(L, 2, "no member is given data");
    return rows;
}

/* Frames' memory is borrowed: raises where one ended while Lua ran. */
static void check_views(lua_State *L, int base, size_t members) {
    for (size_t i = 0; i < members; i++) gpumm_lua__view_test(L, base + 2 * (int)i + 1);
}

static gpumm_status append_columns(lua_State *L, gpumm_group *group, gpumm_stream *stream, uint64_t length) {
    const void *columns[GROUP_MEMBERS] = {NULL};
    int base = lua_gettop(L);
    size_t members = gpumm_group_count(group);
    uint64_t required;
    luaL_checkstack(L, 2 * GROUP_MEMBERS + 16, NULL);
    check_columns(L, group);
    uint64_t rows = read_columns(L, group, columns);
    if (!size_add(length, rows, &required)) return fail(GPUMM_OVER_MAX_SIZE, "too many elements");
    TRY(gpumm_lua__grow_ahead(L, 1, group, NULL, required));
    check_views(L, base, members);
    gpumm_status status;
    BIND_TRY_FIRST(status, gpumm_group_append(group, stream, rows, columns));
    if (!gpumm_lua__collects(L, status)) return status;
    check_views(L, base, members);
    return gpumm_group_append(group, stream, rows, columns);
}

static int group_append(lua_State *L) {
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    gpumm_buffer_info info;
    lua_settop(L, 3);
    gpumm_stream *stream = gpumm_lua__where(L, 3, NULL);
    gpumm_status status = gpumm_group_get_info(group, &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    if (lua_istable(L, 2)) return gpumm_lua__result(L, append_columns(L, group, stream, info.length));
    uint64_t length;
    if (lua_type(L, 2) != LUA_TNUMBER) return luaL_typeerror(L, 2, "a table {member = data, …} or a count");
    if (!size_add(info.length, gpumm_lua__count(L, 2), &length)) return luaL_argerror(L, 2, "too many elements");
    return gpumm_lua__result(L, resize(L, length, stream));
}

/* ---- Ending them -------------------------------------------------------------------------- */

static void forget(lua_State *L, gpumm_group *group) {
    lua_pushnil(L);
    gpumm_lua__keep_schedule(L, 1, group, NULL, lua_gettop(L));
    lua_pop(L, 1);
    gpumm_lua__keep_no_longer(L, 1, group);
}

static int group_free(lua_State *L) {
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    gpumm_status status = gpumm_group_close(group);
    if (status == GPUMM_OK) forget(L, group);
    return gpumm_lua__result(L, status);
}

static int group_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__group_class);
    if (handle->object && !handle->borrowed && gpumm_group_close(handle->object) == GPUMM_OK) forget(L, handle->object);
    return 0;
}

/* ---- Properties --------------------------------------------------------------------------- */

static gpumm_buffer_info info_of(lua_State *L) {
    gpumm_buffer_info info;
    gpumm_status status = gpumm_group_get_info(gpumm_lua__to_group(L, 1), &info);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    return info;
}

#define COUNT_PROPERTY(field) \
    static int group_##field(lua_State *L) { \
        gpumm_lua__push_count(L, info_of(L).field); \
        return 1; \
    }
COUNT_PROPERTY(length)
COUNT_PROPERTY(capacity)
COUNT_PROPERTY(max_length)
COUNT_PROPERTY(capacity_bytes)
COUNT_PROPERTY(committed_bytes)
COUNT_PROPERTY(generation)
COUNT_PROPERTY(mapping)

static int group_name(lua_State *L) {
    lua_pushstring(L, gpumm_group_name(gpumm_lua__to_group(L, 1)));
    return 1;
}

static int group_manager(lua_State *L) {
    gpumm_lua__to_group(L, 1);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"append", group_append},
    {"resize", group_resize},
    {"ensure_capacity", group_ensure},
    {"shrink_to_fit", group_shrink},
    {"member", group_member},
    {"members", group_members},
    {"free", group_free},
    {"close", group_close},
    {NULL, NULL},
};

static const luaL_Reg properties[] = {
    {"name", group_name},
    {"length", group_length},
    {"capacity", group_capacity},
    {"capacity_bytes", group_capacity_bytes},
    {"committed_bytes", group_committed_bytes},
    {"max_length", group_max_length},
    {"generation", group_generation},
    {"mapping", group_mapping},
    {"manager", group_manager},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__len", group_length}, {"__close", group_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *group) { gpumm_group_release(group); }

const bind_class gpumm_lua__group_class = {
    .elements = "a member's elements are on the device: g.member:download() gives a view of them",
    .assigned = "g:resize(n) changes the length, g:ensure_capacity(n) the capacity",
    .name = "gpumm.group",
    .methods = methods,
    .properties = properties,
    .meta = meta,
    .missing = group_missing,
    .release = release,
    .unheeded = " member members __len __eq "};

gpumm_group *gpumm_lua__to_group(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__group_class);
}

const luaL_Reg gpumm_lua__manager_groups[] = {{"group", manager_group}, {NULL, NULL}};

/* The group that a buffer is a member of. */
static int buffer_group(lua_State *L) {
    gpumm_group *group = gpumm_buffer_group(gpumm_lua__to_buffer(L, 1));
    return group && gpumm_lua__find(L, &gpumm_lua__group_class, group) ? 1 : 0;
}

const luaL_Reg gpumm_lua__buffer_groups[] = {{"group", buffer_group}, {NULL, NULL}};
