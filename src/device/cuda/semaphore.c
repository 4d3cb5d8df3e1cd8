/* SPDX-License-Identifier: MIT */
/* Vulkan's timeline semaphores as external semaphores of CUDA. The driver takes a descriptor over where it imports it, so
   it is given a copy. */
#include "device/cuda/semaphore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "device/cuda/context.h"
#include "device/cuda/stream.h"

struct device_semaphore {
    CUexternalSemaphore handle;
};

static bool driver_has_them(void) {
    return gpumm__driver.cuImportExternalSemaphore && gpumm__driver.cuDestroyExternalSemaphore &&
           gpumm__driver.cuSignalExternalSemaphoresAsync && gpumm__driver.cuWaitExternalSemaphoresAsync;
}

/* Within enter. */
static gpumm_status import_copy(cuda *c, int descriptor, device_semaphore *x) {
    CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC from = {.type = CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD};
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return fail(GPUMM_INVALID_ARGUMENT, "descriptor %d is no semaphore: %s", descriptor, strerror(errno));
    from.handle.fd = copy;
    gpumm_status status = CU(c, cuImportExternalSemaphore, (&x->handle, &from));
    if (status != GPUMM_OK) close(copy);
    return status;
}

static gpumm_status import_within(cuda *c, int descriptor, device_semaphore *x) {
    cuda_visit visit;
    if (!driver_has_them()) return fail(GPUMM_DRIVER, "the NVIDIA driver has no external semaphores");
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = import_copy(c, descriptor, x);
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_semaphore_import(device *d, int descriptor, device_semaphore **out) {
    device_semaphore *x = gpumm__mem_new(d->memory, sizeof *x);
    if (!x) return fail_host_memory(sizeof *x);
    gpumm_status status = import_within(cuda_of(d), descriptor, x);
    if (status == GPUMM_OK) *out = x;
    else gpumm__mem_free(d->memory, x);
    return status;
}

void gpumm__cuda_semaphore_close(device *d, device_semaphore *x) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (gpumm__cuda_enter_giving(c, &visit)) {
        (void)CU_BACK(c, cuDestroyExternalSemaphore, (x->handle));
        gpumm__cuda_leave(c, &visit);
    }
    gpumm__mem_free(d->memory, x);
}

gpumm_status gpumm__cuda_semaphore_signal(device *d, device_stream *s, device_semaphore *x, uint64_t value) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS how = {.params.fence.value = value};
    TRY(gpumm__cuda_enter(c, &visit));
    gpumm_status status = gpumm__cuda_not_capturing(c, s);
    if (status == GPUMM_OK) status = CU(c, cuSignalExternalSemaphoresAsync, (&x->handle, &how, 1, s->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_semaphore_wait(device *d, device_stream *s, device_semaphore *x, uint64_t value) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS how = {.params.fence.value = value};
    TRY(gpumm__cuda_enter(c, &visit));
    gpumm_status status = gpumm__cuda_not_capturing(c, s);
    if (status == GPUMM_OK) status = CU(c, cuWaitExternalSemaphoresAsync, (&x->handle, &how, 1, s->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}
