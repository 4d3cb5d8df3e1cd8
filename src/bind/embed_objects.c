/* SPDX-License-Identifier: MIT */
/* Objects between an application and its scripts: pushing handles, and taking objects from the stack or by name. */
#include <string.h>

#include "base/status.h"
#include "bind/api/buffer.h"
#include "bind/api/group.h"
#include "bind/api/keep.h"
#include "bind/api/manager.h"
#include "bind/api/readback.h"
#include "bind/api/recorder.h"
#include "bind/api/stream.h"
#include "bind/protect.h"
#include "gpumm_lua.h"

/* A handle that the state had already is handed over too, and never borrowed back. */
static void share_top(lua_State *L, gpumm_lua_share share) {
    if (share == GPUMM_LUA_SHARE_OWN) gpumm_lua__any_handle(L, -1)->borrowed = false;
}

/* What is pushed for no object is nil. */
static bool can_push(lua_State *L, const void *object) {
    if (L && !object) lua_pushnil(L);
    return L && object;
}

void gpumm_lua_push_manager(lua_State *L, gpumm_manager *manager, gpumm_lua_share share) {
    if (!can_push(L, manager)) return;
    gpumm_lua_open(L); /* the classes */
    lua_pop(L, 1);
    gpumm_lua__push_manager(L, manager, share == GPUMM_LUA_SHARE_BORROW);
    share_top(L, share);
}

/* Replaces the manager's handle on top by the object's. */
static bind_handle *push_object(lua_State *L, const bind_class *class) {
    bind_handle *handle = gpumm_lua__new(L, class, lua_gettop(L));
    lua_remove(L, -2);
    return handle;
}

void gpumm_lua_push_buffer(lua_State *L, gpumm_buffer *buffer, gpumm_lua_share share) {
    if (!can_push(L, buffer)) return;
    gpumm_lua_push_manager(L, gpumm_buffer_manager(buffer), GPUMM_LUA_SHARE_BORROW);
    bind_handle *fresh = push_object(L, &gpumm_lua__buffer_class);
    fresh->borrowed = share == GPUMM_LUA_SHARE_BORROW;
    gpumm_lua__adopt(L, fresh, gpumm_buffer_retain(buffer));
    share_top(L, share);
    if (share == GPUMM_LUA_SHARE_BORROW && gpumm_buffer_name(buffer)[0] != '\0') gpumm_lua__keep_handle(L);
}

void gpumm_lua_push_readback(lua_State *L, gpumm_readback *readback, gpumm_lua_share share) {
    if (!can_push(L, readback)) return;
    gpumm_lua_push_manager(L, gpumm_readback_manager(readback), GPUMM_LUA_SHARE_BORROW);
    bind_handle *fresh = push_object(L, &gpumm_lua__readback_class);
    fresh->borrowed = share == GPUMM_LUA_SHARE_BORROW;
    gpumm_lua__adopt(L, fresh, gpumm_readback_retain(readback));
    share_top(L, share);
    gpumm_lua__readback_names(L, readback);
}

static void *peek(lua_State *L, int index, const bind_class *class) {
    const bind_handle *handle = L ? gpumm_lua__any_handle(L, index) : NULL;
    if (handle) gpumm_lua__recorder_before_others(L);
    return handle && handle->class == class && !handle->closed ? handle->object : NULL;
}

gpumm_manager *gpumm_lua_to_manager(lua_State *L, int index) { return peek(L, index, &gpumm_lua__manager_class); }
gpumm_buffer *gpumm_lua_to_buffer(lua_State *L, int index) { return peek(L, index, &gpumm_lua__buffer_class); }
gpumm_group *gpumm_lua_to_group(lua_State *L, int index) { return peek(L, index, &gpumm_lua__group_class); }
gpumm_readback *gpumm_lua_to_readback(lua_State *L, int index) { return peek(L, index, &gpumm_lua__readback_class); }
gpumm_stream *gpumm_lua_to_stream(lua_State *L, int index) { return peek(L, index, &gpumm_lua__stream_class); }

/* ---- Finding a buffer ----------------------------------------------------------------------- */

typedef struct search {
    const char *path; /* what is left of it */
    gpumm_buffer *found;
    gpumm_status status;
} search;

/* Replaces the value in slot 1 by its entry of the path's first name. */
static void descend(lua_State *L, search *s) {
    size_t length = strcspn(s->path, ".");
    lua_pushlstring(L, s->path, length);
    s->path += length + (s->path[length] == '.');
    lua_gettable(L, 1);
    lua_replace(L, 1);
}

/* The value in slot 1 is the end of the path, or a manager that knows the rest of it. */
static gpumm_status arrive(lua_State *L, search *s) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (lua_isnil(L, 1)) return fail(GPUMM_NOT_FOUND, "there is nothing of that name");
    if (!handle || (handle->class != &gpumm_lua__manager_class && handle->class != &gpumm_lua__buffer_class))
        return fail(GPUMM_TYPE_MISMATCH, "a buffer was expected there, not a %s",
                    handle ? handle->class->name : luaL_typename(L, 1));
    if (!handle->object || handle->closed) return fail(GPUMM_CLOSED, "this %s is closed", handle->class->name);
    if (handle->class == &gpumm_lua__manager_class) return gpumm_manager_find(handle->object, s->path, NULL, &s->found);
    s->found = gpumm_buffer_retain(handle->object);
    return GPUMM_OK;
}

static int find_protected(lua_State *L) {
    search *s = lua_touserdata(L, 2);
    gpumm_lua__recorder_before_others(L);
    while (s->path[0] != '\0' && !lua_isnil(L, 1)) {
        const bind_handle *handle = gpumm_lua__any_handle(L, 1);
        if (handle && handle->class == &gpumm_lua__manager_class) break;
        descend(L, s);
    }
    s->status = arrive(L, s);
    return 0;
}

gpumm_status gpumm_lua_find_buffer(lua_State *L, int index, const char *path, gpumm_buffer **out) {
    NOT_NULL(L, "L");
    NOT_NULL(path, "path");
    NOT_NULL(out, "out");
    search s = {.path = path};
    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 4)) return fail(GPUMM_OUT_OF_MEMORY, "Lua has no more stack");
    lua_pushcfunction(L, find_protected);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, &s);
    gpumm_status status = gpumm_lua__outcome(L, lua_pcall(L, 2, 0, 0), "looking for a buffer");
    if (status == GPUMM_OK) status = s.status;
    if (status != GPUMM_OK) return fail_in(status, "'%.255s': ", path);
    *out = s.found;
    return GPUMM_OK;
}
