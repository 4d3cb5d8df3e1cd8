/* SPDX-License-Identifier: MIT */
/* Messages that are sent once: u32 kind, u32 first, u32 count, and 4 bytes of zero; then what there is of each.
   2, edges: u32 from, u32 to, of nodes from 0. Kinds 3 and 4 (names, colors) are made in lua/gpumm/live/about.lua. */
#ifndef MODULES_LIVE_MESSAGE_H
#define MODULES_LIVE_MESSAGE_H

#include "modules/live/blob.h"

typedef struct live_edges {
    uint32_t first, base; /* the first one's index; what the first node is called in them */
    uint64_t count;
    const void *from, *to; /* u32 each; `to` NULL: `from` has pairs */
} live_edges;

/* NULL: no memory, or more than a message can count. */
live_blob *gpumm_live__message_edges(gpumm_allocator allocator, const live_edges *edges);

#endif
