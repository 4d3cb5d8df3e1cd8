/* SPDX-License-Identifier: MIT */
/* Where a buffer's bytes come from and go to. */
#include "core/extent.h"

#include "core/manager.h"
#include "core/stream.h"

/* ---- Small extents: blocks of a slab -------------------------------------------------------- */

/* Pool mutex held, so that no older numbers are booked over newer ones. */
static void pool_book(gpumm_manager *m, struct pool_slab *p) {
    gpumm__manager_book(m, &p->account, 0, 0, p->slab.committed - p->slab.used);
}

static gpumm_status pool_slab_open(gpumm_manager *m, struct pool_slab **out) {
    struct pool_slab *p = gpumm__mem_new(&m->memory, sizeof *p);
    if (!p) return fail_host_memory(sizeof *p);
    uint64_t maximum = m->info.in_place ? m->info.total_bytes : 4 << 20;
    gpumm_status status = gpumm__slab_open(&p->slab, m->device, maximum);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&m->memory, p);
        return status;
    }
    gpumm__manager_book_open(m, &p->account, GPUMM_SLACK, "", "slab");
    p->next = m->pool.slabs;
    m->pool.slabs = p;
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
    pool_book(e->manager, p);
    return GPUMM_OK;
}

/* From the newest slab that has room; a new one only where none has. */
static gpumm_status take_from_pool(gpumm_manager *m, uint64_t bytes, extent *e) {
    for (struct pool_slab *p = m->pool.slabs; p; p = p->next)
        if (take_block(p, bytes, e) == GPUMM_OK) return GPUMM_OK;
    if (m->pool.slabs && m->info.in_place) return take_block(m->pool.slabs, bytes, e); /* for its message */
    struct pool_slab *p = NULL;
    TRY(pool_slab_open(m, &p));
    return take_block(p, bytes, e);
}

/* Blocks carry no order of their own; what came before was on the main stream or is through. */
static gpumm_status open_small(gpumm_manager *m, uint64_t bytes, extent *e) {
    pthread_mutex_lock(&m->pool.mutex);
    gpumm_status status = take_from_pool(m, bytes, e);
    pthread_mutex_unlock(&m->pool.mutex);
    if (status == GPUMM_OK) e->order.writer = m->main;
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
static extent *take_cached(gpumm_manager *m, uint64_t bytes, uint64_t maximum) {
    pthread_mutex_lock(&m->lock);
    extent **best = NULL;
    for (extent **at = &m->pool.cached; *at; at = &(*at)->next) {
        uint64_t fit = fitness(*at, bytes, maximum);
        if (fit && (!best || fit > fitness(*best, bytes, maximum))) best = at;
    }
    extent *e = best ? *best : NULL;
    if (e) *best = e->next;
    pthread_mutex_unlock(&m->lock);
    return e;
}

static void put_cached(extent *e) {
    gpumm_manager *m = e->manager;
    pthread_mutex_lock(&m->lock);
    e->next = m->pool.cached;
    m->pool.cached = e;
    pthread_mutex_unlock(&m->lock);
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

static gpumm_status open_large(gpumm_manager *m, uint64_t bytes, uint64_t maximum, extent *e) {
    TRY(gpumm__range_open(&e->range, m->device, PLACE_DEVICE, maximum));
    /* A block that cannot grow in place has its address only once there is memory. */
    gpumm_status status = gpumm__range_commit(&e->range, m->info.in_place ? bytes : size_max(bytes, 1));
    if (status != GPUMM_OK) {
        gpumm__range_close(&e->range);
        return status;
    }
    e->address = e->range.address;
    e->usable = e->range.committed;
    return GPUMM_OK;
}

/* ---- All extents ---------------------------------------------------------------------------- */

gpumm_status gpumm__extent_open(gpumm_manager *m, uint64_t bytes, uint64_t maximum, extent **out) {
    bool small = maximum <= EXTENT_SMALL;
    extent *e = small ? NULL : take_cached(m, bytes, maximum);
    if (e) {
        TRY(reuse(e, bytes));
        *out = e;
        return GPUMM_OK;
    }
    e = gpumm__mem_new(&m->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    e->manager = m;
    gpumm_status status = small ? open_small(m, maximum, e) : open_large(m, bytes, maximum, e);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&m->memory, e);
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
    gpumm_manager *m = e->manager;
    pthread_mutex_lock(&m->lock);
    if (!e->booked) gpumm__ledger_open(&m->books, &e->account, GPUMM_BUFFERS, name, tag);
    else if (e->account.category != GPUMM_BUFFERS) gpumm__ledger_move(&m->books, &e->account, GPUMM_BUFFERS, name, tag);
    e->booked = true;
    e->account.address = e->address;
    gpumm__ledger_set(&m->books, &e->account, logical, ahead_of(e, logical), e->usable);
    pthread_mutex_unlock(&m->lock);
}

void gpumm__extent_succeed(extent *e, extent *old) {
    gpumm_manager *m = e->manager;
    pthread_mutex_lock(&m->lock);
    if (e->booked) gpumm__ledger_close(&m->books, &e->account);
    gpumm__ledger_pass(&m->books, &old->account, &e->account);
    e->booked = true;
    old->booked = false;
    pthread_mutex_unlock(&m->lock);
}

static void unbook(extent *e) {
    if (e->booked) gpumm__manager_book_close(e->manager, &e->account);
    e->booked = false;
}

/* No buffer's any more: its names may go before it does. */
static void book_nameless(extent *e, gpumm_category category) {
    gpumm_manager *m = e->manager;
    pthread_mutex_lock(&m->lock);
    if (!e->booked) gpumm__ledger_open(&m->books, &e->account, category, "", "");
    else gpumm__ledger_move(&m->books, &e->account, category, "", "");
    e->booked = true;
    gpumm__ledger_set(&m->books, &e->account, 0, 0, e->usable);
    pthread_mutex_unlock(&m->lock);
}

static extent *extent_of(retired *r) { return (extent *)(void *)((char *)r - offsetof(extent, gone)); }

/* Runs once nobody uses it. */
static void unmap(retired *r) {
    extent *e = extent_of(r);
    gpumm_manager *m = e->manager;
    gpumm__range_close(&e->range);
    unbook(e);
    gpumm__mem_free(&m->memory, e);
}

static void give_block(retired *r) {
    extent *e = extent_of(r);
    gpumm_manager *m = e->manager;
    unbook(e);
    pthread_mutex_lock(&m->pool.mutex);
    gpumm__slab_give(&e->slab->slab, e->block);
    pool_book(m, e->slab);
    pthread_mutex_unlock(&m->pool.mutex);
    gpumm__mem_free(&m->memory, e);
}

void gpumm__extent_release(extent *e, bool cached) {
    gpumm_manager *m = e->manager;
    bool used = e->order.writer || e->order.readers, kept = cached || e->booked;
    if (e->slab) {
        if (e->booked) book_nameless(e, GPUMM_SLACK);
        if (gpumm__order_only(&e->order, m->main)) gpumm__order_clear(&e->order);
        gpumm__manager_retire(m, &e->gone, &e->order, give_block);
        return;
    }
    if (kept || used) book_nameless(e, GPUMM_CACHED);
    if (kept) put_cached(e);
    else gpumm__manager_retire(m, &e->gone, &e->order, unmap); /* at once, or behind whoever was to write there */
}

/* ---- The pool ------------------------------------------------------------------------------- */

void gpumm__pool_init(extent_pool *p) { pthread_mutex_init(&p->mutex, NULL); }

void gpumm__pool_trim(gpumm_manager *m) {
    pthread_mutex_lock(&m->lock);
    extent *e = m->pool.cached;
    m->pool.cached = NULL;
    pthread_mutex_unlock(&m->lock);
    for (extent *next; e; e = next) {
        next = e->next;
        gpumm__manager_retire(m, &e->gone, &e->order, unmap);
    }
}

void gpumm__pool_close(gpumm_manager *m) {
    gpumm__pool_trim(m);
    gpumm__manager_retire_wait(m);
    for (struct pool_slab *p = m->pool.slabs, *next; p; p = next) {
        next = p->next;
        gpumm__manager_book_close(m, &p->account);
        gpumm__slab_close(&p->slab);
        gpumm__mem_free(&m->memory, p);
    }
    m->pool.slabs = NULL;
    pthread_mutex_destroy(&m->pool.mutex);
}

gpumm_status gpumm__pool_check(gpumm_manager *m) {
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&m->pool.mutex);
    for (struct pool_slab *p = m->pool.slabs; p && status == GPUMM_OK; p = p->next)
        status = gpumm__slab_check(&p->slab);
    pthread_mutex_unlock(&m->pool.mutex);
    return status;
}
