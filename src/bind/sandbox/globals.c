/* SPDX-License-Identifier: MIT */
/*
 * The globals of a contained state: an allow-list, function by function, in tables of its own. What Lua's
 * libraries made stays in the registry, which no script reaches without debug.
 *
 * There are two copies. The script's own it may change as it likes. The private one is what the methods of
 * strings and our own Lua files see, which therefore work the same whatever a script has done.
 */
#include "bind/sandbox/globals.h"

#include <lauxlib.h>
#include <lualib.h>

#include "bind/sandbox/calls.h"
#include "bind/sandbox/loops.h"
#include "bind/sandbox/permissions.h"
#include "bind/sandbox/wrap.h"

static const char private_key = 0; /* its address is the private globals' key in the registry */

static const char *const base_names[] = {"_VERSION", "assert", "collectgarbage", "error",  "getmetatable", "ipairs",
                                         "load",     "next",   "pairs",          "pcall",  "print",        "rawequal",
                                         "rawget",   "rawlen", "rawset",         "select", "setmetatable", "tonumber",
                                         "tostring", "type",   "xpcall",         NULL};
static const char *const string_names[] = {"byte",    "char",  "find",   "format", "gmatch",   "gsub",
                                           "len",     "lower", "match",  "pack",   "packsize", "rep",
                                           "reverse", "sub",   "unpack", "upper",  NULL};
static const char *const table_names[] = {"concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL};
static const char *const math_names[] = {"abs", "acos",       "asin", "atan",      "ceil", "cos",    "deg",
                                         "exp", "floor",      "fmod", "huge",      "log",  "max",    "maxinteger",
                                         "min", "mininteger", "modf", "pi",        "rad",  "random", "randomseed",
                                         "sin", "sqrt",       "tan",  "tointeger", "type", "ult",    NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
static const char *const coroutine_names[] = {"close",  "create", "isyieldable", "resume", "running",
                                              "status", "wrap",   "yield",       NULL};

typedef struct allowed {
    const char *name;
    lua_CFunction open;
    const char *const *functions;
    void (*change)(lua_State *L);
} allowed;

static const allowed libraries[] = {
    {LUA_STRLIBNAME, luaopen_string, string_names, gpumm_lua__sandbox_bound_string},
    {LUA_TABLIBNAME, luaopen_table, table_names, gpumm_lua__sandbox_bound_table},
    {LUA_MATHLIBNAME, luaopen_math, math_names, NULL},
    {LUA_UTF8LIBNAME, luaopen_utf8, utf8_names, NULL},
    {LUA_COLIBNAME, luaopen_coroutine, coroutine_names, gpumm_lua__sandbox_wrap_coroutine},
};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

/* ---- Tables ------------------------------------------------------------------------------- */

/* Replaces the library on top by a table with the allowed part of it. */
static void choose(lua_State *L, const char *const *names) {
    lua_newtable(L);
    for (; *names; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_remove(L, -2);
}

/* The libraries become fields of the table on top. */
static void add_libraries(lua_State *L) {
    for (int i = 0; i < LIBRARIES; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].open, 0);
        choose(L, libraries[i].functions);
        if (libraries[i].change) libraries[i].change(L);
        lua_setfield(L, -2, libraries[i].name);
    }
}

/* Pushes a copy of the table at `index`. */
static void copy_table(lua_State *L, int index) {
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* ---- The private copy ----------------------------------------------------------------------- */

/* os.exit for our own Lua files: nothing of a script's ends its application. The script ends with an error that
   gpumm-run takes for success. */
static int leave(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "gpumm.ended");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "the end that the script asked for");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    return lua_error(L);
}

/* Our own Lua files write to the terminal and read the time; what they open goes through gpumm_lua__path. */
static void add_process(lua_State *L) {
    static const char *const files[] = {"open", "stdout", "stderr", NULL};
    static const char *const times[] = {"time", NULL};
    static const luaL_Reg gated[] = {{"open", gpumm_lua__sandbox_open_file}, {NULL, NULL}};
    luaL_requiref(L, LUA_IOLIBNAME, luaopen_io, 0);
    choose(L, files);
    gpumm_lua__sandbox_wrap(L, gated);
    lua_setfield(L, -2, LUA_IOLIBNAME);
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    choose(L, times);
    lua_pushcfunction(L, leave);
    lua_setfield(L, -2, "exit");
    lua_setfield(L, -2, LUA_OSLIBNAME);
}

/* The script's globals are on top. [-0, +1, m] */
static void push_copy(lua_State *L) {
    int globals = lua_gettop(L);
    copy_table(L, globals);
    for (int i = 0; i < LIBRARIES; i++) {
        lua_getfield(L, globals, libraries[i].name);
        copy_table(L, lua_gettop(L));
        lua_setfield(L, globals + 1, libraries[i].name);
        lua_pop(L, 1);
    }
    add_process(L);
}

/* The private globals are on top: methods of strings come from them, and nobody gets hold of that. */
static void seal_strings(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_getfield(L, -3, LUA_STRLIBNAME);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

void gpumm_lua__sandbox_push_private(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &private_key); }

void gpumm_lua__sandbox_open_globals(lua_State *L) {
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    choose(L, base_names);
    gpumm_lua__sandbox_wrap_base(L);
    add_libraries(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    push_copy(L);
    seal_strings(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &private_key);
    lua_pop(L, 1);
}
