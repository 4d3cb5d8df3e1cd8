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
    gpumm_status refused; /* why the last memory that should have gone back is still here; OK: it is not */
} range;

/* Reserves address space for `maximum` bytes (0 counts as 1) and commits nothing. */
gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum);
/* Commits at least the first `bytes`. A whole block is committed once; more than it holds is INVALID_ARGUMENT then. */
gpumm_status gpumm__range_commit(range *r, uint64_t bytes);
bool gpumm__range_can_commit(const range *r, uint64_t bytes); /* in this range */
/* Releases the whole segments beyond `bytes`, which no queued work may use. Returns the bytes released. */
uint64_t gpumm__range_decommit(range *r, uint64_t bytes);
/* A descriptor of a segment, the caller's; and one more segment, of exactly `bytes`, that somebody else's range exported. For
   PLACE_SHARED. */
gpumm_status gpumm__range_export(const range *r, size_t segment, int *descriptor);
gpumm_status gpumm__range_import(range *r, uint64_t bytes, int descriptor);
static inline uint64_t range_segment_begin(const range *r, size_t segment) {
    return segment ? r->ends[segment - 1] : 0;
}
/* The end of the memory that `bytes` need, rounded to the granularity, and of the last segment that has some of it. */
uint64_t gpumm__range_needed(const range *r, uint64_t bytes);
uint64_t gpumm__range_kept(const range *r, uint64_t bytes);
/* Exchanges what holds the end of the first `bytes` for what holds no more, contents kept; nobody may be using any of
   it. Whole segments beyond go too. A block that is not in place may have another address then. */
gpumm_status gpumm__range_shrink(range *r, uint64_t bytes);
/* No queued work may use it; does nothing for a closed or zeroed range. What the device refuses to take back, twice,
   stays, and so does the range, with that status. */
gpumm_status gpumm__range_close(range *r);

#endif
