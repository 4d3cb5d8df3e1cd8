/* SPDX-License-Identifier: MIT */
/*
 * The module: its functions, its classes, and the Lua files that travel inside it, which are loaded when they
 * are first asked for. Nothing here touches globals.
 *
 * A file of ours runs in an environment of its own: the state's globals, and a `require` that finds gpumm and
 * its parts, also in a contained state that has no package library. There the globals are a copy that no
 * script changes.
 */
#include "bind/module.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/locale.h"
#include "base/status.h"
#include "base/thread.h"
#include "bind/api/classes.h"
#include "bind/api/config.h"
#include "bind/api/elements.h"
#include "bind/api/growth.h"
#include "bind/api/manager.h"
#include "bind/api/recorder.h"
#include "bind/api/share.h"
#include "bind/api/trace.h"
#include "bind/api/type.h"
#include "bind/api/view.h"
#include "bind/extension.h"
#include "bind/io/file.h"
#include "bind/io/npy.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"
#include "bind/lua/embedded.h"
#include "bind/lua/fail.h"
#include "bind/lua/raise.h"
#include "bind/lua/traceback.h"
#include "bind/lua/words.h"
#include "bind/sandbox/globals.h"
#include "bind/sandbox/permissions.h"
#include "gpumm_lua.h"

static const char module_key = 0; /* its address is the module's key in the registry */
static const char inside_key = 0; /* the same of what our own files share */
static const char inner_key = 0;  /* and of what they require of one another */

/* ---- Parts ------------------------------------------------------------------------------- */

/* What gpumm/description.lua makes: gpumm.group {…} and its kin. */
static bool is_description(const char *key) {
    static const char *const words[] = {"buffer", "group", "kernel", "readback", "stream", NULL};
    for (const char *const *word = words; *word; word++)
        if (strcmp(key, *word) == 0) return true;
    return false;
}

/* words.nearest(word, list): the word of the list that was probably meant, or nil. */
static int words_nearest(lua_State *L) {
    enum { MOST = 256 };
    const char *words[MOST + 1] = {NULL}, *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    for (int i = 0; i < MOST && lua_rawgeti(L, 2, i + 1) == LUA_TSTRING; i++) {
        words[i] = lua_tostring(L, -1); /* alive with the table */
        lua_pop(L, 1);
    }
    lua_pushstring(L, gpumm_lua__nearest(word, words));
    return 1;
}

static int plain_close(lua_State *L) {
    const locale_t *before = lua_touserdata(L, 1);
    uselocale(*before);
    return 0;
}

/* words.plain(): while it is open, as local _ <close> = words.plain(), this thread writes numbers as the C locale has them. */
static int words_plain(lua_State *L) {
    locale_t *before = lua_newuserdatauv(L, sizeof *before, 0);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, plain_close);
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    *before = uselocale(gpumm__plain_locale());
    return 1;
}

/* What only our own files require, as "gpumm.words". */
static int push_words(lua_State *L) {
    static const luaL_Reg words[] = {{"nearest", words_nearest}, {"plain", words_plain}, {NULL, NULL}};
    luaL_newlib(L, words);
    return 1;
}

/* inside.raising(n): this thread is within n more simulations, where all failures raise, or fewer. */
static int inside_raising(lua_State *L) {
    gpumm_lua__within(L, (int)luaL_checkinteger(L, 1));
    return 0;
}

/* A guard's function. What it raises is lost: it runs when its state closes. */
static int guard_collect(lua_State *L) {
    if (lua_rawlen(L, 1) != sizeof(char) || lua_getiuservalue(L, 1, 1) != LUA_TFUNCTION) return 0;
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
    return 0;
}

/* inside.guard(f): calls f when it is collected, or its state closes: before everything that was made before it. */
static int inside_guard(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_newuserdatauv(L, sizeof(char), 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, guard_collect);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    return 1;
}

/* inside.lent(manager): is it the application's, and outlives the state? */
static int inside_lent(lua_State *L) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    lua_pushboolean(L, handle && handle->borrowed);
    return 1;
}

/* Calls upvalue 1. An error without a place gets the one of the line that calls this. */
static int call_placed(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (status == LUA_OK) return lua_gettop(L);
    if (status == LUA_ERRRUN && lua_type(L, -1) == LUA_TSTRING && !gpumm_lua__has_place(lua_tostring(L, -1))) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* inside.placed(f): f as a function of C, which Lua calls from the caller's line also in `return f(…)`, where a
   function of Lua would take that line's place. */
static int inside_placed(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, call_placed, 1);
    return 1;
}

/* One table a state, as "gpumm.inside": gpumm-run says in it how its simulations are interrupted. */
static int push_inside(lua_State *L) {
    static const luaL_Reg functions[] = {{"raising", inside_raising},
                                         {"guard", inside_guard},
                                         {"placed", inside_placed},
                                         {"recorder", gpumm_lua__recorder_new},
                                         {"lent", inside_lent},
                                         {"placed", inside_placed},
                                         {"trace_now", gpumm_lua__trace_now},
                                         {"trace_slice", gpumm_lua__trace_slice},
                                         {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &inside_key) != LUA_TNIL) return 1;
    luaL_newlib(L, functions);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &inside_key);
    return 1;
}

/* One table a state, of what has a dot in its name: "graph.made", "layout.native". It is for our own files, which give it what
   they have checked; a contained script does not reach it. [-0, +1, m] */
static void push_inner_parts(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &inner_key) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &inner_key);
}

static bool is_inner(const char *key) { return strchr(key, '.') != NULL; }

void gpumm_lua__hide_inner_parts(lua_State *L) {
    int module = lua_gettop(L);
    push_inner_parts(L);
    for (lua_pushnil(L); lua_next(L, module); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !is_inner(lua_tostring(L, -2))) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, module + 1);
        lua_pushvalue(L, -2);
        lua_pushnil(L);
        lua_rawset(L, module); /* a field that is there may be cleared on the way */
    }
    lua_settop(L, module);
}

static bool find_part(lua_State *L, int module, const char *key);

/* require for our own files: gpumm, gpumm.x, and whatever the state's own require finds. Upvalue 1: the
   module. */
static int require_part(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    if (strcmp(name, "gpumm") == 0) return 1;
    if (strcmp(name, "gpumm.words") == 0) return push_words(L);
    if (strcmp(name, "gpumm.inside") == 0) return push_inside(L);
    if (strncmp(name, "gpumm.", 6) == 0 && find_part(L, 2, name + 6)) return 1;
    if (lua_getglobal(L, "require") != LUA_TFUNCTION) return luaL_error(L, "module '%s' not found", name);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* [-0, +1, m] */
static void push_environment(lua_State *L, int module) {
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, module);
    lua_pushcclosure(L, require_part, 1);
    lua_setfield(L, -2, "require");
    lua_createtable(L, 0, 1);
    if (gpumm_lua__state_of(L)->sandbox) gpumm_lua__sandbox_push_private(L);
    else lua_pushglobaltable(L);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* Pushes where the part of that name is kept: the module, or beside it. [-0, +1, m] */
static void push_keeper(lua_State *L, int module, const char *key) {
    if (is_inner(key)) push_inner_parts(L);
    else lua_pushvalue(L, module);
}

/* Runs gpumm/<key>.lua, "force.grid" being gpumm/force/grid.lua, and keeps what it returns; pushes that. False: there is
   none. */
static bool load_part(lua_State *L, int module, const char *key) {
    char path[64], chunk[72];
    if (strlen(key) > 40) return false;
    snprintf(path, sizeof path, "gpumm/%s", key);
    for (char *at = path; *at; at++)
        if (*at == '.') *at = '/';
    snprintf(path + strlen(path), sizeof path - strlen(path), ".lua");
    const gpumm_lua_file *file = gpumm_lua__file_named(L, path);
    if (!file) return false;
    snprintf(chunk, sizeof chunk, "@%s", path);
    if (luaL_loadbufferx(L, file->text, file->size, chunk, "t") != LUA_OK) lua_error(L);
    push_environment(L, module);
    lua_setupvalue(L, -2, 1);
    lua_pushfstring(L, "gpumm.%s", key);
    lua_pushvalue(L, module);
    lua_call(L, 2, 1);
    if (!is_inner(key)) gpumm_lua__suggest(L, key);
    push_keeper(L, module, key);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, key);
    lua_pop(L, 1);
    return true;
}

/* nil; a key that is nearly a name of the module's raises. */
static int unknown_part(lua_State *L, const char *key) {
    static const char *const names[] = {
        "manager",   "simulation",      "group",       "buffer",  "kernel",   "readback",  "stream",
        "growth",    "config",          "struct",      "type",    "view",     "npy",       "raw",
        "graph",     "force",           "picture",     "page",    "image",    "inflate",   "options",
        "spec",      "beside",          "environment", "caller",  "writable", "resource",  "parse_size",
        "status_of", "is_memory_error", "statuses",    "version", "null",     "traceback", "next_capacity",
        "attach",    "trace",           NULL};
    const char *near = gpumm_lua__nearest(key, names);
    return near ? luaL_error(L, "gpumm has no '%s' (did you mean '%s'?)", gpumm_lua__push_key(L, 2), near) : 0;
}

/* Pushes the part that is there, or can be loaded. False: neither. */
static bool get_part(lua_State *L, int module, const char *key) {
    push_keeper(L, module, key);
    lua_pushstring(L, key);
    if (lua_rawget(L, -2) != LUA_TNIL) return lua_remove(L, -2), true;
    lua_pop(L, 2);
    return load_part(L, module, key);
}

/* The same, also of a module that is opened for it. */
static bool find_part(lua_State *L, int module, const char *key) {
    return get_part(L, module, key) || (gpumm_lua__extension_resolve(L, key) && get_part(L, module, key));
}

/* The same, for scripts. */
static bool find_part_outside(lua_State *L, int module, const char *key) {
    return !(is_inner(key) && gpumm_lua__state_of(L)->sandbox) && find_part(L, module, key);
}

/* module[key] where it has none: the module is in slot 1. */
static int module_index(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    const char *key = lua_tostring(L, 2);
    if (find_part_outside(L, 1, key)) return 1;
    if (!is_description(key)) return unknown_part(L, key);
    lua_getfield(L, 1, "description");
    lua_getfield(L, -1, key);
    lua_pushvalue(L, -1);
    lua_setfield(L, 1, key);
    return 1;
}

/* ---- Functions ---------------------------------------------------------------------------- */

static int module_resource(lua_State *L) {
    const gpumm_lua_file *file = gpumm_lua__file_named(L, gpumm_lua__text(L, 1));
    if (!file) luaL_pushfail(L);
    else lua_pushlstring(L, file->text, file->size);
    return 1;
}

/* What people type wrong is not the script's mistake: nil, message, code. */
static int module_parse_size(lua_State *L) {
    uint64_t bytes;
    gpumm_status status = gpumm_parse_size(gpumm_lua__text(L, 1), &bytes);
    if (status != GPUMM_OK) return gpumm_lua__push_failure(L, status);
    gpumm_lua__push_count(L, bytes);
    return 1;
}

static int module_is_memory_error(lua_State *L) {
    const char *code = luaL_optstring(L, 1, "");
    lua_pushboolean(L, gpumm_status_is_memory_error(gpumm_status_named(code)));
    return 1;
}

/* gpumm.status_of(err): the status that an error of gpumm's, caught by pcall, begins with; nil for any other error. */
static int module_status_of(lua_State *L) {
    gpumm_status status = lua_type(L, 1) == LUA_TSTRING ? gpumm_lua__raised(lua_tostring(L, 1)) : GPUMM_STATUS_COUNT;
    luaL_checkany(L, 1);
    if (status == GPUMM_STATUS_COUNT) luaL_pushfail(L);
    else lua_pushstring(L, gpumm_status_name(status));
    return 1;
}

/* Absolute, so that it means the same file to whoever opens it. */
static int module_beside(lua_State *L) {
    char folder[PATH_MAX];
    gpumm_lua__push_beside(L, gpumm_lua__text(L, 1));
    if (lua_tostring(L, -1)[0] == '/' || gpumm_lua__state_of(L)->sandbox || !getcwd(folder, sizeof folder)) return 1;
    lua_pushfstring(L, "%s/%s", folder, lua_tostring(L, -1));
    return 1;
}

/* (growth, capacity, required, max): the next capacity, without a device. */
static int module_next_capacity(lua_State *L) {
    gpumm_growth growth;
    uint64_t next;
    gpumm_growth_request request = {.name = "",
                                    .capacity = gpumm_lua__count(L, 2),
                                    .required = gpumm_lua__count(L, 3),
                                    .max = gpumm_lua__count(L, 4)};
    luaL_argcheck(L, !lua_isfunction(L, 1), 1, "a schedule that is a function cannot be asked here");
    gpumm_lua__to_growth(L, 1, &growth);
    gpumm_status status = gpumm_growth_next(&growth, &request, &next);
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__push_count(L, next);
    return 1;
}

/* gpumm.environment(name): nil where the variable is not set. */
static int module_environment(lua_State *L) {
    const char *name = gpumm_lua__text(L, 1);
    gpumm_lua__require_permission(L, BIND_ENVIRONMENT, name);
    lua_pushstring(L, getenv(name));
    return 1;
}

/* gpumm.writable(path): could a file of that name be written now? */
static int module_writable(lua_State *L) {
    return gpumm_lua__result(L, gpumm_lua__file_probe(gpumm_lua__path(L, 1, BIND_WRITE)));
}

static int module_caller(lua_State *L) {
    char tag[BIND_TAG];
    lua_pushstring(L, gpumm_lua__tag(L, tag));
    return 1;
}

/* clock(): seconds, which only go on; since when is not said. */
static int module_clock(lua_State *L) {
    lua_pushnumber(L, gpumm__clock_seconds());
    return 1;
}

static const luaL_Reg functions[] = {
    {"manager", gpumm_lua__manager_new},
    {"resource", module_resource},
    {"parse_size", module_parse_size},
    {"is_memory_error", module_is_memory_error},
    {"beside", module_beside},
    {"caller", module_caller},
    {"environment", module_environment},
    {"next_capacity", module_next_capacity},
    {"status_of", module_status_of},
    {"traceback", gpumm_lua__traceback_handler},
    {"writable", module_writable},
    {"attach", gpumm_lua__attach},
    {"clock", module_clock},
    {"trace", gpumm_lua__trace_new},
    {NULL, NULL},
};

static void set_constants(lua_State *L) {
    lua_pushstring(L, gpumm_version());
    lua_setfield(L, -2, "version");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_createtable(L, 0, GPUMM_STATUS_COUNT);
    for (int i = 0; i < GPUMM_STATUS_COUNT; i++) {
        lua_pushstring(L, gpumm_status_text((gpumm_status)i));
        lua_setfield(L, -2, gpumm_status_name((gpumm_status)i));
    }
    lua_setfield(L, -2, "statuses");
}

/* ---- Opening ------------------------------------------------------------------------------ */

/* Where a function of these is misspelled, it is said. [-0, +0, m] */
static void suggest_names(lua_State *L) {
    static const char *const names[] = {"config", "npy", "raw", NULL};
    for (const char *const *name = names; *name; name++) {
        lua_getfield(L, -1, *name);
        gpumm_lua__suggest(L, *name);
        lua_pop(L, 1);
    }
}

static void open_module(lua_State *L) {
    luaL_newlib(L, functions);
    set_constants(L);
    gpumm_lua__open_config(L);
    gpumm_lua__open_type(L);
    gpumm_lua__open_elements(L);
    gpumm_lua__open_npy(L);
    suggest_names(L);
    gpumm_lua__extension_preload(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, module_index);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "gpumm");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

int gpumm_lua_open(lua_State *L) {
    if (!L) return 0;
    luaL_checkversion(L);
    luaL_checkstack(L, 32, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) != LUA_TNIL) return 1;
    lua_pop(L, 1);
    gpumm_lua__state_of(L); /* first made, last collected */
    gpumm_lua__open_classes(L);
    gpumm_lua__open_view(L);
    open_module(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}

static int contained_require(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    gpumm_lua_open(L);
    if (strcmp(name, "gpumm") == 0) return 1;
    if (strncmp(name, "gpumm.", 6) == 0 && find_part_outside(L, 2, name + 6)) return 1;
    return luaL_error(L, "module '%s' not found: in a contained script require knows gpumm and its parts alone", name);
}

void gpumm_lua__push_contained_require(lua_State *L) { lua_pushcfunction(L, contained_require); }

int luaopen_gpumm(lua_State *L) { return gpumm_lua_open(L); }

/* require "gpumm.graph" before require "gpumm": Lua finds these in gpumm.so. */
#define PART_MAP(X) X(simulation) X(options) X(growth) X(graph) X(force) X(picture) X(page) X(columns) X(spec)
#define PART_OPEN(name) \
    GPUMM_API int luaopen_gpumm_##name(lua_State *L); \
    int luaopen_gpumm_##name(lua_State *L) { \
        if (gpumm_lua_open(L) == 0) return 0; \
        lua_getfield(L, -1, #name); \
        return 1; \
    }
PART_MAP(PART_OPEN)

/* The modules gpumm_layout and gpumm_live have functions of these names too, which are the ones where both are linked
   together. */
__attribute__((weak)) PART_OPEN(layout) __attribute__((weak)) PART_OPEN(live)
