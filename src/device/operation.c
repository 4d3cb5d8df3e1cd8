/* SPDX-License-Identifier: MIT */
/* Two pools that grow by chunks and are given back at the end. */
#include "device/operation.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

enum { CHUNK = 512, LOW = 256, MOST = 8192, PAIRS = 128, PAIRS_LOW = 64 };

typedef struct operation_chunk {
    struct operation_chunk *next;
    operation operations[CHUNK];
} operation_chunk;

typedef struct pair_chunk {
    struct pair_chunk *next;
    size_t count;
    event_pair pairs[PAIRS];
} pair_chunk;

/* ---- What an operation says ---------------------------------------------------------------------------------- */

void gpumm__operation_list_drop(operation_list *list) {
    if (list && atomic_fetch_sub(&list->references, 1) == 1) gpumm__mem_free(list->memory, list);
}

static void copy_text(char *to, const char *from, size_t size) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

void gpumm__operation_name(operation *o, const char *name) {
    if (o) copy_text(o->name, name, sizeof o->name);
}

void gpumm__operation_label(operation *o, const char *label) {
    if (!o) return;
    copy_text(o->label, label, sizeof o->label);
    o->labelled = true;
}

void gpumm__operation_say(operation *o, const char *key, uint64_t number) {
    if (!o || o->field_count == OPERATION_FIELDS) return;
    o->fields[o->field_count].key = key;
    o->fields[o->field_count++].number = number;
}

/* ---- Growing ------------------------------------------------------------------------------------------------- */

void gpumm__operation_pool_open(operation_pool *p, device *d, pthread_mutex_t *lock) {
    *p = (operation_pool){.device = d, .lock = lock};
}

gpumm_status gpumm__operation_pool_grow(operation_pool *p) {
    operation_chunk *chunk = gpumm__mem_new(p->device->memory, sizeof *chunk);
    if (!chunk) return fail_host_memory(sizeof *chunk);
    pthread_mutex_lock(p->lock);
    chunk->next = p->chunks;
    p->chunks = chunk;
    for (size_t i = 0; i < CHUNK; i++) {
        chunk->operations[i].next = p->free;
        p->free = &chunk->operations[i];
    }
    atomic_fetch_add(&p->free_count, CHUNK);
    atomic_fetch_add(&p->total, CHUNK);
    pthread_mutex_unlock(p->lock);
    return GPUMM_OK;
}

static gpumm_status open_pair(device *d, event_pair *pair) {
    TRY(d->call->event_open(d, true, &pair->begin));
    gpumm_status status = d->call->event_open(d, true, &pair->end);
    if (status != GPUMM_OK) d->call->event_close(d, pair->begin);
    return status;
}

static void add_pairs(operation_pool *p, pair_chunk *chunk) {
    pthread_mutex_lock(p->lock);
    chunk->next = p->pair_chunks;
    p->pair_chunks = chunk;
    for (size_t i = 0; i < chunk->count; i++) {
        chunk->pairs[i].next = p->idle;
        p->idle = &chunk->pairs[i];
    }
    atomic_fetch_add(&p->idle_count, (unsigned)chunk->count);
    atomic_fetch_add(&p->pair_total, (unsigned)chunk->count);
    pthread_mutex_unlock(p->lock);
}

gpumm_status gpumm__operation_pool_grow_pairs(operation_pool *p) {
    pair_chunk *chunk = gpumm__mem_new(p->device->memory, sizeof *chunk);
    if (!chunk) return fail_host_memory(sizeof *chunk);
    gpumm_status status = GPUMM_OK;
    while (status == GPUMM_OK && chunk->count < PAIRS) {
        status = open_pair(p->device, &chunk->pairs[chunk->count]);
        if (status == GPUMM_OK) chunk->count++;
    }
    add_pairs(p, chunk);
    return status;
}

static unsigned peek(const atomic_uint *count) { return atomic_load_explicit(count, memory_order_relaxed); }

bool gpumm__operation_pool_is_short(const operation_pool *p) {
    unsigned total = peek(&p->total), enough = total / 2;
    return peek(&p->free_count) < (enough > LOW ? enough : LOW);
}

bool gpumm__operation_pool_is_low(const operation_pool *p) { return peek(&p->free_count) < LOW; }

bool gpumm__operation_pool_is_full(const operation_pool *p) { return peek(&p->total) >= MOST; }

bool gpumm__operation_pool_lacks_pairs(const operation_pool *p) {
    return peek(&p->idle_count) < PAIRS_LOW && peek(&p->pair_total) < MOST;
}

/* ---- Taking and giving --------------------------------------------------------------------------------------- */

/* Who holds the lock alone changes a count: a load and a store do. */
static void add(atomic_uint *count, unsigned by) {
    atomic_store_explicit(count, peek(count) + by, memory_order_relaxed);
}

/* The next one's lines come from the core that read them meanwhile. */
static void fetch_ahead(const operation *o) {
    if (!o) return;
    __builtin_prefetch(o, 1);
    __builtin_prefetch(o->name + sizeof o->name / 2, 1);
    __builtin_prefetch(o->fields, 1);
}

operation *gpumm__operation_take(operation_pool *p) {
    operation *o = p->free;
    if (!o) return NULL;
    p->free = o->next;
    add(&p->free_count, -1u);
    o->next = NULL;
    o->events = NULL;
    o->list = NULL;
    o->labelled = false;
    o->field_count = 0;
    fetch_ahead(p->free);
    atomic_store_explicit(&o->state, OPERATION_OPEN, memory_order_relaxed);
    return o;
}

event_pair *gpumm__pair_take(operation_pool *p) {
    event_pair *pair = p->idle;
    if (!pair) return NULL;
    p->idle = pair->next;
    add(&p->idle_count, -1u);
    return pair;
}

static void give_pair(operation_pool *p, event_pair *pair) {
    pair->next = p->idle;
    p->idle = pair;
    add(&p->idle_count, 1);
}

void gpumm__operations_give(operation_pool *p, operation *first, operation *last) {
    unsigned count = 0;
    for (operation *o = first;; o = o->next) {
        gpumm__operation_list_drop(o->list);
        count++;
        if (o == last) break;
    }
    pthread_mutex_lock(p->lock);
    for (operation *o = first;; o = o->next) {
        if (o->events) give_pair(p, o->events);
        if (o == last) break;
    }
    last->next = p->free;
    p->free = first;
    add(&p->free_count, count);
    pthread_mutex_unlock(p->lock);
}

/* ---- Closing ------------------------------------------------------------------------------------------------- */

static void free_pairs(device *d, pair_chunk *chunk) {
    for (size_t i = 0; i < chunk->count; i++) {
        d->call->event_close(d, chunk->pairs[i].begin);
        d->call->event_close(d, chunk->pairs[i].end);
    }
    gpumm__mem_free(d->memory, chunk);
}

void gpumm__operation_pool_close(operation_pool *p) {
    for (pair_chunk *chunk = p->pair_chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free_pairs(p->device, chunk);
    }
    for (operation_chunk *chunk = p->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        gpumm__mem_free(p->device->memory, chunk);
    }
}
