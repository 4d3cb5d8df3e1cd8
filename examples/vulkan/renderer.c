/* SPDX-License-Identifier: MIT */
/*
 * Points and lines are drawn by compute shaders that count what falls on each pixel: with millions of both, most of them
 * smaller than a pixel, that is what a picture is made of, and data-center GPUs have few units for anything else. Whoever draws with a
 * graphics pipeline binds the same VkBuffers as vertex or storage buffers.
 */
#include "renderer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "colors.h"
#include "lines.h"
#include "points.h"

typedef struct draw { /* the shaders' push constants: shared.glsl */
    VkDeviceAddress positions, stamps, ends, counts, pixels, seen;
    uint32_t nodes, edges, width, height;
    float scale;
} draw;

typedef struct memory {
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkDeviceAddress address;
    void *mapped;
} memory;

typedef struct flight { /* a picture under way */
    bool busy, keep;
    VkCommandBuffer commands;
    VkFence fence;
    memory seen, pixels, read;
    scene scene;
} flight;

struct renderer {
    uint32_t width, height;
    float scale;
    VkInstance instance;
    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    VkDevice device;
    uint32_t draw_family, bind_family, bind_index;
    VkQueue draw_queue, bind_queue;
    gpumm_vulkan *vulkan;
    VkPipelineLayout layout;
    VkPipeline points, lines, colors;
    VkCommandPool pool;
    memory counts;
    flight flights[IN_FLIGHT];
    unsigned next, oldest; /* pictures submitted, and done */
    uint64_t waits;
};

static void check(VkResult result, const char *what) {
    if (result == VK_SUCCESS) return;
    fprintf(stderr, "vulkan: %s: VkResult %d\n", what, (int)result);
    exit(EXIT_FAILURE);
}

double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- The device ---------------------------------------------------------------------------------------------- */

static bool make_instance(renderer *r) {
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "growing", .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    return vkCreateInstance(&info, NULL, &r->instance) == VK_SUCCESS;
}

/* Which physical device can have the manager's memory, and what a VkDevice of it must be made with. */
static bool choose(renderer *r, gpumm_vulkan_options *options, gpumm_vulkan_needs *needs, char *why, size_t size) {
    VkPhysicalDevice list[16];
    uint32_t count = 16;
    snprintf(why, size, "Vulkan has no device here");
    options->instance = r->instance;
    options->get_instance_proc_addr = vkGetInstanceProcAddr;
    if (vkEnumeratePhysicalDevices(r->instance, &count, list) < 0) count = 0;
    for (uint32_t i = 0; i < count; i++) {
        options->physical_device = r->physical = list[i];
        vkGetPhysicalDeviceProperties(list[i], &r->properties);
        if (gpumm_vulkan_ask(options, needs) == GPUMM_OK) return true;
        snprintf(why, size, "%s", gpumm_vulkan_message());
    }
    return false;
}

/* Drawing wants compute; binding wants a queue of its own, which draws nothing, where there is one. */
static bool choose_queues(renderer *r, bool sparse) {
    VkQueueFamilyProperties list[16];
    uint32_t count = 16;
    const VkQueueFlags binds = VK_QUEUE_SPARSE_BINDING_BIT | VK_QUEUE_TRANSFER_BIT;
    vkGetPhysicalDeviceQueueFamilyProperties(r->physical, &count, list);
    r->draw_family = r->bind_family = UINT32_MAX;
    for (uint32_t i = count; i-- > 0;)
        if (list[i].queueFlags & VK_QUEUE_COMPUTE_BIT) r->draw_family = i;
    for (uint32_t i = count; i-- > 0;)
        if (i != r->draw_family && (list[i].queueFlags & binds) == binds) r->bind_family = i;
    if (r->draw_family == UINT32_MAX) return false;
    if (r->bind_family != UINT32_MAX && sparse) return true;
    const VkQueueFamilyProperties *same = &list[r->draw_family];
    r->bind_family = r->draw_family;
    r->bind_index = sparse && same->queueCount > 1;
    return !sparse || same->queueFlags & VK_QUEUE_SPARSE_BINDING_BIT;
}

static void make_device(renderer *r, const gpumm_vulkan_needs *needs) {
    static const float priorities[] = {1, 1};
    VkDeviceQueueCreateInfo queues[2] = {{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueFamilyIndex = r->draw_family,
                                          .queueCount = r->bind_index + 1,
                                          .pQueuePriorities = priorities}};
    queues[1] = queues[0];
    queues[1].queueFamilyIndex = r->bind_family;
    queues[1].queueCount = 1;
    VkPhysicalDeviceVulkan13Features features13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                                   .synchronization2 = VK_TRUE};
    VkPhysicalDeviceVulkan12Features features12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                                   .pNext = &features13,
                                                   .timelineSemaphore = VK_TRUE,
                                                   .scalarBlockLayout = VK_TRUE,
                                                   .bufferDeviceAddress = VK_TRUE};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = &features12,
                               .queueCreateInfoCount = r->bind_family == r->draw_family ? 1 : 2,
                               .pQueueCreateInfos = queues,
                               .enabledExtensionCount = needs->extension_count,
                               .ppEnabledExtensionNames = needs->extensions,
                               .pEnabledFeatures = &(VkPhysicalDeviceFeatures){.sparseBinding = needs->sparse_binding}};
    check(vkCreateDevice(r->physical, &info, NULL, &r->device), "vkCreateDevice");
    vkGetDeviceQueue(r->device, r->draw_family, 0, &r->draw_queue);
    vkGetDeviceQueue(r->device, r->bind_family, r->bind_index, &r->bind_queue);
}

static bool open_device(renderer *r, gpumm_manager *manager, char *why, size_t size) {
    gpumm_vulkan_options options = {.manager = manager};
    gpumm_vulkan_needs needs;
    if (!make_instance(r)) return snprintf(why, size, "Vulkan cannot be started (is there a driver?)"), false;
    if (!choose(r, &options, &needs, why, size)) return false;
    if (!choose_queues(r, needs.sparse_binding))
        return snprintf(why, size, "%s has no queues for this", r->properties.deviceName), false;
    make_device(r, &needs);
    options.device = r->device;
    options.bind_queue = r->bind_queue;
    if (gpumm_vulkan_open(&options, &r->vulkan) == GPUMM_OK) return true;
    return snprintf(why, size, "%s", gpumm_vulkan_message()), false;
}

/* ---- Memory and pipelines ------------------------------------------------------------------------------------ */

static uint32_t type_of(renderer *r, uint32_t among, VkMemoryPropertyFlags flags) {
    VkPhysicalDeviceMemoryProperties has;
    vkGetPhysicalDeviceMemoryProperties(r->physical, &has);
    for (uint32_t i = 0; i < has.memoryTypeCount; i++)
        if (among >> i & 1 && (has.memoryTypes[i].propertyFlags & flags) == flags) return i;
    fprintf(stderr, "vulkan: no memory of properties 0x%x\n", flags);
    exit(EXIT_FAILURE);
}

static void make_memory(renderer *r, uint64_t bytes, bool here, memory *m) {
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = bytes,
                               .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                        VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
    VkMemoryRequirements needs;
    check(vkCreateBuffer(r->device, &info, NULL, &m->buffer), "vkCreateBuffer");
    vkGetBufferMemoryRequirements(r->device, m->buffer, &needs);
    VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                       .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo what = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = needs.size,
        .memoryTypeIndex = type_of(r, needs.memoryTypeBits,
                                   here ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                                        : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)};
    check(vkAllocateMemory(r->device, &what, NULL, &m->memory), "vkAllocateMemory");
    check(vkBindBufferMemory(r->device, m->buffer, m->memory, 0), "vkBindBufferMemory");
    if (here) check(vkMapMemory(r->device, m->memory, 0, VK_WHOLE_SIZE, 0, &m->mapped), "vkMapMemory");
    m->address = vkGetBufferDeviceAddress(
        r->device,
        &(VkBufferDeviceAddressInfo){.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = m->buffer});
}

static void drop_memory(renderer *r, memory *m) {
    vkDestroyBuffer(r->device, m->buffer, NULL);
    vkFreeMemory(r->device, m->memory, NULL);
}

static VkPipeline make_pipeline(renderer *r, const uint32_t *code, size_t bytes) {
    VkShaderModuleCreateInfo text = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = code};
    VkShaderModule module;
    VkPipeline pipeline;
    check(vkCreateShaderModule(r->device, &text, NULL, &module), "vkCreateShaderModule");
    VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                  .module = module,
                                                  .pName = "main"},
                                        .layout = r->layout};
    check(vkCreateComputePipelines(r->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline), "vkCreateComputePipelines");
    vkDestroyShaderModule(r->device, module, NULL);
    return pipeline;
}

static void make_flight(renderer *r, flight *f) {
    VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = r->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    uint64_t bytes = (uint64_t)r->width * r->height * 4;
    check(vkAllocateCommandBuffers(r->device, &commands, &f->commands), "vkAllocateCommandBuffers");
    check(vkCreateFence(r->device, &fence, NULL, &f->fence), "vkCreateFence");
    make_memory(r, sizeof(seen), true, &f->seen);
    make_memory(r, bytes, false, &f->pixels);
    make_memory(r, bytes, true, &f->read);
}

static void make_all(renderer *r) {
    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(draw)};
    VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                         .pushConstantRangeCount = 1,
                                         .pPushConstantRanges = &range};
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                    .queueFamilyIndex = r->draw_family};
    check(vkCreatePipelineLayout(r->device, &layout, NULL, &r->layout), "vkCreatePipelineLayout");
    check(vkCreateCommandPool(r->device, &pool, NULL, &r->pool), "vkCreateCommandPool");
    r->points = make_pipeline(r, points_spirv, sizeof points_spirv);
    r->lines = make_pipeline(r, lines_spirv, sizeof lines_spirv);
    r->colors = make_pipeline(r, colors_spirv, sizeof colors_spirv);
    make_memory(r, (uint64_t)r->width * r->height * 8, false, &r->counts);
    for (int i = 0; i < IN_FLIGHT; i++) make_flight(r, &r->flights[i]);
}

renderer *renderer_open(gpumm_manager *manager, uint32_t width, uint32_t height, char *why, size_t size) {
    renderer *r = calloc(1, sizeof *r);
    if (!r) return snprintf(why, size, "no memory"), NULL;
    r->width = width;
    r->height = height;
    if (open_device(r, manager, why, size)) return make_all(r), r;
    renderer_close(r);
    return NULL;
}

void renderer_close(renderer *r) {
    if (r->device) vkDeviceWaitIdle(r->device);
    for (flight *f = r->flights; r->pool && f < r->flights + IN_FLIGHT; f++) {
        vkDestroyFence(r->device, f->fence, NULL);
        drop_memory(r, &f->seen);
        drop_memory(r, &f->pixels);
        drop_memory(r, &f->read);
    }
    if (r->pool) {
        drop_memory(r, &r->counts);
        vkDestroyPipeline(r->device, r->points, NULL);
        vkDestroyPipeline(r->device, r->lines, NULL);
        vkDestroyPipeline(r->device, r->colors, NULL);
        vkDestroyPipelineLayout(r->device, r->layout, NULL);
        vkDestroyCommandPool(r->device, r->pool, NULL);
    }
    gpumm_vulkan_close(r->vulkan);
    if (r->device) vkDestroyDevice(r->device, NULL);
    if (r->instance) vkDestroyInstance(r->instance, NULL);
    free(r);
}

gpumm_vulkan *renderer_vulkan(renderer *r) { return r->vulkan; }
const char *renderer_device(const renderer *r) { return r->properties.deviceName; }
uint64_t renderer_waits(const renderer *r) { return r->waits; }

/* ---- A picture --------------------------------------------------------------------------------------------------- */

static void barrier(VkCommandBuffer c) {
    VkMemoryBarrier2 all = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
                            .srcStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                            .srcAccessMask = VK_ACCESS_2_MEMORY_WRITE_BIT,
                            .dstStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_2_HOST_BIT,
                            .dstAccessMask = VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT};
    vkCmdPipelineBarrier2(c, &(VkDependencyInfo){.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                                                 .memoryBarrierCount = 1,
                                                 .pMemoryBarriers = &all});
}

static void run(renderer *r, VkCommandBuffer c, VkPipeline pipeline, uint64_t threads) {
    if (!threads) return;
    if ((threads + 255) / 256 > r->properties.limits.maxComputeWorkGroupCount[0]) {
        fprintf(stderr, "vulkan: %llu are more than %s draws at once\n", (unsigned long long)threads,
                r->properties.deviceName);
        exit(EXIT_FAILURE);
    }
    vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vkCmdDispatch(c, (uint32_t)((threads + 255) / 256), 1, 1);
}

static void record(renderer *r, flight *f, const draw *d) {
    VkCommandBuffer c = f->commands;
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    check(vkBeginCommandBuffer(c, &begin), "vkBeginCommandBuffer");
    vkCmdFillBuffer(c, r->counts.buffer, 0, VK_WHOLE_SIZE, 0);
    barrier(c);
    vkCmdPushConstants(c, r->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof *d, d);
    run(r, c, r->points, d->nodes);
    run(r, c, r->lines, d->edges);
    barrier(c);
    run(r, c, r->colors, (uint64_t)r->width * r->height);
    barrier(c);
    if (f->keep) {
        vkCmdCopyBuffer(c, f->pixels.buffer, f->read.buffer, 1,
                        &(VkBufferCopy){.size = (VkDeviceSize)r->width * r->height * 4});
        barrier(c);
    }
    check(vkEndCommandBuffer(c), "vkEndCommandBuffer");
}

static void submit(renderer *r, flight *f, const gpumm_vulkan_turn *turn) {
    VkSemaphoreSubmitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                  .semaphore = turn->wait,
                                  .value = turn->wait_value,
                                  .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT};
    VkSemaphoreSubmitInfo signal = wait;
    signal.semaphore = turn->signal;
    signal.value = turn->signal_value;
    VkCommandBufferSubmitInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
                                          .commandBuffer = f->commands};
    VkSubmitInfo2 info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                          .waitSemaphoreInfoCount = 1,
                          .pWaitSemaphoreInfos = &wait,
                          .commandBufferInfoCount = 1,
                          .pCommandBufferInfos = &commands,
                          .signalSemaphoreInfoCount = 1,
                          .pSignalSemaphoreInfos = &signal};
    check(vkQueueSubmit2(r->draw_queue, 1, &info, f->fence), "vkQueueSubmit2");
}

void renderer_draw(renderer *r, const scene *s, const gpumm_vulkan_turn *turn, bool keep) {
    flight *f = &r->flights[r->next++ % IN_FLIGHT];
    if (f->busy) abort(); /* renderer_next comes first */
    uint32_t side = r->width < r->height ? r->width : r->height;
    if (r->scale == 0) r->scale = 0.4f * (float)side / sqrtf((float)s->nodes + 16);
    draw d = {.positions = s->positions,
              .stamps = s->stamps,
              .ends = s->ends,
              .counts = r->counts.address,
              .pixels = f->pixels.address,
              .seen = f->seen.address,
              .nodes = s->nodes,
              .edges = s->edges,
              .width = r->width,
              .height = r->height,
              .scale = r->scale};
    memcpy(f->seen.mapped, &(seen){.first_stamp = UINT32_MAX}, sizeof(seen));
    f->busy = true;
    f->keep = keep;
    f->scene = *s;
    record(r, f, &d);
    submit(r, f, turn);
}

/* All of it fits, as it did in the last picture that is done. */
static void zoom(renderer *r, float reach) {
    uint32_t side = r->width < r->height ? r->width : r->height;
    if (reach > 0) r->scale += 0.1f * (0.47f * (float)side / reach - r->scale);
}

bool renderer_next(renderer *r, bool wait, picture *out) {
    flight *f = &r->flights[r->oldest % IN_FLIGHT];
    if (!f->busy) return false;
    VkResult result = vkGetFenceStatus(r->device, f->fence);
    if (result == VK_NOT_READY && !wait) return false;
    if (result == VK_NOT_READY) {
        r->waits++;
        result = vkWaitForFences(r->device, 1, &f->fence, VK_TRUE, UINT64_MAX);
    }
    check(result, "a picture");
    check(vkResetFences(r->device, 1, &f->fence), "vkResetFences");
    *out = (picture){.scene = f->scene, .done = seconds_now(), .pixels = f->keep ? f->read.mapped : NULL};
    memcpy(&out->seen, f->seen.mapped, sizeof out->seen);
    zoom(r, out->seen.reach);
    f->busy = false;
    r->oldest++;
    return true;
}
