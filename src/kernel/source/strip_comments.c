/* SPDX-License-Identifier: MIT */
/* One pass over a source before its tokens are read. Lines keep their numbers: what a continuation or a
   comment swallows is made good at the next line end. */
#include "kernel/source/strip_comments.h"

#include <string.h>

typedef struct cleaner {
    const char *in;
    char *out, *start;
    unsigned owed; /* line ends swallowed, made good at the next one that stays */
    bool fresh, directive;
} cleaner;

static void clean_line_comment(cleaner *c) {
    while (*c->in && *c->in != '\n') {
        size_t more = continuation(c->in);
        if (more) c->owed++;
        c->in += more ? more : 1;
    }
}

static void clean_block_comment(cleaner *c) {
    *c->out++ = ' ';
    for (c->in += 2; *c->in && !(c->in[0] == '*' && c->in[1] == '/'); c->in++) {
        if (*c->in != '\n') continue;
        if (c->directive) c->owed++;
        else *c->out++ = '\n';
    }
    if (*c->in) c->in += 2;
}

bool gpumm__raw_string_opens(const char *start, const char *at) {
    if (at == start || at[-1] != 'R') return false;
    const char *before = at - 1;
    while (before > start && name_part(before[-1])) before--;
    static const char *const prefixes[] = {"R", "LR", "uR", "UR", "u8R"};
    size_t length = (size_t)(at - before);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strlen(prefixes[i]) == length && memcmp(before, prefixes[i], length) == 0) return true;
    return false;
}

const char *gpumm__raw_string_end(const char *quote) {
    const char *open = strchr(quote, '(');
    size_t mark = open ? (size_t)(open - quote - 1) : 0;
    for (const char *s = open; s && (s = strchr(s, ')')); s++)
        if (strncmp(s + 1, quote + 1, mark) == 0 && s[1 + mark] == '"') return s + 2 + mark;
    return quote + strlen(quote);
}

/* What a raw string says interests nobody here. */
static void clean_raw_string(cleaner *c) {
    for (const char *end = gpumm__raw_string_end(c->in); c->in < end; c->in++)
        if (*c->in == '\n') c->owed++;
    *c->out++ = '"';
    *c->out++ = '"';
}

static void clean_literal(cleaner *c) {
    char quote = *c->in;
    *c->out++ = *c->in++;
    while (*c->in && *c->in != '\n') {
        size_t more = continuation(c->in);
        if (more) {
            c->owed++;
            c->in += more;
            continue;
        }
        bool last = *c->in == quote;
        if (*c->in == '\\' && c->in[1]) *c->out++ = *c->in++;
        *c->out++ = *c->in++;
        if (last) return;
    }
}

static void clean_line_end(cleaner *c) {
    *c->out++ = *c->in++;
    for (; c->owed; c->owed--) *c->out++ = '\n';
    c->fresh = true;
    c->directive = false;
}

static void clean_plain(cleaner *c) {
    if (!blank(*c->in)) {
        c->directive |= c->fresh && *c->in == '#';
        c->fresh = false;
    }
    *c->out++ = *c->in++;
}

void gpumm__strip_comments(const char *text, char *out) {
    cleaner c = {text, out, out, 0, true, false};
    if (strncmp(c.in, "\xEF\xBB\xBF", 3) == 0) c.in += 3; /* a byte order mark */
    while (*c.in) {
        size_t more = continuation(c.in);
        /* 1'000 is one number: its quotes open nothing. */
        bool separator = *c.in == '\'' && c.out > out && isalnum((unsigned char)c.out[-1]);
        if (more) c.in += more, c.owed++;
        else if (c.in[0] == '/' && c.in[1] == '/') clean_line_comment(&c);
        else if (c.in[0] == '/' && c.in[1] == '*') clean_block_comment(&c);
        else if (*c.in == '"' && gpumm__raw_string_opens(out, c.out)) clean_raw_string(&c);
        else if (*c.in == '"' || (*c.in == '\'' && !separator)) clean_literal(&c), c.fresh = false;
        else if (*c.in == '\n') clean_line_end(&c);
        else clean_plain(&c);
    }
    *c.out = 0;
}
