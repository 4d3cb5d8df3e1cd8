/* SPDX-License-Identifier: MIT */
/* The steps of relief, the cheapest first. */
#include "core/pressure.h"

#include "core/extent.h"
#include "core/object.h"

static void reclaim(object *o, void *user) {
    (void)user;
    if (o->class->reclaim) o->class->reclaim(o);
}

void gpumm__reclaim(context *ctx) {
    for (int r = 0; r < RANK_COUNT; r++) gpumm__object_each(ctx, (rank)r, reclaim, NULL);
    gpumm__pool_trim(ctx);
}

static bool ask_hook(context *ctx, uint64_t wanted) {
    return ctx->pressure && !gpumm__is_first_try() && ctx->pressure(ctx->pressure_user, wanted);
}

bool gpumm__relieve(context *ctx, gpumm_status failed, uint64_t wanted, unsigned *stage) {
    enum { RECLAIM, WAIT, HOOK, GIVE_UP = HOOK + 16 };
    if (failed != GPUMM_OUT_OF_MEMORY && failed != GPUMM_OVER_LIMIT) return false;
    if (failed == GPUMM_OVER_LIMIT && *stage < HOOK) *stage = HOOK; /* spare memory is not in the budget */
    switch ((*stage)++) {
    case RECLAIM: gpumm__reclaim(ctx); return true;
    case WAIT: gpumm__deferred_wait(&ctx->deferred); return true;
    default: return *stage <= GIVE_UP && ask_hook(ctx, wanted);
    }
}
