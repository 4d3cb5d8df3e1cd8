/* SPDX-License-Identifier: MIT */
/* Packets as numbers and texts; types as text: "=f32x3" for what gpumm_type_parse reads, "{name", fields' names and types, "}"
   for a struct. */
#include "share/protocol.h"

#include <string.h>

#include "base/status.h"

enum { FIELDS_MOST = 1024, DEPTH_MOST = 8 };

/* ---- Packets ----------------------------------------------------------------------------------------------- */

static bool is_owners(uint32_t kind) { return kind < SHARE_TAKE; }
static bool is_readers(uint32_t kind) { return kind == SHARE_HELLO || kind == SHARE_TAKE || kind == SHARE_GIVE; }
static bool has_text(uint32_t kind, bool from_owner) {
    return kind == SHARE_BUFFER || kind == SHARE_FRAMES || (kind == SHARE_HELLO && from_owner);
}

gpumm_status gpumm__protocol_check(const share_packet *p, size_t bytes, bool from_owner) {
    const share_message *m = &p->message;
    if (bytes < sizeof *m) return fail(GPUMM_INVALID_ARGUMENT, "a message of %zu bytes is too short", bytes);
    if (m->text_bytes > SHARE_TEXT || bytes != sizeof *m + m->text_bytes)
        return fail(GPUMM_INVALID_ARGUMENT, "a message of %zu bytes says that %u are text", bytes, m->text_bytes);
    if (m->kind >= SHARE_KINDS || !(from_owner ? is_owners(m->kind) : is_readers(m->kind)))
        return fail(GPUMM_INVALID_ARGUMENT, "a message of kind %u is not expected", m->kind);
    if ((m->text_bytes != 0) != has_text(m->kind, from_owner))
        return fail(GPUMM_INVALID_ARGUMENT, "a message of kind %u has %u bytes of text", m->kind, m->text_bytes);
    if (m->text_bytes && p->text[m->text_bytes - 1] != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "the text of a message does not end");
    if (m->item >= SHARE_ITEMS || m->status >= GPUMM_STATUS_COUNT || m->reserved)
        return fail(GPUMM_INVALID_ARGUMENT, "a message names item %u and status %u", m->item, m->status);
    return GPUMM_OK;
}

/* ---- Texts ------------------------------------------------------------------------------------------------- */

bool gpumm__protocol_put(share_text *t, const char *string) {
    size_t bytes = strlen(string) + 1;
    if (bytes > t->left) return false;
    memcpy(t->at, string, bytes);
    t->at += bytes;
    t->left -= bytes;
    return true;
}

static bool put_marked(share_text *t, char mark, const char *string) {
    if (!t->left) return false;
    *t->at++ = mark;
    t->left--;
    return gpumm__protocol_put(t, string);
}

const char *gpumm__protocol_get(share_text *t) {
    const char *end = t->left ? memchr(t->at, 0, t->left) : NULL;
    if (!end) return NULL;
    const char *string = t->at;
    t->left -= (size_t)(end + 1 - string);
    t->at += end + 1 - string;
    return string;
}

/* ---- Types ------------------------------------------------------------------------------------------------- */

bool gpumm__protocol_put_type(share_text *t, const gpumm_type *type) {
    size_t count = gpumm_type_field_count(type);
    if (!count) return put_marked(t, '=', gpumm_type_name(type));
    if (!put_marked(t, '{', gpumm_type_struct_name(type))) return false;
    for (size_t i = 0; i < count; i++) {
        const gpumm_field *f = gpumm_type_field(type, i);
        if (!gpumm__protocol_put(t, f->name) || !gpumm__protocol_put_type(t, f->type)) return false;
    }
    return gpumm__protocol_put(t, "}");
}

static gpumm_status no_type(void) { return fail(GPUMM_INVALID_ARGUMENT, "the text of a message is no type"); }

static gpumm_status get_type(share_text *t, const gpumm_allocator *memory, unsigned depth, gpumm_type **out);

/* Fields up to the "}"; `count` of them have types to release, also where it fails. */
static gpumm_status get_fields(share_text *t, const gpumm_allocator *memory, unsigned depth, gpumm_field *fields,
                               size_t *count) {
    for (const char *name; (name = gpumm__protocol_get(t)) != NULL; ++*count) {
        gpumm_type *type;
        if (strcmp(name, "}") == 0) return GPUMM_OK;
        if (*count == FIELDS_MOST) return no_type();
        TRY(get_type(t, memory, depth, &type));
        fields[*count] = (gpumm_field){.name = name, .type = type};
    }
    return no_type();
}

static gpumm_status get_struct(share_text *t, const gpumm_allocator *memory, const char *name, unsigned depth,
                               gpumm_type **out) {
    size_t count = 0;
    gpumm_field *fields = gpumm__mem_new(memory, FIELDS_MOST * sizeof *fields);
    if (!fields) return fail_host_memory(FIELDS_MOST * sizeof *fields);
    gpumm_status status = get_fields(t, memory, depth + 1, fields, &count);
    if (status == GPUMM_OK) status = gpumm_type_struct_with(memory, *name ? name : NULL, fields, count, out);
    for (size_t i = 0; i < count; i++) gpumm_type_release(fields[i].type);
    gpumm__mem_free(memory, fields);
    return status;
}

static gpumm_status get_type(share_text *t, const gpumm_allocator *memory, unsigned depth, gpumm_type **out) {
    const char *text = gpumm__protocol_get(t);
    if (!text || depth > DEPTH_MOST) return no_type();
    if (*text == '=') return gpumm_type_parse_with(memory, text + 1, out);
    return *text == '{' ? get_struct(t, memory, text + 1, depth, out) : no_type();
}

gpumm_status gpumm__protocol_get_type(share_text *t, const gpumm_allocator *memory, gpumm_type **out) {
    return get_type(t, memory, 0, out);
}
