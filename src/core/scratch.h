/* SPDX-License-Identifier: MIT */
/* Scratch inside: what a launch needs of it. */
#ifndef CORE_SCRATCH_H
#define CORE_SCRATCH_H

#include "core/stream.h"

context *gpumm__scratch_context(const gpumm_scratch *x);
gpumm_status gpumm__scratch_check(gpumm_stream *s); /* its slabs */
/* As gpumm__buffer_use; submit lock held. */
gpumm_status gpumm__scratch_use(gpumm_scratch *x, gpumm_stream *s, gpumm_access access);

#endif
