/* SPDX-License-Identifier: MIT */
/* Where a buffer's bytes come from and go to. */
#include "core/extent.h"

struct pool_slab { /* one, where memory grows in place; else as many as were filled */
    struct pool_slab *next;
    slab slab;
    account account; /* what its blocks leave of what it has committed */
};

struct extent_pool {
    struct pool_slab *slabs;
    extent *cached;        /* under the context's lock */
    pthread_mutex_t mutex; /* the slab list, across opening one */
};

/* ---- Small extents: blocks of a slab -------------------------------------------------------- */

/* Pool mutex held, so that no older numbers are booked over newer ones. */
static void pool_book(context *ctx, struct pool_slab *p) {
    gpumm__context_book(ctx, &p->account, 0, 0, p->slab.committed - p->slab.used);
}

static gpumm_status pool_slab_open(context *ctx, struct pool_slab **out) {
    struct pool_slab *p = gpumm__mem_new(&ctx->memory, sizeof *p);
    if (!p) return fail_host_memory(sizeof *p);
    uint64_t maximum = ctx->info.in_place ? ctx->info.total_bytes : 4 << 20;
    gpumm_status status = gpumm__slab_open(&p->slab, ctx->device, maximum);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, p);
        return status;
    }
    gpumm__context_book_open(ctx, &p->account, GPUMM_SLACK, "", "slab");
    p->next = ctx->pool->slabs;
    ctx->pool->slabs = p;
    *out = p;
    return GPUMM_OK;
}

static gpumm_status take_block(struct pool_slab *p, uint64_t bytes, extent *e) {
    slab_block block;
    TRY(gpumm__slab_take(&p->slab, bytes, &block));
    e->slab = p;
    e->block = block.number;
    e->address = block.address;
    e->usable = block.size;
    pool_book(e->context, p);
    return GPUMM_OK;
}

/* From the newest slab that has room; a new one only where none has. */
static gpumm_status take_from_pool(context *ctx, uint64_t bytes, extent *e) {
    for (struct pool_slab *p = ctx->pool->slabs; p; p = p->next)
        if (take_block(p, bytes, e) == GPUMM_OK) return GPUMM_OK;
    if (ctx->pool->slabs && ctx->info.in_place) return take_block(ctx->pool->slabs, bytes, e); /* for its message */
    struct pool_slab *p = NULL;
    TRY(pool_slab_open(ctx, &p));
    return take_block(p, bytes, e);
}

/* Blocks carry no order of their own; what came before was on the main stream or is through. */
static gpumm_status open_small(context *ctx, uint64_t bytes, extent *e) {
    pthread_mutex_lock(&ctx->pool->mutex);
    gpumm_status status = take_from_pool(ctx, bytes, e);
    pthread_mutex_unlock(&ctx->pool->mutex);
    if (status == GPUMM_OK) e->order.writer = ctx->main;
    return status;
}

/* ---- Large extents: ranges, cached ones first -------------------------------------------------- */

/* How well a cached range serves: 0 not at all, else more is better. One that must grow is better than one that
   would hold much more than is asked. */
static uint64_t fitness(const extent *e, uint64_t bytes, uint64_t maximum) {
    uint64_t committed = e->range.committed;
    if (e->range.reserved < maximum) return 0;
    if (committed < bytes) return e->range.in_place ? 1 + committed / 2 : 0;
    if (committed / 4 > bytes + (16 << 20)) return 0;
    return UINT64_MAX - committed;
}

/* The best cached range, out of the list; NULL: none serves. */
static extent *take_cached(context *ctx, uint64_t bytes, uint64_t maximum) {
    pthread_mutex_lock(&ctx->lock);
    extent **best = NULL;
    for (extent **at = &ctx->pool->cached; *at; at = &(*at)->next) {
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

static gpumm_status reuse(extent *e, uint64_t bytes) {
    gpumm_status status = gpumm__range_commit(&e->range, bytes);
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

static gpumm_status open_large(context *ctx, uint64_t bytes, uint64_t maximum, extent *e) {
    TRY(gpumm__range_open(&e->range, ctx->device, PLACE_DEVICE, maximum));
    /* A block that cannot grow in place has its address only once there is memory. */
    gpumm_status status = gpumm__range_commit(&e->range, ctx->info.in_place ? bytes : size_max(bytes, 1));
    if (status != GPUMM_OK) {
        gpumm__range_close(&e->range);
        return status;
    }
    e->address = e->range.address;
    e->usable = e->range.committed;
    return GPUMM_OK;
}

/* ---- All extents ---------------------------------------------------------------------------- */

gpumm_status gpumm__extent_open(context *ctx, uint64_t bytes, uint64_t maximum, extent **out) {
    bool small = maximum <= EXTENT_SMALL;
    extent *e = small ? NULL : take_cached(ctx, bytes, maximum);
    if (e) {
        TRY(reuse(e, bytes));
        *out = e;
        return GPUMM_OK;
    }
    e = gpumm__mem_new(&ctx->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    e->context = ctx;
    if (!small) wait_for_room(ctx, bytes);
    gpumm_status status = small ? open_small(ctx, maximum, e) : open_large(ctx, bytes, maximum, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, e);
        return status;
    }
    *out = e;
    return GPUMM_OK;
}

bool gpumm__extent_can_grow(const extent *e, uint64_t bytes) {
    return bytes <= e->usable || (!e->slab && gpumm__range_can_commit(&e->range, bytes));
}

gpumm_status gpumm__extent_grow(extent *e, uint64_t bytes) {
    if (bytes <= e->usable) return GPUMM_OK;
    TRY(gpumm__range_commit(&e->range, bytes));
    e->usable = e->range.committed;
    return GPUMM_OK;
}

uint64_t gpumm__extent_shrink(extent *e, uint64_t bytes) {
    if (e->slab) return 0;
    uint64_t freed = gpumm__range_decommit(&e->range, bytes);
    e->usable = e->range.committed;
    return freed;
}

/* What is committed beyond the last step that `logical` needs is there for coming growths. */
static uint64_t ahead_of(const extent *e, uint64_t logical) {
    uint64_t step;
    if (e->slab || !e->range.in_place) return 0;
    if (!size_round_up(logical, device_granularity(e->range.device, PLACE_DEVICE), &step)) return 0;
    return e->usable > step ? e->usable - step : 0;
}

void gpumm__extent_book(extent *e, const char *name, const char *tag, uint64_t logical) {
    context *ctx = e->context;
    pthread_mutex_lock(&ctx->lock);
    if (!e->booked) gpumm__ledger_open(&ctx->books, &e->account, GPUMM_BUFFERS, name, tag);
    else if (e->account.category != GPUMM_BUFFERS)
        gpumm__ledger_move(&ctx->books, &e->account, GPUMM_BUFFERS, name, tag);
    e->booked = true;
    e->account.address = e->address;
    gpumm__ledger_set(&ctx->books, &e->account, logical, ahead_of(e, logical), e->usable);
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
    gpumm__ledger_set(&ctx->books, &e->account, 0, 0, e->usable);
    pthread_mutex_unlock(&ctx->lock);
}

static extent *extent_of(deferred *r) { return (extent *)(void *)((char *)r - offsetof(extent, gone)); }

/* Runs once nobody uses it. */
static void unmap(deferred *r) {
    extent *e = extent_of(r);
    context *ctx = e->context;
    gpumm__range_close(&e->range);
    unbook(e);
    gpumm__mem_free(&ctx->memory, e);
}

static void give_block(deferred *r) {
    extent *e = extent_of(r);
    context *ctx = e->context;
    unbook(e);
    pthread_mutex_lock(&ctx->pool->mutex);
    gpumm__slab_give(&e->slab->slab, e->block);
    pool_book(ctx, e->slab);
    pthread_mutex_unlock(&ctx->pool->mutex);
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
   limit on what is used. */
static void bound_cached(context *ctx) {
    uint64_t most = limit_of(ctx);
    for (extent *e; most != UINT64_MAX && (e = take_beyond(ctx, most)) != NULL;)
        gpumm__order_defer(&e->order, ctx, &e->gone, unmap);
}

void gpumm__extent_release(extent *e, bool cached) {
    context *ctx = e->context;
    bool used = e->order.writer || e->order.readers, kept = cached || e->booked;
    if (e->slab) {
        if (e->booked) book_nameless(e, GPUMM_SLACK);
        if (gpumm__order_only(&e->order, ctx->main)) gpumm__order_clear(&e->order);
        gpumm__order_defer(&e->order, ctx, &e->gone, give_block);
        return;
    }
    if (kept || used) book_nameless(e, GPUMM_CACHED);
    if (!kept) gpumm__order_defer(&e->order, ctx, &e->gone, unmap); /* at once, or behind whoever was to write there */
    else put_cached(e), bound_cached(ctx);
}

/* ---- The pool ------------------------------------------------------------------------------- */

gpumm_status gpumm__pool_open(context *ctx) {
    ctx->pool = gpumm__mem_new(&ctx->memory, sizeof *ctx->pool);
    if (!ctx->pool) return fail_host_memory(sizeof *ctx->pool);
    pthread_mutex_init(&ctx->pool->mutex, NULL);
    return GPUMM_OK;
}

void gpumm__pool_trim(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    extent *e = ctx->pool->cached;
    ctx->pool->cached = NULL;
    pthread_mutex_unlock(&ctx->lock);
    for (extent *next; e; e = next) {
        next = e->next;
        gpumm__order_defer(&e->order, ctx, &e->gone, unmap);
    }
}

void gpumm__pool_close(context *ctx) {
    if (!ctx->pool) return;
    gpumm__pool_trim(ctx);
    gpumm__deferred_wait(&ctx->deferred);
    for (struct pool_slab *p = ctx->pool->slabs, *next; p; p = next) {
        next = p->next;
        gpumm__context_book_close(ctx, &p->account);
        gpumm__slab_close(&p->slab);
        gpumm__mem_free(&ctx->memory, p);
    }
    pthread_mutex_destroy(&ctx->pool->mutex);
    gpumm__mem_free(&ctx->memory, ctx->pool);
    ctx->pool = NULL;
}

gpumm_status gpumm__pool_check(context *ctx) {
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->pool->mutex);
    for (struct pool_slab *p = ctx->pool->slabs; p && status == GPUMM_OK; p = p->next)
        status = gpumm__slab_check(&p->slab);
    pthread_mutex_unlock(&ctx->pool->mutex);
    return status;
}
