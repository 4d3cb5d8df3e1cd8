/* SPDX-License-Identifier: MIT */
/* Arrival: one thread a manager, begun with the first alert that is set, which looks after what is on its way for somebody
   who does not call: an application that sleeps in a poll loop of its own. A look is short and asks the device; between
   looks the thread pauses a quarter of the time that has passed, so that what takes long costs few looks and is seen at
   most a quarter late. */
#ifndef CORE_ARRIVAL_H
#define CORE_ARRIVAL_H

#include "base/thread.h"

typedef struct alert {
    struct alert *next;               /* those that are set */
    bool (*look)(struct alert *self); /* no lock held; true: it is to look again */
    void (*over)(struct alert *self); /* it looks no more until it is set anew; no lock held */
    bool set, news;                   /* news: set again while it looked */
} alert;

typedef struct arrivals {
    bool open; /* the parts below but the thread */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stopping;
    alert *first;
    uint64_t since; /* the last alert was set, in gpumm__clock_ns */
} arrivals;

gpumm_status gpumm__arrivals_open(arrivals *a);
/* Begins the thread, where it does not run yet. */
gpumm_status gpumm__arrivals_start(arrivals *a);
/* Has the alert look from now on. True: it did not before, and `over` will be called. The thread runs. */
bool gpumm__arrivals_set(arrivals *a, alert *x);
void gpumm__arrivals_close(arrivals *a); /* ends every alert; a zeroed one is fine */

#endif
