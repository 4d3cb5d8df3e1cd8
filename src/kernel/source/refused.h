/* SPDX-License-Identifier: MIT */
/* What a device without textures and the like cannot run, told from the source. */
#ifndef KERNEL_SOURCE_REFUSED_H
#define KERNEL_SOURCE_REFUSED_H

#include "base/alloc.h"
#include "gpumm.h"

/* COMPILE_FAILED at file and line, with the reason. The text is preprocessed. */
gpumm_status gpumm__refused_check(const gpumm_allocator *from, const char *text, const char *file);

#endif
