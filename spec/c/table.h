/* SPDX-License-Identifier: MIT */
/* What the tests of a device's table share: a host device with two streams, plain or with the fault device in
   between, and blocks of it. */
#ifndef TABLE_H
#define TABLE_H

#include "check.h"
#include "device/open.h"

enum { UNIT = 64 << 10 };

typedef struct bench {
    device *d;
    const device_table *call;
    device_stream *a, *b;
} bench;

static inline bench bench_open(gpumm_options options) {
    bench t = {0};
    options.device = "host";
    CHECK_OK(gpumm__device_open(&options, &gpumm__alloc_default, &t.d));
    t.call = t.d->call;
    CHECK_OK(t.call->stream_open(t.d, NULL, &t.a));
    CHECK_OK(t.call->stream_open(t.d, NULL, &t.b));
    return t;
}

static inline void bench_close(bench *t) {
    t->call->stream_close(t->d, t->a);
    t->call->stream_close(t->d, t->b);
    gpumm__device_close(t->d);
}

static inline uint8_t *at(gpumm_address address) { return (uint8_t *)(uintptr_t)address; }

static inline gpumm_address block(bench *t, place where, uint64_t bytes) {
    gpumm_address address = 0;
    CHECK_OK(t->call->alloc(t->d, where, bytes, &address));
    return address;
}

#endif
