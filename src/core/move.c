/* SPDX-License-Identifier: MIT */
/* Where nobody uses the group and little must be copied, the calling thread does it: waking the worker takes as long.
   Else a move tries: it shuts the gate and gives the users a moment to end; where they do not, it opens the gate again and
   comes back behind them, more patient each time. So no call waits at a gate for work that goes on for long. */
#include "core/move.h"

#include "core/canary.h"
#include "core/gate.h"

/* What a move has to gain. */
enum { MOVE_WORTH, MOVE_ALL };

enum { PATIENCE_LEAST_US = 1000, PATIENCE_MOST_US = 64000, WORTH = 8 };

#define BATCH_BYTES (64ull << 20) /* copied while a gate is shut, but for a segment that is larger */

static uint64_t capacity_bytes(const gpumm_buffer *b) { return gpumm__buffer_bytes(b, b->group->capacity); }

static bool is_worth(const gpumm_buffer *b) {
    uint64_t bytes = capacity_bytes(b), excess = gpumm__extent_excess(b->extent, bytes);
    return excess && (b->group->move_gain == MOVE_ALL || !b->extent->range.in_place || excess >= bytes / WORTH);
}

static bool any_worth(gpumm_group *g) {
    for (size_t i = 0; i < g->count; i++)
        if (g->members[i].extent && is_worth(&g->members[i])) return true;
    return false;
}

/* ---- One attempt; group lock held, gate shut, nobody using any member ---- */

/* What fails twice is told, and left as it is. */
static bool fit(gpumm_buffer *b, bool *moved) {
    gpumm_group *g = b->group;
    const tracing *t = &g->object.context->tracing;
    uint64_t since = tracing_now(t);
    uint64_t bytes = capacity_bytes(b), before = b->extent->range.committed;
    gpumm_status status = gpumm__extent_fit(b->extent, bytes, moved);
    if (status != GPUMM_OK) status = gpumm__extent_fit(b->extent, bytes, moved);
    if (t->traced) gpumm__tracing_bytes(t, "move", b->full_name, since, bytes);
    gpumm__canary_shorten(b);
    if (status != GPUMM_OK) gpumm__context_background_failed(g->object.context, status);
    pthread_mutex_lock(&g->object.context->submit);
    b->mapping += b->extent->range.committed != before;
    pthread_mutex_unlock(&g->object.context->submit);
    gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
    return status == GPUMM_OK;
}

/* As many members as one shutting may last. */
static bool fit_some(gpumm_group *g) {
    bool moved = false, good = true;
    uint64_t copied = 0;
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        if (!is_worth(b)) continue;
        uint64_t bytes = capacity_bytes(b);
        if (copied && copied + bytes > BATCH_BYTES) break;
        copied += bytes;
        good = fit(b, &moved) && good;
    }
    pthread_mutex_lock(&g->object.context->submit);
    g->generation += moved;
    pthread_mutex_unlock(&g->object.context->submit);
    return good;
}

/* ---- Behind the users ---- */

static gpumm_status users_of(gpumm_group *g, order *users) {
    context *ctx = g->object.context;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->submit);
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++)
        status = gpumm__order_merge(users, &g->members[i].extent->order);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

bool gpumm__move_users_end(gpumm_group *g, uint64_t patience_us) {
    order users = {0};
    bool ended = users_of(g, &users) == GPUMM_OK &&
                 gpumm__order_ends(&users, g->object.context, gpumm__clock_ns() + patience_us * 1000);
    gpumm__order_clear(&users);
    return ended;
}

static void move_run(deferred *r);

static void post_behind_users(gpumm_group *g) {
    order users = {0};
    if (users_of(g, &users) != GPUMM_OK) gpumm__order_clear(&users); /* then it looks again soon */
    gpumm__order_defer_later(&users, g->object.context, &g->move, move_run);
}

/* What others have as a tensor, or pinned, they may use at any time, and a stream that captures a graph cannot be waited for; what is to be
   gained is left to the next trim then. */
static bool can_move(gpumm_group *g) {
    return atomic_load(&g->object.alive) && !g->lent && any_worth(g) && gpumm__group_not_capturing(g) == GPUMM_OK;
}

/* Group lock held. True: it is done, or nothing can be done. */
static bool attempt(gpumm_group *g) {
    if (!can_move(g)) return true;
    gpumm__gate_shut(g);
    bool ended = gpumm__move_users_end(g, g->move_patience), good = ended && fit_some(g);
    gpumm__gate_open(g);
    g->move_patience = size_min(2 * g->move_patience, PATIENCE_MOST_US);
    return ended && (!good || !any_worth(g));
}

static void move_run(deferred *r) {
    gpumm_group *g = (gpumm_group *)(void *)((char *)r - offsetof(gpumm_group, move));
    if (pthread_mutex_trylock(&g->lock) != 0) { /* a change of size is under way */
        *r = (deferred){.run = move_run};
        gpumm__deferred_list(&g->object.context->deferred, r);
        return;
    }
    bool done = attempt(g);
    g->move_posted = !done;
    if (!done) post_behind_users(g);
    pthread_mutex_unlock(&g->lock);
    if (done) gpumm__object_drop(&g->object);
}

/* What would be copied is at most one batch, and nobody uses the group. */
static bool at_once(gpumm_group *g) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < g->count; i++)
        if (is_worth(&g->members[i])) bytes += capacity_bytes(&g->members[i]);
    g->move_patience = 0;
    return bytes <= BATCH_BYTES && attempt(g);
}

static void post(gpumm_group *g) {
    g->move_posted = true;
    g->move_patience = PATIENCE_LEAST_US;
    gpumm__object_hold(&g->object);
    post_behind_users(g);
}

void gpumm__move_start(gpumm_group *g) {
    if (g->move_posted) return;
    g->move_gain = MOVE_WORTH;
    if (can_move(g) && !at_once(g)) post(g);
}

static void post_all_of(gpumm_group *g) {
    g->move_gain = MOVE_ALL;
    if (!g->move_posted && can_move(g)) post(g);
}

static void post_one(object *o, void *user) {
    gpumm_group *g = (gpumm_group *)o;
    const bool *moving = user;
    if (pthread_mutex_trylock(&g->lock) != 0) return; /* it is growing, or somebody waits for its contents */
    if (atomic_load(&o->alive) && (*moving || o->context->info.in_place)) post_all_of(g);
    pthread_mutex_unlock(&g->lock);
}

void gpumm__move_post_all(context *ctx, bool moving) { gpumm__object_each(ctx, RANK_GROUP, post_one, &moving); }
