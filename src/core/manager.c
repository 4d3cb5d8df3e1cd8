/* SPDX-License-Identifier: MIT */
/* Managers: opening, closing, budgets and books. */
#include "core/manager.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "core/group.h"
#include "core/pressure.h"
#include "core/readback.h"
#include "core/scratch.h"
#include "core/stream.h"
#include "device/fault.h"
#include "device/open.h"

/* ---- Calls under way ------------------------------------------------------------------------ */

gpumm_status gpumm__manager_enter(gpumm_manager *m) {
    atomic_fetch_add(&m->entered, 1);
    if (!atomic_load(&m->closing)) return GPUMM_OK;
    atomic_fetch_sub(&m->entered, 1);
    return fail(GPUMM_CLOSED, "the manager is closed");
}

void gpumm__manager_leave(gpumm_manager *m) { atomic_fetch_sub(&m->entered, 1); }

/* ---- Budget and books ----------------------------------------------------------------------- */

gpumm_status gpumm__manager_charge(gpumm_manager *m, uint64_t bytes) {
    char text[32];
    if (!gpumm__budget_charge(m->own, bytes))
        return fail(GPUMM_OVER_LIMIT, "%s more are over the limit", gpumm__size_text(bytes, text));
    if (!m->shared || gpumm__budget_charge(m->shared, bytes)) return GPUMM_OK;
    gpumm__budget_uncharge(m->own, bytes);
    return fail(GPUMM_OVER_LIMIT, "%s more are over the limit that several managers share",
                gpumm__size_text(bytes, text));
}

void gpumm__manager_uncharge(gpumm_manager *m, uint64_t bytes) {
    gpumm__budget_uncharge(m->own, bytes);
    if (m->shared) gpumm__budget_uncharge(m->shared, bytes);
}

uint64_t gpumm__manager_spare(gpumm_manager *m) {
    uint64_t left = gpumm__budget_left(m->own);
    if (m->shared) left = size_min(left, gpumm__budget_left(m->shared));
    pthread_mutex_lock(&m->lock);
    uint64_t ahead = m->books.entry[GPUMM_PRECOMMITTED].now;
    pthread_mutex_unlock(&m->lock);
    return left > ahead ? left - ahead : 0;
}

void gpumm__manager_book_open(gpumm_manager *m, account *a, gpumm_category category, const char *name,
                              const char *tag) {
    pthread_mutex_lock(&m->lock);
    gpumm__ledger_open(&m->books, a, category, name, tag);
    pthread_mutex_unlock(&m->lock);
}

void gpumm__manager_book(gpumm_manager *m, account *a, uint64_t logical, uint64_t ahead, uint64_t committed) {
    pthread_mutex_lock(&m->lock);
    gpumm__ledger_set(&m->books, a, logical, ahead, committed);
    pthread_mutex_unlock(&m->lock);
}

void gpumm__manager_book_close(gpumm_manager *m, account *a) {
    pthread_mutex_lock(&m->lock);
    gpumm__ledger_close(&m->books, a);
    pthread_mutex_unlock(&m->lock);
}

/* ---- Background ----------------------------------------------------------------------------- */

void gpumm__manager_background_failed(gpumm_manager *m, gpumm_status status) {
    pthread_mutex_lock(&m->background);
    if (m->background_status == GPUMM_OK) {
        m->background_status = status;
        snprintf(m->background_message, sizeof m->background_message, "%s", gpumm_message());
    }
    pthread_mutex_unlock(&m->background);
}

gpumm_status gpumm_manager_poll(gpumm_manager *m) {
    TRY(gpumm__manager_enter(m));
    gpumm__manager_retire_poll(m);
    pthread_mutex_lock(&m->background);
    gpumm_status status = m->background_status;
    m->background_status = GPUMM_OK;
    if (status != GPUMM_OK) fail(status, "in the background: %s", m->background_message);
    pthread_mutex_unlock(&m->background);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm__manager_look(gpumm_manager *m, device_event *e, uint64_t deadline, bool *done) {
    *done = false;
    TRY(m->device->call->event_query(m->device, e, done));
    /* Looked at last: close lets go what faults hold, and that is no arrival. */
    if (atomic_load(&m->closing)) return fail(GPUMM_CANCELLED, "the manager closed while it was waited for");
    if (*done) return GPUMM_OK;
    return gpumm__clock_ns() < deadline ? GPUMM_OK : fail(GPUMM_TIMEOUT, "the time to wait ran out");
}

/* What takes less than half a millisecond is looked at all the time: a sleep, however short, lasts longer than
   a step of a small simulation, and the device would run dry meanwhile. Who waits longer sleeps. */
void gpumm__manager_pause(uint64_t since, uint64_t deadline) {
    enum { BUSILY = 20000, YIELDING = 500000, BRIEFLY = 10000000 };
    uint64_t now = gpumm__clock_ns(), waited = now - since;
    if (waited < BUSILY || now >= deadline) return;
    if (waited < YIELDING) sched_yield();
    else gpumm__clock_sleep_ns(size_min(waited < BRIEFLY ? 20000 : 200000, deadline - now));
}

gpumm_status gpumm__manager_wait(gpumm_manager *m, device_event *e, uint64_t deadline) {
    for (uint64_t since = gpumm__clock_ns();;) {
        bool done;
        TRY(gpumm__manager_look(m, e, deadline, &done));
        if (done) return GPUMM_OK;
        gpumm__manager_pause(since, deadline);
    }
}

/* ---- Opening -------------------------------------------------------------------------------- */

static gpumm_status open_budget(gpumm_manager *m, const gpumm_options *o) {
    TRY(gpumm_budget_open(o->limit ? o->limit : UINT64_MAX, &m->own));
    m->shared = o->budget ? gpumm_budget_retain(o->budget) : NULL;
    return GPUMM_OK;
}

static gpumm_status open_streams(gpumm_manager *m) {
    TRY(gpumm__stream_make_internal(m, &m->main));
    return gpumm__stream_make_internal(m, &m->copies);
}

static gpumm_status open_device(gpumm_manager *m, const gpumm_options *o) {
    TRY(gpumm__device_open(o, &m->memory, &m->device));
    m->info = m->device->info;
    TRY(open_streams(m));
    TRY(gpumm__worker_start(&m->worker, gpumm__manager_retire_poll, m));
    m->working = true;
    return GPUMM_OK;
}

static void free_streams(gpumm_manager *m) {
    gpumm__stream_close_internal(m->main);
    gpumm__stream_close_internal(m->copies);
}

static void close_device(gpumm_manager *m) {
    if (m->working) gpumm__worker_stop(&m->worker);
    m->working = false;
    gpumm__pool_close(m);
    free_streams(m);
    gpumm__manager_events_close(m);
    if (m->inject_faults && m->device) gpumm__fault_live(m->device, &m->live);
    if (m->device) gpumm__device_close(m->device);
    m->device = NULL;
}

static void free_leaks(gpumm_manager *m);

static void manager_free(gpumm_manager *m) {
    gpumm_allocator memory = m->memory;
    free_leaks(m);
    gpumm__scratch_free_spare(m);
    gpumm_budget_release(m->own);
    gpumm_budget_release(m->shared);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->submit);
    pthread_mutex_destroy(&m->background);
    gpumm__mem_free(&memory, m->main);
    gpumm__mem_free(&memory, m->copies);
    gpumm__mem_free(&memory, m);
}

static gpumm_manager *manager_new(const gpumm_options *o) {
    const gpumm_allocator *memory = o->allocator.reallocate ? &o->allocator : &gpumm__alloc_default;
    gpumm_manager *m = gpumm__mem_new(memory, sizeof *m);
    if (!m) return NULL;
    m->memory = *memory;
    atomic_init(&m->references, 1);
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->submit, NULL);
    pthread_mutex_init(&m->background, NULL);
    gpumm__pool_init(&m->pool);
    m->log = (log_sink){o->log, o->log_user};
    m->pressure = o->pressure;
    m->pressure_user = o->pressure_user;
    m->debug = o->debug;
    m->inject_faults = o->inject_faults;
    return m;
}

gpumm_status gpumm_manager_open(const gpumm_options *options, gpumm_manager **out) {
    static const gpumm_options defaults;
    const gpumm_options *o = options ? options : &defaults;
    gpumm_manager *m = manager_new(o);
    if (!m) return fail_host_memory(sizeof *m);
    gpumm_status status = open_budget(m, o);
    if (status == GPUMM_OK) status = open_device(m, o);
    if (status != GPUMM_OK) {
        close_device(m);
        manager_free(m);
        return status;
    }
    gpumm__log_line(&m->log, GPUMM_LOG_INFO, "device %s: %s (%s)", m->info.kind, m->info.name, m->info.why);
    *out = m;
    return GPUMM_OK;
}

/* ---- Closing -------------------------------------------------------------------------------- */

struct leak {
    char *name, *tag;
    gpumm_block block;
};

/* What the books say of a single buffer, which somebody may be growing. */
static gpumm_block block_of(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    gpumm_block block = {.name = g->name, .tag = g->tag, .category = GPUMM_BUFFERS};
    pthread_mutex_lock(&m->submit);
    pthread_mutex_lock(&m->lock);
    const extent *e = g->members[0].extent;
    block.bytes = g->capacity * g->members[0].size;
    block.committed_bytes = e ? e->account.committed : 0;
    block.address = e ? e->address : 0;
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_unlock(&m->submit);
    return block;
}

static void leak_add(object *o, void *user) {
    gpumm_group *g = (gpumm_group *)o;
    gpumm_manager *m = user;
    if (!gpumm__group_is_named_buffer(g)) return;
    struct leak *grown = gpumm__mem_resize(&m->memory, m->leaks, (m->leak_count + 1) * sizeof *m->leaks);
    if (!grown) return;
    m->leaks = grown;
    struct leak *l = &m->leaks[m->leak_count++];
    l->name = gpumm__mem_string(&m->memory, g->name);
    l->tag = gpumm__mem_string(&m->memory, g->tag);
    l->block = block_of(g);
    l->block.name = l->name ? l->name : "";
    l->block.tag = l->tag ? l->tag : "";
}

static void report_leaks(gpumm_manager *m) {
    gpumm__object_each(m, RANK_GROUP, leak_add, m);
    for (size_t i = 0; i < m->leak_count; i++) {
        const gpumm_block *b = &m->leaks[i].block;
        char text[32];
        gpumm__log_line(&m->log, GPUMM_LOG_WARNING, "leak: buffer '%.255s', %s%s%s, was never freed", b->name,
                        gpumm__size_text(b->bytes, text), b->tag[0] ? ", made at " : "", b->tag);
    }
}

static void free_leaks(gpumm_manager *m) {
    for (size_t i = 0; i < m->leak_count; i++) {
        gpumm__mem_free(&m->memory, m->leaks[i].name);
        gpumm__mem_free(&m->memory, m->leaks[i].tag);
    }
    gpumm__mem_free(&m->memory, m->leaks);
}

static void named_block(object *o, void *user);

size_t gpumm_manager_leaks(gpumm_manager *m, gpumm_block_fn each, void *user) {
    if (atomic_load(&m->closed)) {
        for (size_t i = 0; each && i < m->leak_count; i++) each(user, &m->leaks[i].block);
        return m->leak_count;
    }
    struct {
        gpumm_block_fn each;
        void *user;
        size_t count;
    } visit = {each, user, 0};
    if (gpumm__manager_enter(m) != GPUMM_OK) return 0;
    gpumm__object_each(m, RANK_GROUP, named_block, &visit);
    gpumm__manager_leave(m);
    return visit.count;
}

static void named_block(object *o, void *user) {
    struct {
        gpumm_block_fn each;
        void *user;
        size_t count;
    } *visit = user;
    gpumm_group *g = (gpumm_group *)o;
    if (!gpumm__group_is_named_buffer(g)) return;
    visit->count++;
    gpumm_block block = block_of(g);
    if (visit->each) visit->each(visit->user, &block);
}

static void synchronize_one(object *o, void *user) {
    gpumm_status *status = user;
    gpumm_status now = gpumm__stream_drain((gpumm_stream *)o);
    if (*status == GPUMM_OK) *status = now;
}

static gpumm_status synchronize_all(gpumm_manager *m) {
    gpumm_status status = m->device->call->stream_synchronize(m->device, m->main->device);
    gpumm__object_each(m, RANK_STREAM, synchronize_one, &status);
    gpumm_status copies = m->device->call->stream_synchronize(m->device, m->copies->device);
    return status == GPUMM_OK ? copies : status;
}

static void wait_for_calls(gpumm_manager *m) {
    while (atomic_load(&m->entered) > 0) gpumm__clock_sleep_ns(50000);
}

static void close_open(gpumm_manager *m) {
    report_leaks(m);
    synchronize_all(m);
    gpumm__worker_drain(&m->worker);
    gpumm__object_dispose_all(m);
    gpumm__pool_trim(m); /* while the worker still lives */
    gpumm__manager_retire_wait(m);
    if (m->has_external) gpumm__manager_book_close(m, &m->external);
    close_device(m);
    gpumm__manager_uncharge(m, gpumm_budget_used(m->own)); /* what handles still alive would have given back */
}

void gpumm_manager_close(gpumm_manager *m) {
    if (atomic_exchange(&m->closing, true)) {
        while (!atomic_load(&m->closed)) gpumm__clock_sleep_ns(50000);
        return;
    }
    if (m->inject_faults) gpumm__fault_release(m->device, NULL); /* calls under way may wait for what is held */
    wait_for_calls(m);
    if (m->inject_faults) gpumm__fault_release(m->device, NULL); /* or have shut it anew */
    close_open(m);
    atomic_store(&m->closed, true);
}

gpumm_manager *gpumm_manager_retain(gpumm_manager *m) {
    atomic_fetch_add(&m->references, 1);
    return m;
}

/* The last handle closes while it still counts, so that handles released meanwhile do not free twice. */
void gpumm_manager_release(gpumm_manager *m) {
    if (!m || atomic_fetch_sub(&m->references, 1) != 1) return;
    atomic_store(&m->references, 1);
    gpumm_manager_close(m);
    atomic_store(&m->references, 0);
    manager_free(m);
}

bool gpumm_manager_is_closed(const gpumm_manager *m) { return atomic_load(&m->closing); }

/* ---- The rest of the face ------------------------------------------------------------------- */

gpumm_status gpumm_manager_info(gpumm_manager *m, gpumm_device_info *out) {
    *out = m->info;
    return GPUMM_OK;
}

gpumm_stream *gpumm_manager_main(gpumm_manager *m) { return m->main; }

gpumm_status gpumm_manager_synchronize(gpumm_manager *m) {
    TRY(gpumm__manager_enter(m));
    gpumm_status status = synchronize_all(m);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_manager_trim(gpumm_manager *m, uint64_t *freed) {
    TRY(gpumm__manager_enter(m));
    pthread_mutex_lock(&m->lock);
    uint64_t before = m->books.committed;
    pthread_mutex_unlock(&m->lock);
    gpumm__pressure_spare(m);
    gpumm__manager_retire_wait(m);
    pthread_mutex_lock(&m->lock);
    if (freed) *freed = before > m->books.committed ? before - m->books.committed : 0;
    pthread_mutex_unlock(&m->lock);
    gpumm__manager_leave(m);
    return GPUMM_OK;
}

static void check_group(object *o, void *user) {
    gpumm_status *status = user;
    if (*status == GPUMM_OK) *status = gpumm__group_check((gpumm_group *)o);
}

static void check_stream(object *o, void *user) {
    gpumm_status *status = user;
    if (*status == GPUMM_OK) *status = gpumm__scratch_check((gpumm_stream *)o);
}

gpumm_status gpumm_manager_check(gpumm_manager *m) {
    TRY(gpumm__manager_enter(m));
    gpumm_status status = synchronize_all(m);
    if (status == GPUMM_OK) status = gpumm__pool_check(m);
    if (status == GPUMM_OK) status = gpumm__scratch_check(m->main);
    gpumm__object_each(m, RANK_STREAM, check_stream, &status);
    if (status == GPUMM_OK) gpumm__object_each(m, RANK_GROUP, check_group, &status);
    pthread_mutex_lock(&m->lock);
    if (status == GPUMM_OK && !gpumm__ledger_balanced(&m->books))
        status = fail(GPUMM_DRIVER, "the books do not balance");
    pthread_mutex_unlock(&m->lock);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_manager_external(gpumm_manager *m, int64_t bytes) {
    TRY(gpumm__manager_enter(m));
    pthread_mutex_lock(&m->lock);
    if (!m->has_external) gpumm__ledger_open(&m->books, &m->external, GPUMM_EXTERNAL, "", "declared");
    m->has_external = true;
    uint64_t now = m->external.logical, delta = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    uint64_t sum;
    bool fits = bytes < 0 ? delta <= now : size_add(now, delta, &sum) && sum <= INT64_MAX;
    if (fits) gpumm__ledger_set(&m->books, &m->external, bytes < 0 ? now - delta : now + delta, 0, 0);
    pthread_mutex_unlock(&m->lock);
    gpumm__manager_leave(m);
    if (fits) return GPUMM_OK;
    if (bytes < 0)
        return fail(GPUMM_INVALID_ARGUMENT, "%llu external bytes cannot go: only %llu were declared",
                    (unsigned long long)delta, (unsigned long long)now);
    return fail(GPUMM_INVALID_ARGUMENT, "%llu external bytes on top of %llu are more than 8 EiB",
                (unsigned long long)delta, (unsigned long long)now);
}

/* ---- Faults --------------------------------------------------------------------------------- */

static gpumm_status enter_injecting(gpumm_manager *m) {
    if (!m->inject_faults) return fail(GPUMM_INVALID_ARGUMENT, "the manager was opened without faults");
    return gpumm__manager_enter(m);
}

gpumm_status gpumm_fault_plan(gpumm_manager *m, const gpumm_fault *plan) {
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_plan(m->device, plan);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_fault_hold(gpumm_manager *m, const char *kind) {
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_hold(m->device, kind);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_fault_release(gpumm_manager *m, const char *kind) {
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_release(m->device, kind);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_fault_calls(gpumm_manager *m, const char *call, uint64_t *count) {
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_calls(m->device, call, count);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_fault_live(gpumm_manager *m, gpumm_live *out) {
    if (!m->inject_faults) return fail(GPUMM_INVALID_ARGUMENT, "the manager was opened without faults");
    if (gpumm__manager_enter(m) != GPUMM_OK) {
        while (!atomic_load(&m->closed)) gpumm__clock_sleep_ns(50000);
        *out = m->live;
        return GPUMM_OK;
    }
    gpumm__fault_live(m->device, out);
    gpumm__manager_leave(m);
    return GPUMM_OK;
}
