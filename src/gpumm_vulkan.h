/* SPDX-License-Identifier: MIT */
/*
 * gpumm's memory in Vulkan: for renderers that draw what gpumm computes, from the very memory, while it grows.
 *
 * A shareable buffer becomes one VkBuffer for as long as it lives: sparse, of the size that the buffer may come to have, whose
 * memory is bound segment by segment as the buffer grows. Its handle, its device address and what descriptors say of it stay.
 * Frames on the device (gpumm_frame_device) become places in VkBuffers. Two timeline semaphores order the streams of gpumm
 * and the queues of Vulkan, on the device. Nothing passes through the host, and nothing here owns a window or records commands.
 *
 * On a GPU (a manager's device "cuda") Vulkan and CUDA use the same one. On the host device a Vulkan that runs on the processor
 * too (Mesa's lavapipe) imports the memory by its address (VK_EXT_external_memory_host); then a buffer that grew is a new VkBuffer,
 * and the two calls that order both sides wait in the calling thread.
 *
 * The application owns everything of Vulkan's that it hands in, and keeps it until gpumm_vulkan_close. It makes its VkDevice
 * with what gpumm_vulkan_ask names. This library stands on gpumm.h and Vulkan 1.3, and finds Vulkan's functions by the one that
 * it is given, so that it needs no loader of its own.
 *
 * As in gpumm.h: functions return a status and change nothing where they fail; NULL for what must be there is INVALID_ARGUMENT; options
 * begin with their size (0: that of this version). Library and header are of the same release. Objects here are not shared among
 * threads without a lock of the application's.
 */
#ifndef GPUMM_VULKAN_H
#define GPUMM_VULKAN_H

#include <vulkan/vulkan.h>

#include "gpumm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gpumm_vulkan gpumm_vulkan;               /* a VkDevice beside a manager */
typedef struct gpumm_vulkan_buffer gpumm_vulkan_buffer; /* a buffer of gpumm's as Vulkan has it */
typedef struct gpumm_vulkan_frames gpumm_vulkan_frames; /* the memory of a readback's frames as Vulkan has it */
typedef struct gpumm_vulkan_order gpumm_vulkan_order;   /* both sides take turns by it */

/* What exactly went wrong in this thread's last failed call of this library; valid until its next failure. */
GPUMM_API const char *gpumm_vulkan_message(void);

/* How memory comes to Vulkan. */
typedef enum gpumm_vulkan_way {
    GPUMM_VULKAN_BY_DEVICE,  /* as the manager's device asks for: cuda: sparse, host: by address */
    GPUMM_VULKAN_SPARSE,     /* by descriptors, bound to a sparse buffer */
    GPUMM_VULKAN_BY_ADDRESS, /* by its address in this process */
} gpumm_vulkan_way;

enum { GPUMM_VULKAN_EXTENSIONS = 8 };

/* What a VkDevice must be made with, beside Vulkan 1.3 and the feature timelineSemaphore (and bufferDeviceAddress for device
   addresses). */
typedef struct gpumm_vulkan_needs {
    gpumm_vulkan_way way;
    const char *extensions[GPUMM_VULKAN_EXTENSIONS]; /* static strings */
    uint32_t extension_count;
    bool sparse_binding; /* the feature sparseBinding, and a queue of a family with VK_QUEUE_SPARSE_BINDING_BIT */
} gpumm_vulkan_needs;

typedef struct gpumm_vulkan_options {
    size_t size; /* sizeof(gpumm_vulkan_options); 0: that of 0.2 */
    PFN_vkGetInstanceProcAddr get_instance_proc_addr;
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device; /* for gpumm_vulkan_open */
    VkQueue
        bind_queue; /* where memory is bound, best one that draws nothing: it is used in gpumm_vulkan_buffer_follow and
                               gpumm_vulkan_frames_find, by the calling thread. NULL where no sparse binding is needed */
    gpumm_manager *manager; /* retained */
    gpumm_vulkan_way way;
} gpumm_vulkan_options;

/* Can this physical device have the manager's memory? Of the options it looks at the first three and the last two. NO_DEVICE says why
   not: another GPU than the manager's, no sparse binding, an extension that is missing. */
GPUMM_API gpumm_status gpumm_vulkan_ask(const gpumm_vulkan_options *options, gpumm_vulkan_needs *needs);
/* As gpumm_vulkan_ask; INVALID_ARGUMENT, OUT_OF_MEMORY. */
GPUMM_API gpumm_status gpumm_vulkan_open(const gpumm_vulkan_options *options, gpumm_vulkan **out);
/* Once everything that was made with it is closed. NULL is fine, here and below. */
GPUMM_API void gpumm_vulkan_close(gpumm_vulkan *vulkan);

/* ---- Buffers -------------------------------------------------------------------------------- */

/* As it is now. */
typedef struct gpumm_vulkan_buffer_info {
    VkBuffer buffer;         /* stays, but by address: there each growth makes another (`changes`) */
    VkDeviceAddress address; /* 0 where `usage` has no VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT */
    uint64_t bytes;          /* from the beginning, that have memory bound: at least the capacity at the last follow */
    uint64_t length;         /* elements, as at the last follow */
    uint64_t changes;        /* how often `buffer` and `address` became others */
    uint32_t imports;        /* pieces of memory bound */
} gpumm_vulkan_buffer_info;

/* Binds what the buffer has. It is shareable, and retained: free it after gpumm_vulkan_buffer_close, or after the work of Vulkan that uses
   it. INVALID_ARGUMENT; OUT_OF_MEMORY and DRIVER with Vulkan's result. */
GPUMM_API gpumm_status gpumm_vulkan_buffer_open(gpumm_vulkan *vulkan, gpumm_buffer *buffer, VkBufferUsageFlags usage,
                                                gpumm_vulkan_buffer **out);
/* Binds what has come by growth, and waits until that is bound; `grew` (may be NULL) says whether anything was. Work under way goes on
   meanwhile. Where the buffer shrank (gpumm_buffer_info.given_back) all of it is bound anew: then no submitted work uses it. To be
   called after a growth and before work that reads the new elements is submitted; costs two calls of gpumm's where nothing is new.
   A VkBuffer that another took the place of lives until close. STALE once the buffer is freed; as open. */
GPUMM_API gpumm_status gpumm_vulkan_buffer_follow(gpumm_vulkan_buffer *buffer, bool *grew);
GPUMM_API void gpumm_vulkan_buffer_get(const gpumm_vulkan_buffer *buffer, gpumm_vulkan_buffer_info *info);
/* Once no submitted work uses it. What gpumm lent is over by then, on this side: see gpumm_manager_exports_over. */
GPUMM_API void gpumm_vulkan_buffer_close(gpumm_vulkan_buffer *buffer);

/* ---- Frames on the device -------------------------------------------------------------------- */

typedef struct gpumm_vulkan_place { /* where a frame's member lies */
    VkBuffer buffer;
    VkDeviceSize offset; /* bytes; a multiple of 256 */
    VkDeviceSize bytes;
    VkDeviceAddress address; /* of the offset; 0 as above */
} gpumm_vulkan_place;

/* For a readback with where = GPUMM_FRAMES_ON_DEVICE and shareable. Retained. */
GPUMM_API gpumm_status gpumm_vulkan_frames_open(gpumm_vulkan *vulkan, gpumm_readback *readback,
                                                VkBufferUsageFlags usage, gpumm_vulkan_frames **out);
/* Where member `index` of a frame of it lies, valid until the frame ends. A frame that was delivered can be read at once; the work that
   reads it is told to gpumm by gpumm_frame_used on a stream that then takes the turn back (gpumm_vulkan_order_take), and the
   frame may be closed. Binds memory the first time that it sees some. STALE, INVALID_ARGUMENT, as above. */
GPUMM_API gpumm_status gpumm_vulkan_frames_find(gpumm_vulkan_frames *frames, gpumm_frame *frame, size_t index,
                                                gpumm_vulkan_place *place);
GPUMM_API void gpumm_vulkan_frames_close(gpumm_vulkan_frames *frames); /* once no submitted work uses them */

/* ---- Order ------------------------------------------------------------------------------------- */

/* A turn of Vulkan's: a submission waits until `wait` is `wait_value`, and signals `signal` to `signal_value` at its end. Both are
   timeline semaphores of the order's. */
typedef struct gpumm_vulkan_turn {
    VkSemaphore wait, signal;
    uint64_t wait_value, signal_value;
} gpumm_vulkan_turn;

GPUMM_API gpumm_status gpumm_vulkan_order_open(gpumm_vulkan *vulkan, gpumm_vulkan_order **out);
/* What is on the stream (NULL: the main one) so far comes before the turn. By address it waits for the stream. */
GPUMM_API gpumm_status gpumm_vulkan_order_give(gpumm_vulkan_order *order, gpumm_stream *stream,
                                               gpumm_vulkan_turn *turn);
/* What is enqueued on the stream from now comes behind the turn. It may be called before the submission, which then has to come: the stream
   waits for it. By address it waits itself, so it is called after. */
GPUMM_API gpumm_status gpumm_vulkan_order_take(gpumm_vulkan_order *order, gpumm_stream *stream,
                                               const gpumm_vulkan_turn *turn);
GPUMM_API void gpumm_vulkan_order_close(gpumm_vulkan_order *order); /* once both sides are through with it */

#ifdef __cplusplus
}
#endif
#endif
