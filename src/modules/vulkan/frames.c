/* SPDX-License-Identifier: MIT */
/* Frames on the device: a binding for each piece of memory that a readback has for one, told apart by their addresses. */
#include <stdlib.h>

#include "modules/vulkan/binding.h"

enum { PIECES = 64, MEMBER_ALIGN = 256, PAGE = 2 << 20 };

typedef struct piece {
    gpumm_address begin;
    binding binding;
} piece;

struct gpumm_vulkan_frames {
    gpumm_vulkan *vulkan;
    gpumm_readback *readback;
    VkBufferUsageFlags usage;
    uint64_t most; /* bytes that a piece may come to have */
    size_t count;
    piece pieces[PIECES];
};

static gpumm_status list(void *user, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                         size_t *count) {
    return gpumm_frame_segments(user, first, descriptors, segments, room, count);
}

static gpumm_status measure(gpumm_vulkan_frames *x) {
    for (size_t i = 0; i < gpumm_readback_count(x->readback); i++) {
        gpumm_buffer *member = gpumm_readback_buffer(x->readback, i);
        gpumm_buffer_info info;
        TRY(gpumm_vulkan__of(gpumm_buffer_get_info(member, &info)));
        x->most += info.max_length * gpumm_type_size(gpumm_buffer_type(member)) + MEMBER_ALIGN;
    }
    x->most = (x->most + PAGE - 1) / PAGE * PAGE;
    return GPUMM_OK;
}

gpumm_status gpumm_vulkan_frames_open(gpumm_vulkan *v, gpumm_readback *readback, VkBufferUsageFlags usage,
                                      gpumm_vulkan_frames **out) {
    NOT_NULL(v, "vulkan");
    NOT_NULL(readback, "readback");
    NOT_NULL(out, "out");
    if (gpumm_readback_manager(readback) != v->manager)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "the readback belongs to another manager");
    gpumm_vulkan_frames *x = calloc(1, sizeof *x);
    if (!x) return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory");
    *x = (gpumm_vulkan_frames){.vulkan = v, .readback = gpumm_readback_retain(readback), .usage = usage};
    gpumm_status status = measure(x);
    if (status == GPUMM_OK) *out = x;
    else gpumm_vulkan_frames_close(x);
    return status;
}

static gpumm_status piece_at(gpumm_vulkan_frames *x, gpumm_address begin, piece **out) {
    for (size_t i = 0; i < x->count; i++)
        if (x->pieces[i].begin == begin) return *out = &x->pieces[i], GPUMM_OK;
    if (x->count == PIECES) return gpumm_vulkan__fail(GPUMM_DRIVER, "frames lie in more places than a readback has");
    piece *p = &x->pieces[x->count];
    TRY(gpumm_vulkan__binding_open(&p->binding, x->vulkan, x->usage, x->most));
    p->begin = begin;
    x->count++;
    *out = p;
    return GPUMM_OK;
}

static gpumm_status place_of(gpumm_vulkan_frames *x, gpumm_frame *f, size_t index, gpumm_vulkan_place *place) {
    gpumm_address address;
    gpumm_frame_info info;
    uint64_t offset;
    bool grew;
    piece *p = NULL;
    TRY(gpumm_vulkan__of(gpumm_frame_device(f, index, &address, NULL)));
    TRY(gpumm_vulkan__of(gpumm_frame_offset(f, index, &offset)));
    TRY(gpumm_vulkan__of(gpumm_frame_get_info(f, &info)));
    TRY(piece_at(x, address - offset, &p));
    TRY(gpumm_vulkan__binding_follow(&p->binding, list, f, p->begin, false, &grew));
    uint64_t bytes = info.length * gpumm_type_size(gpumm_buffer_type(gpumm_readback_buffer(x->readback, index)));
    VkDeviceAddress begin = p->binding.address;
    *place = (gpumm_vulkan_place){p->binding.buffer, offset, bytes, begin ? begin + offset : 0};
    return GPUMM_OK;
}

gpumm_status gpumm_vulkan_frames_find(gpumm_vulkan_frames *x, gpumm_frame *frame, size_t index,
                                      gpumm_vulkan_place *place) {
    NOT_NULL(x, "frames");
    NOT_NULL(frame, "frame");
    NOT_NULL(place, "place");
    if (gpumm_frame_readback(frame) != x->readback)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "the frame is another readback's");
    return place_of(x, frame, index, place);
}

void gpumm_vulkan_frames_close(gpumm_vulkan_frames *x) {
    if (!x) return;
    while (x->count) gpumm_vulkan__binding_close(&x->pieces[--x->count].binding);
    gpumm_readback_release(x->readback);
    free(x);
}
