/* SPDX-License-Identifier: MIT */
/* Recordings: a step of many small kernels, replayed, against the bare captured graph of the same kernels; as a
   simulation's recorded step; with a readback of every frame; and on the host device. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { NODES = 1000, MANY = 25, FEW = 16, SLOTS = 3, STEPS = 2000, HOST_STEPS = 200, RECORD_ROUNDS = 15, CORES = 2 };

/* ---- The bare side: graphs that the driver captured -------------------------------------------------------------- */

typedef struct bare_graphs {
    const bench *bench;
    CUdeviceptr nodes;
    CUgraphExec many, frame[SLOTS];
    CUevent done[SLOTS];
    float *pinned[SLOTS];
} bare_graphs;

/* `count` launches, and a copy to `pinned` where it is not NULL. */
static gpumm_status bare_capture(const bare_graphs *g, unsigned count, float *pinned, CUgraphExec *out) {
    CUstream s = g->bench->stream;
    CUgraph graph = NULL;
    BARE(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i < count && status == GPUMM_OK; i++) status = bare_launch(g->bench, g->nodes, NODES, 0);
    if (status == GPUMM_OK && pinned)
        status = bare(cuMemcpyDtoHAsync(pinned, g->nodes, NODES * NODE, s), "cuMemcpyDtoHAsync");
    BARE(cuStreamEndCapture(s, &graph));
    if (status == GPUMM_OK) status = bare(cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiateWithFlags");
    (void)cuGraphDestroy(graph);
    return status;
}

static gpumm_status bare_graphs_open(const bench *b, bare_graphs *g) {
    *g = (bare_graphs){.bench = b};
    if (b->host) return GPUMM_OK;
    BARE(cuMemAlloc(&g->nodes, NODES * NODE));
    BARE(cuMemsetD32Async(g->nodes, 0, NODES * 3, b->stream));
    TRY(bare_capture(g, MANY, NULL, &g->many));
    for (int i = 0; i < SLOTS; i++) {
        BARE(cuMemHostAlloc((void **)&g->pinned[i], NODES * NODE, CU_MEMHOSTALLOC_PORTABLE));
        BARE(cuEventCreate(&g->done[i], CU_EVENT_DISABLE_TIMING));
        TRY(bare_capture(g, FEW, g->pinned[i], &g->frame[i]));
    }
    return bare_synchronize(b);
}

static void bare_graphs_close(bare_graphs *g) {
    if (g->many) (void)cuGraphExecDestroy(g->many);
    for (int i = 0; i < SLOTS; i++) {
        if (g->frame[i]) (void)cuGraphExecDestroy(g->frame[i]);
        if (g->done[i]) (void)cuEventDestroy(g->done[i]);
        if (g->pinned[i]) (void)cuMemFreeHost(g->pinned[i]);
    }
    if (g->nodes) (void)cuMemFree(g->nodes);
}

static gpumm_status bare_steps(const bare_graphs *g, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) BARE(cuGraphLaunch(g->many, g->bench->stream));
    TRY(bare_synchronize(g->bench));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* As many frames under way as there are slots, as gpumm's loop has it. */
static gpumm_status bare_frames(const bare_graphs *g, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) {
        if (i >= SLOTS - 1) BARE(cuEventSynchronize(g->done[(i + 1) % SLOTS]));
        BARE(cuGraphLaunch(g->frame[i % SLOTS], g->bench->stream));
        BARE(cuEventRecord(g->done[i % SLOTS], g->bench->stream));
    }
    TRY(bare_synchronize(g->bench));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* ---- Rounds: everything alternately ------------------------------------------------------------------------------- */

typedef struct record_samples {
    samples bare, replayed, launched, replay_host, patch_host, simulated, simulated_plain, recorded_host, plain_host;
    samples bare_frames, frames;
} record_samples;

static gpumm_status timed(lua_State *L, const char *function, unsigned count, unsigned kind, bool counts, samples *s) {
    double seconds;
    TRY(script_call(L, function, NUMBERS(count, MANY, kind), &seconds));
    if (counts) sample(s, seconds);
    return GPUMM_OK;
}

static gpumm_status bare_round(const bare_graphs *g, bool counts, record_samples *s) {
    double steps = NAN, frames = NAN;
    if (g->bench->host) return GPUMM_OK;
    TRY(bare_steps(g, STEPS, &steps));
    TRY(bare_frames(g, STEPS, &frames));
    if (counts) sample(&s->bare, steps), sample(&s->bare_frames, frames);
    return GPUMM_OK;
}

static gpumm_status record_round(lua_State *L, const bare_graphs *g, bool counts, record_samples *s) {
    unsigned steps = g->bench->host ? STEPS / 20 : STEPS, few = g->bench->host ? HOST_STEPS / 10 : HOST_STEPS;
    TRY(bare_round(g, counts, s));
    TRY(timed(L, "replayed", steps, 0, counts, &s->replayed));
    TRY(timed(L, "launched", steps, 0, counts, &s->launched));
    TRY(timed(L, "replay_host", few, 0, counts, &s->replay_host));
    TRY(timed(L, "patch_host", few, 0, counts, &s->patch_host));
    TRY(timed(L, "simulated", steps, 1, counts, &s->simulated));
    TRY(timed(L, "simulated", steps, 0, counts, &s->simulated_plain));
    TRY(timed(L, "simulated_host", few, 1, counts, &s->recorded_host));
    TRY(timed(L, "simulated_host", few, 0, counts, &s->plain_host));
    return timed(L, "frames", steps, 0, counts, &s->frames);
}

static gpumm_status record_rounds(const bench *b, gpumm_manager *m, record_samples *s) {
    bare_graphs g;
    lua_State *L = NULL;
    gpumm_status status = bare_graphs_open(b, &g);
    if (status == GPUMM_OK) status = script_open(b, m, "bench_record.lua", &L);
    if (status == GPUMM_OK) status = script_call(L, "open", NUMBERS(NODES, MANY, FEW), NULL);
    for (unsigned i = 0; i <= rounds(b, RECORD_ROUNDS) && status == GPUMM_OK; i++)
        status = record_round(L, &g, i > 0, s);
    if (status == GPUMM_OK) status = script_call(L, "close", 0, NULL, NULL);
    script_close(L);
    bare_graphs_close(&g);
    return status;
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------- */

static void ratio_row(bench *b, const char *what, const char *size, double mine, double beside, const char *name,
                      sense which, double ratio, double bound, const char *must) {
    table_row(b, &(row){what, size, UNIT_TIME, mine, beside, name, ratio, which, ratio, bound, must});
}

static void bound_row(bench *b, const char *what, const char *size, double mine, double beside, const char *name,
                      double bound, const char *must) {
    table_row(b, &(row){what, size, UNIT_TIME, mine, beside, name, mine / beside, AT_MOST, mine, bound, must});
}

static void record_rows(bench *b, const record_samples *s) {
    static const char size[] = "25 kernels, 1 k nodes";
    double bare_s = median(&s->bare), replayed = median(&s->replayed), launched = median(&s->launched);
    double host = median(&s->replay_host), patched = median(&s->patch_host);
    double recorded = median(&s->simulated), plain = median(&s->simulated_plain);
    double call = median(&s->recorded_host) / MANY, plain_call = median(&s->plain_host) / MANY;
    ratio_row(b, "replay from Lua", size, replayed, bare_s, "the bare captured graph", AT_MOST, replayed / bare_s, 1.15,
              "<= 1.15 x");
    ratio_row(b, "replay from Lua, times faster", size, replayed, launched, "launching from Lua", NO_MARK,
              launched / replayed, 0, NULL);
    bound_row(b, "replay from Lua, in the host", size, host, NAN, NULL, 4e-6, "<= 4 us");
    bound_row(b, "replay from Lua, 25 patched, in the host", size, patched, host, "none patched", 4e-6 + MANY * 0.8e-6,
              "<= 4 us + .8 us each");
    ratio_row(b, "recorded step of a simulation", size, recorded, plain, "launched step", AT_MOST, recorded / plain, 1,
              "never slower");
    bound_row(b, "recorded step, in the host, a call", size, call, plain_call, "launched step", 0.6e-6, "<= .6 us");
    bound_row(b, "16 kernels and every frame, from Lua", "1 k nodes", median(&s->frames), median(&s->bare_frames),
              "bare captured graphs", 36e-6, "<= 36 us, 0 dropped");
}

/* ---- The host device, whatever the run is on ------------------------------------------------------------------------- */

static gpumm_status host_rounds(const bench *b, gpumm_manager *m, samples *replayed, samples *launched) {
    lua_State *L = NULL;
    gpumm_status status = script_open(b, m, "bench_record.lua", &L);
    if (status == GPUMM_OK) status = script_call(L, "open", NUMBERS(NODES, MANY, FEW), NULL);
    for (unsigned i = 0; i <= RECORD_ROUNDS && status == GPUMM_OK; i++) {
        status = timed(L, "replayed", STEPS / 4, 0, i > 0, replayed);
        if (status == GPUMM_OK) status = timed(L, "launched", STEPS / 4, 0, i > 0, launched);
    }
    if (status == GPUMM_OK) status = script_call(L, "close", 0, NULL, NULL);
    script_close(L);
    return status;
}

static void host_topic(bench *b) {
    static const char what[] = "replay from Lua, host device, times faster", size[] = "25 kernels, 2 cores";
    samples replayed = {.count = 0}, launched = {.count = 0};
    gpumm_manager *m = NULL;
    gpumm_status status = gpumm_manager_open(&(gpumm_options){.device = "host", .workers = CORES}, &m);
    if (status == GPUMM_OK) status = host_rounds(b, m, &replayed, &launched);
    double mine = median(&replayed), theirs = median(&launched);
    if (status != GPUMM_OK) table_failed(b, what, size);
    else ratio_row(b, what, size, mine, theirs, "launching from Lua", AT_LEAST, theirs / mine, 1.5, ">= 1.5 x");
    if (m) gpumm_manager_release(m);
}

void bench_record(bench *b) {
    static record_samples s;
    memset(&s, 0, sizeof s);
    gpumm_manager *m = NULL;
    gpumm_status status = open_manager(b, &m);
    if (status == GPUMM_OK) status = record_rounds(b, m, &s);
    if (status == GPUMM_OK) record_rows(b, &s);
    else table_failed(b, "recordings", "25 kernels");
    if (m) gpumm_manager_release(m);
    host_topic(b);
}
