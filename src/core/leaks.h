/* SPDX-License-Identifier: MIT */
/* Leaks: named buffers that nobody freed. */
#ifndef CORE_LEAKS_H
#define CORE_LEAKS_H

#include "core/context.h"

typedef struct leak_list { /* what close found */
    struct leak *items;
    size_t count;
} leak_list;

/* Keeps those that are alive now, for questions after the close, and logs them. */
void gpumm__leaks_keep(context *ctx, leak_list *list);
void gpumm__leaks_free(context *ctx, leak_list *list);
size_t gpumm__leaks_kept(const leak_list *list, gpumm_block_fn each, void *user);
size_t gpumm__leaks_now(context *ctx, gpumm_block_fn each, void *user);

#endif
