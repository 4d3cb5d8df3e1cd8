/* SPDX-License-Identifier: MIT */
/* The reader: one cleaning pass over the text, then tokens on demand from a stack of inputs (the text
   itself at the bottom, expansions of macros above it). What a compiler would refuse is let through:
   the compiler says it better. */
#include "kernel/source/preprocessor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "kernel/source/strip_comments.h"

enum { INPUTS = 32, CONDITIONS = 64, PARAMETERS = 16 };

typedef struct slice {
    const char *text;
    size_t length;
} slice;

typedef struct block { /* what the reader made and keeps until it closes */
    struct block *next;
} block;

typedef struct macro {
    struct macro *next;
    slice name, body;
    bool function, variadic, busy, gone; /* variadic: the last parameter takes what is left */
    size_t count;
    slice parameter[PARAMETERS];
} macro;

typedef struct input {
    const char *at, *end;
    macro *of; /* NULL: the text itself */
} input;

typedef struct condition {
    bool outer, live, taken; /* the group around it is read; this branch is; some branch was */
} condition;

struct reader {
    const gpumm_allocator *from;
    block *blocks;
    macro *macros;
    input stack[INPUTS];
    size_t depth; /* inputs above the text */
    condition conditions[CONDITIONS];
    size_t nested;
    bool live, fresh; /* text is read; nothing but blanks stood on this line so far */
    const char *file;
    unsigned line;
    gpumm_status status;
};

/* ---- Small things ------------------------------------------------------------------------- */

static bool slice_is(slice s, const char *text) {
    return strlen(text) == s.length && memcmp(s.text, text, s.length) == 0;
}

static bool slice_same(slice a, slice b) { return a.length == b.length && memcmp(a.text, b.text, a.length) == 0; }

bool gpumm__token_is(const token *t, const char *text) { return slice_is((slice){t->text, t->length}, text); }

static void *keep(reader *r, size_t bytes) {
    block *b = gpumm__mem_new(r->from, sizeof *b + bytes);
    if (!b) {
        r->status = fail_host_memory(bytes);
        return NULL;
    }
    b->next = r->blocks;
    r->blocks = b;
    return b + 1;
}

static char *keep_text(reader *r, const char *text, size_t length) {
    char *copy = keep(r, length + 1);
    return copy ? memcpy(copy, text, length) : NULL; /* keep zeroes the end */
}

/* ---- Tokens of one piece of text ----------------------------------------------------------- */

static const char *literal_end(const char *at, const char *end) {
    char quote = *at++;
    while (at < end && *at != quote && *at != '\n') at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end && *at == quote ? at + 1 : at;
}

/* The token at `*at`, which is neither blank nor a line end. */
static token cut(const char **at, const char *end) {
    const char *s = *at;
    token t = {TOKEN_PUNCTUATION, s, 1, "", 0};
    if (name_start(*s)) {
        t.kind = TOKEN_NAME;
        while (s < end && name_part(*s)) s++;
    } else if (isdigit((unsigned char)*s) || (*s == '.' && s + 1 < end && isdigit((unsigned char)s[1]))) {
        t.kind = TOKEN_NUMBER;
        while (s < end && (name_part(*s) || *s == '.' || *s == '\'')) s++;
    } else if (*s == '"' || *s == '\'') {
        t.kind = TOKEN_STRING;
        s = literal_end(s, end);
    } else {
        s++;
    }
    t.length = (size_t)(s - t.text);
    *at = s;
    return t;
}

/* The next token within a directive or a macro's body. */
static token cut_next(slice *rest) {
    const char *at = rest->text, *end = at + rest->length;
    while (at < end && (blank(*at) || *at == '\n')) at++;
    token t = {TOKEN_END, at, 0, "", 0};
    if (at < end) t = cut(&at, end);
    *rest = (slice){at, (size_t)(end - at)};
    return t;
}

static slice trimmed(slice s) {
    while (s.length && isspace((unsigned char)s.text[0])) s.text++, s.length--;
    while (s.length && isspace((unsigned char)s.text[s.length - 1])) s.length--;
    return s;
}

/* ---- Macros -------------------------------------------------------------------------------- */

static macro *macro_named(const reader *r, slice name) {
    for (macro *m = r->macros; m; m = m->next)
        if (slice_same(m->name, name)) return m->gone ? NULL : m;
    return NULL;
}

static macro *macro_add(reader *r, slice name, slice body) {
    macro *m = keep(r, sizeof *m);
    if (!m) return NULL;
    m->name = name;
    m->body = trimmed(body);
    m->next = r->macros; /* a later definition hides an earlier one */
    return r->macros = m;
}

gpumm_status gpumm__reader_define(reader *r, const char *name, size_t name_length, const char *body,
                                  size_t body_length) {
    char *kept_name = keep_text(r, name, name_length), *kept_body = keep_text(r, body, body_length);
    if (!kept_name || !kept_body) return r->status;
    return macro_add(r, (slice){kept_name, name_length}, (slice){kept_body, body_length}) ? GPUMM_OK : r->status;
}

/* (a, b, ...) calls what is left __VA_ARGS__; GNU's (a, b...) has a name for it. */
static void macro_parameters(macro *m, slice *rest) {
    bool named = false; /* since the last comma */
    m->function = true;
    for (token t = cut_next(rest); t.kind != TOKEN_END && !gpumm__token_is(&t, ")"); t = cut_next(rest)) {
        bool rest_of_all = gpumm__token_is(&t, ".") && !m->variadic;
        m->variadic |= rest_of_all;
        if (t.kind == TOKEN_NAME && m->count < PARAMETERS) m->parameter[m->count++] = (slice){t.text, t.length};
        else if (rest_of_all && !named && m->count < PARAMETERS)
            m->parameter[m->count++] = (slice){"__VA_ARGS__", strlen("__VA_ARGS__")};
        named = t.kind == TOKEN_NAME || (named && !gpumm__token_is(&t, ","));
    }
}

static void directive_define(reader *r, slice rest) {
    token name = cut_next(&rest);
    if (name.kind != TOKEN_NAME) return;
    macro *m = macro_add(r, (slice){name.text, name.length}, rest);
    if (!m || !rest.length || rest.text[0] != '(') return; /* only a bracket at once makes a function */
    rest.text++, rest.length--;
    macro_parameters(m, &rest);
    m->body = trimmed(rest);
}

static void directive_undef(reader *r, slice rest) {
    token name = cut_next(&rest);
    macro *m = macro_named(r, (slice){name.text, name.length});
    if (m) m->gone = true;
}

/* ---- Conditions ---------------------------------------------------------------------------- */

typedef struct expression {
    reader *r;
    slice rest;
    unsigned depth;
} expression;

static long long expression_value(expression *e, int level);

static token expression_peek(const expression *e) {
    slice ahead = e->rest;
    return cut_next(&ahead);
}

static bool expression_take(expression *e, const char *text) {
    slice ahead = e->rest;
    for (; *text; text++) {
        token t = cut_next(&ahead);
        if (t.length != 1 || *t.text != *text) return false;
    }
    e->rest = ahead;
    return true;
}

static long long expression_defined(expression *e) {
    bool bracket = expression_take(e, "(");
    token name = cut_next(&e->rest);
    if (bracket) expression_take(e, ")");
    return macro_named(e->r, (slice){name.text, name.length}) != NULL;
}

static long long expression_name(expression *e, const token *t) {
    if (gpumm__token_is(t, "defined")) return expression_defined(e);
    macro *m = macro_named(e->r, (slice){t->text, t->length});
    if (!m || m->function || m->busy || e->depth > 16) return gpumm__token_is(t, "true");
    expression inner = {e->r, m->body, e->depth + 1};
    m->busy = true;
    long long value = expression_value(&inner, 0);
    m->busy = false;
    return value;
}

static long long expression_atom(expression *e) {
    token t = cut_next(&e->rest);
    if (t.kind == TOKEN_NUMBER) return strtoll(t.text, NULL, 0); /* ends at what is no digit */
    if (t.kind == TOKEN_NAME) return expression_name(e, &t);
    if (++e->depth > 64) return 0;
    long long value = 0;
    if (gpumm__token_is(&t, "!")) value = !expression_atom(e);
    else if (gpumm__token_is(&t, "-")) value = (long long)(0 - (unsigned long long)expression_atom(e));
    else if (gpumm__token_is(&t, "~")) value = ~expression_atom(e);
    else if (gpumm__token_is(&t, "+")) value = expression_atom(e);
    else if (gpumm__token_is(&t, "(")) value = expression_value(e, 0), expression_take(e, ")");
    e->depth--;
    return value;
}

typedef enum operation { /* what begins like another stands before it */
                         OR,
                         AND,
                         BIT_OR,
                         BIT_XOR,
                         BIT_AND,
                         EQ,
                         NE,
                         SHL,
                         SHR,
                         LE,
                         GE,
                         LT,
                         GT,
                         ADD,
                         SUB,
                         MUL,
                         DIV,
                         MOD,
                         NONE
} operation;

static const struct {
    const char *text;
    int level;
} operations[] = {
    [OR] = {"||", 1},  [AND] = {"&&", 2}, [BIT_OR] = {"|", 3}, [BIT_XOR] = {"^", 4}, [BIT_AND] = {"&", 5},
    [EQ] = {"==", 6},  [NE] = {"!=", 6},  [LE] = {"<=", 7},    [GE] = {">=", 7},     [LT] = {"<", 7},
    [GT] = {">", 7},   [SHL] = {"<<", 8}, [SHR] = {">>", 8},   [ADD] = {"+", 9},     [SUB] = {"-", 9},
    [MUL] = {"*", 10}, [DIV] = {"/", 10}, [MOD] = {"%", 10},
};

/* The operation that is next, if it binds tighter than `level`: && is never two &. */
static operation expression_operation(expression *e, int level) {
    slice before = e->rest;
    for (operation o = OR; o < NONE; o++) {
        if (!expression_take(e, operations[o].text)) continue;
        if (operations[o].level > level) return o;
        e->rest = before;
        return NONE;
    }
    return NONE;
}

static long long apply(operation o, long long a, long long b) {
    unsigned long long x = (unsigned long long)a, y = (unsigned long long)b;
    bool divides = b != 0 && b != -1;
    switch (o) {
    case OR: return a || b;
    case AND: return a && b;
    case BIT_OR: return a | b;
    case BIT_XOR: return a ^ b;
    case BIT_AND: return a & b;
    case SHL: return (long long)(x << (y & 63));
    case SHR: return a >> (y & 63);
    case EQ: return a == b;
    case NE: return a != b;
    case LE: return a <= b;
    case GE: return a >= b;
    case LT: return a < b;
    case GT: return a > b;
    case ADD: return (long long)(x + y);
    case SUB: return (long long)(x - y);
    case MUL: return (long long)(x * y);
    case DIV: return divides ? a / b : (long long)(0 - x);
    case MOD: return divides ? a % b : 0;
    default: return 0;
    }
}

/* Everything that binds tighter than `level`. */
static long long expression_value(expression *e, int level) {
    long long left = expression_atom(e);
    for (operation o; (o = expression_operation(e, level)) != NONE;)
        left = apply(o, left, expression_value(e, operations[o].level));
    if (level == 0 && expression_take(e, "?")) {
        long long yes = expression_value(e, 0);
        expression_take(e, ":");
        long long no = expression_value(e, 0);
        return left ? yes : no;
    }
    return left;
}

static bool holds(reader *r, slice text) {
    expression e = {r, text, 0};
    return expression_peek(&e).kind != TOKEN_END && expression_value(&e, 0) != 0;
}

static void condition_open(reader *r, bool holds_now) {
    if (r->nested == CONDITIONS) {
        r->status = fail(GPUMM_COMPILE_FAILED, "%s:%u: conditionals are nested more than %d deep", r->file, r->line,
                         CONDITIONS);
        return;
    }
    condition *c = &r->conditions[r->nested++];
    *c = (condition){r->live, r->live && holds_now, holds_now};
    r->live = c->live;
}

static void condition_turn(reader *r, bool holds_now) {
    if (!r->nested) return;
    condition *c = &r->conditions[r->nested - 1];
    c->live = c->outer && !c->taken && holds_now;
    c->taken |= holds_now;
    r->live = c->live;
}

static void condition_close(reader *r) {
    if (r->nested) r->live = r->conditions[--r->nested].outer;
}

static bool defined_next(reader *r, slice rest) {
    token name = cut_next(&rest);
    return macro_named(r, (slice){name.text, name.length}) != NULL;
}

/* ---- Directives ---------------------------------------------------------------------------- */

/* #line 12 "file": what follows the directive's own line is line 12. */
static void directive_line(reader *r, slice rest) {
    token number = cut_next(&rest), file = cut_next(&rest);
    if (number.kind != TOKEN_NUMBER) return;
    unsigned long next = strtoul(number.text, NULL, 10);
    r->line = next ? (unsigned)next - 1 : 0;
    if (file.kind != TOKEN_STRING || file.length < 2) return;
    char *name = keep_text(r, file.text + 1, file.length - 2);
    if (name) r->file = name;
}

static void directive(reader *r, slice rest) {
    token t = cut_next(&rest);
    if (gpumm__token_is(&t, "if")) condition_open(r, r->live && holds(r, rest));
    else if (gpumm__token_is(&t, "ifdef")) condition_open(r, defined_next(r, rest));
    else if (gpumm__token_is(&t, "ifndef")) condition_open(r, !defined_next(r, rest));
    else if (gpumm__token_is(&t, "elif")) condition_turn(r, holds(r, rest));
    else if (gpumm__token_is(&t, "else")) condition_turn(r, true);
    else if (gpumm__token_is(&t, "endif")) condition_close(r);
    else if (!r->live) return;
    else if (gpumm__token_is(&t, "define")) directive_define(r, rest);
    else if (gpumm__token_is(&t, "undef")) directive_undef(r, rest);
    else if (gpumm__token_is(&t, "line")) directive_line(r, rest);
}

/* ---- Expansion ----------------------------------------------------------------------------- */

static void push(reader *r, macro *m, slice text) {
    if (r->depth + 1 == INPUTS) {
        r->status = fail(GPUMM_COMPILE_FAILED, "%s:%u: macros are nested more than %d deep", r->file, r->line, INPUTS);
        return;
    }
    r->stack[++r->depth] = (input){text.text, text.text + text.length, m};
    m->busy = true;
}

static void pop(reader *r) {
    r->stack[r->depth].of->busy = false;
    r->depth--;
}

/* Splits what stands between brackets behind a function-like macro's name; false: no brackets. Line
   ends in between stay counted. */
static bool take_arguments(reader *r, const macro *m, slice *argument, size_t *count) {
    size_t most = m->variadic ? m->count : PARAMETERS;
    input *in = &r->stack[r->depth];
    const char *at = in->at;
    while (at < in->end && isspace((unsigned char)*at)) at++;
    if (at == in->end || *at != '(') return false;
    const char *start = ++at;
    int open = 1;
    *count = 0;
    while (at < in->end && open) {
        bool last = *at == ')' && open == 1;
        if (last || (*at == ',' && open == 1 && *count + 1 < most)) {
            argument[(*count)++] = trimmed((slice){start, (size_t)(at - start)});
            start = at + 1;
        }
        open += (*at == '(') - (*at == ')');
        at = *at == '"' || *at == '\'' ? literal_end(at, in->end) : at + 1;
    }
    for (; in->at < at; in->at++) r->line += *in->at == '\n' && r->depth == 0;
    return open == 0;
}

static slice substitute_for(const macro *m, const token *t, const slice *argument, size_t count) {
    for (size_t i = 0; t->kind == TOKEN_NAME && i < m->count; i++)
        if (slice_same(m->parameter[i], (slice){t->text, t->length})) return i < count ? argument[i] : (slice){"", 0};
    return (slice){t->text, t->length};
}

/* Is it the variadic parameter's name, and nothing was given for it? */
static bool is_nothing(const macro *m, const token *t, slice piece) {
    return m->variadic && !piece.length && slice_same(m->parameter[m->count - 1], (slice){t->text, t->length});
}

/* The body with its arguments put in, into out (NULL: only counted). ## joins, and takes a comma with it
   before a variadic parameter that is empty; # is of no interest. */
static size_t substitute(const macro *m, const slice *argument, size_t count, char *out) {
    slice rest = m->body;
    size_t used = 0, comma = SIZE_MAX;
    bool join = true;
    for (token t = cut_next(&rest); t.kind != TOKEN_END; t = cut_next(&rest)) {
        if (gpumm__token_is(&t, "#")) {
            join = true;
            continue;
        }
        slice piece = substitute_for(m, &t, argument, count);
        if (join && out && comma != SIZE_MAX && is_nothing(m, &t, piece)) out[comma] = ' ';
        if (!join && out) out[used] = ' ';
        used += !join;
        comma = gpumm__token_is(&t, ",") ? used : SIZE_MAX;
        if (out) memcpy(out + used, piece.text, piece.length);
        used += piece.length;
        join = false;
    }
    return used;
}

static bool expand(reader *r, const token *t) {
    macro *m = macro_named(r, (slice){t->text, t->length});
    if (!m || m->busy) return false;
    if (!m->function) return push(r, m, m->body), true;
    slice argument[PARAMETERS];
    size_t count = 0;
    if (!take_arguments(r, m, argument, &count)) return false;
    size_t length = substitute(m, argument, count, NULL);
    char *text = keep(r, length + 1);
    if (!text) return true;
    substitute(m, argument, count, text);
    return push(r, m, (slice){text, length}), true;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void skip_line(input *in) {
    while (in->at < in->end && *in->at != '\n') in->at++;
}

static void read_directive(reader *r, input *in) {
    const char *start = ++in->at;
    skip_line(in);
    directive(r, (slice){start, (size_t)(in->at - start)});
}

/* Passes blanks, line ends, directives and what conditionals leave out; true: a token follows. */
static bool advance(reader *r) {
    input *in = &r->stack[r->depth];
    for (; in->at < in->end && r->status == GPUMM_OK;) {
        bool text = r->depth == 0;
        if (*in->at == '\n') {
            in->at++;
            if (text) r->line++, r->fresh = true;
        } else if (blank(*in->at)) {
            in->at++;
        } else if (text && r->fresh && *in->at == '#') {
            read_directive(r, in);
        } else if (!r->live) {
            skip_line(in);
        } else {
            return true;
        }
    }
    return false;
}

token gpumm__reader_next(reader *r) {
    const token end = {TOKEN_END, "", 0, r->file, r->line};
    while (r->status == GPUMM_OK) {
        if (!advance(r)) {
            if (!r->depth) return end;
            pop(r);
            continue;
        }
        input *in = &r->stack[r->depth];
        token t = cut(&in->at, in->end);
        t.file = r->file;
        t.line = r->line;
        if (!r->depth) r->fresh = false;
        if (t.kind != TOKEN_NAME || !expand(r, &t)) return t;
    }
    return end;
}

gpumm_status gpumm__reader_status(const reader *r) { return r->status; }

static gpumm_status define_flag(reader *r, char kind, const char *word, size_t length) {
    if (kind == 'U') return directive_undef(r, (slice){word, length}), GPUMM_OK;
    const char *equals = memchr(word, '=', length);
    size_t name = equals ? (size_t)(equals - word) : length;
    return equals ? gpumm__reader_define(r, word, name, equals + 1, length - name - 1)
                  : gpumm__reader_define(r, word, name, "1", 1);
}

/* -DNAME, -DNAME=TEXT, -D NAME, and -U likewise, among flags that spaces separate. */
gpumm_status gpumm__reader_define_flags(reader *r, const char *flags) {
    char kind = 0; /* of the flag that this word belongs to */
    for (const char *at = flags; *at;) {
        at += strspn(at, " \t\n");
        size_t length = strcspn(at, " \t\n");
        bool flag = !kind && length >= 2 && (strncmp(at, "-D", 2) == 0 || strncmp(at, "-U", 2) == 0);
        size_t skip = flag ? 2 : 0;
        if (flag) kind = at[1];
        if (kind && length > skip) {
            TRY(define_flag(r, kind, at + skip, length - skip));
            kind = 0;
        }
        at += length;
    }
    return GPUMM_OK;
}

static gpumm_status reader_start(reader *r, const char *text, const char *file, const char *flags) {
    char *cleaned = keep(r, strlen(text) + 3);
    char *name = keep_text(r, file, strlen(file));
    if (!cleaned || !name) return r->status;
    gpumm__strip_comments(text, cleaned);
    r->file = name;
    r->stack[0] = (input){cleaned, cleaned + strlen(cleaned), NULL};
    return gpumm__reader_define_flags(r, flags ? flags : "");
}

gpumm_status gpumm__reader_open(const gpumm_allocator *from, const char *text, const char *file, const char *flags,
                                reader **out) {
    reader *r = gpumm__mem_new(from, sizeof *r);
    if (!r) return fail_host_memory(sizeof *r);
    r->from = from;
    r->line = 1;
    r->live = r->fresh = true;
    gpumm_status status = reader_start(r, text, file, flags);
    if (status != GPUMM_OK) gpumm__reader_close(r);
    else *out = r;
    return status;
}

void gpumm__reader_close(reader *r) {
    if (!r) return;
    for (block *b = r->blocks, *next; b; b = next) {
        next = b->next;
        gpumm__mem_free(r->from, b);
    }
    gpumm__mem_free(r->from, r);
}
