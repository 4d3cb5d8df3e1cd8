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
/* The copy as a graph's node; `parameters` must stay until the node has taken them. */
typedef struct copy_parameters {
    gpumm_address to, from;
    uint64_t bytes;
    void *pointers[3];
} copy_parameters;
void gpumm__cuda_copy_kernel_node(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes,
                                  copy_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out);

#endif
