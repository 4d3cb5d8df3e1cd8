/* SPDX-License-Identifier: MIT */
/* Loaded kernels: the device table's entries of the same names. */
#ifndef DEVICE_CUDA_MODULE_H
#define DEVICE_CUDA_MODULE_H

#include "device/cuda/state.h"

gpumm_status gpumm__cuda_module_open(device *d, const char *path, device_module **out);
void gpumm__cuda_module_close(device *d, device_module *m);
gpumm_status gpumm__cuda_function(device *d, device_module *m, const char *name, device_function **out);
const device_parameter *gpumm__cuda_parameters(const device_function *f, size_t *count);
uint32_t gpumm__cuda_needs(const device_function *f);
const char *gpumm__cuda_function_name(const device_function *f);
gpumm_status gpumm__cuda_launch(device *d, device_stream *s, device_function *f, const device_launch *launch);
/* The launch as a graph's node; what it points to is the launch's. Within enter. */
gpumm_status gpumm__cuda_launch_node(cuda *c, device_function *f, const device_launch *launch,
                                     CUDA_KERNEL_NODE_PARAMS *out);

#endif
