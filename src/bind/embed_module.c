/* SPDX-License-Identifier: MIT */
/* What gpumm_lua.h offers to modules on top of gpumm: opening, outcomes, paths and views. */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/abi.h"
#include "base/alloc.h"
#include "base/locale.h"
#include "base/status.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/extension.h"
#include "bind/lua/fail.h"
#include "bind/lua/state.h"
#include "bind/module.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/permissions.h"
#include "gpumm_lua.h"

int gpumm_lua_open_module(lua_State *L, const gpumm_lua_module *module) {
    if (!L || !module) return 0;
    luaL_checkstack(L, 16, NULL);
    gpumm_lua_open(L);
    if (!gpumm_lua__extension_add(L, module) || !module->open) return 1;
    lua_pushcfunction(L, module->open);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
    gpumm_lua__hide_inner_parts(L);
    return 1;
}

/* ---- Outcomes --------------------------------------------------------------------------------- */

int gpumm_lua_result(lua_State *L, gpumm_status status) {
    if (!L) return 0;
    return gpumm_lua__result(L, status);
}

gpumm_status gpumm_lua_fail(gpumm_status status, const char *format, ...) {
    NOT_NULL(format, "format");
    char text[1024];
    va_list list;
    va_start(list, format);
    gpumm__plain_format(text, sizeof text, format, list);
    va_end(list);
    return fail(status, "%s", text);
}

void gpumm_lua_say(lua_State *L, gpumm_log_level level, const char *line) {
    if (!L || !line) return;
    const bind_state *state = gpumm_lua__state_of(L);
    if (state->log) state->log(state->log_user, level, line);
}

gpumm_allocator gpumm_lua_allocator(lua_State *L) { return L ? gpumm_lua__own_allocator(L) : gpumm__alloc_default; }

void gpumm_lua_memory_refused(lua_State *L) {
    if (L) gpumm_lua__look_at_own_memory(L);
}

const char *gpumm_lua_check_path(lua_State *L, int index, gpumm_lua_access access) {
    if (!L) return NULL;
    return gpumm_lua__path(L, lua_absindex(L, index), access == GPUMM_LUA_ACCESS_READ ? BIND_READ : BIND_WRITE);
}

/* ---- Views ------------------------------------------------------------------------------------ */

bool gpumm_lua_to_view_sized(lua_State *L, int index, gpumm_lua_view *out, size_t size) {
    const view *v = L && out ? gpumm_lua__view_test(L, index) : NULL;
    if (!v) return false;
    const void *bytes = gpumm_lua__view_contiguous(L, lua_absindex(L, index));
    gpumm_lua_view read = {v->type, v->count, bytes, v->frame != NULL};
    return gpumm__abi_fill(out, size, &read, sizeof read) == GPUMM_OK;
}

/* An empty view that holds the type of that name. [-0, +1, e] */
static view *push_typed(lua_State *L, const char *name) {
    gpumm_type *type;
    view *v = gpumm_lua__view_push_empty(L);
    gpumm_status status = gpumm_lua__type_parse(L, name, &type);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    gpumm_lua__view_hold(v, type);
    return v;
}

void *gpumm_lua_push_view(lua_State *L, const char *type, uint64_t count) {
    if (!L || !type) return NULL;
    push_typed(L, type);
    return gpumm_lua__view_take_memory(L, count);
}

void gpumm_lua_push_window(lua_State *L, const char *type, uint64_t count, const void *bytes, int anchor) {
    if (!L || !type || (count && !bytes)) return;
    anchor = lua_absindex(L, anchor);
    push_typed(L, type);
    gpumm_lua__view_lend_memory(L, count, bytes, anchor);
}
