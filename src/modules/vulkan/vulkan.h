/* SPDX-License-Identifier: MIT */
/* What the parts of the library share: Vulkan's functions, the device, and failures. */
#ifndef MODULES_VULKAN_VULKAN_H
#define MODULES_VULKAN_VULKAN_H

#include "gpumm_vulkan.h"

#define VULKAN_INSTANCE_MAP(X) \
    X(vkGetPhysicalDeviceProperties2) \
    X(vkGetPhysicalDeviceFeatures2) \
    X(vkGetPhysicalDeviceMemoryProperties) \
    X(vkEnumerateDeviceExtensionProperties) \
    X(vkGetDeviceProcAddr)

#define VULKAN_DEVICE_MAP(X) \
    X(vkCreateBuffer) \
    X(vkDestroyBuffer) \
    X(vkGetBufferMemoryRequirements) \
    X(vkGetBufferDeviceAddress) \
    X(vkAllocateMemory) \
    X(vkFreeMemory) \
    X(vkBindBufferMemory) \
    X(vkQueueBindSparse) \
    X(vkCreateFence) \
    X(vkDestroyFence) \
    X(vkWaitForFences) \
    X(vkResetFences) \
    X(vkCreateSemaphore) \
    X(vkDestroySemaphore) \
    X(vkSignalSemaphore) \
    X(vkWaitSemaphores)

struct gpumm_vulkan {
    VkPhysicalDevice physical;
    VkDevice device;
    VkQueue bind_queue;
    VkFence fence; /* of the bind under way */
    gpumm_manager *manager;
    bool sparse;
    VkPhysicalDeviceMemoryProperties memory;
#define VULKAN_FIELD(name) PFN_##name name;
    VULKAN_INSTANCE_MAP(VULKAN_FIELD)
    VULKAN_DEVICE_MAP(VULKAN_FIELD)
#undef VULKAN_FIELD
    PFN_vkGetSemaphoreFdKHR vkGetSemaphoreFdKHR;                                 /* where sparse */
    PFN_vkGetMemoryHostPointerPropertiesEXT vkGetMemoryHostPointerPropertiesEXT; /* where not */
};

/* Sets this thread's message and returns `status`. */
gpumm_status gpumm_vulkan__fail(gpumm_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What a call of gpumm's came to, with gpumm's message. */
gpumm_status gpumm_vulkan__of(gpumm_status status);
/* What a call of Vulkan's came to. */
gpumm_status gpumm_vulkan__result(VkResult result, const char *call);

#define TRY(call) \
    do { \
        gpumm_status try_status_ = (call); \
        if (try_status_ != GPUMM_OK) return try_status_; \
    } while (0)
#define NOT_NULL(argument, name) \
    do { \
        if (!(argument)) return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "%s: %s is NULL", __func__, (name)); \
    } while (0)

#endif
