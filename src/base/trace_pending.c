/* SPDX-License-Identifier: MIT */
/* Two halves of memory, of records: the event, its fields, and behind those their texts and its name. */
#include "base/trace_pending.h"

#include <stddef.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "base/trace_line.h"

enum { PENDING_LEAST = 128 << 10, TEXT_MOST = TRACE_LINE }; /* a line has no room for more */

typedef struct pending_field {
    const char *key;
    int64_t number; /* of a text, its bytes with the end */
    enum { A_NUMBER, A_TEXT, A_TRUTH } is;
} pending_field;

typedef struct pending_event {
    uint32_t bytes; /* of all */
    uint16_t name;  /* bytes, with the end */
    uint8_t phase, count;
    uint64_t process, thread, begin, end;
} pending_event;

_Static_assert(sizeof(pending_event) % 8 == 0 && sizeof(pending_field) % 8 == 0, "records are aligned");
_Static_assert(sizeof(pending_event) + TRACE_PENDING_FIELDS * (sizeof(pending_field) + TEXT_MOST) + TEXT_MOST + 8 <=
                   PENDING_LEAST / 2,
               "every event has room");

gpumm_status gpumm__trace_pending_open(trace_pending *p, const gpumm_allocator *memory, size_t bytes) {
    *p = (trace_pending){.memory = memory, .room = size_max(bytes, PENDING_LEAST)};
    pthread_mutex_init(&p->lock, NULL);
    p->front = gpumm__mem_new(memory, p->room);
    p->back = gpumm__mem_new(memory, p->room);
    if (p->front && p->back) return GPUMM_OK;
    size_t room = p->room;
    gpumm__trace_pending_close(p);
    return fail_host_memory(2 * room);
}

void gpumm__trace_pending_close(trace_pending *p) {
    if (!p->memory) return;
    gpumm__mem_free(p->memory, p->front);
    gpumm__mem_free(p->memory, p->back);
    pthread_mutex_destroy(&p->lock);
    *p = (trace_pending){0};
}

/* ---- Adding -------------------------------------------------------------------------------------------------- */

static size_t text_bytes(const char *text) { return strnlen(text, TEXT_MOST - 1) + 1; }

static pending_field field_of(const trace_field *f) {
    if (f->truth) return (pending_field){f->key, 0, A_TRUTH};
    if (f->text) return (pending_field){f->key, (int64_t)text_bytes(f->text), A_TEXT};
    return (pending_field){f->key, f->number, A_NUMBER};
}

static char *add_text(char *to, const char *text, size_t bytes) {
    memcpy(to, text, bytes - 1);
    to[bytes - 1] = '\0';
    return to + bytes;
}

/* With the lengths of its texts, which are measured without the lock. */
static void write(char *to, const pending_event *head, const pending_field *fields, const trace_event *e) {
    memcpy(to, head, sizeof *head);
    memcpy(to + sizeof *head, fields, head->count * sizeof *fields);
    char *text = to + sizeof *head + head->count * sizeof *fields;
    for (size_t i = 0; i < head->count; i++)
        if (fields[i].is == A_TEXT) text = add_text(text, e->fields[i].text, (size_t)fields[i].number);
    add_text(text, e->name, head->name);
}

static pending_event head_of(const trace_event *e, pending_field fields[static TRACE_PENDING_FIELDS]) {
    pending_event head = {.name = (uint16_t)text_bytes(e->name),
                          .phase = (uint8_t)e->phase,
                          .count = (uint8_t)size_min(e->count, TRACE_PENDING_FIELDS),
                          .process = e->process,
                          .thread = e->thread,
                          .begin = e->begin,
                          .end = e->end};
    size_t bytes = sizeof head + head.count * sizeof *fields + head.name;
    for (size_t i = 0; i < head.count; i++) {
        fields[i] = field_of(&e->fields[i]);
        if (fields[i].is == A_TEXT) bytes += (size_t)fields[i].number;
    }
    head.bytes = (uint32_t)((bytes + 7) / 8 * 8);
    return head;
}

trace_room gpumm__trace_pending_add(trace_pending *p, const trace_event *e) {
    pending_field fields[TRACE_PENDING_FIELDS];
    pending_event head = head_of(e, fields);
    pthread_mutex_lock(&p->lock);
    bool fits = head.bytes <= p->room - p->used;
    if (fits) write(p->front + p->used, &head, fields, e);
    bool half = p->used < p->room / 2;
    if (fits) p->used += head.bytes;
    half = half && p->used >= p->room / 2;
    pthread_mutex_unlock(&p->lock);
    return !fits ? TRACE_FULL : half ? TRACE_HALF_FULL : TRACE_ADDED;
}

/* ---- Taking -------------------------------------------------------------------------------------------------- */

size_t gpumm__trace_pending_take(trace_pending *p, const char **records) {
    pthread_mutex_lock(&p->lock);
    char *full = p->front;
    size_t bytes = p->used;
    p->front = p->back;
    p->back = full;
    p->used = 0;
    pthread_mutex_unlock(&p->lock);
    *records = full;
    return bytes;
}

size_t gpumm__trace_pending_read(const char *at, trace_event *e, trace_field fields[static TRACE_PENDING_FIELDS]) {
    pending_event head;
    pending_field all[TRACE_PENDING_FIELDS];
    memcpy(&head, at, sizeof head);
    memcpy(all, at + sizeof head, head.count * sizeof *all);
    const char *text = at + sizeof head + head.count * sizeof *all;
    for (size_t i = 0; i < head.count; i++) {
        bool is_text = all[i].is == A_TEXT;
        fields[i] = (trace_field){all[i].key, is_text ? text : NULL, all[i].number, all[i].is == A_TRUTH};
        if (is_text) text += all[i].number;
    }
    *e = (trace_event){.phase = (trace_phase)head.phase,
                       .process = head.process,
                       .thread = head.thread,
                       .name = text,
                       .begin = head.begin,
                       .end = head.end,
                       .fields = fields,
                       .count = head.count};
    return head.bytes;
}
