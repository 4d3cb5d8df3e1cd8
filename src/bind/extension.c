/* SPDX-License-Identifier: MIT */
/*
 * Modules of their own on top of gpumm: gpumm_layout brings graphs, layouts and pictures with the libraries that they
 * need, so that the runtime needs none of them. A module is opened by its application, or found through package.cpath
 * when a script first uses one of its parts.
 *
 * A module is built against gpumm_lua.h and links no library of gpumm's, because there are three that it may meet
 * (gpumm.so, libgpumm_lua, a program with gpumm inside). The one whose state asks for it is the one it shall find, so
 * that one's names are made visible to the linker first.
 */
#include "bind/extension.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <string.h>

#include "bind/lua/embedded.h"
#include "bind/lua/state.h"

#define OR_OPEN_LAYOUT ", or have the application call gpumm_lua_open_layout"

/* Which module brings a part, what its package is called, and what else helps. */
static const struct part {
    const char *name, *module, *package, *otherwise;
} parts[] = {
    {"graph", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"force", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"picture", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"page", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"image", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"columns", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"inflate", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"layout", "gpumm_layout", "gpumm-layout", OR_OPEN_LAYOUT},
    {"live", "gpumm_live", "gpumm-live", ", or have the application call luaopen_gpumm_live (gpumm-run: --allow-live)"},
    {"world", "gpumm_mpi", "gpumm-mpi", ", and MPI (Debian's openmpi-bin, or MPICH)"},
    {NULL, NULL, NULL, NULL},
};

/* ---- require ---------------------------------------------------------------------------------- */

/* package.preload["gpumm.graph"]; upvalue 1: the gpumm table, 2: "graph". */
static int preload_part(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_gettable(L, lua_upvalueindex(1));
    return 1;
}

static int preload_gpumm(lua_State *L) { /* upvalue 1: the gpumm table */
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

/* require finds gpumm[key], the key being on top, as "gpumm.KEY". [-1, +0, m] */
static void preload_key(lua_State *L, int preload, int gpumm) {
    lua_pushfstring(L, "gpumm.%s", lua_tostring(L, -1));
    lua_pushvalue(L, gpumm);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, preload_part, 2);
    lua_rawset(L, preload);
    lua_pop(L, 1);
}

/* The key of a Lua file of ours, "graph" of "gpumm/graph.lua" and "force.grid" of "gpumm/force/grid.lua",
   pushed; false: the path is not one. */
static bool push_key(lua_State *L, const char *path) {
    size_t length = strlen(path), prefix = strlen("gpumm/"), suffix = strlen(".lua");
    if (length <= prefix + suffix || strncmp(path, "gpumm/", prefix) != 0) return false;
    if (strcmp(path + length - suffix, ".lua") != 0) return false;
    lua_pushlstring(L, path + prefix, length - prefix - suffix);
    luaL_gsub(L, lua_tostring(L, -1), "/", ".");
    lua_remove(L, -2);
    return true;
}

static void preload_files(lua_State *L, const gpumm_lua_file *file, int preload, int gpumm) {
    for (; file && file->path; file++)
        if (push_key(L, file->path)) preload_key(L, preload, gpumm);
}

static int preload_module(lua_State *L) { /* upvalue 1: the gpumm table, 2: "graph", a part of it */
    gpumm_lua__extension_resolve(L, lua_tostring(L, lua_upvalueindex(2)));
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

/* The table is the registry's own, which package.preload also is. A state whose application opened gpumm finds that one
   by require, never another copy of it. */
void gpumm_lua__extension_preload(lua_State *L) {
    int gpumm = lua_gettop(L), preload = gpumm + 1;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushvalue(L, gpumm);
    lua_pushcclosure(L, preload_gpumm, 1);
    lua_setfield(L, preload, "gpumm");
    preload_files(L, gpumm_lua__files, preload, gpumm);
    for (const struct part *part = parts; part->name; part++) {
        lua_pushstring(L, part->name);
        preload_key(L, preload, gpumm);
        lua_pushvalue(L, gpumm);
        lua_pushstring(L, part->name);
        lua_pushcclosure(L, preload_module, 2);
        lua_setfield(L, preload, part->module);
    }
    lua_pop(L, 1);
}

/* ---- Opening ---------------------------------------------------------------------------------- */

static bool is_open(lua_State *L, const char *name) {
    const bind_state *state = gpumm_lua__state_of(L);
    for (unsigned i = 0; i < state->module_count; i++)
        if (strcmp(state->modules[i]->name, name) == 0) return true;
    return false;
}

static void add_module(lua_State *L, const gpumm_lua_module *module) {
    bind_state *state = gpumm_lua__state_of(L);
    if (strcmp(module->version, gpumm_version()) != 0)
        luaL_error(L, "%s %s is not for gpumm %s: install the same version of both", module->name, module->version,
                   gpumm_version());
    if (state->module_count == BIND_MODULES) luaL_error(L, "a state has at most %d modules of gpumm's", BIND_MODULES);
    state->modules[state->module_count++] = module;
}

bool gpumm_lua__extension_add(lua_State *L, const gpumm_lua_module *module) {
    if (is_open(L, module->name)) return false;
    add_module(L, module);
    int gpumm = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    preload_files(L, module->files, gpumm + 1, gpumm);
    lua_pop(L, 1);
    return true;
}

/* ---- Finding ---------------------------------------------------------------------------------- */

/* Whoever this function is part of becomes visible to what is loaded after it. */
static void show_names(void) {
    Dl_info here;
    if (dladdr((const void *)parts, &here) == 0 || !here.dli_fname) return;
    void *self = dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    if (self) dlclose(self);
}

static int refuse(lua_State *L, const struct part *part, const char *why) {
    return luaL_error(L, "gpumm.%s is part of the module %s, which %s: install the package %s (luarocks install %s)%s",
                      part->name, part->module, why, part->package, part->package, part->otherwise);
}

/* Pushes package[name]; false, and nothing pushed: the state has no such thing. */
static bool push_package(lua_State *L, const char *name) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "package") != LUA_TTABLE) {
        lua_pop(L, 2);
        return false;
    }
    lua_getfield(L, -1, name);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return true;
}

/* Calls package[name](first, second), which returns what it made, or nil and why not. [-2, +2, e] */
static void call_package(lua_State *L, const char *name) {
    push_package(L, name);
    lua_insert(L, -3);
    lua_call(L, 2, 2);
}

static void load_module(lua_State *L, const struct part *part) {
    if (!push_package(L, "cpath")) refuse(L, part, "was not opened in this state, and it has no package library");
    lua_pushstring(L, part->module);
    lua_insert(L, -2);
    call_package(L, "searchpath");
    if (lua_isnil(L, -2)) refuse(L, part, "is not in package.cpath");
    lua_pop(L, 1);
    show_names();
    lua_pushfstring(L, "luaopen_%s", part->module);
    call_package(L, "loadlib");
    if (lua_isnil(L, -2)) refuse(L, part, lua_pushfstring(L, "cannot be loaded (%s)", lua_tostring(L, -1)));
    lua_pop(L, 1);
    lua_call(L, 0, 0);
    if (!is_open(L, part->module)) refuse(L, part, "belongs to another copy of gpumm in this process");
}

static void find_module(lua_State *L, const struct part *part) {
#ifdef GPUMM_ONE_FILE
    if (strcmp(part->module, "gpumm_layout") == 0) {
        gpumm_lua_open_layout(L);
        lua_pop(L, 1);
        return;
    }
#endif
    load_module(L, part);
}

bool gpumm_lua__extension_resolve(lua_State *L, const char *key) {
    size_t length = strcspn(key, ".");
    for (const struct part *part = parts; part->name; part++) {
        if (strlen(part->name) != length || strncmp(part->name, key, length) != 0) continue;
        if (is_open(L, part->module)) return false;
        luaL_checkstack(L, 16, NULL);
        find_module(L, part);
        return true;
    }
    return false;
}
