/* SPDX-License-Identifier: MIT */
/* Bytes that several viewers are sent: one copy, which goes with the last who holds it. */
#ifndef MODULES_LIVE_BLOB_H
#define MODULES_LIVE_BLOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "gpumm.h"

typedef struct live_blob {
    gpumm_allocator allocator;
    atomic_uint holders;
    bool text; /* UTF-8 for a text message, else a binary one */
    size_t size;
    unsigned char bytes[];
} live_blob;

/* One holder, the caller. NULL: no memory. `bytes` may be NULL: they are filled in by the caller. */
live_blob *gpumm_live__blob_new(gpumm_allocator allocator, const void *bytes, size_t size, bool text);
live_blob *gpumm_live__blob_hold(live_blob *blob); /* NULL gives NULL */
void gpumm_live__blob_release(live_blob *blob);    /* NULL does nothing */

#endif
