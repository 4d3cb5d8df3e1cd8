/* SPDX-License-Identifier: MIT */
/* Where a buffer's bytes come from and go to. */
#include "core/extent.h"

#include <stdio.h>
#include <string.h>

#include "core/exported.h"

struct extent_pool {
    small_pool small;
    extent *cached; /* under the context's lock */
};

/* ---- Small extents: blocks of a slab -------------------------------------------------------- */

/* Blocks carry no order of their own; what came before was on the main stream or is through. */
static gpumm_status open_small(context *ctx, uint64_t bytes, bool spills, extent *e) {
    TRY(gpumm__small_take(ctx, &ctx->pool->small, bytes, spills, &e->small));
    e->address = e->small.block.address;
    e->usable = e->small.block.size;
    e->order.writer = ctx->main;
    return GPUMM_OK;
}

/* ---- Large extents: ranges, cached ones first -------------------------------------------------- */

enum { OVER_MOST = 2 << 20 };

/* May a range serve that holds so much beyond the request? Whole segments beyond do not count: they go back. */
static bool holds_too_much(const extent *e, uint64_t bytes) {
    uint64_t kept = gpumm__range_kept(&e->range, bytes);
    return kept > bytes && kept - bytes > size_max(bytes, OVER_MOST);
}

/* A block that relocates cannot give back a part of itself while others need room. */
static bool is_too_long(const extent *e, uint64_t bytes) {
    return !e->range.in_place && e->range.committed > gpumm__range_needed(&e->range, bytes);
}

/* How well a cached range serves: 0 not at all, else more is better. One that must grow is better than one that
   would hold much more than is asked. */
static uint64_t fitness(const extent *e, uint64_t bytes, uint64_t maximum) {
    uint64_t committed = e->range.committed;
    if (e->range.where != PLACE_DEVICE || e->range.spilled || e->range.reserved < maximum) return 0;
    if (committed < bytes) return e->range.in_place ? 1 + committed / 2 : 0;
    if (holds_too_much(e, bytes) || is_too_long(e, bytes)) return 0;
    return UINT64_MAX - committed;
}

/* The best cached range, out of the list; NULL: none serves. */
static extent *take_cached(context *ctx, uint64_t bytes, uint64_t maximum) {
    struct extent_pool *pool = ctx->pool;
    pthread_mutex_lock(&ctx->lock);
    extent **best = NULL;
    for (extent **at = &pool->cached; *at; at = &(*at)->next) {
        uint64_t fit = fitness(*at, bytes, maximum);
        if (fit && (!best || fit > fitness(*best, bytes, maximum))) best = at;
    }
    extent *e = best ? *best : NULL;
    if (e) *best = e->next;
    pthread_mutex_unlock(&ctx->lock);
    return e;
}

static void put_cached(extent *e) {
    context *ctx = e->context;
    pthread_mutex_lock(&ctx->lock);
    e->next = ctx->pool->cached;
    ctx->pool->cached = e;
    pthread_mutex_unlock(&ctx->lock);
}

static gpumm_status commit(range *r, uint64_t bytes, bool spills) {
    return spills ? gpumm__range_spill(r, bytes) : gpumm__range_commit(r, bytes);
}

static gpumm_status reuse(extent *e, uint64_t bytes, bool spills) {
    gpumm_status status = commit(&e->range, bytes, spills);
    if (status != GPUMM_OK) {
        put_cached(e);
        return status;
    }
    e->usable = e->range.committed;
    return GPUMM_OK;
}

/* The limit on what is used; UINT64_MAX: none. */
static uint64_t limit_of(const context *ctx) {
    uint64_t limit = gpumm_budget_limit(ctx->own);
    return ctx->shared ? size_min(limit, gpumm_budget_limit(ctx->shared)) : limit;
}

/* Freed memory that waits for its streams is none that is used, but it must not add up: near twice the limit it is
   waited for, as it is where the device has no more. */
static void wait_for_room(context *ctx, uint64_t bytes) {
    enum { LEAST = 64 << 20 };
    uint64_t limit = limit_of(ctx), most = size_max(limit, LEAST / 2);
    if (limit > UINT64_MAX / 2) return;
    pthread_mutex_lock(&ctx->lock);
    uint64_t committed = ctx->books.committed;
    pthread_mutex_unlock(&ctx->lock);
    if (committed >= 2 * most || bytes >= 2 * most - committed) gpumm__deferred_wait(&ctx->deferred);
}

/* Into the range, which is open. */
static gpumm_status fill_large(context *ctx, uint64_t bytes, bool spills, extent *e) {
    /* A block that cannot grow in place has its address only once there is memory. */
    gpumm_status status = commit(&e->range, ctx->info.in_place ? bytes : size_max(bytes, 1), spills);
    if (status != GPUMM_OK) {
        gpumm__extent_discard(ctx, &e->range); /* of what went on in pieces something may be left */
        return status;
    }
    e->address = e->range.address;
    e->usable = e->range.committed;
    return GPUMM_OK;
}

static gpumm_status open_large(context *ctx, uint64_t bytes, uint64_t maximum, extent_kind kind, extent *e) {
    bool shareable = kind == EXTENT_SHAREABLE;
    TRY(gpumm__range_open(&e->range, ctx->device, shareable ? PLACE_SHARED : PLACE_DEVICE, maximum));
    e->range.spill = shareable ? NULL : context_spill(ctx);
    return fill_large(ctx, bytes, kind == EXTENT_SPILLING, e);
}

static gpumm_status open_striped(context *ctx, uint64_t bytes, uint64_t maximum, const device_stripe *stripe,
                                 extent *e) {
    TRY(gpumm__range_open_striped(&e->range, ctx->device, stripe, maximum));
    return fill_large(ctx, bytes, false, e);
}

/* ---- All extents ---------------------------------------------------------------------------- */

gpumm_status gpumm__extent_open(context *ctx, uint64_t bytes, uint64_t maximum, extent_kind kind, extent **out) {
    bool shareable = kind == EXTENT_SHAREABLE, small = maximum <= SMALL_MOST && !shareable;
    extent *e = small || shareable ? NULL : take_cached(ctx, bytes, maximum);
    if (e) {
        TRY(reuse(e, bytes, kind == EXTENT_SPILLING));
        *out = e;
        return GPUMM_OK;
    }
    e = gpumm__mem_new(&ctx->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    e->context = ctx;
    if (!small) wait_for_room(ctx, bytes);
    gpumm_status status =
        small ? open_small(ctx, maximum, kind == EXTENT_SPILLING, e) : open_large(ctx, bytes, maximum, kind, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, e);
        return status;
    }
    *out = e;
    return GPUMM_OK;
}

gpumm_status gpumm__extent_open_striped(context *ctx, uint64_t bytes, uint64_t maximum, const device_stripe *stripe,
                                        extent **out) {
    extent *e = gpumm__mem_new(&ctx->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    e->context = ctx;
    wait_for_room(ctx, bytes);
    gpumm_status status = open_striped(ctx, bytes, maximum, stripe, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, e);
        return status;
    }
    *out = e;
    return GPUMM_OK;
}

gpumm_status gpumm__extent_reserve(context *ctx, uint64_t maximum, extent **out) {
    extent *e = gpumm__mem_new(&ctx->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    e->context = ctx;
    gpumm_status status = gpumm__range_open(&e->range, ctx->device, PLACE_SHARED, maximum);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, e);
        return status;
    }
    e->address = e->range.address;
    *out = e;
    return GPUMM_OK;
}

bool gpumm__extent_can_grow(const extent *e, uint64_t bytes) {
    return bytes <= e->usable || (!e->small.slab && gpumm__range_can_commit(&e->range, bytes));
}

gpumm_status gpumm__extent_grow(extent *e, uint64_t bytes, bool spills) {
    if (bytes <= e->usable) return GPUMM_OK;
    gpumm_status status = commit(&e->range, bytes, spills);
    e->usable = e->range.committed; /* also where it failed: what went on in pieces may not all have gone back */
    return status;
}

/* What could not be given back stays in the books, and poll says so. */
static void tell_refused(const extent *e) {
    if (e->range.refused != GPUMM_OK) gpumm__context_background_failed(e->context, e->range.refused);
}

bool gpumm__extent_shrink(extent *e, uint64_t bytes, bool told) {
    if (e->small.slab) return true;
    gpumm__range_decommit(&e->range, bytes);
    if (told) tell_refused(e);
    e->usable = e->range.committed;
    if (e->exports) gpumm__exported_beyond(e->context, &e->exports, e->range.committed);
    return e->range.refused == GPUMM_OK;
}

bool gpumm__extent_has_surplus(const extent *e, uint64_t bytes) {
    return !e->small.slab && e->range.committed > gpumm__range_kept(&e->range, bytes);
}

uint64_t gpumm__extent_excess(const extent *e, uint64_t bytes) {
    if (e->small.slab || range_keeps_segments(&e->range)) return 0;
    return e->range.committed - gpumm__range_needed(&e->range, bytes);
}

gpumm_status gpumm__extent_fit(extent *e, uint64_t bytes, bool *moved) {
    context *ctx = e->context;
    gpumm_status status = gpumm__range_shrink(&e->range, bytes);
    if (!e->range.in_place) *moved = *moved || e->address != e->range.address;
    pthread_mutex_lock(&ctx->submit);
    e->address = e->range.address;
    e->usable = e->range.committed;
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

bool gpumm__extent_is_spilled(const extent *e) { return !e->small.slab && e->range.spilled; }

bool gpumm__extent_in_spilled_slab(const extent *e) {
    return e->small.slab && gpumm__small_is_spilled(&e->context->pool->small, &e->small);
}

gpumm_status gpumm__extent_promote(extent *e, uint64_t most, uint64_t *promoted, bool *moved) {
    context *ctx = e->context;
    range *r = &e->range;
    gpumm_status status = GPUMM_OK;
    *promoted = 0;
    for (uint64_t bytes; status == GPUMM_OK && (bytes = gpumm__range_next_spilled(r)) != 0;) {
        if (*promoted && *promoted + bytes > most) break;
        status = gpumm__range_promote(r);
        if (status == GPUMM_OK) *promoted += bytes;
    }
    *moved = *moved || e->address != r->address;
    pthread_mutex_lock(&ctx->submit);
    e->address = r->address;
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* What is committed beyond the last step that `logical` needs is there for coming growths. */
static uint64_t ahead_of(const extent *e, uint64_t logical) {
    uint64_t step;
    if (e->small.slab || !e->range.in_place) return 0;
    if (!size_round_up(logical, range_unit(&e->range), &step)) return 0;
    return e->usable > step ? e->usable - step : 0;
}

/* Lock held. */
static void set_account(extent *e, uint64_t logical, uint64_t precommitted) {
    ledger *l = &e->context->books;
    if (e->account.stripe != e->range.stripe) gpumm__ledger_set_stripe(l, &e->account, e->range.stripe);
    gpumm__ledger_set(l, &e->account, logical, precommitted, e->usable);
    gpumm__ledger_set_spilled(l, &e->account, e->range.spilled);
}

void gpumm__extent_book(extent *e, const char *name, const char *tag, uint64_t logical) {
    context *ctx = e->context;
    pthread_mutex_lock(&ctx->lock);
    if (!e->booked) gpumm__ledger_open(&ctx->books, &e->account, GPUMM_CATEGORY_BUFFERS, name, tag);
    else if (e->account.category != GPUMM_CATEGORY_BUFFERS)
        gpumm__ledger_move(&ctx->books, &e->account, GPUMM_CATEGORY_BUFFERS, name, tag);
    e->booked = true;
    e->account.address = e->address;
    set_account(e, logical, ahead_of(e, logical));
    pthread_mutex_unlock(&ctx->lock);
}

void gpumm__extent_succeed(extent *e, extent *old) {
    context *ctx = e->context;
    pthread_mutex_lock(&ctx->lock);
    if (e->booked) gpumm__ledger_close(&ctx->books, &e->account);
    gpumm__ledger_pass(&ctx->books, &old->account, &e->account);
    e->booked = true;
    old->booked = false;
    pthread_mutex_unlock(&ctx->lock);
}

static void unbook(extent *e) {
    if (e->booked) gpumm__context_book_close(e->context, &e->account);
    e->booked = false;
}

/* No buffer's any more: its names may go before it does. */
static void book_nameless(extent *e, gpumm_category category) {
    context *ctx = e->context;
    pthread_mutex_lock(&ctx->lock);
    if (!e->booked) gpumm__ledger_open(&ctx->books, &e->account, category, "", "");
    else gpumm__ledger_move(&ctx->books, &e->account, category, "", "");
    e->booked = true;
    set_account(e, 0, 0);
    pthread_mutex_unlock(&ctx->lock);
}

static extent *extent_of(deferred *r) { return (extent *)(void *)((char *)r - offsetof(extent, gone)); }

/* Runs once nobody uses it. What the device refuses to take back stays cached, and poll says so. */
static void unmap(deferred *r) {
    extent *e = extent_of(r);
    context *ctx = e->context;
    uint64_t since = tracing_now(&ctx->tracing);
    gpumm__exported_leave(ctx, e->exports);
    gpumm_status status = gpumm__range_close(&e->range);
    if (ctx->tracing.traced) gpumm__tracing_bytes(&ctx->tracing, "retire", NULL, since, e->usable);
    if (status != GPUMM_OK) {
        gpumm__context_background_failed(ctx, status);
        e->usable = e->range.committed;
        book_nameless(e, GPUMM_CATEGORY_CACHED);
        put_cached(e);
        return;
    }
    gpumm__exported_beyond(ctx, &e->exports, 0);
    unbook(e);
    gpumm__mem_free(&ctx->memory, e);
}

static void give_block(deferred *r) {
    extent *e = extent_of(r);
    context *ctx = e->context;
    unbook(e);
    gpumm__small_give(ctx, &ctx->pool->small, &e->small);
    gpumm__mem_free(&ctx->memory, e);
}

/* The oldest, out of the list, where all of it is more than `most`. NULL: it is not. */
static extent *take_beyond(context *ctx, uint64_t most) {
    uint64_t held = 0;
    extent **oldest = NULL;
    pthread_mutex_lock(&ctx->lock);
    for (extent **at = &ctx->pool->cached; *at; at = &(*at)->next) {
        held += (*at)->usable;
        oldest = at;
    }
    extent *e = held > most ? *oldest : NULL;
    if (e) *oldest = NULL;
    pthread_mutex_unlock(&ctx->lock);
    return e;
}

/* Ranges that serve nobody, as those that cannot grow in place, must not add up: what is cached stays within the
   limit on what is used, or a few commit steps, which a small limit is less than. */
static void bound_cached(context *ctx) {
    uint64_t limit = limit_of(ctx), most = size_max(limit, 2 * ctx->info.granularity_bytes);
    for (extent *e; limit != UINT64_MAX && (e = take_beyond(ctx, most)) != NULL;)
        gpumm__order_defer(&e->order, ctx, &e->gone, unmap);
}

void gpumm__extent_release(extent *e, bool cached) {
    context *ctx = e->context;
    bool used = e->order.writer || e->order.readers;
    bool kept = (cached || e->booked) && !range_keeps_segments(&e->range) && !e->range.spilled;
    if (e->small.slab) {
        if (e->booked) book_nameless(e, GPUMM_CATEGORY_SLACK);
        if (gpumm__order_only(&e->order, ctx->main)) gpumm__order_clear(&e->order);
        gpumm__order_defer(&e->order, ctx, &e->gone, give_block);
        return;
    }
    if (kept || used) book_nameless(e, GPUMM_CATEGORY_CACHED);
    if (!kept) gpumm__order_defer(&e->order, ctx, &e->gone, unmap); /* at once, or behind whoever was to write there */
    else put_cached(e), bound_cached(ctx);
}

/* The message of whatever failed before stays. */
static bool close_quietly(context *ctx, range *r) {
    char why[1024];
    snprintf(why, sizeof why, "%s", gpumm_message());
    gpumm_status status = gpumm__range_close(r);
    if (status == GPUMM_OK) return true;
    gpumm__context_background_failed(ctx, status);
    (void)fail(status, "%s", why);
    return false;
}

void gpumm__extent_discard(context *ctx, range *r) {
    if (close_quietly(ctx, r)) return;
    extent *e = ctx->pool ? gpumm__mem_new(&ctx->memory, sizeof *e) : NULL;
    range kept = *r;
    memset(r, 0, sizeof *r);
    if (!e) { /* it goes with the device */
        gpumm__mem_free(&ctx->memory, kept.list);
        return;
    }
    e->context = ctx;
    e->range = kept;
    e->address = kept.address;
    e->usable = kept.committed;
    book_nameless(e, GPUMM_CATEGORY_CACHED);
    put_cached(e);
}

/* ---- The pool ------------------------------------------------------------------------------- */

gpumm_status gpumm__pool_open(context *ctx) {
    ctx->pool = gpumm__mem_new(&ctx->memory, sizeof *ctx->pool);
    if (!ctx->pool) return fail_host_memory(sizeof *ctx->pool);
    gpumm__small_open(&ctx->pool->small);
    return GPUMM_OK;
}

static extent *take_all_cached(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    extent *e = ctx->pool->cached;
    ctx->pool->cached = NULL;
    pthread_mutex_unlock(&ctx->lock);
    return e;
}

void gpumm__pool_trim(context *ctx) {
    for (extent *e = take_all_cached(ctx), *next; e; e = next) {
        next = e->next;
        gpumm__order_defer(&e->order, ctx, &e->gone, unmap);
    }
    gpumm__small_trim(ctx, &ctx->pool->small);
}

/* What the device refused to the last goes with it. */
static void forget_refused(context *ctx) {
    for (extent *e = take_all_cached(ctx), *next; e; e = next) {
        next = e->next;
        unbook(e);
        gpumm__mem_free(&ctx->memory, e->range.list);
        gpumm__mem_free(&ctx->memory, e);
    }
}

void gpumm__pool_close(context *ctx) {
    if (!ctx->pool) return;
    gpumm__pool_trim(ctx);
    gpumm__deferred_wait(&ctx->deferred);
    forget_refused(ctx);
    gpumm__small_close(ctx, &ctx->pool->small);
    gpumm__mem_free(&ctx->memory, ctx->pool);
    ctx->pool = NULL;
}

gpumm_status gpumm__pool_check(context *ctx) { return gpumm__small_check(&ctx->pool->small); }
