/* SPDX-License-Identifier: MIT */
/* A manager's own kernels: opened when they are first used, and closed with it. */
#ifndef PRIMITIVES_LIBRARY_H
#define PRIMITIVES_LIBRARY_H

#include "core/context.h"
#include "primitives/kernels.h"

/* One of a variant's kernels, borrowed from the manager. On a device that compiles, the first call of each compiles it, or
   finds it in the cache. COMPILE_FAILED. */
gpumm_status gpumm__primitive_kernel(context *ctx, variant which, unsigned number, gpumm_kernel **out);

#endif
