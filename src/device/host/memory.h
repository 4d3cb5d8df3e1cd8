/* SPDX-License-Identifier: MIT */
/* Reservations and blocks, and the queued work that uses them. */
#ifndef DEVICE_HOST_MEMORY_H
#define DEVICE_HOST_MEMORY_H

#include "device/host/state.h"

typedef struct span {
    gpumm_address address;
    uint64_t bytes;
} span;

typedef struct region region;

/* One queued operation's claim on a part of a region; decommit, release and free look for them. */
typedef struct use {
    struct use *next, *before;
    region *region;
    span span;
} use;

void gpumm__host_memory_close(host_device *h); /* unmaps whatever was left */
gpumm_status gpumm__host_reserve(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__host_release(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_commit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_stripe_check(device *d, device_stripe *stripe);
gpumm_status gpumm__host_commit_striped(device *d, const device_stripe *stripe, uint64_t first, gpumm_address address,
                                        uint64_t bytes);
gpumm_status gpumm__host_decommit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_alloc(device *d, place where, uint64_t bytes, gpumm_address *address);
gpumm_status gpumm__host_free(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address);
gpumm_status gpumm__host_promote(device *d, uint64_t bytes, gpumm_address *address);

gpumm_status gpumm__host_export(device *d, gpumm_address address, uint64_t bytes, int *descriptor);
gpumm_status gpumm__host_import(device *d, gpumm_address address, uint64_t bytes, int descriptor);

/* One operand of a copy or fill, with the words that name it in a message. */
typedef struct operand {
    const char *verb; /* "copy from" */
    place where;
    span span;
} operand;

/* Claims every operand, all or none; DRIVER names the first address that is not there. */
gpumm_status gpumm__host_use_operands(host_device *h, use *uses, const operand *operands, size_t count);
/* Claims what the region that holds the address has now; false: it lies in none. */
bool gpumm__host_use_address(host_device *h, use *u, gpumm_address address);
/* Of what the operations have claimed, bytes that are spilled. */
uint64_t gpumm__host_use_spilled(host_device *h, const use *uses, size_t count);
void gpumm__host_use_drop(host_device *h, use *uses, size_t count); /* those never claimed are passed over */

#endif
