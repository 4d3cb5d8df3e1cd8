/* SPDX-License-Identifier: MIT */
/* One download of a buffer is pending at a time: its ticket is kept with the readback. */
#include "core/download.h"

#include "core/capture.h"
#include "core/delivery.h"
#include "core/readback.h"
#include "gpumm_compat.h"

gpumm_status gpumm__download_enable(gpumm_group *g) {
    static const size_t first[] = {0};
    gpumm_readback_options o = {.buffer_count = 1, .slots = 2, .tag = g->tag};
    gpumm_readback *r;
    TRY(gpumm__readback_make(g, first, &o, true, &r));
    g->download = &r->follower;
    return GPUMM_OK;
}

/* The readback of a named buffer, held; its memory stays safe also where the buffer is freed meanwhile. */
static gpumm_status download_of(gpumm_manager *m, const char *name, gpumm_readback **out) {
    context *ctx = context_of(m);
    gpumm_buffer *b;
    TRY(gpumm_manager_find(m, name, NULL, &b));
    pthread_mutex_lock(&ctx->lock);
    follower *f = b->group->download;
    if (f) gpumm__object_hold(f->object);
    pthread_mutex_unlock(&ctx->lock);
    gpumm_buffer_release(b);
    if (!f) return fail(GPUMM_ASYNC_DISABLED, "buffer '%.255s' was made without enable_async", name);
    *out = (gpumm_readback *)(void *)((char *)f - offsetof(gpumm_readback, follower));
    return GPUMM_OK;
}

/* The pair's ticket while its capture is under way, which lets go of the lock now and then. */
static const gpumm_ticket STARTING = UINT64_MAX;

/* Readback lock held, and again on return. */
static gpumm_status start_locked(gpumm_readback *r, const char *name) {
    if (r->pair)
        return fail(GPUMM_ALREADY_PENDING, "a download of '%.255s' is already pending: wait for it first", name);
    gpumm_ticket ticket;
    r->pair = STARTING;
    gpumm_status status = gpumm__readback_capture(r, NULL, 0, &ticket);
    r->pair = status == GPUMM_OK ? ticket : 0;
    return status;
}

static gpumm_status start(gpumm_readback *r, const char *name) {
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = start_locked(r, name);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_start_async_download(gpumm_manager *m, const char *name) {
    NOT_NULL(m, "manager");
    NOT_NULL(name, "name");
    gpumm_readback *r;
    TRY(download_of(m, name, &r));
    gpumm_status status = start(r, name);
    gpumm__object_drop(&r->object);
    return status;
}

static gpumm_status finish(gpumm_readback *r, const char *name, double seconds, gpumm_frame **out) {
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_ticket ticket = r->pair == STARTING ? 0 : r->pair;
    pthread_mutex_unlock(&r->lock);
    gpumm_status status = ticket ? gpumm__readback_wait(r, ticket, seconds, out)
                                 : fail(GPUMM_NOT_PENDING, "no download of '%.255s' was started", name);
    pthread_mutex_lock(&r->lock);
    bool over = status == GPUMM_OK || status == GPUMM_CANCELLED || status == GPUMM_STALE || status == GPUMM_DEVICE_LOST;
    if (ticket && over && r->pair == ticket) r->pair = 0;
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_wait_for_download(gpumm_manager *m, const char *name, double seconds, gpumm_frame **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(name, "name");
    NOT_NULL(out, "out");
    gpumm_readback *r;
    TRY(download_of(m, name, &r));
    gpumm_status status = finish(r, name, seconds, out);
    gpumm__object_drop(&r->object);
    return status;
}
