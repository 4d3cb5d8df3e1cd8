/* SPDX-License-Identifier: MIT */
/* The steps of relief, the cheapest first. */
#include "core/pressure.h"

#include "core/extent.h"
#include "core/move.h"

static void reclaim(object *o, void *user) {
    (void)user;
    if (o->class->reclaim) o->class->reclaim(o);
}

static void reclaim_all(context *ctx) {
    for (int r = 0; r < RANK_COUNT; r++) gpumm__object_each(ctx, (rank)r, reclaim, NULL);
    gpumm__stream_trim(ctx->main);
    gpumm__pool_trim(ctx);
}

static bool ask_hook(context *ctx, uint64_t wanted) {
    return ctx->pressure && !gpumm__is_first_try() && ctx->pressure(ctx->pressure_user, wanted);
}

/* Twice, for others may have freed meanwhile; last what costs copies. */
bool gpumm__relieve(context *ctx, gpumm_status failed, uint64_t wanted, unsigned *stage) {
    enum { RECLAIM, WAIT, RECLAIM_AGAIN, WAIT_AGAIN, MOVE, HOOK, GIVE_UP = HOOK + 16 };
    if (failed != GPUMM_OUT_OF_MEMORY && failed != GPUMM_OVER_LIMIT) return false;
    if (failed == GPUMM_OVER_LIMIT && *stage < HOOK) *stage = HOOK; /* spare memory is not in the budget */
    switch ((*stage)++) {
    case RECLAIM:
    case RECLAIM_AGAIN: reclaim_all(ctx); return true;
    case MOVE: gpumm__move_post_all(ctx, false); /* fall through */
    case WAIT:
    case WAIT_AGAIN: gpumm__deferred_wait(&ctx->deferred); return true;
    default: return *stage <= GIVE_UP && ask_hook(ctx, wanted);
    }
}

/* The binding's collector is still to come where this is the first try. */
bool gpumm__pressure_spills(const context *ctx, gpumm_status failed) {
    return failed == GPUMM_OUT_OF_MEMORY && ctx->spill.limit && !gpumm__is_first_try();
}

/* What is posted to be committed ahead comes first, and what is on its way to the pool, so that it goes back too. */
void gpumm__trim(context *ctx) {
    gpumm__worker_drain(&ctx->worker);
    gpumm__deferred_wait(&ctx->deferred);
    reclaim_all(ctx);
    gpumm__deferred_wait(&ctx->deferred);
    gpumm__move_post_all(ctx, true);
    gpumm__deferred_wait(&ctx->deferred);
}
