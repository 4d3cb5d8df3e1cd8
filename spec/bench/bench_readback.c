/* SPDX-License-Identifier: MIT */
/*
 * Readbacks. The loop from Lua, every frame captured, delivered and looked at, against the same loop that
 * waits for each frame, against the same calls made from C, and against the ideal: the larger of compute alone and copy
 * alone. Up to which size a snapshot copied in line costs less than one that is staged. And the bandwidth of a capture.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { SLOTS = 3, LIGHT = 1, HEAVY = 10000, LOOP_ROUNDS = 5, MARKED_NODES = 100000, INLINE_FRAMES = 1000 };

static const struct load {
    const char *name;
    uint64_t nodes;
    unsigned frames, pageable_frames;
} loads[] = {
    {"10 k nodes", 10000, 2000, 500},
    {"100 k nodes", 100000, 1500, 200},
    {"1 M nodes", 1000000, 300, 40},
    {"10 M nodes", 10000000, 100, 8},
};

/* ---- The same loop by hand ------------------------------------------------------------------ */

typedef struct hand_slot {
    float *pinned;
    CUdeviceptr staging;
    CUevent staged, done;
} hand_slot;

typedef struct by_hand {
    const bench *bench;
    uint64_t nodes;
    int turns;
    CUdeviceptr memory;
    float *pinned, *pageable;
    uint64_t moves;
    CUstream copies;
    hand_slot ring[SLOTS];
} by_hand;

static gpumm_status slot_open(hand_slot *s, uint64_t bytes) {
    BARE(cuMemHostAlloc((void **)&s->pinned, bytes, CU_MEMHOSTALLOC_PORTABLE));
    BARE(cuMemAlloc(&s->staging, bytes));
    BARE(cuEventCreate(&s->staged, CU_EVENT_DISABLE_TIMING));
    BARE(cuEventCreate(&s->done, CU_EVENT_DISABLE_TIMING));
    return GPUMM_OK;
}

static void slot_close(hand_slot *s) {
    if (s->pinned) (void)cuMemFreeHost(s->pinned);
    if (s->staging) (void)cuMemFree(s->staging);
    if (s->staged) (void)cuEventDestroy(s->staged);
    if (s->done) (void)cuEventDestroy(s->done);
}

static gpumm_status hand_open(by_hand *h, const bench *b, uint64_t nodes, int turns) {
    *h = (by_hand){.bench = b, .nodes = nodes, .turns = turns};
    if (b->host) return GPUMM_OK;
    h->pageable = calloc(nodes, NODE);
    if (!h->pageable) return fail(GPUMM_OUT_OF_MEMORY, "no host memory for %llu nodes", (unsigned long long)nodes);
    BARE(cuMemHostAlloc((void **)&h->pinned, nodes * NODE, CU_MEMHOSTALLOC_PORTABLE));
    BARE(cuMemAlloc(&h->memory, nodes * NODE));
    BARE(cuMemsetD32Async(h->memory, 0, nodes * 3, b->stream));
    BARE(cuStreamCreate(&h->copies, CU_STREAM_NON_BLOCKING));
    for (size_t i = 0; i < SLOTS; i++) TRY(slot_open(&h->ring[i], nodes * NODE));
    return bare_synchronize(b);
}

static void hand_close(by_hand *h) {
    for (size_t i = 0; i < SLOTS; i++) slot_close(&h->ring[i]);
    if (h->copies) (void)cuStreamDestroy(h->copies);
    if (h->memory) (void)cuMemFree(h->memory);
    if (h->pinned) (void)cuMemFreeHost(h->pinned);
    free(h->pageable);
}

static gpumm_status hand_launch(by_hand *h) {
    h->moves++;
    return bare_launch(h->bench, h->memory, h->nodes, h->turns);
}

static gpumm_status hand_check(const by_hand *h, const float *at, uint64_t moves) {
    const float *last = at + 3 * (h->nodes - 1);
    float wanted = (float)moves;
    if (at[0] == 0 && at[1] == wanted && last[0] == (float)(h->nodes - 1) && last[1] == wanted) return GPUMM_OK;
    return fail(GPUMM_DRIVER, "a frame by hand is wrong: step %g and %g instead of %g", (double)at[1], (double)last[1],
                (double)wanted);
}

static gpumm_status compute_alone(by_hand *h, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) TRY(hand_launch(h));
    TRY(bare_synchronize(h->bench));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

static gpumm_status copy_alone(by_hand *h, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++)
        BARE(cuMemcpyDtoHAsync(h->pinned, h->memory, h->nodes * NODE, h->bench->stream));
    TRY(bare_synchronize(h->bench));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

static gpumm_status pinned_loop(by_hand *h, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) {
        TRY(hand_launch(h));
        BARE(cuMemcpyDtoHAsync(h->pinned, h->memory, h->nodes * NODE, h->bench->stream));
        TRY(bare_synchronize(h->bench));
        TRY(hand_check(h, h->pinned, h->moves));
    }
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* The plain copy does not wait for a stream that is not the default one. */
static gpumm_status pageable_loop(by_hand *h, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) {
        TRY(hand_launch(h));
        TRY(bare_synchronize(h->bench));
        BARE(cuMemcpyDtoH(h->pageable, h->memory, h->nodes * NODE));
        TRY(hand_check(h, h->pageable, h->moves));
    }
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* What gpumm does for a frame, as bare calls: in line, or through staging and a stream of copies. */
static gpumm_status ring_capture(by_hand *h, hand_slot *s, bool staged) {
    CUstream main = h->bench->stream;
    uint64_t bytes = h->nodes * NODE;
    if (!staged) {
        BARE(cuMemcpyDtoHAsync(s->pinned, h->memory, bytes, main));
        BARE(cuEventRecord(s->done, main));
        return GPUMM_OK;
    }
    BARE(cuMemcpyDtoDAsync(s->staging, h->memory, bytes, main));
    BARE(cuEventRecord(s->staged, main));
    BARE(cuStreamWaitEvent(h->copies, s->staged, 0));
    BARE(cuMemcpyDtoHAsync(s->pinned, s->staging, bytes, h->copies));
    BARE(cuEventRecord(s->done, h->copies));
    return GPUMM_OK;
}

static gpumm_status ring_take(by_hand *h, uint64_t moves) {
    BARE(cuEventSynchronize(h->ring[moves % SLOTS].done));
    return hand_check(h, h->ring[moves % SLOTS].pinned, moves);
}

static gpumm_status ring_loop(by_hand *h, bool staged, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns(), first = h->moves, moves;
    for (unsigned i = 0; i < count; i++) {
        TRY(hand_launch(h));
        TRY(ring_capture(h, &h->ring[h->moves % SLOTS], staged));
        if (h->moves - first >= SLOTS) TRY(ring_take(h, h->moves - SLOTS + 1));
    }
    moves = h->moves < first + SLOTS ? first + 1 : h->moves - SLOTS + 2;
    for (; moves <= h->moves; moves++) TRY(ring_take(h, moves));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* ---- From Lua ------------------------------------------------------------------------------- */

typedef struct loop_samples {
    samples ours, compute, copy, ring, pinned, pageable;
} loop_samples;

static gpumm_status hand_round(by_hand *h, const struct load *load, bool counts, loop_samples *s) {
    double compute, copy, ring, pinned, pageable;
    unsigned few = counts ? load->frames : load->frames / 10;
    TRY(compute_alone(h, few, &compute));
    TRY(copy_alone(h, few, &copy));
    TRY(ring_loop(h, load->nodes >= MARKED_NODES, few, &ring));
    TRY(pinned_loop(h, few, &pinned));
    TRY(pageable_loop(h, load->pageable_frames, &pageable));
    if (!counts) return GPUMM_OK;
    sample(&s->compute, compute);
    sample(&s->copy, copy);
    sample(&s->ring, ring);
    sample(&s->pinned, pinned);
    sample(&s->pageable, pageable);
    return GPUMM_OK;
}

static gpumm_status loop_round(lua_State *L, by_hand *h, const struct load *load, bool counts, loop_samples *s) {
    double mine;
    unsigned frames = h->bench->host || !counts ? load->frames / 10 : load->frames;
    TRY(script_call(L, "loop", NUMBERS(frames, h->turns), &mine));
    if (counts) sample(&s->ours, mine);
    return h->bench->host ? GPUMM_OK : hand_round(h, load, counts, s);
}

static gpumm_status warm_and_count(lua_State *L, const bench *b, const struct load *load, int turns, loop_samples *s) {
    by_hand h;
    gpumm_status status = hand_open(&h, b, load->nodes, turns);
    if (status == GPUMM_OK) status = script_call(L, "open", NUMBERS((double)load->nodes, SLOTS), NULL);
    for (int counts = 0; counts < 2 && status == GPUMM_OK; counts++) status = loop_round(L, &h, load, counts, s);
    if (status == GPUMM_OK) status = script_call(L, "close", 0, NULL, NULL);
    hand_close(&h);
    return status;
}

/* A state and a manager for each, so that a failure leaves nothing behind, and because how fast a page of the host is depends on
   which one it is. */
static gpumm_status loop_anew(bench *b, const struct load *load, int turns, loop_samples *s) {
    gpumm_manager *m = NULL;
    lua_State *L = NULL;
    gpumm_status status = open_manager(b, &m);
    if (status == GPUMM_OK) status = script_open(b, m, "bench_readback.lua", &L);
    if (status == GPUMM_OK) status = warm_and_count(L, b, load, turns, s);
    script_close(L);
    if (m) gpumm_manager_release(m);
    return status;
}

static void loop_rows(bench *b, const struct load *load, const char *what, const loop_samples *s) {
    double mine = median(&s->ours), compute = median(&s->compute), copy = median(&s->copy), ring = median(&s->ring);
    double ideal = b->host ? NAN : fmax(compute, copy), ratio = ideal / mine;
    bool large = load->nodes >= MARKED_NODES;
    char name[96], faster[96];
    snprintf(name, sizeof name, "ideal: compute %.2f us, copy %.2f us", compute * 1e6, copy * 1e6);
    snprintf(faster, sizeof faster, "%s, times faster", what);
    table_row(b, &(row){what, load->name, UNIT_TIME, mine, ideal, b->host ? NULL : name, ratio,
                        large ? AT_LEAST : NO_MARK, fmax(ratio / 0.95, 1.1 * ring / mine), 1,
                        large ? ">= 0.95 of ideal, or <= 1.1 x the same calls from C" : NULL});
    if (!b->host)
        table_row(b, &(row){what, load->name, UNIT_TIME, mine, ring,
                            large ? "the same calls from C, staged" : "the same calls from C, in line", mine / ring,
                            large ? NO_MARK : AT_MOST, mine / ring, 1.15, large ? NULL : "<= 1.15 x"});
    if (b->host) return;
    table_row(b, &(row){faster, load->name, UNIT_TIME, mine, median(&s->pageable),
                        "synchronous, pageable; 2.8-4.4 x claimed", median(&s->pageable) / mine, NO_MARK, 0, 0, NULL});
    table_row(b, &(row){faster, load->name, UNIT_TIME, mine, median(&s->pinned), "synchronous, pinned",
                        median(&s->pinned) / mine, NO_MARK, 0, 0, NULL});
}

static void loop_topic(bench *b, const struct load *load, const char *what, int turns) {
    loop_samples s = {.ours = {0}};
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i < rounds(b, LOOP_ROUNDS) && status == GPUMM_OK; i++) status = loop_anew(b, load, turns, &s);
    if (status == GPUMM_OK) loop_rows(b, load, what, &s);
    else table_failed(b, what, load->name);
}

void bench_readback(bench *b) {
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        if (b->host && loads[i].nodes > 100000) continue;
        loop_topic(b, &loads[i], "readback loop from Lua, light", LIGHT);
        loop_topic(b, &loads[i], "readback loop from Lua, heavy", b->host ? LIGHT : HEAVY);
    }
}

/* ---- In line or staged ---------------------------------------------------------------------- */

static gpumm_status inline_rounds(const bench *b, uint64_t nodes, samples *in_line, samples *staged) {
    by_hand h;
    gpumm_status status = hand_open(&h, b, nodes, LIGHT);
    for (unsigned i = 0; i <= rounds(b, LOOP_ROUNDS) && status == GPUMM_OK; i++) {
        double x = NAN, y = NAN;
        status = ring_loop(&h, false, INLINE_FRAMES, &x);
        if (status == GPUMM_OK) status = ring_loop(&h, true, INLINE_FRAMES, &y);
        if (i > 0) sample(in_line, x), sample(staged, y);
    }
    hand_close(&h);
    return status;
}

/* From where this turns above 1 the constant SNAPSHOT_INLINE_BYTES is. */
void bench_inline(bench *b) {
    static const char what[] = "frame by bare calls, in line";
    for (uint64_t kib = 16; kib <= 2048 && !b->host; kib *= 2) {
        samples in_line = {.count = 0}, staged = {.count = 0};
        char size[32];
        snprintf(size, sizeof size, "%llu KiB", (unsigned long long)kib);
        if (inline_rounds(b, kib * 1024 / NODE, &in_line, &staged) != GPUMM_OK) table_failed(b, what, size);
        else
            table_row(b, &(row){what, size, UNIT_TIME, median(&in_line), median(&staged), "staged, by bare calls",
                                median(&in_line) / median(&staged), NO_MARK, 0, 0, NULL});
    }
}

/* ---- Bandwidth ------------------------------------------------------------------------------ */

static gpumm_status captures(gpumm_readback *r, unsigned count, double *seconds) {
    gpumm_ticket tickets[SLOTS];
    gpumm_frame *frame;
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count + SLOTS - 1; i++) {
        if (i < count) TRY(gpumm_readback_capture(r, NULL, i, &tickets[i % SLOTS]));
        if (i + 1 < SLOTS) continue;
        TRY(gpumm_readback_wait(r, tickets[(i + 1) % SLOTS], 10, &frame));
        gpumm_frame_close(frame);
        gpumm_frame_release(frame);
    }
    *seconds = seconds_since(start) / count;
    if (gpumm_readback_dropped(r) == 0) return GPUMM_OK;
    return fail(GPUMM_BUSY, "%llu frames were dropped", (unsigned long long)gpumm_readback_dropped(r));
}

static gpumm_status bandwidth_rounds(const bench *b, gpumm_readback *r, uint64_t nodes, unsigned count, samples *mine,
                                     samples *theirs) {
    by_hand h;
    double seconds;
    gpumm_status status = hand_open(&h, b, nodes, LIGHT);
    for (unsigned i = 0; i <= rounds(b, 9) && status == GPUMM_OK; i++) {
        status = captures(r, count, &seconds);
        if (i > 0) sample(mine, (double)(nodes * NODE) / seconds);
        if (status == GPUMM_OK && !b->host) status = copy_alone(&h, count, &seconds);
        if (i > 0) sample(theirs, b->host ? NAN : (double)(nodes * NODE) / seconds);
    }
    hand_close(&h);
    return status;
}

static gpumm_status bandwidth(const bench *b, gpumm_manager *m, uint64_t nodes, unsigned count, samples *mine,
                              samples *theirs) {
    gpumm_buffer *buffer;
    gpumm_readback *readback;
    TRY(open_buffer(m, "f32x3", nodes, nodes, &buffer));
    gpumm_readback_options options = {.buffers = &buffer, .buffer_count = 1, .slots = SLOTS};
    gpumm_status status = gpumm_readback_open(&options, &readback);
    if (status == GPUMM_OK) {
        status = bandwidth_rounds(b, readback, nodes, count, mine, theirs);
        gpumm_readback_release(readback);
    }
    gpumm_buffer_release(buffer);
    return status;
}

static void bandwidth_topic(bench *b, const char *size, uint64_t nodes, unsigned count) {
    static const char what[] = "bandwidth of captures to the host";
    samples mine = {.count = 0}, theirs = {.count = 0};
    gpumm_manager *m = NULL;
    gpumm_status status = open_manager(b, &m);
    if (status == GPUMM_OK) status = bandwidth(b, m, nodes, count, &mine, &theirs);
    double x = median(&mine), y = median(&theirs);
    if (status != GPUMM_OK) table_failed(b, what, size);
    else
        table_row(b, &(row){what, size, UNIT_RATE, x, y, "cuMemcpyDtoHAsync to pinned memory", x / y, AT_LEAST, x / y,
                            0.97, ">= 0.97 x"});
    if (m) gpumm_manager_release(m);
}

void bench_bandwidth(bench *b) {
    bandwidth_topic(b, "12 MB", 1000000, 200);
    if (!b->host) bandwidth_topic(b, "120 MB", 10000000, 60);
}
