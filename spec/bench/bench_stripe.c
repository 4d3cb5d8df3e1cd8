/* SPDX-License-Identifier: MIT */
/*
 * Copies of memory that is on two GPUs in turn, or on the other one as a whole: gpumm's, aligned (a kernel's) and not (in
 * pieces that lie on one GPU each), beside the bare driver's over a mapping of the same kind. Each of the driver's ways has a
 * row, so that the table says which of them goes through the link between the GPUs and which through the host.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define MIB ((uint64_t)1 << 20)

enum { ROUNDS = 9, BARE_WAYS = 3 };

/* How the memory lies, and which way bytes go. */
typedef struct layout {
    const char *what, *size;
    uint64_t stripe, bytes;
    int first; /* whose turn is first: 0 the GPU that copies, 1 the other */
    bool back; /* into it, and not out of it */
} layout;

typedef struct world {
    bench *b;
    gpumm_manager *m;
    CUdevice gpus[2];
    CUcontext contexts[2];
} world;

typedef struct copies {
    const world *w;
    const layout *l;
    gpumm_buffer *striped, *plain;
    CUdeviceptr far, own;
} copies;

/* ---- The bare side ------------------------------------------------------------------------------ */

static CUdevice owner(const copies *c, uint64_t offset) {
    return c->w->gpus[(offset / c->l->stripe + (uint64_t)c->l->first) % 2];
}

static gpumm_status map_piece(CUdevice gpu, CUdeviceptr at, uint64_t bytes) {
    CUmemAllocationProp p = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
                             .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = gpu}};
    CUmemGenericAllocationHandle handle;
    BARE(cuMemCreate(&handle, bytes, &p, 0));
    gpumm_status status = bare(cuMemMap(at, bytes, 0, handle, 0), "cuMemMap");
    BARE(cuMemRelease(handle));
    return status;
}

/* For both GPUs to use. */
static gpumm_status map_striped(copies *c) {
    const layout *l = c->l;
    CUmemAccessDesc access[2];
    for (int i = 0; i < 2; i++)
        access[i] = (CUmemAccessDesc){.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = c->w->gpus[i]},
                                      .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    BARE(cuMemAddressReserve(&c->far, l->bytes, 0, 0, 0));
    for (uint64_t at = 0; at < l->bytes; at += l->stripe) TRY(map_piece(owner(c, at), c->far + at, l->stripe));
    BARE(cuMemSetAccess(c->far, l->bytes, access, 2));
    BARE(cuMemAddressReserve(&c->own, l->bytes, 0, 0, 0));
    TRY(bare_commit(c->w->b, c->own, l->bytes));
    return GPUMM_OK;
}

static gpumm_status unmap_striped(copies *c) {
    for (uint64_t at = 0; at < c->l->bytes; at += c->l->stripe) BARE(cuMemUnmap(c->far + at, c->l->stripe));
    BARE(cuMemAddressFree(c->far, c->l->bytes));
    TRY(bare_uncommit(c->own, c->l->bytes));
    BARE(cuMemAddressFree(c->own, c->l->bytes));
    return GPUMM_OK;
}

static gpumm_status one_call(const copies *c) {
    CUdeviceptr to = c->l->back ? c->far : c->own, from = c->l->back ? c->own : c->far;
    BARE(cuMemcpyDtoDAsync(to, from, c->l->bytes, c->w->b->stream));
    return GPUMM_OK;
}

static gpumm_status by_pieces(const copies *c) {
    CUdeviceptr to = c->l->back ? c->far : c->own, from = c->l->back ? c->own : c->far;
    for (uint64_t at = 0; at < c->l->bytes; at += c->l->stripe)
        BARE(cuMemcpyDtoDAsync(to + at, from + at, c->l->stripe, c->w->b->stream));
    return GPUMM_OK;
}

static gpumm_status by_peers(const copies *c) {
    for (uint64_t at = 0; at < c->l->bytes; at += c->l->stripe) {
        CUcontext far = c->w->contexts[owner(c, at) == c->w->gpus[1]], own = c->w->contexts[0];
        CUdeviceptr there = c->far + at, here = c->own + at;
        if (c->l->back) BARE(cuMemcpyPeerAsync(there, far, here, own, c->l->stripe, c->w->b->stream));
        else BARE(cuMemcpyPeerAsync(here, own, there, far, c->l->stripe, c->w->b->stream));
    }
    return GPUMM_OK;
}

static const struct {
    const char *name;
    gpumm_status (*run)(const copies *c);
} bare_ways[BARE_WAYS] = {{"bare, one cuMemcpyDtoDAsync", one_call},
                          {"bare, a cuMemcpyDtoDAsync each piece", by_pieces},
                          {"bare, a cuMemcpyPeerAsync each piece", by_peers}};

/* ---- gpumm's -------------------------------------------------------------------------------------- */

static gpumm_status open_bytes(gpumm_manager *m, const copies *c, bool striped, gpumm_buffer **out) {
    unsigned devices[] = {(unsigned)c->w->b->ordinal, c->w->b->ordinal == 0};
    unsigned turn[] = {devices[c->l->first], devices[!c->l->first]};
    gpumm_type *u8;
    TRY(gpumm_type_parse("u8", &u8));
    gpumm_buffer_options o = {.type = u8,
                              .length = c->l->bytes,
                              .max_length = c->l->bytes,
                              .growth = {.kind = GPUMM_GROWTH_EXACT},
                              .devices = striped ? turn : NULL,
                              .device_count = striped ? 2 : 0,
                              .stripe = striped ? c->l->stripe : 0};
    gpumm_status status = gpumm_manager_allocate(m, &o, out);
    gpumm_type_release(u8);
    return status;
}

/* `shift`: elements by which the one side is not aligned as the other is. */
static gpumm_status gpumms(const copies *c, uint64_t shift) {
    uint64_t count = c->l->bytes - shift;
    if (c->l->back) return gpumm_buffer_copy(c->striped, NULL, 0, c->plain, shift, count);
    return gpumm_buffer_copy(c->plain, NULL, shift, c->striped, 0, count);
}

/* ---- By turns --------------------------------------------------------------------------------------- */

typedef struct times {
    samples aligned, apart, bare[BARE_WAYS];
} times;

static gpumm_status time_gpumm(const copies *c, uint64_t shift, samples *s) {
    uint64_t start = gpumm__clock_ns();
    TRY(gpumms(c, shift));
    TRY(gpumm_manager_synchronize(c->w->m));
    sample(s, 2 * (double)c->l->bytes / seconds_since(start));
    return GPUMM_OK;
}

static gpumm_status time_bare(const copies *c, int way, samples *s) {
    uint64_t start = gpumm__clock_ns();
    TRY(bare_ways[way].run(c));
    TRY(bare_synchronize(c->w->b));
    sample(s, 2 * (double)c->l->bytes / seconds_since(start));
    return GPUMM_OK;
}

static gpumm_status one_round(const copies *c, times *t) {
    TRY(time_gpumm(c, 0, &t->aligned));
    TRY(time_gpumm(c, 1, &t->apart));
    for (int i = 0; i < BARE_WAYS && !c->w->b->host; i++) TRY(time_bare(c, i, &t->bare[i]));
    return GPUMM_OK;
}

static gpumm_status all_rounds(const copies *c, times *t) {
    times first = {.aligned = {.count = 0}};
    TRY(one_round(c, &first));
    for (unsigned i = 0; i < rounds(c->w->b, ROUNDS); i++) TRY(one_round(c, t));
    return GPUMM_OK;
}

static gpumm_status measure_all(copies *c, times *t) {
    TRY(open_bytes(c->w->m, c, true, &c->striped));
    TRY(open_bytes(c->w->m, c, false, &c->plain));
    if (!c->w->b->host) TRY(map_striped(c));
    TRY(gpumm_manager_synchronize(c->w->m));
    TRY(all_rounds(c, t));
    return c->w->b->host ? GPUMM_OK : unmap_striped(c);
}

/* One copy, and gpumm's two ways beside each of the driver's. */
static void rows(const world *w, const layout *l) {
    copies c = {.w = w, .l = l};
    times t = {.aligned = {.count = 0}};
    gpumm_status status = measure_all(&c, &t);
    gpumm_buffer_release(c.striped);
    gpumm_buffer_release(c.plain);
    if (status != GPUMM_OK) {
        table_failed(w->b, l->what, l->size);
        return;
    }
    double whole = median(&t.aligned), apart = median(&t.apart);
    table_row(w->b, &(row){l->what, l->size, UNIT_RATE, whole, apart, "gpumm, not aligned: in pieces", whole / apart,
                           NO_MARK, 0, 0, NULL});
    for (int i = 0; i < BARE_WAYS && !w->b->host; i++) {
        double beside = median(&t.bare[i]);
        table_row(w->b, &(row){l->what, l->size, UNIT_RATE, whole, beside, bare_ways[i].name, whole / beside, NO_MARK,
                               0, 0, NULL});
    }
}

/* ---- Between two managers ------------------------------------------------------------------------- */

static gpumm_status managers_rounds(const world *w, gpumm_buffer *to, gpumm_buffer *from, uint64_t bytes, samples *s) {
    for (unsigned i = 0; i <= rounds(w->b, ROUNDS); i++) {
        uint64_t start = gpumm__clock_ns();
        TRY(gpumm_buffer_copy(to, NULL, 0, from, 0, bytes));
        TRY(gpumm_manager_synchronize(gpumm_buffer_manager(to)));
        if (i) sample(s, 2 * (double)bytes / seconds_since(start));
    }
    return GPUMM_OK;
}

/* Plain buffers: the GPU that copies is let into the memory of the other at the first copy. */
static void managers_row(const world *w, const layout *l) {
    static const char what[] = "a copy from one GPU to the other, plain buffers";
    copies c = {.w = w, .l = l};
    samples s = {.count = 0};
    gpumm_manager *second = NULL;
    gpumm_buffer *to = NULL, *from = NULL;
    char name[32];
    snprintf(name, sizeof name, w->b->host ? "host" : "cuda:%d", w->b->ordinal == 0);
    gpumm_status status = gpumm_manager_open(&(gpumm_options){.device = name}, &second);
    if (status == GPUMM_OK) status = open_bytes(w->m, &c, false, &from);
    if (status == GPUMM_OK) status = open_bytes(second, &c, false, &to);
    if (status == GPUMM_OK) status = managers_rounds(w, to, from, l->bytes, &s);
    gpumm_buffer_release(to);
    gpumm_buffer_release(from);
    gpumm_manager_release(second);
    if (status != GPUMM_OK) {
        table_failed(w->b, what, l->size);
        return;
    }
    table_row(w->b, &(row){what, l->size, UNIT_RATE, median(&s), NAN, "a kernel of one reads the memory of the other",
                           NAN, NO_MARK, 0, 0, NULL});
}

/* ---- The whole ---------------------------------------------------------------------------------------- */

static gpumm_status open_world(bench *b, world *w) {
    *w = (world){.b = b};
    if (!b->host) {
        w->gpus[0] = b->gpu;
        BARE(cuDeviceGet(&w->gpus[1], b->ordinal == 0));
        w->contexts[0] = b->context;
        BARE(cuDevicePrimaryCtxRetain(&w->contexts[1], w->gpus[1]));
    }
    return open_manager(b, &w->m);
}

static void close_world(world *w) {
    gpumm_manager_release(w->m);
    if (w->contexts[1]) (void)cuDevicePrimaryCtxRelease(w->gpus[1]);
}

static bool has_two(const bench *b) {
    int count = 0;
    return b->host || (cuDeviceGetCount(&count) == CUDA_SUCCESS && count > 1);
}

void bench_stripe(bench *b) {
    static const layout striped[] = {
        {"a copy out of a striped buffer", "1 GiB, stripes of 64 MiB", 64 * MIB, 1024 * MIB, 0, false},
        {"a copy into a striped buffer", "1 GiB, stripes of 64 MiB", 64 * MIB, 1024 * MIB, 0, true},
        {"a copy out of a striped buffer", "256 MiB, stripes of 2 MiB", 2 * MIB, 256 * MIB, 0, false},
        {"a copy out of the other GPU's part", "512 MiB", 512 * MIB, 512 * MIB, 1, false},
        {"a copy into the other GPU's part", "512 MiB", 512 * MIB, 512 * MIB, 1, true}};
    static const layout dry = {
        "a copy out of a striped buffer", "16 MiB, stripes of 2 MiB", 2 * MIB, 16 * MIB, 0, false};
    world w = {.b = b};
    if (!has_two(b)) {
        table_skipped(b, "stripe", "", "two GPUs are needed");
        return;
    }
    if (open_world(b, &w) != GPUMM_OK) table_failed(b, "stripe", "");
    else if (b->host) rows(&w, &dry), managers_row(&w, &dry);
    else {
        for (size_t i = 0; i < sizeof striped / sizeof *striped; i++) rows(&w, &striped[i]);
        managers_row(&w, &striped[3]);
    }
    close_world(&w);
}
