/* A slab: small blocks out of one range, in constant time (two-level bins over the free sizes, neighbours
   merged at once). Its metadata lives in the host, so a stray kernel cannot damage it, and it can be
   checked. Contents are whatever they were. Thread-safe by its own mutex, which is held across the range's
   commits: whoever asks for a block waits for the slab to grow, and nobody else does. */
#ifndef MEMORY_SLAB_H
#define MEMORY_SLAB_H

#include <pthread.h>
#include <stdatomic.h>

#include "memory/range.h"

enum {
    SLAB_ALIGN = 256,          /* of every block: what CUDA promises for allocations */
    SLAB_STEPS = 8,            /* bins between two powers of two */
    SLAB_POWERS = 40,
    SLAB_BINS = SLAB_POWERS * SLAB_STEPS
};

typedef struct slab_node {
    uint64_t offset, size;
    uint32_t before, after;    /* neighbours by address; SLAB_NONE at the ends */
    uint32_t previous, next;   /* in the bin's list; next also chains unused nodes */
    bool used;
} slab_node;

#define SLAB_NONE UINT32_MAX

typedef struct slab {
    pthread_mutex_t mutex;
    range range;
    slab_node *nodes;
    size_t node_count, node_room;
    uint32_t unused;           /* nodes to use again */
    uint32_t last;             /* the block at the end of what is committed */
    uint32_t bins[SLAB_BINS];
    uint64_t powers;           /* which powers have a free block */
    uint8_t steps[SLAB_POWERS]; /* which bins of a power have one */
    _Atomic uint64_t used;     /* bytes in used blocks; read without the lock, as the next is */
    _Atomic uint64_t committed;
    size_t blocks;             /* used ones */
} slab;

/* `maximum`: bytes that all blocks together may take. Nothing is committed until the first block. */
gpumm_status slab_open(slab *s, device *d, uint64_t maximum);
void slab_close(slab *s);
/* A block of at least `bytes` (1 or more): its number, device address and real size. */
gpumm_status slab_take(slab *s, uint64_t bytes, uint32_t *block, gpumm_address *address, uint64_t *size);
void slab_give(slab *s, uint32_t block);
uint64_t slab_committed(slab *s);
uint64_t slab_used(slab *s);
/* DRIVER naming the first thing that does not hold. */
gpumm_status slab_check(slab *s);

#endif
