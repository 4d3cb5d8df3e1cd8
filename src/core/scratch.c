/* SPDX-License-Identifier: MIT */
/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   stream dependency each way. */
#include "core/scratch.h"

#include "core/pressure.h"
#include "core/stream.h"

enum { SCRATCH_BLOCK = 4 << 20 }; /* where memory cannot grow in place, a slab is one block, at least so large */

typedef struct piece {
    slab *slab;
    slab_block block;
} piece;

struct gpumm_scratch {
    gpumm_scratch *next;  /* among the manager's spare ones */
    gpumm_stream *stream; /* retained, and with it the manager: a slab of its has the block */
    piece piece;
    uint64_t bytes; /* asked for */
    order others;   /* users on other streams */
};

/* ---- The stream's slab: its blocks are under the manager's lock, its growth under the stream's ------- */

static gpumm_status open_slab(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    TRY(gpumm__slab_open(&s->scratch, m->device, m->info.in_place ? m->info.total_bytes : SCRATCH_BLOCK));
    gpumm__manager_book_open(m, &s->scratch_account, GPUMM_SCRATCH, "", "scratch");
    atomic_store(&s->has_scratch, true);
    return GPUMM_OK;
}

/* One account a stream: its logical bytes are what its blocks were asked for. Lock held. */
static void book(gpumm_stream *s, uint64_t logical) {
    ledger *l = &s->object.manager->books;
    account *a = &s->scratch_account;
    uint64_t committed = s->scratch.committed + s->more_committed;
    if (committed == a->committed) gpumm__ledger_set_logical(l, a, logical);
    else gpumm__ledger_set(l, a, logical, 0, committed);
}

/* From the first slab that has room. Lock held. */
static bool try_slabs(gpumm_stream *s, uint64_t bytes, piece *p) {
    p->slab = &s->scratch;
    if (gpumm__slab_try(p->slab, bytes, &p->block)) return true;
    for (struct more_scratch *more = s->more; more; more = more->next) {
        p->slab = &more->slab;
        if (gpumm__slab_try(p->slab, bytes, &p->block)) return true;
    }
    return false;
}

/* Puts a block in the books; gets a struct that somebody gave back, where there is one. Lock held. */
static void book_taken(gpumm_stream *s, uint64_t bytes, gpumm_scratch **spare) {
    gpumm_manager *m = s->object.manager;
    book(s, s->scratch_account.logical + bytes);
    *spare = m->spare_scratch;
    if (*spare) m->spare_scratch = (*spare)->next;
}

/* Out of what is committed. Lock held. */
static bool try_locked(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    if (!try_slabs(s, bytes, p)) return false;
    book_taken(s, bytes, spare);
    return true;
}

static bool try_block(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    gpumm_manager *m = s->object.manager;
    if (!atomic_load_explicit(&s->has_scratch, memory_order_acquire)) return false;
    pthread_mutex_lock(&m->lock);
    bool taken = try_locked(s, bytes, p, spare);
    pthread_mutex_unlock(&m->lock);
    return taken;
}

/* One step: what another thread has fetched meanwhile may do. */
static gpumm_status grow_slab(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare, bool *taken) {
    gpumm_manager *m = s->object.manager;
    slab_growth g;
    pthread_mutex_lock(&m->lock);
    *taken = try_locked(s, bytes, p, spare);
    gpumm_status status = *taken ? GPUMM_OK : gpumm__slab_plan(&s->scratch, bytes, &g);
    pthread_mutex_unlock(&m->lock);
    if (*taken || status != GPUMM_OK) return status;
    TRY(gpumm__slab_fetch(&s->scratch, &g));
    pthread_mutex_lock(&m->lock);
    gpumm__slab_publish(&s->scratch, &g);
    *taken = try_locked(s, bytes, p, spare);
    pthread_mutex_unlock(&m->lock);
    return GPUMM_OK;
}

/* Another slab, where the first cannot grow: nobody else sees it before it is whole. */
static gpumm_status take_more(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    gpumm_manager *m = s->object.manager;
    struct more_scratch *more = gpumm__mem_new(&m->memory, sizeof *more);
    if (!more) return fail_host_memory(sizeof *more);
    gpumm_status status = gpumm__slab_open(&more->slab, m->device, size_max(bytes, SCRATCH_BLOCK));
    if (status == GPUMM_OK) status = gpumm__slab_take(&more->slab, bytes, &p->block);
    if (status != GPUMM_OK) {
        gpumm__slab_close(&more->slab);
        gpumm__mem_free(&m->memory, more);
        return status;
    }
    p->slab = &more->slab;
    pthread_mutex_lock(&m->lock);
    more->next = s->more;
    s->more = more;
    s->more_committed += more->slab.committed;
    book_taken(s, bytes, spare);
    pthread_mutex_unlock(&m->lock);
    return GPUMM_OK;
}

static gpumm_status take_block(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    bool taken = try_block(s, bytes, p, spare);
    if (taken) return GPUMM_OK;
    pthread_mutex_lock(&s->scratch_lock);
    gpumm_status status = atomic_load(&s->has_scratch) ? GPUMM_OK : open_slab(s);
    while (status == GPUMM_OK && !taken) status = grow_slab(s, bytes, p, spare, &taken);
    if (status == GPUMM_OUT_OF_MEMORY && !s->object.manager->info.in_place) status = take_more(s, bytes, p, spare);
    pthread_mutex_unlock(&s->scratch_lock);
    return status;
}

/* ---- All of a stream's ---------------------------------------------------------------------- */

gpumm_status gpumm__scratch_check(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&m->lock);
    if (atomic_load(&s->has_scratch)) status = gpumm__slab_check(&s->scratch);
    for (struct more_scratch *more = s->more; more && status == GPUMM_OK; more = more->next)
        status = gpumm__slab_check(&more->slab);
    pthread_mutex_unlock(&m->lock);
    return status;
}

void gpumm__scratch_close(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->lock); /* whoever checks the slabs holds it too */
    bool open = atomic_exchange(&s->has_scratch, false);
    struct more_scratch *more = s->more;
    s->more = NULL;
    pthread_mutex_unlock(&m->lock);
    if (!open) return;
    gpumm__manager_book_close(m, &s->scratch_account);
    gpumm__slab_close(&s->scratch);
    for (struct more_scratch *next; more; more = next) {
        next = more->next;
        gpumm__slab_close(&more->slab);
        gpumm__mem_free(&m->memory, more);
    }
}

/* ---- Taking and giving ---------------------------------------------------------------------- */

static gpumm_status take_budgeted(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    TRY(gpumm__manager_charge(s->object.manager, bytes)); /* first, so that what is over the limit leaves no trace */
    gpumm_status status = take_block(s, bytes, p, spare);
    if (status != GPUMM_OK) gpumm__manager_uncharge(s->object.manager, bytes);
    return status;
}

static gpumm_status take_under_pressure(gpumm_stream *s, uint64_t bytes, piece *p, gpumm_scratch **spare) {
    gpumm_status status = take_budgeted(s, bytes, p, spare);
    for (unsigned stage = 0; status != GPUMM_OK && gpumm__manager_relieve(s->object.manager, status, bytes, &stage);)
        status = take_budgeted(s, bytes, p, spare);
    return status;
}

/* The block goes back to the slab and its bytes to the budget, the struct, where there is one, to the spare
   ones. */
static void give_block(gpumm_stream *s, uint64_t bytes, const piece *p, gpumm_scratch *spare) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->lock);
    gpumm__slab_give(p->slab, p->block.number);
    book(s, s->scratch_account.logical - bytes);
    if (spare) {
        spare->next = m->spare_scratch;
        m->spare_scratch = spare;
    }
    pthread_mutex_unlock(&m->lock);
    gpumm__manager_uncharge(m, bytes);
}

static gpumm_status scratch_new(gpumm_manager *m, gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    gpumm_scratch *x = NULL;
    piece p;
    gpumm_status status = take_under_pressure(s, bytes, &p, &x);
    if (status != GPUMM_OK) {
        fail_in(status, "scratch of %llu bytes: ", (unsigned long long)bytes);
        return gpumm__manager_explain(m, status);
    }
    if (!x) x = gpumm__mem_new(&m->memory, sizeof *x);
    if (!x) {
        give_block(s, bytes, &p, NULL);
        return fail_host_memory(sizeof *x);
    }
    x->stream = gpumm_stream_retain(s);
    x->piece = p;
    x->bytes = bytes;
    *out = x;
    return GPUMM_OK;
}

gpumm_status gpumm_scratch_open(gpumm_manager *m, gpumm_stream *given, uint64_t bytes, gpumm_scratch **out) {
    if (!bytes) return fail(GPUMM_INVALID_ARGUMENT, "scratch of 0 bytes: ask for at least 1");
    TRY(gpumm__manager_enter(m));
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(m, given, &s);
    if (status == GPUMM_OK) status = scratch_new(m, s, bytes, out);
    gpumm__manager_leave(m);
    return status;
}

/* The block's own stream waits for the others, on the device; then the block is free on that stream. */
static gpumm_status settle(gpumm_scratch *x) {
    for (unsigned i = 0; i < x->others.readers; i++) TRY(gpumm__stream_depend(x->others.reader[i], x->stream));
    gpumm__order_clear(&x->others);
    return GPUMM_OK;
}

/* Where no event is to be had for that, the host waits. */
static void settle_or_wait(gpumm_manager *m, gpumm_scratch *x) {
    pthread_mutex_lock(&m->submit);
    if (settle(x) != GPUMM_OK)
        for (unsigned i = 0; i < x->others.readers; i++)
            if (x->others.reader[i]->device)
                m->device->call->stream_synchronize(m->device, x->others.reader[i]->device);
    gpumm__order_clear(&x->others);
    pthread_mutex_unlock(&m->submit);
}

static void give_back(gpumm_manager *m, gpumm_scratch *x) {
    if (x->others.readers) settle_or_wait(m, x);
    give_block(x->stream, x->bytes, &x->piece, x);
}

void gpumm_scratch_release(gpumm_scratch *x) {
    if (!x) return;
    gpumm_stream *s = x->stream;
    gpumm_manager *m = s->object.manager;
    if (gpumm__manager_enter(m) == GPUMM_OK) {
        give_back(m, x);
        gpumm__manager_leave(m);
    } else { /* close has given the block back */
        gpumm__order_clear(&x->others);
        gpumm__mem_free(&m->memory, x);
    }
    gpumm_stream_release(s);
}

void gpumm__scratch_free_spare(gpumm_manager *m) {
    for (gpumm_scratch *x = m->spare_scratch, *next; x; x = next) {
        next = x->next;
        gpumm__mem_free(&m->memory, x);
    }
    m->spare_scratch = NULL;
}

gpumm_address gpumm_scratch_address(const gpumm_scratch *x) { return x->piece.block.address; }

uint64_t gpumm_scratch_bytes(const gpumm_scratch *x) { return x->bytes; }

gpumm_manager *gpumm__scratch_manager(const gpumm_scratch *x) { return x->stream->object.manager; }

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
    gpumm_manager *m = x->stream->object.manager;
    gpumm_stream *s;
    TRY(gpumm__manager_enter(m));
    gpumm_status status = gpumm__stream_of(m, given, &s);
    pthread_mutex_lock(&m->submit);
    if (status == GPUMM_OK) status = gpumm__scratch_use(x, s, access);
    pthread_mutex_unlock(&m->submit);
    gpumm__manager_leave(m);
    return status;
}
