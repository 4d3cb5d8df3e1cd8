/* SPDX-License-Identifier: MIT */
/* The text of a kernel: read from its file, with the files beside it that it includes put in their place, so
   that what is read, what is compiled and what names the binary are one and the same text. */
#ifndef KERNEL_SOURCE_INCLUDES_H
#define KERNEL_SOURCE_INCLUDES_H

#include "base/alloc.h"
#include "gpumm.h"

typedef struct text { /* grows; ended by NUL */
    const gpumm_allocator *from;
    char *bytes;
    size_t length, capacity;
} text;

gpumm_status gpumm__text_add(text *t, const char *bytes, size_t length);
gpumm_status gpumm__text_string(text *t, const char *string);
void gpumm__text_free(text *t);

/* Whether a file of that name holds a binary, by its ending. */
bool gpumm__source_is_binary(const char *file);
/* `given` (NULL: what `file` holds), with every #include "x" replaced by the x beside the file that says so,
   where there is one, as often as it is included and #pragma once allows. #line marks keep messages true. IO. */
gpumm_status gpumm__source_read(const gpumm_allocator *from, const char *given, const char *file, text *out);
/* What the source includes, and those files include, from folders that `flags` name by -I, or from that of `file`
   by <>: their contents. */
gpumm_status gpumm__source_headers(const text *source, const char *file, const char *flags, text *out);

#endif
