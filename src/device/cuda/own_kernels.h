/* SPDX-License-Identifier: MIT */
/* Copies within the device and from what it can use of another's, and fills of memory of which a part is spilled or another's,
   by kernels of our own. Everything here within enter. */
#ifndef DEVICE_CUDA_OWN_KERNELS_H
#define DEVICE_CUDA_OWN_KERNELS_H

#include "device/cuda/state.h"

void gpumm__cuda_own_kernels_open(cuda *c);
void gpumm__cuda_own_kernels_close(cuda *c);

/* As a graph's node; these must stay until the node has taken them. */
typedef struct own_parameters {
    uint64_t values[3];
    void *pointers[3];
} own_parameters;

bool gpumm__cuda_copy_kernel_takes(cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes);
/* From a range of the other's that this device can use, too: of whatever size. */
bool gpumm__cuda_copy_kernel_reaches(cuda *c, cuda *other, gpumm_address to, gpumm_address from, uint64_t bytes);
gpumm_status gpumm__cuda_copy_kernel_run(cuda *c, CUstream stream, gpumm_address to, gpumm_address from,
                                         uint64_t bytes);
void gpumm__cuda_copy_kernel_node(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes,
                                  own_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out);

/* Must or should it be filled by the kernel? */
bool gpumm__cuda_fill_kernel_takes(cuda *c, gpumm_address to, uint64_t bytes);
/* Any address and number of bytes, of any memory. Where the driver did not make the kernel: why. */
gpumm_status gpumm__cuda_fill_kernel_run(cuda *c, CUstream stream, gpumm_address to, uint32_t pattern, unsigned width,
                                         uint64_t times);
gpumm_status gpumm__cuda_fill_kernel_node(cuda *c, gpumm_address to, uint32_t pattern, unsigned width, uint64_t times,
                                          own_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out);

#endif
