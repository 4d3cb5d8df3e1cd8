/* SPDX-License-Identifier: MIT */
/* What a manager's parts share: opened first, closed last. */
#include "core/context.h"

#include <sched.h>
#include <stdio.h>

#include "device/open.h"

enum { SPIN_US = 50 };

/* ---- Opening and closing -------------------------------------------------------------------------------- */

void gpumm__context_init(context *ctx, const gpumm_options *o, void (*last)(context *self)) {
    atomic_init(&ctx->references, 1);
    ctx->last = last;
    ctx->memory = o->allocator.reallocate ? o->allocator : gpumm__alloc_default;
    ctx->log = (log_sink){o->log, o->log_user};
    ctx->pressure = o->pressure;
    ctx->pressure_user = o->pressure_user;
    ctx->debug = o->debug;
    ctx->inject_faults = o->inject_faults;
    ctx->spill.limit = o->spill;
    ctx->spin_ns = (o->spin_us ? o->spin_us : SPIN_US) * 1000ull;
    pthread_mutex_init(&ctx->lock, NULL);
    pthread_mutex_init(&ctx->submit, NULL);
    pthread_cond_init(&ctx->gates, NULL);
    pthread_mutex_init(&ctx->background, NULL);
}

static gpumm_status open_budgets(context *ctx, const gpumm_options *o) {
    TRY(gpumm__budget_open(&ctx->memory, o->limit ? o->limit : UINT64_MAX, &ctx->own));
    ctx->shared = o->budget ? gpumm_budget_retain(o->budget) : NULL;
    return GPUMM_OK;
}

static void books_changed(void *user) {
    context *ctx = user;
    gpumm__tracing_books(&ctx->tracing, &ctx->books, ctx->own, ctx->shared);
}

static void trace_books(context *ctx) {
    ctx->tracing.traced = ctx->device->traced;
    if (!ctx->tracing.traced) return;
    ctx->books.user = ctx;
    ctx->books.changed = books_changed;
}

gpumm_status gpumm__context_open(context *ctx, const gpumm_options *o) {
    TRY(open_budgets(ctx, o));
    TRY(gpumm__device_open(o, &ctx->memory, &ctx->device));
    ctx->info = ctx->device->info;
    trace_books(ctx);
    gpumm__deferred_open(&ctx->deferred, ctx->device, &ctx->worker);
    TRY(gpumm__waiter_open(&ctx->waiter, ctx->device));
    TRY(gpumm__arrivals_open(&ctx->arrivals));
    TRY(gpumm__worker_start(&ctx->worker, gpumm__deferred_poll, &ctx->deferred));
    ctx->working = true;
    return GPUMM_OK;
}

void gpumm__context_close_worker(context *ctx) {
    if (ctx->working) gpumm__worker_stop(&ctx->worker);
    ctx->working = false;
}

void gpumm__context_close_events(context *ctx) {
    gpumm__arrivals_close(&ctx->arrivals);
    gpumm__waiter_close(&ctx->waiter);
    gpumm__deferred_close(&ctx->deferred);
}

void gpumm__context_close_device(context *ctx) {
    if (ctx->device) gpumm__device_close(ctx->device);
    ctx->device = NULL;
    ctx->tracing.traced = NULL;
    ctx->books.changed = NULL;
}

void gpumm__context_free(context *ctx) {
    gpumm__mem_free(&ctx->memory, ctx->names.many);
    gpumm_budget_release(ctx->own);
    gpumm_budget_release(ctx->shared);
    pthread_mutex_destroy(&ctx->lock);
    pthread_mutex_destroy(&ctx->submit);
    pthread_cond_destroy(&ctx->gates);
    pthread_mutex_destroy(&ctx->background);
}

void gpumm__context_retain(context *ctx) { atomic_fetch_add(&ctx->references, 1); }

/* What may be the last goes under the lock, so that it and the last one lent do not miss each other, nor both end it. */
void gpumm__context_release(context *ctx) {
    unsigned references = atomic_load(&ctx->references);
    while (references > 1)
        if (atomic_compare_exchange_weak(&ctx->references, &references, references - 1)) return;
    pthread_mutex_lock(&ctx->lock);
    bool last = atomic_fetch_sub(&ctx->references, 1) == 1 && ctx->lent == 0;
    pthread_mutex_unlock(&ctx->lock);
    if (last) ctx->last(ctx);
}

void gpumm__context_lend(context *ctx) { ctx->lent++; }

bool gpumm__context_return(context *ctx) { return --ctx->lent == 0 && atomic_load(&ctx->references) == 0; }

/* ---- Calls under way ------------------------------------------------------------------------------------ */

void gpumm__context_prepare(context *ctx, size_t arguments, size_t bytes) {
    const device_table *call = ctx->device ? ctx->device->call : NULL;
    if (call && call->prepare) call->prepare(ctx->device, arguments, bytes);
}

bool gpumm__context_try_enter(context *ctx) {
    atomic_fetch_add(&ctx->entered, 1);
    if (!atomic_load(&ctx->closing)) return true;
    atomic_fetch_sub(&ctx->entered, 1);
    return false;
}

gpumm_status gpumm__context_enter(context *ctx) {
    if (!gpumm__context_try_enter(ctx)) return fail(GPUMM_CLOSED, "the manager is closed");
    gpumm__context_prepare(ctx, 0, 0);
    return GPUMM_OK;
}

void gpumm__context_leave(context *ctx) { atomic_fetch_sub(&ctx->entered, 1); }

/* ---- Budgets and books ---------------------------------------------------------------------------------- */

/* NULL: both are charged; else neither, and that one has no room. Lock held. */
static const gpumm_budget *charge(context *ctx, uint64_t bytes) {
    if (!gpumm__budget_charge_own(ctx->own, bytes)) return ctx->own;
    if (!ctx->shared || gpumm__budget_charge(ctx->shared, bytes)) return NULL;
    gpumm__budget_uncharge_own(ctx->own, bytes);
    return ctx->shared;
}

bool gpumm__context_charge_locked(context *ctx, uint64_t bytes) { return !charge(ctx, bytes); }

void gpumm__context_uncharge_locked(context *ctx, uint64_t bytes) {
    gpumm__budget_uncharge_own(ctx->own, bytes);
    if (ctx->shared) gpumm__budget_uncharge(ctx->shared, bytes);
}

gpumm_status gpumm__context_charge(context *ctx, uint64_t bytes) {
    char text[32];
    pthread_mutex_lock(&ctx->lock);
    const gpumm_budget *full = charge(ctx, bytes);
    pthread_mutex_unlock(&ctx->lock);
    if (!full) return GPUMM_OK;
    if (ctx->tracing.traced) gpumm__tracing_refused(&ctx->tracing, bytes);
    return fail(GPUMM_OVER_LIMIT, "%s more are over the limit%s", gpumm__size_text(bytes, text),
                full == ctx->own ? "" : " that several managers share");
}

void gpumm__context_uncharge(context *ctx, uint64_t bytes) {
    pthread_mutex_lock(&ctx->lock);
    gpumm__context_uncharge_locked(ctx, bytes);
    pthread_mutex_unlock(&ctx->lock);
}

uint64_t gpumm__context_spare(context *ctx) {
    uint64_t left = gpumm__budget_left(ctx->own);
    if (ctx->shared) left = size_min(left, gpumm__budget_left(ctx->shared));
    pthread_mutex_lock(&ctx->lock);
    uint64_t precommitted = ctx->books.entry[GPUMM_CATEGORY_PRECOMMITTED].now_bytes;
    pthread_mutex_unlock(&ctx->lock);
    return left > precommitted ? left - precommitted : 0;
}

void gpumm__context_book_open(context *ctx, account *a, gpumm_category category, const char *name, const char *tag) {
    pthread_mutex_lock(&ctx->lock);
    gpumm__ledger_open(&ctx->books, a, category, name, tag);
    pthread_mutex_unlock(&ctx->lock);
}

void gpumm__context_book(context *ctx, account *a, uint64_t logical, uint64_t precommitted, uint64_t committed) {
    pthread_mutex_lock(&ctx->lock);
    gpumm__ledger_set(&ctx->books, a, logical, precommitted, committed);
    pthread_mutex_unlock(&ctx->lock);
}

void gpumm__context_book_close(context *ctx, account *a) {
    pthread_mutex_lock(&ctx->lock);
    gpumm__ledger_close(&ctx->books, a);
    pthread_mutex_unlock(&ctx->lock);
}

/* ---- Waiting -------------------------------------------------------------------------------------------- */

static gpumm_status look(context *ctx, device_event *e, bool *reached) {
    *reached = false;
    TRY(ctx->device->call->event_query(ctx->device, e, reached));
    /* Looked at last: closing lets go what faults hold, and that is no arrival. */
    if (!atomic_load(&ctx->closing)) return GPUMM_OK;
    *reached = false;
    return fail(GPUMM_CANCELLED, "the manager closed while it was waited for");
}

/* A sleep, however short, lasts longer than a step of a small simulation, and the device would run dry meanwhile. */
void gpumm__context_pause_begin(context *ctx, wait_pause *p, device_event *e, uint64_t waited) {
    p->sleeps = waited >= ctx->spin_ns;
    if (p->sleeps) gpumm__waiter_join(&ctx->waiter, &p->entry, e);
}

void gpumm__context_pause_end(context *ctx, wait_pause *p, uint64_t deadline) {
    if (p->sleeps) gpumm__waiter_sleep(&ctx->waiter, &p->entry, deadline);
    else sched_yield();
}

gpumm_status gpumm__context_wait(context *ctx, device_event *e, uint64_t deadline, wait_end *end) {
    *end = WAIT_REACHED;
    for (uint64_t since = 0;;) {
        bool reached;
        TRY(look(ctx, e, &reached));
        if (reached) return GPUMM_OK;
        uint64_t now = gpumm__clock_ns();
        if (now >= deadline) return *end = WAIT_TIMED_OUT, GPUMM_OK;
        if (!since) since = now;
        wait_pause pause;
        gpumm__context_pause_begin(ctx, &pause, e, now - since);
        gpumm__context_pause_end(ctx, &pause, deadline);
    }
}

void gpumm__context_close_event(context *ctx, device_event *e) { gpumm__waiter_close_event(&ctx->waiter, e); }

/* ---- What fails in the background ------------------------------------------------------------------------ */

void gpumm__context_background_failed(context *ctx, gpumm_status status) {
    pthread_mutex_lock(&ctx->background);
    if (ctx->background_status == GPUMM_OK) {
        ctx->background_status = status;
        snprintf(ctx->background_message, sizeof ctx->background_message, "%s", gpumm_message());
    }
    pthread_mutex_unlock(&ctx->background);
}

gpumm_status gpumm__context_take_background_failure(context *ctx) {
    pthread_mutex_lock(&ctx->background);
    gpumm_status status = ctx->background_status;
    ctx->background_status = GPUMM_OK;
    if (status != GPUMM_OK) fail(status, "in the background: %s", ctx->background_message);
    pthread_mutex_unlock(&ctx->background);
    return status;
}
