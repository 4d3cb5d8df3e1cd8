/* SPDX-License-Identifier: MIT */
/* Small blocks: the memory of extents whose maximum is small. They come from slabs of a few MiB each, so that what is
   free goes back slab by slab, wherever in the list it lies. */
#ifndef CORE_SMALL_H
#define CORE_SMALL_H

#include "core/order.h"
#include "memory/slab.h"

enum { SMALL_MOST = 64 << 10 }; /* bytes of a block */

typedef struct small_pool {
    pthread_mutex_t mutex;    /* the lists and what is in them */
    struct small_slab *some;  /* slabs that may have room */
    struct small_slab *full;  /* slabs that have next to none */
    uint64_t committed, used; /* of all of them */
    uint64_t spilled;         /* of `committed` */
    bool booked;
    account account; /* what blocks leave of what is committed */
} small_pool;

typedef struct small_block {
    struct small_slab *slab; /* NULL: no block */
    slab_block block;
} small_block;

void gpumm__small_open(small_pool *p);
/* `spills`: what the device has no memory for may be spilled. */
gpumm_status gpumm__small_take(context *ctx, small_pool *p, uint64_t bytes, bool spills, small_block *out);
bool gpumm__small_is_spilled(small_pool *p, const small_block *b);
void gpumm__small_give(context *ctx, small_pool *p, const small_block *b); /* nobody uses it but the main stream */
void gpumm__small_trim(context *ctx, small_pool *p);  /* gives back what is free, behind the main stream */
void gpumm__small_close(context *ctx, small_pool *p); /* everything; all work is through */
gpumm_status gpumm__small_check(small_pool *p);

#endif
