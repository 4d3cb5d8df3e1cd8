/* SPDX-License-Identifier: MIT */
/* Shrinking and promoting on CUDA: two entries of the device table. */
#ifndef DEVICE_CUDA_EXCHANGE_H
#define DEVICE_CUDA_EXCHANGE_H

#include "device/cuda/state.h"

gpumm_status gpumm__cuda_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address);
gpumm_status gpumm__cuda_promote(device *d, uint64_t bytes, gpumm_address *address);

#endif
