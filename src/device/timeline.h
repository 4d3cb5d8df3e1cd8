/* SPDX-License-Identifier: MIT */
/* Operations on their way through a device's streams, for a trace. Each stream is a track; an operation may hold those that
   are enqueued while it is open. Some stand between two events, which are read once they have come: all of them where the
   trace wants that, else as many as cost next to nothing. The others lie between those, for as long as their like took. */
#ifndef DEVICE_TIMELINE_H
#define DEVICE_TIMELINE_H

#include "device/device_clock.h"
#include "device/lengths.h"

typedef struct timeline {
    device *device; /* below the trace */
    gpumm_trace *trace;
    uint64_t process;
    pthread_mutex_t lock; /* the lists */
    operation_pool pool;
    struct track *tracks;
    unsigned track_count;     /* ever */
    uint64_t least_ns;        /* what a pair of events costs at least */
    atomic_bool nudged;       /* the trace's thread was told to gather, and has not yet */
    _Atomic uint64_t pair_ns; /* what the host takes to record a pair of events */
    pthread_mutex_t reading;  /* one reads at a time; outside of `lock`; the rest */
    device_clock clock;
    lengths lengths;
} timeline;

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process);
void gpumm__timeline_close(timeline *l); /* every track is closed */
/* Without locks, before more is enqueued: room for what comes. */
void gpumm__timeline_prepare(timeline *l);

gpumm_status gpumm__timeline_stream(timeline *l, device_stream *s); /* a track for it, which is idle */
/* Nothing is enqueued any more. `through`: all that was is done. */
void gpumm__timeline_stream_gone(timeline *l, device_stream *s, bool through);
void gpumm__timeline_collect(timeline *l); /* writes what has come */

/* Around what is enqueued; NULL: it is not traced. `holds`: what is enqueued before its end lies in it. */
operation *gpumm__timeline_begin(timeline *l, device_stream *s, const char *name, bool holds);
void gpumm__timeline_end(timeline *l, device_stream *s, operation *o, gpumm_status status);
operation *gpumm__timeline_holder(timeline *l, device_stream *s); /* that is open; NULL: none */

#endif
