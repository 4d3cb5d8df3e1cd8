/* SPDX-License-Identifier: MIT */
/*
 * Memory that is the host's, behind the device's: a kernel over it (bench_spill_kernel.c), its promotion against the same
 * copy and swap by hand, and what launches on another buffer last while that goes on. The device is filled before, so that
 * what gpumm takes is spilled.
 */
#include "bench_spill.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LAUNCHES = 20, QUIET = 128, LEFT_MIB = 48, ROOM_MIB = 256 };
enum { LOCATION_HOST_NUMA = 3 }; /* a name that older toolkits' headers lack */

static gpumm_status open_spilling(const bench *b, gpumm_manager **out) {
    return gpumm_manager_open(&(gpumm_options){.device = b->device,
                                               .spill = 4 * spilled_bytes(b),
                                               .memory_bytes = b->host ? spilled_bytes(b) + 8 * MIB : 0},
                              out);
}

/* ---- A full device ------------------------------------------------------------------------------ */

static gpumm_status take_all_but(uint64_t left, CUdeviceptr *at) {
    uint64_t bytes;
    TRY(bare_free_bytes(&bytes));
    for (bytes -= size_min(bytes, left); bytes >= 16 * MIB; bytes -= 16 * MIB)
        if (cuMemAlloc(at, bytes) == CUDA_SUCCESS) return GPUMM_OK;
    *at = 0;
    return fail(GPUMM_OUT_OF_MEMORY, "the device could not be filled");
}

gpumm_status fill(const bench *b, gpumm_manager *m, filler *f) {
    if (b->host) return open_buffer(m, "u8", spilled_bytes(b) + 7 * MIB, spilled_bytes(b) + 7 * MIB, &f->own);
    if (!f->rest) TRY(take_all_but(spilled_bytes(b) + (ROOM_MIB + LEFT_MIB) * MIB, &f->rest));
    return take_all_but(LEFT_MIB * MIB, &f->room);
}

gpumm_status unfill(gpumm_manager *m, filler *f) {
    gpumm_buffer_release(f->own);
    if (f->room) BARE(cuMemFree(f->room));
    f->own = NULL;
    f->room = 0;
    return make_cold(m);
}

uint64_t spilled_now(const gpumm_manager *m) {
    gpumm_stats stats;
    gpumm_manager_get_stats((gpumm_manager *)m, &stats);
    return stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes;
}

gpumm_status open_nodes(const bench *b, gpumm_manager *m, gpumm_buffer **out) {
    uint64_t count = spilled_bytes(b) / NODE, before = spilled_now(m);
    TRY(open_buffer(m, "f32x3", count, count, out));
    uint64_t spilled = spilled_now(m) - before;
    if (spilled >= spilled_bytes(b) * 3 / 4) return gpumm_manager_synchronize(m);
    gpumm_buffer_release(*out);
    *out = NULL;
    return fail(GPUMM_INVALID_ARGUMENT, "only %llu bytes were spilled", (unsigned long long)spilled);
}

gpumm_status open_spilled(const bench *b, gpumm_manager *m, filler *f, gpumm_buffer **out) {
    TRY(fill(b, m, f));
    return open_nodes(b, m, out);
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

static CUmemLocation on_node(int node) {
    return (CUmemLocation){.type = (CUmemLocationType)LOCATION_HOST_NUMA, .id = node};
}

static gpumm_status map_piece(int node, CUdeviceptr at) {
    CUmemGenericAllocationHandle handle;
    TRY(create(on_node(node), PIECE, &handle));
    gpumm_status status = bare(cuMemMap(at, PIECE, 0, handle, 0), "cuMemMap");
    BARE(cuMemRelease(handle));
    return status;
}

gpumm_status map_host(const bench *b, int node, bool hosts_too, CUdeviceptr *at) {
    uint64_t bytes = spilled_bytes(b);
    BARE(cuMemAddressReserve(at, bytes, 0, 0, 0));
    for (uint64_t done = 0; done < bytes; done += PIECE) TRY(map_piece(node, *at + done));
    if (hosts_too) TRY(bare_access_of(*at, bytes, on_node(node)));
    return bare_access_of(*at, bytes, on_device(b));
}

gpumm_status unmap(CUdeviceptr at, uint64_t bytes) {
    for (uint64_t done = 0; done < bytes; done += PIECE) BARE(cuMemUnmap(at + done, PIECE));
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
    BARE(cuMemUnmap(at, PIECE)); /* nothing else holds it: the host's memory goes here */
    BARE(cuMemMap(at, PIECE, 0, fresh, 0));
    TRY(bare_access_of(at, PIECE, on_device(b)));
    BARE(cuMemRelease(fresh));
    return GPUMM_OK;
}

static gpumm_status promote_all_by_hand(const bench *b, CUdeviceptr at, double *seconds) {
    uint64_t bytes = spilled_bytes(b), start = gpumm__clock_ns();
    for (uint64_t piece = 0; piece < bytes; piece += PIECE) TRY(promote_by_hand(b, at + piece));
    *seconds = seconds_since(start) / ((double)bytes / (double)PIECE);
    return GPUMM_OK;
}

/* What gpumm's side does and in its place: as much memory, spilled on a full device and used by a kernel before; then
   room is made, and each segment is created, copied, swapped, and the host's released within the time. */
static gpumm_status time_by_hand(const bench *b, gpumm_manager *m, filler *f, bool hosts_too, double *seconds) {
    CUdeviceptr at;
    *seconds = NAN;
    if (b->host) return GPUMM_OK;
    TRY(fill(b, m, f));
    gpumm_status status = map_host(b, node_of(m), hosts_too, &at);
    if (status == GPUMM_OK) status = bare_launch(b, at, spilled_bytes(b) / NODE, 1);
    if (status == GPUMM_OK) status = bare_synchronize(b);
    TRY(unfill(m, f));
    TRY(status);
    TRY(promote_all_by_hand(b, at, seconds));
    return unmap(at, spilled_bytes(b));
}

/* ---- Promotion ---------------------------------------------------------------------------------- */

static gpumm_status promote_once(const bench *b, gpumm_manager *m, filler *f, double *seconds) {
    gpumm_buffer *nodes = NULL;
    uint64_t promoted = 0;
    gpumm_status status = open_spilled(b, m, f, &nodes);
    gpumm_status gone = unfill(m, f);
    if (status != GPUMM_OK) return status;
    uint64_t start = gpumm__clock_ns();
    status = gone == GPUMM_OK ? gpumm_manager_promote(m, &promoted) : gone;
    *seconds = seconds_since(start) / ((double)promoted / (double)PIECE);
    gpumm_buffer_release(nodes);
    TRY(status);
    return promoted ? make_cold(m) : fail(GPUMM_OUT_OF_MEMORY, "nothing was promoted");
}

typedef struct sides {
    samples mine, theirs, hosts; /* the last: a bare mapping that the host may use, too */
} sides;

static gpumm_status promote_rounds(const bench *b, gpumm_manager *m, filler *f, sides *s) {
    enum { WITH_HOSTS = 3 };
    for (unsigned i = 0; i <= rounds(b, SPILL_ROUNDS); i++) {
        double a = NAN, c = NAN, hosts = NAN;
        TRY(promote_once(b, m, f, &a));
        TRY(time_by_hand(b, m, f, false, &c));
        if (i && i <= WITH_HOSTS && !b->host) TRY(time_by_hand(b, m, f, true, &hosts));
        if (i == 0) continue;
        sample(&s->mine, a);
        sample(&s->theirs, c);
        if (i <= WITH_HOSTS && !b->host) sample(&s->hosts, hosts);
    }
    return GPUMM_OK;
}

/* What the host's access costs stands below, without a mark: gpumm gives none. */
static void two_rows(bench *b, const row *r, const samples *hosts) {
    row beside = {r->what, r->size, r->unit, r->ours, median(hosts), "by hand, and the host may use it",
                  0,       NO_MARK, 0,       0,       NULL};
    beside.ratio = beside.ours / beside.beside;
    table_row(b, r);
    if (hosts->count) table_row(b, &beside);
}

static void promote_row(bench *b, gpumm_manager *m, filler *f) {
    static const char what[] = "promote, each 64 MiB";
    sides s = {.mine = {.count = 0}};
    if (promote_rounds(b, m, f, &s) != GPUMM_OK) {
        table_failed(b, what, "512 MiB");
        return;
    }
    double a = median(&s.mine), c = median(&s.theirs);
    two_rows(b, &(row){what, "512 MiB", UNIT_TIME, a, c, "copy + swap by hand", a / c, AT_MOST, a / c, 1.2, "<= 1.2 x"},
             &s.hosts);
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

static gpumm_status launch_rounds(const bench *b, gpumm_manager *m, filler *f, gpumm_buffer *other, samples *quiet,
                                  samples *busy) {
    gpumm_kernel *k;
    gpumm_buffer *nodes = NULL;
    TRY(open_step(b, m, &k));
    gpumm_status status = open_spilled(b, m, f, &nodes), gone = unfill(m, f);
    for (int i = 0; i < QUIET && status == GPUMM_OK; i++) status = time_launches(k, other, quiet);
    if (status == GPUMM_OK && gone == GPUMM_OK) status = launch_beside(m, k, other, busy);
    gpumm_buffer_release(nodes);
    gpumm_kernel_release(k);
    return status == GPUMM_OK ? gone : status;
}

static void launch_row(bench *b, gpumm_manager *m, filler *f) {
    static const char what[] = "launches on others while promoting";
    samples quiet = {.count = 0}, busy = {.count = 0};
    gpumm_buffer *other;
    gpumm_status status = open_buffer(m, "f32x3", 1000, 1000, &other);
    if (status == GPUMM_OK) {
        status = launch_rounds(b, m, f, other, &quiet, &busy);
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
    filler f = {0};
    if (open_spilling(b, &m) != GPUMM_OK) {
        table_failed(b, "spill", "");
        return;
    }
    spill_kernel_row(b, m, &f);
    promote_row(b, m, &f);
    launch_row(b, m, &f);
    if (f.rest) (void)cuMemFree(f.rest);
    gpumm_manager_release(m);
}
