/* gpumm's own host memory, through the allocator that the application may have handed in. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "gpumm.h"

extern const gpumm_allocator alloc_default; /* malloc's family */

/* Zeroed; NULL where there is none. */
void *mem_new(const gpumm_allocator *from, size_t bytes);
/* Grows or shrinks; NULL leaves the block as it was. What is new is not zeroed. */
void *mem_resize(const gpumm_allocator *from, void *block, size_t bytes);
void mem_free(const gpumm_allocator *from, void *block); /* NULL is fine */
char *mem_string(const gpumm_allocator *from, const char *text); /* a copy */

/* Makes room for one more item in a growable array of `items`; false: no memory, nothing changed. */
bool mem_reserve(const gpumm_allocator *from, void **items, size_t item_bytes, size_t count, size_t *capacity);

#endif
