/* SPDX-License-Identifier: MIT */
/* Where, in ranges of the device's, there is memory of others: the host's, which stands for it (PLACE_SPILLED), or another
   device's (PLACE_STRIPED). That is where a copy that the driver is given must end: it refuses one whose bytes are the
   host's in part, and goes a slow way where they are several devices'. It fills none of the host's at all. Kernels may go
   over a border. */
#ifndef DEVICE_CUDA_BORDER_H
#define DEVICE_CUDA_BORDER_H

#include "device/cuda/state.h"

/* Before the segment is mapped, so that nothing can fail afterwards; where mapping fails it is taken out again. `owner`:
   whose memory it is, or CUDA_HOST. */
gpumm_status gpumm__cuda_border_add(cuda *c, gpumm_address at, uint64_t bytes, int owner);
/* From `at` to the end of its segment the memory went, or is the device's own. No queued work uses it. Does nothing where it
   is already. */
void gpumm__cuda_border_remove(cuda *c, gpumm_address at);
/* How many of the bytes are where the first one is. One load where nothing is anywhere else. */
uint64_t gpumm__cuda_one_kind(cuda *c, gpumm_address at, uint64_t bytes);
uint64_t gpumm__cuda_one_kind_each(cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes); /* on both sides */
/* What there is among the bytes. */
enum { BEYOND_HOST = 1, BEYOND_DEVICE = 2 }; /* of the host, of another device */
unsigned gpumm__cuda_beyond(cuda *c, gpumm_address at, uint64_t bytes);
/* Whose memory is at the address: the device's own number, that of another, CUDA_HOST. */
int gpumm__cuda_whose(cuda *c, gpumm_address at);
/* Another number after each change of what is where. */
uint64_t gpumm__cuda_border_changes(const cuda *c);
void gpumm__cuda_border_close(cuda *c);

#endif
