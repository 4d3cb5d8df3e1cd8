/* SPDX-License-Identifier: MIT */
/* A stream's track in a trace: what was enqueued, in the order of the stream, until it has come and is written. Some
   stand between two events, which are read once they have come; the others lie between those, for as long as their like
   took. */
#ifndef DEVICE_TRACE_TRACK_H
#define DEVICE_TRACE_TRACK_H

#include "base/ticks.h"
#include "device/trace/device_clock.h"
#include "device/trace/lengths.h"
#include "device/trace/queue.h"

typedef struct track {
    struct track *next;
    device_stream *stream;
    uint64_t thread;
    /* Of who enqueues: */
    sampling sampling;
    uint64_t work;  /* nanoseconds, by what is known of its operations; at least 1 */
    queued *holder; /* that is open */
    /* Of who reads: */
    char apart[64];
    operation *unread, *unread_last; /* in stream order */
    uint64_t last_ns;                /* what is written does not overlap */
    uint64_t held_ns, holder_end;    /* nor does what is held */
} track;

/* Who reads, one at a time. */
typedef struct track_reader {
    device *device; /* below the trace */
    gpumm_trace *trace;
    uint64_t process;
    queue *queue;
    event_pairs *pairs;
    operation_kinds *kinds;
    operation_pool pool;
    device_clock clock;
    ticks_scale scale;
    lengths lengths;
    bool forgetting; /* what a holder without memory holds */
} track_reader;

/* Writes what has come. `through`: all that was enqueued is done. */
void gpumm__track_read(track_reader *r, track *t, bool through);
/* What has not come is not in the trace. */
void gpumm__track_lose(track_reader *r, track *t);

#endif
