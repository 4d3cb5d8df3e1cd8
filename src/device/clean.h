/* Cleaning C source: comments become blanks, continued lines become one, raw strings become empty ones. */
#ifndef DEVICE_CLEAN_H
#define DEVICE_CLEAN_H

#include <ctype.h>
#include <stdbool.h>

/* What names and blanks are, for the pass and for whoever cuts tokens after it. Bytes beyond ASCII are letters. */
static inline bool name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}
static inline bool name_part(char c) { return name_start(c) || isdigit((unsigned char)c); }
static inline bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

/* `out` has room for the length of `text` and three bytes more. */
void clean_source(const char *text, char *out);

#endif
