/* SPDX-License-Identifier: MIT */
/* A text that grows. */
#ifndef KERNEL_SOURCE_TEXT_H
#define KERNEL_SOURCE_TEXT_H

#include "base/alloc.h"
#include "gpumm.h"

typedef struct text { /* ended by NUL */
    const gpumm_allocator *from;
    char *bytes;
    size_t length, capacity;
} text;

gpumm_status gpumm__text_add(text *t, const char *bytes, size_t length);
gpumm_status gpumm__text_string(text *t, const char *string);
/* What a plain file holds, whole. IO for what is none (a pipe or a device could give bytes without an end), and for
   more than TEXT_LIMIT. */
gpumm_status gpumm__text_read(text *t, const char *path);
void gpumm__text_free(text *t);

#endif
