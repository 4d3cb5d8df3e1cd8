/* SPDX-License-Identifier: MIT */
/* Writing text. A file whose writer is collected or closed before it is committed leaves nothing behind. */
#include "modules/layout/output.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"

#include "modules/layout/class.h"
#include "modules/layout/files.h"

#define OUTPUT_CLASS "gpumm_layout.output"
#define NO_PLACE "\xef\xbf\xbd" /* U+FFFD stands for what has none */

enum { SAID = 63 }; /* bytes of a text that a message repeats */

typedef struct writer {
    gpumm_lua_output *output; /* NULL: it has ended */
} writer;

static FILE *stream_at(lua_State *L) {
    const writer *w = luaL_checkudata(L, 1, OUTPUT_CLASS);
    luaL_argcheck(L, w->output, 1, "this file is complete, or given up");
    return gpumm_lua_output_stream(w->output);
}

static int output_new(lua_State *L) {
    const char *path = gpumm_lua_check_path(L, 1, GPUMM_LUA_ACCESS_WRITE);
    writer *w = lua_newuserdatauv(L, sizeof *w, 0);
    w->output = NULL;
    luaL_setmetatable(L, OUTPUT_CLASS);
    gpumm_layout__files_room(L);
    gpumm_status status = gpumm_lua_output_open(path, &w->output);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    gpumm_layout__files_opened(L);
    return 1;
}

static int output_close(lua_State *L) {
    writer *w = luaL_checkudata(L, 1, OUTPUT_CLASS);
    if (!w->output) return 0;
    gpumm_lua_output_abandon(w->output);
    gpumm_layout__files_closed(L);
    w->output = NULL;
    return 0;
}

static int output_commit(lua_State *L) {
    writer *w = luaL_checkudata(L, 1, OUTPUT_CLASS);
    stream_at(L);
    gpumm_lua_output *output = w->output;
    w->output = NULL;
    gpumm_layout__files_closed(L);
    return gpumm_lua_result(L, gpumm_lua_output_commit(output));
}

/* The fewest digits that are read back as the same number, with a point whatever the locale has. */
static void write_number(FILE *stream, double number) {
    static const int digits[] = {6, 9, 15, 17};
    char text[40] = "nan";
    for (int i = 0; i < 4 && isfinite(number); i++) {
        snprintf(text, sizeof text, "%.*g", digits[i], number);
        if (strtod(text, NULL) == number) break;
    }
    for (char *c = text; *c; c++)
        if (!strchr("0123456789+-einfa", *c)) *c = '.';
    fputs(text, stream);
}

static int output_write(lua_State *L) {
    FILE *stream = stream_at(L);
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) {
        size_t length;
        if (lua_isinteger(L, i)) {
            fprintf(stream, "%lld", (long long)lua_tointeger(L, i));
        } else if (lua_type(L, i) == LUA_TNUMBER) {
            write_number(stream, lua_tonumber(L, i));
        } else {
            const char *text = luaL_checklstring(L, i, &length);
            fwrite(text, 1, length, stream);
        }
    }
    return 0;
}

/* How many bytes the character in UTF-8 at `at` has, and its number; 0: those bytes are none. */
static size_t character(const unsigned char *at, size_t left, unsigned long *c) {
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at >= 0xc2 && *at < 0xe0 ? 2 : *at >= 0xe0 && *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;
    if (length == 0 || length > left || (*at >= 0x80 && *at < 0xc2)) return 0;
    *c = length == 1 ? *at : *at & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
        *c = *c << 6 | (at[i] & 0x3f);
    }
    return *c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : length;
}

/* Some characters cannot be in XML, as they are or otherwise. */
static bool has_no_place(unsigned long c) {
    return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff;
}

/* A character that needs more than itself in XML: what stands for it; NULL: nothing does. */
static const char *escaped(unsigned long c) {
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\t': return "&#9;";
    case '\n': return "&#10;";
    case '\r': return "&#13;";
    default: return has_no_place(c) ? NO_PLACE : NULL;
    }
}

/* Bytes that are no UTF-8 are taken for Latin-1, so that the file is well-formed. */
static int output_xml(lua_State *L) {
    FILE *stream = stream_at(L);
    size_t length;
    const unsigned char *text = (const unsigned char *)luaL_checklstring(L, 2, &length);
    for (size_t i = 0; i < length;) {
        unsigned long c = 0;
        size_t size = character(text + i, length - i, &c);
        const char *other = size > 0 ? escaped(c) : NULL;
        if (other) fputs(other, stream);
        else if (size > 0) fwrite(text + i, 1, size, stream);
        else fprintf(stream, "&#%d;", text[i]);
        i += size > 0 ? size : 1;
    }
    return 0;
}

/* Adds what comes back of a character of `size` bytes (0: a byte that is none); false: it is another. */
static bool add_back(luaL_Buffer *b, const unsigned char *at, size_t size, unsigned long c) {
    char latin[] = {(char)(0xc0 | *at >> 6), (char)(0x80 | (*at & 0x3f))};
    bool lost = size > 0 && has_no_place(c);
    if (lost) luaL_addstring(b, NO_PLACE);
    else if (size == 0) luaL_addlstring(b, latin, sizeof latin);
    else luaL_addlstring(b, (const char *)at, size);
    return size > 0 && !lost;
}

/* as_xml(text): what comes back of what output_xml writes; nil: the same text. */
static int layout_as_xml(lua_State *L) {
    luaL_Buffer b;
    size_t length;
    const unsigned char *text = (const unsigned char *)luaL_checklstring(L, 1, &length);
    bool same = true;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < length;) {
        unsigned long c = 0;
        size_t size = character(text + i, length - i, &c);
        if (!add_back(&b, text + i, size, c)) same = false;
        i += size > 0 ? size : 1;
    }
    luaL_pushresult(&b);
    if (same) lua_pushnil(L);
    return 1;
}

/* Text with zero bytes is taken for none by whoever reads it, gpumm too. */
static void refuse_zero(lua_State *L, const char *text, size_t length) {
    luaL_Buffer b;
    if (!memchr(text, 0, length)) return;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < length && i < SAID; i++) {
        if (text[i]) luaL_addchar(&b, text[i]);
        else luaL_addstring(&b, "\\0");
    }
    luaL_pushresult(&b);
    lua_pushfstring(L, "CSV has no zero bytes: \"%s\" cannot be written", lua_tostring(L, -1));
    lua_error(L);
}

static int output_csv(lua_State *L) {
    FILE *stream = stream_at(L);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    refuse_zero(L, text, length);
    bool plain = length > 0 && text[0] != ' ' && text[length - 1] != ' ' && text[0] != '#' && text[0] != '%';
    for (size_t i = 0; plain && i < length; i++) plain = !strchr(",;\t|\"\n\r", text[i]);
    if (plain) {
        fwrite(text, 1, length, stream);
        return 0;
    }
    putc('"', stream);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') putc('"', stream);
        putc(text[i], stream);
    }
    putc('"', stream);
    return 0;
}

void gpumm_layout__open_output(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"write", output_write}, {"xml", output_xml}, {"csv", output_csv}, {"commit", output_commit}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", output_close}, {"__close", output_close}, {NULL, NULL}};
    gpumm_layout__class_make(L, OUTPUT_CLASS, meta, methods);
    lua_pushcfunction(L, output_new);
    lua_setfield(L, -2, "output");
    lua_pushcfunction(L, layout_as_xml);
    lua_setfield(L, -2, "as_xml");
}
