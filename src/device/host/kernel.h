/* SPDX-License-Identifier: MIT */
/* Kernels on the host: CUDA C compiled by the system's C++ compiler to a shared object whose every kernel
   is a function over a range of threads. compile.c makes the object, module.c opens it. */
#ifndef DEVICE_HOST_KERNEL_H
#define DEVICE_HOST_KERNEL_H

#include "device/device.h"

/* Runs kernel threads [begin, end) of `threads` in the calling thread; `block` is what blockDim.x says. */
typedef void host_kernel_fn(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block);
/* How many parameters the kernel has (0), and how many bytes the one before `index` takes (from 1). */
typedef uint64_t host_size_fn(unsigned index);

struct device_function {
    struct device_function *next;
    char *name;
    host_kernel_fn *run;
    size_t count;  /* of parameters, as they were compiled */
    size_t *sizes; /* bytes of each; NULL: not known */
};

/* The device table's entries of the same names. */
gpumm_status gpumm__host_compiler(device *d, char *text, size_t size);
gpumm_status gpumm__host_compile(device *d, const device_source *source, const char *out_path);
gpumm_status gpumm__host_module_open(device *d, const char *path, device_module **out);
void gpumm__host_module_close(device *d, device_module *m);
gpumm_status gpumm__host_function(device *d, device_module *m, const char *name, device_function **out);

#endif
