/* SPDX-License-Identifier: MIT */
/* A patient job of the worker's: nobody waits for it. */
#include "core/precommit.h"

#define AUTO_STEP_BYTES (16ull << 20) /* beyond it growing by copies is no faster than by committing */

enum { AUTO_AFTER = 2, AUTO_SHARE = 16 };

/* Bytes to commit for `capacity`; UINT64_MAX: more than can be counted. */
static uint64_t missing_for(const gpumm_group *g, uint64_t capacity) {
    uint64_t missing = 0;
    for (size_t i = 0; i < g->count; i++) {
        uint64_t bytes = gpumm__buffer_bytes(&g->members[i], capacity), there = g->members[i].extent->usable;
        if (bytes > there && !size_add(missing, bytes - there, &missing)) return UINT64_MAX;
    }
    return missing;
}

static uint64_t precommitted_now(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    uint64_t bytes = ctx->books.entry[GPUMM_CATEGORY_PRECOMMITTED].now_bytes;
    pthread_mutex_unlock(&ctx->lock);
    return bytes;
}

/* A step that nobody asked for is small, and so are all of them together. */
static bool is_modest(const gpumm_group *g, uint64_t missing) {
    context *ctx = g->object.context;
    uint64_t now = precommitted_now(ctx), most = ctx->info.total_bytes / AUTO_SHARE;
    return missing <= AUTO_STEP_BYTES && now <= most && missing <= most - now;
}

/* More than the budget would ever grant is futile: another's growth may take what is left, but what all have ahead
   together is no more than that. */
static bool is_wanted(const gpumm_group *g, uint64_t capacity) {
    uint64_t missing = missing_for(g, capacity);
    if (missing > gpumm__context_spare(g->object.context)) return false;
    return g->ahead != GPUMM_AHEAD_AUTO || is_modest(g, missing);
}

static unsigned steps_of(const gpumm_group *g) {
    if (g->ahead == GPUMM_AHEAD_AUTO) return g->grown >= AUTO_AFTER;
    return g->ahead == GPUMM_AHEAD_NONE ? 0 : g->ahead;
}

/* Where the schedule is the caller's own, as far as gpumm sees, the next step is taken to be as long as the last. */
static bool next_capacity(const gpumm_group *g, uint64_t *capacity) {
    if (g->ahead == GPUMM_AHEAD_AUTO && g->growth.kind == GPUMM_GROWTH_EXACT) {
        if (!size_add(*capacity, g->last_step, capacity)) return false;
        *capacity = size_min(*capacity, g->max_length);
        return true;
    }
    gpumm_growth_request r = {g->named.name, *capacity, *capacity + 1, g->max_length};
    return gpumm_growth_next(&g->growth, &r, capacity) == GPUMM_OK;
}

static uint64_t committed(const gpumm_group *g) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < g->count; i++) bytes += g->members[i].extent->usable;
    return bytes;
}

static void commit_steps(gpumm_group *g) {
    uint64_t capacity = g->capacity;
    for (unsigned step = 0; step < steps_of(g) && capacity < g->max_length; step++) {
        if (!next_capacity(g, &capacity) || !is_wanted(g, capacity)) return;
        for (size_t i = 0; i < g->count; i++) {
            gpumm_buffer *b = &g->members[i];
            if (gpumm__extent_grow(b->extent, gpumm__buffer_bytes(b, capacity), false) != GPUMM_OK)
                return; /* a growth will ask again */
            gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
        }
    }
}

static void commit_ahead(gpumm_group *g) {
    const tracing *t = &g->object.context->tracing;
    uint64_t since = tracing_now(t), before = committed(g);
    commit_steps(g);
    if (committed(g) == before) return;
    if (t->traced) gpumm__tracing_bytes(t, "precommit", g->named.name, since, committed(g) - before);
    gpumm__group_tell_length(g);
}

/* A busy lock means a growth is under way, which posts the next job itself. */
static void precommit_run(job *j) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)j - offsetof(gpumm_group, precommit_job));
    if (pthread_mutex_trylock(&g->lock) == 0) {
        g->precommit_posted = false;
        if (atomic_load(&g->object.alive)) commit_ahead(g);
        pthread_mutex_unlock(&g->lock);
    } else {
        gpumm__clock_sleep_ns(50000);
        gpumm__worker_post(&g->object.context->worker, j);
        return;
    }
    gpumm__object_drop(&g->object);
}

/* Group lock held. */
void gpumm__precommit_post(gpumm_group *g) {
    context *ctx = g->object.context;
    if (!steps_of(g) || g->precommit_posted || !ctx->info.in_place || g->growth.kind == GPUMM_GROWTH_CALLBACK) return;
    g->precommit_posted = true;
    gpumm__object_hold(&g->object);
    g->precommit_job.run = precommit_run;
    gpumm__worker_post_patient(&ctx->worker, &g->precommit_job);
}
