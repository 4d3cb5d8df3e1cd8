/* SPDX-License-Identifier: MIT */
/*
 * Managers. gpumm.manager {device =, limit =, memory =, granularity =, workers =, relocate =, leave_sigfpe =, debug =,
 * spill =, spill_rate =, fault = {…}} opens one; sizes are numbers or text as "4GiB". Methods that make something are in that thing's file,
 * those that read the books in report.c; classes.c brings them together.
 *
 *   m:poll()  m:synchronize()  m:check()  m:trim()  m:promote()  m:external(bytes)  m:device()  m:names()
 *   m:raising(true)   the world's failures on this manager's objects raise from now on; returns what was
 *   m:close()  m:is_closed()
 */
#include "bind/api/manager.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/status.h"
#include "bind/api/fault_plan.h"
#include "bind/api/keep.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/permissions.h"

/* ---- Opening ------------------------------------------------------------------------------ */

static const char *const keys[] = {"device",   "limit",      "memory", "granularity",  "workers",
                                   "relocate", "debug",      "fault",  "leave_sigfpe", "spin_us",
                                   "spill",    "spill_rate", NULL};

static void read_fault(lua_State *L, int table, gpumm_options *options) {
    if (!gpumm_lua__option(L, table, "fault")) return;
    gpumm_lua__require_permission(L, BIND_FAULT, NULL);
    if (lua_isboolean(L, -1)) {
        options->inject_faults = lua_toboolean(L, -1);
    } else if (lua_istable(L, -1)) {
        options->inject_faults = true;
        gpumm_lua__option_fault(L, lua_gettop(L), &options->fault);
    } else {
        luaL_error(L, "option \"fault\": a table or true expected, got %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1); /* its texts stay alive with the table */
}

static void read_options(lua_State *L, int table, gpumm_options *options) {
    gpumm_lua__options(L, table, keys, false);
    options->device = gpumm_lua__option_text(L, table, "device", NULL);
    options->limit = gpumm_lua__option_size(L, table, "limit", UINT64_MAX);
    if (options->limit == 0)
        luaL_error(L, "option \"limit\": a limit of 0 bytes allows nothing; leave it out for none");
    if (options->limit == UINT64_MAX) options->limit = 0;
    options->memory_bytes = gpumm_lua__option_size(L, table, "memory", 0);
    options->granularity_bytes = gpumm_lua__option_size(L, table, "granularity", 0);
    options->spill = gpumm_lua__option_size(L, table, "spill", 0);
    options->spill_rate = gpumm_lua__option_size(L, table, "spill_rate", 0);
    options->workers = gpumm_lua__option_unsigned(L, table, "workers", 0);
    options->spin_us = gpumm_lua__option_unsigned(L, table, "spin_us", 0);
    options->relocate = gpumm_lua__option_bool(L, table, "relocate", false);
    options->leave_sigfpe = gpumm_lua__option_bool(L, table, "leave_sigfpe", false);
    options->debug = gpumm_lua__option_bool(L, table, "debug", false);
    read_fault(L, table, options);
}

/* What the application (or --device) chose stands over the script's choice, and says so. */
static void choose_device(bind_state *state, gpumm_options *options) {
    const char *asked = options->device;
    if (state->device[0] == '\0') return;
    options->device = state->device;
    if (!asked || strcmp(asked, state->device) == 0) return;
    log_sink sink = {state->log, state->log_user};
    gpumm__log_line(&sink, GPUMM_LOG_INFO, "device '%s' by --device or the application overrides the script's '%.64s'",
                    state->device, asked);
}

static void read_state(lua_State *L, gpumm_options *options) {
    bind_state *state = gpumm_lua__state_of(L);
    options->budget = state->budget;
    options->log = state->log;
    options->log_user = state->log_user;
    options->trace = state->trace;
    choose_device(state, options);
    if (!state->sandbox) return;
    options->allocator = gpumm_lua__sandbox_allocator(state->sandbox);
    options->workers = 0;    /* one a core, whatever the script says */
    options->spill_rate = 0; /* work that lasts as long as it likes would hold the manager's close */
}

/* An empty manager's handle, with the table of what it keeps alive. [-0, +1, m] */
static bind_handle *new_handle(lua_State *L) {
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__manager_class, 0);
    gpumm_lua__keep_open(L);
    return handle;
}

int gpumm_lua__manager_new(lua_State *L) {
    enum { CONTAINED_MOST = 16 };
    gpumm_options options = {0};
    gpumm_lua__require_room(L, &gpumm_lua__manager_class, CONTAINED_MOST);
    if (!lua_isnoneornil(L, 1)) read_options(L, 1, &options);
    read_state(L, &options);
    bind_handle *handle = new_handle(L);
    gpumm_manager *manager;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_manager_open(&options, &manager));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, manager);
    gpumm_lua__collector_pressure(L, handle, 64 * 1024); /* threads, streams */
    return 1;
}

void gpumm_lua__push_manager(lua_State *L, gpumm_manager *manager, bool borrowed) {
    if (gpumm_lua__find(L, &gpumm_lua__manager_class, manager)) return;
    bind_handle *handle = new_handle(L);
    handle->borrowed = borrowed;
    gpumm_lua__adopt(L, handle, gpumm_manager_retain(manager));
}

/* ---- Closing ------------------------------------------------------------------------------ */

static int manager_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class);
    if (handle->borrowed)
        return gpumm_lua__raise(L, fail(GPUMM_INVALID_ARGUMENT, "this manager is the application's to close"));
    if (handle->object) gpumm_manager_close(handle->object);
    return 0;
}

static int manager_is_closed(lua_State *L) {
    const bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class);
    lua_pushboolean(L, !handle->object || gpumm_manager_is_closed(handle->object));
    return 1;
}

static int manager_raising(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__manager_class);
    lua_pushboolean(L, handle->raising);
    if (!lua_isnoneornil(L, 2)) handle->raising = lua_toboolean(L, 2);
    return 1;
}

/* ---- Upkeep ------------------------------------------------------------------------------- */

static int manager_poll(lua_State *L) { return gpumm_lua__result(L, gpumm_manager_poll(gpumm_lua__to_manager(L, 1))); }
static int manager_check(lua_State *L) {
    return gpumm_lua__result(L, gpumm_manager_check(gpumm_lua__to_manager(L, 1)));
}

static int manager_synchronize(lua_State *L) {
    return gpumm_lua__result(L, gpumm_manager_synchronize(gpumm_lua__to_manager(L, 1)));
}

static int manager_trim(lua_State *L) {
    uint64_t freed;
    gpumm_status status = gpumm_manager_trim(gpumm_lua__to_manager(L, 1), &freed);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_count(L, freed);
    return 1;
}

static int manager_promote(lua_State *L) {
    uint64_t promoted;
    gpumm_status status = gpumm_manager_promote(gpumm_lua__to_manager(L, 1), &promoted);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_count(L, promoted);
    return 1;
}

static int manager_external(lua_State *L) {
    return gpumm_lua__result(L, gpumm_manager_external(gpumm_lua__to_manager(L, 1), luaL_checkinteger(L, 2)));
}

static void push_versions(lua_State *L, const gpumm_device_info *info) {
    if (info->compute_major > 0) {
        lua_pushfstring(L, "%d.%d", info->compute_major, info->compute_minor);
        lua_setfield(L, -2, "compute");
    }
    if (info->driver_version > 0) {
        lua_pushinteger(L, info->driver_version);
        lua_setfield(L, -2, "driver_version");
    }
}

static int manager_device(lua_State *L) {
    gpumm_device_info info;
    gpumm_status status = gpumm_manager_get_info(gpumm_lua__to_manager(L, 1), &info);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    const struct {
        const char *key, *text;
    } texts[] = {{"kind", info.kind}, {"name", info.name}, {"why", info.why}, {"uuid", info.uuid}};
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {{"total_bytes", info.total_bytes},
                  {"granularity", info.granularity_bytes},
                  {"pinned_granularity", info.pinned_granularity_bytes},
                  {"units", info.units}};
    lua_createtable(L, 0, 12);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_pushstring(L, texts[i].text);
        lua_setfield(L, -2, texts[i].key);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        gpumm_lua__push_count(L, counts[i].count);
        lua_setfield(L, -2, counts[i].key);
    }
    lua_pushboolean(L, info.in_place);
    lua_setfield(L, -2, "in_place");
    lua_pushboolean(L, info.pinned_in_place);
    lua_setfield(L, -2, "pinned_in_place");
    push_versions(L, &info);
    return 1;
}

/* Core calls back in the midst of its own work, where nothing may raise: so names are copied into room that was made
   before, and made anew where it was too small. */
typedef struct name_list {
    char (*names)[NAME_BYTES + 1];
    size_t room, count;
} name_list;

static void keep_name(void *user, const char *name) {
    name_list *list = user;
    if (list->count++ < list->room) snprintf(list->names[list->count - 1], sizeof *list->names, "%s", name);
}

static int manager_names(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    name_list list = {.count = gpumm_manager_names(manager, NULL, NULL)};
    do {
        list.room = list.count + 16;
        list.count = 0;
        list.names = lua_newuserdatauv(L, list.room * sizeof *list.names, 0);
        gpumm_manager_names(manager, keep_name, &list);
    } while (list.count > list.room);
    lua_createtable(L, (int)list.count, 0);
    for (size_t i = 0; i < list.count; i++) {
        lua_pushstring(L, list.names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"names", manager_names},         {"device", manager_device},
    {"poll", manager_poll},           {"synchronize", manager_synchronize},
    {"check", manager_check},         {"trim", manager_trim},
    {"promote", manager_promote},     {"external", manager_external},
    {"raising", manager_raising},     {"close", manager_close},
    {"is_closed", manager_is_closed}, {NULL, NULL},
};

static const luaL_Reg meta[] = {{"__close", manager_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *manager) { gpumm_manager_release(manager); }
static bool ended(void *manager) { return gpumm_manager_is_closed(manager); }

const bind_class gpumm_lua__manager_class = {
    .name = "gpumm.manager",
    .methods = methods,
    .meta = meta,
    .release = release,
    .ended = ended,
    .unheeded =
        " names device stats is_closed raising get_buffer main kernel leaks check_leaks blocks external record scan reduce "
        "sort unique select histogram "};

gpumm_manager *gpumm_lua__to_manager(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__manager_class);
}
