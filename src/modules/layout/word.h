/* SPDX-License-Identifier: MIT */
/* A piece of a text that is kept elsewhere. */
#ifndef MODULES_LAYOUT_WORD_H
#define MODULES_LAYOUT_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct word {
    const char *at;
    size_t length;
} word;

static inline bool word_same(word a, word b) { return a.length == b.length && memcmp(a.at, b.at, a.length) == 0; }
static inline bool word_is(word a, const char *text) { return word_same(a, (word){text, strlen(text)}); }

/* ---- Of XML ----------------------------------------------------------------------------------- */

static inline bool word_xml_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static inline bool word_xml_letter(char c) {
    return !word_xml_space(c) && c != '>' && c != '/' && c != '=' && c != '<' && c != '"' && c != '\'';
}

/* The name at `*at`, which goes behind it. */
static inline word word_xml_name(const char **at, const char *end) {
    word w = {*at, 0};
    while (*at < end && word_xml_letter(**at)) ++*at;
    w.length = (size_t)(*at - w.at);
    return w;
}

/* Without a prefix. */
static inline word word_xml_local(word w) {
    const char *colon = memchr(w.at, ':', w.length);
    return colon ? (word){colon + 1, w.length - (size_t)(colon - w.at) - 1} : w;
}

#endif
