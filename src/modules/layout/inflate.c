/* SPDX-License-Identifier: MIT */
/* gpumm.inflate: what gzip or zlib has compressed, as text. It opens no file, so a contained script may call it. All
   memory is Lua's: zlib gets an arena that the collector owns, so an error may jump out at any point. */
#define ZLIB_CONST /* what it reads is constant */
#include "modules/layout/inflate.h"

#include <lauxlib.h>
#include <limits.h>
#include <zlib.h>

#include "gpumm_lua.h"

/* What inflate takes: its state and a window of 32 KiB, twice over. */
enum { ARENA = 96 * 1024, UNIT = 8, PIECE = 1 << 16 };

typedef struct arena {
    _Alignas(UNIT) unsigned char bytes[ARENA];
    size_t used;
} arena;

static void *arena_take(void *opaque, uInt items, uInt size) {
    arena *a = opaque;
    size_t bytes = (size_t)items * size; /* of two 32-bit numbers */
    if (bytes > ARENA - a->used) return NULL;
    void *block = a->bytes + a->used;
    a->used += (bytes + UNIT - 1) / UNIT * UNIT;
    if (a->used > ARENA) a->used = ARENA;
    return block;
}

static void arena_keep(void *opaque, void *block) {
    (void)opaque;
    (void)block;
}

typedef struct source {
    z_stream z;
    const char *next; /* what zlib has not been given yet */
    size_t left;
} source;

static void feed(source *s) {
    if (s->z.avail_in > 0) return;
    size_t size = s->left < INT_MAX ? s->left : INT_MAX;
    s->z.next_in = (const Bytef *)s->next;
    s->z.avail_in = (uInt)size;
    s->next += size;
    s->left -= size;
}

/* A file of gzip may be several, one behind the other, and tapes pad it with zeros. */
static gpumm_status next_member(source *s, bool *more) {
    while (s->z.avail_in > 0 || s->left > 0) {
        feed(s);
        if (*s->z.next_in != 0) break;
        s->z.next_in++;
        s->z.avail_in--;
    }
    *more = s->z.avail_in > 0;
    if (*more && inflateReset(&s->z) != Z_OK) return gpumm_lua_fail(GPUMM_IO, "zlib cannot begin anew");
    return GPUMM_OK;
}

static gpumm_status explain(const source *s, int result) {
    if (result == Z_BUF_ERROR) return gpumm_lua_fail(GPUMM_IO, "the compressed data ends too early");
    if (result == Z_NEED_DICT) return gpumm_lua_fail(GPUMM_IO, "the compressed data needs a dictionary");
    if (result == Z_MEM_ERROR) return gpumm_lua_fail(GPUMM_IO, "zlib needs more memory than this version is known to");
    return gpumm_lua_fail(GPUMM_IO, "the compressed data is damaged: %s",
                          s->z.msg ? s->z.msg : "zlib does not say how");
}

/* The buffer may keep a value on the stack while this runs. */
static gpumm_status inflate_all(source *s, luaL_Buffer *b) { /* [-0, +0, m] */
    bool more = true;
    while (more) {
        feed(s);
        s->z.next_out = (Bytef *)luaL_prepbuffsize(b, PIECE);
        s->z.avail_out = PIECE;
        int result = inflate(&s->z, Z_NO_FLUSH);
        luaL_addsize(b, PIECE - s->z.avail_out);
        if (result != Z_OK && result != Z_STREAM_END) return explain(s, result);
        if (result == Z_STREAM_END && next_member(s, &more) != GPUMM_OK) return GPUMM_IO;
    }
    return GPUMM_OK;
}

int gpumm_layout__inflate(lua_State *L) {
    source s = {0};
    luaL_Buffer b;
    luaL_checktype(L, 1, LUA_TSTRING);
    s.next = lua_tolstring(L, 1, &s.left);
    arena *a = lua_newuserdatauv(L, sizeof *a, 0);
    a->used = 0;
    s.z.zalloc = arena_take;
    s.z.zfree = arena_keep;
    s.z.opaque = a;
    if (inflateInit2(&s.z, MAX_WBITS + 32) != Z_OK) /* gzip or zlib, by its first bytes */
        return gpumm_lua_result(L, gpumm_lua_fail(GPUMM_IO, "zlib cannot begin: %s", s.z.msg ? s.z.msg : "no memory"));
    luaL_buffinit(L, &b);
    gpumm_status status = inflate_all(&s, &b);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    luaL_pushresult(&b);
    return 1;
}
