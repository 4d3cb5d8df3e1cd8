/* SPDX-License-Identifier: MIT */
/* The ring's memory: fitted to the group's capacity ahead of need, given back behind its last copy. */
#include "core/ring.h"

#include "core/exported.h"
#include "core/pressure.h"
#include "core/report.h"

/* Members start aligned, so a length's products stay below those of the maximum, which were checked. */
uint64_t gpumm__slot_offset(const gpumm_readback *r, size_t i, uint64_t length) {
    uint64_t offset = 0;
    for (size_t j = 0; j < i; j++)
        offset += (length * r->buffers[j]->size + SLOT_MEMBER_ALIGN - 1) / SLOT_MEMBER_ALIGN * SLOT_MEMBER_ALIGN;
    return offset;
}

bool gpumm__slot_fits(const gpumm_readback *r, const slot *t, uint64_t length) {
    uint64_t bytes = gpumm__slot_offset(r, r->count, length);
    return (r->on_device || t->held[PLACE_HOST] >= bytes) && (r->direct || t->held[PLACE_DEVICE] >= bytes);
}

slot *gpumm__slot_oldest(gpumm_readback *r, slot_state state) {
    slot *oldest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (t->state == state && (!oldest || t->ticket < oldest->ticket)) oldest = t;
    }
    return oldest;
}

slot *gpumm__slot_replaceable(gpumm_readback *r) {
    slot *oldest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (t->state == SLOT_ARRIVED && !t->loans && (!oldest || t->ticket < oldest->ticket)) oldest = t;
    }
    return oldest;
}

static bool is_free(const slot *t) {
    return !t->readers.count && !t->loans &&
           (t->state == SLOT_EMPTY || t->state == SLOT_ENDED || t->state == SLOT_UNWANTED);
}

slot *gpumm__slot_free(gpumm_readback *r) {
    slot *found = NULL;
    for (unsigned i = 0; i < r->slot_count; i++)
        if (is_free(&r->slots[i]) && (!found || found->fitting)) found = &r->slots[i];
    return found;
}

static bool under_way(const slot *t) { return !t->given && (t->state == SLOT_FLYING || t->state == SLOT_CANCELLED); }

/* The oldest of those under way that are younger than `ticket`. */
static slot *under_way_after(gpumm_readback *r, gpumm_ticket ticket) {
    slot *oldest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (under_way(t) && t->ticket > ticket && (!oldest || t->ticket < oldest->ticket)) oldest = t;
    }
    return oldest;
}

slot *gpumm__slot_under_way(gpumm_readback *r) { return under_way_after(r, 0); }

/* A stream makes its copies in the order of their tickets. */
static bool is_behind_another(const gpumm_readback *r, const slot *t) {
    for (unsigned i = 0; i < r->slot_count; i++) {
        const slot *other = &r->slots[i];
        if (under_way(other) && other->copier == t->copier && other->ticket < t->ticket) return true;
    }
    return false;
}

/* A copy that is through leaves no order behind: the slot's next use need not wait for other slots' copies. */
static void arrive(gpumm_readback *r, slot *t) {
    t->state = t->state == SLOT_FLYING ? SLOT_ARRIVED : SLOT_UNWANTED;
    pthread_mutex_lock(&r->object.context->submit);
    gpumm__order_clear(&t->order);
    pthread_mutex_unlock(&r->object.context->submit);
}

/* ---- Readers of frames on the device --------------------------------------------------------- */

static void tell_ended(gpumm_readback *r, const slot *t) {
    if (r->remote) r->remote->ended(r->remote, r, (unsigned)(t - r->slots));
}

/* Work of the stream that captures is in order with the next capture anyway. */
void gpumm__slot_end(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    order users = {0};
    gpumm_status status = GPUMM_OK;
    t->frame = NULL;
    t->state = SLOT_ENDED;
    if (!r->on_device || t->given) return;
    pthread_mutex_lock(&ctx->submit);
    if (!gpumm__order_only(&t->order, t->copier)) status = gpumm__order_merge(&users, &t->order);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__order_watch(&users,
                       &t->readers); /* what could not be merged stays in the slot's order, which captures follow */
    pthread_mutex_lock(&ctx->submit);
    gpumm__order_clear(&users);
    pthread_mutex_unlock(&ctx->submit);
    (void)status;
    if (!t->readers.count) tell_ended(r, t);
}

bool gpumm__slot_any_read(const gpumm_readback *r) {
    bool any = false;
    for (unsigned i = 0; i < r->slot_count; i++) any = any || r->slots[i].readers.count;
    return any;
}

static void forget_readers(gpumm_readback *r, slot *t) {
    gpumm__deferred_events_give(&r->object.context->deferred, &t->readers);
    t->readers.count = 0;
}

static void see_readers(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    if (!t->readers.count || t->given || !gpumm__deferred_reached(&ctx->deferred, &t->readers)) return;
    forget_readers(r, t);
    pthread_mutex_lock(&ctx->submit);
    gpumm__order_clear(&t->order);
    pthread_mutex_unlock(&ctx->submit);
    tell_ended(r, t);
}

/* ---- What has arrived ------------------------------------------------------------------------ */

void gpumm__ring_see_readers(gpumm_readback *r) {
    for (unsigned i = 0; i < r->slot_count; i++) see_readers(r, &r->slots[i]);
}

gpumm_status gpumm__ring_refresh_to(gpumm_readback *r, gpumm_ticket last) {
    device *d = r->object.context->device;
    gpumm_status status = GPUMM_OK;
    gpumm__ring_see_readers(r);
    if (r->remote) return r->remote->refresh(r->remote, r);
    for (slot *t = under_way_after(r, 0); t && t->ticket <= last; t = under_way_after(r, t->ticket)) {
        bool done = false;
        if (is_behind_another(r, t)) continue;
        gpumm_status now = d->call->event_query(d, t->done, &done);
        if (now != GPUMM_OK) status = now;
        else if (done) arrive(r, t);
    }
    return status;
}

gpumm_status gpumm__ring_refresh(gpumm_readback *r) { return gpumm__ring_refresh_to(r, UINT64_MAX); }

/* ---- Fitting -------------------------------------------------------------------------------- */

static uint64_t capacity_of(const gpumm_readback *r) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    uint64_t capacity = r->group->capacity;
    pthread_mutex_unlock(&ctx->submit);
    return capacity;
}

/* Readback lock held. What is being fitted counts as it was, until it is. */
static void count_committed(gpumm_readback *r) {
    uint64_t bytes[PLACE_COUNT] = {0};
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (!t->fitting) {
            t->held[PLACE_DEVICE] = t->device.committed;
            t->held[PLACE_HOST] = t->host.committed;
            t->held[PLACE_SPILLED] = t->device.spilled;
        }
        for (int p = 0; p < PLACE_COUNT; p++) bytes[p] += t->held[p];
    }
    for (int p = 0; p < PLACE_COUNT; p++) atomic_store(&r->committed[p], bytes[p]);
}

/* Nobody may use what a block is exchanged for a larger one: a failed capture may have left work on it. */
static void settle(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    order users = gpumm__order_take(&t->order);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__order_drain(&users, ctx);
}

static gpumm_status commit(range *g, uint64_t bytes, bool spills) {
    return spills ? gpumm__range_spill(g, bytes) : gpumm__range_commit(g, bytes);
}

static gpumm_status fit_range(gpumm_readback *r, slot *t, range *g, uint64_t bytes, bool spills) {
    if (gpumm__range_can_commit(g, bytes)) return commit(g, bytes, spills);
    range fresh;
    TRY(gpumm__range_open(&fresh, g->device, g->where, g->reserved));
    fresh.spill = g->spill;
    gpumm_status status = commit(&fresh, bytes, spills);
    if (status != GPUMM_OK) {
        (void)gpumm__range_close(&fresh); /* nothing was committed */
        return status;
    }
    settle(r, t);
    gpumm__extent_discard(r->object.context, g);
    *g = fresh;
    return GPUMM_OK;
}

static gpumm_status fit_once(gpumm_readback *r, slot *t, uint64_t bytes, bool spills) {
    if (!r->on_device) TRY(fit_range(r, t, &t->host, bytes, false));
    return r->direct ? GPUMM_OK : fit_range(r, t, &t->device, bytes, spills);
}

/* What the slots stand for at a capacity. Manager's lock held. */
static void book_locked(gpumm_readback *r, uint64_t capacity) {
    context *ctx = r->object.context;
    uint64_t logical = capacity * r->row_bytes * r->slot_count;
    gpumm__ledger_set(&ctx->books, &r->staging, r->direct ? 0 : logical, 0, atomic_load(&r->committed[PLACE_DEVICE]));
    gpumm__ledger_set_spilled(&ctx->books, &r->staging, atomic_load(&r->committed[PLACE_SPILLED]));
    gpumm__ledger_set(&ctx->books, &r->pinned, r->on_device ? 0 : logical, 0, atomic_load(&r->committed[PLACE_HOST]));
}

/* The capacity stays while it is booked: whoever changes it books it after, and must not be overwritten with one
   from before. */
static void book(gpumm_readback *r) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    pthread_mutex_lock(&ctx->lock);
    book_locked(r, r->shut ? 0 : r->group->capacity);
    pthread_mutex_unlock(&ctx->lock);
    pthread_mutex_unlock(&ctx->submit);
}

gpumm_status gpumm__slot_fit(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    uint64_t bytes = gpumm__slot_offset(r, r->count, capacity_of(r));
    gpumm_status status = fit_once(r, t, bytes, false);
    /* Spare memory and what is on its way back; not the application's hook, which may want this very readback. */
    for (unsigned stage = 0; stage < 2 && gpumm__relieve(ctx, status, bytes, &stage);)
        status = fit_once(r, t, bytes, false);
    if (gpumm__pressure_spills(ctx, status)) status = fit_once(r, t, bytes, true);
    count_committed(r);
    book(r);
    return status;
}

/* Behind what is there: nobody need wait for that, nor stop using the slot. Readback lock held, and again on
   return. */
static void fit_behind(gpumm_readback *r, slot *t, uint64_t bytes) {
    t->fitting = true;
    pthread_mutex_unlock(&r->lock);
    fit_once(r, t, bytes, false);
    pthread_mutex_lock(&r->lock);
    t->fitting = false;
}

static void fit_slot(gpumm_readback *r, slot *t, uint64_t bytes) {
    bool in_place = (r->on_device || gpumm__range_can_commit(&t->host, bytes)) &&
                    (r->direct || gpumm__range_can_commit(&t->device, bytes));
    if (in_place) fit_behind(r, t, bytes);
    else if (is_free(t)) fit_once(r, t, bytes, false);
}

/* ---- Giving back what the capacity does not need ------------------------------------------------ */

/* Whole segments where that is enough. Otherwise all of it, as what is in a free slot need not be kept. */
static void give_surplus(gpumm_readback *r, range *g, uint64_t bytes) {
    if (!g->device || g->committed <= gpumm__range_needed(g, bytes)) return; /* it may have no such half */
    if (g->in_place) {
        gpumm__range_decommit(g, bytes);
        if (g->refused == GPUMM_OK && g->committed > gpumm__range_needed(g, bytes)) gpumm__range_decommit(g, 0);
        if (g->refused != GPUMM_OK) gpumm__context_background_failed(r->object.context, g->refused);
    } else {
        range fresh;
        if (gpumm__range_open(&fresh, g->device, g->where, g->reserved) != GPUMM_OK) return;
        fresh.spill = g->spill;
        gpumm__extent_discard(r->object.context, g);
        *g = fresh;
    }
    (void)gpumm__range_commit(g, bytes); /* a capture asks again */
}

/* A failed capture may have left work on it. */
static bool is_unused(gpumm_readback *r, const slot *t) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    bool used = t->order.writer || t->order.readers;
    pthread_mutex_unlock(&ctx->submit);
    return is_free(t) && !used && !t->fitting;
}

/* Whole blocks only where the caller waits anyway: freeing one may wait for all that is under way. What other processes
   have stays as it is. Readback lock held. */
static void give_all_surplus(gpumm_readback *r, uint64_t bytes, bool blocks) {
    if (r->shareable) return;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (!is_unused(r, t)) continue;
        if (blocks || t->host.in_place) give_surplus(r, &t->host, bytes);
        if (!r->direct && (blocks || t->device.in_place)) give_surplus(r, &t->device, bytes);
    }
}

/* Nobody may have looked for what came, or was cancelled, since. */
static void see_arrivals(gpumm_readback *r) {
    if (!r->remote) (void)gpumm__ring_refresh(r); /* what it says of copies, a call says again */
}

/* What is copied into, or read, or fitted now, is left to the next time. */
void gpumm__ring_reclaim(object *o) {
    gpumm_readback *r = (gpumm_readback *)o;
    if (pthread_mutex_trylock(&r->lock) != 0) return;
    if (!r->shut) {
        see_arrivals(r);
        give_all_surplus(r, gpumm__slot_offset(r, r->count, capacity_of(r)), true);
        count_committed(r);
        book(r);
    }
    pthread_mutex_unlock(&r->lock);
}

/* On the worker. What fails here is asked for again, and reported, by the capture that needs it. */
static void fit_run(job *j) {
    gpumm_readback *r = (gpumm_readback *)(void *)((char *)j - offsetof(gpumm_readback, fit_job));
    atomic_store(&r->fit_posted, false);
    pthread_mutex_lock(&r->lock);
    uint64_t bytes = gpumm__slot_offset(r, r->count, capacity_of(r));
    if (!r->shut) see_arrivals(r);
    for (unsigned i = 0; i < r->slot_count && !r->shut; i++) fit_slot(r, &r->slots[i], bytes);
    if (!r->shut) {
        give_all_surplus(r, bytes, false);
        count_committed(r);
        book(r);
    }
    pthread_mutex_unlock(&r->lock);
    gpumm__object_drop(&r->object);
}

/* The group's capacity changed: what the slots stand for is booked now, their memory follows on the worker. */
static void resized(follower *f, uint64_t capacity) {
    gpumm_readback *r = (gpumm_readback *)(void *)((char *)f - offsetof(gpumm_readback, follower));
    book_locked(r, capacity);
    if (atomic_exchange(&r->fit_posted, true)) return;
    gpumm__object_hold(&r->object);
    r->fit_job.run = fit_run;
    gpumm__worker_post(&r->object.context->worker, &r->fit_job);
}

/* ---- Joining a group ------------------------------------------------------------------------ */

static gpumm_status slot_open(gpumm_readback *r, slot *t, uint64_t capacity, bool spills) {
    context *ctx = r->object.context;
    device *d = ctx->device;
    uint64_t maximum = gpumm__slot_offset(r, r->count, r->group->max_length),
             bytes = gpumm__slot_offset(r, r->count, capacity);
    t->readback = r;
    TRY(d->call->event_open(d, EVENT_WAKES, &t->done));
    if (!r->on_device) TRY(gpumm__range_open(&t->host, d, PLACE_HOST, maximum));
    if (!r->on_device) TRY(gpumm__range_commit(&t->host, bytes));
    if (r->direct) return GPUMM_OK;
    TRY(gpumm__range_open(&t->device, d, r->shareable ? PLACE_SHARED : PLACE_DEVICE, maximum));
    t->device.spill = r->shareable ? NULL : context_spill(ctx);
    return commit(&t->device, bytes, spills);
}

static void slot_close(gpumm_readback *r, slot *t) {
    if (t->exports) gpumm__exported_leave(r->object.context, t->exports);
    gpumm__extent_discard(r->object.context, &t->device);
    if (t->exports) gpumm__exported_beyond(r->object.context, &t->exports, 0);
    gpumm__extent_discard(r->object.context, &t->host);
    forget_readers(r, t);
    if (t->done) gpumm__context_close_event(r->object.context, t->done);
    t->done = NULL;
}

static gpumm_status open_slots(gpumm_readback *r, uint64_t capacity, bool spills) {
    for (unsigned i = 0; i < r->slot_count; i++) {
        gpumm_status status = slot_open(r, &r->slots[i], capacity, spills);
        if (status == GPUMM_OK) continue;
        for (unsigned j = 0; j <= i; j++) slot_close(r, &r->slots[j]);
        return status;
    }
    return GPUMM_OK;
}

/* Whole and listed before the group may shut it: another thread may free the group as soon as it is followed. */
static void join(gpumm_readback *r) {
    context *ctx = r->object.context;
    gpumm__context_book_open(ctx, &r->staging, GPUMM_CATEGORY_STAGING, r->buffers[0]->full_name, r->tag);
    gpumm__context_book_open(ctx, &r->pinned, GPUMM_CATEGORY_PINNED, r->buffers[0]->full_name, r->tag);
    pthread_mutex_lock(&r->lock);
    count_committed(r);
    gpumm__object_list(&r->object);
    gpumm__group_follow(r->group, &r->follower);
    book(r);
    pthread_mutex_unlock(&r->lock);
}

static gpumm_status open_once(gpumm_readback *r, bool spills) {
    TRY(gpumm__group_charge_follower(r->group, &r->follower));
    gpumm_status status = open_slots(r, capacity_of(r), spills);
    if (status != GPUMM_OK) gpumm__group_uncharge_follower(r->group, &r->follower);
    return status;
}

static gpumm_status open_under_pressure(gpumm_readback *r) {
    context *ctx = r->object.context;
    gpumm_status status = open_once(r, false);
    for (unsigned stage = 0; gpumm__relieve(ctx, status, r->follower.row_bytes * capacity_of(r), &stage);)
        status = open_once(r, false);
    if (gpumm__pressure_spills(ctx, status)) status = open_once(r, true);
    if (!gpumm_status_is_memory_error(status)) return status;
    char text[TITLE_BYTES];
    fail_in(status, "readback of %s: ", gpumm__buffer_label(r->buffers[0], text));
    return gpumm__explain(ctx, status);
}

gpumm_status gpumm__ring_open(gpumm_readback *r) {
    for (size_t i = 0; i < r->count; i++) r->row_bytes += r->buffers[i]->size;
    r->follower.object = &r->object;
    r->follower.resized = resized;
    r->follower.row_bytes = r->row_bytes * r->slot_count * (r->direct || r->on_device ? 1 : 2);
    TRY(open_under_pressure(r));
    r->mapped = r->slot_count;
    join(r);
    return GPUMM_OK;
}

gpumm_status gpumm__ring_attach(gpumm_readback *r, uint64_t slot_bytes) {
    context *ctx = r->object.context;
    gpumm_status status = GPUMM_OK;
    r->left = true; /* it follows another process */
    for (unsigned i = 0; i < r->slot_count && status == GPUMM_OK; i++) {
        r->slots[i].readback = r;
        status = gpumm__range_open(&r->slots[i].device, ctx->device, PLACE_SHARED, slot_bytes);
    }
    for (unsigned i = 0; i < r->slot_count && status != GPUMM_OK; i++) slot_close(r, &r->slots[i]);
    if (status != GPUMM_OK) return status;
    r->mapped = r->slot_count;
    gpumm__context_book_open(ctx, &r->staging, GPUMM_CATEGORY_STAGING, r->buffers[0]->full_name, r->tag);
    gpumm__context_book_open(ctx, &r->pinned, GPUMM_CATEGORY_PINNED, r->buffers[0]->full_name, r->tag);
    gpumm__object_list(&r->object);
    return GPUMM_OK;
}

/* ---- Leaving it ----------------------------------------------------------------------------- */

/* Runs once the slot's last copy is through; the last slot takes the accounts along. */
static void slot_through(deferred *gone) {
    slot *t = (slot *)(void *)((char *)gone - offsetof(slot, gone));
    gpumm_readback *r = t->readback;
    context *ctx = r->object.context;
    uint64_t on_device = r->remote ? 0 : t->device.committed, on_host = t->host.committed, spilled = t->device.spilled;
    slot_close(r, t);
    tell_ended(r, t);
    pthread_mutex_lock(&ctx->lock);
    gpumm__ledger_set(&ctx->books, &r->staging, 0, 0,
                      atomic_fetch_sub(&r->committed[PLACE_DEVICE], on_device) - on_device);
    gpumm__ledger_set_spilled(&ctx->books, &r->staging,
                              atomic_fetch_sub(&r->committed[PLACE_SPILLED], spilled) - spilled);
    gpumm__ledger_set(&ctx->books, &r->pinned, 0, 0, atomic_fetch_sub(&r->committed[PLACE_HOST], on_host) - on_host);
    if (--r->mapped == 0) {
        gpumm__ledger_close(&ctx->books, &r->staging);
        gpumm__ledger_close(&ctx->books, &r->pinned);
    }
    pthread_mutex_unlock(&ctx->lock);
    gpumm__object_drop(&r->object);
}

void gpumm__ring_give(gpumm_readback *r, slot *t) {
    context *ctx = r->object.context;
    t->given = true;
    if (t->state == SLOT_FLYING) t->state = SLOT_CANCELLED;
    gpumm__waiter_wake(&ctx->waiter);
    pthread_mutex_lock(&ctx->submit);
    order users = gpumm__order_take(&t->order);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__object_hold(&r->object);
    /* A driver that frees a whole block of pinned memory waits for all that is under way. */
    if (ctx->info.pinned_in_place) gpumm__order_defer(&users, ctx, &t->gone, slot_through);
    else gpumm__order_defer_later(&users, ctx, &t->gone, slot_through);
}

bool gpumm__ring_is_given(const gpumm_readback *r) {
    bool all = true;
    for (unsigned i = 0; i < r->slot_count; i++) all = all && r->slots[i].given;
    return all;
}

void gpumm__ring_leave(gpumm_readback *r) {
    if (r->left) return;
    r->left = true;
    count_committed(r);
    gpumm__group_unfollow(r->group, &r->follower);
    gpumm__group_uncharge_follower(r->group, &r->follower);
    book(r);
}

void gpumm__ring_wait_fitted(gpumm_readback *r) {
    for (unsigned i = 0; i < r->slot_count;) {
        if (!r->slots[i].fitting) {
            i++;
            continue;
        }
        pthread_mutex_unlock(&r->lock);
        gpumm__clock_sleep_ns(20000);
        pthread_mutex_lock(&r->lock);
    }
}
