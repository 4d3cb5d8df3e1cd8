/* SPDX-License-Identifier: MIT */
/* Allocation of gpumm's own host memory. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_reallocate(void *user, void *block, size_t size) {
    (void)user;
    if (size) return realloc(block, size);
    free(block);
    return NULL;
}

const gpumm_allocator gpumm__alloc_default = {.reallocate = default_reallocate};

void *gpumm__mem_new(const gpumm_allocator *from, size_t bytes) {
    void *block = from->reallocate(from->user, NULL, bytes ? bytes : 1);
    return block ? memset(block, 0, bytes) : NULL;
}

void *gpumm__mem_resize(const gpumm_allocator *from, void *block, size_t bytes) {
    return from->reallocate(from->user, block, bytes ? bytes : 1);
}

void gpumm__mem_free(const gpumm_allocator *from, void *block) {
    if (block) from->reallocate(from->user, block, 0);
}

char *gpumm__mem_string(const gpumm_allocator *from, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = from->reallocate(from->user, NULL, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

bool gpumm__mem_reserve(const gpumm_allocator *from, void **items, size_t item_bytes, size_t count, size_t *capacity) {
    if (count < *capacity) return true;
    size_t more = *capacity ? *capacity * 2 : 8;
    if (more <= count) more = count + 1; /* several are added at once */
    void *grown = gpumm__mem_resize(from, *items, more * item_bytes);
    if (!grown) return false;
    *items = grown;
    *capacity = more;
    return true;
}
