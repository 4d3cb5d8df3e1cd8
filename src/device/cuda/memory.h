/* SPDX-License-Identifier: MIT */
/* Memory on CUDA: the device table's entries, and what the probe and the opening use of them. */
#ifndef DEVICE_CUDA_MEMORY_H
#define DEVICE_CUDA_MEMORY_H

#include "device/cuda/state.h"

gpumm_status gpumm__cuda_segment_map(cuda *c, place where, gpumm_address address, uint64_t bytes); /* within enter */
/* Maps a handle and gives it back in every case: the mapping alone keeps the memory. Within enter. */
gpumm_status gpumm__cuda_map_handle(cuda *c, place where, gpumm_address address, uint64_t bytes,
                                    CUmemGenericAllocationHandle handle);
gpumm_status gpumm__cuda_pinned_take(cuda *c, uint64_t bytes, gpumm_address *address); /* within enter */
gpumm_status gpumm__cuda_block_take(cuda *c, uint64_t bytes, gpumm_address *address);  /* within enter */
bool gpumm__cuda_block_give(cuda *c, gpumm_address address);                           /* within enter */
/* A whole block of any place; the two within enter. */
gpumm_status gpumm__cuda_take(cuda *c, place where, uint64_t bytes, gpumm_address *address);
bool gpumm__cuda_give(cuda *c, place where, gpumm_address address);
gpumm_status gpumm__cuda_reserve(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__cuda_release(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_commit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_commit_striped(device *d, const device_stripe *stripe, uint64_t first, gpumm_address address,
                                        uint64_t bytes);
gpumm_status gpumm__cuda_export(device *d, gpumm_address address, uint64_t bytes, int *descriptor);
gpumm_status gpumm__cuda_import(device *d, gpumm_address address, uint64_t bytes, int descriptor);
gpumm_status gpumm__cuda_decommit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_alloc(device *d, place where, uint64_t bytes, gpumm_address *address);
gpumm_status gpumm__cuda_free(device *d, place where, gpumm_address address, uint64_t bytes);

#endif
