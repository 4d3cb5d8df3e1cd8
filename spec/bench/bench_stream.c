/* SPDX-License-Identifier: MIT */
/* Streams: two with independent work overlap, shown by their events' times; and a kernel train goes on while
   another thread grows a buffer. */
#include <stdatomic.h>
#include <stdio.h>

#include "bench.h"

/* ---- Two streams ---------------------------------------------------------------------------- */

enum { FEW = 2048, LONG = 500000 }; /* nodes that fill a part of the device, and turns that take a while */

typedef struct lane {
    gpumm_stream *stream;
    gpumm_buffer *nodes;
    gpumm_event *begin, *end;
    double from, to; /* seconds after the common start */
} lane;

static gpumm_status lane_open(gpumm_manager *m, lane *l) {
    TRY(gpumm_stream_open(m, &l->stream));
    return open_buffer(m, "f32x3", FEW, FEW, &l->nodes);
}

static void lane_close(lane *l) {
    gpumm_buffer_release(l->nodes);
    gpumm_stream_release(l->stream);
}

static gpumm_status lane_enqueue(lane *l, gpumm_kernel *k, gpumm_stream *s, gpumm_event *start, int turns) {
    TRY(gpumm_stream_wait(s, start));
    TRY(gpumm_stream_record(s, &l->begin));
    TRY(launch_step(k, s, l->nodes, FEW, turns));
    return gpumm_stream_record(s, &l->end);
}

static gpumm_status lane_times(lane *l, gpumm_event *start) {
    TRY(gpumm_event_elapsed(start, l->begin, &l->from));
    return gpumm_event_elapsed(start, l->end, &l->to);
}

static void lane_forget(lane *l) {
    gpumm_event_release(l->begin);
    gpumm_event_release(l->end);
    l->begin = l->end = NULL;
}

/* Both pieces of work, on their own streams or both on the first one's. */
static gpumm_status both(gpumm_manager *m, gpumm_kernel *k, lane lanes[static 2], bool apart, int turns) {
    gpumm_event *start;
    TRY(gpumm_manager_synchronize(m));
    TRY(gpumm_stream_record(gpumm_manager_main(m), &start));
    gpumm_status status = lane_enqueue(&lanes[0], k, lanes[0].stream, start, turns);
    if (status == GPUMM_OK) status = lane_enqueue(&lanes[1], k, lanes[apart].stream, start, turns);
    if (status == GPUMM_OK) status = gpumm_manager_synchronize(m);
    for (int i = 0; i < 2 && status == GPUMM_OK; i++) status = lane_times(&lanes[i], start);
    for (int i = 0; i < 2; i++) lane_forget(&lanes[i]);
    gpumm_event_release(start);
    return status;
}

static double span(const lane lanes[static 2]) {
    return fmax(lanes[0].to, lanes[1].to) - fmin(lanes[0].from, lanes[1].from);
}

/* How much of the shorter one ran while the other ran too. */
static double overlap(const lane lanes[static 2]) {
    double shared = fmin(lanes[0].to, lanes[1].to) - fmax(lanes[0].from, lanes[1].from);
    return fmax(shared, 0) / fmin(lanes[0].to - lanes[0].from, lanes[1].to - lanes[1].from);
}

typedef struct overlap_samples {
    samples apart, together, shared;
} overlap_samples;

static gpumm_status overlap_rounds(const bench *b, gpumm_manager *m, gpumm_kernel *k, lane lanes[static 2],
                                   overlap_samples *s) {
    int turns = b->host ? 100 : LONG;
    for (unsigned i = 0; i <= rounds(b, 9); i++) {
        TRY(both(m, k, lanes, true, turns));
        if (i > 0) sample(&s->apart, span(lanes));
        if (i > 0) sample(&s->shared, overlap(lanes));
        TRY(both(m, k, lanes, false, turns));
        if (i > 0) sample(&s->together, span(lanes));
    }
    return GPUMM_OK;
}

static gpumm_status overlap_run(const bench *b, overlap_samples *s) {
    gpumm_manager *m;
    gpumm_kernel *k = NULL;
    lane lanes[2] = {{.stream = NULL}, {.stream = NULL}};
    TRY(open_manager(b, &m));
    gpumm_status status = open_step(b, m, &k);
    for (int i = 0; i < 2 && status == GPUMM_OK; i++) status = lane_open(m, &lanes[i]);
    if (status == GPUMM_OK) status = overlap_rounds(b, m, k, lanes, s);
    for (int i = 0; i < 2; i++) lane_close(&lanes[i]);
    gpumm_kernel_release(k);
    gpumm_manager_release(m);
    return status;
}

void bench_overlap(bench *b) {
    static const char size[] = "2 kernels of 8 blocks";
    overlap_samples s = {.apart = {0}};
    if (overlap_run(b, &s) != GPUMM_OK) {
        table_failed(b, "two streams, share that overlaps", size);
        return;
    }
    double apart = median(&s.apart), together = median(&s.together), shared = median(&s.shared);
    table_row(b, &(row){"two streams, share that overlaps", size, UNIT_FACTOR, shared, NAN, NULL, NAN, AT_LEAST, shared,
                        0.5, ">= 0.5 by event times"});
    table_row(b, &(row){"two streams, from first begin to last end", size, UNIT_TIME, apart, together, "one stream",
                        together / apart, NO_MARK, 0, 0, NULL});
}

/* ---- A train, and growth beside it ---------------------------------------------------------- */

enum { CARS = 400, PASSENGERS = 1000000, CAR_TURNS = 3000, STEP = 2 << 20, FEWEST = CARS / 10 };

typedef struct grower {
    pthread_t thread;
    gpumm_buffer *buffer;
    atomic_bool stop;
    gpumm_status status;
    char message[256];
    unsigned growths;
    bool full; /* its maximum was reached before the train ended */
} grower;

static void *grow(void *user) {
    grower *g = user;
    gpumm_buffer_info info;
    g->status = gpumm_buffer_get_info(g->buffer, &info);
    while (g->status == GPUMM_OK && !atomic_load(&g->stop) && !g->full) {
        g->status = gpumm_buffer_ensure_capacity(g->buffer, info.capacity + 1);
        if (g->status == GPUMM_OK) g->status = gpumm_buffer_get_info(g->buffer, &info);
        g->growths++;
        g->full = info.capacity >= info.max_length;
    }
    if (g->status != GPUMM_OK) snprintf(g->message, sizeof g->message, "%s", gpumm_message());
    return NULL;
}

static gpumm_status growing_buffer(gpumm_manager *m, uint64_t maximum, gpumm_buffer **out) {
    gpumm_type *byte;
    TRY(gpumm_type_parse("u8", &byte));
    gpumm_buffer_options options = {
        .type = byte, .length = STEP, .max_length = maximum, .growth = {.kind = GPUMM_GROWTH_LINEAR, .step = STEP}};
    gpumm_status status = gpumm_manager_allocate(m, &options, out);
    gpumm_type_release(byte);
    return status;
}

static gpumm_status train(const bench *b, gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *nodes, double *seconds) {
    gpumm_stream *s = gpumm_manager_main(m);
    gpumm_event *begin, *end = NULL;
    uint64_t count = b->host ? 1000 : PASSENGERS;
    TRY(gpumm_stream_record(s, &begin));
    gpumm_status status = GPUMM_OK;
    int turns = b->host ? 1 : CAR_TURNS;
    for (int i = 0; i < CARS && status == GPUMM_OK; i++) status = launch_step(k, s, nodes, count, turns);
    if (status == GPUMM_OK) status = gpumm_stream_record(s, &end);
    if (status == GPUMM_OK) status = gpumm_event_wait(end, 30);
    if (status == GPUMM_OK) status = gpumm_event_elapsed(begin, end, seconds);
    gpumm_event_release(begin);
    gpumm_event_release(end);
    return status;
}

static gpumm_status train_beside(const bench *b, gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *nodes,
                                 uint64_t maximum, double *seconds, unsigned *growths) {
    grower g = {.status = GPUMM_OK};
    TRY(growing_buffer(m, maximum, &g.buffer));
    TRY(gpumm_manager_synchronize(m));
    if (pthread_create(&g.thread, NULL, grow, &g) != 0) {
        gpumm_buffer_release(g.buffer);
        return fail(GPUMM_OUT_OF_MEMORY, "no thread can be made");
    }
    gpumm_status status = train(b, m, k, nodes, seconds);
    atomic_store(&g.stop, true);
    pthread_join(g.thread, NULL);
    *growths = g.growths;
    gpumm_buffer_release(g.buffer);
    TRY(status);
    if (g.status != GPUMM_OK) return fail(g.status, "growing beside the train: %s", g.message);
    if (g.full && !b->host) return fail(GPUMM_OVER_MAX_SIZE, "the growing buffer was full before the train ended");
    if (g.growths < FEWEST &&
        !b->host) /* growth that waits for the train costs it nothing, and is no growth beside it */
        return fail(GPUMM_TIMEOUT, "%u growths beside %d kernels: it is not that which was measured", g.growths, CARS);
    return make_cold(m);
}

typedef struct train_samples {
    samples alone, beside, growths;
} train_samples;

static gpumm_status train_rounds(const bench *b, gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *nodes,
                                 train_samples *s) {
    uint64_t maximum = (uint64_t)8 << 30, left;
    double alone, beside;
    unsigned growths = 0;
    if (!b->host) {
        TRY(bare_free_bytes(&left));
        maximum = size_min((uint64_t)32 << 30, left / 2 / STEP * STEP);
    }
    for (unsigned i = 0; i <= rounds(b, 11); i++) {
        TRY(train(b, m, k, nodes, &alone));
        TRY(train_beside(b, m, k, nodes, maximum, &beside, &growths));
        if (i == 0) continue;
        sample(&s->alone, alone);
        sample(&s->beside, beside);
        sample(&s->growths, growths);
    }
    return GPUMM_OK;
}

static gpumm_status train_run(const bench *b, train_samples *s) {
    gpumm_manager *m;
    gpumm_kernel *k = NULL;
    gpumm_buffer *nodes = NULL;
    TRY(open_manager(b, &m));
    gpumm_status status = open_step(b, m, &k);
    if (status == GPUMM_OK) status = open_buffer(m, "f32x3", PASSENGERS, PASSENGERS, &nodes);
    if (status == GPUMM_OK) status = train_rounds(b, m, k, nodes, s);
    gpumm_buffer_release(nodes);
    gpumm_kernel_release(k);
    gpumm_manager_release(m);
    return status;
}

void bench_train(bench *b) {
    train_samples s = {.alone = {0}};
    char size[64];
    if (train_run(b, &s) != GPUMM_OK) {
        table_failed(b, "kernel train beside growth", "400 kernels");
        return;
    }
    double alone = median(&s.alone), beside = median(&s.beside);
    snprintf(size, sizeof size, "%d kernels, %.0f growths of 2 MiB", CARS, median(&s.growths));
    table_row(b, &(row){"kernel train beside growth", size, UNIT_TIME, beside, alone, "the train alone", beside / alone,
                        AT_MOST, beside / alone, 1.02, "<= 1.02 x"});
}
