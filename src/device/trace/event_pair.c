/* SPDX-License-Identifier: MIT */
/* A list of who takes, and one that the others push to, which is taken over as a whole. */
#include "device/trace/event_pair.h"

#include "base/status.h"

enum { PAIRS = 128, PAIRS_LOW = 64, PAIRS_MOST = 8192 };

typedef struct event_pair_chunk {
    struct event_pair_chunk *next;
    size_t count;
    event_pair pairs[PAIRS];
} event_pair_chunk;

static gpumm_status open_pair(device *d, event_pair *pair) {
    TRY(d->call->event_open(d, EVENT_TIMED, &pair->begin));
    gpumm_status status = d->call->event_open(d, EVENT_TIMED, &pair->end);
    if (status != GPUMM_OK) d->call->event_close(d, pair->begin);
    return status;
}

static unsigned peek(const atomic_uint *count) { return atomic_load_explicit(count, memory_order_relaxed); }

bool gpumm__event_pairs_are_few(const event_pairs *p) {
    return peek(&p->idle_count) < PAIRS_LOW && peek(&p->total) < PAIRS_MOST;
}

static void keep_chunk(event_pairs *p, event_pair_chunk *chunk) {
    chunk->next = atomic_load(&p->chunks);
    while (!atomic_compare_exchange_weak(&p->chunks, &chunk->next, chunk)) continue;
    atomic_fetch_add(&p->total, (unsigned)chunk->count);
    for (size_t i = 0; i < chunk->count; i++) gpumm__event_pair_give(p, &chunk->pairs[i]);
}

gpumm_status gpumm__event_pairs_grow(event_pairs *p) {
    event_pair_chunk *chunk = gpumm__mem_new(p->device->memory, sizeof *chunk);
    if (!chunk) return fail_host_memory(sizeof *chunk);
    gpumm_status status = GPUMM_OK;
    while (status == GPUMM_OK && chunk->count < PAIRS) {
        status = open_pair(p->device, &chunk->pairs[chunk->count]);
        if (status == GPUMM_OK) chunk->count++;
    }
    keep_chunk(p, chunk);
    return status;
}

event_pair *gpumm__event_pair_take(event_pairs *p) {
    if (!p->idle) p->idle = atomic_exchange_explicit(&p->back, NULL, memory_order_acquire);
    event_pair *pair = p->idle;
    if (!pair) return NULL;
    p->idle = pair->next;
    atomic_fetch_sub_explicit(&p->idle_count, 1, memory_order_relaxed);
    return pair;
}

void gpumm__event_pair_give(event_pairs *p, event_pair *pair) {
    pair->next = atomic_load_explicit(&p->back, memory_order_relaxed);
    while (
        !atomic_compare_exchange_weak_explicit(&p->back, &pair->next, pair, memory_order_release, memory_order_relaxed))
        continue;
    atomic_fetch_add_explicit(&p->idle_count, 1, memory_order_relaxed);
}

void gpumm__event_pairs_close(event_pairs *p) {
    for (event_pair_chunk *chunk = atomic_load(&p->chunks), *next; chunk; chunk = next) {
        next = chunk->next;
        for (size_t i = 0; i < chunk->count; i++) {
            p->device->call->event_close(p->device, chunk->pairs[i].begin);
            p->device->call->event_close(p->device, chunk->pairs[i].end);
        }
        gpumm__mem_free(p->device->memory, chunk);
    }
}
