/* SPDX-License-Identifier: MIT */
/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   stream dependency each way. */
#include "core/scratch.h"

#include "core/extent.h"
#include "core/pressure.h"
#include "core/report.h"
#include "memory/slab.h"

enum {
    SCRATCH_BLOCK = 4 << 20, /* where memory cannot grow in place, a slab is one block, at least so large */
    SCRATCH_RANGE = 64 << 20 /* else it reserves so much, and grows */
};

typedef struct arena_slab {
    struct arena_slab *next;
    slab slab;     /* blocks whose users are on the arena's stream */
    uint64_t held; /* bytes of the device's */
    bool retired;  /* without a block, and on its way back */
    bool retiring; /* what is free at its end is */
    bool busy;     /* its range is being changed, without the lock */
} arena_slab;

typedef struct piece {
    slab *slab;
    slab_block block;
} piece;

/* A stream's; attached to it. */
typedef struct arena {
    attachment attachment;
    context *context;
    atomic_uint references;
    deferred unused;
    /* All that follows is under the context's lock. */
    arena_slab *slabs; /* newest first */
    uint64_t committed;
    bool closed, retiring, passing; /* one return of unused memory at a time; passing: it is looking at the slabs */
    account account;
    gpumm_scratch *spare; /* structs to use again */
    piece kept;           /* the block that was given back last: the slab has it as used, for the next of its size */
} arena;

struct gpumm_scratch {
    gpumm_scratch *next;  /* among the spare ones */
    gpumm_stream *stream; /* stays, and with it the manager, while it lends blocks */
    arena *arena;         /* the stream's */
    piece piece;
    uint64_t bytes; /* asked for */
    order others;   /* users on other streams */
};

static const char arena_key = 0; /* its address is the attachment's key */

/* ---- A stream's arena ------------------------------------------------------------------------------------ */

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

static void arena_trim(attachment *self, gpumm_stream *s);

static gpumm_status arena_make(gpumm_stream *s, attachment **out) {
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

/* ---- Blocks: the lock held is the context's ---------------------------------------------------------------- */

/* One account a stream: its logical bytes are what its blocks were asked for. Lock held. */
static void book(arena *a, uint64_t logical) {
    ledger *l = &a->context->books;
    if (a->committed == a->account.committed) gpumm__ledger_set_logical(l, &a->account, logical);
    else gpumm__ledger_set(l, &a->account, logical, 0, a->committed);
}

/* Lock held, as for the next three. */
static bool give_kept(arena *a) {
    if (!a->kept.slab) return false;
    gpumm__slab_give(a->kept.slab, a->kept.block.number);
    a->kept.slab = NULL;
    return true;
}

static void keep(arena *a, const piece *p) {
    give_kept(a);
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
    return try_each(a, bytes, p) || (give_kept(a) && try_each(a, bytes, p));
}

/* Puts a block in the books; gets a struct that somebody gave back, where there is one. Lock held. */
static void book_taken(arena *a, uint64_t bytes, gpumm_scratch **spare) {
    book(a, a->account.logical + bytes);
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

/* Lock held. */
static void hold(arena *a, arena_slab *s) {
    a->committed += s->slab.range.committed - s->held;
    s->held = s->slab.range.committed;
}

/* Nobody else sees it yet, so it grows at once. */
static gpumm_status prepare_slab(slab *s, uint64_t bytes) {
    slab_growth g;
    TRY(gpumm__slab_plan(s, bytes, &g));
    TRY(gpumm__slab_fetch(s, &g));
    gpumm__slab_publish(s, &g);
    return GPUMM_OK;
}

static gpumm_status add_slab(arena *a, uint64_t bytes) {
    context *ctx = a->context;
    arena_slab *s = gpumm__mem_new(&ctx->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    gpumm_status status =
        gpumm__slab_open(&s->slab, ctx->device, size_max(bytes, ctx->info.in_place ? SCRATCH_RANGE : SCRATCH_BLOCK));
    if (status == GPUMM_OK) status = prepare_slab(&s->slab, bytes);
    if (status != GPUMM_OK) {
        (void)gpumm__slab_close(&s->slab); /* nothing was committed */
        gpumm__mem_free(&ctx->memory, s);
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

/* One step; what it committed another thread may take, so ask again in a loop. */
static gpumm_status grow_slab(arena *a, uint64_t bytes) {
    context *ctx = a->context;
    slab_growth g;
    arena_slab *s = begin_growth(a, bytes, &g);
    if (!s) return add_slab(a, bytes);
    gpumm_status status = gpumm__slab_fetch(&s->slab, &g);
    pthread_mutex_lock(&ctx->lock);
    s->busy = false;
    if (status == GPUMM_OK) gpumm__slab_publish(&s->slab, &g);
    hold(a, s);
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

static gpumm_status grow_and_take(arena *a, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    do TRY(grow_slab(a, bytes));
    while (!try_block(a, bytes, p, spare));
    return GPUMM_OK;
}

/* ---- Giving back what is unused; the lock is held, and given up for the device's calls ----------------------- */

static void free_retired(arena *a, arena_slab *s) {
    context *ctx = a->context;
    arena_slab **at = &a->slabs;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    a->committed -= s->held;
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
    if (!a->closed) book(a, a->account.logical);
    a->retiring = false;
    arena_slab *left = a->closed ? take_slabs(a) : NULL;
    pthread_mutex_unlock(&ctx->lock);
    free_slabs(ctx, left);
    arena_drop(a);
}

static bool retire_slabs(arena *a) {
    bool any = false;
    give_kept(a);
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

/* ---- Taking and giving ----------------------------------------------------------------------------------- */

static gpumm_status take_budgeted(gpumm_stream *s, uint64_t bytes, arena **a, piece *p, gpumm_scratch **spare) {
    context *ctx = s->object.context;
    attachment *attached;
    TRY(gpumm__context_charge(ctx, bytes)); /* first, so that what is over the limit leaves no trace */
    gpumm_status status = gpumm__stream_attach(s, &arena_key, arena_make, &attached);
    *a = (arena *)attached;
    if (status == GPUMM_OK && !try_block(*a, bytes, p, spare)) status = grow_and_take(*a, bytes, p, spare);
    if (status != GPUMM_OK) gpumm__context_uncharge(ctx, bytes);
    return status;
}

static gpumm_status take_under_pressure(gpumm_stream *s, uint64_t bytes, arena **a, piece *p, gpumm_scratch **spare) {
    gpumm_status status = take_budgeted(s, bytes, a, p, spare);
    for (unsigned stage = 0; status != GPUMM_OK && gpumm__relieve(s->object.context, status, bytes, &stage);)
        status = take_budgeted(s, bytes, a, p, spare);
    return status;
}

/* The block goes back to the slab and its bytes to the budget. Lock held. */
static void give_block(arena *a, uint64_t bytes, const piece *p) {
    keep(a, p);
    book(a, a->account.logical - bytes);
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
