/* SPDX-License-Identifier: MIT */
/* Two lists: a request walks only slabs that may have room. */
#include "core/small.h"

enum { SLAB_BYTES = 2 << 20 };

struct small_slab {
    struct small_slab *next, *previous;
    bool full;     /* in that list */
    bool retiring; /* what is free at its end is on its way back */
    slab slab;
    context *context;
    small_pool *pool;
    deferred gone;
};

void gpumm__small_open(small_pool *p) { pthread_mutex_init(&p->mutex, NULL); }

/* ---- The lists; mutex held ---- */

static void list_add(small_pool *p, struct small_slab *s, bool full) {
    struct small_slab **list = full ? &p->full : &p->some;
    s->full = full;
    s->previous = NULL;
    s->next = *list;
    if (s->next) s->next->previous = s;
    *list = s;
}

static void list_remove(small_pool *p, struct small_slab *s) {
    if (s->previous) s->previous->next = s->next;
    else *(s->full ? &p->full : &p->some) = s->next;
    if (s->next) s->next->previous = s->previous;
}

static void list_move(small_pool *p, struct small_slab *s, bool full) {
    list_remove(p, s);
    list_add(p, s, full);
}

/* Booked with the mutex held, so that no older numbers are booked over newer ones. */
static void book(context *ctx, small_pool *p) {
    if (!p->booked) gpumm__context_book_open(ctx, &p->account, GPUMM_SLACK, "", "slab");
    p->booked = true;
    gpumm__context_book(ctx, &p->account, 0, 0, p->committed - p->used);
}

/* ---- Taking and giving ---- */

static bool has_next_to_nothing(const slab *s) { return s->range.reserved - s->used < SMALL_MOST; }

static gpumm_status take_from(small_pool *p, struct small_slab *s, uint64_t bytes, small_block *out) {
    uint64_t held = s->slab.range.committed;
    gpumm_status status = gpumm__slab_take(&s->slab, bytes, &out->block);
    p->committed += s->slab.range.committed - held;
    if (status != GPUMM_OK) return status;
    out->slab = s;
    p->used += out->block.size;
    return GPUMM_OK;
}

static bool take_listed(small_pool *p, uint64_t bytes, small_block *out) {
    for (struct small_slab *s = p->some, *next; s; s = next) {
        next = s->next;
        if (take_from(p, s, bytes, out) == GPUMM_OK) return true;
        if (has_next_to_nothing(&s->slab)) list_move(p, s, true);
    }
    return false;
}

static gpumm_status take_new(context *ctx, small_pool *p, uint64_t bytes, small_block *out) {
    struct small_slab *s = gpumm__mem_new(&ctx->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    gpumm_status status = gpumm__slab_open(&s->slab, ctx->device, SLAB_BYTES);
    if (status == GPUMM_OK) status = take_from(p, s, bytes, out);
    if (status != GPUMM_OK) {
        (void)gpumm__slab_close(&s->slab); /* nothing was committed */
        gpumm__mem_free(&ctx->memory, s);
        return status;
    }
    s->context = ctx;
    s->pool = p;
    list_add(p, s, false);
    return GPUMM_OK;
}

gpumm_status gpumm__small_take(context *ctx, small_pool *p, uint64_t bytes, small_block *out) {
    pthread_mutex_lock(&p->mutex);
    gpumm_status status = take_listed(p, bytes, out) ? GPUMM_OK : take_new(ctx, p, bytes, out);
    if (status == GPUMM_OK) book(ctx, p);
    pthread_mutex_unlock(&p->mutex);
    return status;
}

void gpumm__small_give(context *ctx, small_pool *p, const small_block *b) {
    pthread_mutex_lock(&p->mutex);
    gpumm__slab_give(&b->slab->slab, b->block.number);
    p->used -= b->block.size;
    if (b->slab->full) list_move(p, b->slab, false);
    book(ctx, p);
    pthread_mutex_unlock(&p->mutex);
}

/* ---- Giving slabs back ---- */

static struct small_slab *slab_of(deferred *r) {
    return (struct small_slab *)(void *)((char *)r - offsetof(struct small_slab, gone));
}

/* These two run once the main stream is through. What the device refuses to take back stays a slab. */
static void close_one(deferred *r) {
    struct small_slab *s = slab_of(r);
    context *ctx = s->context;
    small_pool *p = s->pool;
    uint64_t held = s->slab.range.committed;
    gpumm_status status = gpumm__slab_close(&s->slab);
    pthread_mutex_lock(&p->mutex);
    if (status == GPUMM_OK) p->committed -= held;
    else list_add(p, s, false);
    book(ctx, p);
    pthread_mutex_unlock(&p->mutex);
    if (status == GPUMM_OK) gpumm__mem_free(&ctx->memory, s);
    else gpumm__context_background_failed(ctx, status);
}

static void release_end(deferred *r) {
    struct small_slab *s = slab_of(r);
    context *ctx = s->context;
    pthread_mutex_lock(&s->pool->mutex);
    s->pool->committed -= gpumm__slab_release(&s->slab, s->slab.committed);
    s->retiring = false;
    gpumm_status refused = s->slab.range.refused;
    book(ctx, s->pool);
    pthread_mutex_unlock(&s->pool->mutex);
    if (refused != GPUMM_OK) gpumm__context_background_failed(ctx, refused);
}

static void post(struct small_slab *s, void (*run)(deferred *r)) {
    order users = {.writer = s->context->main};
    gpumm__order_defer_later(&users, s->context, &s->gone, run);
}

/* Has it something to give back? Without a block it leaves the pool. Mutex held. */
static bool retire(small_pool *p, struct small_slab *s) {
    if (s->retiring) return false;
    if (s->slab.blocks == 0) {
        list_remove(p, s);
        return true;
    }
    return s->retiring = gpumm__slab_retire(&s->slab) < s->slab.range.committed;
}

static void trim_list(small_pool *p, struct small_slab *s) {
    for (struct small_slab *next; s; s = next) {
        next = s->next;
        bool empty = s->slab.blocks == 0;
        if (retire(p, s)) post(s, empty ? close_one : release_end);
    }
}

/* Posting takes locks that come after the mutex. A main stream that captures a graph cannot be waited for. */
void gpumm__small_trim(context *ctx, small_pool *p) {
    if (ctx->main && gpumm__stream_not_capturing(ctx->main) != GPUMM_OK) return;
    pthread_mutex_lock(&p->mutex);
    trim_list(p, p->some);
    trim_list(p, p->full);
    pthread_mutex_unlock(&p->mutex);
}

static void close_list(context *ctx, struct small_slab *s) {
    for (struct small_slab *next; s; s = next) {
        next = s->next;
        (void)gpumm__slab_close(&s->slab); /* what is refused now goes with the device */
        gpumm__mem_free(&ctx->memory, s);
    }
}

void gpumm__small_close(context *ctx, small_pool *p) {
    close_list(ctx, p->some);
    close_list(ctx, p->full);
    if (p->booked) gpumm__context_book_close(ctx, &p->account);
    pthread_mutex_destroy(&p->mutex);
}

static gpumm_status check_list(const struct small_slab *s) {
    for (; s; s = s->next) TRY(gpumm__slab_check(&s->slab));
    return GPUMM_OK;
}

gpumm_status gpumm__small_check(small_pool *p) {
    pthread_mutex_lock(&p->mutex);
    gpumm_status status = check_list(p->some);
    if (status == GPUMM_OK) status = check_list(p->full);
    pthread_mutex_unlock(&p->mutex);
    return status;
}
