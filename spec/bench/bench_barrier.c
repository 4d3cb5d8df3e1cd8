/* SPDX-License-Identifier: MIT */
/* Blocks on the host device, whatever device the rest is about: what a barrier costs each thread of a block, beside as many
   fibers that switch to one another and do nothing else. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "device/host/fiber.h"

enum { BARRIERS = 2000000, BATCHES = 21, STACK = 320 << 10, FIBERS = 1024 };

static const struct size {
    const char *name;
    unsigned threads;
} sizes[] = {{"64 threads", 64}, {"256 threads", 256}, {"1024 threads", 1024}};

static const char source[] = "extern \"C\" __global__ void wait(int rounds, unsigned *v) {\n"
                             "    unsigned sum = threadIdx.x;\n"
                             "    for (int i = 0; i < rounds; i++) {\n"
                             "        sum += sum ^ i;\n"
                             "        __syncthreads();\n"
                             "    }\n"
                             "    v[threadIdx.x] = sum;\n"
                             "}\n";

/* ---- The bare switch ------------------------------------------------------------------------ */

typedef struct ring {
    fiber thread, fibers[FIBERS];
    unsigned count, next;
    uint64_t left;
} ring;

static void go_round(void *user) {
    ring *r = user;
    for (;;) {
        fiber *self = &r->fibers[r->next];
        r->next = r->next + 1 == r->count ? 0 : r->next + 1;
        gpumm__fiber_switch(self, r->left-- ? &r->fibers[r->next] : &r->thread);
    }
}

/* Each fiber's first turn begins it; only whole rounds after that are counted. */
static double bare_switch(ring *r, char *stacks, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        gpumm__fiber_open(&r->fibers[i], stacks + (size_t)i * STACK, STACK, i, go_round, r);
    gpumm__fiber_thread(&r->thread);
    r->count = count;
    r->next = 0;
    r->left = BARRIERS;
    uint64_t start = gpumm__clock_ns();
    gpumm__fiber_switch(&r->thread, &r->fibers[0]);
    double seconds = seconds_since(start) / BARRIERS;
    for (unsigned i = 0; i < count; i++) gpumm__fiber_close(&r->fibers[i]);
    return seconds;
}

/* ---- The barrier ---------------------------------------------------------------------------- */

static gpumm_status barrier(gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *v, unsigned threads, double *seconds) {
    int turns = (int)(BARRIERS / threads);
    gpumm_argument arguments[] = {{.value = &turns, .size = sizeof turns}, {.buffer = v}};
    gpumm_launch_options o = {.grid_x = 1, .block_x = threads};
    uint64_t start = gpumm__clock_ns();
    TRY(gpumm_kernel_launch_with(k, &o, arguments, 2));
    TRY(gpumm_manager_synchronize(m));
    *seconds = seconds_since(start) / ((double)turns * threads);
    return GPUMM_OK;
}

static gpumm_status barrier_rows(bench *b, gpumm_manager *m, gpumm_kernel *k, gpumm_buffer *v, ring *r, char *stacks) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        samples ours = {.count = 0}, bare_s = {.count = 0};
        for (unsigned round = 0; round <= rounds(b, BATCHES); round++) {
            double seconds, other = bare_switch(r, stacks, sizes[i].threads);
            TRY(barrier(m, k, v, sizes[i].threads, &seconds));
            if (round == 0) continue;
            sample(&ours, seconds);
            sample(&bare_s, other);
        }
        double a = median(&ours), c = median(&bare_s);
        table_row(b, &(row){"a barrier on the host, a thread", sizes[i].name, UNIT_TIME, a, c, "the bare switch", a / c,
                            AT_MOST, a, 40e-9, "<= 40 ns"});
        table_row(b, &(row){"a barrier on the host, a thread", sizes[i].name, UNIT_TIME, a, c, "the bare switch", a / c,
                            AT_MOST, a / c, 2, "<= 2 x"});
    }
    return GPUMM_OK;
}

void bench_barrier(bench *b) {
    gpumm_manager *m = NULL;
    gpumm_kernel *k = NULL;
    gpumm_buffer *v = NULL;
    ring *r = calloc(1, sizeof *r);
    char *stacks = gpumm__fiber_stacks(STACK, FIBERS);
    gpumm_status status = r && stacks ? GPUMM_OK : fail(GPUMM_OUT_OF_MEMORY, "no memory for %d stacks", FIBERS);
    if (status == GPUMM_OK) status = gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1}, &m);
    if (status == GPUMM_OK)
        status = gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "bench_barrier.c"}, &k);
    if (status == GPUMM_OK) status = open_buffer(m, "u32", FIBERS, FIBERS, &v);
    if (status == GPUMM_OK) status = barrier_rows(b, m, k, v, r, stacks);
    if (status != GPUMM_OK) table_failed(b, "a barrier on the host", "64 to 1024 threads");
    gpumm_buffer_release(v);
    gpumm_kernel_release(k);
    if (m) gpumm_manager_release(m);
    if (stacks) gpumm__fiber_stacks_free(stacks, STACK, FIBERS);
    free(r);
}
