/* SPDX-License-Identifier: MIT */
/* Operations on their way through a device's streams, for a trace: each stands between two events, which are read once
   they have come. Each stream is a track; an operation may hold those that are enqueued while it is open. Where the device
   has a clock of its own, its times are laid on the host's: nothing begins before it was enqueued, nothing ends after it
   was seen to have ended. */
#ifndef DEVICE_TIMELINE_H
#define DEVICE_TIMELINE_H

#include "base/trace.h"
#include "device/device.h"

enum { OPERATION_NAME = 64, OPERATION_LABEL = 128, OPERATION_FIELDS = 4 };

/* What a graph does, as text; shared by its launches. */
typedef struct operation_list {
    atomic_uint references;
    const gpumm_allocator *memory;
    char text[];
} operation_list;

typedef struct operation {
    struct operation *next;
    atomic_int state;
    bool nested, holds; /* in another, or others in it */
    char name[OPERATION_NAME];
    char label[OPERATION_LABEL]; /* "": none */
    trace_field fields[OPERATION_FIELDS];
    size_t field_count;
    operation_list *list; /* NULL: none */
    device_event *begin, *end;
    uint64_t enqueued;
} operation;

typedef struct timeline {
    device *device; /* below the trace */
    gpumm_trace *trace;
    uint64_t process;
    pthread_mutex_t lock; /* the lists */
    operation *free;
    atomic_uint free_count; /* also read without the lock */
    struct operation_chunk *chunks;
    size_t total;
    struct track *tracks;
    unsigned track_count;    /* ever */
    pthread_mutex_t reading; /* one reads at a time; outside of `lock` */
    device_event *anchor;    /* the rest: came at `anchor_ns`; NULL: the device's clock is the host's */
    uint64_t anchor_ns;
} timeline;

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process);
void gpumm__timeline_close(timeline *l); /* every track is closed */
/* Without locks, before more is enqueued: events for what comes. */
void gpumm__timeline_prepare(timeline *l);

gpumm_status gpumm__timeline_stream(timeline *l, device_stream *s); /* a track for it, which is idle */
void gpumm__timeline_stream_gone(timeline *l, device_stream *s);    /* its work is through */
void gpumm__timeline_collect(timeline *l);                          /* writes what has come */

/* Around what is enqueued; NULL: it is not traced. `holds`: what is enqueued before its end lies in it. */
operation *gpumm__timeline_begin(timeline *l, device_stream *s, const char *name, bool holds);
void gpumm__timeline_end(timeline *l, device_stream *s, operation *o, gpumm_status status);
void gpumm__operation_say(operation *o, const char *key, uint64_t number);
operation *gpumm__timeline_holder(timeline *l, device_stream *s); /* that is open; NULL: none */
void gpumm__operation_list_drop(operation_list *list);            /* NULL is fine */

#endif
