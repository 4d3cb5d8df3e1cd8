/* SPDX-License-Identifier: MIT */
/* Readbacks: capturing, and what becomes of a snapshot. The ring's memory is in ring.c, frames are in
   frame.c. A slot is one snapshot: on its way, arrived, in somebody's hands, or free again. */
#include "core/readback.h"

#include "base/abi.h"
#include "core/frame.h"
#include "core/gate.h"
#include "core/notify.h"
#include "core/pressure.h"
#include "core/report.h"

static gpumm_readback *readback_from(object *o) { return (gpumm_readback *)o; }

/* CANCELLED, with why it is shut. */
static gpumm_status readback_over(const gpumm_readback *r) {
    char text[TITLE_BYTES];
    if (atomic_load(&r->group->object.alive)) return fail(GPUMM_CANCELLED, "the readback is closed");
    return fail(GPUMM_CANCELLED, "the readback is closed: %s was freed", gpumm__buffer_label(r->buffers[0], text));
}

/* ---- Capturing ------------------------------------------------------------------------------ */

/* A stream that nobody holds closes behind the work that it has: what came after would not be waited for. */
static bool takes_work(const gpumm_stream *s) { return s->internal || atomic_load(&s->object.alive); }

/* The stream that wrote last, so that the snapshot needs no stream dependency. Submit lock held. */
static gpumm_stream *producer(gpumm_readback *r) {
    context *ctx = r->object.context;
    for (size_t i = 0; i < r->count; i++) {
        const extent *e = r->buffers[i]->extent;
        if (e && e->order.writer && takes_work(e->order.writer)) return e->order.writer;
    }
    return ctx->main;
}

static gpumm_status copy_down(slot *t, gpumm_stream *on, gpumm_address from, uint64_t offset, uint64_t bytes) {
    device *d = on->object.context->device;
    return d->call->copy(d, on->device, COPY_D2H, t->host.address + offset, from, bytes);
}

static gpumm_status copy_members_down(gpumm_readback *r, slot *t, gpumm_stream *on, uint64_t length) {
    for (size_t i = 0; i < r->count; i++)
        TRY(copy_down(t, on, gpumm__buffer_address(r->buffers[i]), gpumm__slot_offset(r, i, length),
                      length * r->buffers[i]->size));
    return GPUMM_OK;
}

/* To its very end: behind it lies what nobody wrote. */
static uint64_t packed_bytes(const gpumm_readback *r, uint64_t length) {
    size_t last = r->count - 1;
    return gpumm__slot_offset(r, last, length) + length * r->buffers[last]->size;
}

/* Behind the snapshot, which is in the slot's device staging. */
static gpumm_status submit_down(gpumm_readback *r, slot *t, uint64_t length) {
    context *ctx = r->object.context;
    TRY(gpumm__order_use(&t->order, ctx->copies, GPUMM_ACCESS_READ));
    return copy_down(t, ctx->copies, t->device.address, 0, packed_bytes(r, length));
}

static gpumm_status copy_members_within(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    device *d = r->object.context->device;
    for (size_t i = 0; i < r->count; i++)
        TRY(d->call->copy(d, s->device, COPY_D2D, t->device.address + gpumm__slot_offset(r, i, length),
                          gpumm__buffer_address(r->buffers[i]), length * r->buffers[i]->size));
    return GPUMM_OK;
}

/* Device to device on the producing stream, and that is all. */
static gpumm_status submit_within(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], s, GPUMM_ACCESS_READ));
    TRY(gpumm__order_use(&t->order, s, GPUMM_ACCESS_WRITE));
    return copy_members_within(r, t, s, length);
}

/* Device to device on the producing stream; then the copy stream takes over. */
static gpumm_status submit_staged(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    TRY(submit_within(r, t, s, length));
    return submit_down(r, t, length);
}

/* Straight to the host: the copy stream reads the buffers, and their next writer waits for it. */
static gpumm_status submit_direct(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    context *ctx = r->object.context;
    TRY(gpumm__stream_depend(s, ctx->copies));
    TRY(gpumm__order_use(&t->order, ctx->copies, GPUMM_ACCESS_WRITE));
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], ctx->copies, GPUMM_ACCESS_READ));
    return copy_members_down(r, t, ctx->copies, length);
}

/* On the producing stream itself: what is small is through before a second stream would have begun. */
static gpumm_status submit_inline(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], s, GPUMM_ACCESS_READ));
    TRY(gpumm__order_use(&t->order, s, GPUMM_ACCESS_WRITE));
    return copy_members_down(r, t, s, length);
}

static gpumm_status submit_copies(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    if (!length) return GPUMM_OK;
    if (r->on_device) return submit_within(r, t, s, length);
    if (t->copier == s) return submit_inline(r, t, s, length);
    return r->direct ? submit_direct(r, t, s, length) : submit_staged(r, t, s, length);
}

static void describe(gpumm_readback *r, slot *t, int64_t step, uint64_t length) {
    t->info = (gpumm_frame_info){.step = step,
                                 .length = length,
                                 .generation = r->group->generation,
                                 .time = gpumm__clock_seconds(),
                                 .dropped = r->dropped,
                                 .ticket = r->newest + 1};
}

static bool is_inline(const gpumm_readback *r, uint64_t length) {
    return r->inline_bytes && packed_bytes(r, length) <= r->inline_bytes;
}

/* Copies that are a capture's say so in a trace. Submit lock held. */
static void call_copies(const gpumm_readback *r, int64_t step) {
    device *traced = r->object.context->tracing.traced;
    if (traced) gpumm__traced_call(traced, &(traced_label){"capture", r->buffers[0]->full_name, r->newest + 1, step});
}

static void call_copies_no_more(const gpumm_readback *r) {
    device *traced = r->object.context->tracing.traced;
    if (traced) gpumm__traced_call(traced, NULL);
}

/* Submit lock held. Whatever fails, the slot's order knows what was enqueued on its memory. */
static gpumm_status submit(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length) {
    context *ctx = r->object.context;
    device *d = ctx->device;
    gpumm_stream *copier = r->on_device || is_inline(r, length) ? s : ctx->copies;
    t->copier = copier;
    call_copies(r, step);
    gpumm_status status = submit_copies(r, t, s, length);
    call_copies_no_more(r);
    TRY(status);
    return d->call->event_record(d, t->done, copier->device);
}

/* *fits: false where the slot is too small for the present length, and nothing was done. */
static gpumm_status capture_into(gpumm_readback *r, slot *t, gpumm_stream *given, int64_t step, bool *fits) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm__gate_pass(r->group);
    uint64_t length = r->group->length;
    gpumm_stream *s = given ? given : producer(r);
    gpumm_status status = GPUMM_OK;
    *fits = gpumm__slot_fits(r, t, length);
    if (!r->buffers[0]->extent) status = fail(GPUMM_STALE, "what the readback reads was freed");
    else if (gpumm__stream_not_capturing(s) != GPUMM_OK) status = GPUMM_BUSY;
    else if (*fits) status = submit(r, t, s, step, length);
    if (status == GPUMM_OK && *fits) describe(r, t, step, length);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* *fits: false where the worker is fitting the slot, so that the caller pauses and comes again. */
static gpumm_status capture_fitting(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, bool *fits) {
    for (;;) {
        TRY(capture_into(r, t, s, step, fits));
        if (*fits || t->fitting) return GPUMM_OK;
        TRY(gpumm__slot_fit(r, t));
    }
}

/* Readback lock held. */
static gpumm_ticket give_ticket(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    t->ticket = ++r->newest;
    t->lent = false;
    t->state = SLOT_FLYING;
    pthread_mutex_lock(&ctx->lock);
    ctx->transfers++;
    pthread_mutex_unlock(&ctx->lock);
    return t->ticket;
}

static void count_dropped(gpumm_readback *r, unsigned count) {
    context *ctx = r->object.context;
    r->dropped += count;
    pthread_mutex_lock(&ctx->lock);
    ctx->dropped += count;
    pthread_mutex_unlock(&ctx->lock);
    if (count && ctx->tracing.traced) gpumm__tracing_dropped(&ctx->tracing, r->buffers[0]->full_name, count);
}

/* One look at a slot's copy; where it is under way still, a pause without the lock, in which the slot's event
   may go: only under the lock is it known to be there. */
static gpumm_status look_or_pause(gpumm_readback *r, slot *t, uint64_t since, uint64_t deadline) {
    context *ctx = r->object.context;
    wait_pause pause;
    bool reached;
    TRY(gpumm__context_look(ctx, t->done, &reached));
    if (reached) return GPUMM_OK;
    gpumm__context_pause_begin(ctx, &pause, t->done, since);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_pause_end(ctx, &pause, deadline);
    pthread_mutex_lock(&r->lock);
    return GPUMM_OK;
}

/* How long a capture may wait for room. */
typedef struct patience {
    uint64_t since, deadline; /* until the deadline for somebody who takes a frame; for copies without a bound */
    bool counts;              /* a refusal counts as dropped */
} patience;

static bool all_are_kept(const gpumm_readback *r) {
    bool all = true;
    for (unsigned i = 0; i < r->slot_count; i++)
        all = all && r->slots[i].frame && atomic_load(&r->slots[i].frame->kept);
    return all;
}

static gpumm_status refuse(gpumm_readback *r, const patience *p) {
    if (p->counts) count_dropped(r, 1);
    if (all_are_kept(r))
        return fail(GPUMM_BUSY, "all %u slots hold frames that are kept: release some, or use more slots",
                    r->slot_count);
    return fail(GPUMM_BUSY,
                "all %u slots are taken: take frames with latest, next or wait, release kept ones, or use more slots",
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
    if (!arrived->lent) count_dropped(r, 1);
}

/* Work on the device reads a slot whose frame ended. */
static void pause_for_readers(gpumm_readback *r) {
    pthread_mutex_unlock(&r->lock);
    gpumm__clock_sleep_ns(20000);
    pthread_mutex_lock(&r->lock);
}

/* Makes room, or waits for what may, where every slot is taken; BUSY where the policy refuses. */
static gpumm_status make_room(gpumm_readback *r, const patience *p) {
    slot *arrived = gpumm__slot_replaceable(r), *flying = gpumm__slot_under_way(r);
    if (r->busy == GPUMM_BUSY_DROP) return refuse(r, p);
    if (r->busy == GPUMM_BUSY_NEWEST && arrived) return replace(r, arrived), GPUMM_OK;
    if (flying) return look_or_pause(r, flying, p->since, UINT64_MAX);
    if (r->busy == GPUMM_BUSY_WAIT && gpumm__slot_any_read(r)) return pause_for_readers(r), GPUMM_OK;
    if (gpumm__clock_ns() >= p->deadline) return refuse(r, p);
    wait_for_taker(r, p);
    return GPUMM_OK;
}

/* Readback lock held, and again on return. */
static gpumm_status room_for_capture(gpumm_readback *r, const patience *p, slot **out) {
    for (;;) {
        if (r->shut) return readback_over(r);
        gpumm_status copies = gpumm__ring_refresh(r);
        if (atomic_load(&r->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        *out = gpumm__slot_free(r);
        if (*out) return GPUMM_OK;
        TRY(copies);
        TRY(make_room(r, p));
    }
}

/* ---- The same in parts, for replays of recordings, which make the snapshot themselves ------------------------ */

gpumm_status gpumm__readback_room(gpumm_readback *r, slot **out) {
    bool waits = r->busy == GPUMM_BUSY_WAIT && r->wait_seconds != 0;
    patience p = {gpumm__clock_ns(), waits ? gpumm__clock_deadline(r->wait_seconds) : 0, false};
    return room_for_capture(r, &p, out);
}

gpumm_status gpumm__readback_open_to_captures(const gpumm_readback *r) { return r->shut ? readback_over(r) : GPUMM_OK; }

bool gpumm__readback_in_line(const gpumm_readback *r, uint64_t length) {
    return !r->on_device && (r->direct || is_inline(r, length));
}

gpumm_status gpumm__readback_behind(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length) {
    context *ctx = r->object.context;
    bool staged = length && !r->on_device && !gpumm__readback_in_line(r, length);
    gpumm_stream *copier = staged ? ctx->copies : s;
    t->copier = copier;
    call_copies(r, step);
    gpumm_status status = staged ? submit_down(r, t, length) : GPUMM_OK;
    call_copies_no_more(r);
    TRY(status);
    TRY(ctx->device->call->event_record(ctx->device, t->done, copier->device));
    describe(r, t, step, length);
    return GPUMM_OK;
}

gpumm_ticket gpumm__readback_captured(gpumm_readback *r, slot *t) {
    if (t) return give_ticket(r, t);
    count_dropped(r, 1);
    return 0;
}

/* ---- Capturing at once ---------------------------------------------------------------------- */

static gpumm_status capture(gpumm_readback *r, gpumm_stream *s, int64_t step, const patience *p, gpumm_ticket *ticket) {
    for (;;) {
        slot *t = NULL;
        bool fits = false;
        TRY(room_for_capture(r, p, &t));
        gpumm_status status = capture_fitting(r, t, s, step, &fits);
        if (status != GPUMM_OK) return gpumm__explain(r->object.context, status);
        if (fits) return *ticket = give_ticket(r, t), GPUMM_OK;
        pthread_mutex_unlock(&r->lock);
        gpumm__clock_sleep_ns(20000);
        pthread_mutex_lock(&r->lock);
    }
}

gpumm_status gpumm__readback_capture(gpumm_readback *r, gpumm_stream *s, int64_t step, gpumm_ticket *ticket) {
    bool waits = r->busy == GPUMM_BUSY_WAIT && r->wait_seconds != 0;
    patience p = {gpumm__clock_ns(), waits ? gpumm__clock_deadline(r->wait_seconds) : 0, true};
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
    patience p = {.since = gpumm__clock_ns()};
    TRY(enter_capture(r, given, &s));
    gpumm_ticket given_ticket;
    pthread_mutex_lock(&r->lock);
    gpumm_status status = capture(r, s, step, &p, ticket ? ticket : &given_ticket);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

/* ---- Asking for a snapshot ------------------------------------------------------------------ */

static gpumm_status ticket_gone(gpumm_readback *r, gpumm_ticket ticket) {
    if (ticket > r->newest)
        return fail(GPUMM_INVALID_ARGUMENT, "ticket %llu was never given: the newest is %llu",
                    (unsigned long long)ticket, (unsigned long long)r->newest);
    return fail(GPUMM_STALE, "the frame of ticket %llu has ended", (unsigned long long)ticket);
}

/* The slot of a ticket that can still be had. Readback lock held. */
static gpumm_status slot_of(gpumm_readback *r, gpumm_ticket ticket, slot **out) {
    if (r->shut) return readback_over(r);
    if (!r->newest) return fail(GPUMM_NOT_PENDING, "nothing was captured yet");
    if (!ticket) ticket = r->newest;
    gpumm_status copies = gpumm__ring_refresh(r);
    slot *t = NULL;
    for (unsigned i = 0; i < r->slot_count; i++)
        if (r->slots[i].ticket == ticket) t = &r->slots[i];
    if (!t || t->state == SLOT_ENDED) return ticket_gone(r, ticket);
    if (t->state == SLOT_CANCELLED || t->state == SLOT_UNWANTED)
        return fail(GPUMM_CANCELLED, "ticket %llu was cancelled", (unsigned long long)ticket);
    *out = t;
    return t->state == SLOT_FLYING ? copies : GPUMM_OK;
}

gpumm_status gpumm_readback_ready(gpumm_readback *r, gpumm_ticket ticket, bool *ready) {
    NOT_NULL(r, "readback");
    NOT_NULL(ready, "ready");
    TRY(gpumm__context_enter(r->object.context));
    slot *t = NULL;
    pthread_mutex_lock(&r->lock);
    gpumm_status status = slot_of(r, ticket, &t);
    if (status == GPUMM_OK) *ready = t->state != SLOT_FLYING;
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_readback_cancel(gpumm_readback *r, gpumm_ticket ticket) {
    NOT_NULL(r, "readback");
    TRY(gpumm__context_enter(r->object.context));
    slot *t = NULL;
    pthread_mutex_lock(&r->lock);
    gpumm_status status = slot_of(r, ticket, &t);
    if (status == GPUMM_OK && t->state == SLOT_HELD)
        status = fail(GPUMM_NOT_PENDING, "ticket %llu was delivered already", (unsigned long long)t->ticket);
    if (status == GPUMM_OK) {
        t->state = t->state == SLOT_FLYING ? SLOT_CANCELLED : SLOT_UNWANTED;
        gpumm__waiter_wake(&r->object.context->waiter);
    }
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

/* Readback lock held, and again on return; other threads may do anything meanwhile. */
static gpumm_status wait_arrived(gpumm_readback *r, gpumm_ticket ticket, uint64_t deadline, slot **out, wait_end *end) {
    *end = WAIT_REACHED;
    for (uint64_t since = gpumm__clock_ns();;) {
        TRY(slot_of(r, ticket, out));
        if (atomic_load(&r->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        if ((*out)->state != SLOT_FLYING) return GPUMM_OK;
        if (gpumm__clock_ns() >= deadline) return *end = WAIT_TIMED_OUT, GPUMM_OK;
        ticket = (*out)->ticket;
        TRY(look_or_pause(r, *out, since, deadline));
    }
}

/* The newest that has arrived since the current frame. Readback lock held. */
static slot *find_newest(gpumm_readback *r) {
    gpumm_ticket at_least = r->current ? r->current->info.ticket : 0;
    slot *newest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (t->state == SLOT_ARRIVED && t->ticket > at_least && (!newest || t->ticket > newest->ticket)) newest = t;
    }
    return newest;
}

/* One that is newer than the current. */
static gpumm_status wait_remote(gpumm_readback *r, double seconds, gpumm_frame **out) {
    uint64_t deadline = gpumm__clock_deadline(seconds);
    for (;;) {
        pthread_mutex_lock(&r->lock);
        gpumm_status status = r->shut ? readback_over(r) : gpumm__ring_refresh(r);
        slot *t = find_newest(r);
        bool closing = atomic_load(&r->object.context->closing);
        if (t) status = gpumm__frame_deliver(r, t, out);
        pthread_mutex_unlock(&r->lock);
        if (t || status != GPUMM_OK) return status;
        if (closing) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        if (gpumm__clock_ns() >= deadline) return fail(GPUMM_TIMEOUT, "the time to wait ran out");
        gpumm__clock_sleep_ns(100000);
    }
}

gpumm_status gpumm__readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out) {
    slot *t = NULL;
    wait_end end;
    if (r->remote && !ticket) return wait_remote(r, seconds, out);
    pthread_mutex_lock(&r->lock);
    gpumm_status status = wait_arrived(r, ticket, gpumm__clock_deadline(seconds), &t, &end);
    if (status == GPUMM_OK && end == WAIT_REACHED) status = gpumm__frame_deliver(r, t, out);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    return status == GPUMM_OK && end == WAIT_TIMED_OUT ? fail(GPUMM_TIMEOUT, "the time to wait ran out") : status;
}

gpumm_status gpumm_readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out) {
    NOT_NULL(r, "readback");
    NOT_NULL(out, "out");
    TRY(gpumm__context_enter(r->object.context));
    gpumm_status status = gpumm__readback_wait(r, ticket, seconds, out);
    gpumm__context_leave(r->object.context);
    return status;
}

/* Those that are older than what was delivered go. */
static void pass_over(gpumm_readback *r) {
    unsigned count = 0;
    for (unsigned i = 0; i < r->slot_count; i++) {
        if (r->slots[i].state != SLOT_ARRIVED) continue;
        gpumm__slot_end(r, &r->slots[i]);
        count += !r->slots[i].lent;
    }
    if (!count) return;
    count_dropped(r, count);
    gpumm__waiter_wake(&r->object.context->waiter);
}

static gpumm_status deliver_newest(gpumm_readback *r, gpumm_frame **out) {
    if (r->shut) return readback_over(r);
    gpumm_status copies = gpumm__ring_refresh(r);
    slot *t = find_newest(r);
    if (!t) TRY(copies);
    if (t) TRY(gpumm__frame_deliver(r, t, out));
    else *out = r->current ? gpumm_frame_retain(r->current) : NULL;
    pass_over(r);
    return GPUMM_OK;
}

/* In the order of tickets: nothing overtakes what is under way on another stream. */
static gpumm_status deliver_oldest(gpumm_readback *r, gpumm_frame **out) {
    if (r->shut) return readback_over(r);
    gpumm_status copies = gpumm__ring_refresh(r);
    slot *arrived = gpumm__slot_oldest(r, SLOT_ARRIVED), *flying = gpumm__slot_oldest(r, SLOT_FLYING);
    if (arrived && (!flying || arrived->ticket < flying->ticket)) return gpumm__frame_deliver(r, arrived, out);
    *out = NULL;
    return copies;
}

gpumm_status gpumm_readback_latest(gpumm_readback *r, gpumm_frame **out) {
    NOT_NULL(r, "readback");
    NOT_NULL(out, "out");
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = deliver_newest(r, out);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_readback_next(gpumm_readback *r, gpumm_frame **out) {
    NOT_NULL(r, "readback");
    NOT_NULL(out, "out");
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = deliver_oldest(r, out);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

/* ---- Making --------------------------------------------------------------------------------- */

static void drop_current(gpumm_readback *r) {
    gpumm_frame *f = r->current;
    r->current = NULL;
    if (f) gpumm__frame_drop(f);
}

/* A kept frame holds its slot, unless `also_kept`. True: no slot is left. */
static bool shut(gpumm_readback *r, bool also_kept) {
    pthread_mutex_lock(&r->lock);
    r->shut = true;
    if (r->remote) r->remote->closed(r->remote, r);
    gpumm__ring_wait_fitted(r);
    gpumm__ring_leave(r);
    bool all = gpumm__frame_give_slots(r, also_kept);
    if (r->current && !gpumm_frame_valid(r->current)) drop_current(r);
    gpumm__notify(r, GPUMM_CANCELLED);
    pthread_mutex_unlock(&r->lock);
    return all;
}

static void readback_dispose(object *o) { shut(readback_from(o), true); }

/* The readback stays listed until the last kept frame ends. */
static void readback_close(gpumm_readback *r) {
    if (shut(r, false)) gpumm__object_dispose(&r->object);
}

/* Its group is freed: what is pending is CANCELLED, memory returns behind its event. */
static void freed(follower *f) {
    readback_close((gpumm_readback *)(void *)((char *)f - offsetof(gpumm_readback, follower)));
}

static void readback_destroy(object *o) {
    gpumm_readback *r = readback_from(o);
    const gpumm_allocator *memory = &o->context->memory;
    gpumm_group *g = r->group;
    remote *from = r->remote;
    gpumm__notify_close(r);
    gpumm__mem_free(memory, r->tag);
    pthread_mutex_destroy(&r->lock);
    gpumm__mem_free(memory, r);
    gpumm__object_drop(&g->object);
    if (from) from->forgotten(from);
}

static const object_class readback_class = {RANK_READBACK, readback_dispose, readback_destroy, gpumm__ring_reclaim};

/* Where they are copied straight to the host, large ones are no better off in line. */
static uint64_t inline_bytes(const context *ctx, const gpumm_readback_options *o) {
    if (o->inline_bytes == GPUMM_INLINE_NEVER) return 0;
    if (o->inline_bytes) return o->inline_bytes;
    return ctx->device->inline_snapshots && !o->direct ? SNAPSHOT_INLINE_BYTES : 0;
}

static gpumm_readback *struct_new(gpumm_group *g, const size_t *members, const gpumm_readback_options *o) {
    context *ctx = g->object.context;
    unsigned slots = o->slots ? o->slots : 2; /* at most READBACK_SLOTS: this cannot overflow */
    gpumm_readback *r = gpumm__mem_new(&ctx->memory, sizeof *r + slots * sizeof r->slots[0]);
    char *tag = gpumm__mem_string(&ctx->memory, o->tag ? o->tag : "");
    if (!r || !tag) {
        gpumm__mem_free(&ctx->memory, r);
        gpumm__mem_free(&ctx->memory, tag);
        return NULL;
    }
    gpumm__object_init(&r->object, ctx, &readback_class);
    pthread_mutex_init(&r->lock, NULL);
    r->group = g;
    r->follower.freed = freed;
    r->tag = tag;
    r->count = o->buffer_count;
    r->slot_count = slots;
    r->direct = o->direct;
    r->on_device = o->where == GPUMM_FRAMES_ON_DEVICE;
    r->shareable = o->shareable;
    r->fd = -1;
    r->busy = o->busy;
    r->wait_seconds = o->wait_seconds;
    r->inline_bytes = inline_bytes(ctx, o);
    for (size_t i = 0; i < r->count; i++) r->buffers[i] = &g->members[members[i]];
    gpumm__object_hold(&g->object);
    return r;
}

/* Those that were closed may still wait for their copies, with all that they hold of pinned memory. */
static gpumm_readback *struct_patiently(gpumm_group *g, const size_t *members, const gpumm_readback_options *o) {
    gpumm_readback *r = struct_new(g, members, o);
    for (unsigned stage = 0; !r && gpumm__relieve(g->object.context, GPUMM_OUT_OF_MEMORY, sizeof *r, &stage);)
        r = struct_new(g, members, o);
    return r;
}

gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out) {
    gpumm_readback *r = struct_patiently(g, members, o);
    if (!r) return fail_host_memory(sizeof *r);
    gpumm_status status = gpumm__ring_open(r);
    if (status != GPUMM_OK) {
        gpumm__object_abandon(&r->object);
        return status;
    }
    if (internal) { /* the group's own is no handle: it must not keep the manager open */
        r->internal = true;
        atomic_fetch_sub(&r->object.handles, 1);
        gpumm__context_release(r->object.context);
    }
    *out = r;
    return GPUMM_OK;
}

gpumm_status gpumm__readback_attach(gpumm_group *g, unsigned slots, uint64_t slot_bytes, remote *from,
                                    gpumm_readback **out) {
    size_t members[GROUP_MEMBERS];
    for (size_t i = 0; i < g->count; i++) members[i] = i;
    gpumm_readback_options o = {.buffer_count = g->count, .slots = slots, .where = GPUMM_FRAMES_ON_DEVICE};
    gpumm_readback *r = struct_new(g, members, &o);
    if (!r) return fail_host_memory(sizeof *r);
    r->shareable = true;
    r->remote = from;
    gpumm_status status = gpumm__ring_attach(r, slot_bytes);
    if (status != GPUMM_OK) gpumm__object_abandon(&r->object);
    else *out = r;
    return status;
}

/* Which members of one group the buffers are. */
static gpumm_status members_of(const gpumm_readback_options *o, size_t *members) {
    if (o->buffer_count < 1 || o->buffer_count > GROUP_MEMBERS)
        return fail(GPUMM_INVALID_ARGUMENT, "a readback reads 1 to %d buffers, not %zu", GROUP_MEMBERS,
                    o->buffer_count);
    if (o->slots == 1 || o->slots > READBACK_SLOTS)
        return fail(GPUMM_INVALID_ARGUMENT, "a readback has 2 to %d slots, not %u", READBACK_SLOTS, o->slots);
    if ((unsigned)o->busy > GPUMM_BUSY_WAIT)
        return fail(GPUMM_INVALID_ARGUMENT, "%d is no policy for a busy readback", (int)o->busy);
    if ((unsigned)o->where > GPUMM_FRAMES_ON_DEVICE)
        return fail(GPUMM_INVALID_ARGUMENT, "%d is no place for frames", (int)o->where);
    if (o->where == GPUMM_FRAMES_ON_DEVICE && o->direct)
        return fail(GPUMM_INVALID_ARGUMENT, "frames on the device are what `direct` leaves out: choose one of them");
    NOT_NULL(o->buffers, "options.buffers");
    for (size_t i = 0; i < o->buffer_count; i++) NOT_NULL(o->buffers[i], "one of options.buffers");
    char text[TITLE_BYTES], other[TITLE_BYTES];
    gpumm_group *g = o->buffers[0]->group;
    for (size_t i = 0; i < o->buffer_count; i++) {
        if (o->buffers[i]->group != g)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "%s and %s are not of one group: a readback takes snapshots of one group",
                        gpumm__buffer_label(o->buffers[0], text), gpumm__buffer_label(o->buffers[i], other));
        members[i] = (size_t)(o->buffers[i] - g->members);
        for (size_t j = 0; j < i; j++)
            if (members[j] == members[i])
                return fail(GPUMM_INVALID_ARGUMENT, "%s is named twice", gpumm__buffer_label(o->buffers[i], text));
    }
    return GPUMM_OK;
}

gpumm_status gpumm_readback_open(const gpumm_readback_options *given, gpumm_readback **out) {
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    size_t members[GROUP_MEMBERS];
    gpumm_readback_options copy, *o = &copy;
    TRY(ABI_READ(o, given, "gpumm_readback_options"));
    TRY(members_of(o, members));
    gpumm_group *g = o->buffers[0]->group;
    if (o->shareable && (o->where != GPUMM_FRAMES_ON_DEVICE || !g->object.context->info.in_place))
        return fail(GPUMM_INVALID_ARGUMENT,
                    o->where == GPUMM_FRAMES_ON_DEVICE
                        ? "shareable memory is not to be had on a device that grows by copying"
                        : "frames in host memory are not shareable: choose frames on the device");
    TRY(gpumm__group_enter(g));
    gpumm_status status = gpumm__readback_make(g, members, o, false, out);
    gpumm__group_leave(g);
    return status;
}

/* ---- Handles -------------------------------------------------------------------------------- */

gpumm_readback *gpumm_readback_retain(gpumm_readback *r) {
    if (!r) return NULL;
    gpumm__object_retain(&r->object);
    return r;
}

/* The last handle and close do the same: what nobody holds goes now, kept frames when they end. */
void gpumm_readback_release(gpumm_readback *r) {
    if (!r) return;
    context *ctx = r->object.context;
    bool last = atomic_fetch_sub(&r->object.handles, 1) == 1 && !r->internal;
    if (last && gpumm__context_enter(ctx) == GPUMM_OK) { /* else the manager's close does it */
        readback_close(r);
        gpumm__context_leave(ctx);
    }
    gpumm__object_drop(&r->object);
    gpumm__context_release(ctx);
}

void gpumm_readback_close(gpumm_readback *r) {
    if (!r) return;
    if (gpumm__object_enter(&r->object, "readback") != GPUMM_OK) return;
    readback_close(r);
    gpumm__object_leave(&r->object);
}

gpumm_manager *gpumm_readback_manager(const gpumm_readback *r) { return r ? manager_of(r->object.context) : NULL; }

size_t gpumm_readback_count(const gpumm_readback *r) { return r ? r->count : 0; }

gpumm_buffer *gpumm_readback_buffer(gpumm_readback *r, size_t index) {
    if (!r) return NULL;
    return index < r->count ? r->buffers[index] : NULL;
}

uint64_t gpumm_readback_dropped(const gpumm_readback *r) {
    if (!r) return 0;
    gpumm_readback *self = (gpumm_readback *)(uintptr_t)r;
    pthread_mutex_lock(&self->lock);
    uint64_t dropped = r->dropped;
    pthread_mutex_unlock(&self->lock);
    return dropped;
}

gpumm_ticket gpumm_readback_newest(const gpumm_readback *r) {
    if (!r) return 0;
    gpumm_readback *self = (gpumm_readback *)(uintptr_t)r;
    pthread_mutex_lock(&self->lock);
    gpumm_ticket newest = r->newest;
    pthread_mutex_unlock(&self->lock);
    return newest;
}
