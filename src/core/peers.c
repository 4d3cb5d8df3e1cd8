/* SPDX-License-Identifier: MIT */
/* All of the managers' submit locks are held across such a call, in the order of their addresses, so that no owner sees a half of it. */
#include "core/peers.h"

#include <stdio.h>
#include <string.h>

#include "core/gate.h"
#include "core/stand_in.h"

bool gpumm__peers_may_use(const context *ctx, const gpumm_buffer *b) {
    const device_stripe *s = b->group->stripe;
    if (!s || strcmp(ctx->info.kind, b->group->object.context->info.kind) != 0) return false;
    for (unsigned i = 0; i < s->count; i++)
        if (s->devices[i] == ctx->device->ordinal) return true;
    return false;
}

/* ---- Who takes part ----------------------------------------------------------------------------------------- */

/* In order; each once. */
static gpumm_status add(peers *p, context *ctx) {
    size_t at = 0;
    while (at < p->contexts && (uintptr_t)p->all[at] < (uintptr_t)ctx) at++;
    if (at < p->contexts && p->all[at] == ctx) return GPUMM_OK;
    if (p->contexts == PEERS_MOST)
        return fail(GPUMM_INVALID_ARGUMENT, "a call uses buffers of at most %d managers", PEERS_MOST);
    memmove(p->all + at + 1, p->all + at, (p->contexts - at) * sizeof *p->all);
    p->all[at] = ctx;
    p->contexts++;
    return GPUMM_OK;
}

static bool is_foreign(const peers *p, size_t i) { return peers_is_foreign(p->stream->object.context, p->buffers[i]); }

static gpumm_status enter_all(peers *p) {
    TRY(add(p, p->stream->object.context));
    for (; p->entered < p->count; p->entered++) {
        if (!is_foreign(p, p->entered)) continue;
        gpumm_group *g = p->buffers[p->entered]->group;
        TRY(gpumm__group_enter(g));
        gpumm_status status = add(p, g->object.context);
        if (status == GPUMM_OK) status = gpumm__stand_in_open(g->object.context, p->stream);
        if (status != GPUMM_OK) return gpumm__group_leave(g), status;
    }
    return GPUMM_OK;
}

static void leave_all(peers *p) {
    while (p->entered > 0)
        if (is_foreign(p, --p->entered)) gpumm__group_leave(p->buffers[p->entered]->group);
}

/* ---- Locks and gates ---------------------------------------------------------------------------------------- */

static void lock_all(const peers *p) {
    for (size_t i = 0; i < p->contexts; i++) pthread_mutex_lock(&p->all[i]->submit);
}

static void unlock_all(const peers *p) {
    for (size_t i = p->contexts; i > 0; i--) pthread_mutex_unlock(&p->all[i - 1]->submit);
}

static gpumm_group *shut_one(const peers *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->buffers[i]->group->shut) return p->buffers[i]->group;
    return NULL;
}

/* Nobody waits at a gate with another manager's lock. */
static void lock_behind_gates(const peers *p) {
    lock_all(p);
    for (gpumm_group *g; (g = shut_one(p));) {
        unlock_all(p);
        pthread_mutex_lock(&g->object.context->submit);
        gpumm__gate_pass(g);
        pthread_mutex_unlock(&g->object.context->submit);
        lock_all(p);
    }
}

/* ---- Order ---------------------------------------------------------------------------------------------------- */

static gpumm_stream *stand_in(const peers *p, context *owner) { return gpumm__stand_in_of(owner, p->stream); }

static gpumm_status wait_for_owners(const peers *p) {
    if (!p->stream->device) return fail(GPUMM_STALE, "this stream was closed");
    for (size_t i = 0; i < p->count; i++)
        if (is_foreign(p, i))
            TRY(gpumm__buffer_use(p->buffers[i], stand_in(p, p->buffers[i]->group->object.context), p->access[i]));
    for (size_t i = 0; i < p->contexts; i++)
        if (p->all[i] != p->stream->object.context) TRY(gpumm__stream_depend(stand_in(p, p->all[i]), p->stream));
    return GPUMM_OK;
}

static gpumm_status tell_owners(const peers *p) {
    for (size_t i = 0; i < p->contexts; i++)
        if (p->all[i] != p->stream->object.context) TRY(gpumm__stream_depend(p->stream, stand_in(p, p->all[i])));
    return GPUMM_OK;
}

gpumm_status gpumm__peers_begin(peers *p, gpumm_stream *s, gpumm_buffer *const *buffers, const gpumm_access *access,
                                size_t count) {
    *p = (peers){.stream = s, .buffers = buffers, .access = access, .count = count};
    gpumm_status status = gpumm__stream_not_capturing(s);
    if (status == GPUMM_OK) status = enter_all(p);
    if (status != GPUMM_OK) return leave_all(p), status;
    lock_behind_gates(p);
    status = wait_for_owners(p);
    if (status == GPUMM_OK) return GPUMM_OK;
    unlock_all(p);
    leave_all(p);
    return status;
}

/* Also of a call that failed: parts of it may be enqueued. Its failure is the one that is reported. */
gpumm_status gpumm__peers_end(peers *p, gpumm_status status) {
    device *d = p->stream->object.context->device;
    char message[512];
    snprintf(message, sizeof message, "%s", gpumm_message());
    gpumm_status told = tell_owners(p);
    if (told != GPUMM_OK) {
        told = d->call->stream_synchronize(d, p->stream->device);
        if (status != GPUMM_OK) fail(status, "%s", message);
    }
    unlock_all(p);
    leave_all(p);
    return status != GPUMM_OK ? status : told;
}
