/* SPDX-License-Identifier: MIT */
/*
 * A Vulkan that is none: the functions that libgpumm_vulkan calls, for tests without a GPU. A sparse buffer is address space, and
 * memory imported by its descriptor is mapped there where it is bound, so that what a shader would read can be read. Semaphores are
 * the host device's stand-ins. It counts what is alive, and fails the nth call of a name.
 */
#ifndef FAKE_VULKAN_H
#define FAKE_VULKAN_H

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counter.h"
#include "check.h"
#include "gpumm_vulkan.h"

enum { FAKE_ALIGNMENT = 64 << 10 };

static struct {
    bool sparse, timeline, other_device, old;
    const char *lacks; /* an extension */
    long buffers, memories, semaphores, fences;
    char fails[48]; /* the nth call from now of that name */
    unsigned nth;
    bool has_failed;
} fake = {.sparse = true, .timeline = true};

typedef struct fake_buffer {
    char *space; /* where a shader finds it */
    uint64_t size;
    bool sparse;
} fake_buffer;
typedef struct fake_memory {
    int fd;
    char *pointer;
    uint64_t size;
} fake_memory;
typedef struct fake_semaphore {
    int fd;
    counter *counter;
} fake_semaphore;

static inline bool fake_refuses(const char *name) {
    if (fake.nth == 0 || strcmp(fake.fails, name) != 0 || --fake.nth) return false;
    return fake.has_failed = true;
}
#define FAKE_CALL() \
    do { \
        if (fake_refuses(__func__ + 5)) return VK_ERROR_OUT_OF_DEVICE_MEMORY; \
    } while (0)

static inline void fake_fail(const char *name, unsigned nth) {
    snprintf(fake.fails, sizeof fake.fails, "%s", name);
    fake.nth = nth;
    fake.has_failed = false;
}

/* ---- The device ------------------------------------------------------------------------------------ */

static VKAPI_ATTR void VKAPI_CALL fake_vkGetPhysicalDeviceProperties2(VkPhysicalDevice d,
                                                                      VkPhysicalDeviceProperties2 *out) {
    VkPhysicalDeviceVulkan11Properties *id = out->pNext;
    (void)d;
    snprintf(out->properties.deviceName, sizeof out->properties.deviceName, "Fake");
    out->properties.apiVersion = fake.old ? VK_API_VERSION_1_2 : VK_API_VERSION_1_3;
    memset(id->deviceUUID, 0xab, VK_UUID_SIZE); /* the fake CUDA driver's first */
    id->deviceUUID[15] = fake.other_device;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkGetPhysicalDeviceFeatures2(VkPhysicalDevice d,
                                                                    VkPhysicalDeviceFeatures2 *out) {
    (void)d;
    out->features.sparseBinding = fake.sparse;
    ((VkPhysicalDeviceVulkan12Features *)out->pNext)->timelineSemaphore = fake.timeline;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice d,
                                                                           VkPhysicalDeviceMemoryProperties *out) {
    (void)d;
    out->memoryTypeCount = 2;
    out->memoryTypes[1].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkEnumerateDeviceExtensionProperties(VkPhysicalDevice d, const char *layer,
                                                                                uint32_t *count,
                                                                                VkExtensionProperties *out) {
    static const char *const names[] = {"VK_KHR_external_memory_fd", "VK_KHR_external_semaphore_fd",
                                        "VK_EXT_external_memory_host"};
    (void)d, (void)layer;
    FAKE_CALL();
    *count = 3;
    for (int i = 0; out && i < 3; i++)
        snprintf(out[i].extensionName, sizeof out[i].extensionName, "%s",
                 fake.lacks && strcmp(names[i], fake.lacks) == 0 ? "VK_other" : names[i]);
    return VK_SUCCESS;
}

/* ---- Buffers and memory -------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkCreateBuffer(VkDevice d, const VkBufferCreateInfo *info,
                                                          const VkAllocationCallbacks *a, VkBuffer *out) {
    (void)d, (void)a;
    FAKE_CALL();
    const VkExternalMemoryBufferCreateInfo *external = info->pNext;
    fake_buffer *b = calloc(1, sizeof *b);
    b->size = info->size;
    b->sparse = info->flags & VK_BUFFER_CREATE_SPARSE_BINDING_BIT;
    CHECK(external && external->handleTypes && info->size > 0);
    if (b->sparse) {
        b->space = mmap(NULL, b->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(b->space != MAP_FAILED);
    }
    fake.buffers++;
    *out = (VkBuffer)(uintptr_t)b;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkDestroyBuffer(VkDevice d, VkBuffer buffer, const VkAllocationCallbacks *a) {
    fake_buffer *b = (fake_buffer *)(uintptr_t)buffer;
    (void)d, (void)a;
    if (!b) return;
    if (b->sparse) munmap(b->space, b->size);
    free(b);
    fake.buffers--;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkGetBufferMemoryRequirements(VkDevice d, VkBuffer buffer,
                                                                     VkMemoryRequirements *out) {
    (void)d;
    *out = (VkMemoryRequirements){((fake_buffer *)(uintptr_t)buffer)->size, FAKE_ALIGNMENT, 3};
}

static VKAPI_ATTR VkDeviceAddress VKAPI_CALL fake_vkGetBufferDeviceAddress(VkDevice d,
                                                                           const VkBufferDeviceAddressInfo *info) {
    (void)d;
    return (VkDeviceAddress)(uintptr_t)((fake_buffer *)(uintptr_t)info->buffer)->space;
}

static bool fake_import(const VkMemoryAllocateInfo *info, fake_memory *m) {
    struct stat stat;
    const VkBaseInStructure *next = info->pNext;
    if (next && next->sType == VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO) next = next->pNext;
    CHECK(next != NULL);
    if (next->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) {
        m->pointer = ((const VkImportMemoryHostPointerInfoEXT *)(const void *)next)->pHostPointer;
        CHECK((uintptr_t)m->pointer % 4096 == 0 && info->allocationSize % 4096 == 0);
        return info->memoryTypeIndex == 0;
    }
    m->fd = ((const VkImportMemoryFdInfoKHR *)(const void *)next)->fd;
    return fstat(m->fd, &stat) == 0 && (uint64_t)stat.st_size == info->allocationSize && info->memoryTypeIndex == 1;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkAllocateMemory(VkDevice d, const VkMemoryAllocateInfo *info,
                                                            const VkAllocationCallbacks *a, VkDeviceMemory *out) {
    (void)d, (void)a;
    FAKE_CALL();
    fake_memory *m = calloc(1, sizeof *m);
    *m = (fake_memory){.fd = -1, .size = info->allocationSize};
    if (!fake_import(info, m)) return free(m), VK_ERROR_INVALID_EXTERNAL_HANDLE;
    fake.memories++;
    *out = (VkDeviceMemory)(uintptr_t)m;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkFreeMemory(VkDevice d, VkDeviceMemory memory, const VkAllocationCallbacks *a) {
    fake_memory *m = (fake_memory *)(uintptr_t)memory;
    (void)d, (void)a;
    if (m->fd >= 0) close(m->fd);
    free(m);
    fake.memories--;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkBindBufferMemory(VkDevice d, VkBuffer buffer, VkDeviceMemory memory,
                                                              VkDeviceSize offset) {
    fake_buffer *b = (fake_buffer *)(uintptr_t)buffer;
    fake_memory *m = (fake_memory *)(uintptr_t)memory;
    (void)d;
    FAKE_CALL();
    CHECK(!b->sparse && !b->space && m->pointer && m->size >= b->size && offset == 0);
    b->space = m->pointer;
    return VK_SUCCESS;
}

static void fake_bind(fake_buffer *b, const VkSparseMemoryBind *bind) {
    fake_memory *m = (fake_memory *)(uintptr_t)bind->memory;
    char *at = b->space + bind->resourceOffset;
    CHECK(bind->resourceOffset % FAKE_ALIGNMENT == 0 && bind->size % FAKE_ALIGNMENT == 0);
    CHECK(bind->resourceOffset + bind->size <= b->size && (!m || bind->size <= m->size));
    void *bound = m ? mmap(at, bind->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd, 0)
                    : mmap(at, bind->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    CHECK(bound == at);
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkQueueBindSparse(VkQueue q, uint32_t count, const VkBindSparseInfo *info,
                                                             VkFence fence) {
    FAKE_CALL();
    CHECK(q && count == 1 && fence && info->bufferBindCount == 1);
    const VkSparseBufferMemoryBindInfo *of = info->pBufferBinds;
    for (uint32_t i = 0; i < of->bindCount; i++) fake_bind((fake_buffer *)(uintptr_t)of->buffer, &of->pBinds[i]);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkGetMemoryHostPointerPropertiesEXT(VkDevice d,
                                                                               VkExternalMemoryHandleTypeFlagBits kind,
                                                                               const void *pointer,
                                                                               VkMemoryHostPointerPropertiesEXT *out) {
    (void)d, (void)kind, (void)pointer;
    FAKE_CALL();
    out->memoryTypeBits = 1;
    return VK_SUCCESS;
}

/* ---- Fences and semaphores --------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkCreateFence(VkDevice d, const VkFenceCreateInfo *info,
                                                         const VkAllocationCallbacks *a, VkFence *out) {
    (void)d, (void)info, (void)a;
    FAKE_CALL();
    fake.fences++;
    *out = (VkFence)(uintptr_t)&fake;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkDestroyFence(VkDevice d, VkFence f, const VkAllocationCallbacks *a) {
    (void)d, (void)a;
    if (f) fake.fences--;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkWaitForFences(VkDevice d, uint32_t count, const VkFence *f, VkBool32 all,
                                                           uint64_t timeout) {
    (void)d, (void)count, (void)f, (void)all, (void)timeout;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkResetFences(VkDevice d, uint32_t count, const VkFence *f) {
    (void)d, (void)count, (void)f;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkCreateSemaphore(VkDevice d, const VkSemaphoreCreateInfo *info,
                                                             const VkAllocationCallbacks *a, VkSemaphore *out) {
    (void)d, (void)a;
    FAKE_CALL();
    const VkSemaphoreTypeCreateInfo *type = info->pNext;
    CHECK(type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE);
    fake_semaphore *x = calloc(1, sizeof *x);
    CHECK_OK(gpumm__counter_make(&x->fd));
    CHECK_OK(gpumm__counter_map(x->fd, &x->counter));
    fake.semaphores++;
    *out = (VkSemaphore)(uintptr_t)x;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_vkDestroySemaphore(VkDevice d, VkSemaphore semaphore,
                                                          const VkAllocationCallbacks *a) {
    fake_semaphore *x = (fake_semaphore *)(uintptr_t)semaphore;
    (void)d, (void)a;
    if (!x) return;
    gpumm__counter_unmap(x->counter);
    close(x->fd);
    free(x);
    fake.semaphores--;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkGetSemaphoreFdKHR(VkDevice d, const VkSemaphoreGetFdInfoKHR *info,
                                                               int *fd) {
    (void)d;
    FAKE_CALL();
    *fd = dup(((fake_semaphore *)(uintptr_t)info->semaphore)->fd);
    return VK_SUCCESS;
}

/* The fake CUDA driver raises the value and wakes nobody. */
static void fake_wait(VkSemaphore semaphore, uint64_t value) {
    counter *c = ((fake_semaphore *)(uintptr_t)semaphore)->counter;
    const _Atomic uint64_t *now = (const _Atomic uint64_t *)(const void *)((const char *)(const void *)c + 16);
    while (atomic_load(now) < value) usleep(20);
}

static void fake_signal(VkSemaphore semaphore, uint64_t value) {
    gpumm__counter_raise(((fake_semaphore *)(uintptr_t)semaphore)->counter, value);
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkSignalSemaphore(VkDevice d, const VkSemaphoreSignalInfo *info) {
    (void)d;
    FAKE_CALL();
    fake_signal(info->semaphore, info->value);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_vkWaitSemaphores(VkDevice d, const VkSemaphoreWaitInfo *info,
                                                            uint64_t timeout) {
    (void)d, (void)timeout;
    FAKE_CALL();
    fake_wait(info->pSemaphores[0], info->pValues[0]);
    return VK_SUCCESS;
}

/* ---- Finding them --------------------------------------------------------------------------------------------- */

static PFN_vkVoidFunction fake_find(const char *name);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_vkGetDeviceProcAddr(VkDevice d, const char *name) {
    (void)d;
    return fake_find(name);
}

static PFN_vkVoidFunction fake_find(const char *name) {
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } all[] = {
#define FAKE(f) {#f, (PFN_vkVoidFunction)fake_##f}
        FAKE(vkGetPhysicalDeviceProperties2),
        FAKE(vkGetPhysicalDeviceFeatures2),
        FAKE(vkGetPhysicalDeviceMemoryProperties),
        FAKE(vkEnumerateDeviceExtensionProperties),
        FAKE(vkGetDeviceProcAddr),
        FAKE(vkCreateBuffer),
        FAKE(vkDestroyBuffer),
        FAKE(vkGetBufferMemoryRequirements),
        FAKE(vkGetBufferDeviceAddress),
        FAKE(vkAllocateMemory),
        FAKE(vkFreeMemory),
        FAKE(vkBindBufferMemory),
        FAKE(vkQueueBindSparse),
        FAKE(vkCreateFence),
        FAKE(vkDestroyFence),
        FAKE(vkWaitForFences),
        FAKE(vkResetFences),
        FAKE(vkCreateSemaphore),
        FAKE(vkDestroySemaphore),
        FAKE(vkSignalSemaphore),
        FAKE(vkWaitSemaphores),
        FAKE(vkGetSemaphoreFdKHR),
        FAKE(vkGetMemoryHostPointerPropertiesEXT),
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0 && !fake_refuses(name)) return all[i].function;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_vkGetInstanceProcAddr(VkInstance i, const char *name) {
    (void)i;
    return fake_find(name);
}

static inline void fake_check_nothing(void) {
    CHECK(fake.buffers == 0 && fake.memories == 0 && fake.semaphores == 0 && fake.fences == 0);
}

static inline gpumm_vulkan_options fake_options(gpumm_manager *m, gpumm_vulkan_way way) {
    return (gpumm_vulkan_options){.size = sizeof(gpumm_vulkan_options),
                                  .get_instance_proc_addr = fake_vkGetInstanceProcAddr,
                                  .instance = (VkInstance)(uintptr_t)&fake,
                                  .physical_device = (VkPhysicalDevice)(uintptr_t)&fake,
                                  .device = (VkDevice)(uintptr_t)&fake,
                                  .bind_queue = (VkQueue)(uintptr_t)&fake,
                                  .manager = m,
                                  .way = way};
}

#endif
