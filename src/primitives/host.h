/* SPDX-License-Identifier: MIT */
/* The kernels as functions of this library, which the host device runs. */
#ifndef PRIMITIVES_HOST_H
#define PRIMITIVES_HOST_H

#include "primitives/kernels.h"

typedef struct host_kernel {
    const char *name;
    void (*run)(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block);
    const char *takes; /* of each parameter READ, WRITE (pointers), COUNT (u64) or WORD (u32), with commas between */
} host_kernel;

extern const host_kernel gpumm__primitive_host[VARIANTS][KERNELS_A_VARIANT];

#endif
