/* SPDX-License-Identifier: MIT */
/* Delivery: who asks for a snapshot by its ticket, for the newest or for the next, and waits for it. */
#include "core/delivery.h"

#include "core/capture.h"
#include "core/frame.h"
#include "core/notify.h"

static gpumm_status ticket_gone(gpumm_readback *r, gpumm_ticket ticket) {
    if (ticket > r->newest)
        return fail(GPUMM_INVALID_ARGUMENT, "ticket %llu was never given: the newest is %llu",
                    (unsigned long long)ticket, (unsigned long long)r->newest);
    return fail(GPUMM_STALE, "the frame of ticket %llu has ended", (unsigned long long)ticket);
}

/* The slot of a ticket that can still be had. Readback lock held. */
static gpumm_status slot_of(gpumm_readback *r, gpumm_ticket ticket, slot **out) {
    if (r->shut) return gpumm__readback_over(r);
    if (!r->newest) return fail(GPUMM_NOT_PENDING, "nothing was captured yet");
    if (!ticket) ticket = r->newest;
    /* Who watches is told of what came behind it, too. */
    gpumm_status copies = gpumm__ring_refresh_to(r, readback_is_watched(r) ? UINT64_MAX : ticket);
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
    for (uint64_t since = 0;;) {
        TRY(slot_of(r, ticket, out));
        if (atomic_load(&r->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        if ((*out)->state != SLOT_FLYING) return GPUMM_OK;
        uint64_t now = gpumm__clock_ns();
        if (now >= deadline) return *end = WAIT_TIMED_OUT, GPUMM_OK;
        if (!since) since = now;
        ticket = (*out)->ticket;
        gpumm__readback_pause(r, *out, now - since, deadline);
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
        gpumm_status status = r->shut ? gpumm__readback_over(r) : gpumm__ring_refresh(r);
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
    gpumm__readback_count_dropped(r, count);
    gpumm__waiter_wake(&r->object.context->waiter);
}

static gpumm_status deliver_newest(gpumm_readback *r, gpumm_frame **out) {
    if (r->shut) return gpumm__readback_over(r);
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
    if (r->shut) return gpumm__readback_over(r);
    gpumm_status copies = gpumm__ring_refresh(r);
    slot *arrived = gpumm__slot_oldest(r, SLOT_ARRIVED), *flying = gpumm__slot_oldest(r, SLOT_FLYING);
    if (arrived && (!flying || arrived->ticket < flying->ticket)) return gpumm__frame_deliver(r, arrived, out);
    *out = NULL;
    return copies;
}

typedef gpumm_status delivery(gpumm_readback *r, gpumm_frame **out);

static gpumm_status deliver(gpumm_readback *r, delivery *which, gpumm_frame **out) {
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = which(r, out);
    gpumm__notify(r, status);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_readback_latest(gpumm_readback *r, gpumm_frame **out) {
    NOT_NULL(r, "readback");
    NOT_NULL(out, "out");
    return deliver(r, deliver_newest, out);
}

gpumm_status gpumm_readback_next(gpumm_readback *r, gpumm_frame **out) {
    NOT_NULL(r, "readback");
    NOT_NULL(out, "out");
    return deliver(r, deliver_oldest, out);
}
