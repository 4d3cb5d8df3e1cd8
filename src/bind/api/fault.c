/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong on purpose: m.fault of a manager that was opened with fault = {…}.
 *
 *   m.fault:plan {call = "commit", nth = 3, status = "OUT_OF_MEMORY", jitter = seed, hold = "copy"}
 *   m.fault:hold("copy")  m.fault:release(["copy"])  m.fault:calls(["commit"])  m.fault:live()
 *
 * live() can be read after close too.
 */
#include "bind/api/fault.h"

#include "bind/api/fault_plan.h"
#include "bind/api/manager.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"
#include "bind/sandbox/permissions.h"

static int manager_fault(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    gpumm_lua__require_permission(L, BIND_FAULT, NULL); /* of a manager that is lent, too */
    if (gpumm_lua__find(L, &gpumm_lua__fault_class, manager)) return 1;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__fault_class, 1);
    gpumm_lua__adopt(L, handle, gpumm_manager_retain(manager));
    return 1;
}

static gpumm_manager *to_faulty(lua_State *L) { return gpumm_lua__check(L, 1, &gpumm_lua__fault_class); }

static int fault_set(lua_State *L) {
    gpumm_fault plan;
    gpumm_manager *manager = to_faulty(L);
    gpumm_lua__option_fault(L, 2, &plan);
    return gpumm_lua__result(L, gpumm_fault_plan(manager, &plan));
}

static int fault_shut(lua_State *L) {
    return gpumm_lua__result(L, gpumm_fault_hold(to_faulty(L), gpumm_lua__text(L, 2)));
}

static int fault_open_again(lua_State *L) {
    gpumm_manager *manager = to_faulty(L);
    const char *kind = lua_isnoneornil(L, 2) ? NULL : gpumm_lua__text(L, 2);
    return gpumm_lua__result(L, gpumm_fault_resume(manager, kind));
}

static int fault_count(lua_State *L) {
    uint64_t count;
    gpumm_manager *manager = to_faulty(L);
    const char *call = lua_isnoneornil(L, 2) ? NULL : gpumm_lua__text(L, 2);
    gpumm_status status = gpumm_fault_calls(manager, call, &count);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_count(L, count);
    return 1;
}

static int fault_books(lua_State *L) {
    gpumm_live live;
    gpumm_status status = gpumm_fault_get_live(to_faulty(L), &live);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    const struct {
        const char *key;
        uint64_t value;
    } books[] = {
        {"committed_bytes", live.committed_bytes},
        {"reserved_bytes", live.reserved_bytes},
        {"ranges", live.ranges},
        {"segments", live.segments},
        {"blocks", live.blocks},
        {"streams", live.streams},
        {"events", live.events},
        {"modules", live.modules},
        {"graphs", live.graphs},
        {"semaphores", live.semaphores},
    };
    lua_createtable(L, 0, sizeof books / sizeof *books);
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        gpumm_lua__push_count(L, books[i].value);
        lua_setfield(L, -2, books[i].key);
    }
    return 1;
}

/* m:fault() is m.fault. */
static int fault_itself(lua_State *L) {
    gpumm_lua__userdata(L, 1, &gpumm_lua__fault_class);
    lua_settop(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"plan", fault_set},    {"hold", fault_shut},  {"release", fault_open_again},
    {"calls", fault_count}, {"live", fault_books}, {NULL, NULL},
};

static const luaL_Reg meta[] = {{"__call", fault_itself}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *manager) { gpumm_manager_release(manager); }

const bind_class gpumm_lua__fault_class = {
    .name = "gpumm.fault", .methods = methods, .meta = meta, .release = release, .unheeded = "*"};

const luaL_Reg gpumm_lua__manager_faults[] = {{"fault", manager_fault}, {NULL, NULL}};
