/* SPDX-License-Identifier: MIT */
/*
 * Opening text. Regular files are mapped, which costs nothing until they are read; pipes and what is smaller than a
 * few pages are read. What is mapped is not counted as memory of a script: it is the file's.
 */
#include "modules/layout/source.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/layout/class.h"
#include "modules/layout/decode.h"
#include "modules/layout/files.h"

#define SOURCE_CLASS "gpumm_layout.source"

enum { SMALL = 1 << 16, PARTS_MOST = 1 << 20 };

static gpumm_status io_fail(const char *path) { return gpumm_lua_fail(GPUMM_IO, "%s: %s", path, strerror(errno)); }

/* ---- Reading ---------------------------------------------------------------------------------- */

static void give_up(source *s) {
    if (s->mapped) munmap(s->mapped, s->mapped_size);
    if (s->owned) s->memory.reallocate(s->memory.user, s->owned, 0);
    *s = (source){.memory = s->memory};
}

/* All that the descriptor gives, to its end. */
static gpumm_status read_all(source *s, int fd, const char *path, uint64_t most) {
    size_t room = 0;
    for (;;) {
        if (s->size == room) {
            room = room ? 2 * room : SMALL;
            char *more = s->memory.reallocate(s->memory.user, s->owned, room);
            if (!more) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "%s: there is no memory to read it", path);
            s->owned = more;
        }
        ssize_t got = read(fd, s->owned + s->size, room - s->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_fail(path);
        if (got == 0) break;
        s->size += (size_t)got;
        if (s->size > most)
            return gpumm_lua_fail(GPUMM_IO, "%s: it has more than %llu bytes", path, (unsigned long long)most);
    }
    s->bytes = s->owned;
    return GPUMM_OK;
}

static gpumm_status map_all(source *s, int fd, const char *path, size_t size) {
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) return io_fail(path);
    madvise(at, size, MADV_WILLNEED);
    s->mapped = at;
    s->mapped_size = s->size = size;
    s->bytes = at;
    return GPUMM_OK;
}

static gpumm_status take_file(source *s, const char *path, uint64_t most) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        gpumm_status status = io_fail(path);
        if (fd >= 0) close(fd);
        return status;
    }
    bool mappable = S_ISREG(about.st_mode) && about.st_size >= SMALL;
    if (S_ISREG(about.st_mode)) most = UINT64_MAX; /* what it swells to is limited, not what it is */
    gpumm_status status = mappable ? map_all(s, fd, path, (size_t)about.st_size) : read_all(s, fd, path, most);
    close(fd);
    return status;
}

/* ---- What it holds ------------------------------------------------------------------------------ */

/* What was read becomes what it stands for. */
static void replace(source *s, char *text, size_t size) {
    give_up(s);
    s->owned = text;
    s->bytes = text;
    s->size = size;
}

static gpumm_status decode(source *s, const char *path, uint64_t most) {
    char *text;
    size_t size;
    if (s->size >= 2 && memcmp(s->bytes, "\x1f\x8b", 2) == 0) {
        gpumm_status status = gpumm_layout__gunzip(&s->memory, path, s->bytes, s->size, most, &text, &size);
        if (status != GPUMM_OK) return status;
        replace(s, text, size);
    }
    if (s->size >= 4 && (memcmp(s->bytes, "\xff\xfe\0\0", 4) == 0 || memcmp(s->bytes, "\0\0\xfe\xff", 4) == 0))
        return gpumm_lua_fail(GPUMM_IO, "%s: it is in UTF-32; UTF-8 and UTF-16 are read", path);
    if (s->size >= 2 && (memcmp(s->bytes, "\xff\xfe", 2) == 0 || memcmp(s->bytes, "\xfe\xff", 2) == 0)) {
        gpumm_status status = gpumm_layout__utf16(&s->memory, path, s->bytes, s->size, &text, &size);
        if (status != GPUMM_OK) return status;
        replace(s, text, size);
    }
    if (s->size >= 3 && memcmp(s->bytes, "\xef\xbb\xbf", 3) == 0) {
        s->bytes += 3;
        s->size -= 3;
    }
    return GPUMM_OK;
}

/* ---- In Lua ------------------------------------------------------------------------------------- */

const source *gpumm_layout__source_at(lua_State *L, int index) {
    const source *s = luaL_checkudata(L, index, SOURCE_CLASS);
    luaL_argcheck(L, s->bytes, index, "this source is closed");
    return s;
}

static int source_close(lua_State *L) {
    source *s = luaL_checkudata(L, 1, SOURCE_CLASS);
    if (s->bytes) gpumm_layout__files_closed(L);
    give_up(s);
    return 0;
}

static int source_length(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_layout__source_at(L, 1)->size);
    return 1;
}

/* source:sub(i, j): from 1; what is outside is left out. */
static int source_sub(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_optinteger(L, 3, (lua_Integer)s->size);
    if (first < 1) first = 1;
    if (last > (lua_Integer)s->size) last = (lua_Integer)s->size;
    if (first > last) lua_pushliteral(L, "");
    else lua_pushlstring(L, s->bytes + first - 1, (size_t)(last - first + 1));
    return 1;
}

/* source:find_zero(): is there a zero byte? */
static int source_find_zero(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    lua_pushboolean(L, memchr(s->bytes, 0, s->size) != NULL);
    return 1;
}

/* The first line that begins at `at` or behind it. */
static const char *next_line(const char *text, const char *at, const char *end, char newline) {
    if (at <= text) return text;
    const char *found = memchr(at - 1, newline, (size_t)(end - at + 1));
    return found ? found + 1 : end;
}

static lua_Integer count_lines(const char *at, const char *end, char newline) {
    lua_Integer count = 0;
    while ((at = memchr(at, newline, (size_t)(end - at))) != NULL) {
        at++;
        count++;
    }
    return count;
}

/* source:share(at, k, of, newline): of the lines from byte `at` on, from 1, part k (from 0) of `of` that are about as long
   is all that is left of it; returns how many lines that is. */
static int source_share(lua_State *L) {
    source *s = luaL_checkudata(L, 1, SOURCE_CLASS);
    gpumm_layout__source_at(L, 1);
    lua_Integer at = luaL_checkinteger(L, 2), k = luaL_checkinteger(L, 3), of = luaL_checkinteger(L, 4);
    char newline = *luaL_checkstring(L, 5);
    luaL_argcheck(L, at >= 1 && (lua_Unsigned)at - 1 <= s->size, 2, "it is outside of the source");
    luaL_argcheck(L, of >= 1 && of <= PARTS_MOST && k >= 0 && k < of, 3, "there is no such part");
    const char *text = s->bytes + at - 1, *end = s->bytes + s->size;
    uint64_t size = (uint64_t)(end - text), parts = (uint64_t)of, part = (uint64_t)k;
    uint64_t low = size / parts * part + size % parts * part / parts;
    uint64_t high = size / parts * (part + 1) + size % parts * (part + 1) / parts;
    s->bytes = next_line(text, text + low, end, newline);
    s->size = (size_t)(next_line(text, text + high, end, newline) - s->bytes);
    lua_pushinteger(L, count_lines(s->bytes, s->bytes + s->size, newline));
    return 1;
}

static int source_open(lua_State *L) {
    const char *path = gpumm_lua_check_path(L, 1, GPUMM_LUA_ACCESS_READ);
    lua_Integer most = luaL_checkinteger(L, 2);
    luaL_argcheck(L, most > 0, 2, "it is at least 1 byte");
    source *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (source){.memory = gpumm_lua_allocator(L)};
    luaL_setmetatable(L, SOURCE_CLASS);
    gpumm_layout__files_room(L);
    gpumm_status status = take_file(s, path, (uint64_t)most);
    if (status == GPUMM_OK) status = decode(s, path, (uint64_t)most);
    if (status != GPUMM_OK) {
        give_up(s);
        return gpumm_lua_result(L, status);
    }
    gpumm_layout__files_opened(L);
    return 1;
}

static void make_class(lua_State *L) {
    static const luaL_Reg meta[] = {
        {"__gc", source_close}, {"__close", source_close}, {"__len", source_length}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"sub", source_sub},
                                       {"find_zero", source_find_zero},
                                       {"share", source_share},
                                       {"close", source_close},
                                       {NULL, NULL}};
    gpumm_layout__class_make(L, SOURCE_CLASS, meta, methods);
}

void gpumm_layout__open_source(lua_State *L) {
    make_class(L);
    lua_pushcfunction(L, source_open);
    lua_setfield(L, -2, "open");
}
