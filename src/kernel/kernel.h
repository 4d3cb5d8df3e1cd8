/* SPDX-License-Identifier: MIT */
/* A kernel's inside, for the files of this room. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "core/manager.h"
#include "core/object.h"
#include "kernel/source/prototypes.h"

struct gpumm_kernel {
    object object;
    prototype_list prototypes;
    prototype *prototype; /* one of them */
    size_t threads;       /* the counting parameter; SIZE_MAX: none */
    unsigned block, shared_bytes;
    device_module *module;
    device_function *function;
    order order; /* the streams that it was launched on */
    retired gone;
};

#endif
