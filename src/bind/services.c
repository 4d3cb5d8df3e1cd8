/* SPDX-License-Identifier: MIT */
/* What gpumm_lua.h offers to modules on top of gpumm: outcomes, paths, views, and files that are written whole. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bind/api/view.h"
#include "bind/bind.h"
#include "bind/io/file.h"
#include "bind/sandbox/sandbox.h"
#include "gpumm_lua.h"

/* ---- Outcomes --------------------------------------------------------------------------------- */

int gpumm_lua_result(lua_State *L, gpumm_status status) { return gpumm_lua__result(L, status); }

gpumm_status gpumm_lua_fail(gpumm_status status, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return fail(status, "%s", text);
}

void gpumm_lua_say(lua_State *L, gpumm_log_level level, const char *line) {
    const bind_state *state = gpumm_lua__state_of(L);
    if (state->log) state->log(state->log_user, level, line);
}

gpumm_allocator gpumm_lua_allocator(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    return s ? gpumm_lua__sandbox_allocator(s) : gpumm__alloc_default;
}

const char *gpumm_lua_check_path(lua_State *L, int index, gpumm_lua_access access) {
    return gpumm_lua__path(L, lua_absindex(L, index), access == GPUMM_LUA_READ ? BIND_READ : BIND_WRITE);
}

/* ---- Views ------------------------------------------------------------------------------------ */

bool gpumm_lua_to_view(lua_State *L, int index, gpumm_lua_view *out) {
    const view *v = gpumm_lua__view_test(L, index);
    if (!v) return false;
    const void *bytes = gpumm_lua__view_contiguous(L, lua_absindex(L, index));
    *out = (gpumm_lua_view){v->type, v->count, bytes};
    return true;
}

/* An empty view that holds the type of that name. [-0, +1, e] */
static view *push_typed(lua_State *L, const char *name) {
    gpumm_type *type;
    view *v = gpumm_lua__view_push_empty(L);
    gpumm_status status = gpumm_type_parse(name, &type);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    gpumm_lua__view_hold(v, type);
    return v;
}

void *gpumm_lua_push_view(lua_State *L, const char *type, uint64_t count) {
    push_typed(L, type);
    return gpumm_lua__view_take_memory(L, count);
}

void gpumm_lua_push_window(lua_State *L, const char *type, uint64_t count, const void *bytes, int anchor) {
    anchor = lua_absindex(L, anchor);
    push_typed(L, type);
    gpumm_lua__view_lend_memory(L, count, bytes, anchor);
}

/* ---- Files ------------------------------------------------------------------------------------ */

struct gpumm_lua_output {
    file_writer writer;
    char path[PATH_MAX];
};

gpumm_status gpumm_lua_output_probe(const char *path) { return gpumm_lua__file_probe(path); }

gpumm_status gpumm_lua_output_open(const char *path, gpumm_lua_output **out) {
    gpumm_lua_output *o = malloc(sizeof *o);
    if (!o) return fail_host_memory(sizeof *o);
    int length = snprintf(o->path, sizeof o->path, "%s", path);
    gpumm_status status = (size_t)length < sizeof o->path ? gpumm_lua__file_create(&o->writer, o->path)
                                                          : fail(GPUMM_IO, "%.60s…: the path is too long", path);
    if (status == GPUMM_OK) *out = o;
    else free(o);
    return status;
}

FILE *gpumm_lua_output_stream(gpumm_lua_output *output) { return output->writer.stream; }

gpumm_status gpumm_lua_output_commit(gpumm_lua_output *output) {
    gpumm_status status = gpumm_lua__file_commit(&output->writer);
    free(output);
    return status;
}

void gpumm_lua_output_abandon(gpumm_lua_output *output) {
    gpumm_lua__file_abandon(&output->writer);
    free(output);
}
