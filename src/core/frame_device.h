/* SPDX-License-Identifier: MIT */
/* Frames on the device: what kernels and others that work there need of them. */
#ifndef CORE_FRAME_DEVICE_H
#define CORE_FRAME_DEVICE_H

#include "core/frame.h"

/* INVALID_ARGUMENT for a frame that is not on the device, or has no such member. */
gpumm_status gpumm__frame_device_check(const gpumm_frame *f, size_t index);
/* `s` is about to read it. Submit lock held until that is enqueued, as for gpumm__order_use. STALE. */
gpumm_status gpumm__frame_device_use(gpumm_frame *f, gpumm_stream *s);
gpumm_address gpumm__frame_device_address(const gpumm_frame *f, size_t index);

#endif
