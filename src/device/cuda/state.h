/* SPDX-License-Identifier: MIT */
/* The CUDA device's own state. */
#ifndef DEVICE_CUDA_STATE_H
#define DEVICE_CUDA_STATE_H

#include "device/cuda/driver.h"
#include "device/device.h"

typedef struct cuda_plan { /* a failure by the driver entry's name */
    pthread_mutex_t mutex;
    driver_entry entry; /* DRIVER_COUNT: any */
    uint64_t left;      /* calls until the one that fails; 0: none does */
    atomic_int status;
    atomic_ullong calls[DRIVER_COUNT];
} cuda_plan;

typedef struct cuda_elsewhere {
    gpumm_address begin, end;
    int owner; /* a device, or CUDA_HOST */
} cuda_elsewhere;

enum { CUDA_HOST = -1 };

typedef struct cuda_border { /* segments of PLACE_SPILLED, and of PLACE_STRIPED those of other devices, by address */
    pthread_mutex_t mutex;
    cuda_elsewhere *list;
    size_t room;
    atomic_size_t count;
    atomic_ullong changes;
} cuda_border;

typedef struct cuda_admission {
    gpumm_address range;
    uint64_t bytes;
    int user;        /* a device */
    unsigned unmaps; /* as it was then */
    bool usable;     /* else the driver refused */
} cuda_admission;

enum { CUDA_ADMISSIONS = 16 };

typedef struct cuda_admissions {
    pthread_mutex_t mutex; /* of the list */
    cuda_admission list[CUDA_ADMISSIONS];
    unsigned next;
    atomic_uint unmaps; /* how often something was unmapped */
} cuda_admissions;

typedef struct cuda {
    device base; /* first */
    cuda_context *context;
    CUdevice device;
    bool retained;         /* the primary context is ours to give back */
    bool stream_ordered;   /* blocks come from the device's pool */
    unsigned forks;        /* the driver table's count at open */
    unsigned shared_limit; /* bytes of shared memory a block may opt in to */
    CUmodule own_module;
    CUresult own_refused;   /* why there is no fill_kernel */
    CUfunction copy_kernel; /* copies within the device; NULL: the driver does */
    CUfunction fill_kernel; /* fills what is spilled; NULL: nothing does */
    CUstream own;           /* for probes and for blocks; never waits for the work of others */
    CUmemAllocationProp memory[PLACE_COUNT];
    CUmemAccessDesc access[PLACE_COUNT][2];
    size_t access_count[PLACE_COUNT];
    atomic_bool watched; /* count the driver's entries, and follow the plan */
    cuda_plan plan;
    cuda_border border;
    cuda_admissions admissions;
} cuda;

static inline cuda *cuda_of(device *d) { return (cuda *)d; }

#endif
