/* SPDX-License-Identifier: MIT */
/* The segments that the memory of a buffer, or of a frame on the device, is in, with descriptors of those that can be exported. */
#include <unistd.h>

#include "core/exported.h"
#include "core/frame_device.h"

typedef struct memory { /* of which segments are listed */
    context *context;
    const range *range;
    exported **exports;
    uint64_t whole; /* bytes of what is in one piece; 0: it is in the range's segments */
} memory;

static gpumm_status export_one(const memory *of, size_t i, gpumm_segment *out) {
    TRY(gpumm__range_export(of->range, i, &out->descriptor));
    if (gpumm__exported_hold(of->context, of->exports, out->offset, out->bytes, true)) return GPUMM_OK;
    close(out->descriptor);
    return fail_host_memory(sizeof(exported));
}

static gpumm_segment describe(const memory *of, size_t i) {
    if (of->whole) return (gpumm_segment){.bytes = of->whole, .descriptor = -1};
    uint64_t begin = range_segment_begin(of->range, i);
    return (gpumm_segment){.offset = begin, .bytes = of->range->list[i].end - begin, .descriptor = -1};
}

static gpumm_status list(const memory *of, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                         size_t *count) {
    size_t all = of->whole ? 1 : of->range->segments;
    size_t most = first < all ? (size_t)size_min(all - first, room) : 0;
    gpumm_status status = GPUMM_OK;
    for (size_t i = 0; i < most && status == GPUMM_OK; i++) {
        segments[i] = describe(of, first + i);
        if (descriptors) status = export_one(of, first + i, &segments[i]);
        for (size_t j = 0; status != GPUMM_OK && j < i; j++) close(segments[j].descriptor);
    }
    if (status == GPUMM_OK) *count = all;
    return status;
}

/* ---- Of a buffer ----------------------------------------------------------------------------------------- */

static memory memory_of(extent *e) {
    bool whole = e->small.slab || !e->range.in_place;
    return (memory){e->context, &e->range, &e->exports, whole ? e->usable : 0};
}

static gpumm_status list_of(gpumm_buffer *b, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                            size_t *count) {
    char text[TITLE_BYTES];
    if (!b->extent) return gpumm__buffer_gone(b);
    if (descriptors && b->extent->range.where != PLACE_SHARED)
        return fail(GPUMM_INVALID_ARGUMENT, "%s has no descriptors: allocate it with shareable = true",
                    gpumm__buffer_label(b, text));
    memory of = memory_of(b->extent);
    return list(&of, first, descriptors, segments, room, count);
}

gpumm_status gpumm_buffer_segments_from(gpumm_buffer *b, size_t first, bool descriptors, gpumm_segment *segments,
                                        size_t room, size_t *count) {
    NOT_NULL(b, "buffer");
    NOT_NULL(count, "count");
    if (room) NOT_NULL(segments, "segments");
    TRY(gpumm__group_enter(b->group));
    pthread_mutex_lock(&b->group->lock);
    gpumm_status status = list_of(b, first, descriptors, segments, room, count);
    pthread_mutex_unlock(&b->group->lock);
    gpumm__group_leave(b->group);
    return status;
}

gpumm_status gpumm_buffer_segments(gpumm_buffer *b, bool descriptors, gpumm_segment *segments, size_t room,
                                   size_t *count) {
    NOT_NULL(b, "buffer");
    NOT_NULL(count, "count");
    if (room) NOT_NULL(segments, "segments");
    return gpumm_buffer_segments_from(b, 0, descriptors, segments, room, count);
}

/* ---- Of a frame ------------------------------------------------------------------------------------------ */

/* Readback lock held. The slot of a frame that has not ended is the frame's own, and only grows. */
static gpumm_status list_slot(gpumm_frame *f, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                              size_t *count) {
    gpumm_readback *r = f->readback;
    slot *t = f->slot;
    TRY(gpumm__frame_ended(f));
    if (descriptors && t->device.where != PLACE_SHARED)
        return fail(GPUMM_INVALID_ARGUMENT, "the frame has no descriptors: make its readback with shareable = true");
    memory of = {r->object.context, &t->device, &t->exports, t->device.in_place ? 0 : t->device.committed};
    return list(&of, first, descriptors, segments, room, count);
}

gpumm_status gpumm_frame_segments(gpumm_frame *f, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                                  size_t *count) {
    NOT_NULL(f, "frame");
    NOT_NULL(count, "count");
    if (room) NOT_NULL(segments, "segments");
    gpumm_readback *r = f->readback;
    TRY(gpumm__frame_device_check(f, 0));
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm__ring_wait_fitted(r);
    gpumm_status status = list_slot(f, first, descriptors, segments, room, count);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

gpumm_status gpumm_frame_offset(const gpumm_frame *f, size_t index, uint64_t *offset) {
    NOT_NULL(f, "frame");
    NOT_NULL(offset, "offset");
    TRY(gpumm__frame_device_check(f, index));
    *offset = gpumm__slot_offset(f->readback, index, f->info.length);
    return GPUMM_OK;
}
