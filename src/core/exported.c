/* SPDX-License-Identifier: MIT */
/* Two lists hold a record: its memory's, until that is unmapped, and the manager's. */
#include "core/exported.h"

static exported *find(exported *of, uint64_t begin) {
    while (of && of->begin != begin) of = of->next_of_range;
    return of;
}

static exported *add(context *ctx, exported **of, exported *x, uint64_t begin, uint64_t bytes) {
    if (!x) return NULL;
    *x = (exported){.next_of_range = *of, .next = ctx->exported, .begin = begin, .bytes = bytes};
    *of = ctx->exported = x;
    return x;
}

/* Under the lock; the record is out of its memory's list, or goes with it. It is freed without the lock. */
static void forget(context *ctx, exported *x, exported **dead) {
    exported **at = &ctx->exported;
    while (*at != x) at = &(*at)->next;
    *at = x->next;
    if (x->gone) gpumm__ledger_close(&ctx->books, &x->account);
    x->next = *dead;
    *dead = x;
}

static void settle(context *ctx, exported *x, exported **dead) {
    if (x->gone && !x->holders && !x->raw) forget(ctx, x, dead);
}

static void free_all(context *ctx, exported *dead) {
    for (exported *next; dead; dead = next) {
        next = dead->next;
        gpumm__mem_free(&ctx->memory, dead);
    }
}

exported *gpumm__exported_hold(context *ctx, exported **of, uint64_t begin, uint64_t bytes, bool raw) {
    exported *spare = gpumm__mem_new(&ctx->memory, sizeof *spare);
    pthread_mutex_lock(&ctx->lock);
    exported *x = find(*of, begin);
    if (!x) x = add(ctx, of, spare, begin, bytes);
    if (x && raw) x->raw = true;
    else if (x) x->holders++;
    pthread_mutex_unlock(&ctx->lock);
    if (x != spare) gpumm__mem_free(&ctx->memory, spare);
    return x;
}

void gpumm__exported_drop(context *ctx, exported *x) {
    exported *dead = NULL;
    pthread_mutex_lock(&ctx->lock);
    x->holders--;
    settle(ctx, x, &dead);
    pthread_mutex_unlock(&ctx->lock);
    free_all(ctx, dead);
}

void gpumm__exported_leave(context *ctx, exported *of) {
    pthread_mutex_lock(&ctx->lock);
    for (exported *x = of; x; x = x->next_of_range) x->leaving = true;
    pthread_mutex_unlock(&ctx->lock);
}

bool gpumm__exported_is_there(context *ctx, const exported *x) {
    pthread_mutex_lock(&ctx->lock);
    bool there = !x->leaving && !x->gone;
    pthread_mutex_unlock(&ctx->lock);
    return there;
}

static void book(context *ctx, exported *x) {
    x->gone = true;
    gpumm__ledger_open(&ctx->books, &x->account, GPUMM_CATEGORY_EXPORTED, "", "");
    gpumm__ledger_set(&ctx->books, &x->account, 0, 0, x->bytes);
}

void gpumm__exported_beyond(context *ctx, exported **of, uint64_t committed) {
    exported *dead = NULL;
    pthread_mutex_lock(&ctx->lock);
    for (exported **at = of; *at;) {
        exported *x = *at;
        if (x->begin < committed) {
            at = &x->next_of_range;
            continue;
        }
        *at = x->next_of_range;
        book(ctx, x);
        settle(ctx, x, &dead);
    }
    pthread_mutex_unlock(&ctx->lock);
    free_all(ctx, dead);
}

void gpumm__exported_close(context *ctx) {
    exported *dead = NULL;
    pthread_mutex_lock(&ctx->lock);
    while (ctx->exported) forget(ctx, ctx->exported, &dead);
    pthread_mutex_unlock(&ctx->lock);
    free_all(ctx, dead);
}

gpumm_status gpumm_manager_exports_over(gpumm_manager *m) {
    NOT_NULL(m, "manager");
    context *ctx = context_of(m);
    exported *dead = NULL;
    TRY(gpumm__context_enter(ctx));
    pthread_mutex_lock(&ctx->lock);
    for (exported *x = ctx->exported, *next; x; x = next) {
        next = x->next;
        x->raw = false;
        settle(ctx, x, &dead);
    }
    pthread_mutex_unlock(&ctx->lock);
    free_all(ctx, dead);
    gpumm__context_leave(ctx);
    return GPUMM_OK;
}
