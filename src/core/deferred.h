/* SPDX-License-Identifier: MIT */
/* Deferred work: something to do once the events of all present users of some memory are reached. The list is polled,
   by the worker or by whoever waits, so that no driver callback is needed and a busy worker holds nobody up. The
   events come from a cache, for making one costs more than recording it. */
#ifndef CORE_DEFERRED_H
#define CORE_DEFERRED_H

#include "base/thread.h"
#include "device/device.h"

enum { DEFERRED_EVENTS = 8, DEFERRED_EVENTS_KEPT = 64 }; /* as many users as an order has, and more */

typedef struct deferred {
    struct deferred *next;
    device_event *events[DEFERRED_EVENTS];
    unsigned count;
    void (*run)(struct deferred *self); /* on any thread; owns self */
} deferred;

typedef struct deferred_queue {
    device *device;
    worker *worker; /* nudged when something is listed */
    pthread_mutex_t lock;
    deferred *first;
    size_t pending;                             /* listed or being run */
    device_event *events[DEFERRED_EVENTS_KEPT]; /* unused ones */
    size_t event_count;
} deferred_queue;

void gpumm__deferred_open(deferred_queue *q, device *d, worker *w);
void gpumm__deferred_close(deferred_queue *q); /* nothing is pending any more; a zeroed queue is fine */

/* An event to record and hand back; its record may be an older one's until then. */
gpumm_status gpumm__deferred_event_take(deferred_queue *q, device_event **out);
void gpumm__deferred_event_give(deferred_queue *q, device_event *e);

/* For one that is never started: have its events come? They go back. */
bool gpumm__deferred_reached(deferred_queue *q, const deferred *d);
void gpumm__deferred_events_give(deferred_queue *q, const deferred *d);

/* Runs it behind its events, in the background; at once where it has none. */
void gpumm__deferred_start(deferred_queue *q, deferred *d);
/* The same, and never at once: for what may itself wait for work that has nothing to do with it. */
void gpumm__deferred_list(deferred_queue *q, deferred *d);
/* Runs what need not wait any more. True: something still waits. The worker's tick. */
bool gpumm__deferred_poll(void *queue);
void gpumm__deferred_wait(deferred_queue *q); /* until nothing is pending */

#endif
