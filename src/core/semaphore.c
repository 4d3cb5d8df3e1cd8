/* SPDX-License-Identifier: MIT */
/* Semaphores of others: numbers that only grow, which streams raise and wait for. Nothing of ours depends on them but what
   a stream is told; who used one lies in its order, so that it goes behind them. */
#include "base/counter.h"
#include "core/order.h"

struct gpumm_semaphore {
    object object;
    device_semaphore *device;
    order users; /* all of them readers: they do not wait for one another; under the submit lock */
    deferred gone;
};

static gpumm_semaphore *semaphore_from(object *o) { return (gpumm_semaphore *)o; }

static void semaphore_through(deferred *r) {
    gpumm_semaphore *x = (gpumm_semaphore *)(void *)((char *)r - offsetof(gpumm_semaphore, gone));
    device *d = x->object.context->device;
    d->call->semaphore_close(d, x->device);
    gpumm__object_drop(&x->object);
}

static void semaphore_dispose(object *o) {
    gpumm_semaphore *x = semaphore_from(o);
    context *ctx = o->context;
    gpumm__object_hold(o);
    x->gone = (deferred){0};
    pthread_mutex_lock(&ctx->submit);
    order users = gpumm__order_take(&x->users);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__order_defer(&users, ctx, &x->gone, semaphore_through);
}

static void semaphore_destroy(object *o) { gpumm__mem_free(&o->context->memory, o); }

static const object_class semaphore_class = {RANK_EVENT, semaphore_dispose, semaphore_destroy, NULL};

gpumm_status gpumm_semaphore_stand_in(int *descriptor) {
    NOT_NULL(descriptor, "descriptor");
    return gpumm__counter_make(descriptor);
}

static gpumm_status import(context *ctx, int descriptor, gpumm_semaphore **out) {
    gpumm_semaphore *x = gpumm__mem_new(&ctx->memory, sizeof *x);
    if (!x) return fail_host_memory(sizeof *x);
    gpumm_status status = ctx->device->call->semaphore_import(ctx->device, descriptor, &x->device);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, x);
        return status;
    }
    gpumm__object_init(&x->object, ctx, &semaphore_class);
    gpumm__object_list(&x->object);
    *out = x;
    return GPUMM_OK;
}

gpumm_status gpumm_semaphore_import(gpumm_manager *m, int descriptor, gpumm_semaphore **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = descriptor < 0 ? fail(GPUMM_INVALID_ARGUMENT, "descriptor %d is none", descriptor)
                                         : import(ctx, descriptor, out);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_semaphore *gpumm_semaphore_retain(gpumm_semaphore *x) {
    if (!x) return NULL;
    gpumm__object_retain(&x->object);
    return x;
}

void gpumm_semaphore_release(gpumm_semaphore *x) {
    if (x) gpumm__object_release(&x->object, false);
}

void gpumm_semaphore_close(gpumm_semaphore *x) {
    if (!x || gpumm__object_enter(&x->object, "semaphore") != GPUMM_OK) return;
    gpumm__object_dispose(&x->object);
    gpumm__object_leave(&x->object);
}

gpumm_manager *gpumm_semaphore_manager(const gpumm_semaphore *x) { return x ? manager_of(x->object.context) : NULL; }

/* Submit lock held. */
static gpumm_status enqueue(gpumm_semaphore *x, gpumm_stream *s, bool raises, uint64_t value) {
    device *d = x->object.context->device;
    if (!atomic_load(&x->object.alive)) /* closed meanwhile: the device's may be gone */
        return fail(GPUMM_STALE, "this semaphore was freed");
    TRY(gpumm__stream_not_capturing(s));
    TRY(gpumm__order_use(&x->users, s, GPUMM_ACCESS_READ));
    if (raises) return d->call->semaphore_signal(d, s->device, x->device, value);
    return d->call->semaphore_wait(d, s->device, x->device, value);
}

static gpumm_status on_stream(gpumm_semaphore *x, gpumm_stream *given, bool raises, uint64_t value) {
    context *ctx = x->object.context;
    gpumm_stream *s;
    TRY(gpumm__stream_of(ctx, given, &s));
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = enqueue(x, s, raises, value);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

static gpumm_status use(gpumm_semaphore *x, gpumm_stream *given, bool raises, uint64_t value) {
    NOT_NULL(x, "semaphore");
    TRY(gpumm__object_enter(&x->object, "semaphore"));
    gpumm_status status = on_stream(x, given, raises, value);
    gpumm__object_leave(&x->object);
    return status;
}

gpumm_status gpumm_semaphore_signal(gpumm_semaphore *x, gpumm_stream *stream, uint64_t value) {
    return use(x, stream, true, value);
}

gpumm_status gpumm_semaphore_wait(gpumm_semaphore *x, gpumm_stream *stream, uint64_t value) {
    return use(x, stream, false, value);
}
