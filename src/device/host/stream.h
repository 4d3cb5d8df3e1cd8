/* SPDX-License-Identifier: MIT */
/* Operations in order, each stream a thread. */
#ifndef DEVICE_HOST_STREAM_H
#define DEVICE_HOST_STREAM_H

#include "device/host/block.h"
#include "device/host/memory.h"

struct device_stream {
    device_stream_base base;
    host_device *device;
    device_stream *next, *before;
    worker worker;
    _Atomic uint64_t issued, completed;
    _Atomic uint64_t error; /* of the last launch that went wrong; see launch_error.h */
};

typedef struct record record; /* of an event */

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
            const void *from;
            size_t bytes;
            host_device *other; /* whose claim `use` is */
            use use;
        } between;
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
            host_kernel_fn *run;      /* the function's */
            host_block_fn *run_block; /* or this */
            const char *name;
            bool waiting;
            void **arguments;
            uint64_t threads; /* in x */
            unsigned grid[3], block[3];
        } launch;
        record *record;
        struct {
            struct counter *counter;
            uint64_t value;
        } semaphore;
        struct {
            struct op **ops; /* a reference to each */
            size_t count;
        } graph;
    } as;
    atomic_uint references; /* of an operation that graphs share, see graph.c */
    size_t use_count;
    use uses[];
} op;

void gpumm__host_bell_wait(bell *b, bool (*ready)(const void *what), const void *what);
void gpumm__host_bell_ring(bell *b);
gpumm_status gpumm__host_op_new(device_stream *s, void (*work)(op *o), op **out);
/* The same with `uses` claims behind it, which the caller makes, and whatever else the bytes are for. */
gpumm_status gpumm__host_op_new_sized(device_stream *s, void (*work)(op *o), size_t uses, size_t bytes, op **out);
void gpumm__host_op_post(op *o);

/* Operations that claim their memory and are not posted; NULL where there is nothing to do. */
gpumm_status gpumm__host_copy_op(device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from, uint64_t bytes,
                                 op **out);
gpumm_status gpumm__host_fill_op(device_stream *s, gpumm_address to, uint32_t pattern, unsigned width, uint64_t count,
                                 op **out);
gpumm_status gpumm__host_launch_op(device_stream *s, device_function *f, const device_launch *launch, op **out);

gpumm_status gpumm__host_stream_open(device *d, void *native, device_stream **out);
void gpumm__host_stream_close(device *d, device_stream *s);
gpumm_status gpumm__host_stream_synchronize(device *d, device_stream *s);
gpumm_status gpumm__host_stream_query(device *d, device_stream *s, bool *idle);
gpumm_status gpumm__host_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes);
gpumm_status gpumm__host_copy_from(device *d, device_stream *s, gpumm_address to, const device_foreign *from,
                                   uint64_t bytes);
gpumm_status gpumm__host_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count);
gpumm_status gpumm__host_call(device *d, device_stream *s, void (*function)(void *user), void *user);
void gpumm__host_prepare(device *d, size_t arguments, size_t bytes);
gpumm_status gpumm__host_launch(device *d, device_stream *s, device_function *f, const device_launch *launch);

#endif
