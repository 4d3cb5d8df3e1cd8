/* SPDX-License-Identifier: MIT */
/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   stream dependency each way. */
#include "core/scratch.h"

#include "core/arena.h"
#include "core/pressure.h"
#include "core/report.h"

static const char arena_key = 0; /* its address is the attachment's key */

gpumm_status gpumm__scratch_check(gpumm_stream *s) {
    context *ctx = s->object.context;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->lock);
    const arena *a = (arena *)gpumm__stream_attached(s, &arena_key);
    for (const arena_slab *one = a ? a->slabs : NULL; one && status == GPUMM_OK; one = one->next)
        status = gpumm__slab_check(&one->slab);
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

/* ---- Blocks ---------------------------------------------------------------------------------------------- */

/* The context's lock held, as for the next two. */
static void keep(arena *a, const piece *p) {
    arena_give_kept(a);
    a->kept = *p;
}

/* From the first slab that has room. */
static bool try_each(arena *a, uint64_t bytes, piece *p) {
    for (arena_slab *s = a->slabs; s; s = s->next) {
        p->slab = &s->slab;
        if (!s->retired && gpumm__slab_try(p->slab, bytes, &p->block)) return true;
    }
    return false;
}

static bool try_slabs(arena *a, uint64_t bytes, piece *p) {
    if (a->kept.slab && bytes <= a->kept.block.size && a->kept.block.size - bytes < SLAB_ALIGN) {
        *p = a->kept;
        a->kept.slab = NULL;
        return true;
    }
    return try_each(a, bytes, p) || (arena_give_kept(a) && try_each(a, bytes, p));
}

/* Puts a block in the books; gets a struct that somebody gave back, where there is one. Lock held. */
static void book_taken(arena *a, uint64_t bytes, gpumm_scratch **spare) {
    arena_book(a, a->account.logical + bytes);
    *spare = a->spare;
    if (*spare) a->spare = (*spare)->next;
}

/* Out of what is committed. */
static bool try_block(arena *a, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    pthread_mutex_lock(&a->context->lock);
    bool taken = try_slabs(a, bytes, p);
    if (taken) book_taken(a, bytes, spare);
    pthread_mutex_unlock(&a->context->lock);
    return taken;
}

static gpumm_status grow_and_take(arena *a, uint64_t bytes, bool spills, piece *p, gpumm_scratch **spare) {
    do TRY(gpumm__arena_grow(a, bytes, spills));
    while (!try_block(a, bytes, p, spare));
    return GPUMM_OK;
}

/* ---- Taking and giving ----------------------------------------------------------------------------------- */

static gpumm_status take_budgeted(gpumm_stream *s, uint64_t bytes, bool spills, arena **a, piece *p,
                                  gpumm_scratch **spare) {
    context *ctx = s->object.context;
    attachment *attached;
    TRY(gpumm__context_charge(ctx, bytes)); /* first, so that what is over the limit leaves no trace */
    gpumm_status status = gpumm__stream_attach(s, &arena_key, gpumm__arena_make, &attached);
    *a = (arena *)attached;
    if (status == GPUMM_OK && !try_block(*a, bytes, p, spare)) status = grow_and_take(*a, bytes, spills, p, spare);
    if (status != GPUMM_OK) gpumm__context_uncharge(ctx, bytes);
    return status;
}

static gpumm_status take_under_pressure(gpumm_stream *s, uint64_t bytes, arena **a, piece *p, gpumm_scratch **spare) {
    context *ctx = s->object.context;
    gpumm_status status = take_budgeted(s, bytes, false, a, p, spare);
    for (unsigned stage = 0; status != GPUMM_OK && gpumm__relieve(ctx, status, bytes, &stage);)
        status = take_budgeted(s, bytes, false, a, p, spare);
    if (gpumm__pressure_spills(ctx, status)) status = take_budgeted(s, bytes, true, a, p, spare);
    return status;
}

/* The block goes back to the slab and its bytes to the budget. Lock held. */
static void give_block(arena *a, uint64_t bytes, const piece *p) {
    keep(a, p);
    arena_book(a, a->account.logical - bytes);
    gpumm__context_uncharge_locked(a->context, bytes);
}

static void fill(gpumm_scratch *x, gpumm_stream *s, arena *a, const piece *p, uint64_t bytes) {
    x->stream = s;
    x->arena = a;
    x->piece = *p;
    x->bytes = bytes;
}

static gpumm_status scratch_new(gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    context *ctx = s->object.context;
    gpumm_scratch *x = NULL;
    arena *a = NULL;
    piece p;
    gpumm_status status = take_under_pressure(s, bytes, &a, &p, &x);
    if (status != GPUMM_OK) {
        fail_in(status, "scratch of %llu bytes: ", (unsigned long long)bytes);
        return gpumm__explain(ctx, status);
    }
    if (!x) x = gpumm__mem_new(&ctx->memory, sizeof *x);
    if (!x) {
        pthread_mutex_lock(&ctx->lock);
        give_block(a, bytes, &p);
        pthread_mutex_unlock(&ctx->lock);
        return fail_host_memory(sizeof *x);
    }
    fill(x, s, a, &p, bytes);
    *out = x;
    return GPUMM_OK;
}

/* The stream stays, also where it is closed, until the block is given back. */
static gpumm_status lend_new(gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    context *ctx = s->object.context;
    pthread_mutex_lock(&ctx->lock);
    bool lent = gpumm__stream_lend(s);
    pthread_mutex_unlock(&ctx->lock);
    if (!lent) return gpumm__stream_of(ctx, s, &s); /* which says why */
    gpumm_status status = scratch_new(s, bytes, out);
    if (status == GPUMM_OK) return GPUMM_OK;
    pthread_mutex_lock(&ctx->lock);
    bool last = gpumm__stream_return(s);
    pthread_mutex_unlock(&ctx->lock);
    if (last) gpumm__stream_returned(s);
    return status;
}

/* Everything at its place: a struct, room in a slab, in the budgets, on the stream. Lock held. */
static gpumm_scratch *take_spare(gpumm_stream *s, uint64_t bytes) {
    piece p;
    arena *a = (arena *)gpumm__stream_attached(s, &arena_key);
    if (!a || !a->spare || !try_slabs(a, bytes, &p)) return NULL;
    if (!gpumm__context_charge_locked(a->context, bytes)) return keep(a, &p), NULL;
    if (!gpumm__stream_lend(s)) {
        gpumm__context_uncharge_locked(a->context, bytes);
        return keep(a, &p), NULL;
    }
    gpumm_scratch *x;
    book_taken(a, bytes, &x);
    fill(x, s, a, &p, bytes);
    return x;
}

/* What nearly every call is: one lock, and no other count of its own, for closing takes the lock, too, once it has
   begun. NULL: something is missing; the long way makes it, or says what it is. */
static gpumm_scratch *take_at_once(context *ctx, gpumm_stream *s, uint64_t bytes) {
    if (s->object.context != ctx) return NULL;
    pthread_mutex_lock(&ctx->lock);
    gpumm_scratch *x = atomic_load_explicit(&ctx->closing, memory_order_relaxed) ? NULL : take_spare(s, bytes);
    pthread_mutex_unlock(&ctx->lock);
    return x;
}

static gpumm_status take_long(context *ctx, gpumm_stream *given, uint64_t bytes, gpumm_scratch **out) {
    TRY(gpumm__context_enter(ctx));
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    if (status == GPUMM_OK) status = lend_new(s, bytes, out);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_status gpumm_scratch_open(gpumm_manager *m, gpumm_stream *given, uint64_t bytes, gpumm_scratch **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    if (!bytes) return fail(GPUMM_INVALID_ARGUMENT, "scratch of 0 bytes: ask for at least 1");
    gpumm_scratch *x = take_at_once(ctx, given ? given : ctx->main, bytes);
    if (!x) return take_long(ctx, given, bytes, out);
    *out = x;
    return GPUMM_OK;
}

/* The block's own stream waits for the others, on the device; then the block is free on that stream. */
static gpumm_status settle(gpumm_scratch *x) {
    for (unsigned i = 0; i < x->others.readers; i++) TRY(gpumm__stream_depend(x->others.reader[i], x->stream));
    gpumm__order_clear(&x->others);
    return GPUMM_OK;
}

/* Where no event is to be had for that, the caller waits. */
static void settle_or_wait(context *ctx, gpumm_scratch *x) {
    if (gpumm__context_enter(ctx) != GPUMM_OK) return;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = settle(x);
    order others = gpumm__order_take(&x->others);
    pthread_mutex_unlock(&ctx->submit);
    if (status != GPUMM_OK) gpumm__order_drain(&others, ctx);
    gpumm__context_leave(ctx);
}

/* False: the manager closes, which gives the block back, and the struct is the caller's. Lock held. */
static bool give(gpumm_scratch *x) {
    arena *a = x->arena;
    if (atomic_load_explicit(&x->stream->object.context->closing, memory_order_relaxed)) return false;
    give_block(a, x->bytes, &x->piece);
    x->next = a->spare;
    a->spare = x;
    return true;
}

static bool free_after_close(context *ctx, gpumm_scratch *x) {
    gpumm_stream *s = x->stream;
    gpumm__order_clear(&x->others);
    gpumm__mem_free(&ctx->memory, x);
    pthread_mutex_lock(&ctx->lock);
    bool last = gpumm__stream_return(s);
    pthread_mutex_unlock(&ctx->lock);
    return last;
}

void gpumm_scratch_release(gpumm_scratch *x) {
    if (!x) return;
    gpumm_stream *s = x->stream;
    context *ctx = s->object.context;
    if (x->others.readers) settle_or_wait(ctx, x);
    pthread_mutex_lock(&ctx->lock);
    bool given = give(x), last = given && gpumm__stream_return(s);
    pthread_mutex_unlock(&ctx->lock);
    if (!given) last = free_after_close(ctx, x);
    if (last) gpumm__stream_returned(s);
}

gpumm_address gpumm_scratch_address(const gpumm_scratch *x) { return x ? x->piece.block.address : 0; }

uint64_t gpumm_scratch_bytes(const gpumm_scratch *x) { return x ? x->bytes : 0; }

context *gpumm__scratch_context(const gpumm_scratch *x) { return x->stream->object.context; }

/* Whoever is not the block's own stream waits for that, and it for them at the end. */
gpumm_status gpumm__scratch_use(gpumm_scratch *x, gpumm_stream *s, gpumm_access access) {
    (void)access; /* scratch is written in every step: readers and writers order alike */
    if (s == x->stream) return settle(x);
    TRY(gpumm__stream_depend(x->stream, s));
    for (unsigned i = 0; i < x->others.readers; i++) TRY(gpumm__stream_depend(x->others.reader[i], s));
    order user = {.reader = {s}, .readers = 1};
    return gpumm__order_merge(&x->others, &user);
}

gpumm_status gpumm_scratch_used(gpumm_scratch *x, gpumm_stream *given, gpumm_access access) {
    NOT_NULL(x, "scratch");
    context *ctx = x->stream->object.context;
    gpumm_stream *s;
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    pthread_mutex_lock(&ctx->submit);
    if (status == GPUMM_OK) status = gpumm__scratch_use(x, s, access);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__context_leave(ctx);
    return status;
}
