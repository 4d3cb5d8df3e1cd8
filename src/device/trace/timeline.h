/* SPDX-License-Identifier: MIT */
/* Operations on their way through a device's streams, for a trace. Each stream is a track; an operation may hold those
   that are enqueued while it is open. As many stand between two events as cost next to nothing, or all of them where
   the trace wants that. Who enqueues puts a record into a queue, and no more; the trace's thread reads it. */
#ifndef DEVICE_TRACE_TIMELINE_H
#define DEVICE_TRACE_TIMELINE_H

#include "device/trace/track.h"

/* On a device with a clock of its own: what a stream stands still for a pair of events, around a graph too. */
enum { TIMELINE_PAIR_NS = 16000 };

typedef struct timeline {
    device *device; /* below the trace */
    gpumm_trace *trace;
    uint64_t process;
    queue queue;
    event_pairs pairs;
    operation_kinds kinds;
    _Atomic uint64_t least_ns; /* what a pair of events costs at least */
    _Atomic uint64_t pair_ns;  /* what the host takes to record one */
    atomic_bool short_of_room; /* seen where something was enqueued, which can do nothing about it */
    atomic_bool nudged;        /* the trace's thread was told to gather, and has not yet */
    pthread_mutex_t reading;   /* one reads at a time; the rest */
    track_reader reader;
    track *tracks;
    unsigned track_count; /* ever */
} timeline;

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process);
void gpumm__timeline_close(timeline *l); /* every track is closed */
/* Without locks, before more is enqueued: room for what comes. */
void gpumm__timeline_prepare(timeline *l);

gpumm_status gpumm__timeline_stream(timeline *l, device_stream *s); /* a track for it, which is idle */
/* Nothing is enqueued any more. `through`: all that was is done. */
void gpumm__timeline_stream_gone(timeline *l, device_stream *s, bool through);
void gpumm__timeline_collect(timeline *l); /* writes what has come */

/* Around what is enqueued, by one at a time; NULL: it is not traced. `holds`: what is enqueued before its end lies in
   it. The size that decides how long it takes is the last field. */
queued *gpumm__timeline_begin(timeline *l, device_stream *s, const queued_words *words, bool holds);
void gpumm__timeline_end(timeline *l, device_stream *s, queued *o, gpumm_status status);
queued *gpumm__timeline_holder(device_stream *s); /* that is open; NULL: none */

#endif
