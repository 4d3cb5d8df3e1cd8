/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   crossing each way. */
#include "core/scratch.h"

#include "core/pressure.h"
#include "core/stream.h"

enum { SCRATCH_BLOCK = 64 << 20 }; /* where memory cannot grow in place, a stream's scratch is one block */

struct gpumm_scratch {
    gpumm_scratch *next;    /* among the manager's spare ones */
    gpumm_stream *stream;   /* retained, and with it the manager: its slab has the block */
    slab_block block;
    uint64_t bytes;         /* asked for */
    order others;           /* users on other streams */
};

/* ---- The stream's slab: its blocks are under the manager's lock, its growth under the stream's ------- */

static gpumm_status open_slab(gpumm_stream *s) {
    gpumm_manager *m = s->object.manager;
    TRY(slab_open(&s->scratch, m->device, m->info.in_place ? m->info.total_bytes : SCRATCH_BLOCK));
    manager_book_open(m, &s->scratch_account, GPUMM_SCRATCH, "", "scratch");
    atomic_store(&s->has_scratch, true);
    return GPUMM_OK;
}

/* One account a stream: its logical bytes are what its blocks were asked for. Lock held. */
static void book(gpumm_stream *s, uint64_t logical) {
    ledger *l = &s->object.manager->books;
    account *a = &s->scratch_account;
    if (s->scratch.committed == a->committed) ledger_set_logical(l, a, logical);
    else ledger_set(l, a, logical, 0, s->scratch.committed);
}

/* A block that is in the books, out of what is committed; also a struct that somebody gave back, where there is
   one. Lock held. */
static bool try_locked(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare) {
    gpumm_manager *m = s->object.manager;
    if (!slab_try(&s->scratch, bytes, block)) return false;
    book(s, s->scratch_account.logical + bytes);
    *spare = m->spare_scratch;
    if (*spare) m->spare_scratch = (*spare)->next;
    return true;
}

static bool try_block(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare) {
    gpumm_manager *m = s->object.manager;
    if (!atomic_load_explicit(&s->has_scratch, memory_order_acquire)) return false;
    pthread_mutex_lock(&m->lock);
    bool taken = try_locked(s, bytes, block, spare);
    pthread_mutex_unlock(&m->lock);
    return taken;
}

/* One step: what another thread has fetched meanwhile may do. */
static gpumm_status grow_slab(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare, bool *taken) {
    gpumm_manager *m = s->object.manager;
    slab_growth g;
    pthread_mutex_lock(&m->lock);
    *taken = try_locked(s, bytes, block, spare);
    gpumm_status status = *taken ? GPUMM_OK : slab_plan(&s->scratch, bytes, &g);
    pthread_mutex_unlock(&m->lock);
    if (*taken || status != GPUMM_OK) return status;
    TRY(slab_fetch(&s->scratch, &g));
    pthread_mutex_lock(&m->lock);
    slab_publish(&s->scratch, &g);
    *taken = try_locked(s, bytes, block, spare);
    pthread_mutex_unlock(&m->lock);
    return GPUMM_OK;
}

static gpumm_status take_block(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare) {
    bool taken = try_block(s, bytes, block, spare);
    if (taken) return GPUMM_OK;
    pthread_mutex_lock(&s->scratch_lock);
    gpumm_status status = atomic_load(&s->has_scratch) ? GPUMM_OK : open_slab(s);
    while (status == GPUMM_OK && !taken) status = grow_slab(s, bytes, block, spare, &taken);
    pthread_mutex_unlock(&s->scratch_lock);
    return status;
}

/* ---- Taking and giving ---------------------------------------------------------------------- */

static gpumm_status take_budgeted(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare) {
    TRY(manager_take(s->object.manager, bytes)); /* first, so that what is over the limit leaves no trace */
    gpumm_status status = take_block(s, bytes, block, spare);
    if (status != GPUMM_OK) manager_give(s->object.manager, bytes);
    return status;
}

static gpumm_status take_under_pressure(gpumm_stream *s, uint64_t bytes, slab_block *block, gpumm_scratch **spare) {
    gpumm_status status = take_budgeted(s, bytes, block, spare);
    for (unsigned stage = 0; status != GPUMM_OK && manager_relieve(s->object.manager, status, bytes, &stage);)
        status = take_budgeted(s, bytes, block, spare);
    return status;
}

/* The block goes back to the slab and its bytes to the budget, the struct, where there is one, to the spare
   ones. */
static void give_block(gpumm_stream *s, uint64_t bytes, const slab_block *block, gpumm_scratch *spare) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->lock);
    slab_give(&s->scratch, block->number);
    book(s, s->scratch_account.logical - bytes);
    if (spare) {
        spare->next = m->spare_scratch;
        m->spare_scratch = spare;
    }
    pthread_mutex_unlock(&m->lock);
    manager_give(m, bytes);
}

static gpumm_status scratch_new(gpumm_manager *m, gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    gpumm_scratch *x = NULL;
    slab_block block;
    gpumm_status status = take_under_pressure(s, bytes, &block, &x);
    if (status != GPUMM_OK) {
        fail_in(status, "scratch of %llu bytes: ", (unsigned long long)bytes);
        return manager_explain(m, status);
    }
    if (!x) x = mem_new(&m->memory, sizeof *x);
    if (!x) {
        give_block(s, bytes, &block, NULL);
        return fail_host_memory(sizeof *x);
    }
    x->stream = gpumm_stream_retain(s);
    x->block = block;
    x->bytes = bytes;
    *out = x;
    return GPUMM_OK;
}

gpumm_status gpumm_scratch_open(gpumm_manager *m, gpumm_stream *given, uint64_t bytes, gpumm_scratch **out) {
    if (!bytes) return fail(GPUMM_INVALID_ARGUMENT, "scratch of 0 bytes: ask for at least 1");
    TRY(manager_enter(m));
    gpumm_stream *s;
    gpumm_status status = stream_of(m, given, &s);
    if (status == GPUMM_OK) status = scratch_new(m, s, bytes, out);
    manager_leave(m);
    return status;
}

/* The block's own stream waits for the others, on the device; then the block is free on that stream. */
static gpumm_status settle(gpumm_scratch *x) {
    for (unsigned i = 0; i < x->others.readers; i++) TRY(stream_cross(x->others.reader[i], x->stream));
    order_clear(&x->others);
    return GPUMM_OK;
}

/* Where no event is to be had for that, the host waits. */
static void settle_or_wait(gpumm_manager *m, gpumm_scratch *x) {
    pthread_mutex_lock(&m->submit);
    if (settle(x) != GPUMM_OK)
        for (unsigned i = 0; i < x->others.readers; i++)
            if (x->others.reader[i]->device) m->device->call->stream_synchronize(m->device, x->others.reader[i]->device);
    order_clear(&x->others);
    pthread_mutex_unlock(&m->submit);
}

static void give_back(gpumm_manager *m, gpumm_scratch *x) {
    if (x->others.readers) settle_or_wait(m, x);
    give_block(x->stream, x->bytes, &x->block, x);
}

void gpumm_scratch_release(gpumm_scratch *x) {
    if (!x) return;
    gpumm_stream *s = x->stream;
    gpumm_manager *m = s->object.manager;
    if (manager_enter(m) == GPUMM_OK) {
        give_back(m, x);
        manager_leave(m);
    } else { /* close has given the block back */
        order_clear(&x->others);
        mem_free(&m->memory, x);
    }
    gpumm_stream_release(s);
}

void scratch_free_spare(gpumm_manager *m) {
    for (gpumm_scratch *x = m->spare_scratch, *next; x; x = next) {
        next = x->next;
        mem_free(&m->memory, x);
    }
    m->spare_scratch = NULL;
}

gpumm_address gpumm_scratch_address(const gpumm_scratch *x) { return x->block.address; }

uint64_t gpumm_scratch_bytes(const gpumm_scratch *x) { return x->bytes; }

gpumm_manager *scratch_manager(const gpumm_scratch *x) { return x->stream->object.manager; }

/* Whoever is not the block's own stream waits for that, and it for them at the end. */
gpumm_status scratch_use(gpumm_scratch *x, gpumm_stream *s, gpumm_access access) {
    (void)access; /* scratch is written in every step: readers and writers order alike */
    if (s == x->stream) return settle(x);
    TRY(stream_cross(x->stream, s));
    for (unsigned i = 0; i < x->others.readers; i++) TRY(stream_cross(x->others.reader[i], s));
    order user = {.reader = {s}, .readers = 1};
    return order_merge(&x->others, &user);
}

gpumm_status gpumm_scratch_used(gpumm_scratch *x, gpumm_stream *given, gpumm_access access) {
    gpumm_manager *m = x->stream->object.manager;
    gpumm_stream *s;
    TRY(manager_enter(m));
    gpumm_status status = stream_of(m, given, &s);
    pthread_mutex_lock(&m->submit);
    if (status == GPUMM_OK) status = scratch_use(x, s, access);
    pthread_mutex_unlock(&m->submit);
    manager_leave(m);
    return status;
}
