/* SPDX-License-Identifier: MIT */
/* A two-halves pipeline: while one half is on its way, the other is filled or emptied. */
#include "core/transfer.h"

#include <string.h>

typedef struct transfer {
    attachment attachment;
    context *context;
    pthread_mutex_t lock; /* the two below */
    pthread_cond_t given; /* one upload or download at a time: who waits for the device holds no lock */
    bool taken;
    range block;
    account account;
    device_event *done[2]; /* the copy that uses a half */
    bool busy[2];
} transfer;

static const char transfer_key = 0; /* its address is the attachment's key */

/* ---- The stream's block: a stream that never transfers has none ------------------------------------------- */

static gpumm_status open_parts(context *ctx, transfer *t) {
    device *d = ctx->device;
    TRY(gpumm__range_open(&t->block, d, PLACE_HOST, 2 * TRANSFER_HALF));
    TRY(gpumm__range_commit(&t->block, 2 * TRANSFER_HALF));
    TRY(d->call->event_open(d, EVENT_WAKES, &t->done[0]));
    return d->call->event_open(d, EVENT_WAKES, &t->done[1]);
}

static void close_parts(transfer *t) {
    for (int i = 0; i < 2; i++)
        if (t->done[i]) gpumm__context_close_event(t->context, t->done[i]);
    gpumm__extent_discard(t->context, &t->block);
    pthread_cond_destroy(&t->given);
    pthread_mutex_destroy(&t->lock);
    gpumm__mem_free(&t->context->memory, t);
}

static void transfer_close(attachment *a) {
    transfer *t = (transfer *)a;
    gpumm__context_book_close(t->context, &t->account);
    close_parts(t);
}

static gpumm_status transfer_make(gpumm_stream *s, attachment **out) {
    context *ctx = s->object.context;
    transfer *t = gpumm__mem_new(&ctx->memory, sizeof *t);
    if (!t) return fail_host_memory(sizeof *t);
    t->context = ctx;
    t->attachment.close = transfer_close;
    gpumm_status status = gpumm__cond_open(&t->given);
    if (status != GPUMM_OK) {
        gpumm__mem_free(&ctx->memory, t);
        return status;
    }
    pthread_mutex_init(&t->lock, NULL);
    status = open_parts(ctx, t);
    if (status != GPUMM_OK) {
        close_parts(t);
        return status;
    }
    gpumm__context_book_open(ctx, &t->account, GPUMM_CATEGORY_SLACK, "", "transfer block");
    gpumm__context_book(ctx, &t->account, 0, 0, t->block.committed);
    *out = &t->attachment;
    return GPUMM_OK;
}

static gpumm_status transfer_take(gpumm_stream *s, transfer **out) {
    attachment *a;
    TRY(gpumm__stream_attach(s, &transfer_key, transfer_make, &a));
    transfer *t = *out = (transfer *)a;
    pthread_mutex_lock(&t->lock);
    while (t->taken) pthread_cond_wait(&t->given, &t->lock);
    t->taken = true;
    pthread_mutex_unlock(&t->lock);
    return GPUMM_OK;
}

static void transfer_give(transfer *t) {
    pthread_mutex_lock(&t->lock);
    t->taken = false;
    pthread_cond_signal(&t->given);
    pthread_mutex_unlock(&t->lock);
}

/* ---- Copies through it ----------------------------------------------------------------------------------- */

static gpumm_status wait_half(transfer *t, int half) {
    wait_end end;
    if (!t->busy[half]) return GPUMM_OK;
    TRY(gpumm__context_wait(t->context, t->done[half], UINT64_MAX, &end));
    t->busy[half] = false;
    return GPUMM_OK;
}

/* Enqueues one copy between a half and the extent, and the event that says when it is through. */
static gpumm_status enqueue(transfer *t, int half, extent *e, gpumm_stream *s, copy_kind kind, uint64_t offset,
                            uint64_t bytes) {
    context *ctx = t->context;
    device *d = ctx->device;
    gpumm_address pinned = t->block.address + (uint64_t)half * TRANSFER_HALF, there = e->address + offset;
    gpumm_address to = kind == COPY_H2D ? there : pinned, from = kind == COPY_H2D ? pinned : there;
    gpumm_status recorded = GPUMM_OK;
    gpumm__context_prepare(ctx, 0, 0);
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = gpumm__order_use(&e->order, s, kind == COPY_H2D ? GPUMM_ACCESS_WRITE : GPUMM_ACCESS_READ);
    if (status == GPUMM_OK) status = d->call->copy(d, s->device, kind, to, from, bytes);
    if (status == GPUMM_OK) {
        t->busy[half] = true;
        recorded = d->call->event_record(d, t->done[half], s->device);
    }
    pthread_mutex_unlock(&ctx->submit);
    if (recorded == GPUMM_OK) return status;
    t->busy[half] = false; /* the half must not be used before the copy is through; then all is well */
    return gpumm__stream_drain(s);
}

static void *half_of(transfer *t, int half) {
    return (char *)(uintptr_t)t->block.address + (size_t)half * TRANSFER_HALF;
}

static gpumm_status up(transfer *t, extent *e, gpumm_stream *s, uint64_t offset, const char *from, uint64_t bytes) {
    for (int half = 0; bytes; half = !half) {
        uint64_t n = size_min(bytes, TRANSFER_HALF);
        TRY(wait_half(t, half));
        memcpy(half_of(t, half), from, n);
        TRY(enqueue(t, half, e, s, COPY_H2D, offset, n));
        from += n;
        offset += n;
        bytes -= n;
    }
    return GPUMM_OK;
}

gpumm_status gpumm__transfer_up(extent *e, gpumm_stream *s, uint64_t offset, const void *from, uint64_t bytes) {
    transfer *t;
    TRY(transfer_take(s, &t));
    gpumm_status status = up(t, e, s, offset, from, bytes);
    transfer_give(t);
    return status;
}

typedef struct download {
    transfer *transfer;
    extent *extent;
    gpumm_stream *stream;
    uint64_t offset, bytes, asked;
} download;

static gpumm_status ask(download *d, int half) {
    uint64_t n = size_min(d->bytes - d->asked, TRANSFER_HALF);
    if (!n) return GPUMM_OK;
    TRY(enqueue(d->transfer, half, d->extent, d->stream, COPY_D2H, d->offset + d->asked, n));
    d->asked += n;
    return GPUMM_OK;
}

/* Two copies ahead; each half is asked for more as soon as it is emptied. */
static gpumm_status down(download *d, char *to) {
    TRY(ask(d, 0));
    TRY(ask(d, 1));
    int half = 0;
    for (uint64_t got = 0; got < d->bytes; half = !half) {
        TRY(wait_half(d->transfer, half));
        uint64_t n = size_min(d->bytes - got, TRANSFER_HALF);
        memcpy(to + got, half_of(d->transfer, half), n);
        got += n;
        TRY(ask(d, half));
    }
    return GPUMM_OK;
}

gpumm_status gpumm__transfer_down(extent *e, gpumm_stream *s, uint64_t offset, void *to, uint64_t bytes) {
    transfer *t;
    TRY(transfer_take(s, &t));
    gpumm_status status = wait_half(t, 0);
    if (status == GPUMM_OK) status = wait_half(t, 1);
    download d = {t, e, s, offset, bytes, 0};
    if (status == GPUMM_OK) status = down(&d, to);
    transfer_give(t);
    return status;
}

gpumm_status gpumm__transfer_fill(extent *e, gpumm_stream *s, uint64_t offset, uint8_t value, uint64_t bytes) {
    context *ctx = e->context;
    device *d = ctx->device;
    bool words = bytes % 4 == 0 && offset % 4 == 0;
    gpumm__context_prepare(ctx, 0, 0);
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = gpumm__order_use(&e->order, s, GPUMM_ACCESS_WRITE);
    if (status == GPUMM_OK)
        status = d->call->fill(d, s->device, e->address + offset, value * 0x01010101u, words ? 4 : 1,
                               words ? bytes / 4 : bytes);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}
