/* SPDX-License-Identifier: MIT */
/* An extent: the memory of one buffer, with its stream order and its account. Small ones are blocks of the
   pool's slab and have their maximum at once; others are ranges. What is freed keeps its order, so that
   whoever gets it next waits for its users on the device; nobody waits in the host to use it again. */
#ifndef CORE_EXTENT_H
#define CORE_EXTENT_H

#include "core/order.h"
#include "core/small.h"
#include "memory/range.h"

typedef struct extent {
    struct extent *next; /* in the pool's cached list */
    context *context;
    range range;       /* of a large one */
    small_block small; /* of a small one */
    gpumm_address address;
    uint64_t usable;   /* bytes that can be used without committing more */
    exported *exports; /* segments of it that somebody else may have */
    order order;
    deferred gone;
    bool booked; /* its account is open */
    account account;
} extent;

/* EXTENT_SHAREABLE: a range of its own of PLACE_SHARED, which never becomes cached and is never moved nor spilled.
   EXTENT_SPILLING: what the device has no memory for is spilled, as far as may be. */
typedef enum extent_kind { EXTENT_PLAIN, EXTENT_SHAREABLE, EXTENT_SPILLING } extent_kind;

/* Memory for `bytes` of at most `maximum`, not yet in the books. Takes no budget. */
gpumm_status gpumm__extent_open(context *ctx, uint64_t bytes, uint64_t maximum, extent_kind kind, extent **out);
/* The same on several devices in turn: a range of its own, which never becomes cached and is never moved nor spilled. */
gpumm_status gpumm__extent_open_striped(context *ctx, uint64_t bytes, uint64_t maximum, const device_stripe *stripe,
                                        extent **out);
/* Address space for imported segments, and no memory: not in the books. */
gpumm_status gpumm__extent_reserve(context *ctx, uint64_t maximum, extent **out);
/* More memory behind what is there: only where gpumm__extent_can_grow. */
gpumm_status gpumm__extent_grow(extent *e, uint64_t bytes, bool spills);
bool gpumm__extent_can_grow(const extent *e, uint64_t bytes);
/* Gives back whole segments beyond `bytes`, which nobody may be using. False: the device refused one, which poll says
   where it is to be told. */
bool gpumm__extent_shrink(extent *e, uint64_t bytes, bool told);
/* Are there whole segments beyond what the first `bytes` are in? How many bytes beyond them, rounded, are held? */
bool gpumm__extent_has_surplus(const extent *e, uint64_t bytes);
uint64_t gpumm__extent_excess(const extent *e, uint64_t bytes);
/* Gives back all of that excess, exchanging a segment or block that is used in part; nobody may be using any of it, and
   nobody may begin to. *moved becomes true where the address changed. */
gpumm_status gpumm__extent_fit(extent *e, uint64_t bytes, bool *moved);
/* Is any of it spilled that could be promoted? Blocks of a slab cannot: is that one spilled? */
bool gpumm__extent_is_spilled(const extent *e);
bool gpumm__extent_in_spilled_slab(const extent *e);
/* Moves spilled segments to the device, while there is room and they are at most `most` bytes together, or one; nobody may
   be using any of it, and nobody may begin to. `promoted`: bytes; *moved becomes true where the address changed. */
gpumm_status gpumm__extent_promote(extent *e, uint64_t most, uint64_t *promoted, bool *moved);
/* Puts it in the books as a buffer with `logical` bytes; names stay the caller's. */
void gpumm__extent_book(extent *e, const char *name, const char *tag, uint64_t logical);
/* `e` is where the buffer in `old` lives from now on: one buffer throughout, in the books too. */
void gpumm__extent_succeed(extent *e, extent *old);
/* Frees, without waiting: a block goes back to the slab, a range becomes cached. Where `cached` is false a range that no
   buffer has had goes back to the device, behind who uses it. */
void gpumm__extent_release(extent *e, bool cached);

/* Closes a range that nobody uses, or keeps it as cached where the device refuses to take it back. */
void gpumm__extent_discard(context *ctx, range *r);

/* The manager's pool: the slabs of small extents, and the ranges that are cached. */
gpumm_status gpumm__pool_open(context *ctx);
/* Unmaps every cached range and every empty slab behind its users. */
void gpumm__pool_trim(context *ctx);
void gpumm__pool_close(context *ctx); /* everything; all work is through. No pool is fine */
gpumm_status gpumm__pool_check(context *ctx);

#endif
