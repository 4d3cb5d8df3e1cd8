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

enum { HOOK_TIMES = 16 };

/* Of this thread: it holds a lock that the hook may want, so that the hook is asked later, or not at all. */
typedef enum asking { ASK_NOW, ASK_LATER, ASK_NOT } asking;
static _Thread_local asking when;
static _Thread_local uint64_t later; /* bytes that it is to be asked for; 0: none */

static bool ask_hook(context *ctx, uint64_t wanted) {
    if (!ctx->pressure || gpumm__is_first_try()) return false;
    if (when == ASK_NOW) return ctx->pressure(ctx->pressure_user, wanted);
    if (when == ASK_LATER) later = size_max(wanted, 1);
    return false;
}

/* Twice, for others may have freed meanwhile; last what costs copies. */
bool gpumm__relieve(context *ctx, gpumm_status failed, uint64_t wanted, unsigned *stage) {
    enum { RECLAIM, WAIT, RECLAIM_AGAIN, WAIT_AGAIN, MOVE, HOOK, GIVE_UP = HOOK + HOOK_TIMES };
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
    bool asked = when != ASK_LATER || !ctx->pressure;
    return failed == GPUMM_OUT_OF_MEMORY && ctx->spill.limit && asked && !gpumm__is_first_try();
}

static gpumm_status call_with(asking how, gpumm_status (*call)(void *user), void *user) {
    asking before = when;
    later = 0;
    when = how;
    gpumm_status status = call(user);
    when = before;
    return status;
}

static bool is_for_hook(gpumm_status status) { return gpumm_status_is_memory_error(status) && later; }

gpumm_status gpumm__pressure_outside(context *ctx, bool again, gpumm_status (*call)(void *user), void *user) {
    if (!again || when != ASK_NOW) return call_with(ASK_NOT, call, user);
    gpumm_status status = call_with(ASK_LATER, call, user);
    for (int i = 0; i < HOOK_TIMES && is_for_hook(status) && ask_hook(ctx, later); i++)
        status = call_with(ASK_LATER, call, user);
    bool spills = ctx->pressure && gpumm__pressure_spills(ctx, status);
    return spills ? call_with(ASK_NOT, call, user) : status;
}

/* What is posted to be committed ahead comes first, and what is on its way to the pool, so that it goes back too. */
void gpumm__trim(context *ctx) {
    gpumm__worker_drain(&ctx->worker);
    gpumm__deferred_wait(&ctx->deferred);
    reclaim_all(ctx);
    gpumm__deferred_wait(&ctx->deferred);
    gpumm__move_post_all(ctx, true);
    gpumm__deferred_wait(&ctx->deferred);
    gpumm__streams_free_gone(ctx);
}
