/* SPDX-License-Identifier: MIT */
/*
 * The preprocessed text is cut into pieces: functions, types, and declarations of other things, each under the names
 * that it introduces. A piece mentions names. What a kernel's piece mentions, and what the pieces of those names
 * mention, and so on, is what the kernel may use; so a helper that nobody calls needs nothing. One name may stand for
 * several pieces, as overloads do: then all of them count. A text without any word of interest is not cut at all.
 */
#include "kernel/source/needs.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "device/device.h"
#include "kernel/source/tokens.h"

#define UNNAMED "_GLOBAL__N_1" /* what the linker calls a namespace without a name */

enum { SCOPES_MAX = 32, SLOTS_MIN = 64, NAME_MAX_BYTES = 400, NOWHERE = -1 };

typedef struct piece {
    size_t begin, end; /* its tokens */
    bool library;      /* of a namespace whose functions know what to do in every geometry */
    bool reached;
} piece;

typedef struct entry { /* a name and one of the pieces that it stands for */
    size_t token;
    size_t piece;
    int next; /* of the same slot */
} entry;

typedef struct reader {
    needs *out;
    const gpumm_allocator *from;
    token *tokens;
    size_t count, capacity;
    piece *pieces;
    size_t piece_count, piece_capacity;
    entry *entries;
    size_t entry_count, entry_capacity;
    int *slots;
    size_t slot_count;
    size_t *work; /* pieces that were reached and are to be looked at */
    size_t work_count;
    token scopes[SCOPES_MAX]; /* namespaces that are open; other tokens stand for extern "C" */
    size_t depth;
} reader;

/* ---- Words -------------------------------------------------------------------------------- */

typedef struct word {
    const char *name;
    bool prefix; /* every function whose name begins so */
    uint32_t needs;
} word;

static const word words[] = {
    {"__shared__", false, DEVICE_NEEDS_BLOCKS},
    {"__syncthreads", true, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__syncwarp", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__shfl", true, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__ballot", true, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__any_sync", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__all_sync", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__activemask", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__match_any_sync", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__match_all_sync", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"__reduce_", true, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {"cooperative_groups", false, DEVICE_NEEDS_BLOCKS | DEVICE_NEEDS_WAITING},
    {NULL, false, 0},
};

static uint32_t needs_of_word(const reader *r, size_t at) {
    const token *t = &r->tokens[at];
    if (t->text[0] != '_' && t->text[0] != 'c') return 0;
    bool called = at + 1 < r->count && (gpumm__token_is(t + 1, "(") || gpumm__token_is(t + 1, "<"));
    for (const word *w = words; w->name; w++) {
        size_t length = strlen(w->name);
        if (w->prefix ? called && t->length >= length && !memcmp(t->text, w->name, length)
                      : gpumm__token_is(t, w->name))
            return w->needs;
    }
    return 0;
}

static bool is_member(const reader *r, size_t at) {
    if (at > 0 && gpumm__token_is(&r->tokens[at - 1], ".")) return true;
    return at > 1 && gpumm__token_is(&r->tokens[at - 1], ">") && gpumm__token_is(&r->tokens[at - 2], "-");
}

/* "threadIdx.y": its bit. Without a dimension, as in dim3 t = threadIdx: any of them may be meant. */
static uint32_t needs_of_dimension(const reader *r, size_t at) {
    const token *t = &r->tokens[at];
    for (unsigned i = 0; i < 8; i += 2) {
        const char *name = gpumm__device_dimension_names[i];
        size_t length = strlen(name) - 2;
        if (t->length != length || memcmp(t->text, name, length) != 0 || is_member(r, at)) continue;
        if (at + 2 >= r->count || !gpumm__token_is(t + 1, ".")) return DEVICE_NEEDS_BLOCKS;
        if (gpumm__token_is(t + 2, "y")) return 1u << i | DEVICE_NEEDS_BLOCKS;
        return gpumm__token_is(t + 2, "z") ? 2u << i | DEVICE_NEEDS_BLOCKS : 0;
    }
    return 0;
}

static uint32_t needs_of_token(const reader *r, size_t at) {
    if (r->tokens[at].kind != TOKEN_NAME) return 0;
    uint32_t found = needs_of_word(r, at);
    return found ? found : needs_of_dimension(r, at);
}

/* ---- Pieces ------------------------------------------------------------------------------- */

static bool is_at(const reader *r, size_t at, const char *text) {
    return at < r->count && gpumm__token_is(&r->tokens[at], text);
}

/* The token behind the bracket that opens at `at`. */
static size_t behind(const reader *r, size_t at) {
    int open = 0;
    for (; at < r->count; at++) {
        open += is_at(r, at, "(") || is_at(r, at, "[") || is_at(r, at, "{");
        open -= is_at(r, at, ")") || is_at(r, at, "]") || is_at(r, at, "}");
        if (open == 0) return at + 1;
    }
    return at;
}

static bool is_attribute(const reader *r, size_t at) {
    static const char *const names[] = {"__launch_bounds__", "__attribute__",  "__attribute", "__declspec",
                                        "alignas",           "__align__",      "__maxnreg__", "__cluster_dims__",
                                        "decltype",          "__block_size__", "noexcept",    "__builtin_align__",
                                        "static_assert",     "requires",       "explicit",    "__asm__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_at(r, at, names[i])) return is_at(r, at + 1, "(");
    return false;
}

static bool is_type_word(const reader *r, size_t at) {
    return is_at(r, at, "struct") || is_at(r, at, "class") || is_at(r, at, "union") || is_at(r, at, "enum");
}

static size_t hash_of(const token *t) {
    size_t h = 1469598103u;
    for (size_t i = 0; i < t->length; i++) h = (h ^ (unsigned char)t->text[i]) * 16777619u;
    return h;
}

static gpumm_status add_name(reader *r, size_t at) {
    if (r->tokens[at].kind != TOKEN_NAME) return GPUMM_OK;
    if (!gpumm__mem_reserve(r->from, (void **)&r->entries, sizeof *r->entries, r->entry_count, &r->entry_capacity))
        return fail_host_memory(sizeof *r->entries);
    r->entries[r->entry_count++] = (entry){.token = at, .piece = r->piece_count, .next = NOWHERE};
    return GPUMM_OK;
}

typedef struct head { /* of a piece, up to its body or its end */
    size_t end;
    size_t parameters; /* where a function's begin; 0: it has none, for a name precedes them */
    bool type, assigned, is_typedef;
} head;

static bool is_function(const head *h) { return h->parameters && !h->is_typedef && !h->assigned; }

/* "==", "<=" and the like. */
static bool is_comparison(const reader *r, size_t at) {
    static const char *const before[] = {"=", "!", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^"};
    for (size_t i = 0; at > 0 && i < sizeof before / sizeof *before; i++)
        if (is_at(r, at - 1, before[i])) return true;
    return is_at(r, at + 1, "=");
}

/* Behind operator<<= and its like, whose signs open nothing; operator() too. */
static size_t behind_operator(const reader *r, size_t at) {
    for (at++; at < r->count && r->tokens[at].kind == TOKEN_PUNCTUATION && !is_at(r, at, "(");) at++;
    return is_at(r, at, "(") && is_at(r, at + 1, ")") && is_at(r, at + 2, "(") ? at + 2 : at;
}

/* Where a comparison was taken for the beginning of a template's arguments, the first bracket is the parameters'. */
static head read_head(const reader *r, size_t at) {
    head h = {.end = at};
    size_t bracket = 0;
    int angles = 0;
    while (h.end < r->count && !is_at(r, h.end, "{") && !is_at(r, h.end, ";") && !is_at(r, h.end, "}")) {
        size_t here = h.end;
        angles += is_at(r, here, "<") - (is_at(r, here, ">") && angles > 0);
        if (is_type_word(r, here) && !h.parameters && !angles) h.type = true;
        if (is_at(r, here, "=") && !angles && !is_comparison(r, here)) h.assigned = true;
        if (is_at(r, here, "typedef") || is_at(r, here, "using")) h.is_typedef = true;
        if (is_attribute(r, here)) h.end = behind(r, here + 1);
        else if (is_at(r, here, "operator")) h.end = behind_operator(r, here);
        else if (is_at(r, here, "(") || is_at(r, here, "[")) {
            if (is_at(r, here, "(") && here > at && !bracket) bracket = here;
            if (is_at(r, here, "(") && here > at && !h.parameters && !h.assigned && !angles) h.parameters = here;
            h.end = behind(r, here);
        } else {
            h.end++;
        }
    }
    if (angles && !h.parameters && !h.type) h.parameters = bracket;
    return h;
}

/* f [[…]] (…): where what is between the name and its parameters, which begin at `at`, begins. */
static size_t before_attributes(const reader *r, size_t begin, size_t at) {
    for (size_t open = at; open-- > begin;)
        if (is_at(r, open, "[") && is_at(r, open + 1, "[") && behind(r, open) == at && open > begin) at = open;
    return at;
}

/* a::b::f(…) is found under f and under a, whose member it may be. An operator has no name that anybody mentions. */
static gpumm_status name_function(reader *r, size_t begin, const head *h) {
    for (size_t at = begin; at < h->parameters; at++)
        if (is_at(r, at, "operator")) return add_name(r, at);
    for (size_t at = before_attributes(r, begin, h->parameters) - 1;; at -= 3) {
        TRY(add_name(r, at));
        if (at < begin + 3 || !is_at(r, at - 1, ":") || !is_at(r, at - 2, ":")) return GPUMM_OK;
    }
}

/* The name behind struct, class, union or enum; not those of template parameters or bases. */
static gpumm_status name_type(reader *r, const piece *p, const head *h) {
    bool named = false;
    int angles = 0;
    for (size_t at = p->begin; at < h->end && !(named && is_at(r, at, ":")); at++) {
        if (is_attribute(r, at)) {
            at = behind(r, at + 1) - 1;
            continue;
        }
        angles += is_at(r, at, "<") - (is_at(r, at, ">") && angles > 0);
        if (named && !angles) TRY(add_name(r, at));
        named |= !angles && is_type_word(r, at);
    }
    for (size_t at = is_at(r, h->end, "{") ? behind(r, h->end) : p->end; at < p->end; at++) TRY(add_name(r, at));
    return GPUMM_OK;
}

/* Variables and other names of types are found under whatever they mention. */
static gpumm_status name_other(reader *r, const piece *p, const head *h) {
    for (size_t at = p->begin; at < h->end; at++) TRY(add_name(r, at));
    return GPUMM_OK;
}

static bool is_library(const reader *r) {
    static const char *const names[] = {"std", "cuda", "cooperative_groups", "nv", "cub", "thrust"};
    for (size_t i = 0; i < r->depth; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            if (gpumm__token_is(&r->scopes[i], names[j])) return true;
    return false;
}

/* Without a body a function says nothing. */
static gpumm_status add_piece(reader *r, size_t begin, size_t end, const head *h) {
    bool function = is_function(h), body = is_at(r, h->end, "{");
    if (function && !body) return GPUMM_OK;
    if (!gpumm__mem_reserve(r->from, (void **)&r->pieces, sizeof *r->pieces, r->piece_count, &r->piece_capacity))
        return fail_host_memory(sizeof *r->pieces);
    piece p = {.begin = begin, .end = end, .library = is_library(r)};
    TRY(function ? name_function(r, begin, h) : h->type ? name_type(r, &p, h) : name_other(r, &p, h));
    r->pieces[r->piece_count++] = p;
    return GPUMM_OK;
}

/* ---- Dynamic shared arrays ---------------------------------------------------------------- */

static gpumm_status add_array(reader *r, const char *name) {
    needs *n = r->out;
    for (size_t i = 0; i < n->array_count; i++)
        if (strcmp(n->arrays[i], name) == 0) return GPUMM_OK;
    if (!gpumm__mem_reserve(r->from, (void **)&n->arrays, sizeof *n->arrays, n->array_count, &n->array_capacity))
        return fail_host_memory(sizeof *n->arrays);
    char *made = gpumm__mem_string(r->from, name);
    if (!made) return fail_host_memory(strlen(name) + 1);
    n->arrays[n->array_count++] = made;
    return GPUMM_OK;
}

/* What the linker calls it within namespaces: _ZN5outer5inner4nameE; and by its own name, which an extern "C" function's
   has. */
static gpumm_status add_array_names(reader *r, const token *name) {
    char text[NAME_MAX_BYTES];
    size_t used = (size_t)snprintf(text, sizeof text, "_ZN"), nested = 0;
    for (size_t i = 0; i < r->depth && used < sizeof text; i++)
        if (r->scopes[i].kind == TOKEN_NAME && ++nested)
            used += (size_t)snprintf(text + used, sizeof text - used, "%zu%.*s", r->scopes[i].length,
                                     (int)r->scopes[i].length, r->scopes[i].text);
    if (used < sizeof text)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%zu%.*sE", name->length, (int)name->length, name->text);
    if (used >= sizeof text || name->length >= sizeof text)
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: this array's name is too long", name->file, name->line);
    if (nested) TRY(add_array(r, text));
    snprintf(text, sizeof text, "%.*s", (int)name->length, name->text);
    return add_array(r, text);
}

/* Does its declaration say extern, before the word or behind it? */
static bool is_extern(const reader *r, size_t at) {
    for (size_t i = at; i-- > 0 && !is_at(r, i, ";") && !is_at(r, i, "{") && !is_at(r, i, "}");)
        if (is_at(r, i, "extern")) return true;
    return is_at(r, at + 1, "extern");
}

/* extern __shared__ T name[], more[]: the names before a [ that is no attribute's. */
static gpumm_status find_array(reader *r, size_t at) {
    if (!is_extern(r, at)) return GPUMM_OK;
    for (size_t end = at + 1; end < r->count && !is_at(r, end, ";") && !is_at(r, end, "="); end++)
        if (is_attribute(r, end)) end = behind(r, end + 1) - 1;
        else if (is_at(r, end, "[") && r->tokens[end - 1].kind == TOKEN_NAME)
            TRY(add_array_names(r, &r->tokens[end - 1]));
    return GPUMM_OK;
}

static gpumm_status find_arrays(reader *r, size_t begin, size_t end) {
    for (size_t at = begin; at < end; at++)
        if (is_at(r, at, "__shared__")) TRY(find_array(r, at));
    return GPUMM_OK;
}

/* ---- Cutting ------------------------------------------------------------------------------ */

/* namespace a::b {  or  extern "C" {: how many scopes it opens; 0: it is neither. */
static gpumm_status open_scopes(reader *r, size_t *at, bool *opened) {
    size_t here = *at + is_at(r, *at, "inline");
    bool space = is_at(r, here, "namespace"), linkage = is_at(r, here, "extern");
    *opened = false;
    if (linkage && !(here + 2 < r->count && r->tokens[here + 1].kind == TOKEN_STRING && is_at(r, here + 2, "{")))
        return GPUMM_OK;
    if (!space && !linkage) return GPUMM_OK;
    size_t end = here + 1;
    token last = {.kind = linkage ? TOKEN_PUNCTUATION : TOKEN_NAME, .text = UNNAMED, .length = strlen(UNNAMED)};
    while (end < r->count && !is_at(r, end, "{") && !is_at(r, end, ";") && !is_at(r, end, "=")) {
        if (space && r->tokens[end].kind == TOKEN_NAME && !is_attribute(r, end)) last = r->tokens[end];
        end = is_at(r, end, "(") ? behind(r, end) : end + 1;
    }
    if (!is_at(r, end, "{")) return GPUMM_OK;
    if (r->depth == SCOPES_MAX)
        return fail(GPUMM_COMPILE_FAILED, "%s:%u: more than %d namespaces in one another", r->tokens[end].file,
                    r->tokens[end].line, SCOPES_MAX);
    r->scopes[r->depth++] = last;
    *at = end + 1;
    *opened = true;
    return GPUMM_OK;
}

/* A function ends with its body, anything else at the semicolon. */
static size_t end_of(const reader *r, const head *h) {
    size_t end = h->end;
    if (!is_at(r, end, "{")) return end + 1;
    end = behind(r, end);
    if (is_function(h)) {
        while (is_at(r, end, "{")) end = behind(r, end); /* a constructor's members come in braces too */
        return end;
    }
    while (end < r->count && !is_at(r, end, ";")) end = is_at(r, end, "{") ? behind(r, end) : end + 1;
    return end + 1;
}

static gpumm_status cut(reader *r) {
    for (size_t at = 0; at < r->count;) {
        bool opened;
        TRY(open_scopes(r, &at, &opened));
        if (opened) continue;
        if (is_at(r, at, "}") || is_at(r, at, ";")) {
            r->depth -= is_at(r, at, "}") && r->depth > 0;
            at++;
            continue;
        }
        head h = read_head(r, at);
        size_t end = end_of(r, &h);
        end = end < r->count ? end : r->count;
        if (h.end == at) h.end++;
        TRY(add_piece(r, at, end, &h));
        TRY(find_arrays(r, at, end));
        at = end > at ? end : at + 1;
    }
    return GPUMM_OK;
}

/* ---- Reaching ----------------------------------------------------------------------------- */

static gpumm_status make_slots(reader *r) {
    for (r->slot_count = SLOTS_MIN; r->slot_count < 2 * r->entry_count;) r->slot_count *= 2;
    r->slots = gpumm__mem_new(r->from, r->slot_count * sizeof *r->slots);
    r->work = gpumm__mem_new(r->from, (r->piece_count + 1) * sizeof *r->work);
    if (!r->slots || !r->work) return fail_host_memory(r->slot_count * sizeof *r->slots);
    for (size_t i = 0; i < r->slot_count; i++) r->slots[i] = NOWHERE;
    for (size_t i = 0; i < r->entry_count; i++) {
        int *slot = &r->slots[hash_of(&r->tokens[r->entries[i].token]) & (r->slot_count - 1)];
        r->entries[i].next = *slot;
        *slot = (int)i;
    }
    return GPUMM_OK;
}

static void reach(reader *r, const token *t) {
    for (int i = r->slots[hash_of(t) & (r->slot_count - 1)]; i != NOWHERE; i = r->entries[i].next) {
        const token *name = &r->tokens[r->entries[i].token];
        piece *p = &r->pieces[r->entries[i].piece];
        if (p->reached || name->length != t->length || memcmp(name->text, t->text, t->length) != 0) continue;
        p->reached = true;
        r->work[r->work_count++] = r->entries[i].piece;
    }
}

static uint32_t needs_from(reader *r, const char *name) {
    const token start = {.kind = TOKEN_NAME, .text = name, .length = strlen(name)};
    const token operators = {.kind = TOKEN_NAME, .text = "operator", .length = strlen("operator")};
    uint32_t found = 0;
    for (size_t i = 0; i < r->piece_count; i++) r->pieces[i].reached = false;
    reach(r, &start);
    reach(r, &operators);
    while (r->work_count) {
        const piece *p = &r->pieces[r->work[--r->work_count]];
        for (size_t at = p->begin; at < p->end; at++) {
            uint32_t here = needs_of_token(r, at);
            found |= p->library ? here & ~(uint32_t)DEVICE_NEEDS_DIMENSIONS : here;
            if (r->tokens[at].kind == TOKEN_NAME) reach(r, &r->tokens[at]);
        }
    }
    return found;
}

/* ---- All of it ---------------------------------------------------------------------------- */

/* Without what gpumm itself put before the text. */
static gpumm_status collect(reader *r, token_reader *from) {
    for (token t = gpumm__token_next(from); t.kind != TOKEN_END; t = gpumm__token_next(from)) {
        if (strcmp(t.file, DEVICE_OWN_TEXT) == 0) continue;
        if (!gpumm__mem_reserve(r->from, (void **)&r->tokens, sizeof *r->tokens, r->count, &r->capacity))
            return fail_host_memory(sizeof *r->tokens);
        r->tokens[r->count++] = t;
    }
    return GPUMM_OK;
}

static gpumm_status read_needs(reader *r, prototype_list *list) {
    uint32_t all = 0;
    for (size_t at = 0; at < r->count; at++) all |= needs_of_token(r, at);
    r->out->blocks = (all & DEVICE_NEEDS_BLOCKS) != 0;
    if (!all) return GPUMM_OK;
    TRY(cut(r));
    TRY(make_slots(r));
    for (size_t i = 0; i < list->count; i++) list->items[i].needs = needs_from(r, list->items[i].name);
    return GPUMM_OK;
}

gpumm_status gpumm__needs_read(const char *text, const char *file, prototype_list *list, needs *out) {
    token_reader source;
    reader r = {.out = out, .from = list->from};
    *out = (needs){.from = list->from};
    gpumm__tokens_open(list->from, text, file, &source);
    gpumm_status status = collect(&r, &source);
    if (status == GPUMM_OK) status = read_needs(&r, list);
    gpumm__tokens_close(&source);
    gpumm__mem_free(r.from, r.tokens);
    gpumm__mem_free(r.from, r.pieces);
    gpumm__mem_free(r.from, r.entries);
    gpumm__mem_free(r.from, r.slots);
    gpumm__mem_free(r.from, r.work);
    if (status != GPUMM_OK) gpumm__needs_free(out);
    return status;
}

void gpumm__needs_free(needs *n) {
    for (size_t i = 0; i < n->array_count; i++) gpumm__mem_free(n->from, n->arrays[i]);
    gpumm__mem_free(n->from, n->arrays);
    *n = (needs){.from = n->from};
}
