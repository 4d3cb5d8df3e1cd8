/* SPDX-License-Identifier: MIT */
/* Streams, and the dependencies between them. */
#include "core/stream.h"

#include "core/scratch.h"
#include "core/transfer.h"

static gpumm_stream *stream_from(object *o) { return (gpumm_stream *)o; }

gpumm_status gpumm__stream_of(gpumm_manager *m, gpumm_stream *given, gpumm_stream **out) {
    if (given && given->object.manager != m)
        return fail(GPUMM_INVALID_ARGUMENT, "the stream belongs to another manager");
    gpumm_stream *s = given ? given : m->main;
    if (!s->internal && !atomic_load(&s->object.alive)) return fail(GPUMM_STALE, "this stream was closed");
    *out = s;
    return GPUMM_OK;
}

gpumm_status gpumm__stream_depend(gpumm_stream *from, gpumm_stream *to) {
    if (!from->device || from == to) return GPUMM_OK;
    device *d = from->object.manager->device;
    TRY(d->call->event_record(d, from->dependency, from->device));
    return d->call->stream_wait(d, to->device, from->dependency);
}

void gpumm__stream_hold(gpumm_stream *s) {
    if (!s->internal) gpumm__object_hold(&s->object);
}

void gpumm__stream_drop(gpumm_stream *s) {
    if (!s->internal) gpumm__object_drop(&s->object);
}

gpumm_status gpumm__stream_idle(gpumm_stream *s, bool *idle) {
    device *d = s->object.manager->device;
    *idle = true;
    return s->device ? d->call->stream_query(d, s->device, idle) : GPUMM_OK;
}

gpumm_status gpumm__stream_not_capturing(gpumm_stream *s) {
    bool idle;
    if (!atomic_load_explicit(&s->exported, memory_order_relaxed)) return GPUMM_OK;
    return gpumm__stream_idle(s, &idle) == GPUMM_BUSY ? GPUMM_BUSY : GPUMM_OK;
}

static bool stream_pin(gpumm_stream *s, int by) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->submit);
    bool there = s->device != NULL;
    if (there) s->pins += (unsigned)by;
    pthread_mutex_unlock(&m->submit);
    return there;
}

gpumm_status gpumm__stream_drain(gpumm_stream *s) {
    device *d = s->object.manager->device;
    if (!stream_pin(s, 1)) return GPUMM_OK;
    gpumm_status status = d->call->stream_synchronize(d, s->device);
    stream_pin(s, -1);
    return status;
}

/* The device's stream, for closing: those who wait for it are through soon, as it has no work left. */
static device_stream *stream_unpinned(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->submit);
    while (s->pins) {
        pthread_mutex_unlock(&m->submit);
        gpumm__clock_sleep_ns(20000);
        pthread_mutex_lock(&m->submit);
    }
    device_stream *native = s->device;
    s->device = NULL;
    pthread_mutex_unlock(&m->submit);
    return native;
}

/* ---- Opening and closing -------------------------------------------------------------------- */

static gpumm_status open_device_parts(gpumm_manager *m, gpumm_stream *s, void *native) {
    device *d = m->device;
    TRY(d->call->event_open(d, false, &s->dependency));
    gpumm_status status = d->call->stream_open(d, native, &s->device);
    if (status != GPUMM_OK) d->call->event_close(d, s->dependency);
    return status;
}

static void close_device_parts(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    device *d = m->device;
    gpumm__scratch_close(s);
    d->call->stream_close(d, stream_unpinned(s));
    gpumm__transfer_close(s);
    d->call->event_close(d, s->dependency);
}

static void stream_through(retired *r) {
    gpumm_stream *s = (gpumm_stream *)(void *)((char *)r - offsetof(gpumm_stream, gone));
    close_device_parts(s);
    gpumm__object_drop(&s->object);
}

static void stream_dispose(object *o) {
    gpumm_stream *s = stream_from(o);
    gpumm__object_hold(o);
    order own = {.writer = s};
    gpumm__stream_hold(s);
    gpumm__manager_retire(o->manager, &s->gone, &own, stream_through);
}

static void stream_destroy(object *o) {
    gpumm_stream *s = stream_from(o);
    pthread_mutex_destroy(&s->scratch_lock);
    pthread_mutex_destroy(&s->transfer_lock);
    gpumm__mem_free(&o->manager->memory, s);
}

static gpumm_status stream_new(gpumm_manager *m, void *native, gpumm_stream **out) {
    gpumm_stream *s = gpumm__mem_new(&m->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->object.manager = m;
    gpumm_status status = open_device_parts(m, s, native);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&m->memory, s);
        return status;
    }
    pthread_mutex_init(&s->scratch_lock, NULL);
    pthread_mutex_init(&s->transfer_lock, NULL);
    atomic_init(&s->exported, native != NULL);
    *out = s;
    return GPUMM_OK;
}

gpumm_status gpumm__stream_make_internal(gpumm_manager *m, gpumm_stream **out) {
    TRY(stream_new(m, NULL, out));
    (*out)->internal = true;
    return GPUMM_OK;
}

void gpumm__stream_close_internal(gpumm_stream *s) {
    if (s && s->device) close_device_parts(s);
}

static gpumm_status stream_open(gpumm_manager *m, void *native, gpumm_stream **out) {
    TRY(gpumm__manager_enter(m));
    gpumm_stream *s;
    gpumm_status status = stream_new(m, native, &s);
    if (status == GPUMM_OK) {
        gpumm__object_open(&s->object, m, RANK_STREAM, stream_dispose, stream_destroy);
        *out = s;
    }
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_stream_open(gpumm_manager *m, gpumm_stream **out) { return stream_open(m, NULL, out); }

gpumm_status gpumm_stream_wrap(gpumm_manager *m, void *native, gpumm_stream **out) {
    if (!native) return fail(GPUMM_INVALID_ARGUMENT, "no stream was given to wrap");
    return stream_open(m, native, out);
}

/* A handle of an internal stream is one of its manager. */
gpumm_stream *gpumm_stream_retain(gpumm_stream *s) {
    if (s->internal) gpumm_manager_retain(s->object.manager);
    else gpumm__object_retain(&s->object);
    return s;
}

void gpumm_stream_release(gpumm_stream *s) {
    if (!s) return;
    if (s->internal) gpumm_manager_release(s->object.manager);
    else gpumm__object_release(&s->object, false);
}

gpumm_manager *gpumm_stream_manager(const gpumm_stream *s) { return s->object.manager; }

void *gpumm_stream_native(const gpumm_stream *s) {
    atomic_store(&((gpumm_stream *)(uintptr_t)s)->exported, true);
    device *d = s->object.manager->device;
    return d && s->device ? d->call->native_stream(s->device) : NULL;
}

/* ---- Calls on a stream ---------------------------------------------------------------------- */

static gpumm_status enter(gpumm_stream *s) {
    return s->internal ? gpumm__manager_enter(s->object.manager) : gpumm__object_enter(&s->object, "stream");
}

gpumm_status gpumm_stream_synchronize(gpumm_stream *s) {
    TRY(enter(s));
    device *d = s->object.manager->device;
    gpumm_status status = d->call->stream_synchronize(d, s->device);
    gpumm__manager_leave(s->object.manager);
    return status;
}

gpumm_status gpumm_stream_idle(gpumm_stream *s, bool *idle) {
    TRY(enter(s));
    gpumm_status status = gpumm__stream_idle(s, idle);
    gpumm__manager_leave(s->object.manager);
    return status;
}

/* ---- Events --------------------------------------------------------------------------------- */

static void event_dispose(object *o) {
    gpumm_event *e = (gpumm_event *)o;
    o->manager->device->call->event_close(o->manager->device, e->device);
    e->device = NULL;
}

static void event_destroy(object *o) { gpumm__mem_free(&o->manager->memory, o); }

static gpumm_status event_recorded(gpumm_stream *s, gpumm_event *e) {
    gpumm_manager *m = s->object.manager;
    device *d = m->device;
    TRY(d->call->event_open(d, true, &e->device));
    pthread_mutex_lock(&m->submit);
    gpumm_status status = d->call->event_record(d, e->device, s->device);
    pthread_mutex_unlock(&m->submit);
    if (status != GPUMM_OK) d->call->event_close(d, e->device);
    return status;
}

static gpumm_status event_new(gpumm_stream *s, gpumm_event **out) {
    gpumm_manager *m = s->object.manager;
    gpumm_event *e = gpumm__mem_new(&m->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    gpumm_status status = event_recorded(s, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&m->memory, e);
        return status;
    }
    gpumm__object_open(&e->object, m, RANK_EVENT, event_dispose, event_destroy);
    *out = e;
    return GPUMM_OK;
}

gpumm_status gpumm_stream_record(gpumm_stream *s, gpumm_event **out) {
    TRY(enter(s));
    gpumm_status status = event_new(s, out);
    gpumm__manager_leave(s->object.manager);
    return status;
}

gpumm_status gpumm_stream_wait(gpumm_stream *s, gpumm_event *e) {
    gpumm_manager *m = e->object.manager;
    if (!s) s = m->main;
    if (s->object.manager != m) return fail(GPUMM_INVALID_ARGUMENT, "the event belongs to another manager");
    TRY(enter(s));
    pthread_mutex_lock(&m->submit);
    gpumm_status status = m->device->call->stream_wait(m->device, s->device, e->device);
    pthread_mutex_unlock(&m->submit);
    gpumm__manager_leave(m);
    return status;
}

gpumm_event *gpumm_event_retain(gpumm_event *e) {
    gpumm__object_retain(&e->object);
    return e;
}

void gpumm_event_release(gpumm_event *e) {
    if (e) gpumm__object_release(&e->object, false);
}

gpumm_status gpumm_event_ready(gpumm_event *e, bool *ready) {
    TRY(gpumm__object_enter(&e->object, "event"));
    device *d = e->object.manager->device;
    gpumm_status status = d->call->event_query(d, e->device, ready);
    gpumm__object_leave(&e->object);
    return status;
}

gpumm_status gpumm_event_wait(gpumm_event *e, double seconds) {
    TRY(gpumm__object_enter(&e->object, "event"));
    gpumm_status status = gpumm__manager_wait(e->object.manager, e->device, gpumm__clock_deadline(seconds));
    gpumm__object_leave(&e->object);
    return status;
}

gpumm_status gpumm_event_elapsed(gpumm_event *from, gpumm_event *to, double *seconds) {
    if (from->object.manager != to->object.manager)
        return fail(GPUMM_INVALID_ARGUMENT, "the two events belong to different managers");
    TRY(gpumm__object_enter(&from->object, "event"));
    device *d = from->object.manager->device;
    gpumm_status status = d->call->event_elapsed(d, from->device, to->device, seconds);
    gpumm__object_leave(&from->object);
    return status;
}
