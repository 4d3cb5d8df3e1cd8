/* SPDX-License-Identifier: MIT */
/*
 * Streams, events, and semaphores of others.
 *
 *   m:stream()  m:main()
 *   s:record([event])     an event at what is enqueued so far; that one, recorded anew
 *   s:wait(event)         what is enqueued from now waits for it, on the device
 *   x = m:semaphore([{fd =}])  s:signal(x, value)  s:wait(x, value)  x:close()
 *   s:synchronize()  s:idle()  s:close()
 *   e:ready()  e:wait([seconds])  e:elapsed(later)  e:close()
 */
#include "bind/api/stream.h"

#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "bind/api/manager.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"

/* ---- Streams ------------------------------------------------------------------------------ */

static int manager_stream(lua_State *L) {
    enum { CONTAINED_MOST = 64 };
    static const char *const none[] = {NULL};
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    if (!lua_isnoneornil(L, 2)) gpumm_lua__options(L, 2, none, false);
    gpumm_lua__require_room(L, &gpumm_lua__stream_class, CONTAINED_MOST);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__stream_class, 1);
    gpumm_stream *stream;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_stream_open(manager, &stream));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, stream);
    return 1;
}

static int manager_main(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    if (gpumm_manager_is_closed(manager)) return gpumm_lua__raise(L, fail(GPUMM_CLOSED, "the manager is closed"));
    if (gpumm_lua__find(L, &gpumm_lua__stream_class, gpumm_manager_main(manager))) return 1;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__stream_class, 1);
    bind_handle *main = gpumm_lua__adopt(L, handle, gpumm_stream_retain(gpumm_manager_main(manager)));
    main->borrowed = true; /* it goes with its manager alone */
    return 1;
}

/* stream, event: the event, recorded anew. */
static int record_again(lua_State *L, gpumm_stream *stream) {
    gpumm_status status = gpumm_event_record(gpumm_lua__check(L, 2, &gpumm_lua__event_class), stream);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_settop(L, 2);
    return 1;
}

static int stream_record(lua_State *L) {
    gpumm_stream *stream = gpumm_lua__to_stream(L, 1);
    if (!lua_isnoneornil(L, 2)) return record_again(L, stream);
    gpumm_lua__push_owner(L, 1);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__event_class, lua_gettop(L));
    gpumm_event *event;
    gpumm_status status = gpumm_stream_record(stream, &event);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, event);
    return 1;
}

static uint64_t semaphore_value(lua_State *L, int index) {
    lua_Integer value = luaL_checkinteger(L, index);
    luaL_argcheck(L, value >= 0, index, "a value from 0 on expected");
    return (uint64_t)value;
}

static int stream_signal(lua_State *L) {
    gpumm_stream *stream = gpumm_lua__to_stream(L, 1);
    gpumm_semaphore *semaphore = gpumm_lua__check(L, 2, &gpumm_lua__semaphore_class);
    return gpumm_lua__result(L, gpumm_semaphore_signal(semaphore, stream, semaphore_value(L, 3)));
}

static int stream_wait(lua_State *L) {
    gpumm_stream *stream = gpumm_lua__to_stream(L, 1);
    gpumm_semaphore *semaphore = gpumm_lua__test(L, 2, &gpumm_lua__semaphore_class);
    if (semaphore) return gpumm_lua__result(L, gpumm_semaphore_wait(semaphore, stream, semaphore_value(L, 3)));
    return gpumm_lua__result(L, gpumm_stream_wait(stream, gpumm_lua__check(L, 2, &gpumm_lua__event_class)));
}

static int stream_synchronize(lua_State *L) {
    return gpumm_lua__result(L, gpumm_stream_synchronize(gpumm_lua__to_stream(L, 1)));
}

static int stream_idle(lua_State *L) {
    bool idle;
    gpumm_status status = gpumm_stream_idle(gpumm_lua__to_stream(L, 1), &idle);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushboolean(L, idle);
    return 1;
}

static int stream_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__stream_class);
    if (handle->borrowed) return 0; /* the main one goes with its manager */
    if (handle->object && !handle->closed) gpumm_stream_close(handle->object);
    handle->closed = true;
    return 0;
}

static int stream_manager(lua_State *L) {
    gpumm_lua__userdata(L, 1, &gpumm_lua__stream_class);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

static const luaL_Reg stream_methods[] = {
    {"record", stream_record},
    {"wait", stream_wait},
    {"signal", stream_signal},
    {"synchronize", stream_synchronize},
    {"idle", stream_idle},
    {"close", stream_close},
    {NULL, NULL},
};

static const luaL_Reg stream_properties[] = {{"manager", stream_manager}, {NULL, NULL}};
static const luaL_Reg stream_meta[] = {{"__close", stream_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release_stream(void *stream) { gpumm_stream_release(stream); }

const bind_class gpumm_lua__stream_class = {
    .name = "gpumm.stream",
    .methods = stream_methods,
    .properties = stream_properties,
    .meta = stream_meta,
    .release = release_stream,
};

/* ---- Events ------------------------------------------------------------------------------- */

static gpumm_event *to_event(lua_State *L, int index) { return gpumm_lua__check(L, index, &gpumm_lua__event_class); }

static int event_ready(lua_State *L) {
    bool ready;
    gpumm_status status = gpumm_event_ready(to_event(L, 1), &ready);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushboolean(L, ready);
    return 1;
}

static int event_wait(lua_State *L) {
    return gpumm_lua__result(L, gpumm_event_wait(to_event(L, 1), gpumm_lua__seconds(L, 2)));
}

static int event_elapsed(lua_State *L) {
    double seconds;
    gpumm_status status = gpumm_event_elapsed(to_event(L, 1), to_event(L, 2), &seconds);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushnumber(L, seconds);
    return 1;
}

static int event_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__event_class);
    gpumm_event_close(handle->object);
    handle->closed = true;
    return 0;
}

static const luaL_Reg event_methods[] = {
    {"ready", event_ready}, {"wait", event_wait}, {"elapsed", event_elapsed}, {"close", event_close}, {NULL, NULL},
};

static const luaL_Reg event_meta[] = {{"__close", event_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release_event(void *event) { gpumm_event_release(event); }

const bind_class gpumm_lua__event_class = {
    .name = "gpumm.event", .methods = event_methods, .meta = event_meta, .release = release_event};

/* ---- Semaphores ----------------------------------------------------------------------------- */

/* One of the host device's own, which only this manager has. */
static gpumm_status import_own(gpumm_manager *manager, gpumm_semaphore **out) {
    int fd;
    gpumm_device_info info;
    gpumm_status status = gpumm_manager_get_info(manager, &info);
    if (status != GPUMM_OK) return status;
    if (strcmp(info.kind, "host") != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "a GPU's semaphores are made by another API: m:semaphore { fd = … }");
    status = gpumm_semaphore_stand_in(&fd);
    if (status != GPUMM_OK) return status;
    status = gpumm_semaphore_import(manager, fd, out);
    close(fd);
    return status;
}

/* A contained script hears of nobody, and a value that never comes would hold the manager for ever. */
static int manager_semaphore(lua_State *L) {
    static const char *const valid[] = {"fd", NULL};
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    if (gpumm_lua__state_of(L)->sandbox) return luaL_error(L, "a contained script has no semaphores of others");
    bool given = !lua_isnoneornil(L, 2);
    if (given) gpumm_lua__options(L, 2, valid, false);
    given = given && gpumm_lua__option(L, 2, "fd");
    int fd = given ? (int)luaL_checkinteger(L, -1) : -1;
    if (given) lua_pop(L, 1);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__semaphore_class, 1);
    gpumm_semaphore *semaphore;
    gpumm_status status = given ? gpumm_semaphore_import(manager, fd, &semaphore) : import_own(manager, &semaphore);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, semaphore);
    return 1;
}

static int semaphore_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__semaphore_class);
    gpumm_semaphore_close(handle->object);
    handle->closed = true;
    return 0;
}

static const luaL_Reg semaphore_methods[] = {{"close", semaphore_close}, {NULL, NULL}};
static const luaL_Reg semaphore_meta[] = {
    {"__close", semaphore_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release_semaphore(void *semaphore) { gpumm_semaphore_release(semaphore); }

const bind_class gpumm_lua__semaphore_class = {
    .name = "gpumm.semaphore", .methods = semaphore_methods, .meta = semaphore_meta, .release = release_semaphore};

/* ---- For others ----------------------------------------------------------------------------- */

gpumm_stream *gpumm_lua__to_stream(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__stream_class);
}

const luaL_Reg gpumm_lua__manager_streams[] = {
    {"stream", manager_stream}, {"main", manager_main}, {"semaphore", manager_semaphore}, {NULL, NULL}};
