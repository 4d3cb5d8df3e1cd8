/* SPDX-License-Identifier: MIT */
/* Whoever runs blocks whose threads wait for one another: their fibers, and the turns that they take. */
#ifndef DEVICE_HOST_CREW_H
#define DEVICE_HOST_CREW_H

#include <stdatomic.h>
#include "device/device.h"

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

enum { BLOCK_MESSAGE = 400 };

typedef struct block_work { /* a launch, which several crews may be at */
    host_block_fn *run;
    void *const *arguments;
    const char *name; /* of the kernel */
    unsigned grid[3], block[3];
    atomic_bool told;
    char message[BLOCK_MESSAGE]; /* what went wrong first, where something else than a division did */
} block_work;

static inline unsigned crew_threads(const block_work *w) { return w->block[0] * w->block[1] * w->block[2]; }

typedef struct crew crew;

crew *gpumm__crew_new(const gpumm_allocator *memory); /* NULL: there is no memory */
void gpumm__crew_delete(crew *c);
/* Where that block of the grid is. */
void gpumm__crew_place(const block_work *w, uint64_t number, block_view *view);
/* Runs those blocks on the calling thread; false: one was given up, and why is in the message unless it was for a
   division. */
bool gpumm__crew_run(crew *c, block_work *work, uint64_t begin, uint64_t end);

#endif
