/* SPDX-License-Identifier: MIT */
/* Fields of a line. Blanks around a field belong to nobody, unless it is in quotes; a CR before the line's end neither. */
#include "modules/layout/fields.h"

#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

static bool spaced(const dialect *d) { return d->loose || d->delimiter == ' '; }

void gpumm_layout__dialect_ready(dialect *d) {
    memset(d->sign, 0, sizeof d->sign);
    for (int c = 0; c < 256; c++) {
        bool between = spaced(d) ? is_blank((char)c) || (d->loose && c == ',') : (char)c == d->delimiter;
        if ((char)c == d->newline) d->sign[c] = SIGN_END;
        else if (between) d->sign[c] = SIGN_BETWEEN;
        else if (is_blank((char)c)) d->sign[c] = SIGN_BLANK;
    }
    for (const char *c = d->comments; c && *c; c++) d->sign[(unsigned char)*c] |= SIGN_COMMENT;
    for (const char *c = d->skipped; c && *c; c++) d->sign[(unsigned char)*c] |= SIGN_SKIPPED;
}

static bool is(const dialect *d, char c, int signs) { return d->sign[(unsigned char)c] & signs; }

/* Does `c` separate fields, where blanks do? */
static bool separates(const dialect *d, char c) { return is(d, c, SIGN_BETWEEN); }

static bool is_around(const dialect *d, char c) { return is(d, c, SIGN_BLANK); }

static const char *skip_around(const dialect *d, const char *at, const char *end) {
    while (at < end && is_around(d, *at)) at++;
    return at;
}

/* ---- A field ---------------------------------------------------------------------------------- */

static field_outcome read_quoted(const dialect *d, const char **at, const char *end, field *out) {
    const char *from = *at + 1, *to = from;
    out->doubled = false;
    for (;; to++) {
        while (to < end && *to != '"' && (*to != d->newline || d->lines_in_quotes)) to++;
        if (to == end || *to != '"') return FIELD_OPEN;
        if (to + 1 == end || to[1] != '"') break;
        out->doubled = true;
        to++;
    }
    out->text = from;
    out->length = (size_t)(to - from);
    out->quoted = true;
    *at = to + 1;
    return FIELD_READ;
}

/* Behind a field: over what separates it from the next. */
static field_outcome read_separator(const dialect *d, const char **at, const char *end) {
    const char *from = *at;
    if (spaced(d)) {
        while (*at < end && **at != d->newline && separates(d, **at)) ++*at;
        return *at > from || *at == end || **at == d->newline ? FIELD_READ : FIELD_BROKEN;
    }
    *at = skip_around(d, *at, end);
    if (*at == end || **at == d->newline) return FIELD_READ;
    if (**at != d->delimiter) return FIELD_BROKEN;
    ++*at;
    return FIELD_READ;
}

static void read_rest(const dialect *d, const char **at, const char *end, field *out) {
    const char *stop = memchr(*at, d->newline, (size_t)(end - *at));
    const char *to = stop ? stop : end;
    *out = (field){.text = *at};
    *at = to;
    while (to > out->text && is_blank(to[-1])) to--;
    out->length = (size_t)(to - out->text);
}

static void read_spaced(const dialect *d, const char **at, const char *end, field *out) {
    const char *to = *at;
    while (to < end && !is(d, *to, SIGN_END | SIGN_BETWEEN)) to++;
    *out = (field){.text = *at, .length = (size_t)(to - *at)};
    while (to < end && *to != d->newline && separates(d, *to)) to++;
    *at = to;
}

static void read_plain(const dialect *d, const char **at, const char *end, field *out) {
    const char *from = skip_around(d, *at, end), *to = from;
    while (to < end && !is(d, *to, SIGN_END | SIGN_BETWEEN)) to++;
    *at = to < end && *to == d->delimiter ? to + 1 : to;
    while (to > from && is_around(d, to[-1])) to--;
    *out = (field){.text = from, .length = (size_t)(to - from)};
}

/* Where the delimiter is a sign, a line that ends with it has one field more, which is empty. */
static bool has_more(const dialect *d, const char *at, const char *end) {
    if (at < end && *at != d->newline) return true;
    return !spaced(d) && at[-1] == d->delimiter;
}

field_outcome gpumm_layout__field(const dialect *d, const char **at, const char *end, bool last, field *out) {
    if (!has_more(d, *at, end)) return FIELD_NONE;
    if (d->quotes && !last) {
        const char *from = spaced(d) ? *at : skip_around(d, *at, end);
        if (from < end && *from == '"') {
            *at = from;
            field_outcome outcome = read_quoted(d, at, end, out);
            return outcome == FIELD_READ ? read_separator(d, at, end) : outcome;
        }
    }
    if (last) read_rest(d, at, end, out);
    else if (spaced(d)) read_spaced(d, at, end, out);
    else read_plain(d, at, end, out);
    return FIELD_READ;
}

size_t gpumm_layout__field_text(const field *f, char *to) {
    size_t length = 0;
    for (size_t i = 0; i < f->length; i++) {
        to[length++] = f->text[i];
        if (f->doubled && f->text[i] == '"') i++;
    }
    return length;
}

/* ---- A line ----------------------------------------------------------------------------------- */

const char *gpumm_layout__line_end(const dialect *d, const char *at, const char *end) {
    const char *stop = memchr(at, d->newline, (size_t)(end - at));
    return stop ? stop + 1 : end;
}

/* A sign that a name has at its start, as #covid: such a line has what the file's others have. */
static bool has_all_columns(const dialect *d, const char *at, const char *end) {
    unsigned count = 0;
    const char *before = NULL;
    field f;
    if (d->columns == 0 || at + 1 == end || is_blank(at[1]) || at[1] == d->newline) return false;
    if (at[1] == '!' || at[1] == '/') return false; /* the program that wrote the file */
    while (count <= d->columns && at != before) {
        before = at;
        if (gpumm_layout__field(d, &at, end, false, &f) != FIELD_READ) break;
        count++;
    }
    return count == d->columns;
}

bool gpumm_layout__line_begin(const dialect *d, const char **at, const char *end) {
    const char *from = *at;
    if (spaced(d)) {
        while (from < end && *from != d->newline && separates(d, *from)) from++;
    } else {
        const char *first = from;
        while (first < end && *first != d->newline && is_blank(*first)) first++;
        if (first == end || *first == d->newline) return false;
        from = skip_around(d, from, end);
    }
    *at = from;
    if (from == end || *from == d->newline) return false;
    if (!is(d, *from, SIGN_COMMENT | SIGN_SKIPPED)) return true;
    if (is(d, *from, SIGN_SKIPPED)) return false;
    return has_all_columns(d, from, end);
}
