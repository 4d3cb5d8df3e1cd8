/* SPDX-License-Identifier: MIT */
/* What calls on contents check, for those that record them. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include "core/group.h"

/* Do elements [first, first + count) lie within the length? Group or submit lock held. */
gpumm_status gpumm__buffer_check_range(const gpumm_buffer *b, uint64_t first, uint64_t count);
/* One element type, and ranges of one buffer that do not overlap. */
gpumm_status gpumm__buffer_check_copy(const gpumm_buffer *to, const gpumm_buffer *from, uint64_t to_first,
                                      uint64_t from_first, uint64_t count);

#endif
