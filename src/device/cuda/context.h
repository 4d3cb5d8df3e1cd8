/* SPDX-License-Identifier: MIT */
/*
 * How every file of this room calls the driver: enter, CU(…), leave.
 *
 * CU is the one door to the driver. It lets an injected failure replace the call, turns what the driver
 * says into a status with a message, and notes an error that ends the context. It makes no context current:
 * gpumm__cuda_enter does, once for each entry of the device table, or for several of them that a stay holds together.
 */
#ifndef DEVICE_CUDA_CONTEXT_H
#define DEVICE_CUDA_CONTEXT_H

#include "device/cuda/fault.h"

/* ---- Calling the driver ---- */

/* What a planned failure says instead of the driver. */
CUresult gpumm__cuda_instead(cuda *c);
gpumm_status gpumm__cuda_failed(cuda *c, driver_entry entry, CUresult result); /* not CUDA_SUCCESS */
void gpumm__cuda_note(cuda *c, driver_entry entry, CUresult result);           /* latches a sticky error, silently */

static inline bool cuda_replaced(cuda *c, driver_entry entry) {
    return atomic_load_explicit(&c->watched, memory_order_relaxed) && gpumm__cuda_planned(c, entry);
}

static inline gpumm_status cuda_status(cuda *c, driver_entry entry, CUresult result) {
    return result == CUDA_SUCCESS ? GPUMM_OK : gpumm__cuda_failed(c, entry, result);
}

static inline bool cuda_gave(cuda *c, driver_entry entry, CUresult result) {
    if (result != CUDA_SUCCESS) gpumm__cuda_note(c, entry, result);
    return result == CUDA_SUCCESS;
}

/* What the driver said, as it is. */
#define CU_RESULT(c, entry, arguments) \
    (cuda_replaced((c), DRIVER_##entry) ? gpumm__cuda_instead((c)) : gpumm__driver.entry arguments)
/* The same as a status, with its message. */
#define CU(c, entry, arguments) cuda_status((c), DRIVER_##entry, CU_RESULT(c, entry, arguments))
/* Giving back: nobody can be told of a failure, so it is tried a second time and leaves the message alone. */
#define CU_BACK(c, entry, arguments) \
    (cuda_gave((c), DRIVER_##entry, CU_RESULT(c, entry, arguments)) || \
     cuda_gave((c), DRIVER_##entry, CU_RESULT(c, entry, arguments)))

/* ---- Contexts ---- */

gpumm_status gpumm__cuda_context_take(cuda *c, CUcontext handle);
void gpumm__cuda_context_drop(cuda *c);
bool gpumm__cuda_gone(cuda *c);           /* lost, or on the wrong side of a fork: the driver is not called any more */
gpumm_status gpumm__cuda_usable(cuda *c); /* DEVICE_LOST with the cause */

/* One call's stay in the context: what leaving has to undo. */
typedef struct cuda_visit {
    bool pushed; /* the context; else it was the thread's own already */
    bool quiet;
    CUstreamCaptureMode mode; /* the thread's own, where quiet */
} cuda_visit;

/* Makes the context current for the calling thread until gpumm__cuda_leave. */
gpumm_status gpumm__cuda_enter(cuda *c, cuda_visit *visit);
/* The same around calls that would break another thread's graph capture, were they not declared harmless. */
gpumm_status gpumm__cuda_enter_quiet(cuda *c, cuda_visit *visit);
/* For calls that give back and have no status: false where there is nothing to call. */
bool gpumm__cuda_enter_giving(cuda *c, cuda_visit *visit);
void gpumm__cuda_leave(cuda *c, cuda_visit *visit);
/* A visit that lasts for several entries of this thread: until its end they find the context current. */
gpumm_status gpumm__cuda_stay(device *d);
void gpumm__cuda_stay_end(device *d);

#endif
