/* SPDX-License-Identifier: MIT */
/* What kernels call whose threads run together: shared memory, barriers, warps. */
#ifndef DEVICE_HOST_PRELUDE_BLOCKS_H
#define DEVICE_HOST_PRELUDE_BLOCKS_H

extern const char *const gpumm__host_prelude_blocks[]; /* pieces; NULL ends them */

#endif
