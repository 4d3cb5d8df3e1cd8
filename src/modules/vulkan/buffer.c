/* SPDX-License-Identifier: MIT */
/* Buffers: a binding that looks at what its buffer has by now. */
#include <stdlib.h>

#include "modules/vulkan/binding.h"

struct gpumm_vulkan_buffer {
    gpumm_buffer *buffer;
    binding binding;
    uint64_t length;
    uint64_t exchanges; /* of its memory, as seen at the last follow */
};

static gpumm_status list(void *user, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                         size_t *count) {
    return gpumm_buffer_segments_from(user, first, descriptors, segments, room, count);
}

static gpumm_status info_of(gpumm_vulkan_buffer *x, gpumm_buffer_info *info) {
    return gpumm_vulkan__of(gpumm_buffer_get_info(x->buffer, info));
}

static uint64_t exchanges_of(const gpumm_buffer_info *info) {
    return info->mapping + info->given_back + info->generation;
}

/* What went while it was looked at is seen the next time round. */
static gpumm_status follow(gpumm_vulkan_buffer *x, bool *grew) {
    gpumm_buffer_info info;
    bool some;
    *grew = false;
    TRY(info_of(x, &info));
    for (;;) {
        uint64_t exchanges = exchanges_of(&info);
        bool anew = exchanges != x->exchanges;
        TRY(gpumm_vulkan__binding_follow(&x->binding, list, x->buffer, info.address, anew, &some));
        *grew = *grew || some || anew;
        x->exchanges = exchanges;
        x->length = info.length;
        TRY(info_of(x, &info));
        if (exchanges_of(&info) == exchanges) return GPUMM_OK;
    }
}

static gpumm_status open(gpumm_vulkan_buffer *x, gpumm_vulkan *v, VkBufferUsageFlags usage) {
    gpumm_buffer_info info;
    gpumm_segment first;
    size_t count;
    bool grew;
    TRY(info_of(x, &info));
    TRY(gpumm_vulkan__of(gpumm_buffer_segments(x->buffer, false, &first, 1, &count)));
    if (info.committed_bytes == 0 || first.bytes == 0)
        return gpumm_vulkan__fail(
            GPUMM_INVALID_ARGUMENT,
            "buffer '%s' has no memory of its own: allocate it with shareable = true, and with room "
            "for an element",
            gpumm_buffer_name(x->buffer));
    x->exchanges = exchanges_of(&info);
    TRY(gpumm_vulkan__binding_open(&x->binding, v, usage, info.reserved_bytes));
    return follow(x, &grew);
}

gpumm_status gpumm_vulkan_buffer_open(gpumm_vulkan *v, gpumm_buffer *buffer, VkBufferUsageFlags usage,
                                      gpumm_vulkan_buffer **out) {
    NOT_NULL(v, "vulkan");
    NOT_NULL(buffer, "buffer");
    NOT_NULL(out, "out");
    if (gpumm_buffer_manager(buffer) != v->manager)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "the buffer belongs to another manager");
    gpumm_vulkan_buffer *x = calloc(1, sizeof *x);
    if (!x) return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory");
    x->buffer = gpumm_buffer_retain(buffer);
    gpumm_status status = open(x, v, usage);
    if (status == GPUMM_OK) *out = x;
    else gpumm_vulkan_buffer_close(x);
    return status;
}

gpumm_status gpumm_vulkan_buffer_follow(gpumm_vulkan_buffer *x, bool *grew) {
    bool some;
    NOT_NULL(x, "buffer");
    return follow(x, grew ? grew : &some);
}

void gpumm_vulkan_buffer_get(const gpumm_vulkan_buffer *x, gpumm_vulkan_buffer_info *info) {
    if (!x || !info) return;
    const binding *b = &x->binding;
    *info = (gpumm_vulkan_buffer_info){b->buffer, b->address, b->bytes, x->length, b->changes, (uint32_t)b->count};
}

void gpumm_vulkan_buffer_close(gpumm_vulkan_buffer *x) {
    if (!x) return;
    gpumm_vulkan__binding_close(&x->binding);
    gpumm_buffer_release(x->buffer);
    free(x);
}
