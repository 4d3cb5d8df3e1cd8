/* SPDX-License-Identifier: MIT */
/*
 * Shrinking a segment or block that nobody uses: the beginning is copied to new memory, which takes the old one's
 * place. Promoting is the same with all of it, to new memory elsewhere: on the device, where the old is the host's.
 * A segment's address stays: the new memory is mapped where the old was. Until that has worked the old memory is
 * kept by a handle of its own, so that it can go back. Where the device has no room for both, the contents wait in
 * pinned memory.
 */
#include "device/cuda/exchange.h"

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "device/cuda/admission.h"
#include "device/cuda/border.h"
#include "device/cuda/context.h"
#include "device/cuda/memory.h"

typedef struct exchange {
    cuda *c;
    place where, to; /* the old memory's, and the new one's */
    uint64_t bytes, kept;
    gpumm_address address;
} exchange;

static gpumm_status finished(cuda *c) { return CU(c, cuStreamSynchronize, (c->own)); }

/* Where the wait fails, it is waited once more: what is under way uses memory that goes then. */
static gpumm_status copy_within(const exchange *x, gpumm_address to) {
    TRY(CU(x->c, cuMemcpyDtoDAsync, (to, x->address, x->kept, x->c->own)));
    gpumm_status status = finished(x->c);
    if (status != GPUMM_OK) (void)finished(x->c);
    return status;
}

/* ---- With room for both ---- */

/* Fills new memory through a mapping elsewhere, which is gone afterwards. */
static gpumm_status fill_elsewhere(const exchange *x, CUmemGenericAllocationHandle handle) {
    cuda *c = x->c;
    CUdeviceptr at = 0;
    TRY(CU(c, cuMemAddressReserve, (&at, x->kept, 0, 0, 0)));
    gpumm_status status = CU(c, cuMemMap, (at, x->kept, 0, handle, 0));
    if (status == GPUMM_OK) {
        status = CU(c, cuMemSetAccess, (at, x->kept, c->access[x->to], c->access_count[x->to]));
        if (status == GPUMM_OK) status = copy_within(x, at);
        if (!CU_BACK(c, cuMemUnmap, (at, x->kept))) return status; /* then the address space stays, too */
    }
    (void)CU_BACK(c, cuMemAddressFree, (at, x->kept));
    return status;
}

static gpumm_status map_at(const exchange *x, place where, uint64_t bytes, CUmemGenericAllocationHandle handle) {
    cuda *c = x->c;
    TRY(CU(c, cuMemMap, (x->address, bytes, 0, handle, 0)));
    gpumm_status status = CU(c, cuMemSetAccess, (x->address, bytes, c->access[where], c->access_count[where]));
    if (status != GPUMM_OK) (void)CU_BACK(c, cuMemUnmap, (x->address, bytes));
    return status;
}

static bool map_surely(const exchange *x, place where, uint64_t bytes, CUmemGenericAllocationHandle handle) {
    return map_at(x, where, bytes, handle) == GPUMM_OK || map_at(x, where, bytes, handle) == GPUMM_OK;
}

/* What stood at the address is gone: the next launch there would end the context, and nothing else may. */
static gpumm_status contents_lost(cuda *c) {
    gpumm__cuda_note(c, DRIVER_cuMemMap, CUDA_ERROR_ILLEGAL_ADDRESS);
    return gpumm__cuda_usable(c);
}

static gpumm_status swap(const exchange *x, CUmemGenericAllocationHandle fresh, CUmemGenericAllocationHandle old) {
    cuda *c = x->c;
    TRY(CU(c, cuMemUnmap, (x->address, x->bytes)));
    gpumm_status status = map_at(x, x->to, x->kept, fresh);
    if (status == GPUMM_OK || map_at(x, x->to, x->kept, fresh) == GPUMM_OK) return GPUMM_OK;
    return map_surely(x, x->where, x->bytes, old) ? status : contents_lost(c);
}

static gpumm_status exchange_for(const exchange *x, CUmemGenericAllocationHandle fresh) {
    cuda *c = x->c;
    CUmemGenericAllocationHandle old = 0;
    TRY(fill_elsewhere(x, fresh));
    if (!gpumm__driver.cuMemRetainAllocationHandle) return fail(GPUMM_DRIVER, "the driver cannot exchange memory");
    TRY(CU(c, cuMemRetainAllocationHandle, (&old, (void *)(uintptr_t)x->address)));
    gpumm_status status = swap(x, fresh, old);
    (void)CU_BACK(c, cuMemRelease, (old));
    return status;
}

static gpumm_status move_segment(const exchange *x) {
    cuda *c = x->c;
    CUmemGenericAllocationHandle fresh = 0;
    TRY(CU(c, cuMemCreate, (&fresh, x->kept, &c->memory[x->to], 0)));
    gpumm_status status = exchange_for(x, fresh);
    (void)CU_BACK(c, cuMemRelease, (fresh));
    if (status == GPUMM_OK && x->where == PLACE_SPILLED)
        gpumm__cuda_border_remove(c, x->to == PLACE_SPILLED ? x->address + x->kept : x->address);
    return status;
}

static gpumm_status move_block(exchange *x) {
    gpumm_address fresh = 0;
    TRY(gpumm__cuda_take(x->c, x->to, x->kept, &fresh));
    gpumm_status status = copy_within(x, fresh);
    if (status == GPUMM_OK) (void)gpumm__cuda_give(x->c, x->where, x->address);
    else (void)gpumm__cuda_give(x->c, x->to, fresh);
    if (status == GPUMM_OK) x->address = fresh;
    return status;
}

/* ---- Through pinned memory ---- */

static gpumm_status leave_device(const exchange *x, bool in_place) {
    if (in_place) return CU(x->c, cuMemUnmap, (x->address, x->bytes));
    return gpumm__cuda_block_give(x->c, x->address) ? GPUMM_OK
                                                    : fail(GPUMM_DRIVER, "the driver refused to free the old block");
}

static gpumm_status take_again(exchange *x, bool in_place, uint64_t bytes) {
    if (in_place) return gpumm__cuda_segment_map(x->c, x->where, x->address, bytes);
    return gpumm__cuda_block_take(x->c, bytes, &x->address);
}

/* There is more room than was just given back, unless somebody else takes it: then it is asked for, for a while, and
   as much as before. `bytes`: what there is now. */
static gpumm_status return_to_device(exchange *x, bool in_place, uint64_t *bytes) {
    enum { TRIES = 200 };
    for (int i = 0; i < TRIES; i++) {
        if (take_again(x, in_place, *bytes = x->kept) == GPUMM_OK) return GPUMM_OK;
        if (take_again(x, in_place, *bytes = x->bytes) == GPUMM_OK) return GPUMM_OK;
        if (gpumm__cuda_gone(x->c)) break;
        gpumm__clock_sleep_ns(5000000);
    }
    return contents_lost(x->c);
}

static gpumm_status bring_back(const exchange *x, gpumm_address pinned) {
    const void *from = (const void *)(uintptr_t)pinned;
    gpumm_status status = CU(x->c, cuMemcpyHtoDAsync, (x->address, from, x->kept, x->c->own));
    if (status != GPUMM_OK) TRY(CU(x->c, cuMemcpyHtoDAsync, (x->address, from, x->kept, x->c->own)));
    status = finished(x->c);
    return status == GPUMM_OK ? status : finished(x->c);
}

static gpumm_status through(exchange *x, gpumm_address pinned) {
    bool in_place = device_in_place(&x->c->base, x->where);
    uint64_t now = 0;
    TRY(CU(x->c, cuMemcpyDtoHAsync, ((void *)(uintptr_t)pinned, x->address, x->kept, x->c->own)));
    TRY(finished(x->c));
    TRY(leave_device(x, in_place));
    TRY(return_to_device(x, in_place, &now));
    if (bring_back(x, pinned) != GPUMM_OK) return contents_lost(x->c);
    return now == x->kept ? GPUMM_OK : fail(GPUMM_OUT_OF_MEMORY, "its memory could not be exchanged for less");
}

static gpumm_status shrink_through_pinned(exchange *x) {
    gpumm_address pinned = 0;
    TRY(gpumm__cuda_pinned_take(x->c, x->kept, &pinned));
    gpumm_status status = through(x, pinned);
    (void)CU_BACK(x->c, cuMemFreeHost, ((void *)(uintptr_t)pinned));
    return status;
}

gpumm_status gpumm__cuda_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    exchange x = {c, where, where, bytes, kept, *address};
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = device_in_place(d, where) ? move_segment(&x) : move_block(&x);
    if (status == GPUMM_OUT_OF_MEMORY && where != PLACE_SPILLED) status = shrink_through_pinned(&x);
    gpumm__cuda_leave(c, &visit);
    gpumm__cuda_admissions_end(c);
    *address = x.address; /* also where it failed: a block may have come back elsewhere */
    return status;
}

gpumm_status gpumm__cuda_promote(device *d, uint64_t bytes, gpumm_address *address) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    exchange x = {c, PLACE_SPILLED, PLACE_DEVICE, bytes, bytes, *address};
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = device_in_place(d, PLACE_DEVICE) ? move_segment(&x) : move_block(&x);
    gpumm__cuda_leave(c, &visit);
    gpumm__cuda_admissions_end(c);
    *address = x.address;
    return status;
}
