/* SPDX-License-Identifier: MIT */
/* Edges, with their ends side by side. */
#include "modules/live/message.h"

#include <string.h>

static uint32_t at(const void *list, size_t index) {
    uint32_t value;
    memcpy(&value, (const unsigned char *)list + index * sizeof value, sizeof value);
    return value;
}

live_blob *gpumm_live__message_edges(gpumm_allocator allocator, const live_edges *e) {
    if (e->count > 0x0fffffff) return NULL;
    uint32_t header[4] = {2, e->first, (uint32_t)e->count, 0};
    live_blob *blob = gpumm_live__blob_new(allocator, NULL, sizeof header + (size_t)e->count * 8, false);
    if (!blob) return NULL;
    memcpy(blob->bytes, header, sizeof header);
    for (size_t i = 0; i < e->count; i++) {
        uint32_t pair[2] = {at(e->from, e->to ? i : 2 * i) - e->base,
                            (e->to ? at(e->to, i) : at(e->from, 2 * i + 1)) - e->base};
        memcpy(blob->bytes + sizeof header + i * sizeof pair, pair, sizeof pair);
    }
    return blob;
}
