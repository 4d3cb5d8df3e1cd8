/* SPDX-License-Identifier: MIT */
/* A piece of gpumm's memory that grows behind, as a VkBuffer. */
#ifndef MODULES_VULKAN_BINDING_H
#define MODULES_VULKAN_BINDING_H

#include "modules/vulkan/vulkan.h"

/* Whose memory it is: lists its segments, as gpumm_buffer_segments_from. */
typedef gpumm_status segments_of(void *user, size_t first, bool descriptors, gpumm_segment *segments, size_t room,
                                 size_t *count);

typedef struct binding {
    gpumm_vulkan *vulkan;
    VkBufferUsageFlags usage;
    VkBuffer buffer;
    VkDeviceAddress address;
    uint64_t bytes;   /* bound */
    uint64_t changes; /* of `buffer` */
    VkDeviceMemory *memory;
    size_t count, room; /* pieces; where sparse, one a segment */
    struct {
        VkBuffer buffer;
        VkDeviceMemory memory;
    } * old; /* by address: what others took the place of */
    size_t old_count;
} binding;

/* `most`: bytes that it may come to have. Nothing is bound yet. */
gpumm_status gpumm_vulkan__binding_open(binding *b, gpumm_vulkan *v, VkBufferUsageFlags usage, uint64_t most);
/* Binds the segments that it does not have; `anew`: all of them, in the place of those that it has. `at`: where they lie in this
   process, for the way by address. */
gpumm_status gpumm_vulkan__binding_follow(binding *b, segments_of *list, void *user, gpumm_address at, bool anew,
                                          bool *grew);
void gpumm_vulkan__binding_close(binding *b);

#endif
