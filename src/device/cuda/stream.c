/* SPDX-License-Identifier: MIT */
/*
 * Streams, events, copies and fills. None of ours waits for the default stream.
 *
 * A stream whose handle somebody else has may be capturing a graph. What we would enqueue on it is for
 * now, not for every replay, and a query would break the capture: such calls are BUSY. Launches are
 * what a graph is for, and pass. A stream that nobody saw cannot be capturing, and is not asked.
 *
 * The driver refuses a copy of which a part is spilled memory and a part is not, and goes a slow way where a part is on
 * another device: it is given the pieces. Where one fails, those before it are enqueued; what they write to is undefined for
 * the caller then, as behind any failed call. It fills no spilled memory at all: that is a kernel of our own, as is what
 * goes between devices, where it can.
 *
 * Events that are not timed cost the device less to record, and those that only order wake nobody.
 */
#include "device/cuda/stream.h"

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/admission.h"
#include "device/cuda/border.h"
#include "device/cuda/context.h"
#include "device/cuda/own_kernels.h"

struct device_event {
    CUevent handle;
};

/* Within enter. */
static gpumm_status capturing(cuda *c, device_stream *s, bool *yes) {
    CUstreamCaptureStatus capture = CU_STREAM_CAPTURE_STATUS_NONE;
    *yes = false;
    if (!atomic_load_explicit(&s->exported, memory_order_relaxed)) return GPUMM_OK;
    TRY(CU(c, cuStreamIsCapturing, (s->handle, &capture)));
    *yes = capture != CU_STREAM_CAPTURE_STATUS_NONE;
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_not_capturing(cuda *c, device_stream *s) {
    bool captures;
    TRY(capturing(c, s, &captures));
    if (!captures) return GPUMM_OK;
    return fail(GPUMM_BUSY, "the stream is capturing a CUDA graph: only kernels can be launched on it until the "
                            "capture ends");
}

/* Enters for work on a stream, unless it captures. */
static gpumm_status enter_stream(cuda *c, device_stream *s, cuda_visit *visit) {
    TRY(gpumm__cuda_enter(c, visit));
    gpumm_status status = gpumm__cuda_not_capturing(c, s);
    if (status != GPUMM_OK) gpumm__cuda_leave(c, visit);
    return status;
}

static gpumm_status enter_stream_quiet(cuda *c, device_stream *s, cuda_visit *visit) {
    TRY(gpumm__cuda_enter_quiet(c, visit));
    gpumm_status status = gpumm__cuda_not_capturing(c, s);
    if (status != GPUMM_OK) gpumm__cuda_leave(c, visit);
    return status;
}

/* ---- Streams ---- */

static gpumm_status check_native(cuda *c, CUstream native) {
    CUcontext context = NULL;
    if (!gpumm__driver.cuStreamGetCtx) return GPUMM_OK;
    TRY(CU(c, cuStreamGetCtx, (native, &context)));
    if (context == c->context->handle) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "the stream belongs to another CUDA context than the manager's");
}

static gpumm_status stream_make(cuda *c, void *native, device_stream *s) {
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    s->owned = native == NULL;
    atomic_init(&s->exported, !s->owned);
    s->handle = native;
    gpumm_status status =
        s->owned ? CU(c, cuStreamCreate, (&s->handle, CU_STREAM_NON_BLOCKING)) : check_native(c, native);
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_stream_open(device *d, void *native, device_stream **out) {
    device_stream *s = gpumm__mem_new(d->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    gpumm_status status = stream_make(cuda_of(d), native, s);
    if (status != GPUMM_OK) return gpumm__mem_free(d->memory, s), status;
    *out = s;
    return GPUMM_OK;
}

static bool may_capture(cuda *c, device_stream *s) {
    CUstreamCaptureStatus capture = CU_STREAM_CAPTURE_STATUS_NONE;
    if (!atomic_load(&s->exported)) return false;
    return CU_RESULT(c, cuStreamIsCapturing, (s->handle, &capture)) != CUDA_SUCCESS ||
           capture != CU_STREAM_CAPTURE_STATUS_NONE;
}

void gpumm__cuda_stream_close(device *d, device_stream *s) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (gpumm__cuda_enter_giving(c, &visit)) {
        if (!may_capture(c, s)) (void)CU_BACK(c, cuStreamSynchronize, (s->handle));
        if (s->owned) (void)CU_BACK(c, cuStreamDestroy, (s->handle));
        gpumm__cuda_leave(c, &visit);
    }
    gpumm__mem_free(d->memory, s);
}

gpumm_status gpumm__cuda_stream_synchronize(device *d, device_stream *s) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream_quiet(c, s, &visit));
    gpumm_status status = CU(c, cuStreamSynchronize, (s->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}

/* A query's answer: CUDA_ERROR_NOT_READY is none of the failures. */
static gpumm_status answer(cuda *c, driver_entry entry, CUresult result, bool *yes) {
    if (result != CUDA_SUCCESS && result != CUDA_ERROR_NOT_READY) return gpumm__cuda_failed(c, entry, result);
    *yes = result == CUDA_SUCCESS;
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_stream_query(device *d, device_stream *s, bool *idle) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream_quiet(c, s, &visit));
    gpumm_status status = answer(c, DRIVER_cuStreamQuery, CU_RESULT(c, cuStreamQuery, (s->handle)), idle);
    gpumm__cuda_leave(c, &visit);
    return status;
}

void *gpumm__cuda_native_stream(device_stream *s) {
    atomic_store(&s->exported, true);
    return s->handle;
}

gpumm_status gpumm__cuda_stream_capturing(device *d, device_stream *s, bool *yes) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    *yes = false;
    if (!atomic_load_explicit(&s->exported, memory_order_relaxed)) return GPUMM_OK;
    TRY(gpumm__cuda_enter(c, &visit));
    gpumm_status status = capturing(c, s, yes);
    gpumm__cuda_leave(c, &visit);
    return status;
}

/* ---- Events ---- */

/* Blocking: who synchronizes with an event (core's waiter) sleeps, instead of keeping a core busy. */
static unsigned event_flags(event_purpose purpose) {
    return (purpose == EVENT_ORDERS ? 0 : CU_EVENT_BLOCKING_SYNC) |
           (purpose == EVENT_TIMED ? 0 : CU_EVENT_DISABLE_TIMING);
}

gpumm_status gpumm__cuda_event_open(device *d, event_purpose purpose, device_event **out) {
    cuda *c = cuda_of(d);
    device_event *e = gpumm__mem_new(d->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    cuda_visit visit;
    gpumm_status status = gpumm__cuda_enter_quiet(c, &visit);
    if (status == GPUMM_OK) {
        status = CU(c, cuEventCreate, (&e->handle, event_flags(purpose)));
        gpumm__cuda_leave(c, &visit);
    }
    if (status != GPUMM_OK) return gpumm__mem_free(d->memory, e), status;
    *out = e;
    return GPUMM_OK;
}

void gpumm__cuda_event_close(device *d, device_event *e) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (gpumm__cuda_enter_giving(c, &visit)) {
        (void)CU_BACK(c, cuEventDestroy, (e->handle));
        gpumm__cuda_leave(c, &visit);
    }
    gpumm__mem_free(d->memory, e);
}

gpumm_status gpumm__cuda_event_record(device *d, device_event *e, device_stream *s) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = CU(c, cuEventRecord, (e->handle, s->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_event_query(device *d, device_event *e, bool *done) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = answer(c, DRIVER_cuEventQuery, CU_RESULT(c, cuEventQuery, (e->handle)), done);
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_event_synchronize(device *d, device_event *e) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = CU(c, cuEventSynchronize, (e->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_event_elapsed(device *d, device_event *from, device_event *to, double *seconds) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    float milliseconds = 0;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = CU(c, cuEventElapsedTime, (&milliseconds, from->handle, to->handle));
    gpumm__cuda_leave(c, &visit);
    if (status == GPUMM_OK) *seconds = (double)milliseconds * 1e-3;
    return status;
}

gpumm_status gpumm__cuda_stream_wait(device *d, device_stream *s, device_event *e) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = CU(c, cuStreamWaitEvent, (s->handle, e->handle, 0));
    gpumm__cuda_leave(c, &visit);
    return status;
}

/* ---- Copies, fills, calls ---- */

/* In one place on each side. */
static gpumm_status copy_piece(cuda *c, CUstream stream, copy_kind kind, gpumm_address to, gpumm_address from,
                               uint64_t bytes) {
    switch (kind) {
    case COPY_H2D: return CU(c, cuMemcpyHtoDAsync, (to, (const void *)(uintptr_t)from, bytes, stream));
    case COPY_D2H: return CU(c, cuMemcpyDtoHAsync, ((void *)(uintptr_t)to, from, bytes, stream));
    case COPY_D2D: return CU(c, cuMemcpyDtoDAsync, (to, from, bytes, stream));
    }
    return fail(GPUMM_INVALID_ARGUMENT, "no such kind of copy: %d", (int)kind);
}

static gpumm_status copy_enqueue(cuda *c, CUstream stream, copy_kind kind, gpumm_address to, gpumm_address from,
                                 uint64_t bytes) {
    if (kind == COPY_D2D && gpumm__cuda_copy_kernel_takes(c, to, from, bytes))
        return gpumm__cuda_copy_kernel_run(c, stream, to, from, bytes);
    for (uint64_t done = 0, piece = 0; done < bytes; done += piece) {
        piece = gpumm__cuda_one_kind_each(c, to + done, from + done, bytes - done);
        TRY(copy_piece(c, stream, kind, to + done, from + done, piece));
    }
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = copy_enqueue(c, s->handle, kind, to, from, bytes);
    gpumm__cuda_leave(c, &visit);
    return status;
}

/* The one for two contexts takes memory that is mapped in place, too, whoever has access to it. */
static gpumm_status peer_piece(cuda *c, CUstream stream, gpumm_address to, cuda *other, gpumm_address from,
                               uint64_t bytes, bool used) {
    CUcontext ours = c->context->handle, theirs = other->context->handle;
    if (ours == theirs || used) return CU(c, cuMemcpyDtoDAsync, (to, from, bytes, stream));
    return CU(c, cuMemcpyPeerAsync, (to, ours, from, theirs, bytes, stream));
}

/* Each side has borders of its own device. */
static gpumm_status peer_enqueue(cuda *c, CUstream stream, gpumm_address to, cuda *other, gpumm_address from,
                                 uint64_t bytes, bool used) {
    if (used && bytes && gpumm__cuda_copy_kernel_reaches(c, other, to, from, bytes))
        return gpumm__cuda_copy_kernel_run(c, stream, to, from, bytes);
    for (uint64_t done = 0, piece = 0; done < bytes; done += piece) {
        piece = gpumm__cuda_one_kind(c, to + done, gpumm__cuda_one_kind(other, from + done, bytes - done));
        TRY(peer_piece(c, stream, to + done, other, from + done, piece, used));
    }
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_copy_from(device *d, device_stream *s, gpumm_address to, const device_foreign *from,
                                   uint64_t bytes) {
    cuda *c = cuda_of(d), *o = cuda_of(from->device);
    cuda_visit visit;
    TRY(gpumm__cuda_usable(o));
    bool used = from->used || gpumm__cuda_admits(o, from->at, bytes, c->device);
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = peer_enqueue(c, s->handle, to, o, from->at, bytes, used);
    gpumm__cuda_leave(c, &visit);
    return status;
}

static gpumm_status fill_piece(cuda *c, CUstream stream, gpumm_address to, uint32_t pattern, unsigned width,
                               uint64_t count) {
    switch (width) {
    case 1: return CU(c, cuMemsetD8Async, (to, (unsigned char)pattern, count, stream));
    case 2: return CU(c, cuMemsetD16Async, (to, (unsigned short)pattern, count, stream));
    default: return CU(c, cuMemsetD32Async, (to, pattern, count, stream));
    }
}

/* Borders lie where patterns end: the driver takes none that is not aligned. */
static gpumm_status fill_enqueue(cuda *c, CUstream stream, gpumm_address to, uint32_t pattern, unsigned width,
                                 uint64_t count) {
    if (width != 1 && width != 2 && width != 4)
        return fail(GPUMM_INVALID_ARGUMENT, "a fill pattern has 1, 2 or 4 bytes, not %u", width);
    if (count == 0) return GPUMM_OK;
    if (gpumm__cuda_fill_kernel_takes(c, to, count * width))
        return gpumm__cuda_fill_kernel_run(c, stream, to, pattern, width, count);
    for (uint64_t piece = 0; count; to += piece * width, count -= piece) {
        piece = size_max(gpumm__cuda_one_kind(c, to, count * width) / width, 1);
        TRY(fill_piece(c, stream, to, pattern, width, piece));
    }
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = fill_enqueue(c, s->handle, to, pattern, width, count);
    gpumm__cuda_leave(c, &visit);
    return status;
}

gpumm_status gpumm__cuda_call(device *d, device_stream *s, void (*function)(void *user), void *user) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(enter_stream(c, s, &visit));
    gpumm_status status = CU(c, cuLaunchHostFunc, (s->handle, function, user));
    gpumm__cuda_leave(c, &visit);
    return status;
}
