/* SPDX-License-Identifier: MIT */
/*
 * A member of a frame on the device: what a kernel takes for a pointer to const.
 *
 *   f = r:latest()                  of a readback with where = "device"
 *   k { position = f.position, … }  reads it; the slot is used again behind that
 *   f.position:download([where])    a view that owns its memory
 *   f.position:used([stream])       declares work that gpumm does not launch
 *   v.type  v.length  v.address  #v
 */
#include "bind/api/device_view.h"

#include "bind/api/stream.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"

void gpumm_lua__push_device_view(lua_State *L, gpumm_frame *frame, size_t index) {
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__device_view_class, 0);
    handle->slots = (int)index;
    gpumm_lua__adopt(L, handle, gpumm_frame_retain(frame));
}

static gpumm_frame *to_frame(lua_State *L, size_t *index) {
    *index = (size_t)gpumm_lua__handle_at(L, 1, &gpumm_lua__device_view_class)->slots;
    return gpumm_lua__check(L, 1, &gpumm_lua__device_view_class);
}

static const gpumm_type *type_of(lua_State *L) {
    size_t index;
    const gpumm_frame *frame = to_frame(L, &index);
    return gpumm_buffer_type(gpumm_readback_buffer(gpumm_frame_readback(frame), index));
}

static uint64_t length_of(lua_State *L) {
    size_t index;
    gpumm_frame_info info;
    gpumm_frame_get_info(to_frame(L, &index), &info);
    return info.length;
}

static int view_download(lua_State *L) {
    size_t index;
    gpumm_frame *frame = to_frame(L, &index);
    gpumm_stream *stream = gpumm_lua__where(L, 2, NULL);
    void *bytes = gpumm_lua__view_push_owned(L, type_of(L), length_of(L));
    gpumm_status status = gpumm_frame_download(frame, stream, index, bytes);
    return status == GPUMM_OK ? 1 : gpumm_lua__fail(L, status);
}

static int view_used(lua_State *L) {
    size_t index;
    gpumm_frame *frame = to_frame(L, &index);
    return gpumm_lua__result(L, gpumm_frame_used(frame, lua_isnoneornil(L, 2) ? NULL : gpumm_lua__to_stream(L, 2)));
}

static int view_type(lua_State *L) {
    gpumm_lua__push_type(L, type_of(L));
    return 1;
}

static int view_length(lua_State *L) {
    gpumm_lua__push_count(L, length_of(L));
    return 1;
}

static int view_address(lua_State *L) {
    size_t index;
    gpumm_address address;
    gpumm_frame *frame = to_frame(L, &index);
    gpumm_status status = gpumm_frame_device(frame, index, &address, NULL);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushinteger(L, (lua_Integer)address);
    return 1;
}

static const luaL_Reg methods[] = {{"download", view_download}, {"used", view_used}, {NULL, NULL}};
static const luaL_Reg properties[] = {
    {"type", view_type}, {"length", view_length}, {"address", view_address}, {NULL, NULL}};
static const luaL_Reg meta[] = {{"__len", view_length}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *frame) { gpumm_frame_release(frame); }

const bind_class gpumm_lua__device_view_class = {
    .elements = "its elements are on the device: v:download() gives a view of them",
    .name = "gpumm.device_view",
    .methods = methods,
    .properties = properties,
    .meta = meta,
    .release = release,
    .fleeting = true,
};
