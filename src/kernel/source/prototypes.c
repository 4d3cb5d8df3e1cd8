/* SPDX-License-Identifier: MIT */
/* Reading prototypes: the text is cut into declarations at the outermost level (bodies are skipped by
   their braces); those with __global__ are read closely, typedefs and aliases are kept as macros. */
#include "kernel/source/prototypes.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "kernel/source/preprocessor.h"
#include "kernel/source/ctype.h"

enum { BLOCKS = 32, TEXT_MAX = 256 };

typedef struct linkage { /* what a declaration without a body said of a name */
    const char *name;
    size_t length;
} linkage;

typedef struct parser {
    const gpumm_allocator *from;
    const prototype_source *source;
    reader *reader;
    token *tokens; /* of the declaration being collected */
    size_t count, capacity;
    bool blocks[BLOCKS]; /* open extern "C" { (true) and namespace { (false) */
    size_t depth;
    linkage *declared; /* names that an earlier declaration made extern "C" */
    size_t declared_count, declared_capacity;
    prototype_list list;
} parser;

typedef struct span {
    const token *at, *end;
} span;

static gpumm_status wrong(const token *where, const char *what) {
    return fail(GPUMM_COMPILE_FAILED, "%s:%u: %s", where->file, where->line, what);
}

static bool is(const token *t, const char *text) { return gpumm__token_is(t, text); }

/* The token behind the bracket that `t` opens; `end` where it never closes. */
static const token *behind(const token *t, const token *end) {
    int open = 0;
    for (; t < end; t++) {
        bool opens = is(t, "(") || is(t, "[") || is(t, "{"), closes = is(t, ")") || is(t, "]") || is(t, "}");
        open += opens - closes;
        if (open == 0) return t + 1;
    }
    return end;
}

static const token *find(span s, const char *text) {
    for (; s.at < s.end; s.at++)
        if (is(s.at, text)) return s.at;
    return NULL;
}

/* ---- Parameters --------------------------------------------------------------------------- */

typedef struct shape { /* a parameter while it is read */
    char type[TEXT_MAX];
    size_t used;
    const token *last; /* the last word of the type so far: its name, unless more follows */
    size_t last_at;    /* where that word begins in `type` */
    unsigned words;
    const token *name;
    unsigned stars;
    unsigned constant; /* bit n: const at n stars */
} shape;

static bool ignored(const token *t) {
    static const char *const names[] = {
        "volatile", "restrict", "__restrict", "__restrict__",      "register", "struct", "class",
        "union",    "enum",     "typename",   "__grid_constant__", "std",      ":"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(t, names[i])) return true;
    return false;
}

/* Words of declarations that take an argument list of their own. */
static bool attribute(const token *t) {
    static const char *const names[] = {"__launch_bounds__", "__attribute__",  "__attribute",      "__declspec",
                                        "alignas",           "_Alignas",       "__align__",        "__cluster_dims__",
                                        "__maxnreg__",       "__block_size__", "__builtin_align__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(t, names[i])) return true;
    return false;
}

static gpumm_status shape_append(shape *s, const token *t, bool apart) {
    if (s->used + t->length + 2 > sizeof s->type) return wrong(t, "this parameter's type is too long");
    if (apart && s->used) s->type[s->used++] = ' ';
    memcpy(s->type + s->used, t->text, t->length);
    s->used += t->length;
    s->type[s->used] = 0;
    return GPUMM_OK;
}

static gpumm_status shape_word(shape *s, const token *t) {
    if (s->stars) return s->name = t, GPUMM_OK;
    s->last_at = s->used;
    s->last = t;
    s->words++;
    return shape_append(s, t, true);
}

/* "<float, 3>" behind a name belongs to it. */
static gpumm_status shape_template(shape *s, const token **at, const token *end) {
    int open = 0;
    s->last = NULL; /* what has arguments is no parameter's name */
    do {
        open += is(*at, "<") - is(*at, ">");
        TRY(shape_append(s, *at, false));
        (*at)++;
    } while (*at < end && open);
    return GPUMM_OK;
}

static gpumm_status shape_refuse(const token *t) {
    if (is(t, "&")) return wrong(t, "a kernel takes no references: make the parameter a pointer or a value");
    if (is(t, ".")) return wrong(t, "a kernel cannot take a variable number of arguments");
    if (is(t, "("))
        return wrong(t, "a kernel takes values and plain pointers: functions and arrays' addresses are neither");
    return fail(GPUMM_COMPILE_FAILED, "%s:%u: '%.*s' is unexpected in a kernel's parameter", t->file, t->line,
                (int)t->length, t->text);
}

static gpumm_status shape_step(shape *s, const token **at, const token *end) {
    const token *t = *at;
    if (attribute(t) && t + 1 < end) return *at = behind(t + 1, end), GPUMM_OK;
    if (is(t, "[") && t + 1 < end && is(t + 1, "[")) return *at = behind(t, end), GPUMM_OK; /* [[maybe_unused]] */
    if (is(t, "[")) return s->stars++, *at = behind(t, end), GPUMM_OK;
    if (is(t, "<")) return shape_template(s, at, end);
    (*at)++;
    if (is(t, "const")) return s->constant |= 1u << (s->stars & 31), GPUMM_OK;
    if (is(t, "*")) return s->stars++, GPUMM_OK;
    if (ignored(t)) return GPUMM_OK;
    return t->kind == TOKEN_NAME ? shape_word(s, t) : shape_refuse(t);
}

/* "float x", "float x[4]": the last word is the name, unless all of them are the type. */
static void shape_name(shape *s) {
    if (s->name || !s->last || s->words < 2 || gpumm__ctype_is_word(s->last->text, s->last->length)) return;
    s->name = s->last;
    s->type[s->last_at] = 0;
    s->used = s->last_at;
}

static gpumm_status shape_read(span p, shape *s) {
    *s = (shape){.used = 0};
    while (p.at < p.end && !is(p.at, "=")) TRY(shape_step(s, &p.at, p.end));
    shape_name(s);
    return GPUMM_OK;
}

static const gpumm_type *struct_named(const prototype_source *source, const char *name) {
    for (size_t i = 0; i < source->type_count; i++) {
        const char *own = gpumm_type_struct_name(source->types[i]);
        const char *other = source->type_names ? source->type_names[i] : NULL;
        if (strcmp(other ? other : own, name) == 0) return source->types[i];
    }
    return NULL;
}

/* NULL in *out where gpumm does not know the type. */
static gpumm_status element_of(const prototype_source *source, const char *name, unsigned stars,
                               const gpumm_type **out) {
    char text[8];
    const gpumm_type *known = struct_named(source, name);
    if (known && stars < 2) return *out = gpumm_type_retain(known), GPUMM_OK;
    const char *element = stars > 1 ? "u64" : gpumm__ctype_element(name, text); /* an address is 64 bits */
    if (!element) return GPUMM_OK;
    gpumm_type *made = NULL;
    TRY(gpumm_type_parse(element, &made));
    *out = made;
    return GPUMM_OK;
}

static gpumm_status parameter_make(parser *p, const shape *s, gpumm_parameter *out) {
    char type[TEXT_MAX + 32];
    unsigned level = s->stars ? s->stars - 1 : 0;
    size_t more = level < 16 ? level : 16;
    snprintf(type, sizeof type, "%s%.*s", s->type, (int)more, "****************");
    out->type = gpumm__mem_string(p->from, type);
    char *name = gpumm__mem_new(p->from, s->name ? s->name->length + 1 : 1);
    out->name = name;
    if (!out->type || !name) return fail_host_memory(sizeof type);
    if (s->name) memcpy(name, s->name->text, s->name->length);
    out->kind = s->stars ? GPUMM_PARAMETER_POINTER : GPUMM_PARAMETER_VALUE;
    out->access = s->stars && !(s->constant >> (level & 31) & 1) ? GPUMM_ACCESS_WRITE : GPUMM_ACCESS_READ;
    return element_of(p->source, s->type, s->stars, &out->element);
}

static bool same_name(const prototype *k, const char *name) {
    for (size_t i = 0; *name && i < k->count; i++)
        if (strcmp(k->parameters[i].name, name) == 0) return true;
    return false;
}

static gpumm_status parameter_read(parser *p, prototype *k, span text, const token *where) {
    shape s;
    if (text.at == text.end) return wrong(where, "a parameter is missing between two commas");
    TRY(shape_read(text, &s));
    if (!s.used) return wrong(text.at, "a parameter without a type");
    if (!s.stars && strcmp(s.type, "void") == 0) return wrong(text.at, "a parameter cannot be void");
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
            text.at = behind(text.at, text.end);
            continue;
        }
        angle += is(text.at, "<") - is(text.at, ">");
        text.at++;
    }
    return text.end;
}

static gpumm_status parameters_read(parser *p, prototype *k, span text) {
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
           gpumm_type_scalar(p->element) < GPUMM_TYPE_F16 && strcmp(p->type, "bool") != 0 &&
           strcmp(p->type, "_Bool") != 0;
}

static size_t first_integer(const prototype *k) {
    for (size_t i = 0; i < k->count; i++)
        if (gpumm__prototype_counts(&k->parameters[i])) return i;
    return SIZE_MAX;
}

/* ---- Kernels ------------------------------------------------------------------------------ */

const prototype *gpumm__prototype_named(const prototype_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    return NULL;
}

/* The name before the parameters: the first that a bracket follows and that is no attribute. */
static const token *kernel_name(span d) {
    while (d.at + 1 < d.end) {
        bool bracket = is(d.at + 1, "(");
        if (is(d.at, "[")) d.at = behind(d.at, d.end);
        else if (bracket && attribute(d.at)) d.at = behind(d.at + 1, d.end);
        else if (bracket && d.at->kind == TOKEN_NAME) return d.at;
        else d.at++;
    }
    return NULL;
}

static bool has_linkage(const parser *p, span d, const token *name) {
    const token *at = find(d, "extern");
    if (at && at + 1 < name && is(at + 1, "\"C\"")) return true;
    for (size_t i = 0; i < p->depth; i++)
        if (p->blocks[i]) return true;
    for (size_t i = 0; i < p->declared_count; i++)
        if (p->declared[i].length == name->length && !memcmp(p->declared[i].name, name->text, name->length))
            return true;
    return p->source->signature;
}

static gpumm_status remember(parser *p, const token *name) {
    if (!gpumm__mem_reserve(p->from, (void **)&p->declared, sizeof *p->declared, p->declared_count,
                            &p->declared_capacity))
        return fail_host_memory(sizeof *p->declared);
    p->declared[p->declared_count++] = (linkage){name->text, name->length};
    return GPUMM_OK;
}

static gpumm_status kernel_check(parser *p, span d, const token *name) {
    if (find(d, "template"))
        return fail(
            GPUMM_COMPILE_FAILED,
            "%s:%u: kernel '%.*s' is a template: make it __device__, and write an extern \"C\" kernel that calls it",
            name->file, name->line, (int)name->length, name->text);
    if (!has_linkage(p, d, name))
        return fail(GPUMM_COMPILE_FAILED,
                    "%s:%u: kernel '%.*s' is not extern \"C\": C++ changes its name, so it "
                    "cannot be found; write extern \"C\" __global__ void %.*s(…)",
                    name->file, name->line, (int)name->length, name->text, (int)name->length, name->text);
    if (!find((span){d.at, name}, "void"))
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%.*s' must return void", name->file, name->line,
                    (int)name->length, name->text);
    return GPUMM_OK;
}

static gpumm_status kernel_add(parser *p, span d, const token *name) {
    prototype_list *list = &p->list;
    if (!gpumm__mem_reserve(p->from, (void **)&list->items, sizeof *list->items, list->count, &list->capacity))
        return fail_host_memory(sizeof *list->items);
    prototype *k = &list->items[list->count];
    *k = (prototype){.line = name->line, .threads = SIZE_MAX};
    k->name = gpumm__mem_new(p->from, name->length + 1);
    if (!k->name) return fail_host_memory(name->length + 1);
    memcpy(k->name, name->text, name->length);
    const prototype *other = gpumm__prototype_named(list, k->name);
    list->count++;
    if (other)
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%s' is there already, at line %u", name->file, name->line,
                    k->name, other->line);
    k->parameters = gpumm__mem_new(p->from, GPUMM_PARAMETERS_MAX * sizeof *k->parameters);
    if (!k->parameters) return fail_host_memory(GPUMM_PARAMETERS_MAX * sizeof *k->parameters);
    const token *end = behind(name + 1, d.end);
    if (end == d.end && !is(end - 1, ")")) return wrong(name, "this kernel's parameter list does not end");
    TRY(parameters_read(p, k, (span){name + 2, end - 1}));
    k->threads = first_integer(k);
    return GPUMM_OK;
}

/* A declaration that is a function, or a kernel; `body`: it is defined here. */
static gpumm_status function(parser *p, span d, bool body) {
    bool kernel = find(d, "__global__") != NULL;
    if (!kernel && !p->source->signature) return GPUMM_OK;
    const token *name = kernel_name(d);
    if (!name) return kernel ? wrong(d.at, "a __global__ without a function") : GPUMM_OK;
    if (body || p->source->signature) {
        TRY(kernel_check(p, d, name));
        return kernel_add(p, d, name);
    }
    return has_linkage(p, d, name) ? remember(p, name) : GPUMM_OK;
}

/* ---- Declarations ------------------------------------------------------------------------- */

/* The words from `at` to `end` as one text, known as `name` from now. */
static gpumm_status alias(parser *p, const token *name, span words) {
    char text[TEXT_MAX];
    size_t used = 0;
    for (; words.at < words.end; words.at++) {
        if (words.at->kind != TOKEN_NAME || used + words.at->length + 2 > sizeof text) return GPUMM_OK;
        if (used) text[used++] = ' ';
        memcpy(text + used, words.at->text, words.at->length);
        used += words.at->length;
    }
    if (!used || (used == name->length && memcmp(text, name->text, used) == 0)) return GPUMM_OK;
    return gpumm__reader_define(p->reader, name->text, name->length, text, used);
}

/* typedef unsigned int index; using index = unsigned int; Others (pointers, structs) stay unknown. */
static gpumm_status aliases(parser *p, span d) {
    size_t count = (size_t)(d.end - d.at);
    if (count >= 3 && is(d.at, "typedef")) return alias(p, d.end - 1, (span){d.at + 1, d.end - 1});
    if (count >= 4 && is(d.at, "using") && is(d.at + 2, "=")) return alias(p, d.at + 1, (span){d.at + 3, d.end});
    return GPUMM_OK;
}

static void skip_body(parser *p) {
    int open = 1;
    while (open) {
        token t = gpumm__reader_next(p->reader);
        if (t.kind == TOKEN_END) return;
        open += is(&t, "{") - is(&t, "}");
    }
}

/* extern "C" { and namespace x {: what is inside is at the outermost level too. */
static bool opens_block(const parser *p, span d, bool *c) {
    size_t count = (size_t)(d.end - d.at);
    *c = count == 2 && is(d.at, "extern") && is(d.at + 1, "\"C\"");
    return p->depth < BLOCKS && (*c || (count && (is(d.at, "namespace") || (count > 1 && is(d.at + 1, "namespace")))));
}

static gpumm_status declaration(parser *p, const token *last) {
    span d = {p->tokens, p->tokens + p->count};
    bool c, body = is(last, "{");
    gpumm_status status = GPUMM_OK;
    if (body && opens_block(p, d, &c)) {
        p->blocks[p->depth++] = c;
    } else if (body) {
        status = function(p, d, true);
        skip_body(p);
    } else if (is(last, "}")) {
        p->depth -= p->depth > 0;
    } else if (p->count) {
        status = aliases(p, d);
        if (status == GPUMM_OK) status = function(p, d, false);
    }
    p->count = 0;
    return status;
}

static gpumm_status collect(parser *p, const token *t) {
    if (!gpumm__mem_reserve(p->from, (void **)&p->tokens, sizeof *p->tokens, p->count, &p->capacity))
        return fail_host_memory(sizeof *t);
    p->tokens[p->count++] = *t;
    return GPUMM_OK;
}

static gpumm_status read_all(parser *p) {
    int brackets = 0;
    for (;;) {
        token t = gpumm__reader_next(p->reader);
        if (t.kind == TOKEN_END) break;
        brackets += is(&t, "(") - is(&t, ")");
        bool ends = is(&t, ";") || is(&t, "{") || is(&t, "}");
        if (ends && (brackets <= 0 || is(&t, "{"))) brackets = 0;
        TRY(ends && !brackets ? declaration(p, &t) : collect(p, &t));
    }
    TRY(gpumm__reader_status(p->reader));
    /* A signature needs no end; a kernel that is cut off is better named here than not found later. */
    return p->count ? function(p, (span){p->tokens, p->tokens + p->count}, true) : GPUMM_OK;
}

gpumm_status gpumm__prototype_read(const gpumm_allocator *from, const prototype_source *source, prototype_list *out) {
    parser p = {.from = from, .source = source, .list.from = from};
    gpumm_status status = gpumm__reader_open(from, source->text, source->file, source->flags, &p.reader);
    /* What both devices' compilers define. */
    if (status == GPUMM_OK) status = gpumm__reader_define_flags(p.reader, "-D__CUDACC__ -D__cplusplus=201703");
    if (status == GPUMM_OK) status = gpumm__reader_define_flags(p.reader, source->defined ? source->defined : "");
    if (status == GPUMM_OK) status = read_all(&p);
    gpumm__reader_close(p.reader);
    gpumm__mem_free(from, p.tokens);
    gpumm__mem_free(from, p.declared);
    if (status == GPUMM_OK) *out = p.list;
    else gpumm__prototype_free(&p.list);
    return status;
}

static void kernel_free(const gpumm_allocator *from, prototype *k) {
    for (size_t i = 0; i < k->count; i++) {
        gpumm__mem_free(from, (char *)k->parameters[i].name);
        gpumm__mem_free(from, (char *)k->parameters[i].type);
        if (k->parameters[i].element) gpumm_type_release(k->parameters[i].element);
    }
    gpumm__mem_free(from, k->parameters);
    gpumm__mem_free(from, k->name);
}

void gpumm__prototype_free(prototype_list *list) {
    for (size_t i = 0; i < list->count; i++) kernel_free(list->from, &list->items[i]);
    gpumm__mem_free(list->from, list->items);
    *list = (prototype_list){0};
}
