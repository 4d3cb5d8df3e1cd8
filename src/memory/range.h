/* SPDX-License-Identifier: MIT */
/* A range: address space for a maximum, with memory committed at its beginning. Growth commits one more segment after
   the last, so addresses never change. On a device that cannot do this, a range is one allocation of a fixed size (a
   whole block), and growth needs another range. Not thread-safe: the owner locks. */
#ifndef MEMORY_RANGE_H
#define MEMORY_RANGE_H

#include "device/device.h"

typedef struct range {
    device *device;
    place where;
    bool in_place;
    gpumm_address address; /* of a whole block: 0 until its first commit */
    uint64_t reserved;     /* bytes of address space: the most it can hold */
    uint64_t committed;
    uint64_t *ends; /* offset of each segment's end */
    size_t segments, room;
} range;

/* Reserves address space for `maximum` bytes (0 counts as 1) and commits nothing. */
gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum);
/* Commits at least the first `bytes`. A whole block is committed once; more than it holds is INVALID_ARGUMENT then. */
gpumm_status gpumm__range_commit(range *r, uint64_t bytes);
bool gpumm__range_can_commit(const range *r, uint64_t bytes); /* in this range */
/* Releases the whole segments beyond `bytes`, which no queued work may use. Returns the bytes released. */
uint64_t gpumm__range_decommit(range *r, uint64_t bytes);
void gpumm__range_close(range *r); /* no queued work may use it; does nothing for a closed or zeroed range */

#endif
