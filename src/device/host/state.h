/* SPDX-License-Identifier: MIT */
/* The host device's own state. */
#ifndef DEVICE_HOST_STATE_H
#define DEVICE_HOST_STATE_H

#include "device/host/block.h"
#include "device/host/pool.h"
#include "device/host/stock.h"

/* Rung whenever an operation is done; who waits looks again. Rings cost nothing while nobody waits. */
typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    atomic_uint waiters;
} bell;

enum { LAUNCH_ERRORS = 16 };

typedef struct launch_error {
    uint64_t number;
    bool told;
    char message[480];
} launch_error;

typedef struct host_device {
    device base;
    uint64_t page, quota, most; /* quota: of each device that this one stands for; most: of all together */
    pthread_mutex_t lock;       /* everything to the blank line */
    struct region **regions;    /* by address */
    size_t count, room;
    uint64_t held[GPUMM_DEVICES_MAX]; /* of each quota; the first is its own */
    uint64_t spill_rate;              /* bytes a second, 0: as fast as any; stays as it is */
    device_stream *streams;
    launch_error errors[LAUNCH_ERRORS];
    uint64_t error_count;

    atomic_uint foreign; /* operations of other devices' streams that wait for an event of ours */
    bell bell;
    pool pool;
    crews crews;
    stock stock;  /* for operations and records */
    bool watches; /* divisions within kernels */
} host_device;

static inline host_device *host_of(device *d) { return (host_device *)d; }

#endif
