/* SPDX-License-Identifier: MIT */
/* A slab: small blocks of one range, in constant time (two-level bins by size, free neighbours merged at once). Its
   metadata is in host memory, so that a kernel that writes out of bounds cannot damage it, and it can be checked. A
   block's contents are undefined. Not thread-safe: the owner locks. Taking and giving use the metadata only, never the
   driver. Growing has three steps, so that the owner's lock need not be held across driver calls: plan and publish run
   with the lock, fetch calls the driver and runs without it. */
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
    const gpumm_allocator *memory; /* NULL: closed */
    range range;                   /* used by the thread that grows; its address by all */
    bool spills;                   /* the same thread's: what it fetches may be spilled */
    slab_node *nodes;
    slab_node *outgrown; /* the previous array of nodes, freed by the next fetch, without the lock */
    size_t node_count, node_room;
    uint32_t unused; /* first node of the list of unused ones */
    uint32_t last;   /* the block at the end of what is committed */
    uint32_t bins[SLAB_BINS];
    uint64_t powers;            /* which powers have a free block */
    uint8_t steps[SLAB_POWERS]; /* which bins of a power have one */
    uint64_t used;              /* bytes in used blocks */
    uint64_t committed;         /* bytes of the range that blocks cover */
    size_t blocks;              /* used ones */
} slab;

typedef struct slab_block {
    uint32_t number;
    gpumm_address address;
    uint64_t size; /* at least what was asked for */
} slab_block;

typedef struct slab_growth {
    uint64_t end;     /* bytes to commit, from the start of the range */
    size_t node_room; /* nodes wanted */
    slab_node *nodes; /* the new array; NULL: there are enough */
} slab_growth;

/* `maximum`: bytes of all blocks together. Nothing is committed before the first block. */
gpumm_status gpumm__slab_open(slab *s, device *d, uint64_t maximum);
gpumm_status gpumm__slab_close(slab *s); /* as gpumm__range_close; fine where somebody closed its range already */
/* Takes a block of at least `bytes` (0 counts as 1) from what is committed. False: grow, then try again. */
bool gpumm__slab_try(slab *s, uint64_t bytes, slab_block *out);
void gpumm__slab_give(slab *s, uint32_t number);
/* Growing: plan with the owner's lock, fetch without it, publish with it. One thread grows at a time. Other threads may
   take what was published first, so plan again until a try succeeds. After a fetch that failed, do not publish. */
gpumm_status gpumm__slab_plan(const slab *s, uint64_t bytes, slab_growth *g);
gpumm_status gpumm__slab_fetch(slab *s, slab_growth *g);
void gpumm__slab_publish(slab *s, const slab_growth *g);
/* Try, plan, fetch and publish in one, for owners whose lock may be held across driver calls. */
gpumm_status gpumm__slab_take(slab *s, uint64_t bytes, slab_block *out);
/* Takes the free memory at the end out of use, as far as whole segments go, and says where what is in use ends; what
   lies beyond goes back with gpumm__slab_release, which runs as a fetch does, once no queued work uses it. What is taken
   meanwhile grows over it again. A whole block goes with the slab alone. */
uint64_t gpumm__slab_retire(slab *s);
/* Returns the bytes released; `committed`: where use ends now. */
uint64_t gpumm__slab_release(slab *s, uint64_t committed);
/* Checks the metadata. DRIVER: it is inconsistent; the message says where. */
gpumm_status gpumm__slab_check(const slab *s);

#endif
