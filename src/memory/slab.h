/* SPDX-License-Identifier: MIT */
/* A slab: small blocks out of one range, in constant time (two-level bins over the free sizes, neighbours
   merged at once). Its metadata lives in the host, so a stray kernel cannot damage it, and it can be
   checked. Contents are whatever they were. Not thread-safe: its owner locks. Taking and giving touch nothing
   but the metadata, so that a lock which is never held across a driver's call will do; growing has three steps
   for that lock's sake, of which only the middle one calls the driver, without it. */
#ifndef MEMORY_SLAB_H
#define MEMORY_SLAB_H

#include "memory/range.h"

enum {
    SLAB_ALIGN = 256, /* of every block: what CUDA promises for allocations */
    SLAB_STEPS = 8,   /* bins between two powers of two */
    SLAB_POWERS = 40,
    SLAB_BINS = SLAB_POWERS * SLAB_STEPS
};

typedef struct slab_node {
    uint64_t offset, size;
    uint32_t before, after;  /* neighbours by address; SLAB_NONE at the ends */
    uint32_t previous, next; /* in the bin's list; next also chains unused nodes */
    bool used;
} slab_node;

#define SLAB_NONE UINT32_MAX

typedef struct slab {
    range range; /* the grower's alone, but for its address */
    slab_node *nodes;
    slab_node *outgrown; /* the nodes before, until the next growth: a growth frees nothing under the lock */
    size_t node_count, node_room;
    uint32_t unused; /* nodes to use again */
    uint32_t last;   /* the block at the end of what is committed */
    uint32_t bins[SLAB_BINS];
    uint64_t powers;            /* which powers have a free block */
    uint8_t steps[SLAB_POWERS]; /* which bins of a power have one */
    uint64_t used;              /* bytes in used blocks */
    uint64_t committed;         /* of the range, as far as its blocks reach */
    size_t blocks;              /* used ones */
} slab;

typedef struct slab_block {
    uint32_t number;
    gpumm_address address;
    uint64_t size; /* real, not less than what was asked for */
} slab_block;

typedef struct slab_growth {
    uint64_t end;     /* what is to be committed */
    size_t node_room; /* nodes wanted */
    slab_node *nodes; /* fetched; NULL: there is room */
} slab_growth;

/* `maximum`: bytes that all blocks together may take. Nothing is committed until the first block. */
gpumm_status gpumm__slab_open(slab *s, device *d, uint64_t maximum);
void gpumm__slab_close(slab *s);
/* A block of at least `bytes` (0 counts as 1) out of what is committed; false: grow, then ask again. */
bool gpumm__slab_try(slab *s, uint64_t bytes, slab_block *out);
void gpumm__slab_give(slab *s, uint32_t number);
/* Plan under the owner's lock, fetch without it, publish under it. One thread at a time grows: whoever takes
   and gives meanwhile may also use up what was fetched, so ask again in a loop. A fetch that fails leaves
   nothing to publish. */
gpumm_status gpumm__slab_plan(const slab *s, uint64_t bytes, slab_growth *g);
gpumm_status gpumm__slab_fetch(slab *s, slab_growth *g);
void gpumm__slab_publish(slab *s, const slab_growth *g);
/* All of it, for an owner whose lock may be held across a driver's call. */
gpumm_status gpumm__slab_take(slab *s, uint64_t bytes, slab_block *out);
/* DRIVER naming the first thing that does not hold. */
gpumm_status gpumm__slab_check(const slab *s);

#endif
