/* SPDX-License-Identifier: MIT */
/* A pool that grows by chunks and is given back at the end. */
#include "device/trace/operation.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

enum { CHUNK = 256 };

typedef struct operation_chunk {
    struct operation_chunk *next;
    operation operations[CHUNK];
} operation_chunk;

/* ---- What an operation says ---------------------------------------------------------------------------------- */

void gpumm__operation_list_drop(operation_list *list) {
    if (list && atomic_fetch_sub(&list->references, 1) == 1) gpumm__mem_free(list->memory, list);
}

static void copy_text(char *to, const char *from, size_t size) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

void gpumm__operation_name(operation *o, const char *name) { copy_text(o->name, name, sizeof o->name); }

void gpumm__operation_label(operation *o, const char *label) {
    copy_text(o->label, label, sizeof o->label);
    o->labelled = true;
}

void gpumm__operation_say(operation *o, const char *key, uint64_t number) {
    if (o->field_count < OPERATION_FIELDS) o->fields[o->field_count++] = (operation_field){key, number};
}

/* ---- The pool ------------------------------------------------------------------------------------------------ */

static bool grow(operation_pool *p) {
    operation_chunk *chunk = gpumm__mem_new(p->memory, sizeof *chunk);
    if (!chunk) return false;
    chunk->next = p->chunks;
    p->chunks = chunk;
    for (size_t i = 0; i < CHUNK; i++) {
        chunk->operations[i].next = p->free;
        p->free = &chunk->operations[i];
    }
    return true;
}

operation *gpumm__operation_take(operation_pool *p) {
    if (!p->free && !grow(p)) return NULL;
    operation *o = p->free;
    p->free = o->next;
    o->next = NULL;
    o->labelled = o->dropped = false;
    o->field_count = 0;
    return o;
}

void gpumm__operation_give(operation_pool *p, operation *o) {
    gpumm__operation_list_drop(o->list);
    o->next = p->free;
    p->free = o;
}

void gpumm__operation_pool_close(operation_pool *p) {
    for (operation_chunk *chunk = p->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        gpumm__mem_free(p->memory, chunk);
    }
}
