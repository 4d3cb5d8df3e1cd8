/* SPDX-License-Identifier: MIT */
/*
 * Buffers.
 *
 *   m:allocate(name, type, length [, config])   named; type nil: config.bytes_per_element opaque bytes
 *   m:buffer {type =, length =, …}              anonymous: goes with its last handle
 *   m:get_buffer(name [, type])  m:free(name)  m:ensure_capacity(name, n)
 *
 *   b:upload(data [, first] [, where])              data: a table, a string, a view
 *   b:download([first [, count]] [, where])         a view that owns its memory
 *   b:fill(value [, first [, count]] [, where])
 *   b:copy(from [, {first =, from_first =, count =, stream =}])
 *   b:resize(n [, where])  b:append(data or n [, where])  b:ensure_capacity(n)  b:shrink_to_fit()
 *   b:used(stream, "read"|"write")  b:readback {…}  b:segments()  b:residency()  b:free()  b:close()
 *
 * `where` is {stream = s}, with first and count too where there is a range, or a stream.
 */
#include "bind/api/buffer.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/size.h"
#include "base/status.h"
#include "bind/api/elements.h"
#include "bind/api/growth.h"
#include "bind/api/keep.h"
#include "bind/api/manager.h"
#include "bind/api/recorder.h"
#include "bind/api/schedule.h"
#include "bind/api/stream.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/state.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/permissions.h"
#include "gpumm_compat.h"

/* ---- Making them --------------------------------------------------------------------------- */

/* Those of m:buffer; m:allocate has the first two as arguments. */
static const char *const keys[] = {"type",
                                   "length",
                                   "bytes_per_element",
                                   "growth_factor",
                                   "max_size_bytes",
                                   "min_size_bytes",
                                   "enable_async",
                                   "growth",
                                   "align",
                                   "ahead",
                                   "max_length",
                                   "shareable",
                                   "devices",
                                   "stripe",
                                   "tag",
                                   "stream",
                                   NULL};
enum { ALLOCATE_KEYS = 2 };

typedef struct buffer_plan {
    gpumm_config config;
    gpumm_growth growth;
    bool scheduled;               /* is growth set, beside the config's factor? */
    int function;                 /* the stack slot of a Lua schedule, 0: none */
    gpumm_buffer_options options; /* the rest of them */
    unsigned devices[GPUMM_DEVICES_MAX];
    char tag[BIND_TAG];
} buffer_plan;

/* Pushes one value, which keeps the growth's list alive. */
static void read_growth(lua_State *L, int table, buffer_plan *plan) {
    plan->scheduled = gpumm_lua__has_option(L, table, "growth");
    bool function = gpumm_lua__option_growth(L, table, &plan->growth);
    if (function) plan->function = lua_gettop(L);
}

/* In C a 0 stands for the default; who writes it in Lua means something else. */
static void check_written(lua_State *L, const gpumm_config *c) {
    gpumm_type *type;
    if (c->growth_factor == 0)
        luaL_error(L, "growth_factor is 0: it must be a number from 1 to %d", GROWTH_FACTOR_MOST);
    if (c->bytes_per_element == 0) gpumm_lua__raise(L, gpumm_type_bytes(0, &type));
}

/* The application (or --device) chose one device: memory on another would get round that. One number alone is the
   manager's own, or core refuses it; and the host device stands for any of them in the same memory. Slot 1: the manager. */
static void check_devices(lua_State *L, size_t count) {
    const bind_state *state = gpumm_lua__state_of(L);
    gpumm_device_info info;
    if (state->device[0] == '\0' || count < 2) return;
    gpumm_status status = gpumm_manager_get_info(gpumm_lua__to_manager(L, 1), &info);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    if (strcmp(info.kind, "host") == 0) return;
    luaL_error(L,
               "a buffer on several devices is not allowed: the application or --device chose '%s', which is all that "
               "scripts get; leave out the option devices",
               state->device);
}

/* A whole stripe is committed where the limit counts a byte, so nothing would bound what a contained script takes. */
static void read_stripe(lua_State *L, int table, buffer_plan *plan) {
    if (gpumm_lua__has_option(L, table, "devices") || gpumm_lua__has_option(L, table, "stripe"))
        gpumm_lua__require_permission(L, BIND_STRIPE, NULL);
    plan->options.device_count = gpumm_lua__option_numbers(L, table, "devices", plan->devices, GPUMM_DEVICES_MAX);
    check_devices(L, plan->options.device_count);
    plan->options.stripe = gpumm_lua__option_size(L, table, "stripe", 0);
    if (gpumm_lua__has_option(L, table, "stripe") && !plan->options.stripe)
        luaL_error(L, "stripe is 0: it must be a size");
}

static void read_plan(lua_State *L, int table, buffer_plan *plan) {
    gpumm_config *c = &plan->config;
    c->bytes_per_element = gpumm_lua__option_size(L, table, "bytes_per_element", c->bytes_per_element);
    c->growth_factor = gpumm_lua__option_number(L, table, "growth_factor", c->growth_factor);
    c->max_size_bytes = gpumm_lua__option_size(L, table, "max_size_bytes", c->max_size_bytes);
    c->min_size_bytes = gpumm_lua__option_size(L, table, "min_size_bytes", c->min_size_bytes);
    c->enable_async = gpumm_lua__option_bool(L, table, "enable_async", c->enable_async);
    check_written(L, c);
    plan->options.max_length = gpumm_lua__option_count(L, table, "max_length", 0);
    plan->options.ahead = gpumm_lua__option_ahead(L, table);
    plan->options.shareable = gpumm_lua__option_bool(L, table, "shareable", false);
    read_stripe(L, table, plan);
    plan->options.stream = gpumm_lua__option_stream(L, table);
    plan->options.tag = gpumm_lua__option_text(L, table, "tag", plan->tag);
    read_growth(L, table, plan);
}

/* A type of opaque bytes, with memory that counts as the state's. */
static gpumm_status opaque(uint64_t bytes, const gpumm_allocator *from, const gpumm_type **out) {
    char name[32];
    gpumm_type *type;
    snprintf(name, sizeof name, "bytes%llu", (unsigned long long)bytes);
    TRY(gpumm_type_parse_with(from, name, &type));
    *out = type;
    return GPUMM_OK;
}

/* What core is to make, from the plan; `made` gets a type to release, or NULL. Calls no Lua. */
static gpumm_status complete(buffer_plan *plan, const gpumm_type *type, const gpumm_allocator *from,
                             gpumm_buffer_options *out, const gpumm_type **made) {
    TRY(gpumm_config_options(&plan->config, out));
    gpumm_type_release(out->type);
    out->type = type;
    if (!type) TRY(opaque(plan->config.bytes_per_element, from, made));
    if (!type) out->type = *made;
    out->name = plan->options.name;
    out->length = plan->options.length;
    if (plan->options.max_length) out->max_length = plan->options.max_length;
    out->ahead = plan->options.ahead;
    out->shareable = plan->options.shareable;
    out->devices = plan->devices;
    out->device_count = plan->options.device_count;
    out->stripe = plan->options.stripe;
    out->stream = plan->options.stream;
    out->tag = plan->options.tag;
    uint64_t align = plan->growth.align;
    if (plan->scheduled) out->growth = plan->growth;
    if (align) out->growth.align = align;
    return GPUMM_OK;
}

/* Makes it, with the manager in slot 1. */
static int make(lua_State *L, buffer_plan *plan, const gpumm_type *type) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__buffer_class, 1);
    gpumm_buffer_options options;
    const gpumm_type *made = NULL;
    gpumm_buffer *buffer;
    gpumm_allocator from = gpumm_lua__own_allocator(L);
    gpumm_status status = complete(plan, type, &from, &options, &made);
    if (status == GPUMM_OK) BIND_RETRY(L, status, gpumm_manager_allocate(manager, &options, &buffer));
    gpumm_type_release(made);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, buffer);
    if (options.name && gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class)->borrowed)
        gpumm_lua__keep_handle(L);                           /* as one that scripts made */
    if (plan->function == 0 && options.name) lua_pushnil(L); /* a freed namesake's may be there still */
    else if (plan->function != 0) lua_pushvalue(L, plan->function);
    else return 1;
    gpumm_lua__keep_schedule(L, lua_gettop(L) - 1, NULL, buffer, lua_gettop(L));
    lua_pop(L, 1);
    return 1;
}

static const gpumm_type *type_or_null(lua_State *L, int index) {
    return lua_isnoneornil(L, index) ? NULL : gpumm_lua__to_type(L, index);
}

static int manager_allocate(lua_State *L) {
    buffer_plan plan = {.config = gpumm_config_default()};
    lua_settop(L, 5);
    gpumm_lua__to_manager(L, 1);
    plan.options.name = gpumm_lua__text(L, 2);
    const gpumm_type *type = type_or_null(L, 3);
    plan.options.length = gpumm_lua__count(L, 4);
    plan.options.tag = gpumm_lua__tag(L, plan.tag);
    if (!lua_isnil(L, 5)) {
        gpumm_lua__options(L, 5, keys + ALLOCATE_KEYS, false);
        read_plan(L, 5, &plan);
    }
    return make(L, &plan, type);
}

static void check_nameless(lua_State *L, int table) {
    if (lua_istable(L, table) && gpumm_lua__has_option(L, table, "name"))
        luaL_error(L, "unknown option \"name\": m:allocate(name, type, length, {…}) makes a buffer with a name");
}

static int manager_buffer(lua_State *L) {
    buffer_plan plan = {.config = gpumm_config_default()};
    plan.config.min_size_bytes = 0;
    lua_settop(L, 2);
    gpumm_lua__to_manager(L, 1);
    check_nameless(L, 2);
    gpumm_lua__options(L, 2, keys, false);
    plan.options.tag = gpumm_lua__tag(L, plan.tag);
    plan.options.length = gpumm_lua__option_count(L, 2, "length", 0);
    if (!gpumm_lua__option(L, 2, "type")) lua_pushnil(L);
    const gpumm_type *type = type_or_null(L, 3);
    read_plan(L, 2, &plan);
    int results = make(L, &plan, type);
    if (results == 1) {
        gpumm_buffer_info info;
        gpumm_buffer *buffer = gpumm_lua__to_buffer(L, -1);
        if (gpumm_buffer_get_info(buffer, &info) == GPUMM_OK)
            gpumm_lua__collector_pressure(L, lua_touserdata(L, -1), info.capacity_bytes);
    }
    return results;
}

void gpumm_lua__push_buffer(lua_State *L, gpumm_buffer *buffer, int owner) {
    if (gpumm_lua__find(L, &gpumm_lua__buffer_class, buffer)) return;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__buffer_class, owner);
    gpumm_lua__adopt(L, handle, gpumm_buffer_retain(buffer));
}

/* ---- By name ------------------------------------------------------------------------------ */

/* Pushes the handle that this state has of it already, so that asking makes no garbage. [-0, +(0|1), -] */
static gpumm_buffer *find_known(lua_State *L, const char *name, const gpumm_type *type) {
    gpumm_buffer *buffer;
    if (gpumm_manager_find(gpumm_lua__to_manager(L, 1), name, type, &buffer) != GPUMM_OK) return NULL;
    bool known = gpumm_lua__find(L, &gpumm_lua__buffer_class, buffer);
    gpumm_buffer_release(buffer); /* the handle has a reference of its own */
    return known ? buffer : NULL;
}

/* Pushes the buffer that the name in slot 2 names; else what a failed call returns, and in *results
   how many. What a borrowed manager has and this state does not know is the application's. */
static gpumm_buffer *find_named(lua_State *L, const gpumm_type *type, int *results) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    const char *name = gpumm_lua__text(L, 2);
    gpumm_buffer *known = find_known(L, name, type);
    if (known) return known;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__buffer_class, 1);
    handle->borrowed = gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class)->borrowed;
    gpumm_buffer *buffer;
    gpumm_status status = gpumm_manager_find(manager, name, type, &buffer);
    if (status != GPUMM_OK) {
        *results = gpumm_lua__fail(L, status);
        return NULL;
    }
    gpumm_lua__adopt(L, handle, buffer);
    return buffer;
}

static int manager_get_buffer(lua_State *L) {
    int results = 1;
    lua_settop(L, 3);
    find_named(L, type_or_null(L, 3), &results);
    return results;
}

static gpumm_status not_borrowed(const bind_handle *handle) {
    if (!handle->borrowed) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "this buffer is the application's to free");
}

/* What is kept for the buffer at `index`: its schedule, its handle. */
static void forget(lua_State *L, int index, gpumm_buffer *buffer) {
    lua_pushnil(L);
    gpumm_lua__keep_schedule(L, index, NULL, buffer, lua_gettop(L));
    lua_pop(L, 1);
    gpumm_lua__keep_no_longer(L, index, buffer);
}

static int free_at(lua_State *L, int index) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, index);
    gpumm_status status = not_borrowed(gpumm_lua__handle_at(L, index, &gpumm_lua__buffer_class));
    if (status == GPUMM_OK) status = gpumm_buffer_close(buffer);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    forget(L, index, buffer);
    lua_pushboolean(L, 1);
    return 1;
}

static int manager_free(lua_State *L) {
    int results = 0;
    lua_settop(L, 2);
    return find_named(L, NULL, &results) ? free_at(L, 3) : results;
}

static int ensure_at(lua_State *L, int index, uint64_t capacity) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, index);
    gpumm_status status = gpumm_lua__grow_ahead(L, index, gpumm_buffer_group(buffer), buffer, capacity);
    if (status == GPUMM_OK) BIND_RETRY(L, status, gpumm_buffer_ensure_capacity(buffer, capacity));
    return gpumm_lua__result(L, status);
}

static int manager_ensure_capacity(lua_State *L) {
    int results = 0;
    lua_settop(L, 3);
    uint64_t capacity = gpumm_lua__count(L, 3);
    return find_named(L, NULL, &results) ? ensure_at(L, 4, capacity) : results;
}

/* ---- Contents ----------------------------------------------------------------------------- */

/* Positions in C's messages count from 0; a script counts them from 1. */
static void count_from_one(void) {
    static const char words[] = "; elements ";
    unsigned long long first, last;
    const char *message = gpumm_message(), *at = strstr(message, words);
    if (!at || sscanf(at, "; elements %llu to %llu lie outside", &first, &last) != 2) return;
    fail(GPUMM_INVALID_ARGUMENT, "%.*s%s%llu to %llu, counted from 1, lie outside", (int)(at - message), message, words,
         first + 1, last + 1);
}

static int result_of_range(lua_State *L, gpumm_status status) {
    if (status == GPUMM_INVALID_ARGUMENT) count_from_one();
    return gpumm_lua__result(L, status);
}

static int buffer_upload(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    struct elements data;
    bind_range range;
    lua_settop(L, 5);
    luaL_argcheck(L, !lua_isnil(L, 2), 2, "data expected: a table, a string or a view");
    gpumm_lua__to_range(L, 3, 0, &range);
    gpumm_lua__to_elements(L, 2, gpumm_buffer_type(buffer), &data);
    if (range.counted && range.count != data.count)
        return luaL_error(L, "upload: count is %I, but the data has %I elements", (LUAI_UACINT)range.count,
                          (LUAI_UACINT)data.count);
    return result_of_range(L, gpumm_buffer_upload(buffer, range.stream, range.first, data.count, data.bytes));
}

static int buffer_download(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    gpumm_buffer_info info;
    bind_range range;
    gpumm_status status = gpumm_buffer_get_info(buffer, &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_settop(L, 4);
    gpumm_lua__to_range(L, 2, info.length, &range);
    if (range.first > info.length || range.count > info.length - range.first)
        return luaL_error(L, "download: elements %I to %I of a buffer of length %I", (LUAI_UACINT)(range.first + 1),
                          (LUAI_UACINT)size_min(range.first + range.count, INT64_MAX), (LUAI_UACINT)info.length);
    void *bytes = gpumm_lua__view_push_owned(L, gpumm_buffer_type(buffer), range.count);
    status = gpumm_buffer_download(buffer, range.stream, range.first, range.count, bytes);
    return status == GPUMM_OK ? 1 : gpumm_lua__fail(L, status);
}

/* The value at `index`: a number or a table, or the one element of a view or buffer. */
static void to_element(lua_State *L, int index, const gpumm_type *type, void *element) {
    struct elements data;
    if (lua_type(L, index) != LUA_TUSERDATA) {
        gpumm_lua__encode_one(L, index, type, element);
        return;
    }
    gpumm_lua__to_elements(L, index, type, &data);
    if (data.count != 1)
        luaL_error(L, "fill: one element is wanted, and this has %I: b:upload writes many", (LUAI_UACINT)data.count);
    memcpy(element, data.bytes, gpumm_type_size(type));
}

static int buffer_fill(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    const gpumm_type *type = gpumm_buffer_type(buffer);
    gpumm_buffer_info info;
    bind_range range;
    gpumm_status status = gpumm_buffer_get_info(buffer, &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    lua_settop(L, 5);
    gpumm_lua__to_range(L, 3, info.length, &range);
    void *element = lua_newuserdatauv(L, gpumm_type_size(type), 0);
    memset(element, 0, gpumm_type_size(type));
    to_element(L, 2, type, element);
    gpumm_recording *recording =
        gpumm_lua__recording_for(L, gpumm_lua__state_of(L), gpumm_buffer_manager(buffer), range.stream);
    if (!recording)
        return result_of_range(L, gpumm_buffer_fill(buffer, range.stream, range.first, range.count, element));
    uint64_t count = range.counted ? range.count : GPUMM_TO_END;
    return result_of_range(L, gpumm_recording_fill(recording, buffer, range.first, count, element));
}

static int buffer_copy(lua_State *L) {
    static const char *const valid[] = {"first", "from_first", "count", "stream", NULL};
    gpumm_buffer *to = gpumm_lua__to_buffer(L, 1), *from = gpumm_lua__to_buffer(L, 2);
    gpumm_buffer_info info;
    gpumm_status status = gpumm_buffer_get_info(from, &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_stream *stream = gpumm_lua__where(L, 3, valid);
    uint64_t first = 0, from_first = 0, count = info.length;
    bool counted = false;
    if (lua_istable(L, 3)) {
        first = gpumm_lua__option_first(L, 3, "first");
        from_first = gpumm_lua__option_first(L, 3, "from_first");
        count = info.length > from_first ? info.length - from_first : 0;
        counted = gpumm_lua__has_option(L, 3, "count");
        count = gpumm_lua__option_count(L, 3, "count", count);
    }
    gpumm_recording *recording = gpumm_lua__recording_for(L, gpumm_lua__state_of(L), gpumm_buffer_manager(to), stream);
    if (!recording) return result_of_range(L, gpumm_buffer_copy(to, stream, first, from, from_first, count));
    if (!counted) count = GPUMM_TO_END;
    return result_of_range(L, gpumm_recording_copy(recording, to, first, from, from_first, count));
}

/* ---- Size --------------------------------------------------------------------------------- */

static gpumm_status resize(lua_State *L, uint64_t length, gpumm_stream *stream) {
    gpumm_status status;
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    TRY(gpumm_lua__grow_ahead(L, 1, gpumm_buffer_group(buffer), buffer, length));
    BIND_RETRY(L, status, gpumm_buffer_resize(buffer, stream, length));
    return status;
}

static int buffer_resize(lua_State *L) {
    gpumm_lua__to_buffer(L, 1);
    uint64_t length = gpumm_lua__count(L, 2);
    return gpumm_lua__result(L, resize(L, length, gpumm_lua__where(L, 3, NULL)));
}

static gpumm_status append_data(lua_State *L, gpumm_buffer *buffer, gpumm_stream *stream, uint64_t length) {
    struct elements data;
    uint64_t required;
    gpumm_lua__to_elements(L, 2, gpumm_buffer_type(buffer), &data);
    if (!size_add(length, data.count, &required)) return fail(GPUMM_OVER_MAX_SIZE, "too many elements");
    TRY(gpumm_lua__grow_ahead(L, 1, NULL, buffer, required));
    gpumm_lua__view_test(L, 2); /* a schedule may have ended the frame whose view it is: that raises */
    gpumm_status status;
    BIND_TRY_FIRST(status, gpumm_buffer_append(buffer, stream, data.count, data.bytes));
    if (!gpumm_lua__collects(L, status)) return status;
    gpumm_lua__view_test(L, 2); /* and so may finalisers */
    return gpumm_buffer_append(buffer, stream, data.count, data.bytes);
}

static int buffer_append(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    gpumm_buffer_info info;
    lua_settop(L, 3);
    gpumm_stream *stream = gpumm_lua__where(L, 3, NULL);
    gpumm_status status = gpumm_buffer_get_info(buffer, &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    if (gpumm_buffer_group(buffer))
        return gpumm_lua__raise(L, fail(GPUMM_INVALID_ARGUMENT, "'%s' is a member of a group: append to the group",
                                        gpumm_buffer_name(buffer)));
    if (lua_type(L, 2) != LUA_TNUMBER) return gpumm_lua__result(L, append_data(L, buffer, stream, info.length));
    uint64_t length;
    if (!size_add(info.length, gpumm_lua__count(L, 2), &length)) return luaL_argerror(L, 2, "too many elements");
    return gpumm_lua__result(L, resize(L, length, stream));
}

static int buffer_ensure(lua_State *L) {
    gpumm_lua__to_buffer(L, 1);
    return ensure_at(L, 1, gpumm_lua__count(L, 2));
}

static int buffer_shrink(lua_State *L) {
    return gpumm_lua__result(L, gpumm_buffer_shrink_to_fit(gpumm_lua__to_buffer(L, 1)));
}

static int buffer_used(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    gpumm_stream *stream = lua_isnoneornil(L, 2) ? NULL : gpumm_lua__to_stream(L, 2);
    return gpumm_lua__result(L, gpumm_buffer_used(buffer, stream, gpumm_lua__access(L, 3)));
}

/* A list of { offset =, bytes = }. */
/* A piece of memory: {offset =, bytes =}. [-0, +1, m] */
static void push_piece(lua_State *L, uint64_t offset, uint64_t bytes) {
    lua_createtable(L, 0, 3);
    gpumm_lua__push_count(L, offset);
    lua_setfield(L, -2, "offset");
    gpumm_lua__push_count(L, bytes);
    lua_setfield(L, -2, "bytes");
}

static int buffer_segments(lua_State *L) {
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    size_t count = 0, there;
    gpumm_status status = gpumm_buffer_segments(buffer, false, NULL, 0, &count);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_segment *segments = lua_newuserdatauv(L, (count + 1) * sizeof *segments, 0);
    status = gpumm_buffer_segments(buffer, false, segments, count, &there);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    count = there < count ? there : count; /* it may have shrunk meanwhile */
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_piece(L, segments[i].offset, segments[i].bytes);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int buffer_residency(lua_State *L) {
    static const char *const kinds[] = {[GPUMM_TIER_DEVICE] = "device", [GPUMM_TIER_HOST] = "host"};
    gpumm_buffer *buffer = gpumm_lua__to_buffer(L, 1);
    size_t count = 0, there;
    gpumm_status status = gpumm_buffer_residency(buffer, NULL, 0, &count);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_residency *pieces = lua_newuserdatauv(L, (count + 1) * sizeof *pieces, 0);
    status = gpumm_buffer_residency(buffer, pieces, count, &there);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    count = there < count ? there : count; /* it may have shrunk meanwhile */
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_piece(L, pieces[i].offset, pieces[i].bytes);
        lua_pushstring(L, kinds[pieces[i].tier]);
        lua_setfield(L, -2, "kind");
        if (pieces[i].device >= 0) {
            lua_pushinteger(L, pieces[i].device);
            lua_setfield(L, -2, "device");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- Ending them -------------------------------------------------------------------------- */

static int buffer_free(lua_State *L) { return free_at(L, 1); }

/* As free, and nothing where it is freed already, a group's, or the application's. */
static int buffer_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__buffer_class);
    if (!handle->object || handle->borrowed) return 0;
    if (gpumm_buffer_close(handle->object) == GPUMM_OK) forget(L, 1, handle->object);
    return 0;
}

/* ---- Properties --------------------------------------------------------------------------- */

static gpumm_buffer_info info_of(lua_State *L) {
    gpumm_buffer_info info;
    gpumm_status status = gpumm_buffer_get_info(gpumm_lua__to_buffer(L, 1), &info);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    return info;
}

#define COUNT_PROPERTY(field) \
    static int buffer_##field(lua_State *L) { \
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

static int buffer_address(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)info_of(L).address);
    return 1;
}

static int buffer_name(lua_State *L) {
    lua_pushstring(L, gpumm_buffer_name(gpumm_lua__to_buffer(L, 1)));
    return 1;
}

static int buffer_type(lua_State *L) {
    gpumm_lua__push_type(L, gpumm_buffer_type(gpumm_lua__to_buffer(L, 1)));
    return 1;
}

static int buffer_manager(lua_State *L) {
    gpumm_lua__to_buffer(L, 1);
    gpumm_lua__push_owner(L, 1);
    return 1;
}

/* " 'name'", or "" where the buffer is anonymous. [-0, +1, m] */
static const char *push_quoted(lua_State *L, const gpumm_buffer *buffer) {
    const char *name = buffer ? gpumm_buffer_name(buffer) : "";
    return name[0] ? lua_pushfstring(L, " '%s'", name) : lua_pushliteral(L, "");
}

static int buffer_text(lua_State *L) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__buffer_class);
    gpumm_buffer_info info;
    if (!handle->object || gpumm_buffer_get_info(handle->object, &info) != GPUMM_OK) {
        lua_pushfstring(L, "gpumm.buffer%s (freed)", push_quoted(L, handle->object));
        return 1;
    }
    lua_pushfstring(L, "gpumm.buffer%s of %I %s", push_quoted(L, handle->object), (LUAI_UACINT)info.length,
                    gpumm_type_name(gpumm_buffer_type(handle->object)));
    return 1;
}

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"upload", buffer_upload},
    {"download", buffer_download},
    {"fill", buffer_fill},
    {"copy", buffer_copy},
    {"resize", buffer_resize},
    {"append", buffer_append},
    {"ensure_capacity", buffer_ensure},
    {"shrink_to_fit", buffer_shrink},
    {"used", buffer_used},
    {"segments", buffer_segments},
    {"residency", buffer_residency},
    {"free", buffer_free},
    {"close", buffer_close},
    {NULL, NULL},
};

static const luaL_Reg properties[] = {
    {"name", buffer_name},
    {"type", buffer_type},
    {"length", buffer_length},
    {"capacity", buffer_capacity},
    {"capacity_bytes", buffer_capacity_bytes},
    {"committed_bytes", buffer_committed_bytes},
    {"max_length", buffer_max_length},
    {"address", buffer_address},
    {"generation", buffer_generation},
    {"mapping", buffer_mapping},
    {"manager", buffer_manager},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__len", buffer_length}, {"__close", buffer_close}, {"__tostring", buffer_text}, {NULL, NULL}};

static void release(void *buffer) { gpumm_buffer_release(buffer); }

const bind_class gpumm_lua__buffer_class = {
    .elements = "its elements are on the device: b:download() gives a view of them, b:upload(data) writes them",
    .assigned = "b:resize(n) changes the length, b:ensure_capacity(n) the capacity",
    .name = "gpumm.buffer",
    .methods = methods,
    .properties = properties,
    .meta = meta,
    .release = release,
    .unheeded = " fill copy __len __eq "};

gpumm_buffer *gpumm_lua__to_buffer(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__buffer_class);
}

const luaL_Reg gpumm_lua__manager_buffers[] = {
    {"allocate", manager_allocate},
    {"buffer", manager_buffer},
    {"get_buffer", manager_get_buffer},
    {"free", manager_free},
    {"ensure_capacity", manager_ensure_capacity},
    {NULL, NULL},
};
