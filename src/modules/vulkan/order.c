/* SPDX-License-Identifier: MIT */
/* Order: a semaphore for each direction, since the values of one come from one side. Vulkan makes both; where it can export them
   gpumm's streams use the very same, else this thread tells one side of the other. */
#include <stdlib.h>
#include <unistd.h>

#include "modules/vulkan/vulkan.h"

typedef struct direction {
    VkSemaphore vulkan;
    gpumm_semaphore *gpumm; /* NULL by address */
} direction;

struct gpumm_vulkan_order {
    gpumm_vulkan *vulkan;
    direction there, back; /* to Vulkan, to gpumm */
    uint64_t turns;
};

static gpumm_status make_semaphore(gpumm_vulkan *v, VkSemaphore *out) {
    VkExportSemaphoreCreateInfo exported = {.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
                                            .handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT};
    VkSemaphoreTypeCreateInfo timeline = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                          .pNext = v->sparse ? &exported : NULL,
                                          .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &timeline};
    return gpumm_vulkan__result(v->vkCreateSemaphore(v->device, &info, NULL, out), "vkCreateSemaphore");
}

static gpumm_status import(gpumm_vulkan *v, direction *d) {
    VkSemaphoreGetFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
                                    .semaphore = d->vulkan,
                                    .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT};
    int fd;
    TRY(gpumm_vulkan__result(v->vkGetSemaphoreFdKHR(v->device, &info, &fd), "vkGetSemaphoreFdKHR"));
    gpumm_status status = gpumm_vulkan__of(gpumm_semaphore_import(v->manager, fd, &d->gpumm));
    close(fd);
    return status;
}

static gpumm_status open_direction(gpumm_vulkan *v, direction *d) {
    TRY(make_semaphore(v, &d->vulkan));
    return v->sparse ? import(v, d) : GPUMM_OK;
}

static void close_direction(gpumm_vulkan *v, direction *d) {
    gpumm_semaphore_release(d->gpumm);
    v->vkDestroySemaphore(v->device, d->vulkan, NULL);
}

gpumm_status gpumm_vulkan_order_open(gpumm_vulkan *v, gpumm_vulkan_order **out) {
    NOT_NULL(v, "vulkan");
    NOT_NULL(out, "out");
    gpumm_vulkan_order *o = calloc(1, sizeof *o);
    if (!o) return gpumm_vulkan__fail(GPUMM_OUT_OF_MEMORY, "the host has no memory");
    o->vulkan = v;
    gpumm_status status = open_direction(v, &o->there);
    if (status == GPUMM_OK) status = open_direction(v, &o->back);
    if (status == GPUMM_OK) *out = o;
    else gpumm_vulkan_order_close(o);
    return status;
}

static gpumm_status wait_here(gpumm_vulkan *v, gpumm_stream *stream) {
    gpumm_event *e;
    TRY(gpumm_vulkan__of(gpumm_stream_record(stream ? stream : gpumm_manager_main(v->manager), &e)));
    gpumm_status status = gpumm_vulkan__of(gpumm_event_wait(e, -1));
    gpumm_event_release(e);
    return status;
}

static gpumm_status signal_there(gpumm_vulkan_order *o, gpumm_stream *stream, uint64_t value) {
    gpumm_vulkan *v = o->vulkan;
    VkSemaphoreSignalInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = o->there.vulkan, .value = value};
    if (v->sparse) return gpumm_vulkan__of(gpumm_semaphore_signal(o->there.gpumm, stream, value));
    TRY(wait_here(v, stream));
    return gpumm_vulkan__result(v->vkSignalSemaphore(v->device, &info), "vkSignalSemaphore");
}

gpumm_status gpumm_vulkan_order_give(gpumm_vulkan_order *o, gpumm_stream *stream, gpumm_vulkan_turn *turn) {
    NOT_NULL(o, "order");
    NOT_NULL(turn, "turn");
    TRY(signal_there(o, stream, o->turns + 1));
    o->turns++;
    *turn = (gpumm_vulkan_turn){o->there.vulkan, o->back.vulkan, o->turns, o->turns};
    return GPUMM_OK;
}

gpumm_status gpumm_vulkan_order_take(gpumm_vulkan_order *o, gpumm_stream *stream, const gpumm_vulkan_turn *turn) {
    NOT_NULL(o, "order");
    NOT_NULL(turn, "turn");
    gpumm_vulkan *v = o->vulkan;
    VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                .semaphoreCount = 1,
                                .pSemaphores = &o->back.vulkan,
                                .pValues = &turn->signal_value};
    if (turn->signal_value == 0 || turn->signal_value > o->turns)
        return gpumm_vulkan__fail(GPUMM_INVALID_ARGUMENT, "the turn was not given by this order");
    if (v->sparse) return gpumm_vulkan__of(gpumm_semaphore_wait(o->back.gpumm, stream, turn->signal_value));
    return gpumm_vulkan__result(v->vkWaitSemaphores(v->device, &info, UINT64_MAX), "vkWaitSemaphores");
}

void gpumm_vulkan_order_close(gpumm_vulkan_order *o) {
    if (!o) return;
    close_direction(o->vulkan, &o->there);
    close_direction(o->vulkan, &o->back);
    free(o);
}
