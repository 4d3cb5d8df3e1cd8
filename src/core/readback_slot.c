/* SPDX-License-Identifier: MIT */
/* The ring's memory: fitted to the group's capacity ahead of need, given back behind its last copy. */
#include "core/readback_slot.h"

#include "core/pressure.h"
#include "core/stream.h"

/* Members start aligned, so a length's products stay below those of the maximum, which were checked. */
uint64_t gpumm__slot_offset(const gpumm_readback *r, size_t i, uint64_t length) {
    uint64_t offset = 0;
    for (size_t j = 0; j < i; j++)
        offset += (length * r->buffers[j]->size + SLOT_MEMBER_ALIGN - 1) / SLOT_MEMBER_ALIGN * SLOT_MEMBER_ALIGN;
    return offset;
}

bool gpumm__slot_fits(const gpumm_readback *r, const slot *t, uint64_t length) {
    uint64_t bytes = gpumm__slot_offset(r, r->count, length);
    return t->held[PLACE_HOST] >= bytes && (r->direct || t->held[PLACE_DEVICE] >= bytes);
}

slot *gpumm__slot_oldest(gpumm_readback *r, slot_state state) {
    slot *oldest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (t->state == state && (!oldest || t->ticket < oldest->ticket)) oldest = t;
    }
    return oldest;
}

static bool is_free(const slot *t) {
    return t->state == SLOT_EMPTY || t->state == SLOT_ENDED || t->state == SLOT_DROPPED;
}

slot *gpumm__slot_free(gpumm_readback *r) {
    slot *found = NULL;
    for (unsigned i = 0; i < r->slot_count; i++)
        if (is_free(&r->slots[i]) && (!found || found->fitting)) found = &r->slots[i];
    return found;
}

static bool under_way(const slot *t) { return !t->given && (t->state == SLOT_FLYING || t->state == SLOT_CANCELLED); }

slot *gpumm__slot_under_way(gpumm_readback *r) {
    slot *oldest = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (under_way(t) && (!oldest || t->ticket < oldest->ticket)) oldest = t;
    }
    return oldest;
}

/* A copy that is through leaves no order behind: the slot's next use need not wait for other slots' copies. */
static void arrive(gpumm_readback *r, slot *t) {
    t->state = t->state == SLOT_FLYING ? SLOT_ARRIVED : SLOT_DROPPED;
    pthread_mutex_lock(&r->object.manager->submit);
    gpumm__order_clear(&t->order);
    pthread_mutex_unlock(&r->object.manager->submit);
}

/* Copies arrive in the order of their tickets, for one stream makes them: behind one that has not, none is asked
   for. A query that fails means that the device is lost; waiting for the slot will report it. */
void gpumm__slots_refresh(gpumm_readback *r) {
    device *d = r->object.manager->device;
    for (slot *t; (t = gpumm__slot_under_way(r)) != NULL; arrive(r, t)) {
        bool done = false;
        if (d->call->event_query(d, t->done, &done) != GPUMM_OK || !done) return;
    }
}

/* ---- Fitting -------------------------------------------------------------------------------- */

static uint64_t capacity_of(const gpumm_readback *r) {
    gpumm_manager *m = r->object.manager;
    pthread_mutex_lock(&m->submit);
    uint64_t capacity = r->group->capacity;
    pthread_mutex_unlock(&m->submit);
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
        }
        for (int p = 0; p < PLACE_COUNT; p++) bytes[p] += t->held[p];
    }
    for (int p = 0; p < PLACE_COUNT; p++) atomic_store(&r->committed[p], bytes[p]);
}

/* Nobody may use what a block is exchanged for a larger one: a failed capture may have left work on it. */
static void settle(gpumm_readback *r, slot *t) {
    gpumm_manager *m = r->object.manager;
    pthread_mutex_lock(&m->submit);
    gpumm_stream *users[ORDER_READERS + 1];
    unsigned count = 0;
    if (t->order.writer) users[count++] = t->order.writer;
    for (unsigned i = 0; i < t->order.readers; i++) users[count++] = t->order.reader[i];
    for (unsigned i = 0; i < count; i++)
        if (users[i]->device) m->device->call->stream_synchronize(m->device, users[i]->device);
    gpumm__order_clear(&t->order);
    pthread_mutex_unlock(&m->submit);
}

static gpumm_status fit_range(gpumm_readback *r, slot *t, range *g, uint64_t bytes) {
    if (gpumm__range_can_commit(g, bytes)) return gpumm__range_commit(g, bytes);
    range fresh;
    TRY(gpumm__range_open(&fresh, g->device, g->where, g->reserved));
    gpumm_status status = gpumm__range_commit(&fresh, bytes);
    if (status != GPUMM_OK) {
        gpumm__range_close(&fresh);
        return status;
    }
    settle(r, t);
    gpumm__range_close(g);
    *g = fresh;
    return GPUMM_OK;
}

static gpumm_status fit_once(gpumm_readback *r, slot *t, uint64_t bytes) {
    TRY(fit_range(r, t, &t->host, bytes));
    return r->direct ? GPUMM_OK : fit_range(r, t, &t->device, bytes);
}

/* What the slots stand for at a capacity. Manager's lock held. */
static void book_locked(gpumm_readback *r, uint64_t capacity) {
    gpumm_manager *m = r->object.manager;
    uint64_t logical = capacity * r->row_bytes * r->slot_count;
    gpumm__ledger_set(&m->books, &r->staging, r->direct ? 0 : logical, 0, atomic_load(&r->committed[PLACE_DEVICE]));
    gpumm__ledger_set(&m->books, &r->pinned, logical, 0, atomic_load(&r->committed[PLACE_HOST]));
}

/* The capacity stays while it is booked: whoever changes it books it after, and must not be overwritten with one
   from before. */
static void book(gpumm_readback *r) {
    gpumm_manager *m = r->object.manager;
    pthread_mutex_lock(&m->submit);
    pthread_mutex_lock(&m->lock);
    book_locked(r, r->shut ? 0 : r->group->capacity);
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_unlock(&m->submit);
}

gpumm_status gpumm__slot_fit(gpumm_readback *r, slot *t) {
    gpumm_manager *m = r->object.manager;
    uint64_t bytes = gpumm__slot_offset(r, r->count, capacity_of(r));
    gpumm_status status = fit_once(r, t, bytes);
    /* Spare memory and what is on its way back; not the application's hook, which may want this very readback. */
    for (unsigned stage = 0; stage < 2 && gpumm__manager_relieve(m, status, bytes, &stage);)
        status = fit_once(r, t, bytes);
    count_committed(r);
    book(r);
    return status;
}

/* Behind what is there: nobody need wait for that, nor stop using the slot. Readback lock held, and again on
   return. */
static void fit_behind(gpumm_readback *r, slot *t, uint64_t bytes) {
    t->fitting = true;
    pthread_mutex_unlock(&r->lock);
    fit_once(r, t, bytes);
    pthread_mutex_lock(&r->lock);
    t->fitting = false;
}

static void fit_slot(gpumm_readback *r, slot *t, uint64_t bytes) {
    bool in_place =
        gpumm__range_can_commit(&t->host, bytes) && (r->direct || gpumm__range_can_commit(&t->device, bytes));
    if (in_place) fit_behind(r, t, bytes);
    else if (is_free(t)) fit_once(r, t, bytes);
}

/* On the worker. What fails here is asked for again, and reported, by the capture that needs it. */
static void fit_run(job *j) {
    gpumm_readback *r = (gpumm_readback *)(void *)((char *)j - offsetof(gpumm_readback, fit_job));
    atomic_store(&r->fit_posted, false);
    pthread_mutex_lock(&r->lock);
    uint64_t bytes = gpumm__slot_offset(r, r->count, capacity_of(r));
    for (unsigned i = 0; i < r->slot_count && !r->shut; i++) fit_slot(r, &r->slots[i], bytes);
    if (!r->shut) {
        count_committed(r);
        book(r);
    }
    pthread_mutex_unlock(&r->lock);
    gpumm__readback_drop(r);
}

void gpumm__readback_fit_all(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->lock);
    for (gpumm_readback *r = g->readbacks; r; r = r->next) {
        if (atomic_exchange(&r->fit_posted, true)) continue;
        gpumm__readback_hold(r);
        r->fit_job.run = fit_run;
        gpumm__worker_post(&m->worker, &r->fit_job);
    }
    pthread_mutex_unlock(&m->lock);
}

void gpumm__readback_book_all(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->lock);
    for (gpumm_readback *r = g->readbacks; r; r = r->next) book_locked(r, g->capacity);
    pthread_mutex_unlock(&m->lock);
}

/* ---- Joining a group ------------------------------------------------------------------------ */

static gpumm_status slot_open(gpumm_readback *r, slot *t, uint64_t capacity) {
    device *d = r->object.manager->device;
    uint64_t maximum = gpumm__slot_offset(r, r->count, r->group->max_length),
             bytes = gpumm__slot_offset(r, r->count, capacity);
    t->readback = r;
    TRY(d->call->event_open(d, false, &t->done));
    TRY(gpumm__range_open(&t->host, d, PLACE_HOST, maximum));
    TRY(gpumm__range_commit(&t->host, bytes));
    if (r->direct) return GPUMM_OK;
    TRY(gpumm__range_open(&t->device, d, PLACE_DEVICE, maximum));
    return gpumm__range_commit(&t->device, bytes);
}

static void slot_close(gpumm_readback *r, slot *t) {
    device *d = r->object.manager->device;
    gpumm__range_close(&t->device);
    gpumm__range_close(&t->host);
    if (t->done) d->call->event_close(d, t->done);
    t->done = NULL;
}

static gpumm_status open_slots(gpumm_readback *r, uint64_t capacity) {
    for (unsigned i = 0; i < r->slot_count; i++) {
        gpumm_status status = slot_open(r, &r->slots[i], capacity);
        if (status == GPUMM_OK) continue;
        for (unsigned j = 0; j <= i; j++) slot_close(r, &r->slots[j]);
        return status;
    }
    return GPUMM_OK;
}

static uint64_t budget_row(const gpumm_readback *r) { return r->row_bytes * r->slot_count * (r->direct ? 1 : 2); }

static void list_in(gpumm_readback *r) {
    gpumm_manager *m = r->object.manager;
    pthread_mutex_lock(&m->lock);
    gpumm__ledger_open(&m->books, &r->staging, GPUMM_STAGING, r->buffers[0]->full_name, r->tag);
    gpumm__ledger_open(&m->books, &r->pinned, GPUMM_PINNED, r->buffers[0]->full_name, r->tag);
    r->next = r->group->readbacks;
    r->group->readbacks = r;
    pthread_mutex_unlock(&m->lock);
}

static gpumm_status join_once(gpumm_readback *r) {
    TRY(gpumm__group_staging_join(r->group, budget_row(r)));
    gpumm_status status = open_slots(r, capacity_of(r));
    if (status != GPUMM_OK) gpumm__group_staging_leave(r->group, budget_row(r));
    return status;
}

static gpumm_status join_under_pressure(gpumm_readback *r) {
    gpumm_manager *m = r->object.manager;
    gpumm_status status = join_once(r);
    for (unsigned stage = 0; gpumm__manager_relieve(m, status, budget_row(r) * capacity_of(r), &stage);)
        status = join_once(r);
    if (!gpumm_is_memory_error(status)) return status;
    char text[TITLE_BYTES];
    fail_in(status, "readback of %s: ", gpumm__buffer_label(r->buffers[0], text));
    return gpumm__manager_explain(m, status);
}

gpumm_status gpumm__readback_join(gpumm_readback *r) {
    for (size_t i = 0; i < r->count; i++) r->row_bytes += r->buffers[i]->size;
    TRY(join_under_pressure(r));
    r->mapped = r->slot_count;
    count_committed(r);
    list_in(r);
    book(r);
    return GPUMM_OK;
}

/* ---- Leaving it ----------------------------------------------------------------------------- */

static void list_out(gpumm_readback *r) {
    gpumm_manager *m = r->object.manager;
    pthread_mutex_lock(&m->lock);
    gpumm_readback **at = &r->group->readbacks;
    while (*at && *at != r) at = &(*at)->next;
    if (*at) *at = r->next;
    pthread_mutex_unlock(&m->lock);
}

/* Runs once the slot's last copy is through; the last slot takes the accounts along. */
static void slot_through(retired *gone) {
    slot *t = (slot *)(void *)((char *)gone - offsetof(slot, gone));
    gpumm_readback *r = t->readback;
    gpumm_manager *m = r->object.manager;
    uint64_t on_device = t->device.committed, on_host = t->host.committed;
    slot_close(r, t);
    pthread_mutex_lock(&m->lock);
    gpumm__ledger_set(&m->books, &r->staging, 0, 0,
                      atomic_fetch_sub(&r->committed[PLACE_DEVICE], on_device) - on_device);
    gpumm__ledger_set(&m->books, &r->pinned, 0, 0, atomic_fetch_sub(&r->committed[PLACE_HOST], on_host) - on_host);
    if (--r->mapped == 0) {
        gpumm__ledger_close(&m->books, &r->staging);
        gpumm__ledger_close(&m->books, &r->pinned);
    }
    pthread_mutex_unlock(&m->lock);
    gpumm__readback_drop(r);
}

/* Readback lock held. */
static void slot_give(gpumm_readback *r, slot *t) {
    gpumm_manager *m = r->object.manager;
    if (t->frame) atomic_store(&t->frame->valid, false);
    t->frame = NULL;
    if (t->state == SLOT_FLYING) t->state = SLOT_CANCELLED;
    pthread_mutex_lock(&m->submit);
    order users = gpumm__order_take(&t->order);
    pthread_mutex_unlock(&m->submit);
    gpumm__readback_hold(r);
    /* A driver that frees a whole block of pinned memory waits for all that is under way. */
    if (m->info.pinned_in_place) gpumm__manager_retire(m, &t->gone, &users, slot_through);
    else gpumm__manager_retire_later(m, &t->gone, &users, slot_through);
}

/* No slot goes while the worker is at it; once the readback is shut, it begins with none. */
static void wait_fitted(gpumm_readback *r) {
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

static void leave_group(gpumm_readback *r) {
    if (r->left) return;
    r->left = true;
    count_committed(r);
    list_out(r);
    gpumm__group_staging_leave(r->group, budget_row(r));
    book(r);
}

static void drop_current(gpumm_readback *r) {
    gpumm_frame *f = r->current;
    r->current = NULL;
    if (f) gpumm__frame_drop(f);
}

static void shut(gpumm_readback *r, bool also_kept) {
    pthread_mutex_lock(&r->lock);
    r->shut = true;
    wait_fitted(r);
    leave_group(r);
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        bool kept = t->frame && atomic_load(&t->frame->kept) && atomic_load(&t->frame->handles) > 0;
        if (t->given || (kept && !also_kept)) continue;
        t->given = true;
        slot_give(r, t);
    }
    gpumm_frame *current = r->current;
    if (current && !atomic_load(&current->valid)) drop_current(r);
    pthread_mutex_unlock(&r->lock);
}

static bool all_given(gpumm_readback *r) {
    pthread_mutex_lock(&r->lock);
    bool all = true;
    for (unsigned i = 0; i < r->slot_count; i++) all = all && r->slots[i].given;
    pthread_mutex_unlock(&r->lock);
    return all;
}

void gpumm__readback_shut(gpumm_readback *r) { shut(r, true); }

/* A kept frame holds its slot's memory; the readback stays listed until the last one ends. */
void gpumm__readback_close(gpumm_readback *r) {
    shut(r, false);
    if (all_given(r)) gpumm__object_dispose(&r->object);
}

/* The first of a group's readbacks, held; NULL: none. Closing takes it out of the list. */
static gpumm_readback *first_of(gpumm_group *g) {
    pthread_mutex_lock(&g->object.manager->lock);
    gpumm_readback *r = g->readbacks;
    if (r) gpumm__readback_hold(r);
    pthread_mutex_unlock(&g->object.manager->lock);
    return r;
}

void gpumm__readback_shut_all(gpumm_group *g) {
    for (gpumm_readback *r; (r = first_of(g));) {
        gpumm__readback_close(r);
        gpumm__readback_drop(r);
    }
}
