/* SPDX-License-Identifier: MIT */
/*
 * Memory on CUDA. In place: address space is reserved once, a commit maps one new physical segment into
 * it, and the handle goes at once, so that unmapping frees. In whole blocks: from the device's pool, in
 * the order of a stream of our own on which nothing else runs, so that neither side waits for kernels.
 */
#include "device/cuda/memory.h"

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/admission.h"
#include "device/cuda/border.h"
#include "device/cuda/context.h"

static bool is_pinned(place where) { return where == PLACE_HOST || where == PLACE_SPILLED; }

static const char *place_text(place where) { return is_pinned(where) ? "pinned host memory" : "device memory"; }

/* Puts what was asked for in front of an error's message. */
static gpumm_status asked(gpumm_status status, place where, uint64_t bytes) {
    char text[32];
    return status == GPUMM_OK ? status
                              : fail_in(status, "%s of %s: ", gpumm__size_text(bytes, text), place_text(where));
}

/* ---- In place ---- */

gpumm_status gpumm__cuda_reserve(device *d, place where, uint64_t bytes, gpumm_address *address) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    CUdeviceptr at = 0;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = CU(c, cuMemAddressReserve, (&at, bytes, 0, 0, 0));
    gpumm__cuda_leave(c, &visit);
    if (status == GPUMM_OK) *address = at;
    return asked(status, where, bytes);
}

void gpumm__cuda_release(device *d, place where, gpumm_address address, uint64_t bytes) {
    (void)where;
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (!gpumm__cuda_enter_giving(c, &visit)) return;
    (void)CU_BACK(c, cuMemAddressFree, (address, bytes));
    gpumm__cuda_leave(c, &visit);
}

gpumm_status gpumm__cuda_map_handle(cuda *c, place where, gpumm_address address, uint64_t bytes,
                                    CUmemGenericAllocationHandle handle) {
    gpumm_status status = CU(c, cuMemMap, (address, bytes, 0, handle, 0));
    if (status != GPUMM_OK) return (void)CU_BACK(c, cuMemRelease, (handle)), status;
    status = CU(c, cuMemSetAccess, (address, bytes, c->access[where], c->access_count[where]));
    if (status == GPUMM_OK) {
        status = CU(c, cuMemRelease, (handle));
        if (status == GPUMM_OK) return GPUMM_OK;
    }
    (void)CU_BACK(c, cuMemUnmap, (address, bytes));
    (void)CU_BACK(c, cuMemRelease, (handle));
    return status;
}

gpumm_status gpumm__cuda_segment_map(cuda *c, place where, gpumm_address address, uint64_t bytes) {
    CUmemGenericAllocationHandle handle = 0;
    TRY(CU(c, cuMemCreate, (&handle, bytes, &c->memory[where], 0)));
    return gpumm__cuda_map_handle(c, where, address, bytes, handle);
}

/* Several segments side by side: of what memory each is, and who may use them. */
typedef struct pieces {
    place where;
    const device_stripe *stripe; /* NULL: all of `memory` */
    uint64_t first, each;        /* the first one's number; bytes */
    CUmemAllocationProp memory;
    const CUmemAccessDesc *access;
    size_t access_count;
} pieces;

static int owner_of(const cuda *c, const pieces *p, uint64_t index) {
    if (p->where == PLACE_SPILLED) return CUDA_HOST;
    return p->stripe ? p->stripe->devices[(p->first + index) % p->stripe->count] : c->device;
}

static gpumm_status map_piece(cuda *c, const pieces *p, uint64_t index, gpumm_address address, uint64_t bytes) {
    CUmemGenericAllocationHandle handle = 0;
    CUmemAllocationProp memory = p->memory;
    if (p->stripe) memory.location.id = owner_of(c, p, index);
    gpumm_status status = CU(c, cuMemCreate, (&handle, bytes, &memory, 0));
    if (status != GPUMM_OK) return p->stripe ? fail_in(status, "on cuda:%d: ", memory.location.id) : status;
    status = CU(c, cuMemMap, (address, bytes, 0, handle, 0));
    (void)CU_BACK(c, cuMemRelease, (handle));
    return status;
}

/* Access for all of them at once, which is what costs. */
static gpumm_status map_segments(cuda *c, const pieces *p, gpumm_address address, uint64_t bytes) {
    uint64_t mapped = 0, piece = 0;
    gpumm_status status = GPUMM_OK;
    for (; mapped < bytes && status == GPUMM_OK; mapped += status == GPUMM_OK ? piece : 0) {
        piece = size_min(bytes - mapped, p->each);
        status = map_piece(c, p, mapped / p->each, address + mapped, piece);
    }
    if (status == GPUMM_OK) status = CU(c, cuMemSetAccess, (address, bytes, p->access, p->access_count));
    for (uint64_t at = 0; at < mapped && status != GPUMM_OK; at += piece) {
        piece = size_min(mapped - at, p->each);
        (void)CU_BACK(c, cuMemUnmap, (address + at, piece));
    }
    return status;
}

static gpumm_status map(cuda *c, const pieces *p, gpumm_address address, uint64_t bytes) {
    cuda_visit visit;
    bool one = bytes <= p->each && !p->stripe;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status =
        one ? gpumm__cuda_segment_map(c, p->where, address, bytes) : map_segments(c, p, address, bytes);
    gpumm__cuda_leave(c, &visit);
    return asked(status, p->where, bytes);
}

static void unlist(cuda *c, const pieces *p, gpumm_address address, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += p->each) gpumm__cuda_border_remove(c, address + at);
}

/* Those that are not the device's own, for borders; or none of them. */
static gpumm_status list(cuda *c, const pieces *p, gpumm_address address, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += p->each) {
        int owner = owner_of(c, p, at / p->each);
        if (owner == c->device) continue;
        gpumm_status status = gpumm__cuda_border_add(c, address + at, size_min(bytes - at, p->each), owner);
        if (status != GPUMM_OK) return unlist(c, p, address, at), status;
    }
    return GPUMM_OK;
}

static gpumm_status commit(cuda *c, const pieces *p, gpumm_address address, uint64_t bytes) {
    TRY(list(c, p, address, bytes));
    gpumm_status status = map(c, p, address, bytes);
    if (status != GPUMM_OK) unlist(c, p, address, bytes);
    return status;
}

gpumm_status gpumm__cuda_commit(device *d, place where, gpumm_address address, uint64_t bytes) {
    cuda *c = cuda_of(d);
    pieces all = {.where = where,
                  .each = device_segment_most(where),
                  .memory = c->memory[where],
                  .access = c->access[where],
                  .access_count = c->access_count[where]};
    if (where == PLACE_SPILLED && !c->access_count[where])
        return fail(GPUMM_OUT_OF_MEMORY,
                    "nothing can be spilled: this driver does not map pinned host memory in place");
    return commit(c, &all, address, bytes);
}

gpumm_status gpumm__cuda_commit_striped(device *d, const device_stripe *stripe, uint64_t first, gpumm_address address,
                                        uint64_t bytes) {
    cuda *c = cuda_of(d);
    CUmemAccessDesc access[GPUMM_DEVICES_MAX];
    pieces all = {.where = PLACE_STRIPED,
                  .stripe = stripe,
                  .first = first,
                  .each = stripe->bytes,
                  .memory = c->memory[PLACE_DEVICE],
                  .access = access,
                  .access_count = stripe->count};
    for (unsigned i = 0; i < stripe->count; i++) {
        access[i] = c->access[PLACE_DEVICE][0];
        access[i].location.id = stripe->devices[i];
    }
    return commit(c, &all, address, bytes);
}

gpumm_status gpumm__cuda_decommit(device *d, place where, gpumm_address address, uint64_t bytes) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (gpumm__cuda_gone(c)) return GPUMM_OK; /* as for whole blocks: with the context, nothing is left to take back */
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = CU(c, cuMemUnmap, (address, bytes));
    gpumm__cuda_leave(c, &visit);
    gpumm__cuda_admissions_end(c);
    bool listed = where == PLACE_SPILLED || where == PLACE_STRIPED;
    if (status == GPUMM_OK && listed) gpumm__cuda_border_remove(c, address);
    return asked(status, where, bytes);
}

/* ---- Sharing ---- */

/* The segment's handle went when it was mapped; the driver gives it again for the address. */
static gpumm_status export_at(cuda *c, gpumm_address address, int *descriptor) {
    CUmemGenericAllocationHandle handle = 0;
    TRY(CU(c, cuMemRetainAllocationHandle, (&handle, (void *)(uintptr_t)address)));
    gpumm_status status =
        CU(c, cuMemExportToShareableHandle, (descriptor, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    (void)CU_BACK(c, cuMemRelease, (handle));
    return status;
}

gpumm_status gpumm__cuda_export(device *d, gpumm_address address, uint64_t bytes, int *descriptor) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = export_at(c, address, descriptor);
    gpumm__cuda_leave(c, &visit);
    return asked(status, PLACE_SHARED, bytes);
}

gpumm_status gpumm__cuda_import(device *d, gpumm_address address, uint64_t bytes, int descriptor) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    CUmemGenericAllocationHandle handle = 0;
    void *given = (void *)(uintptr_t)descriptor;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status =
        CU(c, cuMemImportFromShareableHandle, (&handle, given, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    if (status == GPUMM_OK) status = gpumm__cuda_map_handle(c, PLACE_SHARED, address, bytes, handle);
    gpumm__cuda_leave(c, &visit);
    return asked(status, PLACE_SHARED, bytes);
}

/* ---- Whole blocks ---- */

/* Valid on every stream once our own is idle, which it is but for this. */
static gpumm_status block_take_ordered(cuda *c, uint64_t bytes, gpumm_address *address) {
    CUdeviceptr at = 0;
    TRY(CU(c, cuMemAllocAsync, (&at, bytes, c->own)));
    gpumm_status status = CU(c, cuStreamSynchronize, (c->own));
    if (status != GPUMM_OK) return (void)CU_BACK(c, cuMemFreeAsync, (at, c->own)), status;
    *address = at;
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_block_take(cuda *c, uint64_t bytes, gpumm_address *address) {
    if (c->stream_ordered) return block_take_ordered(c, bytes, address);
    CUdeviceptr at = 0;
    TRY(CU(c, cuMemAlloc, (&at, bytes)));
    *address = at;
    return GPUMM_OK;
}

/* cuMemFree would wait for every kernel of the context. The synchronize waits for our idle stream alone;
   at it the pool gives its unused memory back, so that the block is really free. */
bool gpumm__cuda_block_give(cuda *c, gpumm_address address) {
    if (!c->stream_ordered) return CU_BACK(c, cuMemFree, (address));
    if (!CU_BACK(c, cuMemFreeAsync, (address, c->own))) return false;
    (void)CU_BACK(c, cuStreamSynchronize, (c->own));
    return true;
}

/* One address for both sides is what PLACE_HOST promises. */
gpumm_status gpumm__cuda_pinned_take(cuda *c, uint64_t bytes, gpumm_address *address) {
    void *block = NULL;
    CUdeviceptr seen = 0;
    unsigned flags = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP;
    TRY(CU(c, cuMemHostAlloc, (&block, bytes, flags)));
    gpumm_status status = CU(c, cuMemHostGetDevicePointer, (&seen, block, 0));
    if (status == GPUMM_OK && seen != (CUdeviceptr)(uintptr_t)block)
        status = fail(GPUMM_DRIVER, "the device sees pinned memory at another address than the host");
    if (status != GPUMM_OK) return (void)CU_BACK(c, cuMemFreeHost, (block)), status;
    *address = seen;
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_take(cuda *c, place where, uint64_t bytes, gpumm_address *address) {
    return is_pinned(where) ? gpumm__cuda_pinned_take(c, bytes, address) : gpumm__cuda_block_take(c, bytes, address);
}

bool gpumm__cuda_give(cuda *c, place where, gpumm_address address) {
    if (!is_pinned(where)) return gpumm__cuda_block_give(c, address);
    return CU_BACK(c, cuMemFreeHost, ((void *)(uintptr_t)address));
}

gpumm_status gpumm__cuda_alloc(device *d, place where, uint64_t bytes, gpumm_address *address) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = gpumm__cuda_take(c, where, bytes, address);
    gpumm__cuda_leave(c, &visit);
    return asked(status, where, bytes);
}

/* Refused twice it is still there, and the caller has it still. */
gpumm_status gpumm__cuda_free(device *d, place where, gpumm_address address, uint64_t bytes) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (!gpumm__cuda_enter_giving(c, &visit)) return GPUMM_OK; /* with the context, nothing is left to take back */
    bool gone = gpumm__cuda_give(c, where, address);
    gpumm__cuda_leave(c, &visit);
    if (gone || gpumm__cuda_gone(c)) return GPUMM_OK;
    return asked(fail(GPUMM_DRIVER, "the driver refused to free it"), where, bytes);
}
