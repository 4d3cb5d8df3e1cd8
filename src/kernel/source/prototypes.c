/* SPDX-License-Identifier: MIT */
/* Reading prototypes: the text is cut into declarations at the outermost level (bodies are skipped by
   their braces); those with __global__ are read closely, of others the types' names. */
#include "kernel/source/prototypes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "kernel/source/ctype.h"

enum { BLOCKS = 32, SCOPE_MAX = 128 };

typedef struct linkage { /* what a declaration without a body said of a name */
    const char *name;
    size_t length;
} linkage;

typedef struct block { /* one that is open, and whose inside is at the outermost level too */
    bool c;            /* extern "C" {; else a namespace */
    token brace;       /* that opened it */
    char name[SCOPE_MAX];
} block;

typedef struct parser {
    reading with;
    token_reader reader;
    token *tokens; /* of the declaration being collected */
    size_t count, capacity;
    block blocks[BLOCKS];
    size_t depth;
    bool typedef_open; /* a typedef's body was passed, and its name is to come */
    linkage *declared; /* names that an earlier declaration made extern "C" */
    size_t declared_count, declared_capacity;
    prototype_list list;
} parser;

static bool is(const token *t, const char *text) { return gpumm__token_is(t, text); }

static const token *find(span s, const char *text) {
    for (; s.at < s.end; s.at++)
        if (is(s.at, text)) return s.at;
    return NULL;
}

/* ---- Kernels ------------------------------------------------------------------------------ */

prototype *gpumm__prototype_named(const prototype_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    return NULL;
}

/* Behind [[…]], any number of them. */
static const token *behind_attributes(const token *t, const token *end) {
    while (t + 1 < end && is(t, "[") && is(t + 1, "[")) t = gpumm__token_behind(t, end);
    return t;
}

/* The name before the parameters: the first that a bracket follows, or [[…]] and a bracket, and that is no attribute. */
static const token *kernel_name(span d) {
    while (d.at + 1 < d.end) {
        const token *next = behind_attributes(d.at + 1, d.end);
        bool bracket = next < d.end && is(next, "(");
        if (is(d.at, "[")) d.at = gpumm__token_behind(d.at, d.end);
        else if (is(d.at + 1, "(") && gpumm__token_is_attribute(d.at)) d.at = gpumm__token_behind(d.at + 1, d.end);
        else if (is(d.at + 1, "(") && is(d.at, "void") && d.at + 4 < d.end && is(d.at + 3, ")"))
            return d.at + 2; /* void (k)(…) */
        else if (bracket && d.at->kind == TOKEN_NAME) return d.at;
        else d.at++;
    }
    return NULL;
}

static bool has_linkage(const parser *p, span d, const token *name) {
    const token *at = find(d, "extern");
    if (at && at + 1 < name && is(at + 1, "\"C\"")) return true;
    for (size_t i = 0; i < p->depth; i++)
        if (p->blocks[i].c) return true;
    for (size_t i = 0; i < p->declared_count; i++)
        if (p->declared[i].length == name->length && !memcmp(p->declared[i].name, name->text, name->length))
            return true;
    return p->with.source->signature;
}

static gpumm_status remember(parser *p, const token *name) {
    if (!gpumm__mem_reserve(p->with.from, (void **)&p->declared, sizeof *p->declared, p->declared_count,
                            &p->declared_capacity))
        return fail_host_memory(sizeof *p->declared);
    p->declared[p->declared_count++] = (linkage){name->text, name->length};
    return GPUMM_OK;
}

/* The bracket that opens them; a name may have brackets of its own. */
static const token *parameters_of(const token *name, const token *end) {
    return is(name + 1, ")") ? name + 2 : behind_attributes(name + 1, end);
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
    if (!find((span){d.at, name}, "void") &&
        !find((span){gpumm__token_behind(parameters_of(name, d.end), d.end), d.end}, "void"))
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%.*s' must return void", name->file, name->line,
                    (int)name->length, name->text);
    return GPUMM_OK;
}

/* "outer::inner::" of the namespaces that are open. */
static char *scope_text(const parser *p) {
    char text[BLOCKS * (SCOPE_MAX + 2)] = "";
    size_t used = 0;
    for (size_t i = 0; i < p->depth; i++)
        if (p->blocks[i].name[0]) used += (size_t)snprintf(text + used, sizeof text - used, "%s::", p->blocks[i].name);
    return gpumm__mem_string(p->with.from, text);
}

static gpumm_status kernel_add(parser *p, span d, const token *name) {
    prototype_list *list = &p->list;
    if (!gpumm__mem_reserve(p->with.from, (void **)&list->items, sizeof *list->items, list->count, &list->capacity))
        return fail_host_memory(sizeof *list->items);
    prototype *k = &list->items[list->count];
    *k = (prototype){.line = name->line, .threads = SIZE_MAX};
    k->name = gpumm__mem_new(p->with.from, name->length + 1);
    k->scope = scope_text(p);
    k->file = gpumm__mem_string(p->with.from, name->file);
    list->count++;
    if (!k->name || !k->scope || !k->file) return fail_host_memory(name->length + 1);
    memcpy(k->name, name->text, name->length);
    const prototype *other = gpumm__prototype_named(list, k->name);
    if (other != k)
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: kernel '%s' is there already, at line %u", name->file, name->line,
                    k->name, other->line);
    k->parameters = gpumm__mem_new(p->with.from, GPUMM_PARAMETERS_MAX * sizeof *k->parameters);
    if (!k->parameters) return fail_host_memory(GPUMM_PARAMETERS_MAX * sizeof *k->parameters);
    const token *open = parameters_of(name, d.end), *end = gpumm__token_behind(open, d.end);
    if (end == d.end && !is(end - 1, ")")) return gpumm__token_wrong(name, "this kernel's parameter list does not end");
    TRY(gpumm__parameters_read(&p->with, k, (span){open + 1, end - 1}));
    k->threads = gpumm__prototype_threads(k);
    return GPUMM_OK;
}

/* A kernel that cannot be had is of no matter where others are wanted; the first one's reason is kept. */
static gpumm_status pass_over(parser *p, gpumm_status status) {
    if (p->with.source->signature || status != GPUMM_COMPILE_FAILED) return status;
    if (!p->list.refused) p->list.refused = gpumm__mem_string(p->with.from, gpumm_message());
    return p->list.refused ? GPUMM_OK : fail_host_memory(1);
}

/* A declaration that is a function, or a kernel; `body`: it is defined here. */
static gpumm_status function(parser *p, span d, bool body) {
    bool kernel = find(d, "__global__") != NULL;
    if (!kernel && !p->with.source->signature) return GPUMM_OK;
    const token *name = kernel_name(d);
    if (!name) return kernel ? gpumm__token_wrong(d.at, "a __global__ without a function") : GPUMM_OK;
    if (body || p->with.source->signature) {
        gpumm_status status = kernel_check(p, d, name);
        return status == GPUMM_OK ? kernel_add(p, d, name) : pass_over(p, status);
    }
    return has_linkage(p, d, name) ? remember(p, name) : GPUMM_OK;
}

/* ---- Declarations ------------------------------------------------------------------------- */

static bool is_wanted(const prototype_source *source, const token *name) {
    for (size_t i = 0; i < source->type_count; i++)
        if (is(name, gpumm__struct_name(source, i))) return true;
    return false;
}

static gpumm_status declared_type(parser *p, const token *name) {
    prototype_list *list = &p->list;
    if (name->kind != TOKEN_NAME || !is_wanted(p->with.source, name)) return GPUMM_OK;
    if (!gpumm__mem_reserve(p->with.from, (void **)&list->types, sizeof *list->types, list->type_count,
                            &list->type_capacity))
        return fail_host_memory(sizeof *list->types);
    char *copy = gpumm__mem_new(p->with.from, name->length + 1);
    if (!copy) return fail_host_memory(name->length + 1);
    list->types[list->type_count++] = memcpy(copy, name->text, name->length);
    return GPUMM_OK;
}

/* Is what is declared here known by its name alone? */
static bool is_global(const parser *p) {
    for (size_t i = 0; i < p->depth; i++)
        if (p->blocks[i].name[0]) return false;
    return true;
}

/* The name of the struct, class, union or enum that is defined here; NULL where it is none. */
static const token *body_of_type(span d) {
    const token *name = NULL;
    while (d.at < d.end &&
           (is(d.at, "typedef") || is(d.at, "static") || is(d.at, "const") || is(d.at, "extern") || is(d.at, "\"C\"")))
        d.at++;
    if (d.at == d.end) return NULL;
    if (!is(d.at, "struct") && !is(d.at, "class") && !is(d.at, "union") && !is(d.at, "enum")) return NULL;
    for (d.at++; d.at < d.end && !is(d.at, ":"); d.at++)
        if (is(d.at, "[") || is(d.at, "(")) d.at = gpumm__token_behind(d.at, d.end) - 1;
        else if (d.at->kind == TOKEN_NAME && !is(d.at, "final") && !is(d.at, "class") &&
                 !gpumm__token_is_attribute(d.at))
            name = d.at;
    return name;
}

/* typedef … t, *p; */
static gpumm_status declared_names(parser *p, span d) {
    for (; d.at < d.end; d.at++)
        if (d.at + 1 == d.end || is(d.at + 1, ",")) TRY(declared_type(p, d.at));
    return GPUMM_OK;
}

/* Which types the source declares itself: struct t {, typedef … t; using t = … */
static gpumm_status types(parser *p, span d, bool body) {
    size_t count = (size_t)(d.end - d.at);
    bool open = p->typedef_open;
    p->typedef_open = body && count && is(d.at, "typedef");
    if (!count || !is_global(p)) return GPUMM_OK;
    if (count >= 4 && is(d.at, "using") && is(d.at + 2, "=")) return declared_type(p, d.at + 1);
    if (body) {
        const token *name = body_of_type(d);
        return name ? declared_type(p, name) : GPUMM_OK;
    }
    if (count > 2 && is(d.at, "using") && !is(d.at + 1, "namespace")) return declared_type(p, d.end - 1);
    return open || is(d.at, "typedef") ? declared_names(p, d) : GPUMM_OK;
}

/* A compiler would complain of all that comes behind it. */
static gpumm_status unclosed(const token *brace) {
    return gpumm__token_wrong(brace, "nothing closes the { of this line");
}

static gpumm_status skip_body(parser *p, const token *brace) {
    int open = 1;
    while (open) {
        token t = gpumm__token_next(&p->reader);
        if (t.kind == TOKEN_END) return unclosed(brace);
        open += is(&t, "{") - is(&t, "}");
    }
    return GPUMM_OK;
}

/* extern "C" { and namespace x {: what is inside is at the outermost level too. */
static bool opens_block(const parser *p, span d, block *out) {
    size_t count = (size_t)(d.end - d.at), used = 0;
    bool inlined = count > 1 && is(d.at + 1, "namespace");
    *out = (block){.c = count == 2 && is(d.at, "extern") && is(d.at + 1, "\"C\"")};
    if (p->depth == BLOCKS) return false;
    if (out->c) return true;
    if (!inlined && !(count && is(d.at, "namespace"))) return false;
    for (d.at += inlined ? 2 : 1; d.at < d.end && d.at->kind != TOKEN_END; d.at++) /* a, or a::b */
        if (is(d.at, "[")) d.at = gpumm__token_behind(d.at, d.end) - 1;
        else if (gpumm__token_is_attribute(d.at)) d.at = gpumm__token_behind(d.at + 1, d.end) - 1;
        else if (used + d.at->length < sizeof out->name && !is(d.at, "inline")) {
            memcpy(out->name + used, d.at->text, d.at->length);
            used += d.at->length;
        }
    return true;
}

static gpumm_status declaration(parser *p, const token *last) {
    span d = {p->tokens, p->tokens + p->count};
    bool body = is(last, "{");
    block opened;
    gpumm_status status = GPUMM_OK;
    if (body && opens_block(p, d, &opened)) {
        opened.brace = *last;
        p->blocks[p->depth++] = opened;
    } else if (body) {
        status = types(p, d, true);
        if (status == GPUMM_OK) status = function(p, d, true);
        if (status == GPUMM_OK) status = skip_body(p, last);
    } else if (is(last, "}")) {
        p->depth -= p->depth > 0;
    } else if (p->count) {
        status = types(p, d, false);
        if (status == GPUMM_OK) status = function(p, d, false);
    }
    p->count = 0;
    return status;
}

static gpumm_status collect(parser *p, const token *t) {
    if (!gpumm__mem_reserve(p->with.from, (void **)&p->tokens, sizeof *p->tokens, p->count, &p->capacity))
        return fail_host_memory(sizeof *t);
    p->tokens[p->count++] = *t;
    return GPUMM_OK;
}

/* "= {1, 2}" and "float{}" within a bracket: braces without a statement. */
static bool is_value(parser *p) {
    const token_reader here = p->reader;
    int open = 1;
    bool value = true;
    while (open && value) {
        token t = gpumm__token_next(&p->reader);
        open += is(&t, "{") - is(&t, "}");
        value = t.kind != TOKEN_END && !is(&t, ";");
    }
    token_file *files = p->reader.files;
    p->reader = here;
    p->reader.files = files;
    return value;
}

static gpumm_status collect_value(parser *p, token t) {
    TRY(collect(p, &t));
    for (int open = 1; open;) {
        t = gpumm__token_next(&p->reader);
        open += is(&t, "{") - is(&t, "}");
        TRY(collect(p, &t));
    }
    return GPUMM_OK;
}

static gpumm_status read_all(parser *p) {
    int brackets = 0;
    for (;;) {
        token t = gpumm__token_next(&p->reader);
        if (t.kind == TOKEN_END) break;
        if (is(&t, "{") && brackets > 0 && is_value(p)) {
            TRY(collect_value(p, t));
            continue;
        }
        brackets += is(&t, "(") - is(&t, ")");
        bool ends = is(&t, ";") || is(&t, "{") || is(&t, "}");
        if (ends && (brackets <= 0 || is(&t, "{"))) brackets = 0;
        TRY(ends && !brackets ? declaration(p, &t) : collect(p, &t));
    }
    if (p->depth && !p->with.source->signature) return unclosed(&p->blocks[p->depth - 1].brace);
    /* A signature needs no end; a kernel that is cut off is better named here than not found later. */
    return p->count ? function(p, (span){p->tokens, p->tokens + p->count}, true) : GPUMM_OK;
}

/* What a pass over a text goes by to tell a declaration of a name. */
typedef struct declaring {
    bool stored; /* extern or typedef was said */
    int brackets;
} declaring;

static void declaring_step(declaring *d, const token *t) {
    d->brackets += (is(t, "(") || is(t, "[")) - (is(t, ")") || is(t, "]"));
    if (is(t, "extern") || is(t, "typedef")) d->stored = true;
    if (is(t, ";") || is(t, "{") || is(t, "}")) *d = (declaring){false, 0};
}

static bool declares(const declaring *d, const token *next) {
    return is(next, "(") || (d->stored && d->brackets == 0 && (is(next, ";") || is(next, "[")));
}

/* A name that something else has too, in another file: headers of the C library declare many a good word. And "main"
   is to return an int. */
static void find_taken(parser *p) {
    declaring d = {false, 0};
    token t = gpumm__token_next(&p->reader);
    while (t.kind != TOKEN_END) {
        token next = gpumm__token_next(&p->reader);
        declaring_step(&d, &t);
        for (size_t i = 0; t.kind == TOKEN_NAME && i < p->list.count && declares(&d, &next); i++) {
            prototype *k = &p->list.items[i];
            if (is(&t, k->name) && (strcmp(t.file, k->file) != 0 || is(&t, "main"))) k->taken = true;
        }
        t = next;
    }
}

gpumm_status gpumm__prototype_read(const gpumm_allocator *from, const prototype_source *source, prototype_list *out) {
    parser p = {.with = {from, source}, .list.from = from};
    gpumm__tokens_open(from, source->text, source->file, &p.reader);
    gpumm_status status = read_all(&p);
    gpumm__tokens_close(&p.reader);
    gpumm__tokens_open(from, source->text, source->file, &p.reader);
    if (status == GPUMM_OK) find_taken(&p);
    gpumm__tokens_close(&p.reader);
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
    gpumm__mem_free(from, k->scope);
    gpumm__mem_free(from, k->file);
}

void gpumm__prototype_free(prototype_list *list) {
    for (size_t i = 0; i < list->count; i++) kernel_free(list->from, &list->items[i]);
    for (size_t i = 0; i < list->type_count; i++) gpumm__mem_free(list->from, list->types[i]);
    gpumm__mem_free(list->from, list->types);
    gpumm__mem_free(list->from, list->items);
    gpumm__mem_free(list->from, list->refused);
    *list = (prototype_list){0};
}
