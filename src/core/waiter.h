/* SPDX-License-Identifier: MIT */
/* The waiter: one thread a manager, which blocks on the oldest event that
   somebody waits for and wakes who waits. Whoever is woken asks the device again: the waiter only says when to look.
   It is woken itself by the device, also by an error or a loss; no host functions on streams are needed, which a
   driver does not call after an error. */
#ifndef CORE_WAITER_H
#define CORE_WAITER_H

#include "base/thread.h"
#include "device/device.h"

/* Somebody who waits; on his own stack. */
typedef struct wait_entry {
    struct wait_entry *next, *previous;
    device_event *event; /* NULL: it was closed */
    bool woken;
} wait_entry;

typedef struct waiter {
    device *device;
    pthread_mutex_t lock;
    pthread_cond_t work;    /* for the thread: there is an event to block on */
    pthread_cond_t arrived; /* for those who wait */
    pthread_t thread;
    bool shut, stopping;
    wait_entry *first, *last; /* who sleeps, the oldest first */
    device_event *blocked_on; /* by the thread; NULL: none */
    bool close_blocked;       /* its owner closed it meanwhile: the thread does, once it is back */
} waiter;

gpumm_status gpumm__waiter_open(waiter *w, device *d);
void gpumm__waiter_close(waiter *w); /* nobody waits any more, all work is done; a zeroed waiter is fine */

/* Joins those who wait; NULL: for nothing of the device's. From then on the event may be closed by
   waiter_close_event. */
void gpumm__waiter_join(waiter *w, wait_entry *x, device_event *e);
/* Sleeps until there may be something new about the event, until `deadline` (gpumm__clock_ns), or until the waiter is
   shut; then leaves. Returns early now and then; the caller asks the device. */
void gpumm__waiter_sleep(waiter *w, wait_entry *x, uint64_t deadline);
void gpumm__waiter_shut(waiter *w); /* wakes all; from now on nobody sleeps */
/* Wakes all: what they wait for may have come another way, as a cancelled ticket or a free slot. */
void gpumm__waiter_wake(waiter *w);
/* Closes an event that somebody may be waiting for. */
void gpumm__waiter_close_event(waiter *w, device_event *e);

#endif
