/* SPDX-License-Identifier: MIT */
/* A group at a time: its gate is shut, its users are waited for, DEVICE_SPILL_MOST bytes are moved, the gate is opened. Where the
   users do not end soon the gate is opened for a while, and they are given more time at the next attempt, so that no call
   waits at a gate for work that goes on for long. */
#include "core/promote.h"

#include "core/gate.h"
#include "core/move.h"
#include "core/pressure.h"

enum { PATIENCE_LEAST_US = 1000, PATIENCE_MOST_US = 64000 };

typedef struct promotion {
    uint64_t bytes;
    bool full;           /* the device has no room for something that is still spilled */
    gpumm_status status; /* what else went wrong */
} promotion;

/* ---- One batch; group lock held, gate shut, nobody using any member ---- */

static gpumm_status promote_member(gpumm_buffer *b, uint64_t most, uint64_t *bytes, bool *moved) {
    gpumm_group *g = b->group;
    const tracing *t = &g->object.context->tracing;
    uint64_t since = tracing_now(t);
    gpumm_status status = gpumm__extent_promote(b->extent, most, bytes, moved);
    if (!*bytes) return status;
    if (t->traced) gpumm__tracing_bytes(t, "promote", b->full_name, since, *bytes);
    pthread_mutex_lock(&g->object.context->submit);
    b->mapping++;
    pthread_mutex_unlock(&g->object.context->submit);
    gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
    return status;
}

static gpumm_status promote_some(gpumm_group *g, uint64_t *sum) {
    gpumm_status status = GPUMM_OK;
    uint64_t batch = 0;
    bool moved = false;
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++) {
        gpumm_buffer *b = &g->members[i];
        uint64_t bytes = 0;
        if (!gpumm__extent_is_spilled(b->extent)) continue;
        if (batch && batch + gpumm__range_next_spilled(&b->extent->range) > DEVICE_SPILL_MOST) break;
        status = promote_member(b, DEVICE_SPILL_MOST - batch, &bytes, &moved);
        batch += bytes;
    }
    pthread_mutex_lock(&g->object.context->submit);
    g->generation += moved;
    pthread_mutex_unlock(&g->object.context->submit);
    *sum += batch;
    return status;
}

/* ---- A group ---- */

/* What others have as a tensor, or pinned, they may use at any time, and a graph that is being captured later. */
static bool can_promote(gpumm_group *g) {
    bool spilled = false;
    if (!atomic_load(&g->object.alive)) return false;
    for (size_t i = 0; i < g->count; i++)
        spilled = spilled || (g->members[i].extent && gpumm__extent_is_spilled(g->members[i].extent));
    return spilled && !g->lent && gpumm__group_not_capturing(g) == GPUMM_OK;
}

/* False: nothing more is to be done. */
static bool attempt(gpumm_group *g, promotion *p, uint64_t *patience) {
    if (!can_promote(g)) return false;
    gpumm_status status = GPUMM_OK;
    gpumm__gate_shut(g);
    bool ended = gpumm__move_users_end(g, *patience);
    if (ended) status = promote_some(g, &p->bytes);
    gpumm__gate_open(g);
    *patience = ended ? PATIENCE_LEAST_US : size_min(2 * *patience, PATIENCE_MOST_US);
    if (status == GPUMM_OUT_OF_MEMORY) p->full = true;
    else if (status != GPUMM_OK) p->status = status;
    return status == GPUMM_OK;
}

static void promote_group(object *o, void *user) {
    gpumm_group *g = (gpumm_group *)o;
    promotion *p = user;
    uint64_t patience = PATIENCE_LEAST_US;
    for (bool more = true; more && p->status == GPUMM_OK && !atomic_load(&o->context->closing);) {
        if (patience > PATIENCE_LEAST_US) gpumm__clock_sleep_ns(patience * 1000);
        pthread_mutex_lock(&g->lock);
        more = attempt(g, p, &patience);
        pthread_mutex_unlock(&g->lock);
    }
}

/* ---- All of them ---- */

static bool any_spilled(context *ctx) { return atomic_load(&ctx->spill.used) != 0; }

/* Where there is no room, what is only cached or on its way back makes some. */
gpumm_status gpumm__promote_all(context *ctx, uint64_t *promoted) {
    promotion p = {0};
    if (any_spilled(ctx)) gpumm__object_each(ctx, RANK_GROUP, promote_group, &p);
    for (unsigned stage = 0; p.full && stage < 2 && gpumm__relieve(ctx, GPUMM_OUT_OF_MEMORY, 0, &stage);) {
        p.full = false;
        gpumm__object_each(ctx, RANK_GROUP, promote_group, &p);
    }
    *promoted = p.bytes;
    return p.status;
}
