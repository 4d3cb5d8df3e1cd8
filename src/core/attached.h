/* SPDX-License-Identifier: MIT */
/* Buffers that are another process's: what their owner tells becomes visible here. */
#ifndef CORE_ATTACHED_H
#define CORE_ATTACHED_H

#include "core/group.h"

/* One more segment, at `offset`, which is where the last ended. INVALID_ARGUMENT, STALE. */
gpumm_status gpumm__attached_import(gpumm_buffer *b, uint64_t offset, uint64_t bytes, int descriptor);
/* What lies from `offset` on goes; waits for the work here that uses it. */
gpumm_status gpumm__attached_unmap(gpumm_buffer *b, uint64_t offset);
/* INVALID_ARGUMENT where there is no memory for it; OVER_LIMIT where readbacks of it here do not grow along. */
gpumm_status gpumm__attached_length(gpumm_buffer *b, uint64_t length);

#endif
