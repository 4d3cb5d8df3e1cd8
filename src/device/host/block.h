/* SPDX-License-Identifier: MIT */
/* Kernels whose blocks are blocks: each runs whole, on one thread of the pool; where its threads wait for one another,
   each is a fiber. */
#ifndef DEVICE_HOST_BLOCK_H
#define DEVICE_HOST_BLOCK_H

#include "device/host/pool.h"

/* What the warp's threads brought, by lane, those of `members` alone: each gets its result. */
typedef void block_combine(void *const *cells, unsigned members);

/* A block as a kernel sees it; the prelude declares the same (prelude_blocks.c). The functions are called by the block's
   running thread, with the place in the source; they are NULL where no thread waits. */
typedef struct block_view {
    unsigned index[3], size[3], grid[3]; /* blockIdx, blockDim, gridDim */
    unsigned count, total;               /* of the last barrier: threads whose predicate held, and all */
    void (*barrier)(struct block_view *b, int predicate, const char *file, unsigned line);
    /* Once every living thread of the warp that the mask names has come with the same function. */
    void (*meet)(struct block_view *b, unsigned mask, void *cell, block_combine *combine, const char *file,
                 unsigned line);
    unsigned (*active)(struct block_view *b, const char *file, unsigned line); /* lanes that came here together */
    void (*yield)(struct block_view *b);
} block_view;

/* Runs threads [begin, end) of the block in the calling fiber. */
typedef void host_block_fn(void *const *arguments, block_view *block, unsigned begin, unsigned end);

typedef struct crew crew; /* the fibers of one block at a time */

typedef struct crews { /* a device's, lent to whoever runs blocks */
    pthread_mutex_t lock;
    crew *idle;
    const gpumm_allocator *memory;
} crews;

enum { BLOCK_MESSAGE = 400 };

typedef struct block_task {
    task task; /* first: its units are blocks */
    crews *crews;
    host_block_fn *run;
    const char *name; /* of the kernel */
    unsigned grid[3], block[3];
    bool waiting; /* its threads wait for one another */
    atomic_bool told;
    char message[BLOCK_MESSAGE]; /* what went wrong, where something else than a division did */
} block_task;

void gpumm__block_crews_open(crews *c, const gpumm_allocator *memory);
void gpumm__block_crews_close(crews *c);
void gpumm__block_run(pool *p, block_task *t); /* fills the rest of its task; returns when every block has run */

#endif
