/* SPDX-License-Identifier: MIT */
/* Text into a line. */
#include "base/trace_line.h"

#include <string.h>

static void put(trace_line *l, const char *bytes, size_t count) {
    if (count > sizeof l->text - l->used) return;
    memcpy(l->text + l->used, bytes, count);
    l->used += count;
}

void gpumm__line_text(trace_line *l, const char *text) { put(l, text, strlen(text)); }

static void digits(trace_line *l, uint64_t number, unsigned base, unsigned least) {
    char text[24], *at = text + sizeof text;
    do {
        *--at = "0123456789abcdef"[number % base];
        number /= base;
    } while (number || (size_t)(text + sizeof text - at) < least);
    put(l, at, (size_t)(text + sizeof text - at));
}

void gpumm__line_decimal(trace_line *l, uint64_t number, unsigned least) { digits(l, number, 10, least); }

void gpumm__line_count(trace_line *l, uint64_t number) { digits(l, number, 10, 1); }

void gpumm__line_integer(trace_line *l, int64_t number) {
    if (number < 0) gpumm__line_text(l, "-");
    gpumm__line_count(l, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void gpumm__line_address(trace_line *l, uint64_t address) {
    gpumm__line_text(l, "0x");
    digits(l, address, 16, 1);
}

void gpumm__line_microseconds(trace_line *l, uint64_t ns) {
    gpumm__line_count(l, ns / 1000);
    gpumm__line_text(l, ".");
    gpumm__line_decimal(l, ns % 1000, 3);
}

/* ---- Strings ------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character there; 0: it is none. */
static size_t character(const unsigned char *at) {
    size_t more = at[0] < 0x80 ? 0 : at[0] >= 0xc2 && at[0] < 0xe0 ? 1 : (at[0] & 0xf0) == 0xe0 ? 2 : 3;
    if (at[0] >= 0xf5 || (at[0] >= 0x80 && at[0] < 0xc2)) return 0;
    for (size_t i = 1; i <= more; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return overlong || beyond ? 0 : more + 1;
}

static void escape(trace_line *l, unsigned char c) {
    gpumm__line_text(l, "\\u00");
    digits(l, c, 16, 2);
}

/* Returns how many bytes of `text` it took. */
static size_t put_character(trace_line *l, const unsigned char *text) {
    size_t bytes = character(text);
    if (!bytes) return gpumm__line_text(l, "\xef\xbf\xbd"), 1;
    if (bytes == 1 && (*text < 0x20 || *text == '"' || *text == '\\' || *text == 0x7f)) escape(l, *text);
    else put(l, (const char *)text, bytes);
    return bytes;
}

void gpumm__line_string(trace_line *l, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    gpumm__line_text(l, "\"");
    while (*at && l->used + TRACE_LINE_SPARE < sizeof l->text) at += put_character(l, at);
    if (*at) gpumm__line_text(l, "...");
    gpumm__line_text(l, "\"");
}
