/* SPDX-License-Identifier: MIT */
/*
 * Memory that is the host's, behind the device's: a kernel over it against the same kernel over a bare mapping, its promotion
 * against the same copy and swap by hand, and what launches on another buffer last while that goes on. The device is filled
 * before, so that what gpumm takes is spilled.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench.h"

#define MIB ((uint64_t)1 << 20)
#define PIECE (64 * MIB)

enum { ROUNDS = 9, LAUNCHES = 20, QUIET = 128, LEFT_MIB = 48 };
enum { LOCATION_HOST_NUMA = 3, ATTRIBUTE_HOST_NUMA_ID = 134 }; /* names that older toolkits' headers lack */

static uint64_t spilled_bytes(const bench *b) { return b->host ? 8 * MIB : 512 * MIB; }

static gpumm_status open_spilling(const bench *b, gpumm_manager **out) {
    return gpumm_manager_open(&(gpumm_options){.device = b->device,
                                               .spill = 4 * spilled_bytes(b),
                                               .memory_bytes = b->host ? spilled_bytes(b) + 8 * MIB : 0},
                              out);
}

/* ---- A full device ------------------------------------------------------------------------------ */

typedef struct filler {
    CUdeviceptr at;
    gpumm_buffer *own; /* of the host device, whose memory is the manager's alone */
} filler;

static gpumm_status fill(const bench *b, gpumm_manager *m, filler *f) {
    uint64_t bytes;
    if (b->host) return open_buffer(m, "u8", spilled_bytes(b) + 7 * MIB, spilled_bytes(b) + 7 * MIB, &f->own);
    TRY(bare_free_bytes(&bytes));
    for (bytes -= LEFT_MIB * MIB; cuMemAlloc(&f->at, bytes) != CUDA_SUCCESS; bytes -= 16 * MIB)
        if (bytes < 1024 * MIB) return fail(GPUMM_OUT_OF_MEMORY, "the device could not be filled");
    return GPUMM_OK;
}

static gpumm_status unfill(gpumm_manager *m, filler *f) {
    gpumm_buffer_release(f->own);
    if (f->at) BARE(cuMemFree(f->at));
    *f = (filler){0};
    return make_cold(m);
}

/* Nodes of which next to all are spilled. */
static gpumm_status open_spilled(const bench *b, gpumm_manager *m, filler *f, gpumm_buffer **out) {
    uint64_t count = spilled_bytes(b) / NODE;
    gpumm_stats stats;
    TRY(fill(b, m, f));
    TRY(open_buffer(m, "f32x3", count, count, out));
    gpumm_manager_get_stats(m, &stats);
    if (stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes >= spilled_bytes(b) * 3 / 4) return gpumm_manager_synchronize(m);
    gpumm_buffer_release(*out);
    return fail(GPUMM_INVALID_ARGUMENT, "only %llu bytes were spilled",
                (unsigned long long)stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes);
}

/* ---- The same by hand --------------------------------------------------------------------------- */

static gpumm_status bare_access_of(CUdeviceptr at, uint64_t bytes, CUmemLocation location) {
    CUmemAccessDesc access = {.location = location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    BARE(cuMemSetAccess(at, bytes, &access, 1));
    return GPUMM_OK;
}

static CUmemLocation on_device(const bench *b) {
    return (CUmemLocation){.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = b->gpu};
}

static gpumm_status create(CUmemLocation where, uint64_t bytes, CUmemGenericAllocationHandle *out) {
    CUmemAllocationProp p = {.type = CU_MEM_ALLOCATION_TYPE_PINNED, .location = where};
    BARE(cuMemCreate(out, bytes, &p, 0));
    return GPUMM_OK;
}

/* Host memory at an address of the device's, in one piece. */
static gpumm_status map_host(const bench *b, uint64_t bytes, CUdeviceptr *at) {
    CUmemLocation host = {.type = (CUmemLocationType)LOCATION_HOST_NUMA};
    CUmemGenericAllocationHandle handle;
    int node = 0;
    BARE(cuDeviceGetAttribute(&node, (CUdevice_attribute)ATTRIBUTE_HOST_NUMA_ID, b->gpu));
    host.id = node > 0 ? node : 0;
    if (create(host, bytes, &handle) != GPUMM_OK) {
        host.id = 0; /* a container may not have the near one */
        TRY(create(host, bytes, &handle));
    }
    BARE(cuMemAddressReserve(at, bytes, 0, 0, 0));
    BARE(cuMemMap(*at, bytes, 0, handle, 0));
    BARE(cuMemRelease(handle));
    return bare_access_of(*at, bytes, on_device(b));
}

static gpumm_status unmap(CUdeviceptr at, uint64_t bytes) {
    BARE(cuMemUnmap(at, bytes));
    BARE(cuMemAddressFree(at, bytes));
    return GPUMM_OK;
}

static gpumm_status promote_by_hand(const bench *b, CUdeviceptr at) {
    CUmemGenericAllocationHandle fresh;
    CUdeviceptr elsewhere;
    TRY(create(on_device(b), PIECE, &fresh));
    BARE(cuMemAddressReserve(&elsewhere, PIECE, 0, 0, 0));
    BARE(cuMemMap(elsewhere, PIECE, 0, fresh, 0));
    TRY(bare_access_of(elsewhere, PIECE, on_device(b)));
    BARE(cuMemcpyDtoDAsync(elsewhere, at, PIECE, b->stream));
    TRY(bare_synchronize(b));
    TRY(unmap(elsewhere, PIECE));
    BARE(cuMemUnmap(at, PIECE));
    BARE(cuMemMap(at, PIECE, 0, fresh, 0));
    TRY(bare_access_of(at, PIECE, on_device(b)));
    BARE(cuMemRelease(fresh));
    return GPUMM_OK;
}

static gpumm_status time_by_hand(const bench *b, double *seconds) {
    CUdeviceptr at;
    *seconds = NAN;
    if (b->host) return GPUMM_OK;
    TRY(map_host(b, PIECE, &at));
    BARE(cuMemsetD8Async(at, 0x5a, PIECE, b->stream));
    TRY(bare_synchronize(b));
    uint64_t start = gpumm__clock_ns();
    gpumm_status status = promote_by_hand(b, at);
    *seconds = seconds_since(start);
    TRY(unmap(at, PIECE));
    return status;
}

/* ---- A kernel over it --------------------------------------------------------------------------- */

static gpumm_status kernel_rounds(const bench *b, gpumm_manager *m, gpumm_buffer *nodes, samples *mine,
                                  samples *theirs) {
    gpumm_kernel *k;
    CUdeviceptr at = 0;
    uint64_t bytes = spilled_bytes(b), count = bytes / NODE;
    TRY(open_step(b, m, &k));
    gpumm_status status = b->host ? GPUMM_OK : map_host(b, bytes, &at);
    for (unsigned i = 0; i <= rounds(b, ROUNDS) && status == GPUMM_OK; i++) {
        uint64_t start = gpumm__clock_ns();
        status = launch_step(k, NULL, nodes, count, 1);
        if (status == GPUMM_OK) status = gpumm_manager_synchronize(m);
        double a = seconds_since(start);
        start = gpumm__clock_ns();
        if (status == GPUMM_OK && at) status = bare_launch(b, at, count, 1);
        if (status == GPUMM_OK && at) status = bare_synchronize(b);
        double c = at ? seconds_since(start) : NAN;
        if (i == 0) continue;
        sample(mine, 2 * (double)bytes / a);
        sample(theirs, 2 * (double)bytes / c);
    }
    gpumm_kernel_release(k);
    if (at) TRY(unmap(at, bytes));
    return status;
}

static void kernel_row(bench *b, gpumm_manager *m) {
    static const char what[] = "a kernel over spilled memory";
    samples mine = {.count = 0}, theirs = {.count = 0};
    gpumm_buffer *nodes = NULL;
    filler f = {0};
    gpumm_status status = open_spilled(b, m, &f, &nodes);
    if (status == GPUMM_OK) {
        status = kernel_rounds(b, m, nodes, &mine, &theirs);
        gpumm_buffer_release(nodes);
    }
    if (unfill(m, &f) != GPUMM_OK || status != GPUMM_OK) {
        table_failed(b, what, "512 MiB");
        return;
    }
    double a = median(&mine), c = median(&theirs);
    table_row(b, &(row){what, "512 MiB", UNIT_RATE, a, c, "bare mapping", a / c, AT_LEAST, a / c, .9, ">= 0.9 x"});
}

/* ---- Promotion ---------------------------------------------------------------------------------- */

static gpumm_status promote_once(const bench *b, gpumm_manager *m, double *seconds) {
    gpumm_buffer *nodes = NULL;
    filler f = {0};
    uint64_t promoted = 0;
    gpumm_status status = open_spilled(b, m, &f, &nodes);
    gpumm_status gone = unfill(m, &f);
    if (status != GPUMM_OK) return status;
    uint64_t start = gpumm__clock_ns();
    status = gone == GPUMM_OK ? gpumm_manager_promote(m, &promoted) : gone;
    *seconds = seconds_since(start) / ((double)promoted / (double)PIECE);
    gpumm_buffer_release(nodes);
    TRY(status);
    return promoted ? make_cold(m) : fail(GPUMM_OUT_OF_MEMORY, "nothing was promoted");
}

static gpumm_status promote_rounds(const bench *b, gpumm_manager *m, samples *mine, samples *theirs) {
    for (unsigned i = 0; i <= rounds(b, ROUNDS); i++) {
        double a = NAN, c = NAN;
        TRY(promote_once(b, m, &a));
        TRY(time_by_hand(b, &c));
        if (i == 0) continue;
        sample(mine, a);
        sample(theirs, c);
    }
    return GPUMM_OK;
}

static void promote_row(bench *b, gpumm_manager *m) {
    static const char what[] = "promote, each 64 MiB";
    samples mine = {.count = 0}, theirs = {.count = 0};
    if (promote_rounds(b, m, &mine, &theirs) != GPUMM_OK) {
        table_failed(b, what, "512 MiB");
        return;
    }
    double a = median(&mine), c = median(&theirs);
    table_row(b,
              &(row){what, "512 MiB", UNIT_TIME, a, c, "copy + swap by hand", a / c, AT_MOST, a / c, 1.2, "<= 1.2 x"});
}

/* ---- Others meanwhile --------------------------------------------------------------------------- */

typedef struct promoter {
    gpumm_manager *m;
    gpumm_status status;
    atomic_bool over;
} promoter;

static void *promote_in_thread(void *user) {
    promoter *p = user;
    p->status = gpumm_manager_promote(p->m, NULL);
    atomic_store(&p->over, true);
    return NULL;
}

static gpumm_status time_launches(gpumm_kernel *k, gpumm_buffer *other, samples *s) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < LAUNCHES; i++) TRY(launch_step(k, NULL, other, 1000, 1));
    TRY(gpumm_manager_synchronize(gpumm_buffer_manager(other)));
    sample(s, seconds_since(start) / LAUNCHES);
    return GPUMM_OK;
}

static gpumm_status launch_beside(gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *other, samples *busy) {
    promoter p = {.m = m};
    pthread_t thread;
    if (pthread_create(&thread, NULL, promote_in_thread, &p)) return fail(GPUMM_OUT_OF_MEMORY, "no thread");
    gpumm_status status = GPUMM_OK;
    while (!atomic_load(&p.over) && status == GPUMM_OK) status = time_launches(k, other, busy);
    pthread_join(thread, NULL);
    return status == GPUMM_OK ? p.status : status;
}

static gpumm_status launch_rounds(const bench *b, gpumm_manager *m, gpumm_buffer *other, samples *quiet,
                                  samples *busy) {
    gpumm_kernel *k;
    gpumm_buffer *nodes = NULL;
    filler f = {0};
    TRY(open_step(b, m, &k));
    gpumm_status status = open_spilled(b, m, &f, &nodes), gone = unfill(m, &f);
    for (int i = 0; i < QUIET && status == GPUMM_OK; i++) status = time_launches(k, other, quiet);
    if (status == GPUMM_OK && gone == GPUMM_OK) status = launch_beside(m, k, other, busy);
    gpumm_buffer_release(nodes);
    gpumm_kernel_release(k);
    return status == GPUMM_OK ? gone : status;
}

static void launch_row(bench *b, gpumm_manager *m) {
    static const char what[] = "launches on others while promoting";
    samples quiet = {.count = 0}, busy = {.count = 0};
    gpumm_buffer *other;
    gpumm_status status = open_buffer(m, "f32x3", 1000, 1000, &other);
    if (status == GPUMM_OK) {
        status = launch_rounds(b, m, other, &quiet, &busy);
        gpumm_buffer_release(other);
    }
    if (status != GPUMM_OK) {
        table_failed(b, what, "1000 nodes");
        return;
    }
    double a = median(&busy), c = median(&quiet);
    table_row(b, &(row){what, "1000 nodes", UNIT_TIME, a, c, "the same, nothing moving", a / c, AT_MOST, a / c, 1.1,
                        "<= 1.1 x"});
}

void bench_spill(bench *b) {
    gpumm_manager *m;
    if (open_spilling(b, &m) != GPUMM_OK) {
        table_failed(b, "spill", "");
        return;
    }
    kernel_row(b, m);
    promote_row(b, m);
    launch_row(b, m);
    gpumm_manager_release(m);
}
