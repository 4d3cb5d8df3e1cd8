/* SPDX-License-Identifier: MIT */
/* A list that whoever polls takes whole, runs from, and puts back what must wait. */
#include "core/deferred.h"

/* ---- Events --------------------------------------------------------------------------------------------- */

gpumm_status gpumm__deferred_event_take(deferred_queue *q, device_event **out) {
    pthread_mutex_lock(&q->lock);
    device_event *e = q->event_count ? q->events[--q->event_count] : NULL;
    pthread_mutex_unlock(&q->lock);
    if (!e) return q->device->call->event_open(q->device, EVENT_ORDERS, out);
    *out = e;
    return GPUMM_OK;
}

void gpumm__deferred_event_give(deferred_queue *q, device_event *e) {
    pthread_mutex_lock(&q->lock);
    bool kept = q->event_count < DEFERRED_EVENTS_KEPT;
    if (kept) q->events[q->event_count++] = e;
    pthread_mutex_unlock(&q->lock);
    if (!kept) q->device->call->event_close(q->device, e);
}

/* ---- The queue ------------------------------------------------------------------------------------------- */

void gpumm__deferred_open(deferred_queue *q, device *d, worker *w) {
    *q = (deferred_queue){.device = d, .worker = w};
    pthread_mutex_init(&q->lock, NULL);
}

void gpumm__deferred_close(deferred_queue *q) {
    if (!q->device) return;
    while (q->event_count) q->device->call->event_close(q->device, q->events[--q->event_count]);
    pthread_mutex_destroy(&q->lock);
    q->device = NULL;
}

static void put(deferred_queue *q, deferred *d, size_t more) {
    pthread_mutex_lock(&q->lock);
    d->next = q->first;
    q->first = d;
    q->pending += more;
    pthread_mutex_unlock(&q->lock);
}

void gpumm__deferred_list(deferred_queue *q, deferred *d) {
    put(q, d, 1);
    gpumm__worker_nudge(q->worker);
}

void gpumm__deferred_start(deferred_queue *q, deferred *d) {
    if (d->count) gpumm__deferred_list(q, d);
    else d->run(d);
}

/* A query that fails twice counts as reached: the device is lost, and nothing runs on it any more. */
static bool is_reached(device *d, device_event *e) {
    bool done = false;
    if (d->call->event_query(d, e, &done) == GPUMM_OK) return done;
    return d->call->event_query(d, e, &done) != GPUMM_OK || done;
}

bool gpumm__deferred_reached(deferred_queue *q, const deferred *d) {
    for (unsigned i = 0; i < d->count; i++)
        if (!is_reached(q->device, d->events[i])) return false;
    return true;
}

void gpumm__deferred_events_give(deferred_queue *q, const deferred *d) {
    for (unsigned i = 0; i < d->count; i++) gpumm__deferred_event_give(q, d->events[i]);
}

static void run(deferred_queue *q, deferred *d) {
    gpumm__deferred_events_give(q, d);
    d->run(d);
    pthread_mutex_lock(&q->lock);
    q->pending--;
    pthread_mutex_unlock(&q->lock);
}

static deferred *take_all(deferred_queue *q) {
    pthread_mutex_lock(&q->lock);
    deferred *all = q->first;
    q->first = NULL;
    pthread_mutex_unlock(&q->lock);
    return all;
}

bool gpumm__deferred_poll(void *queue) {
    deferred_queue *q = queue;
    deferred *next;
    for (deferred *d = take_all(q); d; d = next) {
        next = d->next;
        if (gpumm__deferred_reached(q, d)) run(q, d);
        else put(q, d, 0);
    }
    pthread_mutex_lock(&q->lock);
    bool waiting = q->pending > 0;
    pthread_mutex_unlock(&q->lock);
    return waiting;
}

void gpumm__deferred_wait(deferred_queue *q) {
    while (gpumm__deferred_poll(q)) gpumm__clock_sleep_ns(20000);
}
