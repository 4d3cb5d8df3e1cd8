/* SPDX-License-Identifier: MIT */
/* Streams, and the dependencies between them. */
#include "core/stream.h"

static gpumm_stream *stream_from(object *o) { return (gpumm_stream *)o; }

/* The manager's own are open as long as it is. */
static bool is_open(gpumm_stream *s) {
    return s->internal || (atomic_load(&s->object.alive) && !atomic_load(&s->closed));
}

static gpumm_status check_open(gpumm_stream *s) {
    return is_open(s) ? GPUMM_OK : fail(GPUMM_STALE, "this stream was closed");
}

gpumm_status gpumm__stream_of(context *ctx, gpumm_stream *given, gpumm_stream **out) {
    if (given && given->object.context != ctx)
        return fail(GPUMM_INVALID_ARGUMENT, "the stream belongs to another manager");
    gpumm_stream *s = given ? given : ctx->main;
    TRY(check_open(s));
    *out = s;
    return GPUMM_OK;
}

gpumm_status gpumm__stream_enter(gpumm_stream *s) {
    TRY(gpumm__context_enter(s->object.context));
    gpumm_status status = check_open(s);
    if (status != GPUMM_OK) gpumm__context_leave(s->object.context);
    return status;
}

void gpumm__stream_hold(gpumm_stream *s) {
    if (!s->internal) gpumm__object_hold(&s->object);
}

void gpumm__stream_drop(gpumm_stream *s) {
    context *ctx = s->object.context;
    if (s->internal || !gpumm__object_let_go(&s->object)) return;
    s->next_gone = atomic_load(&ctx->gone);
    while (!atomic_compare_exchange_weak(&ctx->gone, &s->next_gone, s)) {}
}

/* ---- Dependencies --------------------------------------------------------------------------------------- */

gpumm_status gpumm__stream_depend(gpumm_stream *from, gpumm_stream *to) {
    if (!from->device || from == to) return GPUMM_OK;
    device *d = from->object.context->device;
    device *waits = to->object.context->device;
    TRY(d->call->event_record(d, from->dependency, from->device));
    return waits->call->stream_wait(waits, to->device, from->dependency);
}

static gpumm_status query(gpumm_stream *s, bool *idle) {
    device *d = s->object.context->device;
    *idle = true;
    return s->device ? d->call->stream_query(d, s->device, idle) : GPUMM_OK;
}

static bool pin(gpumm_stream *s, int by) {
    context *ctx = s->object.context;
    pthread_mutex_lock(&ctx->submit);
    bool there = s->device != NULL;
    if (there) s->pins += (unsigned)by;
    pthread_mutex_unlock(&ctx->submit);
    return there;
}

gpumm_status gpumm__stream_drain(gpumm_stream *s) {
    device *d = s->object.context->device;
    if (!pin(s, 1)) return GPUMM_OK;
    gpumm_status status = d->call->stream_synchronize(d, s->device);
    pin(s, -1);
    return status;
}

static bool is_idle(gpumm_stream *s) {
    bool idle = false;
    pthread_mutex_lock(&s->object.context->submit);
    bool known = query(s, &idle) == GPUMM_OK;
    pthread_mutex_unlock(&s->object.context->submit);
    return known && idle;
}

static gpumm_status record(gpumm_stream *s, device_event *e) {
    context *ctx = s->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = s->device ? ctx->device->call->event_record(ctx->device, e, s->device) : GPUMM_OK;
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* Adds an event behind what is on the stream now, if anything is. An event of a stream that closed meanwhile stands
   for an older record, which is reached. */
static gpumm_status add_event(gpumm_stream *s, deferred *d) {
    context *ctx = s->object.context;
    device_event *e;
    if (is_idle(s)) return GPUMM_OK;
    TRY(gpumm__deferred_event_take(&ctx->deferred, &e));
    gpumm_status status = record(s, e);
    if (status == GPUMM_OK) d->events[d->count++] = e;
    else gpumm__deferred_event_give(&ctx->deferred, e);
    return status;
}

void gpumm__stream_hold_back(gpumm_stream *s, deferred *d) {
    if (add_event(s, d) != GPUMM_OK) gpumm__stream_drain(s);
}

gpumm_status gpumm__stream_not_capturing(gpumm_stream *s) {
    device *d = s->object.context->device;
    bool capturing = false;
    if (!s->device || d->call->stream_capturing(d, s->device, &capturing) != GPUMM_OK || !capturing) return GPUMM_OK;
    return fail(GPUMM_BUSY, "the stream is capturing a CUDA graph: only kernels can be launched on it until the "
                            "capture ends");
}

/* The device's stream, for closing: those who wait for it are through soon, as it has no work left. */
static device_stream *take_unpinned(gpumm_stream *s) {
    context *ctx = s->object.context;
    pthread_mutex_lock(&ctx->submit);
    while (s->pins) {
        pthread_mutex_unlock(&ctx->submit);
        gpumm__clock_sleep_ns(20000);
        pthread_mutex_lock(&ctx->submit);
    }
    device_stream *native = s->device;
    s->device = NULL;
    pthread_mutex_unlock(&ctx->submit);
    return native;
}

/* ---- Attachments ---------------------------------------------------------------------------------------- */

attachment *gpumm__stream_attached(gpumm_stream *s, const void *key) {
    attachment *a = atomic_load_explicit(&s->attachments, memory_order_acquire);
    while (a && a->key != key) a = a->next;
    return a;
}

/* The one under that key: `made`, unless another thread was first. */
static attachment *publish(gpumm_stream *s, const void *key, attachment *made) {
    pthread_mutex_lock(&s->attaching);
    attachment *there = gpumm__stream_attached(s, key);
    if (!there) {
        made->key = key;
        made->next = atomic_load(&s->attachments);
        atomic_store(&s->attachments, made);
    }
    pthread_mutex_unlock(&s->attaching);
    return there ? there : made;
}

/* Made without a lock, for making may take long and calls the application's allocator: who comes second closes his. */
gpumm_status gpumm__stream_attach(gpumm_stream *s, const void *key, gpumm_status (*make)(gpumm_stream *, attachment **),
                                  attachment **out) {
    attachment *made;
    *out = gpumm__stream_attached(s, key);
    if (*out) return GPUMM_OK;
    TRY(make(s, &made));
    *out = publish(s, key, made);
    if (*out != made) made->close(made);
    return GPUMM_OK;
}

/* Pinned, so that closing does not take them away meanwhile: what they give back is waited for by events, which no lock
   is held for. */
void gpumm__stream_trim(gpumm_stream *s) {
    if (!pin(s, 1)) return;
    for (attachment *a = atomic_load(&s->attachments); a; a = a->next)
        if (a->trim) a->trim(a, s);
    pin(s, -1);
}

static void close_attachments(gpumm_stream *s) {
    pthread_mutex_lock(&s->attaching);
    attachment *a = atomic_exchange(&s->attachments, NULL);
    pthread_mutex_unlock(&s->attaching);
    for (attachment *next; a; a = next) {
        next = a->next;
        a->close(a);
    }
}

/* ---- Opening and closing -------------------------------------------------------------------------------- */

static gpumm_status open_device_parts(context *ctx, gpumm_stream *s, void *native) {
    device *d = ctx->device;
    TRY(d->call->event_open(d, EVENT_ORDERS, &s->dependency));
    gpumm_status status = d->call->stream_open(d, native, &s->device);
    if (status != GPUMM_OK) d->call->event_close(d, s->dependency);
    return status;
}

static void close_device_parts(gpumm_stream *s) {
    device *d = s->object.context->device;
    d->call->stream_close(d, take_unpinned(s));
    close_attachments(s);
    d->call->event_close(d, s->dependency);
}

static void stream_through(deferred *r) {
    gpumm_stream *s = (gpumm_stream *)(void *)((char *)r - offsetof(gpumm_stream, gone));
    close_device_parts(s);
    gpumm__object_drop(&s->object);
}

static void stream_dispose(object *o) {
    gpumm_stream *s = stream_from(o);
    gpumm__object_hold(o);
    s->gone = (deferred){.run = stream_through};
    gpumm__stream_hold_back(s, &s->gone);
    gpumm__deferred_start(&o->context->deferred, &s->gone);
}

static void stream_free(gpumm_stream *s) {
    pthread_mutex_destroy(&s->attaching);
    gpumm__mem_free(&s->object.context->memory, s);
}

static void stream_destroy(object *o) { stream_free(stream_from(o)); }

static void stream_reclaim(object *o) { gpumm__stream_trim(stream_from(o)); }

void gpumm__streams_free_gone(context *ctx) {
    gpumm_stream *s = atomic_exchange(&ctx->gone, NULL);
    for (gpumm_stream *next; s; s = next) {
        next = s->next_gone;
        stream_free(s);
    }
}

static const object_class stream_class = {RANK_STREAM, stream_dispose, stream_destroy, stream_reclaim};

static gpumm_status stream_new(context *ctx, void *native, gpumm_stream **out) {
    gpumm_stream *s = gpumm__mem_new(&ctx->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->object.context = ctx;
    gpumm_status status = open_device_parts(ctx, s, native);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, s);
        return status;
    }
    pthread_mutex_init(&s->attaching, NULL);
    *out = s;
    return GPUMM_OK;
}

gpumm_status gpumm__stream_make_listed(context *ctx, gpumm_stream **out) {
    gpumm__streams_free_gone(ctx);
    TRY(stream_new(ctx, NULL, out));
    object *o = &(*out)->object;
    o->class = &stream_class;
    atomic_init(&o->alive, true);
    gpumm__object_list(o);
    return GPUMM_OK;
}

gpumm_status gpumm__stream_make_internal(context *ctx, gpumm_stream **out) {
    TRY(stream_new(ctx, NULL, out));
    (*out)->internal = true;
    return GPUMM_OK;
}

void gpumm__stream_close_internal(gpumm_stream *s) {
    if (s && s->device) close_device_parts(s);
}

void gpumm__stream_free_internal(gpumm_stream *s) {
    if (s) stream_free(s);
}

static gpumm_status stream_open(gpumm_manager *m, void *native, gpumm_stream **out) {
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    gpumm__streams_free_gone(ctx);
    gpumm_stream *s;
    gpumm_status status = stream_new(ctx, native, &s);
    if (status == GPUMM_OK) {
        gpumm__object_init(&s->object, ctx, &stream_class);
        gpumm__object_list(&s->object);
        *out = s;
    }
    gpumm__context_leave(ctx);
    return status;
}

gpumm_status gpumm_stream_open(gpumm_manager *m, gpumm_stream **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    return stream_open(m, NULL, out);
}

gpumm_status gpumm_stream_wrap(gpumm_manager *m, void *native, gpumm_stream **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(native, "native");
    NOT_NULL(out, "out");
    if (!native) return fail(GPUMM_INVALID_ARGUMENT, "no stream was given to wrap");
    return stream_open(m, native, out);
}

/* A handle of an internal stream is one of its manager. */
gpumm_stream *gpumm_stream_retain(gpumm_stream *s) {
    if (!s) return NULL;
    if (s->internal) gpumm__context_retain(s->object.context);
    else gpumm__object_retain(&s->object);
    return s;
}

void gpumm_stream_release(gpumm_stream *s) {
    if (!s) return;
    if (s->internal) gpumm__context_release(s->object.context);
    else gpumm__object_release(&s->object, false);
}

/* What is lent of an internal stream counts for its manager, without an atomic operation; of another one, all together
   are one handle. */
bool gpumm__stream_lend(gpumm_stream *s) {
    if (!is_open(s)) return false;
    if (s->internal) gpumm__context_lend(s->object.context);
    else if (s->scratches == 0) gpumm__object_retain(&s->object);
    s->scratches++;
    return true;
}

bool gpumm__stream_return(gpumm_stream *s) {
    s->scratches--;
    return s->internal ? gpumm__context_return(s->object.context) : s->scratches == 0;
}

void gpumm__stream_returned(gpumm_stream *s) {
    context *ctx = s->object.context;
    if (s->internal) {
        ctx->last(ctx);
        return;
    }
    if (atomic_load(&s->closed) && gpumm__context_enter(ctx) == GPUMM_OK) {
        gpumm__object_dispose(&s->object);
        gpumm__context_leave(ctx);
    }
    gpumm__object_release(&s->object, false);
}

gpumm_status gpumm_stream_close(gpumm_stream *s) {
    NOT_NULL(s, "stream");
    if (s->internal) return fail(GPUMM_INVALID_ARGUMENT, "the main stream is closed with its manager");
    context *ctx = s->object.context;
    TRY(gpumm__stream_enter(s));
    pthread_mutex_lock(&ctx->lock);
    atomic_store(&s->closed, true);
    bool through = s->scratches == 0; /* else with the last */
    pthread_mutex_unlock(&ctx->lock);
    if (through) gpumm__object_dispose(&s->object);
    gpumm__context_leave(ctx);
    return GPUMM_OK;
}

gpumm_manager *gpumm_stream_manager(const gpumm_stream *s) { return s ? manager_of(s->object.context) : NULL; }

void *gpumm_stream_native(const gpumm_stream *given) {
    if (!given) return NULL;
    gpumm_stream *s = (gpumm_stream *)(uintptr_t)given;
    context *ctx = s->object.context;
    if (gpumm__stream_enter(s) != GPUMM_OK) return NULL;
    pthread_mutex_lock(&ctx->submit);
    void *native = s->device ? ctx->device->call->native_stream(s->device) : NULL;
    pthread_mutex_unlock(&ctx->submit);
    gpumm__context_leave(ctx);
    return native;
}

/* ---- Calls on a stream ---------------------------------------------------------------------------------- */

gpumm_status gpumm_stream_synchronize(gpumm_stream *s) {
    NOT_NULL(s, "stream");
    TRY(gpumm__stream_enter(s));
    device *d = s->object.context->device;
    gpumm_status status = d->call->stream_synchronize(d, s->device);
    gpumm__context_leave(s->object.context);
    return status;
}

gpumm_status gpumm_stream_idle(gpumm_stream *s, bool *idle) {
    NOT_NULL(s, "stream");
    NOT_NULL(idle, "idle");
    TRY(gpumm__stream_enter(s));
    gpumm_status status = query(s, idle);
    gpumm__context_leave(s->object.context);
    return status;
}
