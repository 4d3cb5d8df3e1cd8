/* SPDX-License-Identifier: MIT */
/* A kernel's parameters: names from the text, everything else from the compiler. */
#ifndef KERNEL_PARAMETERS_H
#define KERNEL_PARAMETERS_H

#include "device/device.h"
#include "kernel/source/prototypes.h"

/* What the text says of kinds, types and sizes is replaced by what was compiled; names too where the text has another
   number of parameters. TYPE_MISMATCH where the source's own struct has another layout than the type of that name,
   COMPILE_FAILED for what no kernel can take. */
gpumm_status gpumm__parameters_apply(const gpumm_allocator *from, prototype *k, const device_parameter *compiled,
                                     size_t count, const gpumm_type *const *types);

#endif
