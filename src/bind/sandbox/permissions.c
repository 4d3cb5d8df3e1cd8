/* SPDX-License-Identifier: MIT */
/*
 * Permissions: the one place where a contained script is told no. Every function of the module that opens a
 * file, makes a kernel or reads the environment asks here first; in states that are not contained everything
 * is allowed.
 *
 * Of a path the whole way counts: links and .. are followed before it is compared with what was granted, and
 * the caller opens what was compared. What is written must be a file of the folder itself, not a link.
 */
#include "bind/sandbox/permissions.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind/lua/arguments.h"
#include "bind/sandbox/sandbox.h"

/* ---- Saying no ---------------------------------------------------------------------------- */

static int deny(lua_State *L, bind_permission what, const char *name) {
    switch (what) {
    case BIND_READ:
        return luaL_error(L,
                          "reading '%s' is not allowed: a contained script reads what its application has "
                          "granted (gpumm-run --allow-read DIR)",
                          name);
    case BIND_WRITE:
        return luaL_error(L,
                          "writing '%s' is not allowed: a contained script writes where its application has "
                          "granted it (gpumm-run --allow-write DIR)",
                          name);
    case BIND_ENVIRONMENT:
        return luaL_error(L,
                          "the environment variable '%s' is not allowed: a contained script sees what its "
                          "application has granted (gpumm-run --allow-environment NAME)",
                          name);
    case BIND_KERNEL:
        return luaL_error(L, "kernels are not allowed: a kernel is native code, which nothing contains; an application "
                             "grants it to scripts that it trusts (gpumm-run --allow-kernels)");
    case BIND_STRIPE:
        return luaL_error(L, "the options devices and stripe are not allowed: a contained script's buffers are on its "
                             "manager's own device, in memory that its limit bounds; an application may push a buffer "
                             "that it striped itself");
    default: return luaL_error(L, "a contained script cannot inject faults: they are for tests");
    }
}

static bool among(char *const *list, const char *name) {
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

void gpumm_lua__require_permission(lua_State *L, bind_permission what, const char *name) {
    const sandbox *s = gpumm_lua__sandbox_at(L);
    if (!s || (what == BIND_KERNEL && s->kernels)) return;
    if (what == BIND_ENVIRONMENT && among(s->environment, name)) return;
    deny(L, what, name);
}

/* ---- Paths -------------------------------------------------------------------------------- */

/* Is `path` one of the folders, or below one? Both are resolved. */
static bool below(char *const *folders, const char *path) {
    for (; folders && *folders; folders++) {
        size_t length = strlen(*folders);
        if (strcmp(*folders, "/") == 0) return true;
        if (strncmp(path, *folders, length) != 0) continue;
        if (path[length] == '/' || path[length] == '\0') return true;
    }
    return false;
}

/* The folder's way resolved, and the last name as it is; false: there is no such folder, or no name. */
static bool resolve_place(const char *path, char out[static PATH_MAX]) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
    if (length >= sizeof folder) return false;
    memcpy(folder, path, length);
    folder[length] = '\0';
    if (!realpath(slash ? folder : ".", out)) return false;
    size_t used = strlen(out);
    if (used + 1 + strlen(name) >= PATH_MAX) return false;
    if (used > 1) out[used++] = '/';
    memcpy(out + used, name, strlen(name) + 1);
    return true;
}

/* What is not there is looked for where it would be, so that its absence is told inside the granted folders
   alone. A pipe or a device can hold its reader up for ever. */
static bool read_permitted(const sandbox *s, const char *path, char out[static PATH_MAX]) {
    struct stat about;
    if (!realpath(path, out)) /* a link to what is not there is not followed either */
        return errno == ENOENT && resolve_place(path, out) && below(s->read, out) && lstat(out, &about) != 0;
    return below(s->read, out) && stat(out, &about) == 0 && S_ISREG(about.st_mode);
}

static bool write_permitted(const sandbox *s, const char *path, char out[static PATH_MAX]) {
    struct stat about;
    if (!resolve_place(path, out) || !below(s->write, out)) return false;
    return lstat(out, &about) == 0 ? S_ISREG(about.st_mode) : errno == ENOENT;
}

const char *gpumm_lua__path(lua_State *L, int index, bind_permission what) {
    char resolved[PATH_MAX];
    const char *path = gpumm_lua__text(L, index);
    const sandbox *s = gpumm_lua__sandbox_at(L);
    if (!s) return path;
    bool may = what == BIND_READ ? read_permitted(s, path, resolved) : write_permitted(s, path, resolved);
    if (!may) deny(L, what, path);
    lua_pushstring(L, resolved);
    lua_replace(L, index);
    return lua_tostring(L, index);
}

/* ---- For our own Lua files ------------------------------------------------------------------ */

static bool is_folder(const char *path, char out[static PATH_MAX]) {
    struct stat about;
    return realpath(path, out) && stat(out, &about) == 0 && S_ISDIR(about.st_mode);
}

/* A folder's handle reads nothing: it tells that the folder is there, to those who may use it. */
int gpumm_lua__sandbox_open_file(lua_State *L) {
    char resolved[PATH_MAX];
    const sandbox *s = gpumm_lua__sandbox_at(L);
    const char *path = gpumm_lua__text(L, 1), *mode = luaL_optstring(L, 2, "r");
    lua_settop(L, 2);
    if (strcmp(mode, "r") != 0 && strcmp(mode, "rb") != 0) deny(L, BIND_WRITE, path);
    if (is_folder(path, resolved)) {
        if (!below(s->read, resolved) && !below(s->write, resolved)) deny(L, BIND_READ, path);
        lua_pushstring(L, resolved);
        lua_replace(L, 1);
    } else {
        gpumm_lua__path(L, 1, BIND_READ);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L);
}
