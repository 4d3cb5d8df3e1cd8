/* SPDX-License-Identifier: MIT */
/* One pool of kernel threads a device, shared by all its streams. */
#ifndef DEVICE_HOST_POOL_H
#define DEVICE_HOST_POOL_H

#include <stdatomic.h>
#include "base/thread.h"
#include "device/device.h"

/* Runs kernel threads [begin, end) of `threads` in the calling thread; `block` is what blockDim.x says. */
typedef void host_kernel_fn(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block);
typedef struct helper helper;

typedef struct task {
    struct task *next;
    void (*work)(struct task *t, uint64_t begin, uint64_t end); /* NULL: `run`, on kernel threads */
    host_kernel_fn *run;
    void *const *arguments;
    uint64_t threads, chunk; /* or other units that `work` knows */
    unsigned block;
    bool whole;         /* each unit is much work */
    unsigned most;      /* threads at work on it at the same time; 0: all there are */
    atomic_bool failed; /* by a division, or as `work` says; what is left of it is not run */
    unsigned helpers;   /* of the pool, at work on it; under the pool's lock */
    _Atomic uint64_t taken;
} task;

typedef struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    task *first;
    helper *helpers; /* made at the first kernel that is worth sharing */
    unsigned wanted, count;
    bool tried, stopping;
    const gpumm_allocator *memory;
} pool;

/* `threads` run kernels: the calling stream's own, and so many less one of the pool. */
gpumm_status gpumm__host_pool_open(pool *p, unsigned threads, const gpumm_allocator *memory);
void gpumm__host_pool_run(pool *p, task *t); /* returns when every kernel thread has run */
void gpumm__host_pool_close(pool *p);

#endif
