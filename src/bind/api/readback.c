/* SPDX-License-Identifier: MIT */
/*
 * Readbacks: snapshots that stream to the host.
 *
 *   b:readback {slots =, direct =, busy = "drop" | "newest" | "wait", wait_seconds =, inline_bytes =, tag =,
 *               where = "host" | "device",        on the device frames are the slots' own memory there
 *               shareable =}                      and another process can take them: m:share
 *   g:readback {"position", "mass", slots = 3, …}     no names: every member
 *   m:readback {buffer, …, slots = 3, …}              one buffer, or members of one group
 *
 *   r:capture(step [, where])    a ticket; nil, message, "BUSY" where every slot is taken
 *   r:ready([ticket])  r:wait([ticket [, seconds]])  r:cancel([ticket])     default: the newest
 *   r:await([ticket])            yields r until it is ready; outside of coroutines it waits. Without a ticket: the
 *                                newest, or, where the script has that already, the next that is captured
 *   r:latest()  r:next()         a frame or nil, never blocks
 *   r:fd()                       a descriptor for an event loop, readable while a frame can be taken
 *   r.dropped  r.newest  r.slots  r:close()
 */
#include "bind/api/readback.h"

#include <string.h>

#include "base/limits.h"
#include "base/status.h"
#include "bind/api/buffer.h"
#include "bind/api/frame.h"
#include "bind/api/group.h"
#include "bind/api/manager.h"
#include "bind/api/recorder.h"
#include "bind/api/view.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"
#include "gpumm_compat.h"

enum { PATIENCE = 16 };

static gpumm_readback *to_readback(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__readback_class);
}

/* ---- Making them --------------------------------------------------------------------------- */

static gpumm_busy_policy read_busy(lua_State *L, int table) {
    static const char *const policies[] = {"drop", "newest", "wait", NULL}; /* in the order of gpumm_busy_policy */
    const char *busy = gpumm_lua__option_text(L, table, "busy", "drop");
    for (int i = 0; i <= GPUMM_BUSY_WAIT; i++)
        if (strcmp(busy, policies[i]) == 0) return (gpumm_busy_policy)i;
    const char *near = gpumm_lua__nearest(busy, policies);
    luaL_error(L, "option \"busy\": \"drop\", \"newest\" or \"wait\" expected, got \"%s\"%s%s%s", busy,
               near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    return GPUMM_BUSY_DROP;
}

static void read_wait(lua_State *L, int table, gpumm_readback_options *options) {
    options->wait_seconds = gpumm_lua__option_number(L, table, "wait_seconds", 0);
    if (!(options->wait_seconds >= 0)) luaL_error(L, "option \"wait_seconds\": seconds from 0 expected");
    if (options->wait_seconds > 0 && options->busy != GPUMM_BUSY_WAIT)
        luaL_error(L, "option \"wait_seconds\" goes with busy = \"wait\" only");
}

/* 0 in Lua: none at all; not said: as is best on the device. */
static void read_inline(lua_State *L, int table, gpumm_readback_options *options) {
    uint64_t bytes = gpumm_lua__option_size(L, table, "inline_bytes", UINT64_MAX);
    options->inline_bytes = bytes == 0 ? GPUMM_INLINE_NEVER : bytes == UINT64_MAX ? 0 : bytes;
}

static gpumm_frame_place read_where(lua_State *L, int table) {
    static const char *const places[] = {"host", "device", NULL}; /* in the order of gpumm_frame_place */
    const char *where = gpumm_lua__option_text(L, table, "where", "host");
    for (int i = 0; places[i]; i++)
        if (strcmp(where, places[i]) == 0) return (gpumm_frame_place)i;
    luaL_error(L, "option \"where\": \"host\" or \"device\" expected, got \"%s\"", where);
    return GPUMM_FRAMES_ON_HOST;
}

static void read_options(lua_State *L, int table, gpumm_readback_options *options, char tag[static BIND_TAG]) {
    static const char *const valid[] = {"slots",     "direct", "busy", "wait_seconds", "inline_bytes", "where",
                                        "shareable", "tag",    NULL};
    options->tag = gpumm_lua__tag(L, tag);
    if (lua_isnoneornil(L, table)) return;
    gpumm_lua__options(L, table, valid, true);
    options->slots = gpumm_lua__option_unsigned(L, table, "slots", 2);
    if (options->slots == 0) luaL_error(L, "a readback has 2 to 64 slots, not 0"); /* in C it is the default */
    options->direct = gpumm_lua__option_bool(L, table, "direct", false);
    options->tag = gpumm_lua__option_text(L, table, "tag", options->tag);
    options->busy = read_busy(L, table);
    options->where = read_where(L, table);
    options->shareable = gpumm_lua__option_bool(L, table, "shareable", false);
    read_wait(L, table, options);
    read_inline(L, table, options);
}

/* What a frame calls this buffer: its member's name, or its own. */
static const char *name_of(gpumm_buffer *buffer) {
    gpumm_group *group = gpumm_buffer_group(buffer);
    for (size_t i = 0; group && i < gpumm_group_count(group); i++)
        if (gpumm_group_at(group, i) == buffer) return gpumm_group_member_name(group, i);
    return gpumm_buffer_name(buffer);
}

/* Pushes the table that its frames share: the members' names (name -> index), its buffers' handles from 1 on, and at 0
   how many frames are kept. */
static void push_table(lua_State *L, gpumm_readback *readback) {
    size_t count = gpumm_readback_count(readback);
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        const char *name = name_of(gpumm_readback_buffer(readback, i));
        if (name[0] == '\0') continue;
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_setfield(L, -2, name);
    }
}

void gpumm_lua__readback_names(lua_State *L, gpumm_readback *readback) {
    push_table(L, readback);
    lua_setiuservalue(L, -2, BIND_EXTRA);
}

/* An anonymous buffer lives as long as somebody reads it back: the table on top keeps its handle. */
static void keep_buffers(lua_State *L, int owner, const gpumm_readback_options *options) {
    for (size_t i = 0; i < options->buffer_count; i++) {
        gpumm_lua__push_buffer(L, options->buffers[i], owner);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The manager's userdata is in the slot `owner`. */
static int make(lua_State *L, int owner, const gpumm_readback_options *options) {
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__readback_class, owner);
    gpumm_readback *readback;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_readback_open(options, &readback));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    handle = gpumm_lua__adopt(L, handle, readback);
    handle->slots = options->slots ? (int)options->slots : 2;
    push_table(L, readback);
    keep_buffers(L, owner, options);
    lua_setiuservalue(L, -2, BIND_EXTRA);
    gpumm_lua__collector_pressure(L, handle, 64 * 1024);
    return 1;
}

static int buffer_readback(lua_State *L) {
    char tag[BIND_TAG];
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    gpumm_readback_options options = {.buffers = &buffer, .buffer_count = 1};
    lua_settop(L, 2);
    if (lua_istable(L, 2) && lua_rawlen(L, 2) > 0) luaL_error(L, "b:readback reads the buffer; a group's takes names");
    read_options(L, 2, &options, tag);
    gpumm_lua__push_owner(L, 1);
    return make(L, 3, &options);
}

static size_t every_member(gpumm_group *group, gpumm_buffer **buffers) {
    size_t count = gpumm_group_count(group);
    for (size_t i = 0; i < count && i < GROUP_MEMBERS; i++) buffers[i] = gpumm_group_at(group, i);
    return count;
}

/* The buffer that entry i of the table in slot 2 names. */
static gpumm_buffer *named_member(lua_State *L, gpumm_group *group, size_t i) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    const char *name = gpumm_lua__name(L, -1);
    gpumm_buffer *buffer = name ? gpumm_group_member(group, name) : NULL;
    if (!buffer) gpumm_lua__no_member(L, group, gpumm_lua__push_key(L, -1));
    lua_pop(L, 1);
    return buffer;
}

static int group_readback(lua_State *L) {
    char tag[BIND_TAG];
    gpumm_buffer *buffers[GROUP_MEMBERS];
    gpumm_group *group = gpumm_lua__to_group(L, 1);
    gpumm_readback_options options = {.buffers = buffers};
    lua_settop(L, 2);
    read_options(L, 2, &options, tag);
    size_t count = lua_istable(L, 2) ? lua_rawlen(L, 2) : 0;
    luaL_argcheck(L, count <= GROUP_MEMBERS, 2, "too many members");
    for (size_t i = 0; i < count; i++) buffers[i] = named_member(L, group, i);
    options.buffer_count = count > 0 ? count : every_member(group, buffers);
    gpumm_lua__push_owner(L, 1);
    return make(L, 3, &options);
}

static int manager_readback(lua_State *L) {
    char tag[BIND_TAG];
    gpumm_buffer *buffers[GROUP_MEMBERS];
    gpumm_readback_options options = {.buffers = buffers};
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    lua_settop(L, 2);
    luaL_checktype(L, 2, LUA_TTABLE);
    read_options(L, 2, &options, tag);
    options.buffer_count = lua_rawlen(L, 2);
    luaL_argcheck(L, options.buffer_count >= 1 && options.buffer_count <= GROUP_MEMBERS, 2,
                  "buffers expected: {buffer, …}");
    for (size_t i = 0; i < options.buffer_count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        buffers[i] = gpumm_lua__test(L, -1, &gpumm_lua__buffer_class);
        if (!buffers[i])
            return luaL_error(L, "entry %d: a buffer expected, got %s", (int)i + 1, gpumm_lua__kind(L, -1));
        if (gpumm_buffer_manager(buffers[i]) != manager)
            return luaL_error(L, "entry %d: this buffer is another manager's", (int)i + 1);
        lua_pop(L, 1);
    }
    return make(L, 1, &options);
}

/* ---- Capturing ---------------------------------------------------------------------------- */

/* How many frames of the readback in slot 1 are kept: at most so many, where the collector has ended some. */
static int count_kept(lua_State *L) {
    lua_getiuservalue(L, 1, BIND_EXTRA);
    lua_rawgeti(L, -1, 0);
    int count = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return count;
}

/* The same by looking at the frames. */
static int recount_kept(lua_State *L, const gpumm_readback *readback) {
    int count = gpumm_lua__frames_kept(L, readback);
    lua_getiuservalue(L, 1, BIND_EXTRA);
    lua_pushinteger(L, count);
    lua_rawseti(L, -2, 0);
    lua_pop(L, 1);
    return count;
}

/* Kept frames that are garbage do not starve the ring: one collection, and where that did not help, one in
   PATIENCE captures. Returns whether there was one. */
static bool collects_frames(lua_State *L, bind_handle *handle) {
    if (handle->patience-- > 0) return false;
    handle->patience = 0;
    bool collected = gpumm_lua__collects(L, GPUMM_OUT_OF_MEMORY);
    int kept = recount_kept(L, handle->object);
    if (handle->slots > 0 && kept >= handle->slots) handle->patience = PATIENCE;
    return collected;
}

/* Before a capture that would find every slot kept, which counts as a dropped frame. */
static void make_room(lua_State *L, bind_handle *handle) {
    if (handle->slots == 0 || count_kept(L) < handle->slots) return;
    if (recount_kept(L, handle->object) >= handle->slots) collects_frames(L, handle);
}

/* Frames that are kept and garbage are collected before a capture is refused, and counted, for their sake. */
static gpumm_status capture_collecting(lua_State *L, gpumm_readback *readback, gpumm_stream *stream, lua_Integer step,
                                       gpumm_ticket *ticket) {
    if (count_kept(L) == 0) return gpumm_readback_capture(readback, stream, step, ticket);
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class);
    make_room(L, handle);
    if (count_kept(L) > 0) {
        gpumm_status status = gpumm_readback_try_capture(readback, stream, step, ticket);
        if (status != GPUMM_BUSY) return status;
        if (recount_kept(L, readback) > 0) collects_frames(L, handle);
    }
    return gpumm_readback_capture(readback, stream, step, ticket);
}

static int room_protected(lua_State *L) {
    make_room(L, gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class));
    return 0;
}

void gpumm_lua__readback_room(lua_State *L) {
    lua_pushcfunction(L, room_protected);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
}

/* The recording keeps the readback's handle, in the order of its captures. */
static int record_capture(lua_State *L, gpumm_recording *recording, gpumm_readback *readback) {
    const bind_token *token = gpumm_lua__test_token(L, 2);
    if (token && !token->name[0]) return luaL_argerror(L, 2, "a step expected, got a length");
    const char *name = token ? gpumm_lua__token_name(L, token, NULL, NULL) : NULL;
    lua_Integer step = token ? 0 : luaL_optinteger(L, 2, 0);
    gpumm_status status = gpumm_recording_capture(recording, readback, step, name);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__recorded_readback(L, 1);
    return 0;
}

static int readback_capture(lua_State *L) {
    gpumm_readback *readback = to_readback(L, 1);
    const bind_state *state = ((const bind_handle *)lua_touserdata(L, 1))->state;
    gpumm_stream *stream = gpumm_lua__where(L, 3, NULL);
    gpumm_recording *recording = gpumm_lua__recorded_capture(L, state, gpumm_readback_manager(readback), stream);
    if (recording) return record_capture(L, recording, readback);
    lua_Integer step = luaL_optinteger(L, 2, 0);
    gpumm_ticket ticket;
    gpumm_status status = capture_collecting(L, readback, stream, step, &ticket);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_count(L, ticket);
    return 1;
}

/* ---- Tickets ------------------------------------------------------------------------------ */

static gpumm_ticket to_ticket(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return 0;
    lua_Integer ticket = luaL_checkinteger(L, index);
    luaL_argcheck(L, ticket >= 1, index, "tickets count from 1");
    return (gpumm_ticket)ticket;
}

static int readback_ready(lua_State *L) {
    bool ready;
    gpumm_status status = gpumm_readback_ready(to_readback(L, 1), to_ticket(L, 2), &ready);
    if (status != GPUMM_OK) return gpumm_lua__fail_ticket(L, status);
    lua_pushboolean(L, ready);
    return 1;
}

/* The frame on top is this one; NULL: nil. */
static int give_frame(lua_State *L, bind_handle *handle, gpumm_frame *frame) {
    if (!frame) {
        lua_pushnil(L);
        return 1;
    }
    gpumm_frame_info info;
    if (gpumm_frame_get_info(frame, &info) == GPUMM_OK)
        gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class)->taken = info.ticket;
    gpumm_lua__adopt(L, handle, frame);
    return 1;
}

static int wait_ticket(lua_State *L, gpumm_readback *readback, double seconds) {
    gpumm_ticket ticket = to_ticket(L, 2);
    bind_handle *handle = gpumm_lua__new_frame(L, 1, readback);
    gpumm_frame *frame;
    gpumm_status status = gpumm_readback_wait(readback, ticket, seconds, &frame);
    if (status != GPUMM_OK) return gpumm_lua__fail_ticket(L, status);
    return give_frame(L, handle, frame);
}

static int readback_wait(lua_State *L) {
    gpumm_readback *readback = to_readback(L, 1);
    return wait_ticket(L, readback, gpumm_lua__seconds(L, 3));
}

static int readback_cancel(lua_State *L) {
    gpumm_status status = gpumm_readback_cancel(to_readback(L, 1), to_ticket(L, 2));
    if (status != GPUMM_OK) return gpumm_lua__fail_ticket(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

/* Puts the ticket that an await without one means at 2: the newest, unless the script has its frame. There may be none
   yet: false. */
static bool choose_ticket(lua_State *L) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class);
    gpumm_ticket newest = gpumm_readback_newest(to_readback(L, 1));
    if (newest == 0 || newest == handle->taken) return false;
    gpumm_lua__push_count(L, newest);
    lua_replace(L, 2);
    return true;
}

static int await_on(lua_State *L, int outcome, lua_KContext unused);

static int yield_self(lua_State *L) {
    lua_pushvalue(L, 1);
    return lua_yieldk(L, 1, 0, await_on);
}

/* Nothing is on its way: in a coroutine, whoever resumes it may capture, unless the readback has ended. */
static int await_capture(lua_State *L) {
    bool ready;
    gpumm_status status = gpumm_readback_ready(to_readback(L, 1), 0, &ready);
    if (status != GPUMM_OK && status != GPUMM_NOT_PENDING && status != GPUMM_STALE)
        return gpumm_lua__fail_ticket(L, status);
    if (lua_isyieldable(L)) return yield_self(L);
    return gpumm_lua__fail(L, fail(GPUMM_NOT_PENDING, "nothing was captured %s",
                                   status == GPUMM_NOT_PENDING ? "yet" : "since the last frame was taken"));
}

/* Also the continuation: what the resumer passed is dropped, the readback and the ticket stay. */
static int await_on(lua_State *L, int outcome, lua_KContext unused) {
    bool ready;
    (void)outcome, (void)unused;
    lua_settop(L, 2);
    if (lua_isnil(L, 2) && !choose_ticket(L)) return await_capture(L);
    gpumm_status status = gpumm_readback_ready(to_readback(L, 1), to_ticket(L, 2), &ready);
    if (status != GPUMM_OK) return gpumm_lua__fail_ticket(L, status);
    return ready || !lua_isyieldable(L) ? wait_ticket(L, to_readback(L, 1), -1) : yield_self(L);
}

static int readback_await(lua_State *L) {
    to_readback(L, 1);
    return await_on(L, LUA_OK, 0);
}

typedef gpumm_status deliver(gpumm_readback *readback, gpumm_frame **out);

static int delivered(lua_State *L, deliver *function) {
    gpumm_readback *readback = to_readback(L, 1);
    bind_handle *handle = gpumm_lua__new_frame(L, 1, readback);
    gpumm_frame *frame;
    gpumm_status status = function(readback, &frame);
    return status == GPUMM_OK ? give_frame(L, handle, frame) : gpumm_lua__fail(L, status);
}

static int readback_latest(lua_State *L) { return delivered(L, gpumm_readback_latest); }
static int readback_next(lua_State *L) { return delivered(L, gpumm_readback_next); }

static int readback_fd(lua_State *L) {
    int fd;
    gpumm_status status = gpumm_readback_fd(to_readback(L, 1), &fd);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_pushinteger(L, fd);
    return 1;
}

/* ---- Properties --------------------------------------------------------------------------- */

static int readback_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class);
    if (handle->borrowed)
        return gpumm_lua__raise(L, fail(GPUMM_INVALID_ARGUMENT, "this readback is the application's to close"));
    if (handle->object) gpumm_readback_close(handle->object);
    return 0;
}

static int readback_dropped(lua_State *L) {
    gpumm_lua__push_count(L, gpumm_readback_dropped(to_readback(L, 1)));
    return 1;
}

static int readback_newest(lua_State *L) {
    gpumm_ticket newest = gpumm_readback_newest(to_readback(L, 1));
    if (newest == 0) lua_pushnil(L);
    else gpumm_lua__push_count(L, newest);
    return 1;
}

static int readback_slots(lua_State *L) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__readback_class);
    if (handle->slots == 0) return 0;
    lua_pushinteger(L, handle->slots);
    return 1;
}

static int readback_manager(lua_State *L) {
    to_readback(L, 1);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"capture", readback_capture}, {"ready", readback_ready},
    {"wait", readback_wait},       {"await", readback_await},
    {"cancel", readback_cancel},   {"latest", readback_latest},
    {"next", readback_next},       {"fd", readback_fd},
    {"close", readback_close},     {NULL, NULL},
};

static const luaL_Reg properties[] = {{"dropped", readback_dropped},
                                      {"newest", readback_newest},
                                      {"slots", readback_slots},
                                      {"manager", readback_manager},
                                      {NULL, NULL}};
static const luaL_Reg meta[] = {{"__close", readback_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *readback) { gpumm_readback_release(readback); }

const bind_class gpumm_lua__readback_class = {.name = "gpumm.readback",
                                              .methods = methods,
                                              .properties = properties,
                                              .meta = meta,
                                              .release = release,
                                              .unheeded = " capture "};

/* ---- The ancestor's pair -------------------------------------------------------------------- */

static int manager_start_async_download(lua_State *L) {
    gpumm_status status;
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    const char *name = gpumm_lua__text(L, 2);
    BIND_RETRY(L, status, gpumm_start_async_download(manager, name));
    return gpumm_lua__result(L, status);
}

/* The view has its own copy: the frame ends here, and its slot is free. */
static int manager_wait_for_download(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    const char *name = gpumm_lua__text(L, 2);
    double seconds = gpumm_lua__seconds(L, 3);
    gpumm_frame *frame;
    gpumm_frame_info info;
    const void *from;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__frame_class, 1);
    gpumm_status status = gpumm_wait_for_download(manager, name, seconds, &frame);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, frame);
    gpumm_frame_get_info(frame, &info);
    const gpumm_type *type = gpumm_buffer_type(gpumm_readback_buffer(gpumm_frame_readback(frame), 0));
    void *to = gpumm_lua__view_push_owned(L, type, info.length);
    status = gpumm_frame_data(frame, 0, &from);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    if (info.length > 0) memcpy(to, from, info.length * gpumm_type_size(type));
    gpumm_frame_close(frame);
    return 1;
}

/* ---- What others get from here -------------------------------------------------------------- */

static int frame_readback(lua_State *L) {
    const gpumm_frame *frame = gpumm_lua__check(L, 1, &gpumm_lua__frame_class);
    return gpumm_lua__find(L, &gpumm_lua__readback_class, gpumm_frame_readback(frame)) ? 1 : 0;
}

const luaL_Reg gpumm_lua__manager_readbacks[] = {
    {"readback", manager_readback},
    {"start_async_download", manager_start_async_download},
    {"wait_for_download", manager_wait_for_download},
    {NULL, NULL},
};
const luaL_Reg gpumm_lua__buffer_readbacks[] = {{"readback", buffer_readback}, {NULL, NULL}};
const luaL_Reg gpumm_lua__group_readbacks[] = {{"readback", group_readback}, {NULL, NULL}};
const luaL_Reg gpumm_lua__frame_readbacks[] = {{"readback", frame_readback}, {NULL, NULL}};
