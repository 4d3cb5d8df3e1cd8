/* SPDX-License-Identifier: MIT */
/* Snapshots: the copies that fill a slot, in line, staged on the device or straight to the host. */
#include "core/snapshot.h"

#include "core/gate.h"

/* A stream that nobody holds closes behind the work that it has: what came after would not be waited for. */
static bool takes_work(const gpumm_stream *s) { return s->internal || atomic_load(&s->object.alive); }

/* The stream that wrote last, so that the snapshot needs no stream dependency. Submit lock held. */
static gpumm_stream *producer(gpumm_readback *r) {
    context *ctx = r->object.context;
    for (size_t i = 0; i < r->count; i++) {
        const extent *e = r->buffers[i]->extent;
        if (e && e->order.writer && takes_work(e->order.writer)) return e->order.writer;
    }
    return ctx->main;
}

static gpumm_status copy_down(slot *t, gpumm_stream *on, gpumm_address from, uint64_t offset, uint64_t bytes) {
    device *d = on->object.context->device;
    return d->call->copy(d, on->device, COPY_D2H, t->host.address + offset, from, bytes);
}

static gpumm_status copy_members_down(gpumm_readback *r, slot *t, gpumm_stream *on, uint64_t length) {
    for (size_t i = 0; i < r->count; i++)
        TRY(copy_down(t, on, gpumm__buffer_address(r->buffers[i]), gpumm__slot_offset(r, i, length),
                      length * r->buffers[i]->size));
    return GPUMM_OK;
}

/* To its very end: behind it lies what nobody wrote. */
static uint64_t packed_bytes(const gpumm_readback *r, uint64_t length) {
    size_t last = r->count - 1;
    return gpumm__slot_offset(r, last, length) + length * r->buffers[last]->size;
}

/* Behind the snapshot, which is in the slot's device staging. */
static gpumm_status submit_down(gpumm_readback *r, slot *t, uint64_t length) {
    context *ctx = r->object.context;
    TRY(gpumm__order_use(&t->order, ctx->copies, GPUMM_ACCESS_READ));
    return copy_down(t, ctx->copies, t->device.address, 0, packed_bytes(r, length));
}

static gpumm_status copy_members_within(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    device *d = r->object.context->device;
    for (size_t i = 0; i < r->count; i++)
        TRY(d->call->copy(d, s->device, COPY_D2D, t->device.address + gpumm__slot_offset(r, i, length),
                          gpumm__buffer_address(r->buffers[i]), length * r->buffers[i]->size));
    return GPUMM_OK;
}

/* Device to device on the producing stream, and that is all. */
static gpumm_status submit_within(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], s, GPUMM_ACCESS_READ));
    TRY(gpumm__order_use(&t->order, s, GPUMM_ACCESS_WRITE));
    return copy_members_within(r, t, s, length);
}

/* Device to device on the producing stream; then the copy stream takes over. */
static gpumm_status submit_staged(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    TRY(submit_within(r, t, s, length));
    return submit_down(r, t, length);
}

/* Straight to the host: the copy stream reads the buffers, and their next writer waits for it. */
static gpumm_status submit_direct(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    context *ctx = r->object.context;
    TRY(gpumm__stream_depend(s, ctx->copies));
    TRY(gpumm__order_use(&t->order, ctx->copies, GPUMM_ACCESS_WRITE));
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], ctx->copies, GPUMM_ACCESS_READ));
    return copy_members_down(r, t, ctx->copies, length);
}

/* On the producing stream itself: what is small is through before a second stream would have begun. */
static gpumm_status submit_inline(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__buffer_use(r->buffers[i], s, GPUMM_ACCESS_READ));
    TRY(gpumm__order_use(&t->order, s, GPUMM_ACCESS_WRITE));
    return copy_members_down(r, t, s, length);
}

typedef gpumm_status enqueue(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length);

static gpumm_status submit_copies(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    if (!length) return GPUMM_OK;
    if (r->on_device) return submit_within(r, t, s, length);
    if (t->copier == s) return submit_inline(r, t, s, length);
    return r->direct ? submit_direct(r, t, s, length) : submit_staged(r, t, s, length);
}

/* Behind a snapshot that was made. */
static gpumm_status submit_behind(gpumm_readback *r, slot *t, gpumm_stream *s, uint64_t length) {
    return t->copier == s ? GPUMM_OK : submit_down(r, t, length);
}

static void describe(gpumm_readback *r, slot *t, int64_t step, uint64_t length) {
    t->info = (gpumm_frame_info){.step = step,
                                 .length = length,
                                 .generation = r->group->generation,
                                 .time = gpumm__clock_seconds(),
                                 .dropped = r->dropped,
                                 .ticket = r->newest + 1};
}

static bool is_inline(const gpumm_readback *r, uint64_t length) {
    return r->inline_bytes && packed_bytes(r, length) <= r->inline_bytes;
}

/* Copies that are a capture's say so in a trace. Submit lock held. */
static void call_copies(const gpumm_readback *r, int64_t step) {
    device *traced = r->object.context->tracing.traced;
    if (traced) gpumm__traced_call(traced, &(traced_label){"capture", r->buffers[0]->full_name, r->newest + 1, step});
}

static void call_copies_no_more(const gpumm_readback *r) {
    device *traced = r->object.context->tracing.traced;
    if (traced) gpumm__traced_call(traced, NULL);
}

/* The copies, of which the last is on `copier`, and the slot's event behind them. Submit lock held. Whatever fails, the slot's
   order knows what was enqueued on its memory. */
static gpumm_status submit(gpumm_readback *r, slot *t, gpumm_stream *s, gpumm_stream *copier, enqueue *copies,
                           int64_t step, uint64_t length) {
    context *ctx = r->object.context;
    t->copier = copier;
    TRY(device_stay(ctx->device));
    call_copies(r, step);
    gpumm_status status = copies(r, t, s, length);
    call_copies_no_more(r);
    if (status == GPUMM_OK) status = ctx->device->call->event_record(ctx->device, t->done, copier->device);
    device_stay_end(ctx->device);
    if (status == GPUMM_OK) describe(r, t, step, length);
    return status;
}

/* At once, on the producing stream and the stream of copies. */
static gpumm_status snapshot(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length) {
    gpumm_stream *copier = r->on_device || is_inline(r, length) ? s : r->object.context->copies;
    return submit(r, t, s, copier, submit_copies, step, length);
}

/* *fits: false where the slot is too small for the present length, and nothing was done. */
static gpumm_status capture_into(gpumm_readback *r, slot *t, gpumm_stream *given, int64_t step, bool *fits) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm__gate_pass(r->group);
    uint64_t length = r->group->length;
    gpumm_stream *s = given ? given : producer(r);
    gpumm_status status = GPUMM_OK;
    *fits = gpumm__slot_fits(r, t, length);
    if (!r->buffers[0]->extent) status = fail(GPUMM_STALE, "what the readback reads was freed");
    else if (gpumm__stream_not_capturing(s) != GPUMM_OK) status = GPUMM_BUSY;
    else if (*fits) status = snapshot(r, t, s, step, length);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

gpumm_status gpumm__snapshot_take(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, bool *fits) {
    for (;;) {
        TRY(capture_into(r, t, s, step, fits));
        if (*fits || t->fitting) return GPUMM_OK;
        TRY(gpumm__slot_fit(r, t));
    }
}

bool gpumm__snapshot_in_line(const gpumm_readback *r, uint64_t length) {
    return !r->on_device && (r->direct || is_inline(r, length));
}

gpumm_status gpumm__snapshot_behind(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length) {
    bool staged = length && !r->on_device && !gpumm__snapshot_in_line(r, length);
    return submit(r, t, s, staged ? r->object.context->copies : s, submit_behind, step, length);
}
