/* SPDX-License-Identifier: MIT */
/* Two lists: a request walks only slabs that may have room. The mutex is held neither across the device's calls nor the
   allocator's: whoever makes such a call for a slab marks it as busy, and the others go on with the rest. */
#include "core/small.h"

#include <stdio.h>

enum { SLAB_BYTES = 2 << 20 };

struct small_slab {
    struct small_slab *next, *previous;
    bool full;     /* in that list */
    bool retiring; /* what is free at its end is on its way back */
    bool busy;     /* its range is being changed, without the mutex */
    bool spilled;  /* some of it, when it was counted last */
    struct small_slab *next_posted;
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
    if (!p->booked) gpumm__context_book_open(ctx, &p->account, GPUMM_CATEGORY_SLACK, "", "slab");
    p->booked = true;
    pthread_mutex_lock(&ctx->lock);
    gpumm__ledger_set(&ctx->books, &p->account, 0, 0, p->committed - p->used);
    gpumm__ledger_set_spilled(&ctx->books, &p->account, p->spilled);
    pthread_mutex_unlock(&ctx->lock);
}

/* What a slab holds is counted anew, as it was before and is now. */
typedef struct held {
    uint64_t committed, spilled;
} held;

static held held_by(const struct small_slab *s) { return (held){s->slab.range.committed, s->slab.range.spilled}; }

static void count_held(small_pool *p, struct small_slab *s, held before, held now) {
    p->committed += now.committed - before.committed;
    p->spilled += now.spilled - before.spilled;
    s->spilled = now.spilled != 0;
}

/* ---- Taking and giving ---- */

static bool has_next_to_nothing(const slab *s) { return s->range.reserved - s->used < SMALL_MOST; }

static bool try_one(small_pool *p, struct small_slab *s, uint64_t bytes, small_block *out) {
    if (!gpumm__slab_try(&s->slab, bytes, &out->block)) return false;
    out->slab = s;
    p->used += out->block.size;
    return true;
}

/* Out of what is committed. */
static bool try_listed(small_pool *p, uint64_t bytes, small_block *out) {
    for (struct small_slab *s = p->some, *next; s; s = next) {
        next = s->next;
        if (try_one(p, s, bytes, out)) return true;
        if (has_next_to_nothing(&s->slab)) list_move(p, s, true);
    }
    return false;
}

static struct small_slab *find_growing(small_pool *p, uint64_t bytes, slab_growth *g) {
    for (struct small_slab *s = p->some; s; s = s->next)
        if (!s->busy && gpumm__slab_plan(&s->slab, bytes, g) == GPUMM_OK) return s;
    return NULL;
}

/* Mutex held, and given up meanwhile. What it committed others may take first. */
static bool grow_one(context *ctx, small_pool *p, uint64_t bytes, bool spills) {
    slab_growth g;
    struct small_slab *s = find_growing(p, bytes, &g);
    if (!s) return false;
    held before = held_by(s);
    s->busy = true;
    s->slab.spills = spills;
    pthread_mutex_unlock(&p->mutex);
    gpumm_status status = gpumm__slab_fetch(&s->slab, &g);
    pthread_mutex_lock(&p->mutex);
    s->busy = false;
    if (status == GPUMM_OK) gpumm__slab_publish(&s->slab, &g);
    count_held(p, s, before, held_by(s));
    book(ctx, p);
    return status == GPUMM_OK;
}

/* What the device refuses to take back of a slab that failed stays one. */
static struct small_slab *discard(struct small_slab *s) {
    context *ctx = s->context;
    char why[1024];
    snprintf(why, sizeof why, "%s", gpumm_message());
    gpumm_status refused = gpumm__slab_close(&s->slab);
    if (refused == GPUMM_OK) return gpumm__mem_free(&ctx->memory, s), NULL;
    gpumm__context_background_failed(ctx, refused);
    (void)fail(refused, "%s", why);
    return s;
}

/* With its first block; nobody else sees it. *made also where it failed, and is not gone: without a block. */
static gpumm_status make_slab(context *ctx, uint64_t bytes, bool spills, struct small_slab **made, slab_block *block) {
    struct small_slab *s = gpumm__mem_new(&ctx->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->context = ctx;
    gpumm_status status = gpumm__slab_open(&s->slab, ctx->device, SLAB_BYTES);
    s->slab.range.spill = context_spill(ctx);
    s->slab.spills = spills;
    if (status == GPUMM_OK) status = gpumm__slab_take(&s->slab, bytes, block);
    *made = status == GPUMM_OK ? s : discard(s);
    return status;
}

/* Mutex held, and given up meanwhile. */
static gpumm_status take_new(context *ctx, small_pool *p, uint64_t bytes, bool spills, small_block *out) {
    struct small_slab *s = NULL;
    pthread_mutex_unlock(&p->mutex);
    gpumm_status status = make_slab(ctx, bytes, spills, &s, &out->block);
    pthread_mutex_lock(&p->mutex);
    if (!s) return status;
    s->pool = p;
    list_add(p, s, false);
    count_held(p, s, (held){0}, held_by(s));
    if (status != GPUMM_OK) return book(ctx, p), status;
    p->used += out->block.size;
    out->slab = s;
    return GPUMM_OK;
}

gpumm_status gpumm__small_take(context *ctx, small_pool *p, uint64_t bytes, bool spills, small_block *out) {
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&p->mutex);
    bool taken = try_listed(p, bytes, out);
    while (!taken && grow_one(ctx, p, bytes, spills)) taken = try_listed(p, bytes, out);
    if (!taken) status = take_new(ctx, p, bytes, spills, out);
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
    held before = held_by(s);
    gpumm_status status = gpumm__slab_close(&s->slab);
    pthread_mutex_lock(&p->mutex);
    if (status == GPUMM_OK) count_held(p, s, before, (held){0});
    else list_add(p, s, false);
    book(ctx, p);
    pthread_mutex_unlock(&p->mutex);
    if (status == GPUMM_OK) gpumm__mem_free(&ctx->memory, s);
    else gpumm__context_background_failed(ctx, status);
}

/* A slab that is growing has nothing to spare. */
static void release_end(deferred *r) {
    struct small_slab *s = slab_of(r);
    small_pool *p = s->pool;
    pthread_mutex_lock(&p->mutex);
    bool ours = !s->busy;
    uint64_t end = s->slab.committed;
    held before = held_by(s), now = before;
    if (ours) s->busy = true;
    pthread_mutex_unlock(&p->mutex);
    if (ours) gpumm__slab_release(&s->slab, end), now = held_by(s);
    gpumm_status refused = ours ? s->slab.range.refused : GPUMM_OK;
    context *ctx = s->context;
    pthread_mutex_lock(&p->mutex);
    if (ours) s->busy = false;
    s->retiring = false;
    count_held(p, s, before, now);
    book(ctx, p);
    pthread_mutex_unlock(&p->mutex);
    if (refused != GPUMM_OK) gpumm__context_background_failed(ctx, refused);
}

static void post(struct small_slab *s) {
    order users = {.writer = s->context->main};
    gpumm__order_defer_later(&users, s->context, &s->gone, s->retiring ? release_end : close_one);
}

/* Has it something to give back? Without a block it leaves the pool. Mutex held. */
static bool retire(small_pool *p, struct small_slab *s) {
    if (s->retiring || s->busy) return false;
    if (s->slab.blocks == 0) {
        list_remove(p, s);
        return true;
    }
    return s->retiring = gpumm__slab_retire(&s->slab) < s->slab.range.committed;
}

static void retire_list(small_pool *p, struct small_slab *s, struct small_slab **posted) {
    for (struct small_slab *next; s; s = next) {
        next = s->next;
        if (!retire(p, s)) continue;
        s->next_posted = *posted;
        *posted = s;
    }
}

/* A main stream that captures a graph cannot be waited for. */
void gpumm__small_trim(context *ctx, small_pool *p) {
    struct small_slab *posted = NULL;
    if (ctx->main && gpumm__stream_not_capturing(ctx->main) != GPUMM_OK) return;
    pthread_mutex_lock(&p->mutex);
    retire_list(p, p->some, &posted);
    retire_list(p, p->full, &posted);
    pthread_mutex_unlock(&p->mutex);
    for (struct small_slab *next; posted; posted = next) {
        next = posted->next_posted;
        post(posted);
    }
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

bool gpumm__small_is_spilled(small_pool *p, const small_block *b) {
    pthread_mutex_lock(&p->mutex);
    bool spilled = b->slab->spilled;
    pthread_mutex_unlock(&p->mutex);
    return spilled;
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
