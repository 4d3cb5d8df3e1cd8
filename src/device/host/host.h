/* SPDX-License-Identifier: MIT */
/* The host device's rooms: memory.c (address space, quota, who uses what), stream.c (queues and
   operations), event.c (records and waits), pool.c (threads that run kernels), host.c (opening, the table). */
#ifndef DEVICE_HOST_HOST_H
#define DEVICE_HOST_HOST_H

#include <stdatomic.h>

#include "base/thread.h"
#include "device/device.h"
#include "device/host/kernel.h"

/* ---- pool.c: one pool of kernel threads a device, shared by all its streams ---- */

typedef struct helper helper;

typedef struct task {
    struct task *next;
    host_kernel_fn *run;
    void *const *arguments;
    uint64_t threads, chunk;
    unsigned block;
    unsigned helpers; /* of the pool, at work on it; under the pool's lock */
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

/* ---- memory.c: reservations and blocks, and the queued work that uses them ---- */

typedef struct span {
    gpumm_address address;
    uint64_t bytes;
} span;

/* One queued operation's claim on a part of a region; decommit, release and free look for them. */
typedef struct use {
    struct use *next, *before;
    struct region *region;
    span span;
} use;

typedef struct region {
    span span;
    place where;
    bool block;     /* from alloc: one piece, always there */
    span *segments; /* of a reservation, by address */
    size_t count, room;
    use *uses;
} region;

/* ---- The device ---- */

/* Rung whenever an operation is done; who waits looks again. Rings cost nothing while nobody waits. */
typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    atomic_uint waiters;
} bell;

typedef struct host_device {
    device base;
    uint64_t page, quota;
    pthread_mutex_t lock; /* everything to the blank line */
    region **regions;     /* by address */
    size_t count, room;
    uint64_t held; /* of the quota */
    device_stream *streams;

    bell bell;
    pool pool;
} host_device;

static inline host_device *host_of(device *d) { return (host_device *)d; }

void gpumm__host_memory_close(host_device *h); /* unmaps whatever was left */
gpumm_status gpumm__host_reserve(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__host_release(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_commit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_decommit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__host_alloc(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__host_free(device *d, place where, gpumm_address address, uint64_t bytes);

/* One operand of a copy or fill, with the words that name it in a message. */
typedef struct operand {
    const char *verb; /* "copy from" */
    place where;
    span span;
} operand;

/* Claims every operand, all or none; DRIVER names the first address that is not there. */
gpumm_status gpumm__host_use_operands(host_device *h, use *uses, const operand *operands, size_t count);
/* Claims the whole region that holds the address; false: it lies in none. */
bool gpumm__host_use_address(host_device *h, use *u, gpumm_address address);
void gpumm__host_use_drop(host_device *h, use *uses, size_t count); /* those never claimed are passed over */

/* ---- stream.c: operations in order, each stream a thread ---- */

struct device_stream {
    host_device *device;
    device_stream *next, *before;
    worker worker;
    _Atomic uint64_t issued, completed;
};

typedef struct record record;

typedef struct op {
    job job; /* first: a job is its operation */
    device_stream *stream;
    void (*work)(struct op *o);
    union {
        struct {
            void *to;
            const void *from;
            size_t bytes;
        } copy;
        struct {
            void *to;
            uint32_t pattern;
            unsigned width;
            size_t count;
        } fill;
        struct {
            void (*function)(void *user);
            void *user;
        } call;
        struct {
            host_kernel_fn *run;
            void **arguments;
            uint64_t threads;
            unsigned block;
        } launch;
        record *record;
    } as;
    size_t use_count;
    use uses[];
} op;

void gpumm__host_bell_wait(bell *b, bool (*ready)(const void *what), const void *what);
void gpumm__host_bell_ring(bell *b);
gpumm_status gpumm__host_op_new(device_stream *s, void (*work)(op *o), op **out);
void gpumm__host_op_post(op *o);

gpumm_status gpumm__host_stream_open(device *d, void *native, device_stream **out);
void gpumm__host_stream_close(device *d, device_stream *s);
gpumm_status gpumm__host_stream_synchronize(device *d, device_stream *s);
gpumm_status gpumm__host_stream_query(device *d, device_stream *s, bool *idle);
gpumm_status gpumm__host_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes);
gpumm_status gpumm__host_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count);
gpumm_status gpumm__host_call(device *d, device_stream *s, void (*function)(void *user), void *user);
gpumm_status gpumm__host_launch(device *d, device_stream *s, device_function *f, const device_launch *launch);

/* ---- event.c: each recording is an object of its own, so that a wait binds the one it saw ---- */

gpumm_status gpumm__host_event_open(device *d, bool timed, device_event **out);
void gpumm__host_event_close(device *d, device_event *e);
gpumm_status gpumm__host_event_record(device *d, device_event *e, device_stream *s);
gpumm_status gpumm__host_event_query(device *d, device_event *e, bool *done);
gpumm_status gpumm__host_event_synchronize(device *d, device_event *e);
gpumm_status gpumm__host_event_elapsed(device *d, device_event *from, device_event *to, double *seconds);
gpumm_status gpumm__host_stream_wait(device *d, device_stream *s, device_event *e);

#endif
