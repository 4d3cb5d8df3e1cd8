/* SPDX-License-Identifier: MIT */
/* Files that are not plain UTF-8: gzip, in one or several members, and UTF-16 with its mark. */
#ifndef MODULES_LAYOUT_DECODE_H
#define MODULES_LAYOUT_DECODE_H

#include "gpumm_lua.h"

/* Both give text in `memory`, which is the caller's. IO where the bytes are damaged, OUT_OF_MEMORY. `most` bounds what
   comes out of gzip. */
gpumm_status gpumm_layout__gunzip(const gpumm_allocator *memory, const char *path, const char *bytes, size_t size,
                                  uint64_t most, char **text, size_t *length);
gpumm_status gpumm_layout__utf16(const gpumm_allocator *memory, const char *path, const char *bytes, size_t size,
                                 char **text, size_t *length);

#endif
