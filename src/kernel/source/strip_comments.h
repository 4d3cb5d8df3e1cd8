/* SPDX-License-Identifier: MIT */
/* Cleaning C source: comments become blanks, continued lines become one, raw strings become empty ones. */
#ifndef KERNEL_SOURCE_STRIP_COMMENTS_H
#define KERNEL_SOURCE_STRIP_COMMENTS_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

/* What names and blanks are, for the pass and for whoever cuts tokens after it. Bytes beyond ASCII are letters. */
static inline bool name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}
static inline bool name_part(char c) { return name_start(c) || isdigit((unsigned char)c); }
static inline bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

/* Length of a backslash with the line end behind it, else 0. */
static inline size_t continuation(const char *s) {
    if (s[0] != '\\') return 0;
    return s[1] == '\n' ? 2 : s[1] == '\r' && s[2] == '\n' ? 3 : 0;
}

/* Does a quote at `at` open a raw string, by what stands before it in the text from `start`? */
bool gpumm__raw_string_opens(const char *start, const char *at);

/* Behind the raw string that the quote opens. */
const char *gpumm__raw_string_end(const char *quote);

/* `out` has room for the length of `text` and three bytes more. */
void gpumm__strip_comments(const char *text, char *out);

#endif
