/* SPDX-License-Identifier: MIT */
/* A range: address space for a maximum, with memory committed behind its first part. Growth commits one
   more segment behind what is there, so addresses never change. Where the device cannot do that, a range
   is one whole block, and growing means another range. Not thread-safe: its owner locks. */
#ifndef MEMORY_RANGE_H
#define MEMORY_RANGE_H

#include "device/device.h"

typedef struct range {
    device *device;
    place where;
    bool in_place;
    gpumm_address address; /* 0 before the first commit of a whole block */
    uint64_t reserved;     /* bytes that it may ever hold */
    uint64_t committed;
    uint64_t *ends; /* offset of each segment's end */
    size_t segments, room;
} range;

/* Address space for `maximum` bytes, at least one; no memory yet. */
gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum);
/* Memory for at least the first `bytes`. Of a whole block: the first time only, then INVALID_ARGUMENT. */
gpumm_status gpumm__range_commit(range *r, uint64_t bytes);
bool gpumm__range_can_commit(const range *r, uint64_t bytes); /* without another range */
/* Gives back whole segments that lie beyond `bytes`; no queued work may use them. Returns bytes freed. */
uint64_t gpumm__range_decommit(range *r, uint64_t bytes);
void gpumm__range_close(range *r); /* no queued work may use it; a closed or zeroed range is fine */

#endif
