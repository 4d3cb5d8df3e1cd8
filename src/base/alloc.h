/* SPDX-License-Identifier: MIT */
/* gpumm's own host memory, through the allocator that the application may have handed in. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "gpumm.h"

extern const gpumm_allocator gpumm__alloc_default; /* malloc's family */

/* Zeroed; NULL where there is none. */
void *gpumm__mem_new(const gpumm_allocator *from, size_t bytes);
/* Grows or shrinks; NULL leaves the block as it was. What is new is not zeroed. */
void *gpumm__mem_resize(const gpumm_allocator *from, void *block, size_t bytes);
void gpumm__mem_free(const gpumm_allocator *from, void *block);         /* NULL is fine */
char *gpumm__mem_string(const gpumm_allocator *from, const char *text); /* a copy */

/* Makes room for one more item in a growable array of `items`; false: no memory, nothing changed. */
bool gpumm__mem_reserve(const gpumm_allocator *from, void **items, size_t item_bytes, size_t count, size_t *capacity);

#endif
