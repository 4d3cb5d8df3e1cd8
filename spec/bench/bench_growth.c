/* SPDX-License-Identifier: MIT */
/*
 * Growth: x1.3 with its contents kept and nothing warm, against the bare calls and against moving; the same
 * with its zero fill; with the step committed ahead; and how much of the device's memory it takes meanwhile.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { EDGE = 4096, PATTERN = 0x5a };

#define MIB ((uint64_t)1 << 20)
#define MOVED "cuMemAlloc + copy + cuMemFree"

static const struct size {
    const char *name;
    uint64_t bytes;
    unsigned rounds;
    double faster; /* than allocating, copying and freeing; 0: no mark */
} sizes[] = {
    {"4 MiB", 4 * MIB, 31, 0},       {"12 MiB", 12 * MIB, 31, 0},   {"64 MiB", 64 * MIB, 31, 0},
    {"256 MiB", 256 * MIB, 21, 0},   {"1 GiB", 1024 * MIB, 15, 18}, {"4 GiB", 4096 * MIB, 9, 0},
    {"16 GiB", 16384 * MIB, 5, 250},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

typedef struct times {
    double returned, finished;
} times;

static uint64_t grown(uint64_t bytes) { return (bytes * 13 / 10 + 7) / 4 * 4; }

/* NULL: the card has room for what the size takes in the worst case, old and new beside each other. */
static const char *no_room(const bench *b, uint64_t bytes) {
    uint64_t left;
    if (b->host) return bytes > 64 * MIB ? "not on the host" : NULL;
    if (bare_free_bytes(&left) != GPUMM_OK) return "the card does not say what is free";
    return left >= bytes * 5 / 2 ? NULL : "the card has too little free";
}

/* Memory that was given back is cleared in the background, and who asks for memory meanwhile waits for that: each
   way of growing starts after the one before it has been cleared away, or it would pay for its neighbour. */
static gpumm_status settle(const bench *b, uint64_t bytes) {
    CUmemoryPool pool;
    if (b->host) return GPUMM_OK;
    BARE(cuCtxSynchronize());
    BARE(cuDeviceGetDefaultMemPool(&pool, b->gpu));
    BARE(cuMemPoolTrimTo(pool, 0));
    gpumm__clock_sleep_ns(2000000 + bytes / 64);
    return GPUMM_OK;
}

/* ---- gpumm ---------------------------------------------------------------------------------- */

static gpumm_status mark_edges(gpumm_buffer *buffer, uint64_t bytes) {
    unsigned char pattern = PATTERN;
    TRY(gpumm_buffer_fill(buffer, NULL, 0, EDGE, &pattern));
    TRY(gpumm_buffer_fill(buffer, NULL, bytes - EDGE, EDGE, &pattern));
    return gpumm_manager_synchronize(gpumm_buffer_manager(buffer));
}

static gpumm_status check_edges(gpumm_buffer *buffer, uint64_t bytes) {
    unsigned char first[EDGE], last[EDGE];
    TRY(gpumm_buffer_download(buffer, NULL, 0, EDGE, first));
    TRY(gpumm_buffer_download(buffer, NULL, bytes - EDGE, EDGE, last));
    for (int i = 0; i < EDGE; i++)
        if (first[i] != PATTERN || last[i] != PATTERN) return fail(GPUMM_DRIVER, "growth lost the contents");
    return GPUMM_OK;
}

static gpumm_status check_zeros(gpumm_buffer *buffer, uint64_t from, uint64_t to) {
    unsigned char first[EDGE], last[EDGE];
    TRY(gpumm_buffer_download(buffer, NULL, from, EDGE, first));
    TRY(gpumm_buffer_download(buffer, NULL, to - EDGE, EDGE, last));
    for (int i = 0; i < EDGE; i++)
        if (first[i] != 0 || last[i] != 0) return fail(GPUMM_DRIVER, "resize left an element that is not zero");
    return GPUMM_OK;
}

static gpumm_status timed_growth(gpumm_buffer *buffer, uint64_t bytes, bool zeroed, times *t) {
    gpumm_manager *m = gpumm_buffer_manager(buffer);
    TRY(mark_edges(buffer, bytes));
    uint64_t start = gpumm__clock_ns();
    gpumm_status status =
        zeroed ? gpumm_buffer_resize(buffer, NULL, grown(bytes)) : gpumm_buffer_ensure_capacity(buffer, grown(bytes));
    t->returned = seconds_since(start);
    if (status == GPUMM_OK) status = gpumm_stream_synchronize(gpumm_manager_main(m));
    t->finished = seconds_since(start);
    TRY(status);
    TRY(check_edges(buffer, bytes));
    return zeroed ? check_zeros(buffer, bytes, grown(bytes)) : GPUMM_OK;
}

static gpumm_status ours(const bench *b, gpumm_manager *m, uint64_t bytes, bool zeroed, times *t) {
    gpumm_buffer *buffer;
    TRY(settle(b, bytes));
    TRY(open_buffer(m, "u8", bytes, 2 * bytes, &buffer));
    gpumm_status status = timed_growth(buffer, bytes, zeroed, t);
    gpumm_buffer_release(buffer);
    TRY(status);
    return make_cold(m);
}

/* ---- The bare calls ------------------------------------------------------------------------- */

static gpumm_status bare_step(const bench *b, CUdeviceptr at, uint64_t bytes, uint64_t more, bool zeroed, times *t) {
    BARE(cuMemsetD32Async(at, 0, bytes / 4, b->stream));
    TRY(bare_synchronize(b));
    uint64_t start = gpumm__clock_ns();
    TRY(bare_commit(b, at + bytes, more));
    if (zeroed) BARE(cuMemsetD32Async(at + bytes, 0, (grown(bytes) - bytes) / 4, b->stream));
    t->returned = seconds_since(start);
    TRY(bare_synchronize(b));
    t->finished = seconds_since(start);
    return GPUMM_OK;
}

static gpumm_status in_place(const bench *b, uint64_t bytes, bool zeroed, times *t) {
    CUdeviceptr at = 0;
    uint64_t end;
    if (!size_round_up(grown(bytes), bare_granularity(b), &end)) return fail(GPUMM_OVER_MAX_SIZE, "too large");
    TRY(settle(b, bytes));
    BARE(cuMemAddressReserve(&at, 2 * bytes, 0, 0, 0));
    gpumm_status status = bare_commit(b, at, bytes);
    if (status == GPUMM_OK) {
        status = bare_step(b, at, bytes, end - bytes, zeroed, t);
        if (status == GPUMM_OK) status = bare_uncommit(at + bytes, end - bytes);
        (void)bare_uncommit(at, bytes);
    }
    (void)cuMemAddressFree(at, 2 * bytes);
    return status;
}

/* ---- Moving --------------------------------------------------------------------------------- */

static gpumm_status take(const bench *b, bool ordered, CUdeviceptr *at, uint64_t bytes) {
    if (ordered) BARE(cuMemAllocAsync(at, bytes, b->stream));
    else BARE(cuMemAlloc(at, bytes));
    return GPUMM_OK;
}

static gpumm_status give(const bench *b, bool ordered, CUdeviceptr at) {
    if (ordered) BARE(cuMemFreeAsync(at, b->stream));
    else BARE(cuMemFree(at));
    return GPUMM_OK;
}

static gpumm_status move(const bench *b, bool ordered, CUdeviceptr *at, uint64_t bytes) {
    CUdeviceptr to = 0;
    TRY(take(b, ordered, &to, grown(bytes)));
    gpumm_status status = bare(cuMemcpyDtoDAsync(to, *at, bytes, b->stream), "cuMemcpyDtoDAsync");
    CUdeviceptr old = *at;
    *at = to;
    TRY(give(b, ordered, old));
    TRY(status);
    return ordered ? bare_synchronize(b) : GPUMM_OK; /* cuMemFree has waited for the copy */
}

static gpumm_status moving(const bench *b, uint64_t bytes, bool ordered, double *seconds) {
    CUdeviceptr at = 0;
    TRY(settle(b, bytes));
    TRY(take(b, ordered, &at, bytes));
    gpumm_status status = bare(cuMemsetD32Async(at, 0, bytes / 4, b->stream), "cuMemsetD32Async");
    if (status == GPUMM_OK) status = bare_synchronize(b);
    uint64_t start = gpumm__clock_ns();
    if (status == GPUMM_OK) status = move(b, ordered, &at, bytes);
    *seconds = seconds_since(start);
    TRY(give(b, ordered, at));
    TRY(status);
    return bare_synchronize(b);
}

/* ---- ensure_capacity ------------------------------------------------------------------------ */

typedef struct grow_samples {
    samples ours, bare, moved, ordered;
} grow_samples;

/* Both of one kind, in turn first, for each finds memory as the one before it left it. */
static gpumm_status grow_pair(const bench *b, gpumm_manager *m, uint64_t bytes, unsigned round, grow_samples *s) {
    times t = {0, 0}, bare_t = {NAN, NAN};
    bool first = round % 2 == 0 || b->host;
    if (first) TRY(ours(b, m, bytes, false, &t));
    if (!b->host) TRY(in_place(b, bytes, false, &bare_t));
    if (!first) TRY(ours(b, m, bytes, false, &t));
    if (round == 0) return GPUMM_OK; /* warm-up */
    sample(&s->ours, t.returned);
    sample(&s->bare, bare_t.returned);
    return GPUMM_OK;
}

static gpumm_status move_pair(const bench *b, uint64_t bytes, unsigned round, grow_samples *s) {
    double moved = NAN, ordered = NAN;
    if (b->host) return GPUMM_OK;
    TRY(moving(b, bytes, false, &moved));
    TRY(moving(b, bytes, true, &ordered));
    if (round == 0) return GPUMM_OK;
    sample(&s->moved, moved);
    sample(&s->ordered, ordered);
    return GPUMM_OK;
}

/* What moves comes after what grows in place: the driver's pools leave memory in pieces. */
static gpumm_status grow_rounds(const bench *b, const struct size *size, grow_samples *s) {
    gpumm_manager *m;
    TRY(open_manager(b, &m));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, size->rounds) && status == GPUMM_OK; i++)
        status = grow_pair(b, m, size->bytes, i, s);
    gpumm_manager_release(m);
    for (unsigned i = 0; i <= rounds(b, size->rounds) && status == GPUMM_OK; i++)
        status = move_pair(b, size->bytes, i, s);
    return status;
}

static void grow_rows(bench *b, const struct size *size, const grow_samples *s) {
    double mine = median(&s->ours), bare_s = median(&s->bare);
    double moved = median(&s->moved), ordered = median(&s->ordered);
    char must[32] = "";
    table_row(b, &(row){"ensure_capacity x1.3", size->name, UNIT_TIME, mine, bare_s, "create + map + access + release",
                        mine / bare_s, AT_MOST, mine / bare_s, 1.2, "<= 1.2 x"});
    if (b->host) return;
    if (size->faster > 0) snprintf(must, sizeof must, ">= %.0f x", size->faster);
    table_row(b, &(row){"ensure_capacity, times faster", size->name, UNIT_TIME, mine, moved, MOVED, moved / mine,
                        size->faster > 0 ? AT_LEAST : NO_MARK, moved / mine, size->faster,
                        size->faster > 0 ? must : NULL});
    table_row(b, &(row){"ensure_capacity, times faster", size->name, UNIT_TIME, mine, ordered,
                        "cuMemAllocAsync + copy + free", ordered / mine, NO_MARK, 0, 0, NULL});
}

/* ---- resize --------------------------------------------------------------------------------- */

typedef struct resize_samples {
    samples returned, finished, bare_returned, bare_finished;
} resize_samples;

static gpumm_status resize_round(const bench *b, gpumm_manager *m, uint64_t bytes, bool counts, resize_samples *s) {
    times t = {0, 0}, bare_t = {NAN, NAN};
    TRY(ours(b, m, bytes, true, &t));
    if (!b->host) TRY(in_place(b, bytes, true, &bare_t));
    if (!counts) return GPUMM_OK;
    sample(&s->returned, t.returned);
    sample(&s->finished, t.finished);
    sample(&s->bare_returned, bare_t.returned);
    sample(&s->bare_finished, bare_t.finished);
    return GPUMM_OK;
}

static gpumm_status resize_rounds(const bench *b, const struct size *size, resize_samples *s) {
    gpumm_manager *m;
    TRY(open_manager(b, &m));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, size->rounds) && status == GPUMM_OK; i++)
        status = resize_round(b, m, size->bytes, i > 0, s);
    gpumm_manager_release(m);
    return status;
}

static void resize_row(bench *b, const char *what, const char *size, const samples *mine, const samples *theirs) {
    double a = median(mine), c = median(theirs);
    table_row(b,
              &(row){what, size, UNIT_TIME, a, c, "the bare calls + memset", a / c, AT_MOST, a / c, 1.2, "<= 1.2 x"});
}

void bench_growth(bench *b) {
    for (size_t i = 0; i < SIZES; i++) {
        grow_samples s = {.ours = {0}};
        const char *why = no_room(b, sizes[i].bytes);
        if (why) table_skipped(b, "ensure_capacity x1.3", sizes[i].name, why);
        else if (grow_rounds(b, &sizes[i], &s) != GPUMM_OK) table_failed(b, "ensure_capacity x1.3", sizes[i].name);
        else grow_rows(b, &sizes[i], &s);
    }
    for (size_t i = 0; i < SIZES; i++) {
        resize_samples s = {.returned = {0}};
        const char *why = no_room(b, sizes[i].bytes);
        if (why) table_skipped(b, "resize x1.3", sizes[i].name, why);
        else if (resize_rounds(b, &sizes[i], &s) != GPUMM_OK) table_failed(b, "resize x1.3", sizes[i].name);
        else {
            resize_row(b, "resize x1.3, returned", sizes[i].name, &s.returned, &s.bare_returned);
            resize_row(b, "resize x1.3, finished", sizes[i].name, &s.finished, &s.bare_finished);
        }
    }
}

/* ---- Ahead ---------------------------------------------------------------------------------- */

/* Waits, without sleeping, until the next step's memory is there and its worker has let go. */
static gpumm_status wait_ahead(gpumm_buffer *buffer, uint64_t *capacity) {
    gpumm_buffer_info info;
    uint64_t deadline = gpumm__clock_deadline(5);
    do {
        TRY(gpumm_buffer_get_info(buffer, &info));
        if (gpumm__clock_ns() > deadline) return fail(GPUMM_TIMEOUT, "nothing was committed ahead within 5 s");
    } while (info.committed_bytes < info.capacity * 13 / 10 + 1);
    for (uint64_t until = gpumm__clock_ns() + 100000; gpumm__clock_ns() < until;) continue;
    *capacity = info.capacity;
    return GPUMM_OK;
}

static gpumm_status ahead_steps(gpumm_buffer *buffer, uint64_t maximum, bool counts, samples *s) {
    uint64_t capacity = 0;
    for (;;) {
        TRY(wait_ahead(buffer, &capacity));
        if (capacity * 2 > maximum) return GPUMM_OK;
        uint64_t start = gpumm__clock_ns();
        TRY(gpumm_buffer_ensure_capacity(buffer, capacity + 1));
        if (counts) sample(s, seconds_since(start));
    }
}

static gpumm_status ahead_buffer(gpumm_manager *m, bool counts, samples *s) {
    gpumm_buffer *buffer;
    gpumm_type *byte;
    uint64_t maximum = 256 * MIB;
    TRY(gpumm_type_parse("u8", &byte));
    gpumm_buffer_options options = {.type = byte,
                                    .length = 4 * MIB,
                                    .max_length = maximum,
                                    .ahead = 1,
                                    .growth = {.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = 1300000}};
    gpumm_status status = gpumm_allocate(m, &options, &buffer);
    gpumm_type_release(byte);
    TRY(status);
    status = ahead_steps(buffer, maximum, counts, s);
    gpumm_buffer_release(buffer);
    TRY(status);
    return make_cold(m);
}

static gpumm_status ahead_rounds(const bench *b, samples *s) {
    gpumm_manager *m;
    TRY(open_manager(b, &m));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, 8) && status == GPUMM_OK; i++) status = ahead_buffer(m, i > 0, s);
    gpumm_manager_release(m);
    return status;
}

void bench_ahead(bench *b) {
    samples s = {.count = 0};
    static const char what[] = "ensure_capacity, ahead = 1", size[] = "4 to 256 MiB";
    gpumm_status status = ahead_rounds(b, &s);
    double mine = median(&s);
    if (status != GPUMM_OK) table_failed(b, what, size);
    else table_row(b, &(row){what, size, UNIT_TIME, mine, NAN, NULL, NAN, AT_MOST, mine, 2e-6, "<= 2 us"});
}

/* ---- Peak memory ---------------------------------------------------------------------------- */

typedef struct watcher {
    pthread_t thread;
    const bench *bench;
    atomic_bool stop, watching;
    uint64_t before, least; /* free bytes */
} watcher;

static void *watch(void *user) {
    watcher *w = user;
    CUcontext context;
    uint64_t left;
    if (cuCtxPushCurrent(w->bench->context) != CUDA_SUCCESS) return NULL;
    atomic_store(&w->watching, true);
    while (!atomic_load(&w->stop))
        if (bare_free_bytes(&left) == GPUMM_OK && left < w->least) w->least = left;
    (void)cuCtxPopCurrent(&context);
    return NULL;
}

static gpumm_status watch_start(watcher *w, const bench *b) {
    w->bench = b;
    atomic_init(&w->stop, false);
    atomic_init(&w->watching, false);
    TRY(bare_free_bytes(&w->before));
    w->least = w->before;
    if (pthread_create(&w->thread, NULL, watch, w) != 0) return fail(GPUMM_OUT_OF_MEMORY, "no thread can be made");
    for (int i = 0; i < 1000 && !atomic_load(&w->watching); i++) gpumm__clock_sleep_ns(10000);
    return GPUMM_OK;
}

static double watch_stop(watcher *w) {
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    return (double)(w->before - w->least);
}

/* What the watcher saw or what the books say, whichever is more. */
static gpumm_status our_peak(const bench *b, uint64_t bytes, double *peak) {
    gpumm_manager *m;
    gpumm_stats stats;
    watcher w;
    times t;
    TRY(open_manager(b, &m));
    gpumm_status status = b->host ? GPUMM_OK : watch_start(&w, b);
    if (status == GPUMM_OK) {
        status = ours(b, m, bytes, false, &t);
        *peak = b->host ? 0 : watch_stop(&w);
        gpumm_manager_stats(m, &stats);
        *peak = fmax(*peak, (double)stats.peak_committed_bytes);
    }
    gpumm_manager_release(m);
    return status;
}

static gpumm_status moved_peak(const bench *b, uint64_t bytes, double *peak) {
    watcher w;
    double seconds;
    TRY(watch_start(&w, b));
    gpumm_status status = moving(b, bytes, false, &seconds);
    *peak = watch_stop(&w);
    return status;
}

static void peak_row(bench *b, const struct size *size) {
    double mine = NAN, moved = NAN, after = (double)grown(size->bytes);
    gpumm_status status = our_peak(b, size->bytes, &mine);
    if (status == GPUMM_OK && !b->host) status = moved_peak(b, size->bytes, &moved);
    if (status != GPUMM_OK) {
        table_failed(b, "peak memory of a growth", size->name);
        return;
    }
    table_row(b, &(row){"peak memory of a growth / new size", size->name, UNIT_BYTES, mine, moved, MOVED, mine / after,
                        AT_MOST, mine / after, 1.1, "<= 1.1 x"});
}

void bench_peak(bench *b) {
    for (size_t i = 2; i < SIZES; i += 2) { /* 64 MiB, 1 GiB, 16 GiB */
        const char *why = no_room(b, sizes[i].bytes);
        if (why) table_skipped(b, "peak memory of a growth", sizes[i].name, why);
        else peak_row(b, &sizes[i]);
    }
}
