/* SPDX-License-Identifier: MIT */
/* Sparse: each segment is imported by its descriptor, as one VkDeviceMemory, and bound where it lies. By address: what there is
   is imported as one piece, which is bound to a buffer of its own. */
#include "modules/vulkan/binding.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 32 }; /* segments */

#define OPAQUE_FD VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define HOST_ALLOCATION VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT

static bool has_address(const binding *b) { return b->usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT; }

static gpumm_status no_memory(void) { return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory"); }

/* ---- Parts of both ways ------------------------------------------------------------------------- */

static gpumm_status make_buffer(binding *b, uint64_t bytes, VkExternalMemoryHandleTypeFlagBits kind, VkBuffer *out) {
    gpumm_vulkan *v = b->vulkan;
    VkExternalMemoryBufferCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                                 .handleTypes = kind};
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .pNext = &external,
                               .flags = v->sparse ? VK_BUFFER_CREATE_SPARSE_BINDING_BIT : 0,
                               .size = bytes,
                               .usage = b->usage,
                               .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    return gpumm_vulkan__result(v->vkCreateBuffer(v->device, &info, NULL, out), "vkCreateBuffer");
}

static void ask_address(binding *b) {
    VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = b->buffer};
    if (has_address(b)) b->address = b->vulkan->vkGetBufferDeviceAddress(b->vulkan->device, &info);
}

/* The first type among those, best one on the device. */
static gpumm_status choose_type(const gpumm_vulkan *v, uint32_t among, uint32_t *type) {
    const uint32_t count = v->memory.memoryTypeCount;
    for (int pass = 0; pass < 2; pass++)
        for (*type = 0; *type < count; ++*type) {
            VkMemoryPropertyFlags flags = v->memory.memoryTypes[*type].propertyFlags;
            if (among >> *type & 1 && (pass || flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)) return GPUMM_OK;
        }
    return gpumm_vulkan__fail(GPUMM_DRIVER, "Vulkan has no type of memory for what is imported (of types 0x%x)", among);
}

static gpumm_status import(binding *b, uint64_t bytes, uint32_t types, void *from, VkDeviceMemory *out) {
    gpumm_vulkan *v = b->vulkan;
    VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                       .pNext = from,
                                       .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .pNext = has_address(b) ? &flags : from,
                                 .allocationSize = bytes};
    TRY(choose_type(v, types, &info.memoryTypeIndex));
    return gpumm_vulkan__result(v->vkAllocateMemory(v->device, &info, NULL, out), "vkAllocateMemory of an import");
}

static VkMemoryRequirements requirements_of(binding *b, VkBuffer buffer) {
    VkMemoryRequirements needs;
    b->vulkan->vkGetBufferMemoryRequirements(b->vulkan->device, buffer, &needs);
    return needs;
}

static void free_memory(binding *b, VkDeviceMemory memory) { b->vulkan->vkFreeMemory(b->vulkan->device, memory, NULL); }

/* ---- Sparse ----------------------------------------------------------------------------------------- */

/* Vulkan takes the descriptor over where it imports it. */
static gpumm_status import_segment(binding *b, const VkMemoryRequirements *needs, const gpumm_segment *s,
                                   VkDeviceMemory *out) {
    VkImportMemoryFdInfoKHR from = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, .handleType = OPAQUE_FD, .fd = s->descriptor};
    gpumm_status status =
        s->offset % needs->alignment || s->bytes % needs->alignment
            ? gpumm_vulkan__fail(GPUMM_DRIVER, "a segment of %llu bytes at %llu: Vulkan binds multiples of %llu",
                                 (unsigned long long)s->bytes, (unsigned long long)s->offset,
                                 (unsigned long long)needs->alignment)
            : import(b, s->bytes, needs->memoryTypeBits, &from, out);
    if (status != GPUMM_OK) close(s->descriptor);
    return status;
}

static gpumm_status bind_all(binding *b, const VkSparseMemoryBind *binds, size_t count) {
    gpumm_vulkan *v = b->vulkan;
    VkSparseBufferMemoryBindInfo of = {.buffer = b->buffer, .bindCount = (uint32_t)count, .pBinds = binds};
    VkBindSparseInfo info = {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO, .bufferBindCount = 1, .pBufferBinds = &of};
    TRY(gpumm_vulkan__result(v->vkQueueBindSparse(v->bind_queue, 1, &info, v->fence), "vkQueueBindSparse"));
    TRY(gpumm_vulkan__result(v->vkWaitForFences(v->device, 1, &v->fence, VK_TRUE, UINT64_MAX), "vkWaitForFences"));
    return gpumm_vulkan__result(v->vkResetFences(v->device, 1, &v->fence), "vkResetFences");
}

static gpumm_status reserve(binding *b, size_t more) {
    if (b->count + more <= b->room) return GPUMM_OK;
    size_t room = 2 * (b->count + more);
    VkDeviceMemory *grown = realloc(b->memory, room * sizeof *grown);
    if (!grown) return no_memory();
    b->memory = grown;
    b->room = room;
    return GPUMM_OK;
}

/* Imported are those before the one that failed; the others' descriptors are closed. */
static gpumm_status import_all(binding *b, const gpumm_segment *s, size_t count, VkSparseMemoryBind *binds) {
    VkMemoryRequirements needs = requirements_of(b, b->buffer);
    gpumm_status status = GPUMM_OK;
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        VkDeviceMemory memory = VK_NULL_HANDLE;
        if (status != GPUMM_OK) {
            close(s[i].descriptor);
            continue;
        }
        status = import_segment(b, &needs, &s[i], &memory);
        if (status != GPUMM_OK) continue;
        binds[done++] = (VkSparseMemoryBind){.resourceOffset = s[i].offset, .size = s[i].bytes, .memory = memory};
    }
    for (size_t i = 0; status != GPUMM_OK && i < done; i++) free_memory(b, binds[i].memory);
    return status;
}

static gpumm_status take_some(binding *b, segments_of *list, void *user, bool *more) {
    gpumm_segment segments[AT_ONCE];
    VkSparseMemoryBind binds[AT_ONCE];
    size_t all;
    TRY(reserve(b, AT_ONCE));
    TRY(gpumm_vulkan__of(list(user, b->count, false, NULL, 0, &all)));
    *more = all > b->count;
    if (!*more) return GPUMM_OK;
    TRY(gpumm_vulkan__of(list(user, b->count, true, segments, AT_ONCE, &all)));
    size_t count = all < b->count ? 0 : all - b->count < AT_ONCE ? all - b->count : AT_ONCE;
    if (!count) return *more = false, GPUMM_OK;
    TRY(import_all(b, segments, count, binds));
    gpumm_status status = bind_all(b, binds, count);
    for (size_t i = 0; status != GPUMM_OK && i < count; i++) free_memory(b, binds[i].memory);
    if (status != GPUMM_OK) return status;
    for (size_t i = 0; i < count; i++) b->memory[b->count++] = binds[i].memory;
    b->bytes = segments[count - 1].offset + segments[count - 1].bytes;
    return GPUMM_OK;
}

/* What was bound is nobody's any more. */
static gpumm_status let_go(binding *b) {
    VkSparseMemoryBind nothing = {.size = b->bytes};
    if (!b->count) return GPUMM_OK;
    TRY(bind_all(b, &nothing, 1));
    while (b->count) free_memory(b, b->memory[--b->count]);
    b->bytes = 0;
    return GPUMM_OK;
}

static gpumm_status follow_sparse(binding *b, segments_of *list, void *user, bool anew, bool *grew) {
    if (anew) TRY(let_go(b));
    for (bool more = true; more; *grew = *grew || more) TRY(take_some(b, list, user, &more));
    return GPUMM_OK;
}

/* ---- By address --------------------------------------------------------------------------------------- */

static gpumm_status import_address(binding *b, VkBuffer buffer, gpumm_address at, uint64_t bytes, VkDeviceMemory *out) {
    gpumm_vulkan *v = b->vulkan;
    void *pointer = (void *)(uintptr_t)at;
    VkMemoryHostPointerPropertiesEXT types = {.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    VkImportMemoryHostPointerInfoEXT from = {.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
                                             .handleType = HOST_ALLOCATION,
                                             .pHostPointer = pointer};
    TRY(gpumm_vulkan__result(v->vkGetMemoryHostPointerPropertiesEXT(v->device, HOST_ALLOCATION, pointer, &types),
                             "vkGetMemoryHostPointerPropertiesEXT"));
    return import(b, bytes, types.memoryTypeBits & requirements_of(b, buffer).memoryTypeBits, &from, out);
}

static gpumm_status make_bound(binding *b, gpumm_address at, uint64_t bytes, VkBuffer *buffer, VkDeviceMemory *memory) {
    gpumm_vulkan *v = b->vulkan;
    TRY(make_buffer(b, bytes, HOST_ALLOCATION, buffer));
    gpumm_status status = import_address(b, *buffer, at, bytes, memory);
    if (status == GPUMM_OK) {
        status = gpumm_vulkan__result(v->vkBindBufferMemory(v->device, *buffer, *memory, 0), "vkBindBufferMemory");
        if (status != GPUMM_OK) free_memory(b, *memory);
    }
    if (status != GPUMM_OK) v->vkDestroyBuffer(v->device, *buffer, NULL);
    return status;
}

static gpumm_status keep_old(binding *b) {
    if (!b->buffer) return GPUMM_OK;
    void *grown = realloc(b->old, (b->old_count + 1) * sizeof *b->old);
    if (!grown) return no_memory();
    b->old = grown;
    b->old[b->old_count].buffer = b->buffer;
    b->old[b->old_count].memory = b->memory[0];
    return GPUMM_OK;
}

static gpumm_status committed(segments_of *list, void *user, uint64_t *bytes) {
    gpumm_segment last;
    size_t count;
    *bytes = 0;
    TRY(gpumm_vulkan__of(list(user, 0, false, NULL, 0, &count)));
    if (!count) return GPUMM_OK;
    TRY(gpumm_vulkan__of(list(user, count - 1, false, &last, 1, &count)));
    *bytes = last.offset + last.bytes;
    return GPUMM_OK;
}

static gpumm_status follow_address(binding *b, segments_of *list, void *user, gpumm_address at, bool anew, bool *grew) {
    uint64_t bytes;
    VkBuffer buffer;
    VkDeviceMemory memory;
    TRY(committed(list, user, &bytes));
    if (bytes == 0 || (bytes == b->bytes && !anew)) return GPUMM_OK;
    TRY(reserve(b, 1));
    TRY(keep_old(b));
    TRY(make_bound(b, at, bytes, &buffer, &memory));
    if (b->buffer) b->old_count++, b->changes++;
    b->buffer = buffer;
    b->memory[0] = memory;
    b->count = 1;
    b->bytes = bytes;
    ask_address(b);
    *grew = true;
    return GPUMM_OK;
}

/* ---- Both ----------------------------------------------------------------------------------------------- */

gpumm_status gpumm_vulkan__binding_open(binding *b, gpumm_vulkan *v, VkBufferUsageFlags usage, uint64_t most) {
    *b = (binding){.vulkan = v, .usage = usage};
    if (!v->sparse) return GPUMM_OK;
    TRY(make_buffer(b, most, OPAQUE_FD, &b->buffer));
    ask_address(b);
    return GPUMM_OK;
}

gpumm_status gpumm_vulkan__binding_follow(binding *b, segments_of *list, void *user, gpumm_address at, bool anew,
                                          bool *grew) {
    *grew = false;
    return b->vulkan->sparse ? follow_sparse(b, list, user, anew, grew) : follow_address(b, list, user, at, anew, grew);
}

void gpumm_vulkan__binding_close(binding *b) {
    gpumm_vulkan *v = b->vulkan;
    if (!v) return;
    v->vkDestroyBuffer(v->device, b->buffer, NULL);
    while (b->count) free_memory(b, b->memory[--b->count]);
    while (b->old_count) {
        v->vkDestroyBuffer(v->device, b->old[--b->old_count].buffer, NULL);
        free_memory(b, b->old[b->old_count].memory);
    }
    free(b->memory);
    free(b->old);
}
