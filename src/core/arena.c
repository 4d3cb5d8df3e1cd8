/* SPDX-License-Identifier: MIT */
/* Slabs of a stream: growing them, giving back what is unused. Whoever calls the device or the allocator for one marks it
   as busy, and holds no lock. */
#include "core/arena.h"

#include "core/extent.h"

enum {
    SCRATCH_BLOCK = 4 << 20, /* where memory cannot grow in place, a slab is one block, at least so large */
    SCRATCH_RANGE = 64 << 20 /* else it reserves so much, and grows */
};

/* ---- Closing --------------------------------------------------------------------------------------------- */

static void arena_drop(arena *a) {
    if (atomic_fetch_sub(&a->references, 1) != 1) return;
    gpumm__mem_free(&a->context->memory, a);
}

static void slab_free(context *ctx, arena_slab *s) {
    gpumm__extent_discard(ctx, &s->slab.range);
    (void)gpumm__slab_close(&s->slab);
    gpumm__mem_free(&ctx->memory, s);
}

static void free_slabs(context *ctx, arena_slab *s) {
    for (arena_slab *next; s; s = next) {
        next = s->next;
        slab_free(ctx, s);
    }
}

/* Out of the arena; lock held. */
static arena_slab *take_slabs(arena *a) {
    arena_slab *all = a->slabs;
    a->slabs = NULL;
    return all;
}

/* What is on its way back books nothing any more; where it is looking at the slabs, they are its to free. */
static void arena_close(attachment *self) {
    arena *a = (arena *)self;
    context *ctx = a->context;
    pthread_mutex_lock(&ctx->lock);
    a->closed = true;
    gpumm__ledger_close(&ctx->books, &a->account);
    arena_slab *slabs = a->passing ? NULL : take_slabs(a);
    gpumm_scratch *spare = a->spare;
    pthread_mutex_unlock(&ctx->lock);
    free_slabs(ctx, slabs);
    for (gpumm_scratch *next; spare; spare = next) {
        next = spare->next;
        gpumm__mem_free(&ctx->memory, spare);
    }
    arena_drop(a);
}

/* ---- Growing --------------------------------------------------------------------------------------------- */

/* Lock held. */
static void hold(arena *a, arena_slab *s) {
    a->committed += s->slab.range.committed - s->held;
    s->held = s->slab.range.committed;
    a->spilled += s->slab.range.spilled - s->held_spilled;
    s->held_spilled = s->slab.range.spilled;
}

/* Nobody else sees it yet, so it grows at once. */
static gpumm_status prepare_slab(slab *s, uint64_t bytes) {
    slab_growth g;
    TRY(gpumm__slab_plan(s, bytes, &g));
    TRY(gpumm__slab_fetch(s, &g));
    gpumm__slab_publish(s, &g);
    return GPUMM_OK;
}

static gpumm_status add_slab(arena *a, uint64_t bytes, bool spills) {
    context *ctx = a->context;
    arena_slab *s = gpumm__mem_new(&ctx->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    gpumm_status status =
        gpumm__slab_open(&s->slab, ctx->device, size_max(bytes, ctx->info.in_place ? SCRATCH_RANGE : SCRATCH_BLOCK));
    s->slab.range.spill = context_spill(ctx);
    s->slab.spills = spills;
    if (status == GPUMM_OK) status = prepare_slab(&s->slab, bytes);
    if (status != GPUMM_OK) {
        slab_free(ctx, s); /* with pieces of what was spilled, which the device may refuse to take back */
        return status;
    }
    pthread_mutex_lock(&ctx->lock);
    s->next = a->slabs;
    a->slabs = s;
    hold(a, s);
    pthread_mutex_unlock(&ctx->lock);
    return GPUMM_OK;
}

/* The newest slab, if it has room to grow so much and nobody changes it now; busy then. */
static arena_slab *begin_growth(arena *a, uint64_t bytes, slab_growth *g) {
    pthread_mutex_lock(&a->context->lock);
    arena_slab *s = a->slabs;
    if (s && (s->retired || s->busy || gpumm__slab_plan(&s->slab, bytes, g) != GPUMM_OK)) s = NULL;
    if (s) s->busy = true;
    pthread_mutex_unlock(&a->context->lock);
    return s;
}

gpumm_status gpumm__arena_grow(arena *a, uint64_t bytes, bool spills) {
    context *ctx = a->context;
    slab_growth g;
    arena_slab *s = begin_growth(a, bytes, &g);
    if (!s) return add_slab(a, bytes, spills);
    s->slab.spills = spills;
    gpumm_status status = gpumm__slab_fetch(&s->slab, &g);
    pthread_mutex_lock(&ctx->lock);
    s->busy = false;
    if (status == GPUMM_OK) gpumm__slab_publish(&s->slab, &g);
    hold(a, s);
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

/* ---- Giving back what is unused; the lock is held, and given up for the device's calls ----------------------- */

static void free_retired(arena *a, arena_slab *s) {
    context *ctx = a->context;
    arena_slab **at = &a->slabs;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    a->committed -= s->held;
    a->spilled -= s->held_spilled;
    pthread_mutex_unlock(&ctx->lock);
    slab_free(ctx, s);
    pthread_mutex_lock(&ctx->lock);
}

static void release_end(arena *a, arena_slab *s) {
    context *ctx = a->context;
    uint64_t end = s->slab.committed;
    s->retiring = false;
    s->busy = true;
    pthread_mutex_unlock(&ctx->lock);
    gpumm__slab_release(&s->slab, end);
    if (s->slab.range.refused != GPUMM_OK) gpumm__context_background_failed(ctx, s->slab.range.refused);
    pthread_mutex_lock(&ctx->lock);
    s->busy = false;
    hold(a, s);
}

/* One that is growing has nothing to spare. */
static arena_slab *next_unused(arena *a) {
    for (arena_slab *s = a->slabs; s; s = s->next) {
        if (s->busy) s->retiring = false;
        if (s->retired || s->retiring) return s;
    }
    return NULL;
}

static void give_back_all(arena *a) {
    a->passing = true;
    for (arena_slab *s; !a->closed && (s = next_unused(a));) {
        if (s->retired) free_retired(a, s);
        else release_end(a, s);
    }
    a->passing = false;
}

/* Runs once the stream is through with what was unused then. */
static void unused_through(deferred *r) {
    arena *a = (arena *)(void *)((char *)r - offsetof(arena, unused));
    context *ctx = a->context;
    pthread_mutex_lock(&ctx->lock);
    if (!a->closed) give_back_all(a);
    if (!a->closed) arena_book(a, a->account.logical);
    a->retiring = false;
    arena_slab *left = a->closed ? take_slabs(a) : NULL;
    pthread_mutex_unlock(&ctx->lock);
    free_slabs(ctx, left);
    arena_drop(a);
}

static bool retire_slabs(arena *a) {
    bool any = false;
    arena_give_kept(a);
    for (arena_slab *s = a->slabs; s; s = s->next) {
        if (s->busy) continue;
        s->retired = s->slab.blocks == 0;
        s->retiring = !s->retired && gpumm__slab_retire(&s->slab) < s->held;
        any = any || s->retired || s->retiring;
    }
    return any;
}

/* True: somebody has to post it. */
static bool begin_retiring(arena *a) {
    pthread_mutex_lock(&a->context->lock);
    bool begins = !a->retiring && !a->closed && retire_slabs(a);
    a->retiring = a->retiring || begins;
    pthread_mutex_unlock(&a->context->lock);
    return begins;
}

static void arena_trim(attachment *self, gpumm_stream *s) {
    arena *a = (arena *)self;
    if (gpumm__stream_not_capturing(s) != GPUMM_OK || !begin_retiring(a)) return;
    atomic_fetch_add(&a->references, 1);
    gpumm__stream_hold(s);
    order users = {.writer = s};
    gpumm__order_defer_later(&users, a->context, &a->unused, unused_through);
}

/* ---- Making ---------------------------------------------------------------------------------------------- */

gpumm_status gpumm__arena_make(gpumm_stream *s, attachment **out) {
    context *ctx = s->object.context;
    arena *a = gpumm__mem_new(&ctx->memory, sizeof *a);
    if (!a) return fail_host_memory(sizeof *a);
    a->context = ctx;
    a->attachment.close = arena_close;
    a->attachment.trim = arena_trim;
    atomic_init(&a->references, 1);
    gpumm__context_book_open(ctx, &a->account, GPUMM_CATEGORY_SCRATCH, "", "scratch");
    *out = &a->attachment;
    return GPUMM_OK;
}
