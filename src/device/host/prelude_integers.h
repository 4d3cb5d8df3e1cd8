/* SPDX-License-Identifier: MIT */
/* CUDA's functions of integers: bits, words of two and four lanes, sums of products. */
#ifndef DEVICE_HOST_PRELUDE_INTEGERS_H
#define DEVICE_HOST_PRELUDE_INTEGERS_H

extern const char *const gpumm__host_prelude_integers[]; /* pieces of C++; NULL ends them */

#endif
