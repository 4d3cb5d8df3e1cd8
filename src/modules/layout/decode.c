/* SPDX-License-Identifier: MIT */
/* gzip and UTF-16 into UTF-8, all at once: what reads columns on several threads needs the whole text. */
#define ZLIB_CONST /* what it reads is constant */
#include "modules/layout/decode.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { FIRST = 1 << 16 };

typedef struct output {
    const gpumm_allocator *memory;
    char *text;
    size_t used, room;
} output;

static void drop(output *o) {
    if (o->text) o->memory->reallocate(o->memory->user, o->text, 0);
    o->text = NULL;
}

static bool reserve(output *o, size_t more) {
    if (o->room - o->used >= more) return true;
    size_t room = o->room < FIRST ? FIRST : 2 * o->room;
    while (room - o->used < more) room *= 2;
    char *text = o->memory->reallocate(o->memory->user, o->text, room);
    if (!text) return false;
    o->text = text;
    o->room = room;
    return true;
}

static gpumm_status no_memory(const char *path) {
    return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "%s: there is no memory for its text", path);
}

/* ---- gzip ------------------------------------------------------------------------------------- */

static gpumm_status explain(const char *path, const z_stream *z, int result) {
    if (result == Z_BUF_ERROR) return gpumm_lua_fail(GPUMM_IO, "%s: IO: the compressed data ends too early", path);
    if (result == Z_MEM_ERROR) return no_memory(path);
    return gpumm_lua_fail(GPUMM_IO, "%s: IO: the compressed data is damaged: %s", path,
                          z->msg ? z->msg : "zlib says no more");
}

typedef struct input {
    const char *next;
    size_t left;
} input;

static void feed(z_stream *z, input *in) {
    if (z->avail_in > 0) return;
    size_t size = in->left < INT_MAX ? in->left : INT_MAX;
    z->next_in = (const Bytef *)in->next;
    z->avail_in = (uInt)size;
    in->next += size;
    in->left -= size;
}

/* A file may be several members, one behind the other, and tapes pad it with zeros. */
static bool next_member(z_stream *z, input *in) {
    for (;;) {
        feed(z, in);
        if (z->avail_in == 0) return false;
        if (*z->next_in != 0) return inflateReset(z) == Z_OK;
        z->next_in++;
        z->avail_in--;
    }
}

static gpumm_status inflate_all(z_stream *z, input *in, output *o, const char *path, uint64_t most) {
    for (bool more = true; more;) {
        feed(z, in);
        if (!reserve(o, FIRST / 2)) return no_memory(path);
        size_t room = o->room - o->used < INT_MAX ? o->room - o->used : INT_MAX;
        z->next_out = (Bytef *)o->text + o->used;
        z->avail_out = (uInt)room;
        int result = inflate(z, Z_NO_FLUSH);
        o->used += room - z->avail_out;
        if (o->used > most)
            return gpumm_lua_fail(GPUMM_IO, "%s: IO: the compressed data swells to more than %llu bytes", path,
                                  (unsigned long long)most);
        if (result == Z_STREAM_END) more = next_member(z, in);
        else if (result != Z_OK) return explain(path, z, result);
    }
    return GPUMM_OK;
}

gpumm_status gpumm_layout__gunzip(const gpumm_allocator *memory, const char *path, const char *bytes, size_t size,
                                  uint64_t most, char **text, size_t *length) {
    z_stream z = {0};
    input in = {bytes, size};
    output o = {.memory = memory};
    if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK) return no_memory(path);
    gpumm_status status = inflate_all(&z, &in, &o, path, most);
    inflateEnd(&z);
    if (status != GPUMM_OK) drop(&o);
    *text = o.text;
    *length = o.used;
    return status;
}

/* ---- UTF-16 ----------------------------------------------------------------------------------- */

static unsigned unit_at(const unsigned char *at, bool big) {
    return big ? (unsigned)at[0] << 8 | at[1] : (unsigned)at[1] << 8 | at[0];
}

static size_t put(char *to, unsigned c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(leads[more] | c >> 6 * more);
    for (size_t i = 1; i <= more; i++) to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

gpumm_status gpumm_layout__utf16(const gpumm_allocator *memory, const char *path, const char *bytes, size_t size,
                                 char **text, size_t *length) {
    const unsigned char *at = (const unsigned char *)bytes + 2, *end = at + (size - 2);
    bool big = bytes[0] == '\xfe';
    output o = {.memory = memory};
    if (size % 2) return gpumm_lua_fail(GPUMM_IO, "%s: UTF-16 has an even number of bytes, this file has not", path);
    if (!reserve(&o, size / 2 * 3 + 4)) return no_memory(path);
    while (at < end) {
        unsigned c = unit_at(at, big);
        at += 2;
        bool high = c >= 0xd800 && c < 0xdc00, low = c >= 0xdc00 && c < 0xe000;
        unsigned next = high && at < end ? unit_at(at, big) : 0;
        if (low || (high && (next < 0xdc00 || next >= 0xe000))) {
            drop(&o);
            return gpumm_lua_fail(GPUMM_IO, "%s: its UTF-16 has half a character at byte %td", path,
                                  (const char *)at - 2 - bytes);
        }
        if (high) {
            c = 0x10000 + ((c - 0xd800) << 10 | (next - 0xdc00));
            at += 2;
        }
        o.used += put(o.text + o.used, c);
    }
    *text = o.text;
    *length = o.used;
    return GPUMM_OK;
}
