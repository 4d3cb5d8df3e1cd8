/* SPDX-License-Identifier: MIT */
/* What a trace costs: a step of kernels over 100,000 nodes with a capture, launched one by one and replayed, by two managers
   in turn, of which one is traced. Neither mark is of the device: the untraced manager stands beside. */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

enum { NODES = 100000, KERNELS = 8, TURNS = 16, STEPS = 50, TRACE_ROUNDS = 40 };

typedef struct side {
    gpumm_manager *manager;
    gpumm_kernel *kernel;
    gpumm_buffer *nodes;
    gpumm_readback *readback;
    gpumm_recording *recording;
} side;

static void side_close(side *s) {
    gpumm_recording_release(s->recording);
    gpumm_readback_release(s->readback);
    gpumm_buffer_release(s->nodes);
    gpumm_kernel_release(s->kernel);
    gpumm_manager_release(s->manager);
}

static gpumm_status record(side *s) {
    gpumm_argument arguments[] = {{.value = &(int){NODES}, .size = sizeof(int)},
                                  {.buffer = s->nodes},
                                  {.value = &(int){TURNS}, .size = sizeof(int)}};
    TRY(gpumm_recording_open(s->manager, NULL, &s->recording));
    for (int i = 0; i < KERNELS; i++)
        TRY(gpumm_recording_launch(s->recording, s->kernel, NODES, arguments, NULL,
                                   sizeof arguments / sizeof *arguments));
    return gpumm_recording_capture(s->recording, s->readback, 0, NULL);
}

static gpumm_status side_open(const bench *b, gpumm_trace *trace, side *s) {
    *s = (side){0};
    TRY(gpumm_manager_open(&(gpumm_options){.device = b->device, .trace = trace}, &s->manager));
    TRY(open_step(b, s->manager, &s->kernel));
    TRY(open_buffer(s->manager, "f32x3", NODES, NODES, &s->nodes));
    TRY(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = &s->nodes, .buffer_count = 1, .slots = 3, .busy = GPUMM_BUSY_NEWEST},
        &s->readback));
    return record(s);
}

static gpumm_status launched(side *s) {
    for (int i = 0; i < KERNELS; i++) TRY(launch_step(s->kernel, NULL, s->nodes, NODES, TURNS));
    return gpumm_readback_capture(s->readback, NULL, 0, NULL);
}

static gpumm_status replayed(side *s) { return gpumm_recording_replay(s->recording, NULL, NULL, 0, NULL); }

static gpumm_status timed(side *s, gpumm_status (*step)(side *s), double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < STEPS; i++) TRY(step(s));
    TRY(gpumm_manager_synchronize(s->manager));
    *seconds = seconds_since(start) / STEPS;
    return GPUMM_OK;
}

static gpumm_status pairs(const bench *b, side *plain, side *traced, gpumm_status (*step)(side *s), samples *all) {
    for (unsigned i = 0; i < rounds(b, TRACE_ROUNDS) + 1; i++) {
        double without = NAN, with = NAN;
        if (i % 2) TRY(timed(plain, step, &without));
        TRY(timed(traced, step, &with));
        if (i % 2 == 0) TRY(timed(plain, step, &without));
        if (!i) continue; /* warms up */
        sample(&all[0], with);
        sample(&all[1], without);
        sample(&all[2], with / without);
    }
    return GPUMM_OK;
}

static void one(bench *b, side *plain, side *traced, const char *what, gpumm_status (*step)(side *s)) {
    static samples all[3];
    for (int i = 0; i < 3; i++) all[i].count = 0;
    if (pairs(b, plain, traced, step, all) != GPUMM_OK) {
        table_failed(b, what, "100000 nodes");
        return;
    }
    table_row(b, &(row){.what = what,
                        .size = "100000 nodes",
                        .unit = UNIT_TIME,
                        .ours = median(&all[0]),
                        .beside = median(&all[1]),
                        .name = "untraced",
                        .ratio = median(&all[2]),
                        .sense = AT_MOST,
                        .judged = median(&all[2]),
                        .bound = 1.02,
                        .must = "<= 1.02"});
}

void bench_trace(bench *b) {
    char path[64];
    gpumm_trace *trace = NULL;
    side plain = {0}, traced = {0};
    snprintf(path, sizeof path, "/tmp/gpumm-bench-trace-%d.json", (int)getpid());
    gpumm_status status = gpumm_trace_open(&(gpumm_trace_options){.path = path}, &trace);
    if (status == GPUMM_OK) status = side_open(b, NULL, &plain);
    if (status == GPUMM_OK) status = side_open(b, trace, &traced);
    if (status != GPUMM_OK) {
        table_failed(b, "a traced step", "100000 nodes");
    } else {
        one(b, &plain, &traced, "a traced step, replayed", replayed);
        one(b, &plain, &traced, "a traced step, launched", launched);
    }
    side_close(&plain);
    side_close(&traced);
    gpumm_trace_release(trace);
    unlink(path);
}
