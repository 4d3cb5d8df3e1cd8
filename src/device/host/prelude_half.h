/* SPDX-License-Identifier: MIT */
/* Half precision: what cuda_fp16.h has. */
#ifndef DEVICE_HOST_PRELUDE_HALF_H
#define DEVICE_HOST_PRELUDE_HALF_H

extern const char *const gpumm__host_prelude_half[]; /* pieces of C++; NULL ends them */

#endif
