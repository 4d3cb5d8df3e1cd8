/* SPDX-License-Identifier: MIT */
/*
 * Recordings: launches, fills, copies and captures recorded once, and enqueued by one call.
 *
 *   m:record(function(r) … end)    runs the function once; what it calls on the manager's objects is recorded:
 *     k(…)  b:fill(…)  b:copy(…)   as always; a fill or copy without a count goes to the length at each replay
 *     rb:capture(step)             with r:scalar "step" for a step that replays give
 *     r:scalar "name"              in the place of a kernel's value: what replays give by that name
 *     m:scan {…} and so on         primitives; without n of the lengths at each replay
 *     r:length(b)                  in the place of an integer: the length of a buffer or group at each replay
 *   recording:replay {name = value, …, stream = s}    true, or a ticket for each capture: false where it was dropped
 *   recording.count  recording:close()
 */
#include "bind/api/recording.h"

#include <string.h>

#include "base/size.h"
#include "bind/api/buffer.h"
#include "bind/api/group.h"
#include "bind/api/manager.h"
#include "bind/api/readback.h"
#include "bind/api/recorder.h"
#include "bind/api/values.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"

enum { BYTES = 4096, CAPTURES = 64 };
enum { VALUES = 1, READBACKS }; /* entries of a recording's table */

static gpumm_recording *to_recording(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__recording_class);
}

/* ---- Recording ---------------------------------------------------------------------------------------------- */

/* The recording on top gets its table; its values are returned, its list of readbacks is pushed. [-0, +1, m] */
static bind_values *give_table(lua_State *L) {
    lua_createtable(L, READBACKS, 0);
    bind_values *values = lua_newuserdatauv(L, sizeof *values, 0);
    values->count = 0;
    lua_rawseti(L, -2, VALUES);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, READBACKS);
    lua_insert(L, -2);
    lua_setiuservalue(L, -3, BIND_EXTRA);
    return values;
}

static int manager_record(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__recording_class, 1);
    gpumm_recording *recording;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_recording_open(manager, NULL, &recording));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, recording);
    gpumm_lua__collector_pressure(L, handle, 64 * 1024);
    bind_values *values = give_table(L);
    gpumm_lua__recorder_open(L, recording, values);
    lua_toclose(L, 4);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_call(L, 1, 0);
    lua_settop(L, 3); /* which closes the recorder */
    return 1;
}

static bind_token *new_token(lua_State *L) {
    bind_token *t = lua_newuserdatauv(L, sizeof *t, 1);
    *t = (bind_token){.buffer = NULL};
    luaL_setmetatable(L, gpumm_lua__token_class.name);
    return t;
}

static int recording_scalar(lua_State *L) {
    to_recording(L, 1);
    const char *name = gpumm_lua__text(L, 2);
    luaL_argcheck(L, name[0] && strlen(name) < RECORDED_NAME, 2, "a name of 1 to 63 bytes expected");
    luaL_argcheck(L, strcmp(name, "stream") != 0, 2, "replay { stream = … } says where it runs");
    strcpy(new_token(L)->name, name);
    return 1;
}

static int recording_length(lua_State *L) {
    to_recording(L, 1);
    gpumm_buffer *buffer = gpumm_lua__test(L, 2, &gpumm_lua__buffer_class);
    gpumm_group *group = buffer ? NULL : gpumm_lua__test(L, 2, &gpumm_lua__group_class);
    if (!buffer && !group) return luaL_typeerror(L, 2, "buffer or group");
    new_token(L)->buffer = buffer ? buffer : gpumm_group_at(group, 0);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/* ---- Replaying ---------------------------------------------------------------------------------------------- */

typedef struct replay {
    gpumm_recording *recording;
    gpumm_stream *stream;
    const bind_values *names;
    size_t used;
    gpumm_value values[RECORDED_VALUES];
    _Alignas(16) unsigned char bytes[BYTES];
} replay;

static void *take_bytes(lua_State *L, replay *x, size_t size) {
    uint64_t start = 0;
    if (!size_round_up(x->used, 16, &start) || start > BYTES || size > BYTES - start)
        luaL_error(L, "replay: the values take more than %d bytes", BYTES);
    x->used = start + size;
    return memset(x->bytes + start, 0, size);
}

/* The value on top, as parameter of that kind. [-0, +0, e] */
static void encode(lua_State *L, replay *x, const bind_value *v, gpumm_value *out) {
    out->name = v->full;
    out->size = v->parameter ? gpumm_type_size(v->parameter->element) : sizeof(int64_t);
    void *to = take_bytes(L, x, out->size);
    out->value = to;
    out->reserved = NULL;
    if (v->parameter && v->parameter->boolean) {
        *(unsigned char *)to = (unsigned char)(lua_isboolean(L, -1) ? lua_toboolean(L, -1) : lua_tointeger(L, -1) != 0);
    } else if (v->parameter) {
        gpumm_lua__encode_argument(L, lua_gettop(L), v->kernel, v->parameter, to);
    } else {
        int exact;
        int64_t step = lua_tointegerx(L, -1, &exact);
        if (!exact)
            luaL_error(L, "replay: '%s' is a step: a whole number expected, got %s", v->name, luaL_typename(L, -1));
        memcpy(to, &step, sizeof step);
    }
}

static int name_list(const bind_values *names, const char **list) {
    int count = 0;
    for (size_t i = 0; i < names->count; i++) {
        bool there = false;
        for (int j = 0; j < count; j++) there = there || strcmp(list[j], names->at[i].name) == 0;
        if (!there) list[count++] = names->at[i].name;
    }
    list[count++] = "stream";
    list[count] = NULL;
    return count;
}

/* Every name of the recording from the table in slot 2, and nothing else but the stream. */
static void read_values(lua_State *L, replay *x) {
    const char *list[RECORDED_VALUES + 2];
    name_list(x->names, list);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    gpumm_lua__options(L, 2, list, false);
    x->stream = gpumm_lua__option_stream(L, 2);
    for (size_t i = 0; i < x->names->count; i++) {
        const bind_value *v = &x->names->at[i];
        if (!gpumm_lua__option(L, 2, v->name))
            luaL_error(L, "replay: '%s' is missing: the recording takes it", v->name);
        encode(L, x, v, &x->values[i]);
        lua_pop(L, 1);
    }
}

/* Kept frames that are garbage do not starve the rings. [-0, +0, m] */
static void make_room(lua_State *L, int readbacks, int count) {
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, readbacks, i);
        gpumm_lua__readback_room(L);
    }
}

static int push_tickets(lua_State *L, const gpumm_ticket *tickets, int count) {
    luaL_checkstack(L, count, NULL);
    for (int i = 0; i < count; i++) {
        if (tickets[i]) gpumm_lua__push_count(L, tickets[i]);
        else lua_pushboolean(L, 0);
    }
    return count;
}

static int recording_replay(lua_State *L) {
    replay x;
    gpumm_ticket tickets[CAPTURES];
    x.recording = to_recording(L, 1);
    x.used = 0;
    lua_settop(L, 2);
    lua_getiuservalue(L, 1, BIND_EXTRA);
    lua_rawgeti(L, 3, VALUES);
    lua_rawgeti(L, 3, READBACKS);
    x.names = lua_touserdata(L, 4);
    int captures = (int)lua_rawlen(L, 5);
    read_values(L, &x);
    make_room(L, 5, captures);
    gpumm_status status = gpumm_recording_replay(x.recording, x.stream, x.values, x.names->count, tickets);
    if (status != GPUMM_OK || captures == 0) return gpumm_lua__result(L, status);
    return push_tickets(L, tickets, captures);
}

/* ---- Properties --------------------------------------------------------------------------------------------- */

static int recording_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__recording_class);
    gpumm_recording_close(handle->object);
    handle->closed = true;
    return 0;
}

static int recording_count(lua_State *L) {
    gpumm_lua__push_count(L, gpumm_recording_count(to_recording(L, 1)));
    return 1;
}

static int recording_manager(lua_State *L) {
    to_recording(L, 1);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {{"scalar", recording_scalar},
                                   {"length", recording_length},
                                   {"replay", recording_replay},
                                   {"close", recording_close},
                                   {NULL, NULL}};
static const luaL_Reg properties[] = {{"count", recording_count}, {"manager", recording_manager}, {NULL, NULL}};
static const luaL_Reg meta[] = {{"__close", recording_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *recording) { gpumm_recording_release(recording); }

const bind_class gpumm_lua__recording_class = {.name = "gpumm.recording",
                                               .methods = methods,
                                               .properties = properties,
                                               .meta = meta,
                                               .release = release,
                                               .unheeded = " scalar length "};

const luaL_Reg gpumm_lua__manager_recordings[] = {{"record", manager_record}, {NULL, NULL}};
