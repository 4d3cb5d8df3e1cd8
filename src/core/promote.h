/* SPDX-License-Identifier: MIT */
/* Promotion: buffers' memory that was spilled goes to the device, under its address, where there is room again. */
#ifndef CORE_PROMOTE_H
#define CORE_PROMOTE_H

#include "core/group.h"

/* As much as there is room for; waits for the work that uses it. `promoted`: bytes, also where it fails on the way. */
gpumm_status gpumm__promote_all(context *ctx, uint64_t *promoted);

#endif
