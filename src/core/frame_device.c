/* SPDX-License-Identifier: MIT */
/* A frame on the device is its slot's staging. Who reads it is in the slot's order, so that the slot is free again behind
   them (gpumm__slot_end). Whether it has ended is asked under the submit lock, which its end takes too. */
#include "core/frame_device.h"

#include "core/event.h"
#include "core/transfer.h"

gpumm_status gpumm__frame_device_check(const gpumm_frame *f, size_t index) {
    const gpumm_readback *r = f->readback;
    if (!r->on_device)
        return fail(GPUMM_INVALID_ARGUMENT, "the frame is in host memory: make its readback with where = \"device\"");
    if (index >= r->count) return fail(GPUMM_INVALID_ARGUMENT, "the frame has %zu members", r->count);
    return GPUMM_OK;
}

gpumm_status gpumm__frame_device_use(gpumm_frame *f, gpumm_stream *s) {
    TRY(gpumm__frame_ended(f));
    TRY(gpumm__stream_not_capturing(s)); /* a graph's replays would read what the slot holds then */
    return gpumm__order_use(&f->slot->order, s, GPUMM_ACCESS_READ);
}

gpumm_address gpumm__frame_device_address(const gpumm_frame *f, size_t index) {
    return f->slot->device.address + gpumm__slot_offset(f->readback, index, f->info.length);
}

gpumm_frame_place gpumm_frame_where(const gpumm_frame *f) {
    return f && f->readback->on_device ? GPUMM_FRAMES_ON_DEVICE : GPUMM_FRAMES_ON_HOST;
}

gpumm_status gpumm_frame_device(gpumm_frame *f, size_t index, gpumm_address *address, gpumm_event **event) {
    NOT_NULL(f, "frame");
    NOT_NULL(address, "address");
    context *ctx = f->readback->object.context;
    TRY(gpumm__frame_device_check(f, index));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = gpumm__frame_ended(f);
    if (status == GPUMM_OK && event) status = gpumm__event_reached(ctx, event);
    if (status == GPUMM_OK) *address = gpumm__frame_device_address(f, index);
    gpumm__context_leave(ctx);
    return status;
}

static gpumm_status use(gpumm_frame *f, gpumm_stream *s) {
    context *ctx = f->readback->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = gpumm__frame_device_use(f, s);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

gpumm_status gpumm_frame_used(gpumm_frame *f, gpumm_stream *given) {
    NOT_NULL(f, "frame");
    context *ctx = f->readback->object.context;
    gpumm_stream *s;
    TRY(gpumm__frame_device_check(f, 0));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    if (status == GPUMM_OK) status = use(f, s);
    gpumm__context_leave(ctx);
    return status;
}

/* Its slot as an extent, for one download; what reads it is in the slot's own order by then. */
static gpumm_status download(gpumm_frame *f, gpumm_stream *s, size_t index, void *data) {
    extent lent = {.context = f->readback->object.context, .address = gpumm__frame_device_address(f, index)};
    uint64_t bytes = f->info.length * f->readback->buffers[index]->size;
    TRY(use(f, s));
    gpumm_status status = bytes ? gpumm__transfer_down(&lent, s, 0, data, bytes) : GPUMM_OK;
    pthread_mutex_lock(&lent.context->submit);
    gpumm__order_clear(&lent.order);
    pthread_mutex_unlock(&lent.context->submit);
    return status;
}

gpumm_status gpumm_frame_download(gpumm_frame *f, gpumm_stream *given, size_t index, void *data) {
    NOT_NULL(f, "frame");
    NOT_NULL(data, "data");
    context *ctx = f->readback->object.context;
    gpumm_stream *s;
    TRY(gpumm__frame_device_check(f, index));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    if (status == GPUMM_OK) status = download(f, s, index, data);
    gpumm__context_leave(ctx);
    return status;
}
