/* SPDX-License-Identifier: MIT */
/* One return of the tail at a time: what comes to it meanwhile is seen when that ends. */
#include "core/tail.h"

#include "core/canary.h"

/* Who imported such memory must hear that other segments may take the place of those that went. */
static void tell_importers(gpumm_buffer *b) {
    context *ctx = b->group->object.context;
    pthread_mutex_lock(&ctx->submit);
    b->given_back++;
    pthread_mutex_unlock(&ctx->submit);
}

/* Group lock held, nobody using what lies beyond the capacity. False: the device refused some of it. */
static bool drop(gpumm_group *g, bool told) {
    bool all = true;
    if (g->attached) return true; /* its owner says what goes */
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        uint64_t before = b->extent ? b->extent->usable : 0;
        if (b->extent) all = gpumm__extent_shrink(b->extent, gpumm__buffer_bytes(b, g->capacity), told) && all;
        if (!b->extent || b->extent->usable == before) continue;
        tell_importers(b);
        gpumm__canary_shorten(b);
        gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
    }
    return all;
}

static void tail_through(deferred *r);

/* Group lock held. Behind whoever still uses what lay beyond the new capacity. */
void gpumm__tail_release(gpumm_group *g) {
    context *ctx = g->object.context;
    if (g->tail_posted) {
        g->tail_again = true;
        return;
    }
    order users = {0};
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->submit);
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++)
        status = gpumm__order_merge(&users, &g->members[i].extent->order);
    pthread_mutex_unlock(&ctx->submit);
    g->tail_posted = status == GPUMM_OK;
    g->tail_again = false;
    if (g->tail_posted) {
        gpumm__object_hold(&g->object);
        gpumm__order_defer(&users, ctx, &g->tail, tail_through);
    } else {
        gpumm__order_clear(&users); /* it stays, as memory committed ahead, until a trim */
        g->tail_again = true;
    }
}

/* May run in the thread that shrank, which holds the lock: then there is nothing to wait for. */
static void tail_through(deferred *r) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)r - offsetof(gpumm_group, tail));
    if (r->count == 0) {
        g->tail_posted = false;
        (void)drop(g, true);
    } else {
        pthread_mutex_lock(&g->lock);
        g->tail_posted = false;
        if (!atomic_load(&g->object.alive)) g->tail_again = false;
        if (g->tail_again) gpumm__tail_release(g);
        else (void)drop(g, true);
        pthread_mutex_unlock(&g->lock);
    }
    gpumm__object_drop(&g->object);
}

/* A device that knows no capacity may refuse what launches under way were given the beginning of: then it is behind them.
   So are canaries. */
void gpumm__tail_reclaim(object *o) {
    gpumm_group *g = (gpumm_group *)o;
    if (pthread_mutex_trylock(&g->lock) != 0) return;
    if (atomic_load(&g->object.alive) && !g->tail_posted) {
        bool waits = g->tail_again || g->object.context->debug;
        if (waits || !drop(g, false)) gpumm__tail_release(g);
    }
    pthread_mutex_unlock(&g->lock);
}
