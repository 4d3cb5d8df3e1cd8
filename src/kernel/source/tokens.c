/* SPDX-License-Identifier: MIT */
/* Cutting tokens. Compilers took comments and joined lines away; a signature that somebody wrote may have some. */
#include "kernel/source/tokens.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

struct token_file {
    token_file *next;
    char name[];
};

/* Bytes beyond ASCII are letters, and so is what compilers write for them: \U000000f6. */
static bool name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || c == '$' || c == '\\' || (unsigned char)c >= 0x80;
}
static bool name_part(char c) { return name_start(c) || isdigit((unsigned char)c); }

bool gpumm__token_is(const token *t, const char *text) {
    return strlen(text) == t->length && memcmp(t->text, text, t->length) == 0;
}

void gpumm__tokens_open(const gpumm_allocator *from, const char *text, const char *file, token_reader *out) {
    *out = (token_reader){.from = from, .start = text, .at = text, .file = file, .line = 1, .fresh = true};
}

void gpumm__tokens_close(token_reader *r) {
    for (token_file *f = r->files, *next; f; f = next) {
        next = f->next;
        gpumm__mem_free(r->from, f);
    }
    r->files = NULL;
}

/* ---- Line marks ---------------------------------------------------------------------------- */

/* The next character of a name between quotes, its escapes undone; 0 at its end. */
static char name_next(const char **at) {
    if (**at == '\\' && (*at)[1] && (*at)[1] != '\n') ++*at;
    else if (**at == '"' || **at == '\n') return 0;
    return **at ? *(*at)++ : 0;
}

static bool is_named(const char *at, const char *name) {
    char next;
    while ((next = name_next(&at)) && next == *name) name++;
    return next == 0 && *name == 0;
}

/* The name behind the quote at `at`; the one before where there is no memory for it. Most marks name a file again. */
static const char *file_named(token_reader *r, const char *at) {
    at++;
    for (const token_file *known = r->files; known; known = known->next)
        if (is_named(at, known->name)) return known->name;
    token_file *f = gpumm__mem_new(r->from, sizeof *f + strcspn(at, "\n") + 1);
    if (!f) return r->file;
    for (char *to = f->name; (*to = name_next(&at)); to++) {}
    f->next = r->files;
    r->files = f;
    return f->name;
}

/* # 12 "file" or #line 12 "file": what follows this line is line 12. Anything else says nothing here. */
static void read_mark(token_reader *r) {
    const char *at = r->at + 1 + strspn(r->at + 1, " \t");
    if (strncmp(at, "line", 4) == 0) at += 4 + strspn(at + 4, " \t");
    if (isdigit((unsigned char)*at)) {
        char *end;
        unsigned long line = strtoul(at, &end, 10);
        r->line = line ? (unsigned)line - 1 : 0;
        end += strspn(end, " \t");
        if (*end == '"') r->file = file_named(r, end);
    }
    while (*r->at && *r->at != '\n') r->at++;
}

/* ---- Blanks -------------------------------------------------------------------------------- */

static void pass_line_end(token_reader *r) {
    r->at++;
    r->line++;
    r->fresh = true;
}

static void pass_comment(token_reader *r) {
    bool block = r->at[1] == '*';
    for (r->at += 2; *r->at && (block ? strncmp(r->at, "*/", 2) != 0 : *r->at != '\n'); r->at++)
        r->line += block && *r->at == '\n';
    if (block && *r->at) r->at += 2;
}

/* Up to the next token; false: there is none. */
static bool pass_blanks(token_reader *r) {
    while (*r->at) {
        if (*r->at == '\n') pass_line_end(r);
        else if (isspace((unsigned char)*r->at)) r->at++;
        else if (*r->at == '\\' && r->at[1] == '\n') r->at += 2, r->line++;
        else if (r->at[0] == '/' && (r->at[1] == '/' || r->at[1] == '*')) pass_comment(r);
        else if (*r->at == '#' && r->fresh) read_mark(r);
        else return true;
    }
    return false;
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static const char *literal_end(const char *at) {
    for (char quote = *at++; *at && *at != '\n';) {
        if (*at == '\\' && at[1]) at++;
        else if (*at == quote) return at + 1;
        at++;
    }
    return at;
}

/* Behind the raw string whose quote this is. */
static const char *raw_string_end(const char *quote) {
    const char *open = strchr(quote, '(');
    size_t mark = open ? (size_t)(open - quote - 1) : 0;
    for (const char *s = open; s && (s = strchr(s, ')')); s++)
        if (strncmp(s + 1, quote + 1, mark) == 0 && s[1 + mark] == '"') return s + 2 + mark;
    return quote + strlen(quote);
}

static bool is_raw_prefix(const char *text, size_t length) {
    static const char *const prefixes[] = {"R", "LR", "uR", "UR", "u8R"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strlen(prefixes[i]) == length && memcmp(text, prefixes[i], length) == 0) return true;
    return false;
}

/* Where the token at `s` ends, and what it is. A number may have a point, an exponent, and ' between digits. */
static const char *token_end(const char *s, token_kind *kind) {
    const char *start = s;
    *kind = TOKEN_PUNCTUATION;
    if (name_start(*s)) {
        *kind = TOKEN_NAME;
        while (name_part(*s)) s++;
        if (*s != '"' || !is_raw_prefix(start, (size_t)(s - start))) return s;
        *kind = TOKEN_STRING;
        return raw_string_end(s);
    }
    if (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]))) {
        *kind = TOKEN_NUMBER;
        while (name_part(*s) || *s == '.' || (*s == '\'' && name_part(s[1]))) s++;
        return s;
    }
    if (*s != '"' && *s != '\'') return s + 1;
    *kind = TOKEN_STRING;
    return literal_end(s);
}

static token token_here(token_reader *r) {
    bool more = pass_blanks(r);
    token t = {TOKEN_END, r->at, 0, r->file, r->line};
    if (!more) return t;
    const char *end = token_end(r->at, &t.kind);
    t.length = (size_t)(end - r->at);
    for (; r->at < end; r->at++) r->line += *r->at == '\n'; /* a raw string has lines of its own */
    r->fresh = false;
    return t;
}

/* _Pragma("…") is a directive, wherever it stands; NVRTC leaves it in what it has preprocessed. */
token gpumm__token_next(token_reader *r) {
    token t = token_here(r);
    while (gpumm__token_is(&t, "_Pragma")) {
        while (t.kind != TOKEN_END && !gpumm__token_is(&t, ")")) t = token_here(r);
        if (t.kind != TOKEN_END) t = token_here(r);
    }
    return t;
}

gpumm_status gpumm__token_wrong(const token *where, const char *what) {
    return fail(GPUMM_COMPILE_FAILED, "%s:%u: %s", where->file, where->line, what);
}

const token *gpumm__token_behind(const token *t, const token *end) {
    int open = 0;
    for (; t < end; t++) {
        bool opens = gpumm__token_is(t, "(") || gpumm__token_is(t, "[") || gpumm__token_is(t, "{"),
             closes = gpumm__token_is(t, ")") || gpumm__token_is(t, "]") || gpumm__token_is(t, "}");
        open += opens - closes;
        if (open == 0) return t + 1;
    }
    return end;
}

bool gpumm__token_is_attribute(const token *t) {
    static const char *const names[] = {"__launch_bounds__", "__attribute__",  "__attribute",      "__declspec",
                                        "alignas",           "_Alignas",       "__align__",        "__cluster_dims__",
                                        "__maxnreg__",       "__block_size__", "__builtin_align__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gpumm__token_is(t, names[i])) return true;
    return false;
}
