/* SPDX-License-Identifier: MIT */
/* Transfers: bytes between the caller's memory and the device, through two pinned halves of one block, so
   that a source is taken when the call returns and pageable memory never reaches the driver. An upload
   within one half is enqueued whole or not at all. Each stream has a block of its own, so that what waits for
   a long kernel on one stream holds up no transfer on another. */
#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include "core/extent.h"

enum { TRANSFER_HALF = 1 << 20 };

gpumm_status gpumm__transfer_up(extent *e, gpumm_stream *s, uint64_t offset, const void *from, uint64_t bytes);
gpumm_status gpumm__transfer_down(extent *e, gpumm_stream *s, uint64_t offset, void *to, uint64_t bytes);
/* `bytes` times the byte `value`. */
gpumm_status gpumm__transfer_fill(extent *e, gpumm_stream *s, uint64_t offset, uint8_t value, uint64_t bytes);

#endif
