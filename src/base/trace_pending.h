/* SPDX-License-Identifier: MIT */
/* Events as they were told, until a thread that has time makes lines of them: who tells one copies a hundred bytes. */
#ifndef BASE_TRACE_PENDING_H
#define BASE_TRACE_PENDING_H

#include <pthread.h>

#include "base/alloc.h"

/* What an event says of itself, under a key: a text, or where that is NULL a number, or `true`. */
typedef struct trace_field {
    const char *key, *text; /* the key outlives the trace */
    int64_t number;
    bool truth;
} trace_field;

typedef enum trace_phase { TRACE_SLICE, TRACE_INSTANT, TRACE_COUNTER } trace_phase;

typedef struct trace_event {
    trace_phase phase;
    bool patient;             /* it is worth waiting for the disk: never under a lock that is held for short */
    uint64_t process, thread; /* its track; 0: of this process, of this thread */
    const char *name;
    uint64_t begin, end; /* gpumm__clock_ns; of an instant or a counter only `begin` */
    const trace_field *fields;
    size_t count;
} trace_event;

enum { TRACE_PENDING_FIELDS = 8 };

typedef struct trace_pending {
    const gpumm_allocator *memory;
    pthread_mutex_t lock; /* the rest */
    char *front, *back;   /* the one is filled while the other is read */
    size_t room, used;    /* bytes of each */
} trace_pending;

typedef enum trace_room { TRACE_ADDED, TRACE_HALF_FULL, TRACE_FULL } trace_room;

/* Room for so many bytes at least, in each of two halves. */
gpumm_status gpumm__trace_pending_open(trace_pending *p, const gpumm_allocator *memory, size_t bytes);
void gpumm__trace_pending_close(trace_pending *p); /* of a zeroed one nothing */
/* Its track is known by now. TRACE_FULL: it was not added; TRACE_HALF_FULL: by this one. */
trace_room gpumm__trace_pending_add(trace_pending *p, const trace_event *e);
/* All that there is, for one at a time, until the next call; its bytes. */
size_t gpumm__trace_pending_take(trace_pending *p, const char **records);
/* The event there; returns its bytes. */
size_t gpumm__trace_pending_read(const char *at, trace_event *e, trace_field fields[static TRACE_PENDING_FIELDS]);

#endif
