/* SPDX-License-Identifier: MIT */
/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   stream dependency each way. */
#include "core/scratch.h"

#include "core/order.h"
#include "core/pressure.h"
#include "core/report.h"
#include "memory/slab.h"

enum { SCRATCH_BLOCK = 4 << 20 }; /* where memory cannot grow in place, a slab is one block, at least so large */

typedef struct more_slab {
    struct more_slab *next;
    slab slab;
} more_slab;

/* A stream's; attached to it. */
typedef struct arena {
    attachment attachment;
    context *context;
    pthread_mutex_t growing; /* the rest is under the context's lock */
    slab slab;               /* blocks whose users are on this stream */
    more_slab *more;         /* where memory cannot grow in place */
    uint64_t more_committed;
    account account;
    gpumm_scratch *spare; /* structs to use again */
} arena;

typedef struct piece {
    slab *slab;
    slab_block block;
} piece;

struct gpumm_scratch {
    gpumm_scratch *next;  /* among the spare ones */
    gpumm_stream *stream; /* retained, and with it the manager: a slab of its has the block */
    arena *arena;         /* the stream's */
    piece piece;
    uint64_t bytes; /* asked for */
    order others;   /* users on other streams */
};

static const char arena_key = 0; /* its address is the attachment's key */

/* ---- A stream's arena ------------------------------------------------------------------------------------ */

static void arena_free(arena *a) {
    context *ctx = a->context;
    gpumm__slab_close(&a->slab);
    for (more_slab *more = a->more, *next; more; more = next) {
        next = more->next;
        gpumm__slab_close(&more->slab);
        gpumm__mem_free(&ctx->memory, more);
    }
    for (gpumm_scratch *x = a->spare, *next; x; x = next) {
        next = x->next;
        gpumm__mem_free(&ctx->memory, x);
    }
    pthread_mutex_destroy(&a->growing);
    gpumm__mem_free(&ctx->memory, a);
}

static void arena_close(attachment *self) {
    arena *a = (arena *)self;
    gpumm__context_book_close(a->context, &a->account);
    arena_free(a);
}

static gpumm_status arena_make(gpumm_stream *s, attachment **out) {
    context *ctx = s->object.context;
    arena *a = gpumm__mem_new(&ctx->memory, sizeof *a);
    if (!a) return fail_host_memory(sizeof *a);
    a->context = ctx;
    a->attachment.close = arena_close;
    pthread_mutex_init(&a->growing, NULL);
    gpumm_status status =
        gpumm__slab_open(&a->slab, ctx->device, ctx->info.in_place ? ctx->info.total_bytes : SCRATCH_BLOCK);
    if (status != GPUMM_OK) {
        arena_free(a);
        return status;
    }
    gpumm__context_book_open(ctx, &a->account, GPUMM_CATEGORY_SCRATCH, "", "scratch");
    *out = &a->attachment;
    return GPUMM_OK;
}

gpumm_status gpumm__scratch_check(gpumm_stream *s) {
    context *ctx = s->object.context;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->lock);
    arena *a = (arena *)gpumm__stream_attached(s, &arena_key);
    if (a) status = gpumm__slab_check(&a->slab);
    for (more_slab *more = a ? a->more : NULL; more && status == GPUMM_OK; more = more->next)
        status = gpumm__slab_check(&more->slab);
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

/* ---- Blocks: the lock held is the context's ---------------------------------------------------------------- */

/* One account a stream: its logical bytes are what its blocks were asked for. Lock held. */
static void book(arena *a, uint64_t logical) {
    ledger *l = &a->context->books;
    uint64_t committed = a->slab.committed + a->more_committed;
    if (committed == a->account.committed) gpumm__ledger_set_logical(l, &a->account, logical);
    else gpumm__ledger_set(l, &a->account, logical, 0, committed);
}

/* From the first slab that has room. Lock held. */
static bool try_slabs(arena *a, uint64_t bytes, piece *p) {
    p->slab = &a->slab;
    if (gpumm__slab_try(p->slab, bytes, &p->block)) return true;
    for (more_slab *more = a->more; more; more = more->next) {
        p->slab = &more->slab;
        if (gpumm__slab_try(p->slab, bytes, &p->block)) return true;
    }
    return false;
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

/* One step; what it committed another thread may take, so ask again in a loop. */
static gpumm_status grow_slab(arena *a, uint64_t bytes) {
    context *ctx = a->context;
    slab_growth g;
    pthread_mutex_lock(&ctx->lock);
    gpumm_status status = gpumm__slab_plan(&a->slab, bytes, &g);
    pthread_mutex_unlock(&ctx->lock);
    if (status != GPUMM_OK) return status;
    TRY(gpumm__slab_fetch(&a->slab, &g));
    pthread_mutex_lock(&ctx->lock);
    gpumm__slab_publish(&a->slab, &g);
    pthread_mutex_unlock(&ctx->lock);
    return GPUMM_OK;
}

/* Another slab, where the first cannot grow: nobody else sees it before it is whole. */
static gpumm_status take_more(arena *a, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    context *ctx = a->context;
    more_slab *more = gpumm__mem_new(&ctx->memory, sizeof *more);
    if (!more) return fail_host_memory(sizeof *more);
    gpumm_status status = gpumm__slab_open(&more->slab, ctx->device, size_max(bytes, SCRATCH_BLOCK));
    if (status == GPUMM_OK) status = gpumm__slab_take(&more->slab, bytes, &p->block);
    if (status != GPUMM_OK) {
        gpumm__slab_close(&more->slab);
        gpumm__mem_free(&ctx->memory, more);
        return status;
    }
    p->slab = &more->slab;
    pthread_mutex_lock(&ctx->lock);
    more->next = a->more;
    a->more = more;
    a->more_committed += more->slab.committed;
    book_taken(a, bytes, spare);
    pthread_mutex_unlock(&ctx->lock);
    return GPUMM_OK;
}

static gpumm_status grow_and_take(arena *a, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    gpumm_status status = GPUMM_OK;
    bool taken = false;
    pthread_mutex_lock(&a->growing);
    while (status == GPUMM_OK && !(taken = try_block(a, bytes, p, spare))) status = grow_slab(a, bytes);
    if (status == GPUMM_OUT_OF_MEMORY && !a->context->info.in_place) status = take_more(a, bytes, p, spare);
    pthread_mutex_unlock(&a->growing);
    return status;
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

/* The block goes back to the slab and its bytes to the budget, the struct, where there is one, to the spare
   ones. */
static void give_block(arena *a, uint64_t bytes, const piece *p, gpumm_scratch *spare) {
    context *ctx = a->context;
    pthread_mutex_lock(&ctx->lock);
    gpumm__slab_give(p->slab, p->block.number);
    book(a, a->account.logical - bytes);
    if (spare) {
        spare->next = a->spare;
        a->spare = spare;
    }
    pthread_mutex_unlock(&ctx->lock);
    gpumm__context_uncharge(ctx, bytes);
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
        give_block(a, bytes, &p, NULL);
        return fail_host_memory(sizeof *x);
    }
    x->stream = gpumm_stream_retain(s);
    x->arena = a;
    x->piece = p;
    x->bytes = bytes;
    *out = x;
    return GPUMM_OK;
}

/* The stream stays, also where it is closed, until the block is given back. */
static gpumm_status lend_new(gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    TRY(gpumm__stream_lend(s));
    gpumm_status status = scratch_new(s, bytes, out);
    if (status != GPUMM_OK) gpumm__stream_return(s);
    return status;
}

gpumm_status gpumm_scratch_open(gpumm_manager *m, gpumm_stream *given, uint64_t bytes, gpumm_scratch **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    if (!bytes) return fail(GPUMM_INVALID_ARGUMENT, "scratch of 0 bytes: ask for at least 1");
    TRY(gpumm__context_enter(ctx));
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    if (status == GPUMM_OK) status = lend_new(s, bytes, out);
    gpumm__context_leave(ctx);
    return status;
}

/* The block's own stream waits for the others, on the device; then the block is free on that stream. */
static gpumm_status settle(gpumm_scratch *x) {
    for (unsigned i = 0; i < x->others.readers; i++) TRY(gpumm__stream_depend(x->others.reader[i], x->stream));
    gpumm__order_clear(&x->others);
    return GPUMM_OK;
}

/* Where no event is to be had for that, the caller waits. */
static void settle_or_wait(context *ctx, gpumm_scratch *x) {
    pthread_mutex_lock(&ctx->submit);
    if (settle(x) != GPUMM_OK)
        for (unsigned i = 0; i < x->others.readers; i++)
            if (x->others.reader[i]->device)
                ctx->device->call->stream_synchronize(ctx->device, x->others.reader[i]->device);
    gpumm__order_clear(&x->others);
    pthread_mutex_unlock(&ctx->submit);
}

void gpumm_scratch_release(gpumm_scratch *x) {
    if (!x) return;
    gpumm_stream *s = x->stream;
    context *ctx = s->object.context;
    if (gpumm__context_enter(ctx) == GPUMM_OK) {
        if (x->others.readers) settle_or_wait(ctx, x);
        give_block(x->arena, x->bytes, &x->piece, x);
        gpumm__stream_return(s);
        gpumm__context_leave(ctx);
    } else { /* close has given the block back */
        gpumm__order_clear(&x->others);
        gpumm__mem_free(&ctx->memory, x);
    }
    gpumm_stream_release(s);
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
