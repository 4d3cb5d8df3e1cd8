/* SPDX-License-Identifier: MIT */
/* Where, in ranges of the device's, memory of the host's stands for it (PLACE_SPILLED), and so where a copy that the
   driver is given must end: it refuses one whose bytes are of both kinds. It fills none of the host's at all. Kernels may
   go over a border. */
#ifndef DEVICE_CUDA_BORDER_H
#define DEVICE_CUDA_BORDER_H

#include "device/cuda/state.h"

/* Before the segment is mapped, so that nothing can fail afterwards; where mapping fails it is taken out again. */
gpumm_status gpumm__cuda_border_add(cuda *c, gpumm_address at, uint64_t bytes);
/* From `at` to the end of its segment the memory went, or is the device's. No queued work uses it. */
void gpumm__cuda_border_remove(cuda *c, gpumm_address at);
/* How many of the bytes are of the kind of the first. One load where nothing is spilled. */
uint64_t gpumm__cuda_one_kind(cuda *c, gpumm_address at, uint64_t bytes);
uint64_t gpumm__cuda_one_kind_each(cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes); /* on both sides */
bool gpumm__cuda_spilled_in(cuda *c, gpumm_address at, uint64_t bytes);
/* Another number after each change of what is where. */
uint64_t gpumm__cuda_border_changes(const cuda *c);
void gpumm__cuda_border_close(cuda *c);

#endif
