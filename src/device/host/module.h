/* SPDX-License-Identifier: MIT */
/* Loaded shared objects, whose every kernel is a function over a range of threads, of the grid or of one block; and such
   functions of this library. */
#ifndef DEVICE_HOST_MODULE_H
#define DEVICE_HOST_MODULE_H

#include "device/host/block.h"

enum { HOST_SHARED_MOST = 227 << 10 }; /* bytes of a block's dynamic arrays, as large GPUs have */

struct device_function {
    struct device_function *next;
    char *name;
    host_kernel_fn *run;      /* by ranges of threads, or */
    host_block_fn *run_block; /* by blocks */
    uint32_t needs;
    size_t count;                       /* of parameters, as they were compiled */
    size_t *sizes;                      /* bytes of each */
    const device_parameter *parameters; /* the module's; NULL: it does not tell */
};

/* The device table's entries of the same names. */
gpumm_status gpumm__host_module_open(device *d, const char *path, device_module **out);
gpumm_status gpumm__host_builtin(device *d, const device_builtin *kernel, device_module **out);
void gpumm__host_module_close(device *d, device_module *m);
gpumm_status gpumm__host_function(device *d, device_module *m, const char *name, device_function **out);
const device_parameter *gpumm__host_parameters(const device_function *f, size_t *count);
uint32_t gpumm__host_needs(const device_function *f);
const char *gpumm__host_function_name(const device_function *f);

#endif
