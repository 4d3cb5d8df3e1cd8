/* SPDX-License-Identifier: MIT */
/* Copies within the device by a kernel of our own. Everything here within enter. */
#ifndef DEVICE_CUDA_COPY_KERNEL_H
#define DEVICE_CUDA_COPY_KERNEL_H

#include "device/cuda/state.h"

void gpumm__cuda_copy_kernel_open(cuda *c);
void gpumm__cuda_copy_kernel_close(cuda *c);
bool gpumm__cuda_copy_kernel_takes(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes);
gpumm_status gpumm__cuda_copy_kernel_run(cuda *c, CUstream stream, gpumm_address to, gpumm_address from,
                                         uint64_t bytes);

#endif
