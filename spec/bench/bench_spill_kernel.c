/* SPDX-License-Identifier: MIT */
/*
 * A kernel over spilled memory against the same kernel, grid and bytes over a bare mapping of host memory that has what
 * gpumm's has: its node, segments, access for the device alone, given once. How fast host memory is differs from allocation to
 * allocation, by where its pages lie (of two equal mappings one moved .6 of the other's GB/s), so each round makes both anew, the other one
 * first each time.
 */
#include "bench_spill.h"

enum { MAKINGS = 16, PASSES = 5 };

/* Every node is read and written once; what little of gpumm's lies on the device takes next to no time. */
static double rate(uint64_t bytes_of_host, uint64_t start) { return 2 * (double)bytes_of_host / seconds_since(start); }

/* ---- gpumm's ------------------------------------------------------------------------------------ */

static gpumm_status time_gpumm(const bench *b, gpumm_kernel *k, gpumm_buffer *nodes, samples *s) {
    samples passes = {.count = 0};
    uint64_t spilled = spilled_now(gpumm_buffer_manager(nodes));
    for (int i = 0; i <= PASSES; i++) {
        uint64_t start = gpumm__clock_ns();
        TRY(launch_step(k, NULL, nodes, spilled_bytes(b) / NODE, 1));
        TRY(gpumm_manager_synchronize(gpumm_buffer_manager(nodes)));
        if (i) sample(&passes, rate(spilled, start)); /* the first one warms up */
    }
    sample(s, median(&passes));
    return GPUMM_OK;
}

static gpumm_status make_and_time_gpumm(const bench *b, gpumm_manager *m, gpumm_kernel *k, samples *s) {
    gpumm_buffer *nodes;
    TRY(open_nodes(b, m, &nodes));
    gpumm_status status = time_gpumm(b, k, nodes, s);
    gpumm_buffer_release(nodes);
    return status;
}

/* ---- By hand ------------------------------------------------------------------------------------ */

static gpumm_status time_bare(const bench *b, CUdeviceptr at, samples *s) {
    samples passes = {.count = 0};
    for (int i = 0; i <= PASSES; i++) {
        uint64_t start = gpumm__clock_ns();
        TRY(bare_launch(b, at, spilled_bytes(b) / NODE, 1));
        TRY(bare_synchronize(b));
        if (i) sample(&passes, rate(spilled_bytes(b), start));
    }
    sample(s, median(&passes));
    return GPUMM_OK;
}

static gpumm_status make_and_time_bare(const bench *b, const gpumm_manager *m, samples *s) {
    CUdeviceptr at;
    if (b->host) return GPUMM_OK;
    TRY(map_host(b, node_of(m), false, &at));
    gpumm_status status = time_bare(b, at, s);
    gpumm_status gone = unmap(at, spilled_bytes(b));
    return status == GPUMM_OK ? gone : status;
}

/* ---- By turns ----------------------------------------------------------------------------------- */

/* What each takes is given back before the other's is made. */
static gpumm_status one_round(const bench *b, gpumm_manager *m, gpumm_kernel *k, bool ours_first, samples *mine,
                              samples *beside) {
    if (ours_first) TRY(make_and_time_gpumm(b, m, k, mine));
    TRY(make_cold(m));
    TRY(make_and_time_bare(b, m, beside));
    if (!ours_first) TRY(make_and_time_gpumm(b, m, k, mine));
    return make_cold(m);
}

static gpumm_status all_rounds(const bench *b, gpumm_manager *m, filler *f, samples *mine, samples *beside) {
    gpumm_kernel *k;
    TRY(open_step(b, m, &k));
    gpumm_status status = fill(b, m, f);
    for (unsigned i = 0; i < rounds(b, MAKINGS) && status == GPUMM_OK; i++)
        status = one_round(b, m, k, i % 2, mine, beside);
    gpumm_kernel_release(k);
    gpumm_status gone = unfill(m, f);
    return status == GPUMM_OK ? gone : status;
}

void spill_kernel_row(bench *b, gpumm_manager *m, filler *f) {
    static const char what[] = "a kernel over spilled memory";
    samples mine = {.count = 0}, beside = {.count = 0};
    if (all_rounds(b, m, f, &mine, &beside) != GPUMM_OK) {
        table_failed(b, what, "512 MiB");
        return;
    }
    double ours = median(&mine), theirs = median(&beside);
    table_row(b, &(row){what, "512 MiB", UNIT_RATE, ours, theirs, "bare mapping", ours / theirs,
                        b->host ? NO_MARK : AT_LEAST, ours / theirs, .9, b->host ? NULL : ">= 0.9 x"});
}
