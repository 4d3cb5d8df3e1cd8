/* Scratch: blocks from a slab that each stream has for itself, so that a block freed after its last launch
   is safe for the next one on the same stream at once, without an event. Use on another stream is a
   crossing each way. */
#include "core/scratch.h"

#include "core/stream.h"

enum { SCRATCH_BLOCK = 64 << 20 }; /* where memory cannot grow in place, a stream's scratch is one block */

typedef struct taken {
    uint32_t block;
    gpumm_address address;
    uint64_t bytes;
} taken;

struct gpumm_scratch {
    gpumm_scratch *next;    /* among the manager's spare ones */
    gpumm_stream *stream;   /* retained, and with it the manager: its slab has the block */
    taken taken;
    order others;           /* users on other streams */
};

static gpumm_status scratch_slab(gpumm_stream *s) {
    if (atomic_load(&s->has_scratch)) return GPUMM_OK;
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&s->scratch_lock);
    gpumm_status status = GPUMM_OK;
    if (!atomic_load(&s->has_scratch)) {
        uint64_t maximum = m->info.in_place ? m->info.total_bytes : SCRATCH_BLOCK;
        status = slab_open(&s->scratch, m->device, maximum);
        if (status == GPUMM_OK) {
            manager_book_open(m, &s->scratch_account, GPUMM_SCRATCH, "", "scratch");
            atomic_store(&s->has_scratch, true);
        }
    }
    pthread_mutex_unlock(&s->scratch_lock);
    return status;
}

/* One account a stream: its logical bytes are what its blocks were asked for. What the slab has committed only
   grows, so older numbers never stand over newer ones. Lock held. */
static void book(gpumm_stream *s, uint64_t logical) {
    ledger *l = &s->object.manager->books;
    account *a = &s->scratch_account;
    uint64_t committed = slab_committed(&s->scratch);
    if (committed == a->committed) ledger_set_logical(l, a, logical);
    else ledger_set(l, a, logical, 0, committed);
}

/* The struct of a handle that went before, or NULL; the block's bytes are in the books. */
static gpumm_scratch *book_taken(gpumm_stream *s, uint64_t bytes) {
    gpumm_manager *m = s->object.manager;
    pthread_mutex_lock(&m->lock);
    book(s, s->scratch_account.logical + bytes);
    gpumm_scratch *x = m->spare_scratch;
    if (x) m->spare_scratch = x->next;
    pthread_mutex_unlock(&m->lock);
    return x;
}

static gpumm_status take_block(gpumm_stream *s, taken *t) {
    uint64_t size;
    TRY(scratch_slab(s));
    return slab_take(&s->scratch, t->bytes, &t->block, &t->address, &size);
}

static gpumm_status take_under_pressure(gpumm_stream *s, taken *t) {
    gpumm_manager *m = s->object.manager;
    TRY(manager_take(m, t->bytes)); /* first, so that what is over the limit leaves no trace */
    gpumm_status status = take_block(s, t);
    for (unsigned stage = 0; status != GPUMM_OK && manager_relieve(m, status, t->bytes, &stage);)
        status = take_block(s, t);
    if (status != GPUMM_OK) manager_give(m, t->bytes);
    return status;
}

static void give_block(gpumm_stream *s, const taken *t) {
    gpumm_manager *m = s->object.manager;
    slab_give(&s->scratch, t->block);
    manager_give(m, t->bytes);
    pthread_mutex_lock(&m->lock);
    book(s, s->scratch_account.logical - t->bytes);
    pthread_mutex_unlock(&m->lock);
}

static gpumm_status scratch_new(gpumm_manager *m, gpumm_stream *s, uint64_t bytes, gpumm_scratch **out) {
    taken t = {.bytes = bytes};
    gpumm_status status = take_under_pressure(s, &t);
    if (status != GPUMM_OK) {
        fail_in(status, "scratch of %llu bytes: ", (unsigned long long)bytes);
        return manager_explain(m, status);
    }
    gpumm_scratch *x = book_taken(s, bytes);
    if (!x) x = mem_new(&m->memory, sizeof *x);
    if (!x) {
        give_block(s, &t);
        return fail_host_memory(sizeof *x);
    }
    x->stream = gpumm_stream_retain(s);
    x->taken = t;
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

/* The block goes back to the slab, the struct to the spare ones. */
static void give_back(gpumm_manager *m, gpumm_scratch *x) {
    if (x->others.readers) settle_or_wait(m, x);
    slab_give(&x->stream->scratch, x->taken.block);
    manager_give(m, x->taken.bytes);
    pthread_mutex_lock(&m->lock);
    book(x->stream, x->stream->scratch_account.logical - x->taken.bytes);
    x->next = m->spare_scratch;
    m->spare_scratch = x;
    pthread_mutex_unlock(&m->lock);
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

gpumm_address gpumm_scratch_address(const gpumm_scratch *x) { return x->taken.address; }

uint64_t gpumm_scratch_bytes(const gpumm_scratch *x) { return x->taken.bytes; }

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
