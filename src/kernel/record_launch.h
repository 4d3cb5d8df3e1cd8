/* SPDX-License-Identifier: MIT */
/* A launch that is recorded within a call that has the recording already. */
#ifndef KERNEL_RECORD_LAUNCH_H
#define KERNEL_RECORD_LAUNCH_H

#include "core/recording.h"

/* As gpumm_recording_launch; the recording's lock held. */
gpumm_status gpumm__record_launch(gpumm_recording *r, gpumm_kernel *k, uint64_t threads,
                                  const gpumm_argument *arguments, size_t count);

#endif
