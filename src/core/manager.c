/* SPDX-License-Identifier: MIT */
/* Managers: opening and closing, and what concerns all of one's parts at once. */
#include "core/manager.h"

#include "base/abi.h"
#include "core/allocation.h"
#include "core/exported.h"
#include "core/pressure.h"
#include "core/promote.h"
#include "core/scratch.h"
#include "core/stripe.h"
#include "device/fault.h"
#include "device/open.h"

_Static_assert(offsetof(gpumm_manager, context) == 0, "context_of and manager_of rely on it");

/* ---- Opening --------------------------------------------------------------------------------------------- */

static void close_last(context *ctx);

static gpumm_status open_parts(context *ctx, const gpumm_options *o) {
    TRY(gpumm__context_open(ctx, o));
    TRY(gpumm__pool_open(ctx));
    TRY(gpumm__stream_make_internal(ctx, &ctx->main));
    return gpumm__stream_make_internal(ctx, &ctx->copies);
}

static void close_device(gpumm_manager *m) {
    context *ctx = &m->context;
    gpumm__pool_close(ctx); /* what it gives back in the background may still be told to the worker */
    gpumm__exported_close(ctx);
    gpumm__context_close_worker(ctx);
    gpumm__stream_close_internal(ctx->main);
    gpumm__stream_close_internal(ctx->copies);
    gpumm__context_close_events(ctx);
    if (ctx->inject_faults && ctx->device) gpumm__fault_live(ctx->device, &m->live);
    gpumm__context_close_device(ctx);
}

static void manager_free(gpumm_manager *m) {
    gpumm_allocator memory = m->context.memory;
    gpumm__leaks_free(&m->context, &m->leaks);
    gpumm__streams_free_gone(&m->context);
    gpumm__stream_free_internal(m->context.main);
    gpumm__stream_free_internal(m->context.copies);
    gpumm__stripes_free(&m->context);
    gpumm__context_free(&m->context);
    gpumm__mem_free(&memory, m);
}

gpumm_status gpumm_manager_open(const gpumm_options *options, gpumm_manager **out) {
    static const gpumm_options defaults;
    NOT_NULL(out, "out");
    gpumm_options copy, *o = &copy;
    TRY(ABI_READ(o, options ? options : &defaults, "gpumm_options"));
    if (o->allocator.reserved) return fail(GPUMM_INVALID_ARGUMENT, "gpumm_options.allocator.reserved is not NULL");
    gpumm_manager *m = gpumm__mem_new(o->allocator.reallocate ? &o->allocator : &gpumm__alloc_default, sizeof *m);
    if (!m) return fail_host_memory(sizeof *m);
    context *ctx = &m->context;
    gpumm__context_init(ctx, o, close_last);
    gpumm_status status = open_parts(ctx, o);
    if (status != GPUMM_OK) {
        close_device(m);
        manager_free(m);
        return status;
    }
    gpumm__log_line(&ctx->log, GPUMM_LOG_INFO, "device %s: %s (%s)", ctx->info.kind, ctx->info.name, ctx->info.why);
    *out = m;
    return GPUMM_OK;
}

/* ---- Closing --------------------------------------------------------------------------------------------- */

static void synchronize_one(object *o, void *user) {
    gpumm_status *status = user;
    gpumm_status now = gpumm__stream_drain((gpumm_stream *)o);
    if (*status == GPUMM_OK) *status = now;
}

static gpumm_status synchronize_all(context *ctx) {
    gpumm_status status = gpumm__stream_drain(ctx->main);
    gpumm__object_each(ctx, RANK_STREAM, synchronize_one, &status);
    gpumm_status copies = gpumm__stream_drain(ctx->copies);
    return status == GPUMM_OK ? copies : status;
}

static void wait_for_calls(context *ctx) {
    pthread_mutex_lock(&ctx->lock); /* behind those that are one section under it; later ones see that it closes */
    pthread_mutex_unlock(&ctx->lock);
    while (atomic_load(&ctx->entered) > 0) gpumm__clock_sleep_ns(50000);
}

static void close_open(gpumm_manager *m) {
    context *ctx = &m->context;
    gpumm__leaks_keep(ctx, &m->leaks);
    synchronize_all(ctx);
    gpumm__worker_drain(&ctx->worker);
    gpumm__object_dispose_all(ctx);
    gpumm__deferred_wait(&ctx->deferred);
    if (m->has_external) gpumm__context_book_close(ctx, &m->external);
    close_device(m);
    gpumm__context_uncharge(ctx, gpumm_budget_used(ctx->own)); /* what handles still alive would have given back */
}

void gpumm_manager_close(gpumm_manager *m) {
    if (!m) return;
    context *ctx = &m->context;
    if (atomic_exchange(&ctx->closing, true)) {
        while (!atomic_load(&ctx->closed)) gpumm__clock_sleep_ns(50000);
        return;
    }
    gpumm__waiter_shut(&ctx->waiter);
    if (ctx->inject_faults) gpumm__fault_release(ctx->device, NULL); /* calls under way may wait for what is held */
    wait_for_calls(ctx);
    if (ctx->inject_faults) gpumm__fault_release(ctx->device, NULL); /* or have shut it anew */
    close_open(m);
    atomic_store(&ctx->closed, true);
}

gpumm_manager *gpumm_manager_retain(gpumm_manager *m) {
    if (!m) return NULL;
    gpumm__context_retain(&m->context);
    return m;
}

void gpumm_manager_release(gpumm_manager *m) {
    if (m) gpumm__context_release(&m->context);
}

/* The last handle closes while it still counts, so that handles released meanwhile do not free twice. */
static void close_last(context *ctx) {
    atomic_store(&ctx->references, 1);
    gpumm_manager_close(manager_of(ctx));
    atomic_store(&ctx->references, 0);
    manager_free(manager_of(ctx));
}

bool gpumm_manager_is_closed(const gpumm_manager *m) { return m && atomic_load(&m->context.closing); }

size_t gpumm_manager_leaks(gpumm_manager *m, gpumm_block_fn each, void *user) {
    if (!m) return 0;
    context *ctx = &m->context;
    if (atomic_load(&ctx->closed)) return gpumm__leaks_kept(&m->leaks, each, user);
    if (gpumm__context_enter(ctx) != GPUMM_OK) return 0;
    size_t count = gpumm__leaks_now(ctx, each, user);
    gpumm__context_leave(ctx);
    return count;
}

/* ---- The rest of the face --------------------------------------------------------------------------------- */

gpumm_status gpumm_manager_get_info_sized(gpumm_manager *m, gpumm_device_info *out, size_t size) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    return gpumm__abi_fill(out, size, &m->context.info, sizeof m->context.info);
}

gpumm_stream *gpumm_manager_main(gpumm_manager *m) { return m ? m->context.main : NULL; }

gpumm_status gpumm_manager_poll(gpumm_manager *m) {
    NOT_NULL(m, "manager");
    context *ctx = &m->context;
    TRY(gpumm__context_enter(ctx));
    gpumm__deferred_poll(&ctx->deferred);
    gpumm_status status = gpumm__context_take_background_failure(ctx);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_status gpumm_manager_synchronize(gpumm_manager *m) {
    NOT_NULL(m, "manager");
    TRY(gpumm__context_enter(&m->context));
    gpumm_status status = synchronize_all(&m->context);
    gpumm__context_leave(&m->context);
    return status;
}

static uint64_t committed_now(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    uint64_t committed = ctx->books.committed;
    pthread_mutex_unlock(&ctx->lock);
    return committed;
}

gpumm_status gpumm_manager_trim(gpumm_manager *m, uint64_t *freed) {
    NOT_NULL(m, "manager");
    context *ctx = &m->context;
    TRY(gpumm__context_enter(ctx));
    uint64_t before = committed_now(ctx);
    gpumm__trim(ctx);
    uint64_t after = committed_now(ctx);
    if (freed) *freed = before > after ? before - after : 0;
    gpumm__context_leave(ctx);
    return GPUMM_OK;
}

gpumm_status gpumm_manager_promote(gpumm_manager *m, uint64_t *promoted) {
    NOT_NULL(m, "manager");
    uint64_t bytes = 0;
    TRY(gpumm__context_enter(&m->context));
    gpumm_status status = gpumm__promote_all(&m->context, &bytes);
    if (promoted) *promoted = bytes;
    gpumm__context_leave(&m->context);
    return status;
}

static void check_group(object *o, void *user) {
    gpumm_status *status = user;
    if (*status == GPUMM_OK) *status = gpumm__allocation_check((gpumm_group *)o);
}

static void check_stream(object *o, void *user) {
    gpumm_status *status = user;
    if (*status == GPUMM_OK) *status = gpumm__scratch_check((gpumm_stream *)o);
}

static gpumm_status check_all(context *ctx) {
    TRY(synchronize_all(ctx));
    TRY(gpumm__pool_check(ctx));
    gpumm_status status = gpumm__scratch_check(ctx->main);
    gpumm__object_each(ctx, RANK_STREAM, check_stream, &status);
    gpumm__object_each(ctx, RANK_GROUP, check_group, &status);
    pthread_mutex_lock(&ctx->lock);
    bool balanced = gpumm__ledger_balanced(&ctx->books);
    pthread_mutex_unlock(&ctx->lock);
    return status != GPUMM_OK || balanced ? status : fail(GPUMM_DRIVER, "the books do not balance");
}

gpumm_status gpumm_manager_check(gpumm_manager *m) {
    NOT_NULL(m, "manager");
    TRY(gpumm__context_enter(&m->context));
    gpumm_status status = check_all(&m->context);
    gpumm__context_leave(&m->context);
    return status;
}

gpumm_status gpumm_manager_external(gpumm_manager *m, int64_t bytes) {
    NOT_NULL(m, "manager");
    TRY(gpumm__context_enter(&m->context));
    pthread_mutex_lock(&m->context.lock);
    if (!m->has_external) gpumm__ledger_open(&m->context.books, &m->external, GPUMM_CATEGORY_EXTERNAL, "", "declared");
    m->has_external = true;
    uint64_t now = m->external.logical, delta = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    uint64_t sum;
    bool fits = bytes < 0 ? delta <= now : size_add(now, delta, &sum) && sum <= INT64_MAX;
    if (fits) gpumm__ledger_set(&m->context.books, &m->external, bytes < 0 ? now - delta : now + delta, 0, 0);
    pthread_mutex_unlock(&m->context.lock);
    gpumm__context_leave(&m->context);
    if (fits) return GPUMM_OK;
    if (bytes < 0)
        return fail(GPUMM_INVALID_ARGUMENT, "%llu external bytes cannot go: only %llu were declared",
                    (unsigned long long)delta, (unsigned long long)now);
    return fail(GPUMM_INVALID_ARGUMENT, "%llu external bytes on top of %llu are more than 8 EiB",
                (unsigned long long)delta, (unsigned long long)now);
}
