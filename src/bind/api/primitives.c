/* SPDX-License-Identifier: MIT */
/*
 * Primitives of whole buffers. Each takes a table, and returns true once it is enqueued.
 *
 *   m:scan {from =, to =, exclusive =, total =, n =, stream =}          running sums; to: in place where absent
 *   m:reduce {from =, to =, op = "sum"|"min"|"max"|"argmin"|"argmax", n =, stream =}
 *   m:sort {keys =, values =, to_keys =, to_values =, descending =, bits =, n =, stream =}
 *   m:unique {from =, to =, count =, n =, stream =}
 *   m:select {from =, flags =, to =, count =, n =, stream =}            without from: the positions, from 0
 *   m:histogram {from =, to =, low =, high =, n =, stream =}
 *
 * n is the number of elements, from the first on; without it, all that the first buffer has. Within m:record they are recorded,
 * and without n take all that there are at each replay.
 */
#include "bind/api/primitives.h"

#include <string.h>

#include "bind/api/buffer.h"
#include "bind/api/manager.h"
#include "bind/api/recorder.h"
#include "bind/api/where.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"

/* The buffer of an option; NULL where it is absent. A closed one is core's to refuse. The table holds it. */
static gpumm_buffer *option_buffer(lua_State *L, const char *key, bool needed) {
    if (!gpumm_lua__option(L, 2, key)) {
        if (needed) luaL_error(L, "option \"%s\" is missing: a buffer", key);
        return NULL;
    }
    const bind_handle *handle = gpumm_lua__test_handle(L, -1, &gpumm_lua__buffer_class);
    if (!handle || !handle->object) gpumm_lua__bad_option(L, key, "a buffer");
    lua_pop(L, 1);
    return handle->object;
}

/* What all of them have: the manager, the stream, and how many elements, of `first` where nothing says so. */
typedef struct call {
    gpumm_manager *manager;
    gpumm_stream *stream;
    gpumm_recording *recording; /* where it goes instead; NULL: it is enqueued */
    uint64_t n;
} call;

static call read_call(lua_State *L, const char *const *keys) {
    lua_settop(L, 2);
    call c = {.manager = gpumm_lua__to_manager(L, 1)};
    gpumm_lua__options(L, 2, keys, false);
    c.stream = gpumm_lua__option_stream(L, 2);
    return c;
}

static gpumm_status count_elements(lua_State *L, call *c, gpumm_buffer *first) {
    gpumm_buffer_info info;
    bool given = gpumm_lua__has_option(L, 2, "n");
    if (given) c->n = gpumm_lua__option_count(L, 2, "n", 0);
    c->recording = gpumm_lua__recording_for(L, gpumm_lua__state_of(L), c->manager, c->stream);
    if (given) return GPUMM_OK;
    if (c->recording) return c->n = GPUMM_TO_END, GPUMM_OK;
    gpumm_status status = gpumm_buffer_get_info(first, &info);
    if (status == GPUMM_OK) c->n = info.length;
    return status;
}

/* The call of that name, with options in `o`. */
#define ENQUEUE(L, name) \
    do { \
        if (status != GPUMM_OK) break; \
        if (c.recording) BIND_RETRY(L, status, gpumm_recording_##name(c.recording, c.n, &o)); \
        else BIND_RETRY(L, status, gpumm_##name(c.manager, c.stream, c.n, &o)); \
    } while (0)

/* A wrong type is a mistake in the script. */
static int answer(lua_State *L, gpumm_status status) {
    return status == GPUMM_TYPE_MISMATCH ? gpumm_lua__raise(L, status) : gpumm_lua__result(L, status);
}

static int manager_scan(lua_State *L) {
    static const char *const keys[] = {"from", "to", "exclusive", "total", "n", "stream", NULL};
    call c = read_call(L, keys);
    gpumm_scan_options o = {.from = option_buffer(L, "from", true),
                            .to = option_buffer(L, "to", false),
                            .exclusive = gpumm_lua__option_bool(L, 2, "exclusive", false),
                            .total = gpumm_lua__option_bool(L, 2, "total", false)};
    gpumm_status status = count_elements(L, &c, o.from);
    ENQUEUE(L, scan);
    return answer(L, status);
}

static gpumm_reduction option_op(lua_State *L) {
    static const char *const names[] = {"sum", "min", "max", "argmin", "argmax", NULL};
    const char *name = gpumm_lua__option_text(L, 2, "op", NULL);
    if (!name) luaL_error(L, "option \"op\" is missing: \"sum\", \"min\", \"max\", \"argmin\" or \"argmax\"");
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) return (gpumm_reduction)i;
    gpumm_lua__unknown(L, "op", name, names);
    return GPUMM_REDUCE_SUM;
}

static int manager_reduce(lua_State *L) {
    static const char *const keys[] = {"from", "to", "op", "n", "stream", NULL};
    call c = read_call(L, keys);
    gpumm_reduce_options o = {
        .from = option_buffer(L, "from", true), .to = option_buffer(L, "to", true), .op = option_op(L)};
    gpumm_status status = count_elements(L, &c, o.from);
    ENQUEUE(L, reduce);
    return answer(L, status);
}

static int manager_sort(lua_State *L) {
    static const char *const keys[] = {"keys", "values", "to_keys", "to_values", "descending",
                                       "bits", "n",      "stream",  NULL};
    call c = read_call(L, keys);
    gpumm_sort_options o = {.keys = option_buffer(L, "keys", true),
                            .values = option_buffer(L, "values", false),
                            .to_keys = option_buffer(L, "to_keys", false),
                            .to_values = option_buffer(L, "to_values", false),
                            .descending = gpumm_lua__option_bool(L, 2, "descending", false),
                            .bits = gpumm_lua__option_unsigned(L, 2, "bits", 0)};
    gpumm_status status = count_elements(L, &c, o.keys);
    ENQUEUE(L, sort);
    return answer(L, status);
}

static int manager_unique(lua_State *L) {
    static const char *const keys[] = {"from", "to", "count", "n", "stream", NULL};
    call c = read_call(L, keys);
    gpumm_unique_options o = {.from = option_buffer(L, "from", true),
                              .to = option_buffer(L, "to", true),
                              .count = option_buffer(L, "count", false)};
    gpumm_status status = count_elements(L, &c, o.from);
    ENQUEUE(L, unique);
    return answer(L, status);
}

static int manager_select(lua_State *L) {
    static const char *const keys[] = {"from", "flags", "to", "count", "n", "stream", NULL};
    call c = read_call(L, keys);
    gpumm_select_options o = {.from = option_buffer(L, "from", false),
                              .flags = option_buffer(L, "flags", true),
                              .to = option_buffer(L, "to", true),
                              .count = option_buffer(L, "count", false)};
    gpumm_status status = count_elements(L, &c, o.flags);
    ENQUEUE(L, select);
    return answer(L, status);
}

static int manager_histogram(lua_State *L) {
    static const char *const keys[] = {"from", "to", "low", "high", "n", "stream", NULL};
    call c = read_call(L, keys);
    gpumm_histogram_options o = {.from = option_buffer(L, "from", true),
                                 .to = option_buffer(L, "to", true),
                                 .low = gpumm_lua__option_number(L, 2, "low", 0),
                                 .high = gpumm_lua__option_number(L, 2, "high", 0)};
    gpumm_status status = count_elements(L, &c, o.from);
    ENQUEUE(L, histogram);
    return answer(L, status);
}

const luaL_Reg gpumm_lua__manager_primitives[] = {
    {"scan", manager_scan},     {"reduce", manager_reduce},       {"sort", manager_sort}, {"unique", manager_unique},
    {"select", manager_select}, {"histogram", manager_histogram}, {NULL, NULL},
};
