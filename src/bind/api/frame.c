/* SPDX-License-Identifier: MIT */
/*
 * Frames: delivered snapshots.
 *
 *   f.position, f:member("position"), f[1]   a view of that member; f.data: of the only one. Of frames on the device, what
 *                                            kernels take (device_view.h)
 *   f.step  f.length  f.generation  f.time  f.dropped  f.ticket  f.readback
 *   f:keep()     holds its slot past the next delivery; returns f
 *   f:release()  ends it early      f:valid()
 *
 * The user value EXTRA is the readback's table (frame.h), the next the readback, and those behind it are the members' views,
 * once they are made. So a frame that is looked at is two pieces of Lua's memory: it comes and goes each step.
 */
#include "bind/api/frame.h"

#include "base/limits.h"
#include "bind/api/device_view.h"
#include "bind/api/view.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"
#include "bind/lua/words.h"

static gpumm_frame *to_frame(lua_State *L, int index) { return gpumm_lua__check(L, index, &gpumm_lua__frame_class); }

/* User values: member i's view, from 1, is at FRAME_VIEWS + i - 1. */
enum { FRAME_READBACK = BIND_EXTRA + 1, FRAME_VIEWS };

bind_handle *gpumm_lua__new_frame(lua_State *L, int index, const gpumm_readback *readback) {
    gpumm_lua__push_owner(L, index);
    bind_handle *handle = gpumm_lua__new_with(L, &gpumm_lua__frame_class, lua_gettop(L),
                                              FRAME_VIEWS - BIND_EXTRA - 1 + (int)gpumm_readback_count(readback));
    lua_getiuservalue(L, index, BIND_EXTRA);
    lua_setiuservalue(L, -2, BIND_EXTRA);
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, FRAME_READBACK);
    lua_remove(L, -2);
    return handle;
}

/* ---- Members ------------------------------------------------------------------------------ */

/* The same for frames on the device. */
static int push_device_view(lua_State *L, gpumm_frame *frame, lua_Integer index) {
    gpumm_address address;
    gpumm_status status = gpumm_frame_device(frame, (size_t)index - 1, &address, NULL);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_device_view(L, frame, (size_t)index - 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, FRAME_VIEWS + (int)index - 1);
    return 1;
}

/* The view of member `index` (from 1), the same one each time. The frame is in slot 1. */
static int push_view(lua_State *L, gpumm_frame *frame, lua_Integer index) {
    gpumm_frame_info info;
    const void *data;
    if (lua_getiuservalue(L, 1, FRAME_VIEWS + (int)index - 1) != LUA_TNIL) return 1;
    if (gpumm_frame_where(frame) == GPUMM_FRAMES_ON_DEVICE) return push_device_view(L, frame, index);
    gpumm_buffer *buffer = gpumm_readback_buffer(gpumm_frame_readback(frame), (size_t)index - 1);
    gpumm_status status = gpumm_frame_data(frame, (size_t)index - 1, &data);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_frame_get_info(frame, &info);
    gpumm_lua__view_push_frame(L, 1, gpumm_buffer_type(buffer), info.length, data);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, FRAME_VIEWS + (int)index - 1);
    return 1;
}

/* The index of the member that the value in slot 2 names, 0: none. Leaves the readback's table on top. */
static lua_Integer find_member(lua_State *L, const gpumm_frame *frame) {
    lua_Integer index = 0;
    bool table = lua_getiuservalue(L, 1, BIND_EXTRA) == LUA_TTABLE;
    if (lua_type(L, 2) == LUA_TNUMBER) {
        index = lua_tointeger(L, 2); /* 0 where it is not whole; 2.0 is */
    } else if (table && lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        lua_rawget(L, -2);
        index = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_Integer count = (lua_Integer)gpumm_readback_count(gpumm_frame_readback(frame));
    return table && index >= 1 && index <= count ? index : 0;
}

/* The member whose name is nearest to the string in slot 2, or NULL. Leaves what keeps it alive. [-0, +1, -] */
static const char *nearest_member(lua_State *L) {
    const char *names[GROUP_MEMBERS + 1] = {NULL}, *key = gpumm_lua__name(L, 2);
    size_t count = 0;
    if (lua_getiuservalue(L, 1, BIND_EXTRA) != LUA_TTABLE) return NULL;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && count < GROUP_MEMBERS) names[count++] = lua_tostring(L, -2);
    return key ? gpumm_lua__nearest(key, names) : NULL;
}

/* Of a name that a method has, frame:member(name) is the member. */
static int frame_missing(lua_State *L) {
    gpumm_frame *frame = to_frame(L, 1);
    lua_Integer index = find_member(L, frame);
    if (index > 0) return push_view(L, frame, index);
    const char *near = nearest_member(L);
    if (near) return luaL_error(L, "gpumm.frame has no '%s' (did you mean '%s'?)", gpumm_lua__push_key(L, 2), near);
    return 0;
}

static int frame_member(lua_State *L) {
    gpumm_frame *frame = to_frame(L, 1);
    lua_settop(L, 2);
    lua_Integer index = find_member(L, frame);
    if (index > 0) return push_view(L, frame, index);
    const char *near = nearest_member(L);
    return luaL_argerror(L, 2,
                         near ? lua_pushfstring(L, "this frame has no such member (did you mean '%s'?)", near)
                              : "this frame has no such member");
}

static int frame_data(lua_State *L) {
    gpumm_frame *frame = to_frame(L, 1);
    lua_settop(L, 1);
    if (lua_getiuservalue(L, 1, BIND_EXTRA) != LUA_TTABLE) return 0;
    if (gpumm_readback_count(gpumm_frame_readback(frame)) != 1) return 0;
    return push_view(L, frame, 1);
}

/* ---- Life --------------------------------------------------------------------------------- */

/* Counts it in its readback's table, so that the readback knows when its ring may be full of frames that are garbage. */
static void set_kept(lua_State *L, bind_handle *handle, bool kept) {
    if (handle->kept == kept) return;
    handle->kept = kept;
    if (lua_getiuservalue(L, 1, BIND_EXTRA) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 0);
        lua_pushinteger(L, lua_tointeger(L, -1) + (kept ? 1 : -1));
        lua_rawseti(L, -3, 0);
    }
    lua_settop(L, 1);
}

int gpumm_lua__frames_kept(lua_State *L, const gpumm_readback *readback) {
    int count = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &gpumm_lua__frame_class);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const bind_handle *frame = lua_touserdata(L, -1);
        if (frame->object && frame->kept && gpumm_frame_readback(frame->object) == readback) count++;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return count;
}

static int frame_keep(lua_State *L) {
    gpumm_status status = gpumm_frame_keep(to_frame(L, 1));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    set_kept(L, gpumm_lua__handle_at(L, 1, &gpumm_lua__frame_class), true);
    lua_settop(L, 1);
    return 1;
}

static int frame_release(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__frame_class);
    set_kept(L, handle, false);
    if (handle->object) gpumm_frame_close(handle->object);
    return 0;
}

static int frame_valid(lua_State *L) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__frame_class);
    lua_pushboolean(L, handle->object && gpumm_frame_valid(handle->object));
    return 1;
}

/* ---- Properties --------------------------------------------------------------------------- */

static gpumm_frame_info info_of(lua_State *L) {
    gpumm_frame_info info;
    gpumm_frame_get_info(to_frame(L, 1), &info);
    return info;
}

#define PROPERTY(field, push) \
    static int frame_##field(lua_State *L) { \
        push(L, info_of(L).field); \
        return 1; \
    }
PROPERTY(step, lua_pushinteger)
PROPERTY(length, gpumm_lua__push_count)
PROPERTY(generation, gpumm_lua__push_count)
PROPERTY(time, lua_pushnumber)
PROPERTY(dropped, gpumm_lua__push_count)
PROPERTY(ticket, gpumm_lua__push_count)

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"member", frame_member}, {"keep", frame_keep}, {"release", frame_release}, {"valid", frame_valid}, {NULL, NULL},
};

static const luaL_Reg properties[] = {
    {"step", frame_step},
    {"length", frame_length},
    {"generation", frame_generation},
    {"time", frame_time},
    {"dropped", frame_dropped},
    {"ticket", frame_ticket},
    {"data", frame_data},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__len", frame_length}, {"__close", frame_release}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *frame) { gpumm_frame_release(frame); }

const bind_class gpumm_lua__frame_class = {.name = "gpumm.frame",
                                           .methods = methods,
                                           .properties = properties,
                                           .meta = meta,
                                           .missing = frame_missing,
                                           .release = release,
                                           .unheeded = "*"};
