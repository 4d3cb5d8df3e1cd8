/* SPDX-License-Identifier: MIT */
/*
 * Sharing with other processes.
 *
 *   s = m:share(path, {"nodes.position", buffer, group, watch = readback} [, {mode =, any_user =}])
 *   s.readers  s:close()
 *
 *   a = gpumm.attach(path [, {manager =, seconds =, any_user =}])
 *   a:buffer(name)  a:readback(name)  a:names()  a.manager
 *   a:poll()  a:wait([seconds])        see what the owner told; nil, message, "CLOSED" once it is gone
 *   a:fd()  a:close()
 */
#include "bind/api/share.h"

#include <string.h>

#include "base/limits.h"
#include "bind/api/buffer.h"
#include "bind/api/group.h"
#include "bind/api/keep.h"
#include "bind/api/manager.h"
#include "bind/api/readback.h"
#include "bind/api/type.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/raise.h"
#include "gpumm.h"

enum { ITEMS = 256 };

/* A contained script talks to nobody. */
static void require_freedom(lua_State *L) {
    if (gpumm_lua__state_of(L)->sandbox) luaL_error(L, "a contained script does not share memory with other processes");
}

/* ---- The owner ----------------------------------------------------------------------------- */

typedef struct share_plan {
    const char *names[ITEMS], *readback_names[ITEMS];
    gpumm_buffer *buffers[ITEMS];
    gpumm_readback *readbacks[ITEMS];
    size_t name_count, buffer_count, readback_count;
} share_plan;

static void require_room(lua_State *L, size_t count) {
    if (count >= ITEMS) luaL_error(L, "a share has at most %d buffers and readbacks", ITEMS);
}

static void add_buffer(lua_State *L, share_plan *plan, gpumm_buffer *buffer) {
    require_room(L, plan->buffer_count);
    plan->buffers[plan->buffer_count++] = buffer;
}

/* The value on top, entry `i` of the list. */
static void read_entry(lua_State *L, share_plan *plan, lua_Integer i) {
    gpumm_group *group = gpumm_lua__test(L, -1, &gpumm_lua__group_class);
    gpumm_buffer *buffer = group ? NULL : gpumm_lua__test(L, -1, &gpumm_lua__buffer_class);
    const char *name = gpumm_lua__name(L, -1);
    for (size_t k = 0; group && k < gpumm_group_count(group); k++) add_buffer(L, plan, gpumm_group_at(group, k));
    if (group) return;
    if (buffer) {
        add_buffer(L, plan, buffer);
        return;
    }
    if (!name || lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "share: entry %d: a buffer, a group or a name expected, got %s", (int)i, luaL_typename(L, -1));
    require_room(L, plan->name_count);
    plan->names[plan->name_count++] = name; /* alive with the table */
}

/* A name and, on top, its readback. */
static void read_frames(lua_State *L, share_plan *plan) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? gpumm_lua__name(L, -2) : NULL;
    gpumm_readback *readback = gpumm_lua__test(L, -1, &gpumm_lua__readback_class);
    if (!name) luaL_error(L, "share: {\"name\", buffer, …, name = readback} expected");
    if (!readback) luaL_error(L, "share: \"%s\": a readback expected, got %s", name, luaL_typename(L, -1));
    require_room(L, plan->readback_count);
    plan->readback_names[plan->readback_count] = name;
    plan->readbacks[plan->readback_count++] = readback;
}

static void read_items(lua_State *L, int table, share_plan *plan) {
    luaL_checktype(L, table, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, table);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, table, i);
        read_entry(L, plan, i);
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        bool listed = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= count;
        if (!listed) read_frames(L, plan);
    }
}

static int manager_share(lua_State *L) {
    static const char *const valid[] = {"mode", "any_user", NULL};
    require_freedom(L);
    lua_settop(L, 4);
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    share_plan *plan = lua_newuserdatauv(L, sizeof *plan, 0);
    memset(plan, 0, sizeof *plan);
    gpumm_share_options options = {.path = gpumm_lua__text(L, 2)};
    read_items(L, 3, plan);
    if (!lua_isnil(L, 4)) {
        gpumm_lua__options(L, 4, valid, false);
        options.mode = gpumm_lua__option_unsigned(L, 4, "mode", 0);
        options.any_user = gpumm_lua__option_bool(L, 4, "any_user", false);
    }
    options.names = plan->names;
    options.name_count = plan->name_count;
    options.buffers = plan->buffers;
    options.buffer_count = plan->buffer_count;
    options.readbacks = plan->readbacks;
    options.readback_names = plan->readback_names;
    options.readback_count = plan->readback_count;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__share_class, 1);
    gpumm_share *share;
    gpumm_status status = gpumm_share_open(manager, &options, &share);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, share);
    return 1;
}

static int share_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__share_class);
    gpumm_share_close(handle->object);
    handle->closed = true;
    return 0;
}

static int share_readers(lua_State *L) {
    lua_pushinteger(L, gpumm_share_readers(gpumm_lua__check(L, 1, &gpumm_lua__share_class)));
    return 1;
}

static const luaL_Reg share_methods[] = {{"close", share_close}, {NULL, NULL}};
static const luaL_Reg share_properties[] = {{"readers", share_readers}, {NULL, NULL}};
static const luaL_Reg share_meta[] = {{"__close", share_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release_share(void *share) { gpumm_share_release(share); }

const bind_class gpumm_lua__share_class = {.name = "gpumm.share",
                                           .methods = share_methods,
                                           .properties = share_properties,
                                           .meta = share_meta,
                                           .release = release_share};

const luaL_Reg gpumm_lua__manager_shares[] = {{"share", manager_share}, {NULL, NULL}};

/* ---- The other end ------------------------------------------------------------------------- */

static gpumm_attachment *to_attachment(lua_State *L) { return gpumm_lua__check(L, 1, &gpumm_lua__attachment_class); }

/* Pushes the handle of the attachment's manager, which is not the script's to close where it came with it. */
static void push_manager(lua_State *L, gpumm_attachment *attachment) {
    gpumm_manager *manager = gpumm_attachment_manager(attachment);
    if (gpumm_lua__find(L, &gpumm_lua__manager_class, manager)) return;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__manager_class, 0);
    handle->borrowed = true;
    gpumm_lua__keep_open(L);
    gpumm_lua__adopt(L, handle, gpumm_manager_retain(manager));
}

static gpumm_attach_options read_attach(lua_State *L) {
    static const char *const valid[] = {"manager", "seconds", "any_user", NULL};
    gpumm_attach_options options = {.path = gpumm_lua__text(L, 1)};
    if (lua_isnil(L, 2)) return options;
    gpumm_lua__options(L, 2, valid, false);
    options.seconds = gpumm_lua__option_number(L, 2, "seconds", 0);
    if (!(options.seconds >= 0)) luaL_error(L, "option \"seconds\": seconds from 0 expected");
    options.any_user = gpumm_lua__option_bool(L, 2, "any_user", false);
    if (!gpumm_lua__option(L, 2, "manager")) return options;
    options.manager = gpumm_lua__test(L, -1, &gpumm_lua__manager_class);
    if (!options.manager) gpumm_lua__bad_option(L, "manager", "a manager");
    lua_pop(L, 1);
    return options;
}

int gpumm_lua__attach(lua_State *L) {
    require_freedom(L);
    lua_settop(L, 2);
    gpumm_attach_options options = read_attach(L);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__attachment_class, 0);
    gpumm_attachment *attachment;
    gpumm_status status = gpumm_attach(&options, &attachment);
    if (status == GPUMM_CLOSED) return gpumm_lua__push_failure(L, status);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, attachment);
    push_manager(L, attachment);
    lua_setiuservalue(L, -2, BIND_OWNER);
    return 1;
}

/* That an owner goes is no mistake of the script's. */
static int seen(lua_State *L, gpumm_status status) {
    return status == GPUMM_CLOSED ? gpumm_lua__push_failure(L, status) : gpumm_lua__result(L, status);
}

static int attachment_poll(lua_State *L) { return seen(L, gpumm_attachment_poll(to_attachment(L))); }

static int attachment_wait(lua_State *L) {
    gpumm_attachment *attachment = to_attachment(L);
    return seen(L, gpumm_attachment_wait(attachment, gpumm_lua__seconds(L, 2)));
}

static int attachment_fd(lua_State *L) {
    int fd;
    gpumm_status status = gpumm_attachment_fd(to_attachment(L), &fd);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushinteger(L, fd);
    return 1;
}

static int attachment_buffer(lua_State *L) {
    gpumm_attachment *attachment = to_attachment(L);
    const char *name = gpumm_lua__text(L, 2);
    const gpumm_type *type = lua_isnoneornil(L, 3) ? NULL : gpumm_lua__to_type(L, 3);
    gpumm_lua__push_owner(L, 1);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__buffer_class, lua_gettop(L));
    gpumm_buffer *buffer;
    gpumm_status status = gpumm_attachment_find(attachment, name, type, &buffer);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, buffer);
    return 1;
}

static int attachment_readback(lua_State *L) {
    gpumm_attachment *attachment = to_attachment(L);
    const char *name = gpumm_lua__text(L, 2);
    gpumm_lua__push_owner(L, 1);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__readback_class, lua_gettop(L));
    gpumm_readback *readback;
    gpumm_status status = gpumm_attachment_readback(attachment, name, &readback);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, readback);
    if (lua_getiuservalue(L, -1, BIND_EXTRA) == LUA_TTABLE) return lua_pop(L, 1), 1;
    lua_pop(L, 1);
    gpumm_lua__readback_names(L, readback);
    return 1;
}

static void add_name(void *user, const char *name) {
    lua_State *L = user;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static int attachment_names(lua_State *L) {
    gpumm_attachment *attachment = to_attachment(L);
    lua_createtable(L, 8, 0);
    gpumm_attachment_names(attachment, add_name, L);
    return 1;
}

static int attachment_manager(lua_State *L) {
    to_attachment(L);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

static int attachment_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__attachment_class);
    gpumm_attachment_close(handle->object);
    handle->closed = true;
    return 0;
}

static const luaL_Reg attachment_methods[] = {{"poll", attachment_poll},
                                              {"wait", attachment_wait},
                                              {"fd", attachment_fd},
                                              {"buffer", attachment_buffer},
                                              {"readback", attachment_readback},
                                              {"names", attachment_names},
                                              {"close", attachment_close},
                                              {NULL, NULL}};
static const luaL_Reg attachment_properties[] = {{"manager", attachment_manager}, {NULL, NULL}};
static const luaL_Reg attachment_meta[] = {
    {"__close", attachment_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release_attachment(void *attachment) { gpumm_attachment_release(attachment); }

const bind_class gpumm_lua__attachment_class = {.name = "gpumm.attachment",
                                                .methods = attachment_methods,
                                                .properties = attachment_properties,
                                                .meta = attachment_meta,
                                                .release = release_attachment};
