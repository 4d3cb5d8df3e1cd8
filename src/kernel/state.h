/* SPDX-License-Identifier: MIT */
/* What a kernel is, for the files of this room. */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include "core/order.h"
#include "kernel/source/prototypes.h"

struct gpumm_kernel {
    object object;
    prototype_list prototypes;
    prototype *prototype;                     /* one of them */
    size_t threads;                           /* the counting parameter; SIZE_MAX: none */
    unsigned block[3], grid[3], shared_bytes; /* of launches that do not say; grid 0: as many threads as are counted */
    device_module *module;
    device_function *function;
    order order; /* the streams that it was launched on */
    deferred gone;
};

#endif
