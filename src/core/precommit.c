/* SPDX-License-Identifier: MIT */
/* A patient job of the worker's: nobody waits for it. */
#include "core/precommit.h"

/* Is there more to commit for `capacity` than the budget would ever grant? Another's growth may take what is
   left, but what all have ahead together is no more than that. */
static bool is_futile(gpumm_group *g, uint64_t capacity) {
    uint64_t missing = 0;
    for (size_t i = 0; i < g->count; i++) {
        uint64_t bytes = gpumm__buffer_bytes(&g->members[i], capacity), there = g->members[i].extent->usable;
        if (bytes > there && !size_add(missing, bytes - there, &missing)) return true;
    }
    return missing > gpumm__context_spare(g->object.context);
}

static void commit_steps(gpumm_group *g) {
    uint64_t capacity = g->capacity;
    for (unsigned step = 0; step < g->ahead && capacity < g->max_length; step++) {
        gpumm_growth_request r = {g->named.name, capacity, capacity + 1, g->max_length};
        if (gpumm_growth_next(&g->growth, &r, &capacity) != GPUMM_OK || is_futile(g, capacity)) return;
        for (size_t i = 0; i < g->count; i++) {
            gpumm_buffer *b = &g->members[i];
            if (gpumm__extent_grow(b->extent, gpumm__buffer_bytes(b, capacity)) != GPUMM_OK)
                return; /* a growth will ask again */
            gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
        }
    }
}

/* A busy lock means a growth is under way, which posts the next job itself. */
static void precommit_run(job *j) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)j - offsetof(gpumm_group, precommit_job));
    if (pthread_mutex_trylock(&g->lock) == 0) {
        g->precommit_posted = false;
        if (atomic_load(&g->object.alive)) commit_steps(g);
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
    if (!g->ahead || g->precommit_posted || !ctx->info.in_place || g->growth.kind == GPUMM_GROWTH_CALLBACK) return;
    g->precommit_posted = true;
    gpumm__object_hold(&g->object);
    g->precommit_job.run = precommit_run;
    gpumm__worker_post_patient(&ctx->worker, &g->precommit_job);
}
