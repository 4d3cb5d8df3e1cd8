/* SPDX-License-Identifier: MIT */
/* An extent: the memory of one buffer, with its stream order and its account. Small ones are blocks of the
   pool's slab and have their maximum at once; others are ranges. What is freed keeps its order, so that
   whoever gets it next waits for its users on the device; nobody waits in the host to use it again. */
#ifndef CORE_EXTENT_H
#define CORE_EXTENT_H

#include "core/order.h"
#include "memory/range.h"
#include "memory/slab.h"

enum { EXTENT_SMALL = 64 << 10 }; /* maxima up to this many bytes live in the slab */

typedef struct extent {
    struct extent *next; /* in the pool's cached list */
    context *context;
    range range;            /* of a large one */
    struct pool_slab *slab; /* of a small one */
    uint32_t block;
    gpumm_address address;
    uint64_t usable; /* bytes that can be used without committing more */
    order order;
    deferred gone;
    bool booked; /* its account is open */
    account account;
} extent;

/* Memory for `bytes` of at most `maximum`, not yet in the books. Takes no budget. */
gpumm_status gpumm__extent_open(context *ctx, uint64_t bytes, uint64_t maximum, extent **out);
/* More memory behind what is there: only where gpumm__extent_can_grow. */
gpumm_status gpumm__extent_grow(extent *e, uint64_t bytes);
bool gpumm__extent_can_grow(const extent *e, uint64_t bytes);
/* Gives back whole segments beyond `bytes`, which nobody may be using; returns how much. */
uint64_t gpumm__extent_shrink(extent *e, uint64_t bytes);
/* Puts it in the books as a buffer with `logical` bytes; names stay the caller's. */
void gpumm__extent_book(extent *e, const char *name, const char *tag, uint64_t logical);
/* `e` is where the buffer in `old` lives from now on: one buffer throughout, in the books too. */
void gpumm__extent_succeed(extent *e, extent *old);
/* Frees, without waiting: a block goes back to the slab, a range becomes cached. Where `cached` is false a range that no
   buffer has had goes back to the device, behind who uses it. */
void gpumm__extent_release(extent *e, bool cached);

/* The manager's pool: the slabs of small extents, and the ranges that are cached. */
gpumm_status gpumm__pool_open(context *ctx);
/* Unmaps every cached range behind its users. */
void gpumm__pool_trim(context *ctx);
void gpumm__pool_close(context *ctx); /* everything; all work is through. No pool is fine */
gpumm_status gpumm__pool_check(context *ctx);

#endif
