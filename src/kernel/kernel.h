/* SPDX-License-Identifier: MIT */
/* Kernels inside: those that are functions of this library, and kernels that a manager keeps for itself. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "kernel/state.h"

/* A kernel whose code is a function, on a device that runs_builtins; its signature is a prototype as CUDA C. A launch has
   blocks of one thread. */
gpumm_status gpumm__kernel_builtin(context *ctx, const device_builtin *which, const char *signature,
                                   gpumm_kernel **out);
/* The caller's handle becomes a hold of the manager's own: it does not keep the manager open, and may be dropped once
   that is closed. */
void gpumm__kernel_keep(gpumm_kernel *k);
void gpumm__kernel_drop(gpumm_kernel *k);

#endif
