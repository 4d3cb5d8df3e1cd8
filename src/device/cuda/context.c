/* SPDX-License-Identifier: MIT */
/*
 * Contexts: made current around each entry, and lost together. The first error after which the driver
 * refuses everything is latched with its cause for every device of the context; from then on the
 * driver is not called any more. Also here: what an error of the driver means.
 */
#include "device/cuda/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* ---- What an error means ---- */

/* No error of the driver's has this bit: a planned failure, with its status below. */
enum { INJECTED = 0x100000 };

CUresult gpumm__cuda_instead(cuda *c) {
    int status = atomic_load(&c->plan.status);
    return status == GPUMM_OK ? CUDA_SUCCESS : (CUresult)(INJECTED | status);
}

static bool injected(CUresult result) { return ((unsigned)result & INJECTED) != 0; }

/* After one of these the context answers every call with an error. */
static bool sticky(CUresult result) {
    switch ((int)result) {
    case CUDA_ERROR_DEINITIALIZED:
    case CUDA_ERROR_INVALID_CONTEXT: /* ours was valid: somebody reset the device */
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case 226: /* CUDA_ERROR_CONTAINED, not in every toolkit's header */
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case 721: /* CUDA_ERROR_TENSOR_MEMORY_LEAK */
    case CUDA_ERROR_MPS_CLIENT_TERMINATED:
    case CUDA_ERROR_EXTERNAL_DEVICE: return true;
    default: return injected(result) && ((int)result & ~INJECTED) == GPUMM_DEVICE_LOST;
    }
}

static gpumm_status meaning(CUresult result) {
    if (injected(result)) return (gpumm_status)((int)result & ~INJECTED);
    if (sticky(result)) return GPUMM_DEVICE_LOST;
    if (result >= CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED && result <= CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD)
        return GPUMM_BUSY;
    switch (result) {
    case CUDA_ERROR_OUT_OF_MEMORY: return GPUMM_OUT_OF_MEMORY;
    case CUDA_ERROR_NOT_READY: return GPUMM_BUSY;
    case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: return GPUMM_INVALID_ARGUMENT;
    default: return GPUMM_DRIVER;
    }
}

/* "CUDA_ERROR_X (its text)" in the driver's own words. */
static const char *words(CUresult result, char text[static 256]) {
    const char *name = NULL, *long_text = NULL;
    if (injected(result)) {
        snprintf(text, 256, "%s, on purpose", gpumm_status_name(meaning(result)));
        return text;
    }
    if (gpumm__driver.cuGetErrorName(result, &name) != CUDA_SUCCESS) name = NULL;
    if (gpumm__driver.cuGetErrorString(result, &long_text) != CUDA_SUCCESS) long_text = NULL;
    if (name) snprintf(text, 256, "%s (%s)", name, long_text ? long_text : "no text");
    else snprintf(text, 256, "error %d, which the driver does not know", (int)result);
    return text;
}

void gpumm__cuda_note(cuda *c, driver_entry entry, CUresult result) {
    cuda_context *context = c->context;
    if (!context || !sticky(result)) return;
    char text[256];
    words(result, text);
    pthread_mutex_lock(&gpumm__driver.mutex);
    if (!atomic_load(&context->lost)) {
        snprintf(context->cause, sizeof context->cause, "%s: %s", gpumm__driver_entry_name(entry), text);
        context->forever = !injected(result);
        atomic_store(&context->lost, true);
    }
    pthread_mutex_unlock(&gpumm__driver.mutex);
}

gpumm_status gpumm__cuda_failed(cuda *c, driver_entry entry, CUresult result) {
    char text[256];
    gpumm__cuda_note(c, entry, result);
    if (sticky(result) && c->context) return gpumm__cuda_usable(c);
    return fail(meaning(result), "%s: %s", gpumm__driver_entry_name(entry), words(result, text));
}

/* ---- The contexts ---- */

static cuda_context *context_find(CUcontext handle) {
    cuda_context *context = gpumm__driver.contexts;
    while (context && context->handle != handle) context = context->next;
    return context;
}

/* The record is malloc's and not the allocator's: devices with different allocators share it. */
static cuda_context *context_new(CUcontext handle) {
    cuda_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    context->handle = handle;
    context->next = gpumm__driver.contexts;
    gpumm__driver.contexts = context;
    return context;
}

gpumm_status gpumm__cuda_context_take(cuda *c, CUcontext handle) {
    pthread_mutex_lock(&gpumm__driver.mutex);
    cuda_context *context = context_find(handle);
    if (!context) context = context_new(handle);
    if (context) context->users++;
    pthread_mutex_unlock(&gpumm__driver.mutex);
    if (!context) return fail_host_memory(sizeof *context);
    c->context = context;
    return GPUMM_OK;
}

static void context_unlink(cuda_context *context) {
    cuda_context **link = &gpumm__driver.contexts;
    while (*link != context) link = &(*link)->next;
    *link = context->next;
    free(context);
}

void gpumm__cuda_context_drop(cuda *c) {
    cuda_context *context = c->context;
    if (!context) return;
    c->context = NULL;
    pthread_mutex_lock(&gpumm__driver.mutex);
    /* A lost primary context has the same handle when it is asked for again. */
    bool keep = context->forever && c->retained;
    if (--context->users == 0 && !keep) context_unlink(context);
    pthread_mutex_unlock(&gpumm__driver.mutex);
}

static bool forked(cuda *c) { return c->forks != atomic_load_explicit(&gpumm__driver.forks, memory_order_relaxed); }

static bool lost(cuda *c) { return c->context && atomic_load_explicit(&c->context->lost, memory_order_acquire); }

bool gpumm__cuda_gone(cuda *c) { return forked(c) || lost(c); }

gpumm_status gpumm__cuda_usable(cuda *c) {
    if (forked(c))
        return fail(GPUMM_DEVICE_LOST,
                    "the CUDA device was opened before this process was forked and is used after fork: "
                    "open devices in the child, before the parent opens any");
    if (lost(c))
        return fail(GPUMM_DEVICE_LOST, "the CUDA device is lost until the process ends, since %s", c->context->cause);
    return GPUMM_OK;
}

/* ---- Current around each entry ---- */

/* A thread that works in the context already, as an application of the runtime API has, needs none pushed. Where that
   cannot be told the context is pushed: whatever is wrong with another one is not ours to report. */
static bool is_current(cuda *c) {
    CUcontext now = NULL;
    return CU_RESULT(c, cuCtxGetCurrent, (&now)) == CUDA_SUCCESS && now == c->context->handle;
}

/* Where this thread stays. */
static _Thread_local const cuda *staying;
static _Thread_local cuda_visit stay;

gpumm_status gpumm__cuda_enter(cuda *c, cuda_visit *visit) {
    visit->quiet = false;
    TRY(gpumm__cuda_usable(c));
    visit->pushed = staying != c && !is_current(c);
    return visit->pushed ? CU(c, cuCtxPushCurrent, (c->context->handle)) : GPUMM_OK;
}

void gpumm__cuda_leave(cuda *c, cuda_visit *visit) {
    CUcontext ours;
    if (visit->quiet) (void)CU_BACK(c, cuThreadExchangeStreamCaptureMode, (&visit->mode));
    if (visit->pushed) (void)CU_BACK(c, cuCtxPopCurrent, (&ours));
}

gpumm_status gpumm__cuda_stay(device *d) {
    cuda *c = cuda_of(d);
    TRY(gpumm__cuda_enter(c, &stay));
    staying = c;
    return GPUMM_OK;
}

void gpumm__cuda_stay_end(device *d) {
    staying = NULL;
    gpumm__cuda_leave(cuda_of(d), &stay);
}

gpumm_status gpumm__cuda_enter_quiet(cuda *c, cuda_visit *visit) {
    TRY(gpumm__cuda_enter(c, visit));
    visit->mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    gpumm_status status = CU(c, cuThreadExchangeStreamCaptureMode, (&visit->mode));
    visit->quiet = status == GPUMM_OK;
    if (!visit->quiet) gpumm__cuda_leave(c, visit);
    return status;
}

bool gpumm__cuda_enter_giving(cuda *c, cuda_visit *visit) {
    visit->quiet = false;
    if (gpumm__cuda_gone(c)) return false;
    visit->pushed = !is_current(c);
    if (visit->pushed && !CU_BACK(c, cuCtxPushCurrent, (c->context->handle))) return false;
    visit->mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    visit->quiet = CU_BACK(c, cuThreadExchangeStreamCaptureMode, (&visit->mode));
    if (!visit->quiet) gpumm__cuda_leave(c, visit);
    return visit->quiet;
}
