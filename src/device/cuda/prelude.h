/* SPDX-License-Identifier: MIT */
/* What NVRTC does not know by itself and CUDA C written for a file takes for granted. */
#ifndef DEVICE_CUDA_PRELUDE_H
#define DEVICE_CUDA_PRELUDE_H

#include <stdint.h>

/* Put before every source: sized integers and limits. */
extern const char gpumm__cuda_prelude[];
/* Headers whose content the prelude or the compiler has already: they may be included, and give std's names alone. */
extern const char *const gpumm__cuda_header_names[];
extern const char *const gpumm__cuda_header_texts[];
extern const int gpumm__cuda_header_count;
uint64_t gpumm__cuda_prelude_stamp(void); /* part of a binary's key */

#endif
