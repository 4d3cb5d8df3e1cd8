/* SPDX-License-Identifier: MIT */
/* Kernels whose blocks are blocks: each runs whole, on one thread of the pool; where its threads wait for one another,
   each is a fiber. */
#ifndef DEVICE_HOST_BLOCK_H
#define DEVICE_HOST_BLOCK_H

#include "device/host/crew.h"
#include "device/host/pool.h"

typedef struct lent_crew lent_crew;

typedef struct crews { /* a device's, lent to whoever runs blocks */
    pthread_mutex_t lock;
    lent_crew *idle;
    const gpumm_allocator *memory;
} crews;

typedef struct block_task {
    task task; /* first: its units are blocks */
    crews *crews;
    block_work work;
    bool waiting; /* its threads wait for one another */
} block_task;

void gpumm__block_crews_open(crews *c, const gpumm_allocator *memory);
void gpumm__block_crews_close(crews *c);
void gpumm__block_run(pool *p, block_task *t); /* fills the task; returns when every block has run */

#endif
