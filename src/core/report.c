/* SPDX-License-Identifier: MIT */
/* What the books say: statistics, the walk over blocks, and the long form of a memory error. */
#include "core/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/abi.h"

static void read_books(context *ctx, gpumm_stats *out) {
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&ctx->submit);
    out->gate_waits = ctx->gate_waits;
    pthread_mutex_unlock(&ctx->submit);
    pthread_mutex_lock(&ctx->lock);
    const ledger *l = &ctx->books;
    memcpy(out->entry, l->entry, sizeof l->entry);
    out->total_allocated_bytes = l->entry[GPUMM_CATEGORY_BUFFERS].now_bytes;
    out->peak_allocated_bytes = l->entry[GPUMM_CATEGORY_BUFFERS].peak_bytes;
    out->buffer_count = l->entry[GPUMM_CATEGORY_BUFFERS].count;
    out->allocation_count = l->entry[GPUMM_CATEGORY_BUFFERS].total;
    out->resize_count = ctx->resizes;
    out->async_transfer_count = atomic_load(&ctx->transfers);
    out->dropped_frames = ctx->dropped;
    out->used_bytes = l->used;
    out->peak_used_bytes = l->peak_used;
    out->committed_bytes = l->committed;
    out->peak_committed_bytes = l->peak_committed;
    memcpy(out->striped_bytes, l->striped, sizeof l->striped);
    pthread_mutex_unlock(&ctx->lock);
    out->limit_bytes = gpumm_budget_limit(ctx->own);
    if (ctx->shared) out->limit_bytes = size_min(out->limit_bytes, gpumm_budget_limit(ctx->shared));
}

gpumm_status gpumm_manager_get_stats_sized(gpumm_manager *m, gpumm_stats *out, size_t size) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    gpumm_stats stats;
    read_books(context_of(m), &stats);
    return gpumm__abi_fill(out, size, &stats, sizeof stats);
}

/* ---- Blocks --------------------------------------------------------------------------------- */

typedef struct copied {
    gpumm_block block;
    char name[600], tag[256];
} copied;

static int descending(uint64_t x, uint64_t y) { return x < y ? 1 : x > y ? -1 : 0; }

static int by_size(const void *a, const void *b) {
    const gpumm_block *x = &((const copied *)a)->block, *y = &((const copied *)b)->block;
    return x->bytes != y->bytes ? descending(x->bytes, y->bytes) : descending(x->committed_bytes, y->committed_bytes);
}

static int by_held(const void *a, const void *b) {
    return descending(((const copied *)a)->block.committed_bytes, ((const copied *)b)->block.committed_bytes);
}

static void copy_account(copied *c, const account *a) {
    snprintf(c->name, sizeof c->name, "%s", a->name);
    snprintf(c->tag, sizeof c->tag, "%s", a->tag);
    c->block = (gpumm_block){c->name, c->tag, a->category, a->logical, a->committed, a->address};
}

static size_t count_accounts(context *ctx) {
    size_t n = 0;
    pthread_mutex_lock(&ctx->lock);
    for (const account *a = ctx->books.first; a; a = a->next) n++;
    pthread_mutex_unlock(&ctx->lock);
    return n;
}

/* As many as there is room for; how many there are. */
static size_t copy_into(context *ctx, copied *all, size_t room) {
    size_t n = 0;
    pthread_mutex_lock(&ctx->lock);
    for (const account *a = ctx->books.first; a; a = a->next, n++)
        if (n < room) copy_account(&all[n], a);
    pthread_mutex_unlock(&ctx->lock);
    return n;
}

/* Room is made without the lock; where there are more meanwhile, again. */
static copied *copy_unsorted(context *ctx, size_t *count) {
    for (size_t room = count_accounts(ctx) + 16;; room = *count + *count / 4) {
        copied *all = gpumm__mem_new(&ctx->memory, room * sizeof *all);
        *count = all ? copy_into(ctx, all, room) : 0;
        if (*count <= room) return all;
        gpumm__mem_free(&ctx->memory, all);
    }
}

/* Copies of the accounts, in that order, so that nobody is called under the lock. NULL: no memory. */
static copied *copy_accounts(context *ctx, size_t *count, int (*order)(const void *, const void *)) {
    copied *all = copy_unsorted(ctx, count);
    if (all) qsort(all, *count, sizeof *all, order);
    for (size_t i = 0; i < *count; i++) { /* sorting moved the texts */
        all[i].block.name = all[i].name;
        all[i].block.tag = all[i].tag;
    }
    return all;
}

size_t gpumm_manager_blocks(gpumm_manager *m, gpumm_block_fn each, void *user) {
    if (!m) return 0;
    context *ctx = context_of(m);
    size_t count;
    copied *all = copy_accounts(ctx, &count, by_size);
    for (size_t i = 0; each && i < count; i++) each(user, &all[i].block);
    gpumm__mem_free(&ctx->memory, all);
    return count;
}

/* ---- A memory error in full ----------------------------------------------------------------- */

enum { HOLDERS = 3, MUCH = 2 << 20 };

/* Who it is: "buffer 'nodes.position'", "pinned of 'nodes.position'", "scratch". */
static void write_holder(const gpumm_block *b, char *text, size_t size) {
    const char *what = b->category == GPUMM_CATEGORY_BUFFERS ? "buffer" : gpumm_category_name(b->category);
    if (!b->name[0]) snprintf(text, size, "%s%s", b->category == GPUMM_CATEGORY_BUFFERS ? "anonymous " : "", what);
    else snprintf(text, size, "%s%s '%.60s'", what, b->category == GPUMM_CATEGORY_BUFFERS ? "" : " of", b->name);
}

/* "12.0 MiB", "4.0 KiB in 60.0 MiB" where much more is held, or what is held where nothing was asked for. */
static void write_bytes(const gpumm_block *b, bool held, char *text, size_t size) {
    char bytes[32], all[32];
    bool beyond = held && b->committed_bytes > b->bytes && b->committed_bytes - b->bytes > MUCH;
    gpumm__size_text(held && !b->bytes ? b->committed_bytes : b->bytes, bytes);
    snprintf(text, size, "%s%s%s", bytes, beyond && b->bytes ? " in " : "",
             beyond && b->bytes ? gpumm__size_text(b->committed_bytes, all) : "");
}

/* "; largest: buffer 'nodes.position' 12.0 MiB (layout.lua:4), …" into text. Against a limit counts what was asked for,
   on the device what is held. */
static void write_holders(context *ctx, bool held, char *text, size_t size) {
    size_t count, at = 0, shown = 0;
    copied *all = copy_accounts(ctx, &count, held ? by_held : by_size);
    text[0] = 0;
    for (size_t i = 0; i < count && shown < HOLDERS && at < size; i++) {
        const gpumm_block *b = &all[i].block;
        char bytes[80], holder[96];
        if (!(held ? b->committed_bytes : b->bytes)) break;
        write_holder(b, holder, sizeof holder);
        write_bytes(b, held, bytes, sizeof bytes);
        at += (size_t)snprintf(text + at, size - at, "%s%s %s%s%.80s%s", shown++ ? ", " : "; largest: ", holder, bytes,
                               b->tag[0] ? " (" : "", b->tag, b->tag[0] ? ")" : "");
    }
    gpumm__mem_free(&ctx->memory, all);
}

static void write_limit(const gpumm_budget *b, char *text, size_t size) {
    char limit[32], used[32], left[32];
    uint64_t l = gpumm_budget_limit(b), u = gpumm_budget_used(b);
    snprintf(text, size, "; limit %s, used %s, free %s", gpumm__size_text(l, limit), gpumm__size_text(u, used),
             gpumm__size_text(l > u ? l - u : 0, left));
}

/* ", 64.0 MiB of it cached" where there is any. Returns the characters written. */
static size_t write_part(const ledger *l, gpumm_category category, char *text, size_t size) {
    char bytes[32];
    uint64_t now = l->entry[category].now_bytes;
    if (!now) return 0;
    return (size_t)snprintf(text, size, ", %s %s", gpumm__size_text(now, bytes), gpumm_category_name(category));
}

/* What is held and by no buffer's capacity, and as what. */
static void write_device(context *ctx, char *text, size_t size) {
    static const gpumm_category spare[] = {GPUMM_CATEGORY_CACHED, GPUMM_CATEGORY_PRECOMMITTED, GPUMM_CATEGORY_SLACK};
    char total[32], held[32];
    pthread_mutex_lock(&ctx->lock);
    const ledger *l = &ctx->books;
    size_t at = (size_t)snprintf(text, size, "; the device has %s, %s held by this manager",
                                 gpumm__size_text(ctx->info.total_bytes, total), gpumm__size_text(l->committed, held));
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++) at += write_part(l, spare[i], text + at, size - at);
    pthread_mutex_unlock(&ctx->lock);
}

gpumm_status gpumm__explain(context *ctx, gpumm_status status) {
    if (status != GPUMM_OUT_OF_MEMORY && status != GPUMM_OVER_LIMIT) return status;
    char before[1024], space[320], holders[512];
    snprintf(before, sizeof before, "%s", gpumm_message());
    const gpumm_budget *tighter =
        ctx->shared && gpumm__budget_left(ctx->shared) < gpumm__budget_left(ctx->own) ? ctx->shared : ctx->own;
    if (status == GPUMM_OVER_LIMIT) write_limit(tighter, space, sizeof space);
    else write_device(ctx, space, sizeof space);
    write_holders(ctx, status == GPUMM_OUT_OF_MEMORY, holders, sizeof holders);
    return fail(status, "%s%s%s", before, space, holders);
}
