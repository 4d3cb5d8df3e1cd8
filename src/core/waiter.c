/* SPDX-License-Identifier: MIT */
/* A list of sleepers and the thread that blocks for the first of them. Only the first is woken as soon as its event
   is reached; the others, whose events may lie on other streams and come first, look by themselves now and then. */
#include "core/waiter.h"

#include "base/status.h"

enum { LOOK_NS = 100000 }; /* how often those look whom the thread is not blocked for */

static void append(waiter *w, wait_entry *x) {
    x->previous = w->last;
    if (w->last) w->last->next = x;
    else w->first = x;
    w->last = x;
}

static void take_out(waiter *w, wait_entry *x) {
    if (x->previous) x->previous->next = x->next;
    else w->first = x->next;
    if (x->next) x->next->previous = x->previous;
    else w->last = x->previous;
}

/* NULL: all. Lock held. */
static void wake(waiter *w, const device_event *e, bool closed) {
    for (wait_entry *x = w->first; x; x = x->next) {
        if (e && x->event != e) continue;
        x->woken = true;
        if (closed) x->event = NULL;
    }
    pthread_cond_broadcast(&w->arrived);
}

/* ---- The thread ------------------------------------------------------------------------------------------ */

static device_event *next_event(const waiter *w) {
    for (const wait_entry *x = w->first; x; x = x->next)
        if (x->event && !x->woken) return x->event;
    return NULL;
}

/* Lock held, and again on return. */
static void block_on(waiter *w, device_event *e) {
    device *d = w->device;
    w->blocked_on = e;
    pthread_mutex_unlock(&w->lock);
    gpumm_status status = d->call->event_synchronize(d, e);
    pthread_mutex_lock(&w->lock);
    bool close = w->close_blocked;
    w->blocked_on = NULL;
    w->close_blocked = false;
    if (close) {
        pthread_mutex_unlock(&w->lock);
        d->call->event_close(d, e);
        pthread_mutex_lock(&w->lock);
    } else wake(w, e, false);
    /* Whoever asks for the event gets the error too; where only blocking fails, it is asked for at intervals. */
    if (status != GPUMM_OK) gpumm__cond_wait_until(&w->work, &w->lock, gpumm__clock_ns() + LOOK_NS);
}

static void *waiter_main(void *argument) {
    waiter *w = argument;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        device_event *e = next_event(w);
        if (e) block_on(w, e);
        else pthread_cond_wait(&w->work, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- Waiting --------------------------------------------------------------------------------------------- */

static gpumm_status open_parts(waiter *w) {
    TRY(gpumm__cond_open(&w->work));
    gpumm_status status = gpumm__cond_open(&w->arrived);
    if (status != GPUMM_OK) {
        pthread_cond_destroy(&w->work);
        return status;
    }
    pthread_mutex_init(&w->lock, NULL);
    return GPUMM_OK;
}

static void close_parts(waiter *w) {
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->arrived);
    pthread_mutex_destroy(&w->lock);
    w->device = NULL;
}

gpumm_status gpumm__waiter_open(waiter *w, device *d) {
    *w = (waiter){.device = d};
    gpumm_status status = open_parts(w);
    if (status != GPUMM_OK) return w->device = NULL, status;
    status = gpumm__thread_start(&w->thread, waiter_main, w);
    if (status != GPUMM_OK) close_parts(w);
    return status;
}

void gpumm__waiter_close(waiter *w) {
    if (!w->device) return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    close_parts(w);
}

static uint64_t wake_at(const waiter *w, const wait_entry *x, uint64_t deadline) {
    bool served = !x->event || w->blocked_on == x->event || (!w->blocked_on && w->first == x);
    uint64_t look = gpumm__clock_ns() + LOOK_NS;
    return served || look > deadline ? deadline : look;
}

void gpumm__waiter_join(waiter *w, wait_entry *x, device_event *e) {
    *x = (wait_entry){.event = e};
    pthread_mutex_lock(&w->lock);
    x->woken = w->shut;
    append(w, x);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void gpumm__waiter_sleep(waiter *w, wait_entry *x, uint64_t deadline) {
    pthread_mutex_lock(&w->lock);
    while (!x->woken && gpumm__cond_wait_until(&w->arrived, &w->lock, wake_at(w, x, deadline))) {}
    take_out(w, x);
    pthread_mutex_unlock(&w->lock);
}

void gpumm__waiter_shut(waiter *w) {
    pthread_mutex_lock(&w->lock);
    w->shut = true;
    wake(w, NULL, false);
    pthread_mutex_unlock(&w->lock);
}

void gpumm__waiter_wake(waiter *w) {
    pthread_mutex_lock(&w->lock);
    wake(w, NULL, false);
    pthread_mutex_unlock(&w->lock);
}

void gpumm__waiter_close_event(waiter *w, device_event *e) {
    pthread_mutex_lock(&w->lock);
    wake(w, e, true);
    bool blocked = w->blocked_on == e;
    if (blocked) w->close_blocked = true;
    pthread_mutex_unlock(&w->lock);
    if (!blocked) w->device->call->event_close(w->device, e);
}
