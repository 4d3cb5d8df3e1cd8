/* SPDX-License-Identifier: MIT */
/* A ring with two positions that only grow. A record never lies around the end: what is left there is filled. */
#include "device/trace/queue.h"

#include <stddef.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"

enum {
    RECORD_MOST = 512,
    AHEAD = 256 /* bytes that come from the other's core meanwhile */
};

_Static_assert(sizeof(queued) + OPERATION_FIELDS * sizeof(operation_field) + OPERATION_NAME + OPERATION_LABEL + 8 <=
                   RECORD_MOST,
               "every record has room");
_Static_assert(sizeof(queued) % 8 == 0 && QUEUE_BYTES % 8 == 0, "records are aligned");

gpumm_status gpumm__queue_open(queue *q, const gpumm_allocator *memory) {
    *q = (queue){.memory = memory, .bytes = gpumm__mem_new(memory, QUEUE_BYTES)};
    return q->bytes ? GPUMM_OK : fail_host_memory(QUEUE_BYTES);
}

void gpumm__queue_close(queue *q) {
    if (q->memory) gpumm__mem_free(q->memory, q->bytes);
}

static uint64_t peek(const _Atomic uint64_t *at) { return atomic_load_explicit(at, memory_order_relaxed); }

static queued *at(const queue *q, uint64_t position) { return (queued *)(void *)(q->bytes + position % QUEUE_BYTES); }

/* ---- Putting ------------------------------------------------------------------------------------------------- */

/* The other's positions are looked at only where the last look is not enough: their line is the other core's. */
static bool has_room(queue *q) {
    if (q->next + 2 * RECORD_MOST - q->taken_seen > QUEUE_BYTES)
        q->taken_seen = atomic_load_explicit(&q->taken, memory_order_acquire);
    if (q->count - q->done_seen >= QUEUE_UNDER_WAY) q->done_seen = peek(&q->done);
    return q->next + 2 * RECORD_MOST - q->taken_seen <= QUEUE_BYTES && q->count - q->done_seen < QUEUE_UNDER_WAY;
}

bool gpumm__queue_seems_half(queue *q) {
    if (q->next - q->taken_seen <= QUEUE_BYTES / 2 && q->count - q->done_seen <= QUEUE_UNDER_WAY / 2) return false;
    q->taken_seen = atomic_load_explicit(&q->taken, memory_order_acquire);
    q->done_seen = peek(&q->done);
    return q->next - q->taken_seen > QUEUE_BYTES / 2 || q->count - q->done_seen > QUEUE_UNDER_WAY / 2;
}

static void skip_the_end(queue *q) {
    size_t left = QUEUE_BYTES - q->next % QUEUE_BYTES;
    if (left >= RECORD_MOST) return;
    queued *r = at(q, q->next);
    r->bytes = (uint16_t)left;
    r->filler = true;
    q->next += left;
}

/* Returns its bytes, with its end. */
static unsigned char add_text(char *to, const char *text, size_t most) {
    size_t length = strnlen(text, most - 1);
    memcpy(to, text, length);
    to[length] = '\0';
    return (unsigned char)(length + 1);
}

static void add_words(queued *r, const queued_words *w) {
    operation_field *fields = (operation_field *)(void *)(r + 1);
    r->fields = (unsigned char)size_min(w->count, OPERATION_FIELDS);
    for (size_t i = 0; i < r->fields; i++) fields[i] = w->fields[i];
    char *text = (char *)(fields + r->fields);
    r->name = add_text(text, w->name, OPERATION_NAME);
    r->label = w->label ? add_text(text + r->name, w->label, OPERATION_LABEL) : 0;
    size_t bytes = (size_t)(text - (char *)r) + r->name + r->label;
    r->bytes = (uint16_t)((bytes + 7) / 8 * 8);
}

queued *gpumm__queue_put(queue *q, const queued_words *w, bool holds) {
    if (!has_room(q)) return NULL;
    skip_the_end(q);
    queued *r = at(q, q->next);
    __builtin_prefetch((char *)at(q, q->next + AHEAD), 1);
    r->filler = false;
    r->holds = holds;
    r->list = NULL;
    add_words(r, w);
    q->next += r->bytes;
    q->count++;
    if (holds) q->open++;
    return r;
}

static void publish(queue *q) {
    if (q->open) return;
    atomic_store_explicit(&q->put, q->count, memory_order_relaxed);
    atomic_store_explicit(&q->head, q->next, memory_order_release);
}

void gpumm__queue_end(queue *q, queued *r, bool dropped) {
    r->dropped = dropped;
    if (r->holds) q->open--;
    publish(q);
}

/* ---- Looking ------------------------------------------------------------------------------------------------- */

static bool holds_more(const queue *q, uint64_t bytes, uint64_t count) {
    return peek(&q->head) - peek(&q->taken) > bytes || peek(&q->put) - peek(&q->done) > count;
}

bool gpumm__queue_is_half(const queue *q) { return holds_more(q, QUEUE_BYTES / 2, QUEUE_UNDER_WAY / 2); }

bool gpumm__queue_is_full(const queue *q) { return holds_more(q, QUEUE_BYTES / 8 * 7, QUEUE_UNDER_WAY / 32 * 31); }

/* ---- Taking -------------------------------------------------------------------------------------------------- */

static void say_taken(queue *q) { atomic_store_explicit(&q->taken, q->from, memory_order_release); }

const queued *gpumm__queue_first(queue *q) {
    uint64_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    if (q->from != head && at(q, q->from)->filler) q->from += at(q, q->from)->bytes;
    if (q->from != head) return at(q, q->from);
    say_taken(q);
    return NULL;
}

const queued *gpumm__queue_next(queue *q, const queued *r) {
    q->from += r->bytes;
    if (q->from - peek(&q->taken) >= QUEUE_BYTES / 16) say_taken(q);
    return gpumm__queue_first(q);
}

void gpumm__queue_done(queue *q, uint64_t count) {
    atomic_store_explicit(&q->done, peek(&q->done) + count, memory_order_relaxed);
}

void gpumm__queued_read(const queued *r, operation *o) {
    const operation_field *fields = (const operation_field *)(const void *)(r + 1);
    const char *text = (const char *)(fields + r->fields);
    o->dropped = r->dropped;
    o->nested = r->nested;
    o->holds = r->holds;
    o->list = r->list;
    for (size_t i = 0; i < r->fields; i++) gpumm__operation_say(o, fields[i].key, fields[i].number);
    gpumm__operation_name(o, text);
    if (r->label) gpumm__operation_label(o, text + r->name);
}
