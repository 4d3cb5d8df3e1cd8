/* SPDX-License-Identifier: MIT */
/* A door in a stream: queued as a host function, it holds the stream until it is opened, so that tests of
   what is asynchronous wait for things to happen instead of sleeping and hoping. */
#ifndef DOOR_H
#define DOOR_H

#include "base/thread.h"
#include "check.h"
#include "device/device.h"

typedef struct door {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool reached, open;
} door;

#define DOOR_SHUT \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false }

static inline void door_pass(void *user) {
    door *d = user;
    pthread_mutex_lock(&d->mutex);
    d->reached = true;
    pthread_cond_broadcast(&d->moved);
    while (!d->open) pthread_cond_wait(&d->moved, &d->mutex);
    pthread_mutex_unlock(&d->mutex);
}

static inline void door_queue(device *d, device_stream *s, door *into) {
    CHECK_OK(d->call->call(d, s, door_pass, into));
}

/* Until the stream stands before it. */
static inline void door_await(door *d) {
    pthread_mutex_lock(&d->mutex);
    while (!d->reached) pthread_cond_wait(&d->moved, &d->mutex);
    pthread_mutex_unlock(&d->mutex);
}

static inline void door_open(door *d) {
    pthread_mutex_lock(&d->mutex);
    d->open = true;
    pthread_cond_broadcast(&d->moved);
    pthread_mutex_unlock(&d->mutex);
}

#endif
