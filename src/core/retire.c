/* SPDX-License-Identifier: MIT */
/* A list of things to do, each behind the events of the streams that were using it. Polled, by the worker or
   by whoever waits, so that no driver callback is needed and a busy worker holds nobody up. */
#include "core/retire.h"

#include "core/manager.h"
#include "core/stream.h"

gpumm_status gpumm__manager_event_take(gpumm_manager *m, device_event **out) {
    pthread_mutex_lock(&m->background);
    device_event *e = m->event_count ? m->events[--m->event_count] : NULL;
    pthread_mutex_unlock(&m->background);
    if (!e) return m->device->call->event_open(m->device, false, out);
    *out = e;
    return GPUMM_OK;
}

void gpumm__manager_event_give(gpumm_manager *m, device_event *e) {
    pthread_mutex_lock(&m->background);
    bool kept = gpumm__mem_reserve(&m->memory, (void **)&m->events, sizeof *m->events, m->event_count, &m->event_room);
    if (kept) m->events[m->event_count++] = e;
    pthread_mutex_unlock(&m->background);
    if (!kept) m->device->call->event_close(m->device, e);
}

void gpumm__manager_events_close(gpumm_manager *m) {
    while (m->event_count) m->device->call->event_close(m->device, m->events[--m->event_count]);
    gpumm__mem_free(&m->memory, m->events);
    m->events = NULL;
}

/* Adds an event behind what is on `s` now, if anything is. Submit lock held. */
static gpumm_status retire_behind(gpumm_manager *m, retired *r, gpumm_stream *s) {
    bool idle = false;
    if (gpumm__stream_idle(s, &idle) == GPUMM_OK && idle) return GPUMM_OK;
    device_event *e;
    TRY(gpumm__manager_event_take(m, &e));
    gpumm_status status = m->device->call->event_record(m->device, e, s->device);
    if (status == GPUMM_OK) r->events[r->count++] = e;
    else gpumm__manager_event_give(m, e);
    return status;
}

/* Where no event is to be had, waiting for the stream does as well. */
static void retire_behind_or_wait(gpumm_manager *m, retired *r, gpumm_stream *s) {
    pthread_mutex_lock(&m->submit);
    if (retire_behind(m, r, s) != GPUMM_OK && s->device) m->device->call->stream_synchronize(m->device, s->device);
    pthread_mutex_unlock(&m->submit);
}

/* `r` waits for the users that `o` has. */
static void gather(gpumm_manager *m, retired *r, order *o, void (*run)(retired *)) {
    r->count = 0;
    r->run = run;
    if (o->writer) retire_behind_or_wait(m, r, o->writer);
    for (unsigned i = 0; i < o->readers; i++)
        if (o->reader[i] != o->writer) retire_behind_or_wait(m, r, o->reader[i]);
    gpumm__order_clear(o);
}

static void list(gpumm_manager *m, retired *r) {
    pthread_mutex_lock(&m->background);
    r->next = m->retired;
    m->retired = r;
    m->retiring++;
    pthread_mutex_unlock(&m->background);
    gpumm__worker_nudge(&m->worker);
}

void gpumm__manager_retire(gpumm_manager *m, retired *r, order *o, void (*run)(retired *)) {
    gather(m, r, o, run);
    if (r->count) list(m, r);
    else run(r);
}

void gpumm__manager_retire_later(gpumm_manager *m, retired *r, order *o, void (*run)(retired *)) {
    gather(m, r, o, run);
    list(m, r);
}

/* A query that fails twice counts as done: the device is lost, and nothing runs on it any more. */
static bool event_through(device *d, device_event *e) {
    bool done = false;
    if (d->call->event_query(d, e, &done) == GPUMM_OK) return done;
    return d->call->event_query(d, e, &done) != GPUMM_OK || done;
}

static bool is_through(gpumm_manager *m, const retired *r) {
    for (unsigned i = 0; i < r->count; i++)
        if (!event_through(m->device, r->events[i])) return false;
    return true;
}

/* Takes the whole list, and puts back what must wait. */
static retired *take_all(gpumm_manager *m) {
    pthread_mutex_lock(&m->background);
    retired *all = m->retired;
    m->retired = NULL;
    pthread_mutex_unlock(&m->background);
    return all;
}

static void put_back(gpumm_manager *m, retired *r) {
    pthread_mutex_lock(&m->background);
    r->next = m->retired;
    m->retired = r;
    pthread_mutex_unlock(&m->background);
}

static void finish(gpumm_manager *m, retired *r) {
    for (unsigned i = 0; i < r->count; i++) gpumm__manager_event_give(m, r->events[i]);
    r->run(r);
    pthread_mutex_lock(&m->background);
    m->retiring--;
    pthread_mutex_unlock(&m->background);
}

bool gpumm__manager_retire_poll(void *manager) {
    gpumm_manager *m = manager;
    retired *next;
    for (retired *r = take_all(m); r; r = next) {
        next = r->next;
        if (is_through(m, r)) finish(m, r);
        else put_back(m, r);
    }
    pthread_mutex_lock(&m->background);
    bool waiting = m->retiring > 0;
    pthread_mutex_unlock(&m->background);
    return waiting;
}

void gpumm__manager_retire_wait(gpumm_manager *m) {
    while (gpumm__manager_retire_poll(m)) gpumm__clock_sleep_ns(20000);
}
