/* SPDX-License-Identifier: MIT */
/* Capturing: which slot a snapshot goes to, and what becomes of one for which there is none. */
#include "core/capture.h"

#include "core/frame.h"
#include "core/notify.h"
#include "core/report.h"

gpumm_status gpumm__readback_over(const gpumm_readback *r) {
    char text[TITLE_BYTES];
    if (atomic_load(&r->group->object.alive)) return fail(GPUMM_CANCELLED, "the readback is closed");
    return fail(GPUMM_CANCELLED, "the readback is closed: %s was freed", gpumm__buffer_label(r->buffers[0], text));
}

/* Readback lock held. */
static gpumm_ticket give_ticket(gpumm_readback *r, slot *t) {
    t->ticket = ++r->newest;
    t->lent = false;
    t->state = SLOT_FLYING;
    atomic_fetch_add(&r->object.context->transfers, 1);
    return t->ticket;
}

void gpumm__readback_count_dropped(gpumm_readback *r, unsigned count) {
    context *ctx = r->object.context;
    r->dropped += count;
    pthread_mutex_lock(&ctx->lock);
    ctx->dropped += count;
    pthread_mutex_unlock(&ctx->lock);
    if (count && ctx->tracing.traced) gpumm__tracing_dropped(&ctx->tracing, r->buffers[0]->full_name, count);
}

void gpumm__readback_pause(gpumm_readback *r, slot *t, uint64_t waited, uint64_t deadline) {
    context *ctx = r->object.context;
    wait_pause pause;
    gpumm__context_pause_begin(ctx, &pause, t->done, waited);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_pause_end(ctx, &pause, deadline);
    pthread_mutex_lock(&r->lock);
}

/* How long a capture may wait for room. */
typedef struct patience {
    uint64_t deadline; /* until then for somebody who takes a frame; for copies without a bound */
    bool counts;       /* a refusal counts as dropped */
    uint64_t since;    /* when it first waited for copies; 0: not yet */
} patience;

static bool all_are_kept(const gpumm_readback *r) {
    bool all = true;
    for (unsigned i = 0; i < r->slot_count; i++)
        all = all && r->slots[i].frame && atomic_load(&r->slots[i].frame->kept);
    return all;
}

static gpumm_status refuse(gpumm_readback *r, const patience *p) {
    if (p->counts) gpumm__readback_count_dropped(r, 1);
    if (all_are_kept(r))
        return fail(GPUMM_BUSY, "all %u slots hold frames that are kept: release some, or use more slots",
                    r->slot_count);
    return fail(
        GPUMM_BUSY,
        "all %u slots are taken: take frames with latest, next or wait, release kept ones, use more slots, or another busy policy",
        r->slot_count);
}

/* Sleeps until a slot may have become free, without the lock. */
static void wait_for_taker(gpumm_readback *r, const patience *p) {
    wait_entry entry;
    waiter *w = &r->object.context->waiter;
    gpumm__waiter_join(w, &entry, NULL);
    pthread_mutex_unlock(&r->lock);
    gpumm__waiter_sleep(w, &entry, p->deadline);
    pthread_mutex_lock(&r->lock);
}

static void replace(gpumm_readback *r, slot *arrived) {
    gpumm__slot_end(r, arrived);
    gpumm__waiter_wake(&r->object.context->waiter);
    if (!arrived->lent) gpumm__readback_count_dropped(r, 1);
}

/* Work on the device reads a slot whose frame ended. */
static void pause_for_readers(gpumm_readback *r) {
    pthread_mutex_unlock(&r->lock);
    gpumm__clock_sleep_ns(20000);
    pthread_mutex_lock(&r->lock);
}

static void wait_for_copies(gpumm_readback *r, slot *flying, patience *p) {
    uint64_t now = gpumm__clock_ns();
    if (!p->since) p->since = now;
    gpumm__readback_pause(r, flying, now - p->since, UINT64_MAX);
}

/* Makes room, or waits for what may, where every slot is taken; BUSY where the policy refuses. */
static gpumm_status make_room(gpumm_readback *r, patience *p) {
    slot *arrived = gpumm__slot_replaceable(r), *flying = gpumm__slot_under_way(r);
    if (r->busy == GPUMM_BUSY_DROP) return refuse(r, p);
    if (r->busy == GPUMM_BUSY_NEWEST && arrived) return replace(r, arrived), GPUMM_OK;
    if (flying) return wait_for_copies(r, flying, p), GPUMM_OK;
    if (r->busy == GPUMM_BUSY_WAIT && gpumm__slot_any_read(r)) return pause_for_readers(r), GPUMM_OK;
    if (gpumm__clock_ns() >= p->deadline) return refuse(r, p);
    wait_for_taker(r, p);
    return GPUMM_OK;
}

/* Readback lock held, and again on return. */
static gpumm_status room_for_capture(gpumm_readback *r, patience *p, slot **out) {
    for (;;) {
        if (r->shut) return gpumm__readback_over(r);
        if (atomic_load(&r->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        if ((*out = gpumm__slot_free(r))) return GPUMM_OK; /* the driver need not be asked */
        gpumm_status copies = gpumm__ring_refresh(r);
        if ((*out = gpumm__slot_free(r))) return GPUMM_OK;
        TRY(copies);
        TRY(make_room(r, p));
    }
}

/* ---- The same in parts, for replays of recordings, which make the snapshot themselves ------------------------ */

gpumm_status gpumm__readback_room(gpumm_readback *r, slot **out) {
    bool waits = r->busy == GPUMM_BUSY_WAIT && r->wait_seconds != 0;
    patience p = {.deadline = waits ? gpumm__clock_deadline(r->wait_seconds) : 0};
    return room_for_capture(r, &p, out);
}

gpumm_status gpumm__readback_open_to_captures(const gpumm_readback *r) {
    return r->shut ? gpumm__readback_over(r) : GPUMM_OK;
}

gpumm_ticket gpumm__readback_captured(gpumm_readback *r, slot *t) {
    if (t) return give_ticket(r, t);
    gpumm__readback_count_dropped(r, 1);
    return 0;
}

/* ---- Capturing at once ---------------------------------------------------------------------- */

static gpumm_status capture(gpumm_readback *r, gpumm_stream *s, int64_t step, patience *p, gpumm_ticket *ticket) {
    for (;;) {
        slot *t = NULL;
        bool fits = false;
        TRY(room_for_capture(r, p, &t));
        gpumm_status status = gpumm__snapshot_take(r, t, s, step, &fits);
        if (status != GPUMM_OK) return gpumm__explain(r->object.context, status);
        if (fits) return *ticket = give_ticket(r, t), GPUMM_OK;
        pthread_mutex_unlock(&r->lock);
        gpumm__clock_sleep_ns(20000);
        pthread_mutex_lock(&r->lock);
    }
}

gpumm_status gpumm__readback_capture(gpumm_readback *r, gpumm_stream *s, int64_t step, gpumm_ticket *ticket) {
    bool waits = r->busy == GPUMM_BUSY_WAIT && r->wait_seconds != 0;
    patience p = {.deadline = waits ? gpumm__clock_deadline(r->wait_seconds) : 0, .counts = true};
    return capture(r, s, step, &p, ticket);
}

static gpumm_status enter_capture(gpumm_readback *r, gpumm_stream *given, gpumm_stream **s) {
    if (r->remote) return fail(GPUMM_INVALID_ARGUMENT, "the readback is another process's, which alone captures");
    TRY(gpumm__context_enter(r->object.context)); /* a closed readback says CANCELLED, as its tickets do */
    gpumm_status status = given ? gpumm__stream_of(r->object.context, given, s) : GPUMM_OK;
    if (status != GPUMM_OK) gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_readback_capture(gpumm_readback *r, gpumm_stream *given, int64_t step, gpumm_ticket *ticket) {
    NOT_NULL(r, "readback");
    gpumm_stream *s = NULL;
    gpumm_ticket given_ticket;
    TRY(enter_capture(r, given, &s));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = gpumm__readback_capture(r, s, step, ticket ? ticket : &given_ticket);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_readback_try_capture(gpumm_readback *r, gpumm_stream *given, int64_t step, gpumm_ticket *ticket) {
    NOT_NULL(r, "readback");
    gpumm_stream *s = NULL;
    patience p = {.deadline = 0};
    TRY(enter_capture(r, given, &s));
    gpumm_ticket given_ticket;
    pthread_mutex_lock(&r->lock);
    gpumm_status status = capture(r, s, step, &p, ticket ? ticket : &given_ticket);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}
