/* SPDX-License-Identifier: MIT */
/* Opening, and what a physical device must have. */
#include "modules/vulkan/vulkan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Failures -------------------------------------------------------------------------------- */

static _Thread_local char message[600];

const char *gpumm_vulkan_message(void) { return message; }

gpumm_status gpumm_vulkan__fail(gpumm_status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return status;
}

gpumm_status gpumm_vulkan__of(gpumm_status status) {
    return status == GPUMM_OK ? status : gpumm_vulkan__fail(status, "%s", gpumm_message());
}

static const char *result_name(VkResult result) {
    switch ((int)result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_DEVICE_LOST: return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_TOO_MANY_OBJECTS: return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_INVALID_EXTERNAL_HANDLE: return "VK_ERROR_INVALID_EXTERNAL_HANDLE";
    case VK_ERROR_FEATURE_NOT_PRESENT: return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_TIMEOUT: return "VK_TIMEOUT";
    default: return "VkResult";
    }
}

gpumm_status gpumm_vulkan__result(VkResult result, const char *call) {
    bool memory = result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
    gpumm_status status = memory                           ? GPUMM_OUT_OF_MEMORY
                          : result == VK_ERROR_DEVICE_LOST ? GPUMM_DEVICE_LOST
                                                           : GPUMM_DRIVER;
    if (result == VK_SUCCESS) return GPUMM_OK;
    return gpumm_vulkan__fail(status, "Vulkan: %s: %s (%d)", call, result_name(result), (int)result);
}

/* ---- Vulkan's functions ------------------------------------------------------------------------ */

/* One pointer to a function has the size and representation of any other. */
static bool put(void *field, PFN_vkVoidFunction found) {
    memcpy(field, &found, sizeof found);
    return found != NULL;
}

static gpumm_status missing(const char *name) {
    return gpumm_vulkan__fail(GPUMM_NO_DEVICE, "Vulkan has no %s: version 1.3 is needed", name);
}

static gpumm_status load_instance(gpumm_vulkan *v, const gpumm_vulkan_options *o) {
#define LOAD(name) \
    if (!put(&v->name, o->get_instance_proc_addr(o->instance, #name))) return missing(#name);
    VULKAN_INSTANCE_MAP(LOAD)
#undef LOAD
    return GPUMM_OK;
}

static gpumm_status load_device(gpumm_vulkan *v) {
#define LOAD(name) \
    if (!put(&v->name, v->vkGetDeviceProcAddr(v->device, #name))) return missing(#name);
    VULKAN_DEVICE_MAP(LOAD)
#undef LOAD
    put(&v->vkGetSemaphoreFdKHR, v->vkGetDeviceProcAddr(v->device, "vkGetSemaphoreFdKHR"));
    put(&v->vkGetMemoryHostPointerPropertiesEXT,
        v->vkGetDeviceProcAddr(v->device, "vkGetMemoryHostPointerPropertiesEXT"));
    if (v->sparse && !v->vkGetSemaphoreFdKHR)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT,
                                  "the VkDevice was made without VK_KHR_external_semaphore_fd: see gpumm_vulkan_ask");
    if (!v->sparse && !v->vkGetMemoryHostPointerPropertiesEXT)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT,
                                  "the VkDevice was made without VK_EXT_external_memory_host: see gpumm_vulkan_ask");
    return GPUMM_OK;
}

/* ---- What a physical device must have -------------------------------------------------------------- */

static const char *const sparse_extensions[] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
                                                VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME, NULL};
static const char *const address_extensions[] = {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, NULL};

static void uuid_text(const uint8_t *b, char text[48]) {
    snprintf(text, 48, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* A part of a GPU (MIG) has a UUID of its own kind, and Vulkan none: only two GPUs can be told apart. */
static gpumm_status check_same(const gpumm_device_info *info, const VkPhysicalDeviceProperties *its,
                               const uint8_t *uuid) {
    char text[48];
    uuid_text(uuid, text);
    bool known = strcmp(info->kind, "cuda") == 0 && strncmp(info->uuid, "GPU-", 4) == 0;
    if (!known || strcmp(info->uuid, text) == 0) return GPUMM_OK;
    return gpumm_vulkan__fail(GPUMM_NO_DEVICE, "Vulkan's %s (%s) is another device than the manager's %s (%s)",
                              its->deviceName, text, info->name, info->uuid);
}

static gpumm_status check_features(gpumm_vulkan *v, const char *name) {
    VkPhysicalDeviceVulkan12Features timeline = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &timeline};
    v->vkGetPhysicalDeviceFeatures2(v->physical, &features);
    if (v->sparse && !features.features.sparseBinding)
        return gpumm_vulkan__fail(GPUMM_NO_DEVICE,
                                  "Vulkan's %s has no sparse binding (the feature sparseBinding), by which a buffer "
                                  "follows growth: its driver cannot have the manager's memory",
                                  name);
    if (timeline.timelineSemaphore) return GPUMM_OK;
    return gpumm_vulkan__fail(GPUMM_NO_DEVICE, "Vulkan's %s has no timeline semaphores", name);
}

static bool has_extension(const VkExtensionProperties *list, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].extensionName, name) == 0) return true;
    return false;
}

static gpumm_status list_extensions(gpumm_vulkan *v, VkExtensionProperties **list, uint32_t *count) {
    VkResult result = v->vkEnumerateDeviceExtensionProperties(v->physical, NULL, count, NULL);
    if (result != VK_SUCCESS) return gpumm_vulkan__result(result, "vkEnumerateDeviceExtensionProperties");
    *list = calloc(*count + 1, sizeof **list);
    if (!*list) return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory for a list of extensions");
    result = v->vkEnumerateDeviceExtensionProperties(v->physical, NULL, count, *list);
    if (result == VK_SUCCESS || result == VK_INCOMPLETE) return GPUMM_OK;
    free(*list);
    return gpumm_vulkan__result(result, "vkEnumerateDeviceExtensionProperties");
}

static gpumm_status check_extensions(gpumm_vulkan *v, const char *name, const char *const *wanted) {
    VkExtensionProperties *list = NULL;
    uint32_t count = 0;
    TRY(list_extensions(v, &list, &count));
    while (*wanted && has_extension(list, count, *wanted)) wanted++;
    free(list);
    if (!*wanted) return GPUMM_OK;
    return gpumm_vulkan__fail(GPUMM_NO_DEVICE, "Vulkan's %s has no extension %s", name, *wanted);
}

static gpumm_status check_version(const VkPhysicalDeviceProperties *its) {
    if (its->apiVersion >= VK_API_VERSION_1_3) return GPUMM_OK;
    return gpumm_vulkan__fail(GPUMM_NO_DEVICE, "Vulkan's %s has version %u.%u: 1.3 is needed", its->deviceName,
                              VK_API_VERSION_MAJOR(its->apiVersion), VK_API_VERSION_MINOR(its->apiVersion));
}

static gpumm_status check_physical(gpumm_vulkan *v, const gpumm_device_info *info) {
    VkPhysicalDeviceVulkan11Properties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
    VkPhysicalDeviceProperties2 its = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id};
    v->vkGetPhysicalDeviceProperties2(v->physical, &its);
    const char *name = its.properties.deviceName;
    TRY(check_version(&its.properties));
    TRY(check_same(info, &its.properties, id.deviceUUID));
    TRY(check_features(v, name));
    return check_extensions(v, name, v->sparse ? sparse_extensions : address_extensions);
}

static gpumm_status check_options(const gpumm_vulkan_options *o) {
    if (o->size && o->size != sizeof *o)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "options of %zu bytes: this version has %zu", o->size,
                                  sizeof *o);
    if ((unsigned)o->way > GPUMM_VULKAN_BY_ADDRESS)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "there is no way %d", (int)o->way);
    NOT_NULL(o->get_instance_proc_addr, "options->get_instance_proc_addr");
    NOT_NULL(o->instance, "options->instance");
    NOT_NULL(o->physical_device, "options->physical_device");
    NOT_NULL(o->manager, "options->manager");
    return GPUMM_OK;
}

static gpumm_status ask(gpumm_vulkan *v, const gpumm_vulkan_options *o) {
    gpumm_device_info info;
    TRY(check_options(o));
    TRY(gpumm_vulkan__of(gpumm_manager_get_info(o->manager, &info)));
    bool cuda = strcmp(info.kind, "cuda") == 0;
    v->physical = o->physical_device;
    v->sparse = o->way == GPUMM_VULKAN_SPARSE || (o->way == GPUMM_VULKAN_BY_DEVICE && cuda);
    if (cuda && !v->sparse)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "a GPU's memory has no address in this process");
    TRY(load_instance(v, o));
    return check_physical(v, &info);
}

gpumm_status gpumm_vulkan_ask(const gpumm_vulkan_options *options, gpumm_vulkan_needs *needs) {
    gpumm_vulkan v = {0};
    NOT_NULL(options, "options");
    NOT_NULL(needs, "needs");
    TRY(ask(&v, options));
    *needs = (gpumm_vulkan_needs){.way = v.sparse ? GPUMM_VULKAN_SPARSE : GPUMM_VULKAN_BY_ADDRESS,
                                  .sparse_binding = v.sparse};
    for (const char *const *x = v.sparse ? sparse_extensions : address_extensions; *x; x++)
        needs->extensions[needs->extension_count++] = *x;
    return GPUMM_OK;
}

/* ---- Opening --------------------------------------------------------------------------------------- */

static gpumm_status open_device(gpumm_vulkan *v, const gpumm_vulkan_options *o) {
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    TRY(ask(v, o));
    NOT_NULL(o->device, "options->device");
    if (v->sparse) NOT_NULL(o->bind_queue, "options->bind_queue");
    v->device = o->device;
    v->bind_queue = o->bind_queue;
    TRY(load_device(v));
    v->vkGetPhysicalDeviceMemoryProperties(v->physical, &v->memory);
    TRY(gpumm_vulkan__result(v->vkCreateFence(v->device, &fence, NULL, &v->fence), "vkCreateFence"));
    v->manager = gpumm_manager_retain(o->manager);
    return GPUMM_OK;
}

gpumm_status gpumm_vulkan_open(const gpumm_vulkan_options *options, gpumm_vulkan **out) {
    NOT_NULL(options, "options");
    NOT_NULL(out, "out");
    gpumm_vulkan *v = calloc(1, sizeof *v);
    if (!v) return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory");
    gpumm_status status = open_device(v, options);
    if (status == GPUMM_OK) *out = v;
    else free(v);
    return status;
}

void gpumm_vulkan_close(gpumm_vulkan *v) {
    if (!v) return;
    v->vkDestroyFence(v->device, v->fence, NULL);
    gpumm_manager_release(v->manager);
    free(v);
}
