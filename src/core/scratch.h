/* SPDX-License-Identifier: MIT */
/* Scratch inside: what a launch needs of it. */
#ifndef CORE_SCRATCH_H
#define CORE_SCRATCH_H

#include "core/manager.h"

gpumm_manager *gpumm__scratch_manager(const gpumm_scratch *x);
void gpumm__scratch_free_spare(gpumm_manager *m);
gpumm_status gpumm__scratch_check(gpumm_stream *s);
void gpumm__scratch_close(gpumm_stream *s); /* the slabs; the work on the stream is through */
/* As gpumm__buffer_use; submit lock held. */
gpumm_status gpumm__scratch_use(gpumm_scratch *x, gpumm_stream *s, gpumm_access access);

#endif
