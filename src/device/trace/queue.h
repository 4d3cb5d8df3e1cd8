/* SPDX-License-Identifier: MIT */
/* What is enqueued, on its way to who writes the trace: records of a few lines of cache in a ring of memory. One puts
   at a time (that is the submit lock's), another one takes; neither waits for the other, and nothing is allocated. What
   is put within an operation that holds it is seen together with that, once it has ended. */
#ifndef DEVICE_TRACE_QUEUE_H
#define DEVICE_TRACE_QUEUE_H

#include "device/trace/operation.h"

enum { QUEUE_BYTES = 1 << 19, QUEUE_UNDER_WAY = 8192 };

/* Behind it: the fields, the name and the label. */
typedef struct queued {
    uint16_t bytes; /* of all */
    unsigned char name, label,
        fields; /* bytes of the texts with their ends, label 0: there is none; number of fields */
    bool filler, nested, holds, dropped;
    uint16_t kind;
    struct track *track;
    uint64_t ticks;     /* when: ticks.h */
    event_pair *events; /* NULL: its times are estimated */
    operation_list *list;
} queued;

typedef struct queued_words {
    const char *name, *label; /* label NULL: none */
    const operation_field *fields;
    size_t count;
} queued_words;

typedef struct queue {
    const gpumm_allocator *memory;
    char *bytes;
    char apart[64];
    uint64_t next, count;           /* where the next record goes, how many there were: of who puts */
    uint64_t taken_seen, done_seen; /* the other's, as they were looked at last */
    unsigned open;                  /* holders */
    _Atomic uint64_t head, put;     /* what is there to be taken ends there; `count`, for others */
    char apart_too[64];
    _Atomic uint64_t taken, done; /* up to where; operations that are no longer under way */
    char apart_again[64];
    uint64_t
        from; /* of who takes: where the oldest is; said in `taken` now and then, as its line is the other core's */
} queue;

gpumm_status gpumm__queue_open(queue *q, const gpumm_allocator *memory);
void gpumm__queue_close(queue *q); /* a zeroed one, too */

/* NULL: there is no room, or too much is under way. What the words do not say is the caller's to set. */
queued *gpumm__queue_put(queue *q, const queued_words *w, bool holds);
void gpumm__queue_end(queue *q, queued *r, bool dropped); /* it is complete, or did not come to be */

bool gpumm__queue_seems_half(queue *q); /* full, or more */

/* By anybody, as it is about now. */
bool gpumm__queue_is_half(const queue *q);
bool gpumm__queue_is_full(const queue *q); /* nearly */

/* By who takes, who goes on until there is none, which is NULL: the oldest; then the next one, with which that goes. */
const queued *gpumm__queue_first(queue *q);
const queued *gpumm__queue_next(queue *q, const queued *r);
void gpumm__queue_done(queue *q, uint64_t count);       /* so many are no longer under way */
void gpumm__queued_read(const queued *r, operation *o); /* all but its time, events and kind */

#endif
