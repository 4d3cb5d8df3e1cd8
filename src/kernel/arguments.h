/* SPDX-License-Identifier: MIT */
/* A launch's arguments: whether they fit, and how they reach the device. */
#ifndef KERNEL_ARGUMENTS_H
#define KERNEL_ARGUMENTS_H

#include "kernel/state.h"

/* Do the arguments fit? TYPE_MISMATCH and INVALID_ARGUMENT name kernel and parameter. */
gpumm_status gpumm__arguments_check(const gpumm_kernel *k, const gpumm_argument *given, size_t count);
/* What the counting parameter says. */
gpumm_status gpumm__arguments_threads(const gpumm_kernel *k, const gpumm_argument *given, uint64_t *threads);
/* Declares the uses and enqueues the launch, of that geometry and shared memory; submit lock not held. */
gpumm_status gpumm__arguments_launch(gpumm_kernel *k, gpumm_stream *s, const device_launch *shape,
                                     const gpumm_argument *given);

#endif
