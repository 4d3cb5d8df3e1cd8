/* SPDX-License-Identifier: MIT */
/* Parameters: a type of words, stars and qualifiers, a name, and what gpumm's types make of it. */
#include "kernel/source/parameters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "kernel/source/ctype.h"

enum { TEXT_MAX = 256 };

static bool is(const token *t, const char *text) { return gpumm__token_is(t, text); }

typedef struct shape { /* a parameter while it is read */
    char type[TEXT_MAX];
    size_t used;
    const token *last; /* the last word of the type so far: its name, unless more follows */
    size_t last_at;    /* where that word begins in `type` */
    unsigned words;
    const token *name;
    unsigned stars;
    unsigned constant; /* bit n: const at n stars */
    bool glued;        /* :: was the last token */
    bool lenient;      /* what cannot be read is left to the compiler: */
    bool unread;       /* it has no name then, and no type */
} shape;

static bool ignored(const token *t) {
    static const char *const names[] = {
        "volatile", "restrict", "__restrict", "__restrict__", "register",          "struct",
        "class",    "union",    "enum",       "typename",     "__grid_constant__", "std"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(t, names[i])) return true;
    return false;
}

static gpumm_status shape_append(shape *s, const token *t, bool apart) {
    if (s->used + t->length + 2 > sizeof s->type) return gpumm__token_wrong(t, "this parameter's type is too long");
    if (apart && s->used) s->type[s->used++] = ' ';
    memcpy(s->type + s->used, t->text, t->length);
    s->used += t->length;
    s->type[s->used] = 0;
    return GPUMM_OK;
}

static gpumm_status shape_word(shape *s, const token *t) {
    if (s->stars) return s->name = t, GPUMM_OK;
    if (s->glued) { /* what stands behind :: is no name of its own */
        s->glued = false;
        s->last = NULL;
        return shape_append(s, t, false);
    }
    s->last_at = s->used;
    s->last = t;
    s->words++;
    return shape_append(s, t, true);
}

/* What the token opens less what it closes; 0 for the half of an operator: <= >= << ->. */
static int angle_of(const token *t) {
    if (is(t, "<")) return t->text[1] == '=' || t->text[1] == '<' || t->text[-1] == '<' ? 0 : 1;
    return is(t, ">") && t->text[1] != '=' && t->text[-1] != '-' ? -1 : 0;
}

/* "<float, 3>" behind a name belongs to it. */
static gpumm_status shape_template(shape *s, const token **at, const token *end) {
    int open = 0;
    s->last = NULL; /* what has arguments is no parameter's name */
    do {
        open += angle_of(*at);
        TRY(shape_append(s, *at, false));
        (*at)++;
    } while (*at < end && open);
    return GPUMM_OK;
}

static gpumm_status shape_refuse(shape *s, const token *t) {
    if (s->lenient && !is(t, "&") && !is(t, ".")) return s->unread = true, GPUMM_OK;
    if (is(t, "&"))
        return gpumm__token_wrong(t, "a kernel takes no references: make the parameter a pointer or a value");
    if (is(t, ".")) return gpumm__token_wrong(t, "a kernel cannot take a variable number of arguments");
    if (is(t, "("))
        return gpumm__token_wrong(
            t, "a kernel takes values and plain pointers: functions and arrays' addresses are neither");
    return fail(GPUMM_COMPILE_FAILED, "%s:%u: '%.*s' is unexpected in a kernel's parameter", t->file, t->line,
                (int)t->length, t->text);
}

/* decltype(…) is a type's word, whatever stands in it. */
static gpumm_status shape_decltype(shape *s, const token **at, const token *end) {
    const token *close = gpumm__token_behind(*at + 1, end);
    TRY(shape_word(s, *at));
    s->last = NULL;
    for (const token *t = *at + 1; t < close; t++) TRY(shape_append(s, t, false));
    *at = close;
    return GPUMM_OK;
}

static bool is_decltype(const token *t) {
    return is(t, "decltype") || is(t, "typeof") || is(t, "__typeof__") || is(t, "__typeof") || is(t, "__decltype");
}

/* a::b is one word. */
static gpumm_status shape_colon(shape *s, const token **at, const token *end) {
    const token colons = {TOKEN_PUNCTUATION, "::", 2, (*at)->file, (*at)->line};
    if (*at < end && is(*at, ":")) (*at)++;
    s->glued = s->used > 0 && !s->stars;
    return s->glued ? shape_append(s, &colons, false) : GPUMM_OK;
}

static gpumm_status shape_step(shape *s, const token **at, const token *end) {
    const token *t = *at;
    if (is_decltype(t) && t + 1 < end && is(t + 1, "(")) return shape_decltype(s, at, end);
    if (gpumm__token_is_attribute(t) && t + 1 < end) return *at = gpumm__token_behind(t + 1, end), GPUMM_OK;
    if (is(t, "[") && t + 1 < end && is(t + 1, "["))
        return *at = gpumm__token_behind(t, end), GPUMM_OK; /* [[maybe_unused]] */
    if (is(t, "[")) return s->stars++, *at = gpumm__token_behind(t, end), GPUMM_OK;
    if (is(t, "<")) return shape_template(s, at, end);
    (*at)++;
    if (is(t, "const")) return s->constant |= 1u << (s->stars & 31), GPUMM_OK;
    if (is(t, "*")) return s->stars++, GPUMM_OK;
    if (is(t, ":")) return shape_colon(s, at, end);
    if (ignored(t)) return GPUMM_OK;
    return t->kind == TOKEN_NAME ? shape_word(s, t) : shape_refuse(s, t);
}

/* "float x", "float x[4]": the last word is the name, unless all of them are the type. */
static void shape_name(shape *s) {
    if (s->name || !s->last || s->words < 2 || gpumm__ctype_is_word(s->last->text, s->last->length)) return;
    s->name = s->last;
    s->type[s->last_at] = 0;
    s->used = s->last_at;
}

static gpumm_status shape_read(span p, bool lenient, shape *s) {
    *s = (shape){.lenient = lenient};
    while (p.at < p.end && !s->unread && !is(p.at, "=")) TRY(shape_step(s, &p.at, p.end));
    if (s->unread) *s = (shape){.unread = true};
    shape_name(s);
    return GPUMM_OK;
}

const char *gpumm__struct_name(const prototype_source *source, size_t i) {
    const char *other = source->type_names ? source->type_names[i] : NULL;
    return other && *other ? other : gpumm_type_struct_name(source->types[i]);
}

static const gpumm_type *struct_named(const prototype_source *source, const char *name) {
    for (size_t i = 0; i < source->type_count; i++) {
        if (strcmp(gpumm__struct_name(source, i), name) == 0) return source->types[i];
    }
    return NULL;
}

/* NULL in *out where gpumm does not know the type. */
static gpumm_status element_of(const reading *p, const char *name, unsigned stars, const gpumm_type **out) {
    char text[8];
    const gpumm_type *known = struct_named(p->source, name);
    if (known && stars < 2) return *out = gpumm_type_retain(known), GPUMM_OK;
    const char *element = stars > 1 ? "u64" : gpumm__ctype_element(name, text); /* an address is 64 bits */
    if (!element) return GPUMM_OK;
    gpumm_type *made = NULL;
    TRY(gpumm_type_parse_with(p->from, element, &made));
    *out = made;
    return GPUMM_OK;
}

/* One character as UTF-8; returns how many bytes it has. */
static size_t put_character(unsigned long c, char *out) {
    if (c < 0x80) return out[0] = (char)c, 1;
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char starts[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(starts[more] | (c >> 6 * more));
    for (size_t i = 1; i <= more; i++) out[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3F));
    return more + 1;
}

/* The name as it was written: compilers write \uXXXX and \UXXXXXXXX for letters beyond ASCII. */
static void put_name(const token *t, char *out) {
    for (size_t i = 0; i < t->length;) {
        char digits[9] = "";
        size_t count = t->text[i] != '\\' || i + 1 == t->length ? 0 : t->text[i + 1] == 'u' ? 4 : 8;
        if (!count || i + 2 + count > t->length) {
            *out++ = t->text[i++];
            continue;
        }
        memcpy(digits, t->text + i + 2, count);
        out += put_character(strtoul(digits, NULL, 16) & 0x1FFFFF, out);
        i += 2 + count;
    }
}

static gpumm_status parameter_make(const reading *p, const shape *s, gpumm_parameter *out) {
    char type[TEXT_MAX + 32];
    unsigned level = s->stars ? s->stars - 1 : 0;
    size_t more = level < 16 ? level : 16;
    snprintf(type, sizeof type, "%s%.*s", s->type, (int)more, "****************");
    out->type = gpumm__mem_string(p->from, type);
    char *name = gpumm__mem_new(p->from, s->name ? s->name->length + 1 : 1);
    out->name = name;
    if (!out->type || !name) return fail_host_memory(sizeof type);
    if (s->name) put_name(s->name, name);
    out->kind = s->stars ? GPUMM_PARAMETER_POINTER : GPUMM_PARAMETER_VALUE;
    out->access = s->stars && !(s->constant >> (level & 31) & 1) ? GPUMM_ACCESS_WRITE : GPUMM_ACCESS_READ;
    out->boolean = s->stars < 2 && (strcmp(s->type, "bool") == 0 || strcmp(s->type, "_Bool") == 0);
    out->any = s->stars == 1 && strcmp(s->type, "void") == 0;
    TRY(element_of(p, s->type, s->stars, &out->element));
    out->size = out->element ? gpumm_type_size(out->element) : 0;
    out->align = out->element ? gpumm_type_align(out->element) : 0;
    return GPUMM_OK;
}

static bool same_name(const prototype *k, const char *name) {
    for (size_t i = 0; *name && i < k->count; i++)
        if (strcmp(k->parameters[i].name, name) == 0) return true;
    return false;
}

static gpumm_status parameter_read(const reading *p, prototype *k, span text, const token *where) {
    shape s;
    if (text.at == text.end) return gpumm__token_wrong(where, "a parameter is missing between two commas");
    TRY(shape_read(text, !p->source->signature, &s));
    if (!s.used && !s.unread) return gpumm__token_wrong(text.at, "a parameter without a type");
    if (!s.stars && strcmp(s.type, "void") == 0) return gpumm__token_wrong(text.at, "a parameter cannot be void");
    if (k->count == GPUMM_PARAMETERS_MAX)
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%s' takes more than %d parameters", text.at->file,
                    text.at->line, k->name, GPUMM_PARAMETERS_MAX);
    gpumm_parameter made = {0};
    gpumm_status status = parameter_make(p, &s, &made);
    if (status == GPUMM_OK && same_name(k, made.name))
        status = fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%s' has two parameters '%s'", text.at->file, text.at->line,
                      k->name, made.name);
    k->parameters[k->count++] = made; /* also a half-made one: the list frees it */
    return status;
}

static const token *parameter_end(span text) {
    int angle = 0;
    while (text.at < text.end) {
        if (is(text.at, ",") && angle <= 0) return text.at;
        if (is(text.at, "(") || is(text.at, "[") || is(text.at, "{")) {
            text.at = gpumm__token_behind(text.at, text.end);
            continue;
        }
        angle += angle_of(text.at);
        text.at++;
    }
    return text.end;
}

gpumm_status gpumm__parameters_read(const reading *p, prototype *k, span text) {
    if (text.at == text.end || (text.end - text.at == 1 && is(text.at, "void"))) return GPUMM_OK;
    for (;;) {
        const token *end = parameter_end(text);
        TRY(parameter_read(p, k, (span){text.at, end}, end));
        if (end == text.end) return GPUMM_OK;
        text.at = end + 1;
    }
}

/* A bool is a byte like an integer, and counts nothing. */
bool gpumm__prototype_counts(const gpumm_parameter *p) {
    return p->kind == GPUMM_PARAMETER_VALUE && p->element && gpumm_type_kind(p->element) == GPUMM_KIND_SCALAR &&
           gpumm_type_scalar(p->element) < GPUMM_TYPE_F16 && !p->boolean;
}

size_t gpumm__prototype_threads(const prototype *k) {
    for (size_t i = 0; i < k->count; i++)
        if (!(k->enums >> i & 1) && gpumm__prototype_counts(&k->parameters[i])) return i;
    return SIZE_MAX;
}
