/* SPDX-License-Identifier: MIT */
/* Pairs of timed events. One at a time takes some, any thread gives them back: none waits for another. */
#ifndef DEVICE_TRACE_EVENT_PAIR_H
#define DEVICE_TRACE_EVENT_PAIR_H

#include <stdatomic.h>

#include "device/device.h"

typedef struct event_pair {
    struct event_pair *next;
    device_event *begin, *end;
} event_pair;

typedef struct event_pairs {
    device *device;
    event_pair *idle;              /* of who takes */
    _Atomic(event_pair *) back;    /* what was given back since */
    atomic_uint idle_count, total; /* also read by who does not take */
    _Atomic(struct event_pair_chunk *) chunks;
} event_pairs;

bool gpumm__event_pairs_are_few(const event_pairs *p); /* and may become more */
gpumm_status gpumm__event_pairs_grow(event_pairs *p);  /* not where something is enqueued: it takes memory */
event_pair *gpumm__event_pair_take(event_pairs *p);    /* NULL: there is none */
void gpumm__event_pair_give(event_pairs *p, event_pair *pair);
void gpumm__event_pairs_close(event_pairs *p);

#endif
