/* SPDX-License-Identifier: MIT */
/* A kernel's inside, for the files of this room. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "core/order.h"
#include "kernel/prototype.h"

struct gpumm_kernel {
    object object;
    prototype_list prototypes;
    const prototype *prototype; /* one of them */
    size_t threads;             /* the counting parameter; SIZE_MAX: none */
    unsigned block, shared_bytes;
    device_module *module;
    device_function *function;
    order order; /* the streams that it was launched on */
    deferred gone;
};

/* Do the arguments fit? TYPE_MISMATCH and INVALID_ARGUMENT name kernel and parameter. */
gpumm_status gpumm__arguments_check(const gpumm_kernel *k, const gpumm_argument *given, size_t count);
/* What the counting parameter says. */
gpumm_status gpumm__arguments_threads(const gpumm_kernel *k, const gpumm_argument *given, uint64_t *threads);
/* Declares the uses and enqueues the launch; submit lock held. */
gpumm_status gpumm__arguments_launch(gpumm_kernel *k, gpumm_stream *s, uint64_t threads, const gpumm_argument *given);

#endif
