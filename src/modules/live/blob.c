/* SPDX-License-Identifier: MIT */
/* A header and the bytes, in one block of the state's memory. */
#include "modules/live/blob.h"

#include <stdint.h>
#include <string.h>

live_blob *gpumm_live__blob_new(gpumm_allocator allocator, const void *bytes, size_t size, bool text) {
    if (size > SIZE_MAX - sizeof(live_blob)) return NULL;
    live_blob *blob = allocator.reallocate(allocator.user, NULL, sizeof *blob + size);
    if (!blob) return NULL;
    blob->allocator = allocator;
    atomic_init(&blob->holders, 1);
    blob->text = text;
    blob->size = size;
    if (bytes) memcpy(blob->bytes, bytes, size);
    return blob;
}

live_blob *gpumm_live__blob_hold(live_blob *blob) {
    if (blob) atomic_fetch_add(&blob->holders, 1);
    return blob;
}

void gpumm_live__blob_release(live_blob *blob) {
    if (!blob || atomic_fetch_sub(&blob->holders, 1) != 1) return;
    gpumm_allocator allocator = blob->allocator;
    allocator.reallocate(allocator.user, blob, 0);
}
