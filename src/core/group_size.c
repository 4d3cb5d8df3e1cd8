/* SPDX-License-Identifier: MIT */
/* Sizes of groups: growing, ahead of it, behind shrinking, and the one door for every change. The transaction
   itself is in group_growth.c. */
#include "core/group_growth.h"
#include "core/readback.h"
#include "core/pressure.h"
#include "core/stream.h"

/* ---- Growing -------------------------------------------------------------------------------- */

/* Room for `capacity`, elements up to `length` written, all published; or nothing has changed. */
gpumm_status gpumm__group_change_to(gpumm_group *g, const change *c, uint64_t capacity, uint64_t length) {
    plan p;
    TRY(gpumm__plan_open(&p, g, capacity));
    gpumm_status status = gpumm__plan_write(&p, c->stream, length, c->columns);
    if (status == GPUMM_OK) status = gpumm__plan_publish(&p, c->stream, length);
    if (status != GPUMM_OK) {
        gpumm__plan_undo(&p);
        return status;
    }
    gpumm__canary_write(g);
    return GPUMM_OK;
}

static gpumm_status target_of(gpumm_group *g, const change *c, uint64_t required, uint64_t *target) {
    if (required > g->max_length)
        return fail(GPUMM_OVER_MAX_SIZE, "%llu elements are more than its maximum of %llu",
                    (unsigned long long)required, (unsigned long long)g->max_length);
    gpumm_growth rule = g->growth;
    if (c->proposed || rule.kind == GPUMM_GROWTH_CALLBACK) { /* asked before, without locks: a list of one */
        rule.kind = GPUMM_GROWTH_LIST;
        rule.list = &c->proposed;
        rule.list_count = 1;
    }
    return gpumm_growth_next(&rule, &(gpumm_growth_request){g->name, g->capacity, required, g->max_length}, target);
}

static gpumm_status grow(gpumm_group *g, const change *c, uint64_t required, uint64_t length) {
    uint64_t target;
    TRY(target_of(g, c, required, &target));
    if (g->object.manager->debug) TRY(gpumm__canary_check(g));
    gpumm_status status = gpumm__group_change_to(g, c, target, length);
    if (gpumm_is_memory_error(status) && target > required) status = gpumm__group_change_to(g, c, required, length);
    if (status != GPUMM_OK) return status;
    pthread_mutex_lock(&g->object.manager->lock);
    g->object.manager->resizes++;
    pthread_mutex_unlock(&g->object.manager->lock);
    return GPUMM_OK;
}

/* Group lock held. */
static gpumm_status change_locked(gpumm_group *g, const change *c, uint64_t *wanted) {
    uint64_t length = c->sized ? c->length : g->length, required;
    if (!size_add(length, c->append, &length))
        return fail(GPUMM_OVER_MAX_SIZE, "%llu elements more are more than can be counted",
                    (unsigned long long)c->append);
    required = size_max(length, c->capacity);
    *wanted = required;
    if (required > g->capacity) return grow(g, c, required, length);
    return length == g->length ? GPUMM_OK : gpumm__group_change_to(g, c, g->capacity, length);
}

/* ---- Ahead of growth, and behind shrinking -------------------------------------------------- */

/* Is there more to commit for `capacity` than the budget would ever grant? Another's growth may take what is
   left, but what all have ahead together is no more than that. */
static bool ahead_is_idle(gpumm_group *g, uint64_t capacity) {
    uint64_t missing = 0;
    for (size_t i = 0; i < g->count; i++) {
        uint64_t bytes = gpumm__member_bytes(&g->members[i], capacity), there = g->members[i].extent->usable;
        if (bytes > there && !size_add(missing, bytes - there, &missing)) return true;
    }
    return missing > gpumm__manager_spare(g->object.manager);
}

static void ahead_commit(gpumm_group *g) {
    uint64_t capacity = g->capacity;
    for (unsigned step = 0; step < g->ahead && capacity < g->max_length; step++) {
        gpumm_growth_request r = {g->name, capacity, capacity + 1, g->max_length};
        if (gpumm_growth_next(&g->growth, &r, &capacity) != GPUMM_OK || ahead_is_idle(g, capacity)) return;
        for (size_t i = 0; i < g->count; i++) {
            gpumm_buffer *b = &g->members[i];
            if (gpumm__extent_grow(b->extent, gpumm__member_bytes(b, capacity)) != GPUMM_OK)
                return; /* a growth will ask again */
            gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
        }
    }
}

/* A busy lock means a growth is under way, which posts the next job itself. */
static void ahead_run(job *j) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)j - offsetof(gpumm_group, ahead_job));
    if (pthread_mutex_trylock(&g->lock) == 0) {
        g->ahead_posted = false;
        if (atomic_load(&g->object.alive)) ahead_commit(g);
        pthread_mutex_unlock(&g->lock);
    } else {
        gpumm__clock_sleep_ns(50000);
        gpumm__worker_post(&g->object.manager->worker, j);
        return;
    }
    gpumm__object_drop(&g->object);
}

/* Group lock held. */
void gpumm__group_ahead_post(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    if (!g->ahead || g->ahead_posted || !m->info.in_place || g->growth.kind == GPUMM_GROWTH_CALLBACK) return;
    g->ahead_posted = true;
    gpumm__object_hold(&g->object);
    g->ahead_job.run = ahead_run;
    gpumm__worker_post_patient(&m->worker, &g->ahead_job);
}

/* Group lock held, nobody using what lies beyond the capacity. */
static void drop_tail(gpumm_group *g) {
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        if (b->extent && gpumm__extent_shrink(b->extent, gpumm__member_bytes(b, g->capacity)))
            gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
    }
}

void gpumm__group_drop_ahead(gpumm_group *g) {
    if (pthread_mutex_trylock(&g->lock) != 0) return;
    if (atomic_load(&g->object.alive) && !g->tail_posted) {
        if (g->tail_again || g->object.manager->debug) gpumm__group_tail_retire(g); /* canaries may be under way */
        else drop_tail(g);
    }
    pthread_mutex_unlock(&g->lock);
}

static void tail_through(retired *r);

/* Group lock held. Behind whoever still uses what lay beyond the new capacity. */
void gpumm__group_tail_retire(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    order users = {0};
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&m->submit);
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++)
        status = gpumm__order_merge(&users, &g->members[i].extent->order);
    pthread_mutex_unlock(&m->submit);
    g->tail_posted = status == GPUMM_OK;
    g->tail_again = false;
    if (g->tail_posted) {
        gpumm__object_hold(&g->object);
        gpumm__manager_retire(m, &g->tail, &users, tail_through);
    } else {
        gpumm__order_clear(&users); /* it stays, as memory committed ahead, until a trim */
        g->tail_again = true;
    }
}

/* May run in the thread that shrank, which holds the lock: then there is nothing to wait for. */
static void tail_through(retired *r) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)r - offsetof(gpumm_group, tail));
    if (r->count == 0) {
        g->tail_posted = false;
        drop_tail(g);
    } else {
        pthread_mutex_lock(&g->lock);
        g->tail_posted = false;
        if (!atomic_load(&g->object.alive)) g->tail_again = false;
        if (g->tail_again) gpumm__group_tail_retire(g);
        else drop_tail(g);
        pthread_mutex_unlock(&g->lock);
    }
    gpumm__object_drop(&g->object);
}

/* Group lock held. */
static void shrink_locked(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    uint64_t capacity = g->length, aligned;
    if (g->growth.align > 1 && size_round_up(capacity, g->growth.align, &aligned))
        capacity = size_min(aligned, g->max_length);
    if (capacity >= g->capacity) return;
    uint64_t given = (g->capacity - capacity) * (g->row_bytes + g->staging_row);
    pthread_mutex_lock(&m->submit);
    g->capacity = capacity;
    pthread_mutex_unlock(&m->submit);
    for (size_t i = 0; i < g->count; i++)
        gpumm__extent_book(g->members[i].extent, g->members[i].full_name, g->tag, capacity * g->members[i].size);
    gpumm__manager_uncharge(m, given);
    gpumm__readback_book_all(g);
    if (g->tail_posted) g->tail_again = true;
    else gpumm__group_tail_retire(g);
}

gpumm_status gpumm__group_shrink(gpumm_group *g) {
    TRY(gpumm__group_enter(g));
    pthread_mutex_lock(&g->lock);
    gpumm_status status = atomic_load(&g->object.alive) ? GPUMM_OK : gpumm__buffer_gone(&g->members[0]);
    if (status == GPUMM_OK) status = gpumm__group_not_capturing(g);
    if (status == GPUMM_OK && g->object.manager->debug) status = gpumm__canary_check(g);
    if (status == GPUMM_OK) shrink_locked(g);
    if (status == GPUMM_OK) gpumm__canary_write(g);
    pthread_mutex_unlock(&g->lock);
    gpumm__group_leave(g);
    return status;
}

/* ---- One door for every change of size ------------------------------------------------------ */

static gpumm_status change_once(gpumm_group *g, const change *c, uint64_t *wanted) {
    pthread_mutex_lock(&g->lock);
    uint64_t before = g->capacity;
    gpumm_status status =
        atomic_load(&g->object.alive) ? change_locked(g, c, wanted) : fail(GPUMM_STALE, "it was freed meanwhile");
    bool grown = g->capacity > before;
    if (grown) {
        gpumm__readback_book_all(g);
        gpumm__group_ahead_post(g);
    }
    pthread_mutex_unlock(&g->lock);
    if (grown) gpumm__readback_fit_all(g);
    return status;
}

/* A callback schedule is asked first, without locks; it stays a proposal. */
static void propose(gpumm_group *g, change *c) {
    if (g->growth.kind != GPUMM_GROWTH_CALLBACK || c->proposed) return;
    pthread_mutex_lock(&g->object.manager->submit);
    uint64_t capacity = g->capacity, length = c->sized ? c->length : g->length;
    pthread_mutex_unlock(&g->object.manager->submit);
    uint64_t required;
    if (!size_add(length, c->append, &required)) return;
    required = size_max(c->capacity, required);
    if (required <= capacity || required > g->max_length) return;
    gpumm_growth_request r = {g->name, capacity, required, g->max_length};
    if (gpumm_growth_next(&g->growth, &r, &c->proposed) != GPUMM_OK) c->proposed = 0;
}

static gpumm_status change_under_pressure(gpumm_group *g, const change *c) {
    uint64_t wanted = 0;
    gpumm_status status = change_once(g, c, &wanted);
    for (unsigned stage = 0; gpumm__manager_relieve(g->object.manager, status, wanted * g->row_bytes, &stage);)
        status = change_once(g, c, &wanted);
    return gpumm__group_explain(g, status, wanted);
}

gpumm_status gpumm__group_change(gpumm_group *g, const change *given) {
    TRY(gpumm__group_enter(g));
    change c = *given;
    gpumm_status status = gpumm__stream_of(g->object.manager, given->stream, &c.stream);
    if (status == GPUMM_OK) status = gpumm__stream_not_capturing(c.stream);
    if (status == GPUMM_OK) {
        propose(g, &c);
        status = change_under_pressure(g, &c);
    }
    gpumm__group_leave(g);
    return status;
}

/* ---- Staging of readbacks ------------------------------------------------------------------- */

gpumm_status gpumm__group_staging_join(gpumm_group *g, uint64_t row_bytes) {
    pthread_mutex_lock(&g->lock);
    uint64_t bytes;
    gpumm_status status = size_mul(g->capacity, row_bytes, &bytes)
                              ? gpumm__manager_charge(g->object.manager, bytes)
                              : fail(GPUMM_OVER_LIMIT, "the slots are more bytes than can be counted");
    if (status == GPUMM_OK) g->staging_row += row_bytes;
    pthread_mutex_unlock(&g->lock);
    return status;
}

void gpumm__group_staging_leave(gpumm_group *g, uint64_t row_bytes) {
    pthread_mutex_lock(&g->lock);
    g->staging_row -= row_bytes;
    gpumm__manager_uncharge(g->object.manager, g->capacity * row_bytes);
    pthread_mutex_unlock(&g->lock);
}
