/* SPDX-License-Identifier: MIT */
/* Which GPUs can use one another's memory. Asked of the driver by their numbers: none of the others' contexts is needed. */
#include "device/cuda/peers.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/context.h"

void gpumm__cuda_uuid_text(const CUuuid *uuid, char text[static 48]) {
    const unsigned char *b = (const unsigned char *)uuid->bytes;
    snprintf(text, 48, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static gpumm_status check_one(cuda *c, CUdevice which, int count) {
    int maps = 0;
    if (which >= count)
        return fail(GPUMM_NO_DEVICE, "there is no device cuda:%d: there %s %d, numbered from 0", which,
                    count == 1 ? "is" : "are", count);
    TRY(CU(c, cuDeviceGetAttribute, (&maps, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, which)));
    if (maps) return GPUMM_OK;
    return fail(GPUMM_NO_DEVICE, "cuda:%d cannot map memory in place, which a buffer on several devices needs", which);
}

static gpumm_status check_pair(cuda *c, CUdevice user, CUdevice owner) {
    int can = 0;
    TRY(CU(c, cuDeviceCanAccessPeer, (&can, user, owner)));
    if (can) return GPUMM_OK;
    return fail(
        GPUMM_NO_DEVICE,
        "cuda:%d cannot use the memory of cuda:%d (the driver reports no peer access between them): a buffer on "
        "several devices needs ones that can use one another's",
        user, owner);
}

static gpumm_status check_pairs(cuda *c, const device_stripe *s) {
    for (unsigned i = 0; i < s->count; i++)
        for (unsigned j = 0; j < s->count; j++)
            if (i != j) TRY(check_pair(c, s->devices[i], s->devices[j]));
    return GPUMM_OK;
}

/* They are powers of two: what is a multiple of the largest is one of all. */
static gpumm_status round_up(cuda *c, device_stripe *s) {
    CUmemAllocationProp memory = c->memory[PLACE_DEVICE];
    uint64_t unit = c->base.info.granularity_bytes;
    for (unsigned i = 0; i < s->count; i++) {
        size_t bytes = 0;
        memory.location.id = s->devices[i];
        TRY(CU(c, cuMemGetAllocationGranularity, (&bytes, &memory, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED)));
        unit = size_max(unit, bytes);
    }
    if (size_round_up(s->bytes, unit, &s->bytes) && s->bytes <= DEVICE_SEGMENT_MOST) return GPUMM_OK;
    return fail(GPUMM_DRIVER, "the devices commit no less than %llu bytes", (unsigned long long)unit);
}

static gpumm_status check(cuda *c, device_stripe *s) {
    int count = 0;
    TRY(CU(c, cuDeviceGetCount, (&count)));
    for (unsigned i = 0; i < s->count; i++) TRY(check_one(c, s->devices[i], count));
    TRY(check_pairs(c, s));
    return round_up(c, s);
}

gpumm_status gpumm__cuda_stripe_check(device *d, device_stripe *stripe) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = check(c, stripe);
    gpumm__cuda_leave(c, &visit);
    return status;
}

static gpumm_status is_that(cuda *c, CUdevice which, const char *uuid, bool *yes) {
    CUuuid bytes;
    char text[48];
    TRY(CU(c, cuDeviceGetUuid, (&bytes, which)));
    gpumm__cuda_uuid_text(&bytes, text);
    *yes = strcmp(text, uuid) == 0;
    return GPUMM_OK;
}

static gpumm_status reach(cuda *c, const char *uuid) {
    int count = 0, can = 0;
    bool found = false;
    TRY(CU(c, cuDeviceGetCount, (&count)));
    for (int i = 0; i < count && !found; i++) {
        TRY(is_that(c, i, uuid, &found));
        if (found && i == c->device) return GPUMM_OK;
        if (found) TRY(CU(c, cuDeviceCanAccessPeer, (&can, c->device, i)));
    }
    if (can) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "cuda:%d (%s) cannot use the memory of %.60s: %s", c->device, c->base.info.uuid,
                uuid,
                found ? "the driver reports no peer access between them" : "this process does not see that device");
}

gpumm_status gpumm__cuda_reach(device *d, const char *uuid) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = reach(c, uuid);
    gpumm__cuda_leave(c, &visit);
    return status;
}
