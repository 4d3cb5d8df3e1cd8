/* SPDX-License-Identifier: MIT */
/* One launch: what a call costs the host, from Lua and from C, against cuLaunchKernel. */
#include "bench.h"

enum { BATCH = 200, BATCHES = 51, SMALL = 256 };

typedef struct launch_samples {
    samples bare, c, position, name;
} launch_samples;

static gpumm_status bare_batch(const bench *b, CUdeviceptr nodes, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < BATCH; i++) TRY(bare_launch(b, nodes, SMALL, 0));
    *seconds = seconds_since(start) / BATCH;
    return bare_synchronize(b);
}

static gpumm_status c_batch(gpumm_kernel *k, gpumm_buffer *nodes, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < BATCH; i++) TRY(launch_step(k, NULL, nodes, SMALL, 0));
    *seconds = seconds_since(start) / BATCH;
    return gpumm_manager_synchronize(gpumm_buffer_manager(nodes));
}

typedef struct launcher {
    gpumm_manager *manager;
    gpumm_kernel *kernel;
    gpumm_buffer *nodes;
    lua_State *L;
    CUdeviceptr bare_nodes;
} launcher;

static gpumm_status launch_round(const bench *b, launcher *l, bool counts, launch_samples *s) {
    double bare_s = NAN, c, position, name;
    if (!b->host) TRY(bare_batch(b, l->bare_nodes, &bare_s));
    TRY(script_call(l->L, "by_position", NUMBERS(BATCH), &position));
    TRY(c_batch(l->kernel, l->nodes, &c));
    TRY(script_call(l->L, "by_name", NUMBERS(BATCH), &name));
    if (!counts) return GPUMM_OK;
    sample(&s->bare, bare_s);
    sample(&s->c, c);
    sample(&s->position, position);
    sample(&s->name, name);
    return GPUMM_OK;
}

static gpumm_status launcher_open(const bench *b, launcher *l) {
    TRY(open_manager(b, &l->manager));
    TRY(open_step(b, l->manager, &l->kernel));
    TRY(open_buffer(l->manager, "f32x3", SMALL, SMALL, &l->nodes));
    TRY(script_open(b, l->manager, "bench_calls.lua", &l->L));
    if (!b->host) BARE(cuMemAlloc(&l->bare_nodes, SMALL * NODE));
    if (!b->host) BARE(cuMemsetD32Async(l->bare_nodes, 0, SMALL * 3, b->stream));
    return GPUMM_OK;
}

static void launcher_close(launcher *l) {
    if (l->bare_nodes) (void)cuMemFree(l->bare_nodes);
    script_close(l->L);
    gpumm_buffer_release(l->nodes);
    gpumm_kernel_release(l->kernel);
    if (l->manager) gpumm_manager_release(l->manager);
}

static void launch_row(bench *b, const char *what, const samples *mine, double bare_s, bool marked) {
    double more = median(mine) - bare_s;
    table_row(b, &(row){what, "3 arguments", UNIT_TIME, median(mine), bare_s, "cuLaunchKernel from C",
                        median(mine) / bare_s, marked ? AT_MOST : NO_MARK, more, 0.6e-6,
                        marked ? "<= 0.6 us more" : NULL});
}

void bench_launch(bench *b) {
    launch_samples s = {.bare = {0}};
    launcher l = {.manager = NULL};
    gpumm_status status = launcher_open(b, &l);
    for (unsigned i = 0; i <= rounds(b, BATCHES) && status == GPUMM_OK; i++) status = launch_round(b, &l, i > 0, &s);
    if (status != GPUMM_OK) table_failed(b, "launch", "3 arguments");
    launcher_close(&l);
    if (status != GPUMM_OK) return;
    double bare_s = median(&s.bare);
    launch_row(b, "launch from Lua, by position", &s.position, bare_s, true);
    launch_row(b, "launch from Lua, by name", &s.name, bare_s, true);
    launch_row(b, "launch from C through gpumm", &s.c, bare_s, false);
}
