/* SPDX-License-Identifier: MIT */
/* Events on their way to the script: bounded, the oldest first. The caller locks. */
#ifndef MODULES_LIVE_QUEUE_H
#define MODULES_LIVE_QUEUE_H

#include "modules/live/event.h"

enum { LIVE_QUEUE = 256 };

typedef struct live_queue {
    live_event events[LIVE_QUEUE];
    unsigned first, count;
} live_queue;

/* Where a viewer drags a node further, the newest place replaces the one before. False: it is full. */
bool gpumm_live__queue_put(live_queue *queue, const live_event *event);
bool gpumm_live__queue_take(live_queue *queue, live_event *out); /* false: it is empty */

#endif
