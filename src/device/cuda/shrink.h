/* SPDX-License-Identifier: MIT */
/* Shrinking on CUDA: the device table's entry. */
#ifndef DEVICE_CUDA_SHRINK_H
#define DEVICE_CUDA_SHRINK_H

#include "device/cuda/state.h"

gpumm_status gpumm__cuda_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address);

#endif
