/* SPDX-License-Identifier: MIT */
/* Two lists hold a record: its memory's, until that is unmapped, and the manager's. */
#include "core/exported.h"

static exported *find(exported *of, uint64_t begin) {
    while (of && of->begin != begin) of = of->next_of_range;
    return of;
}

static exported *add(context *ctx, exported **of, uint64_t begin, uint64_t bytes) {
    exported *x = gpumm__mem_new(&ctx->memory, sizeof *x);
    if (!x) return NULL;
    *x = (exported){.next_of_range = *of, .next = ctx->exported, .begin = begin, .bytes = bytes};
    *of = ctx->exported = x;
    return x;
}

/* Under the lock; the record is out of its memory's list, or goes with it. */
static void forget(context *ctx, exported *x) {
    exported **at = &ctx->exported;
    while (*at != x) at = &(*at)->next;
    *at = x->next;
    if (x->gone) gpumm__ledger_close(&ctx->books, &x->account);
    gpumm__mem_free(&ctx->memory, x);
}

static void settle(context *ctx, exported *x) {
    if (x->gone && !x->holders && !x->raw) forget(ctx, x);
}

exported *gpumm__exported_hold(context *ctx, exported **of, uint64_t begin, uint64_t bytes, bool raw) {
    pthread_mutex_lock(&ctx->lock);
    exported *x = find(*of, begin);
    if (!x) x = add(ctx, of, begin, bytes);
    if (x && raw) x->raw = true;
    else if (x) x->holders++;
    pthread_mutex_unlock(&ctx->lock);
    return x;
}

void gpumm__exported_drop(context *ctx, exported *x) {
    pthread_mutex_lock(&ctx->lock);
    x->holders--;
    settle(ctx, x);
    pthread_mutex_unlock(&ctx->lock);
}

static void book(context *ctx, exported *x) {
    x->gone = true;
    gpumm__ledger_open(&ctx->books, &x->account, GPUMM_CATEGORY_EXPORTED, "", "");
    gpumm__ledger_set(&ctx->books, &x->account, 0, 0, x->bytes);
}

void gpumm__exported_beyond(context *ctx, exported **of, uint64_t committed) {
    pthread_mutex_lock(&ctx->lock);
    for (exported **at = of; *at;) {
        exported *x = *at;
        if (x->begin < committed) {
            at = &x->next_of_range;
            continue;
        }
        *at = x->next_of_range;
        book(ctx, x);
        settle(ctx, x);
    }
    pthread_mutex_unlock(&ctx->lock);
}

void gpumm__exported_close(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    while (ctx->exported) forget(ctx, ctx->exported);
    pthread_mutex_unlock(&ctx->lock);
}

gpumm_status gpumm_manager_exports_over(gpumm_manager *m) {
    NOT_NULL(m, "manager");
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    pthread_mutex_lock(&ctx->lock);
    for (exported *x = ctx->exported, *next; x; x = next) {
        next = x->next;
        x->raw = false;
        settle(ctx, x);
    }
    pthread_mutex_unlock(&ctx->lock);
    gpumm__context_leave(ctx);
    return GPUMM_OK;
}
