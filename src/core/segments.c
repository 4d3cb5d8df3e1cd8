/* SPDX-License-Identifier: MIT */
/* The segments that a buffer's memory is in, with descriptors of those that can be exported. */
#include <unistd.h>

#include "core/exported.h"
#include "core/group.h"

static gpumm_status export_one(extent *e, size_t i, gpumm_segment *out) {
    TRY(gpumm__range_export(&e->range, i, &out->descriptor));
    if (gpumm__exported_hold(e->context, &e->exports, out->offset, out->bytes, true)) return GPUMM_OK;
    close(out->descriptor);
    return fail_host_memory(sizeof(exported));
}

static size_t count_of(const extent *e) { return e->small.slab || !e->range.in_place ? 1 : e->range.segments; }

static gpumm_segment describe(const extent *e, size_t i) {
    if (e->small.slab || !e->range.in_place) return (gpumm_segment){.bytes = e->usable, .descriptor = -1};
    uint64_t begin = range_segment_begin(&e->range, i);
    return (gpumm_segment){.offset = begin, .bytes = e->range.list[i].end - begin, .descriptor = -1};
}

static gpumm_status list(extent *e, bool descriptors, gpumm_segment *segments, size_t room, size_t *count) {
    size_t all = count_of(e), most = (size_t)size_min(all, room);
    gpumm_status status = GPUMM_OK;
    for (size_t i = 0; i < most && status == GPUMM_OK; i++) {
        segments[i] = describe(e, i);
        if (descriptors) status = export_one(e, i, &segments[i]);
        for (size_t j = 0; status != GPUMM_OK && j < i; j++) close(segments[j].descriptor);
    }
    if (status == GPUMM_OK) *count = all;
    return status;
}

static gpumm_status list_of(gpumm_buffer *b, bool descriptors, gpumm_segment *segments, size_t room, size_t *count) {
    char text[TITLE_BYTES];
    if (!b->extent) return gpumm__buffer_gone(b);
    if (descriptors && b->extent->range.where != PLACE_SHARED)
        return fail(GPUMM_INVALID_ARGUMENT, "%s has no descriptors: allocate it with shareable = true",
                    gpumm__buffer_label(b, text));
    return list(b->extent, descriptors, segments, room, count);
}

gpumm_status gpumm_buffer_segments(gpumm_buffer *b, bool descriptors, gpumm_segment *segments, size_t room,
                                   size_t *count) {
    NOT_NULL(b, "buffer");
    NOT_NULL(count, "count");
    if (room) NOT_NULL(segments, "segments");
    TRY(gpumm__group_enter(b->group));
    pthread_mutex_lock(&b->group->lock);
    gpumm_status status = list_of(b, descriptors, segments, room, count);
    pthread_mutex_unlock(&b->group->lock);
    gpumm__group_leave(b->group);
    return status;
}
