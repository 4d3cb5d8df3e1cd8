/* SPDX-License-Identifier: MIT */
/* C type names to element types: words in any order ("long unsigned int"), CUDA's vector types by their
   parts, and the names of <stdint.h>. Sizes are those of CUDA on 64-bit Linux. */
#include "kernel/source/ctype.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct pair {
    const char *c, *element;
} pair;

static const pair single[] = {
    {"int8_t", "i8"},     {"uint8_t", "u8"},    {"int16_t", "i16"},   {"uint16_t", "u16"}, {"int32_t", "i32"},
    {"uint32_t", "u32"},  {"int64_t", "i64"},   {"uint64_t", "u64"},  {"size_t", "u64"},   {"ssize_t", "i64"},
    {"ptrdiff_t", "i64"}, {"intptr_t", "i64"},  {"uintptr_t", "u64"}, {"bool", "u8"},      {"_Bool", "u8"},
    {"uchar", "u8"},      {"ushort", "u16"},    {"uint", "u32"},      {"ulong", "u64"},    {"half", "f16"},
    {"__half", "f16"},    {"half2", "f16x2"},   {"__half2", "f16x2"}, {"float", "f32"},    {"double", "f64"},
    {"float16_t", "f16"}, {"float32_t", "f32"}, {"float64_t", "f64"},
};

/* What a digit from 1 to 4 makes a vector of. */
static const pair vector[] = {
    {"char", "i8"},  {"uchar", "u8"},  {"short", "i16"},    {"ushort", "u16"},    {"int", "i32"},   {"uint", "u32"},
    {"long", "i64"}, {"ulong", "u64"}, {"longlong", "i64"}, {"ulonglong", "u64"}, {"float", "f32"}, {"double", "f64"},
};

enum { SIGNED, UNSIGNED, CHAR, SHORT, INT, LONG, WORDS };
static const char *const words[WORDS] = {"signed", "unsigned", "char", "short", "int", "long"};

static int word_index(const char *text, size_t length) {
    for (int i = 0; i < WORDS; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) return i;
    return WORDS;
}

int gpumm__ctype_is_word(const char *text, size_t length) {
    char name[16];
    if (length >= sizeof name) return 0;
    memcpy(name, text, length);
    name[length] = 0;
    return word_index(text, length) < WORDS || strcmp(name, "float") == 0 || strcmp(name, "double") == 0 ||
           strcmp(name, "bool") == 0 || strcmp(name, "_Bool") == 0 || strcmp(name, "void") == 0;
}

/* Counts the integer words of a name; false where another word is among them. */
static bool count_words(const char *name, unsigned count[WORDS]) {
    while (*name) {
        size_t length = strcspn(name, " ");
        int word = word_index(name, length);
        if (word == WORDS) return false;
        count[word]++;
        name += length + (name[length] == ' ');
    }
    return true;
}

static const char *integer_element(const unsigned count[WORDS]) {
    bool u = count[UNSIGNED] > 0;
    if (count[CHAR]) return u ? "u8" : "i8";
    if (count[SHORT]) return u ? "u16" : "i16";
    if (count[LONG]) return u ? "u64" : "i64";
    return u ? "u32" : "i32";
}

static const char *vector_element(const char *name, char text[static 8]) {
    size_t length = strlen(name);
    char lanes = length ? name[length - 1] : 0;
    if (lanes < '1' || lanes > '4') return NULL;
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
        if (strlen(vector[i].c) != length - 1 || strncmp(vector[i].c, name, length - 1) != 0) continue;
        snprintf(text, 8, lanes == '1' ? "%s" : "%sx%c", vector[i].element, lanes);
        return text;
    }
    return NULL;
}

const char *gpumm__ctype_element(const char *name, char text[static 8]) {
    unsigned count[WORDS] = {0};
    if (*name && count_words(name, count)) return strcpy(text, integer_element(count));
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (strcmp(single[i].c, name) == 0) return strcpy(text, single[i].element);
    return vector_element(name, text);
}
