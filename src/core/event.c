/* SPDX-License-Identifier: MIT */
/* Events: a place in a stream's work that another stream, or the caller, can wait for. */
#include "core/event.h"

struct gpumm_event {
    object object;
    device_event *device;
};

static void event_dispose(object *o) {
    gpumm_event *e = (gpumm_event *)o;
    gpumm__context_close_event(o->context, e->device);
    e->device = NULL;
}

static void event_destroy(object *o) { gpumm__mem_free(&o->context->memory, o); }

static const object_class event_class = {RANK_EVENT, event_dispose, event_destroy, NULL};

static gpumm_status record(context *ctx, gpumm_event *e, gpumm_stream *s) {
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = ctx->device->call->event_record(ctx->device, e->device, s->device);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* One that was never recorded has come. `s`: where it is recorded; NULL: nowhere. */
static gpumm_status open_recorded(context *ctx, gpumm_stream *s, gpumm_event *e) {
    device *d = ctx->device;
    TRY(d->call->event_open(d, EVENT_TIMED, &e->device));
    gpumm_status status = s ? record(ctx, e, s) : GPUMM_OK;
    if (status != GPUMM_OK) d->call->event_close(d, e->device);
    return status;
}

static gpumm_status event_new(context *ctx, gpumm_stream *s, gpumm_event **out) {
    gpumm_event *e = gpumm__mem_new(&ctx->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    gpumm_status status = open_recorded(ctx, s, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, e);
        return status;
    }
    gpumm__object_init(&e->object, ctx, &event_class);
    gpumm__object_list(&e->object);
    *out = e;
    return GPUMM_OK;
}

gpumm_status gpumm__event_reached(context *ctx, gpumm_event **out) { return event_new(ctx, NULL, out); }

gpumm_status gpumm_stream_record(gpumm_stream *s, gpumm_event **out) {
    NOT_NULL(s, "stream");
    NOT_NULL(out, "out");
    TRY(gpumm__stream_enter(s));
    gpumm_status status = event_new(s->object.context, s, out);
    gpumm__context_leave(s->object.context);
    return status;
}

static gpumm_status check_open(const gpumm_event *e) {
    return atomic_load(&e->object.alive) ? GPUMM_OK : fail(GPUMM_STALE, "this event was closed");
}

gpumm_status gpumm_event_record(gpumm_event *e, gpumm_stream *s) {
    NOT_NULL(e, "event");
    context *ctx = e->object.context;
    if (!s) s = ctx->main;
    if (s->object.context != ctx) return fail(GPUMM_INVALID_ARGUMENT, "the event belongs to another manager");
    TRY(gpumm__stream_enter(s));
    gpumm_status status = check_open(e);
    if (status == GPUMM_OK) status = record(ctx, e, s);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_status gpumm_stream_wait(gpumm_stream *s, gpumm_event *e) {
    NOT_NULL(e, "event");
    context *ctx = e->object.context;
    if (!s) s = ctx->main;
    if (s->object.context != ctx) return fail(GPUMM_INVALID_ARGUMENT, "the event belongs to another manager");
    TRY(gpumm__stream_enter(s));
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = check_open(e);
    if (status == GPUMM_OK) status = ctx->device->call->stream_wait(ctx->device, s->device, e->device);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_event *gpumm_event_retain(gpumm_event *e) {
    if (!e) return NULL;
    gpumm__object_retain(&e->object);
    return e;
}

void gpumm_event_release(gpumm_event *e) {
    if (e) gpumm__object_release(&e->object, false);
}

void gpumm_event_close(gpumm_event *e) {
    if (!e || gpumm__object_enter(&e->object, "event") != GPUMM_OK) return;
    gpumm__object_dispose(&e->object);
    gpumm__object_leave(&e->object);
}

gpumm_status gpumm_event_ready(gpumm_event *e, bool *ready) {
    NOT_NULL(e, "event");
    NOT_NULL(ready, "ready");
    TRY(gpumm__object_enter(&e->object, "event"));
    device *d = e->object.context->device;
    gpumm_status status = d->call->event_query(d, e->device, ready);
    gpumm__object_leave(&e->object);
    return status;
}

gpumm_status gpumm_event_wait(gpumm_event *e, double seconds) {
    NOT_NULL(e, "event");
    TRY(gpumm__object_enter(&e->object, "event"));
    wait_end end;
    gpumm_status status = gpumm__context_wait(e->object.context, e->device, gpumm__clock_deadline(seconds), &end);
    if (status == GPUMM_OK && end == WAIT_TIMED_OUT) status = fail(GPUMM_TIMEOUT, "the time to wait ran out");
    gpumm__object_leave(&e->object);
    return status;
}

gpumm_status gpumm_event_elapsed(gpumm_event *from, gpumm_event *to, double *seconds) {
    NOT_NULL(from, "from");
    NOT_NULL(to, "to");
    NOT_NULL(seconds, "seconds");
    if (from->object.context != to->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "the two events belong to different managers");
    TRY(gpumm__object_enter(&from->object, "event"));
    device *d = from->object.context->device;
    gpumm_status status = check_open(to);
    if (status == GPUMM_OK) status = d->call->event_elapsed(d, from->device, to->device, seconds);
    gpumm__object_leave(&from->object);
    return status;
}
