/* SPDX-License-Identifier: MIT */
/* What the server's thread and the script's share, under one lock that nobody holds for long. */
#ifndef MODULES_LIVE_SHARED_H
#define MODULES_LIVE_SHARED_H

#include <pthread.h>

#include "gpumm_lua.h"
#include "modules/live/blob.h"
#include "modules/live/counts.h"
#include "modules/live/queue.h"

/* The newest of a kind, and which one it is. */
typedef struct live_newest {
    live_blob *blob;
    uint64_t serial;
} live_newest;

typedef struct live_shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gpumm_allocator allocator;
    live_blob **published; /* in order */
    size_t published_count, published_room;
    uint64_t generation; /* of the list */
    live_newest state, frame;
    live_blob *small; /* the newest frame in u16, once somebody wants it; the server's thread's own */
    live_queue queue;
    live_counts counts;
    bool wanted;
    gpumm_readback *next; /* to be attached */
    unsigned dimensions;
    bool attaching, stopping;
    bool leaving; /* viewers that have everything are let go */
} live_shared;

/* What a viewer was sent so far. */
typedef struct live_seen {
    uint64_t generation, state, frame;
    size_t published;
    bool small; /* it wants u16 */
} live_seen;

gpumm_status gpumm_live__shared_open(live_shared *shared, gpumm_allocator allocator);
void gpumm_live__shared_close(live_shared *shared);
/* The next message for a viewer, held for the caller; NULL: it has everything, and wants a frame. */
live_blob *gpumm_live__shared_next(live_shared *shared, live_seen *seen);
gpumm_status gpumm_live__shared_publish(live_shared *shared, live_blob *blob); /* takes the handle */
void gpumm_live__shared_forget(live_shared *shared);
void gpumm_live__shared_replace(live_shared *shared, live_newest *newest, live_blob *blob); /* takes the handle */
void gpumm_live__shared_event(live_shared *shared, const live_event *event);
void gpumm_live__shared_wait(live_shared *shared, double seconds);
void gpumm_live__shared_wait_empty(live_shared *shared, double seconds); /* until there is no viewer */

#endif
