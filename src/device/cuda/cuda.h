/* SPDX-License-Identifier: MIT */
/* The CUDA device. */
#ifndef DEVICE_CUDA_CUDA_H
#define DEVICE_CUDA_CUDA_H

#include "device/device.h"

/* NO_DEVICE with the reason. */
gpumm_status gpumm__cuda_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);

#endif
