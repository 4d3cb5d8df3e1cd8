/* SPDX-License-Identifier: MIT */
/* gpumm's own host memory, taken from the application's allocator where gpumm_options has one. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "gpumm.h"

extern const gpumm_allocator gpumm__alloc_default; /* realloc and free */

/* Zeroed memory; NULL: out of memory. */
void *gpumm__mem_new(const gpumm_allocator *from, size_t bytes);
/* Grows or shrinks. NULL: out of memory, and the block is unchanged. Added bytes are not zeroed. */
void *gpumm__mem_resize(const gpumm_allocator *from, void *block, size_t bytes);
void gpumm__mem_free(const gpumm_allocator *from, void *block);         /* NULL is fine */
char *gpumm__mem_string(const gpumm_allocator *from, const char *text); /* a copy */

/* Makes room for items up to the one of index `count` in a growable array; false: no memory, nothing changed. */
bool gpumm__mem_reserve(const gpumm_allocator *from, void **items, size_t item_bytes, size_t count, size_t *capacity);

#endif
