/* SPDX-License-Identifier: MIT */
/*
 * What moves under an address: a segment of which a part is used, exchanged by shrink_to_fit behind the gate, against the
 * same copy and swap by hand; and growth in regular steps, whose memory is there before it is asked for.
 */
#include <stdio.h>

#include "bench.h"

#define MIB ((uint64_t)1 << 20)

enum { ROUNDS = 21, STEPS = 40, SPACING_NS = 200000, LOOK_NS = 1000 };

static void pause_ns(uint64_t ns) {
    for (uint64_t until = gpumm__clock_ns() + ns; gpumm__clock_ns() < until;) continue;
}

/* ---- Exchanging ------------------------------------------------------------------------------ */

static gpumm_status wait_exchanged(gpumm_buffer *buffer, uint64_t before) {
    gpumm_buffer_info info;
    uint64_t deadline = gpumm__clock_deadline(5);
    for (;;) { /* a look takes a lock that whoever exchanges needs, too */
        TRY(gpumm_buffer_get_info(buffer, &info));
        if (info.mapping != before) return GPUMM_OK;
        if (gpumm__clock_ns() > deadline) return fail(GPUMM_TIMEOUT, "nothing was exchanged within 5 s");
        pause_ns(LOOK_NS);
    }
}

static gpumm_status exchange(gpumm_buffer *buffer, uint64_t kept, double *seconds) {
    gpumm_buffer_info info;
    TRY(gpumm_buffer_fill(buffer, NULL, 0, kept, "\x5a"));
    TRY(gpumm_buffer_resize(buffer, NULL, kept));
    TRY(gpumm_manager_synchronize(gpumm_buffer_manager(buffer)));
    TRY(gpumm_buffer_get_info(buffer, &info));
    uint64_t start = gpumm__clock_ns();
    TRY(gpumm_buffer_shrink_to_fit(buffer));
    TRY(wait_exchanged(buffer, info.mapping));
    *seconds = seconds_since(start);
    return GPUMM_OK;
}

static gpumm_status ours(gpumm_manager *m, uint64_t kept, double *seconds) {
    gpumm_buffer *buffer;
    TRY(open_buffer(m, "u8", 4 * kept, 4 * kept, &buffer));
    gpumm_status status = exchange(buffer, kept, seconds);
    gpumm_buffer_release(buffer);
    TRY(status);
    return make_cold(m);
}

static gpumm_status bare_access(const bench *b, CUdeviceptr at, uint64_t bytes) {
    CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = b->gpu},
                              .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    BARE(cuMemSetAccess(at, bytes, &access, 1));
    return GPUMM_OK;
}

/* By hand: the new memory is filled through a mapping elsewhere, then mapped in the old one's place. */
static gpumm_status swap_by_hand(const bench *b, CUdeviceptr at, uint64_t bytes, uint64_t kept) {
    CUmemAllocationProp prop = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
                                .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = b->gpu}};
    CUmemGenericAllocationHandle fresh;
    CUdeviceptr elsewhere;
    BARE(cuMemCreate(&fresh, kept, &prop, 0));
    BARE(cuMemAddressReserve(&elsewhere, kept, 0, 0, 0));
    BARE(cuMemMap(elsewhere, kept, 0, fresh, 0));
    TRY(bare_access(b, elsewhere, kept));
    BARE(cuMemcpyDtoDAsync(elsewhere, at, kept, b->stream));
    TRY(bare_synchronize(b));
    BARE(cuMemUnmap(elsewhere, kept));
    BARE(cuMemAddressFree(elsewhere, kept));
    BARE(cuMemUnmap(at, bytes));
    BARE(cuMemMap(at, kept, 0, fresh, 0));
    TRY(bare_access(b, at, kept));
    BARE(cuMemRelease(fresh));
    return GPUMM_OK;
}

static gpumm_status by_hand(const bench *b, uint64_t kept, double *seconds) {
    CUdeviceptr at;
    uint64_t bytes = 4 * kept;
    BARE(cuMemAddressReserve(&at, bytes, 0, 0, 0));
    TRY(bare_commit(b, at, bytes));
    BARE(cuMemsetD8Async(at, 0x5a, kept, b->stream));
    TRY(bare_synchronize(b));
    uint64_t start = gpumm__clock_ns();
    TRY(swap_by_hand(b, at, bytes, kept));
    *seconds = seconds_since(start);
    BARE(cuMemUnmap(at, kept));
    BARE(cuMemAddressFree(at, bytes));
    return GPUMM_OK;
}

static gpumm_status exchange_rounds(const bench *b, uint64_t kept, samples *mine, samples *theirs) {
    gpumm_manager *m;
    TRY(open_manager(b, &m));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, ROUNDS) && status == GPUMM_OK; i++) {
        double a = NAN, c = NAN;
        status = ours(m, kept, &a);
        if (status == GPUMM_OK && !b->host) status = by_hand(b, kept, &c);
        if (i == 0) continue;
        sample(mine, a);
        sample(theirs, c);
    }
    gpumm_manager_release(m);
    return status;
}

static void exchange_row(bench *b, const char *size, uint64_t kept) {
    static const char what[] = "shrink_to_fit of a segment";
    samples mine = {.count = 0}, theirs = {.count = 0};
    if (exchange_rounds(b, kept, &mine, &theirs) != GPUMM_OK) {
        table_failed(b, what, size);
        return;
    }
    double a = median(&mine), c = median(&theirs);
    table_row(b, &(row){what, size, UNIT_TIME, a, c, "copy + swap by hand", a / c, AT_MOST, a / c, 1.2, "<= 1.2 x"});
}

/* ---- Regular steps --------------------------------------------------------------------------- */

/* Nothing is said of `ahead`: what has grown twice has its next step there. */
static gpumm_status steady_buffer(gpumm_manager *m, uint64_t step, samples *s) {
    gpumm_buffer *buffer;
    gpumm_type *byte;
    TRY(gpumm_type_parse("u8", &byte));
    gpumm_buffer_options options = {.type = byte,
                                    .length = step,
                                    .max_length = (STEPS + 8) * step,
                                    .growth = {.kind = GPUMM_GROWTH_LINEAR, .step = step}};
    gpumm_status status = gpumm_manager_allocate(m, &options, &buffer);
    gpumm_type_release(byte);
    TRY(status);
    for (uint64_t i = 1; i <= STEPS && status == GPUMM_OK; i++) {
        pause_ns(SPACING_NS);
        uint64_t start = gpumm__clock_ns();
        status = gpumm_buffer_ensure_capacity(buffer, i * step + 1);
        if (i > 4) sample(s, seconds_since(start));
    }
    gpumm_buffer_release(buffer);
    TRY(status);
    return make_cold(m);
}

static void steady_row(bench *b, const char *size, uint64_t step) {
    static const char what[] = "ensure_capacity every 200 us";
    samples s = {.count = 0};
    gpumm_manager *m;
    gpumm_status status = open_manager(b, &m);
    if (status == GPUMM_OK) {
        for (unsigned i = 0; i < rounds(b, 8) && status == GPUMM_OK; i++) status = steady_buffer(m, step, &s);
        gpumm_manager_release(m);
    }
    double mine = median(&s);
    if (status != GPUMM_OK) table_failed(b, what, size);
    else table_row(b, &(row){what, size, UNIT_TIME, mine, NAN, NULL, NAN, AT_MOST, mine, 2e-6, "<= 2 us"});
}

void bench_move(bench *b) {
    exchange_row(b, "2 of 8 MiB", 2 * MIB);
    exchange_row(b, "16 of 64 MiB", 16 * MIB);
    if (!b->host) exchange_row(b, "64 of 256 MiB", 64 * MIB);
    steady_row(b, "2 MiB", 2 * MIB);
    steady_row(b, "8 MiB", 8 * MIB);
    steady_row(b, "16 MiB", 16 * MIB);
}
