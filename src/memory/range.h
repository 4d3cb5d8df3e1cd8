/* SPDX-License-Identifier: MIT */
/* A range: address space for a maximum, with memory committed at its beginning. Growth commits one more segment after
   the last, so addresses never change. A striped one's segments are on several devices in turn, all of the same size. Where it may, it goes on in the host's memory once the device has no more: each
   segment is of one or the other. On a device that cannot do this, a range is one allocation of a fixed size (a
   whole block), and growth needs another range. Not thread-safe: the owner locks. */
#ifndef MEMORY_RANGE_H
#define MEMORY_RANGE_H

#include "device/device.h"
#include "memory/spill.h"

typedef struct range_segment {
    uint64_t end; /* offset */
    bool spilled;
} range_segment;

typedef struct range {
    device *device;
    place where;
    bool in_place;
    gpumm_address address; /* of a whole block: 0 until its first commit */
    uint64_t reserved;     /* bytes of address space: the most it can hold */
    uint64_t committed;
    range_segment *list;
    size_t segments, room;
    const device_stripe *stripe; /* of PLACE_STRIPED; outlives it */
    spill *spill;                /* what it may spill of; NULL: nothing */
    uint64_t spilled;            /* bytes of `committed` that are the host's; of a whole block all or none */
    gpumm_status refused;        /* why the last memory that should have gone back is still here; OK: it is not */
} range;

/* Reserves address space for `maximum` bytes (0 counts as 1) and commits nothing. */
gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum);
/* The same, with segments on the stripe's devices in turn. */
gpumm_status gpumm__range_open_striped(range *r, device *d, const device_stripe *stripe, uint64_t maximum);
/* In what it is committed: its length is a multiple of this. */
static inline uint64_t range_unit(const range *r) {
    return r->stripe ? r->stripe->bytes : device_granularity(r->device, r->where);
}
/* Do whole segments alone go back? Others may have them, or each has its device. */
static inline bool range_keeps_segments(const range *r) { return r->where == PLACE_SHARED || r->stripe; }
/* Commits at least the first `bytes`. A whole block is committed once; more than it holds is INVALID_ARGUMENT then. */
gpumm_status gpumm__range_commit(range *r, uint64_t bytes);
/* The same, and what the device has no more memory for is spilled, if anything may be. */
gpumm_status gpumm__range_spill(range *r, uint64_t bytes);
bool gpumm__range_can_commit(const range *r, uint64_t bytes); /* in this range */
/* Releases the whole segments beyond `bytes`, which no queued work may use. Returns the bytes released. */
uint64_t gpumm__range_decommit(range *r, uint64_t bytes);
/* A descriptor of a segment, the caller's; and one more segment, of exactly `bytes`, that somebody else's range exported. For
   PLACE_SHARED. */
gpumm_status gpumm__range_export(const range *r, size_t segment, int *descriptor);
gpumm_status gpumm__range_import(range *r, uint64_t bytes, int descriptor);
static inline uint64_t range_segment_begin(const range *r, size_t segment) {
    return segment ? r->list[segment - 1].end : 0;
}
/* Bytes of the first spilled segment, or of a spilled block; 0: nothing is spilled. */
uint64_t gpumm__range_next_spilled(const range *r);
/* Moves it to the device, contents kept; nobody may be using it. OUT_OF_MEMORY: there is no room. A block may have another
   address then. */
gpumm_status gpumm__range_promote(range *r);
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
