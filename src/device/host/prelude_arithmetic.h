/* SPDX-License-Identifier: MIT */
/* CUDA's arithmetic by name: each rounding, conversions, and the mathematics that C has not. */
#ifndef DEVICE_HOST_PRELUDE_ARITHMETIC_H
#define DEVICE_HOST_PRELUDE_ARITHMETIC_H

extern const char *const gpumm__host_prelude_arithmetic[]; /* pieces of C++; NULL ends them */

#endif
