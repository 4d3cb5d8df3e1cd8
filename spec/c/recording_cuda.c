/* SPDX-License-Identifier: MIT */
/* Replays over the fake driver (GPUMM_LIBCUDA names it): how many calls of the driver one takes, and that each choice of
   slots has a graph of its own, which is right whatever else changes. Kernels do nothing there, copies and fills do. */
#include <unistd.h>

#include "driver_entries.h"
#include "fake_cuda.h"
#include "fake_kernel.h"
#include "hard.h"

enum { NODES = 1000, KERNELS = 16, SLOTS = 3, SETTLED = 40 };
enum { USED = 2 }; /* slots, where each frame is taken before the next: the last stays in its own until then */

static __typeof__(&fake_calls) all_calls;
static __typeof__(&fake_live) live;

typedef struct world {
    gpumm_manager *m;
    gpumm_buffer *nodes;
    gpumm_kernel *k;
    gpumm_readback *watch;
    gpumm_recording *r;
    int64_t step;
} world;

static void find_fake(const char *path) {
    void *library = library_open(path);
    library_entry(library, "fake_calls", &all_calls);
    library_entry(library, "fake_live", &live);
}

static purse all; /* gpumm's own memory */

static world world_open(gpumm_readback_options o) {
    world w = {.m = NULL};
    gpumm_type *type;
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){.device = "cuda", .inject_faults = true, .allocator = {purse_reallocate, &all, NULL}}, &w.m));
    CHECK_OK(gpumm_type_parse("f32x3", &type));
    CHECK_OK(gpumm_manager_allocate(
        w.m, &(gpumm_buffer_options){.name = "nodes", .type = type, .length = NODES, .max_length = 1 << 22}, &w.nodes));
    o.buffers = &w.nodes, o.buffer_count = 1, o.slots = o.slots ? o.slots : SLOTS;
    CHECK_OK(gpumm_readback_open(&o, &w.watch));
    w.k = open_fake_kernel(w.m, 128);
    CHECK_OK(gpumm_recording_open(w.m, NULL, &w.r));
    gpumm_type_release(type);
    return w;
}

static void world_close(world *w) {
    gpumm_recording_release(w->r);
    gpumm_readback_release(w->watch);
    gpumm_kernel_release(w->k);
    gpumm_buffer_release(w->nodes);
    close_and_check(w->m);
    CHECK(atomic_load(&all.live) == 0);
}

static void launch(world *w, int n, const gpumm_binding *by) {
    gpumm_argument a[] = {{.buffer = w->nodes}, {.value = &n, .size = sizeof n}};
    CHECK_OK(gpumm_recording_launch(w->r, w->k, 0, a, by, 2));
}

static void record(world *w, const char *name) {
    gpumm_binding by[] = {{0}, {.name = name}};
    for (int i = 0; i < KERNELS; i++) launch(w, NODES, name ? by : NULL);
    CHECK_OK(gpumm_recording_capture(w->r, w->watch, 0, "step"));
}

static uint64_t count(const world *w, const char *call) {
    uint64_t calls;
    CHECK_OK(gpumm_fault_calls(w->m, call, &calls));
    return calls;
}

/* A frame of what the nodes are set to before; `n` is given where it is not negative. Returns the driver's calls. */
static unsigned long replay(world *w, int n) {
    const float element[] = {(float)++w->step, 2, 3};
    gpumm_value v[] = {{.name = "step", .value = &w->step, .size = sizeof w->step},
                       {.name = "n", .value = &n, .size = sizeof n}};
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(w->nodes, &info));
    CHECK_OK(gpumm_buffer_fill(w->nodes, NULL, 0, info.length, element));
    unsigned long before = all_calls();
    CHECK_OK(gpumm_recording_replay(w->r, NULL, v, n < 0 ? 1 : 2, NULL));
    return all_calls() - before;
}

static void take(world *w) {
    gpumm_frame *f;
    gpumm_frame_info info;
    const void *data;
    CHECK_OK(gpumm_readback_wait(w->watch, 0, 60, &f));
    CHECK_OK(gpumm_frame_get_info(f, &info));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(info.step == w->step && info.dropped == 0);
    const float *x = data;
    for (uint64_t i = 0; i < info.length; i++) CHECK(x[3 * i] == (float)w->step && x[3 * i + 2] == 3);
    gpumm_frame_release(f);
}

static unsigned long replay_and_take(world *w, int n) {
    unsigned long calls = replay(w, n);
    take(w);
    return calls;
}

static long graphs_alive(void) {
    fake_counts now;
    live(&now);
    return now.graphs / 2; /* each is a graph and what was instantiated from it */
}

/* ---- What a replay costs ----------------------------------------------------------------------------------------- */

static const char *const changing[] = {"cuGraphExecKernelNodeSetParams", "cuGraphExecMemcpyNodeSetParams",
                                       "cuGraphNodeSetEnabled", "cuGraphInstantiateWithFlags"};
enum { CHANGING = sizeof changing / sizeof *changing };

/* Once it is settled, `calls` of the driver each: nothing is patched, and nothing made. */
static void costs(gpumm_readback_options o, unsigned long calls, const char *what) {
    world w = world_open(o);
    uint64_t before[CHANGING], launched;
    record(&w, NULL);
    replay_and_take(&w, -1);
    CHECK(graphs_alive() == 1);
    for (int i = 0; i < SETTLED; i++) replay_and_take(&w, -1);
    CHECK(graphs_alive() == USED);
    for (int i = 0; i < CHANGING; i++) before[i] = count(&w, changing[i]);
    launched = count(&w, "cuGraphLaunch");
    for (int i = 0; i < 12; i++) {
        unsigned long now = replay_and_take(&w, -1);
        if (now != calls) printf("recording_cuda: %s: %lu calls of the driver, not %lu\n", what, now, calls);
        CHECK(now == calls);
    }
    for (int i = 0; i < CHANGING; i++) CHECK(count(&w, changing[i]) == before[i]);
    CHECK(count(&w, "cuGraphLaunch") == launched + 12);
    world_close(&w);
    CHECK(graphs_alive() == 0);
}

/* ---- What else changes ------------------------------------------------------------------------------------------- */

/* A value that every launch takes: each graph is told what it has not. */
static void values_change(void) {
    world w = world_open((gpumm_readback_options){.inline_bytes = 1 << 20});
    record(&w, "n");
    for (int i = 0; i < SETTLED; i++) replay_and_take(&w, NODES);
    uint64_t before = count(&w, "cuGraphExecKernelNodeSetParams");
    for (int i = 0; i < SLOTS; i++) replay_and_take(&w, 300);
    CHECK(count(&w, "cuGraphExecKernelNodeSetParams") == before + USED * KERNELS);
    for (int i = 0; i < 2 * SLOTS; i++) replay_and_take(&w, 300);
    CHECK(count(&w, "cuGraphExecKernelNodeSetParams") == before + USED * KERNELS);
    CHECK(graphs_alive() == USED);
    world_close(&w);
}

/* Growth changes what every snapshot copies, and may put it elsewhere; other operations need other graphs. */
static void operations_change(gpumm_readback_options o) {
    world w = world_open(o);
    record(&w, NULL);
    for (int i = 0; i < SETTLED; i++) replay_and_take(&w, -1);
    CHECK_OK(gpumm_buffer_resize(w.nodes, NULL, 20 * NODES));
    for (int i = 0; i < 2 * SLOTS; i++) replay_and_take(&w, -1);
    CHECK(graphs_alive() == USED);
    CHECK_OK(gpumm_recording_begin(w.r));
    record(&w, NULL);
    launch(&w, 7, NULL);
    replay_and_take(&w, -1);
    CHECK(graphs_alive() == 1);
    for (int i = 0; i < SETTLED; i++) replay_and_take(&w, -1);
    CHECK(graphs_alive() == USED);
    CHECK_OK(gpumm_buffer_resize(w.nodes, NULL, 0));
    for (int i = 0; i < SLOTS; i++) replay_and_take(&w, -1);
    CHECK_OK(gpumm_buffer_resize(w.nodes, NULL, 30));
    for (int i = 0; i < 2 * SLOTS; i++) replay_and_take(&w, -1);
    world_close(&w);
}

/* More slots than there are graphs: those that were used least lately are patched. */
static void many_slots(void) {
    enum { MANY = 12, GRAPHS = 8 };
    world w = world_open((gpumm_readback_options){.inline_bytes = 1 << 20, .slots = MANY});
    gpumm_frame *kept[MANY] = {NULL};
    record(&w, NULL);
    for (int i = 0; i < 8 * MANY; i++) {
        replay(&w, -1);
        gpumm_frame **at = &kept[i % MANY];
        if (kept[(i + 1) % MANY]) gpumm_frame_release(kept[(i + 1) % MANY]), kept[(i + 1) % MANY] = NULL;
        CHECK_OK(gpumm_readback_wait(w.watch, 0, 60, at));
        CHECK_OK(gpumm_frame_keep(*at));
        const void *data;
        CHECK_OK(gpumm_frame_data(*at, 0, &data));
        CHECK(((const float *)data)[0] == (float)w.step);
    }
    CHECK(graphs_alive() == GRAPHS);
    for (int i = 0; i < MANY; i++) gpumm_frame_release(kept[i]);
    world_close(&w);
}

/* ---- What fails ----------------------------------------------------------------------------------------------------- */

/* Every call of the driver that makes or changes a graph, at its 1st, 2nd, … time: the frames after it are right. */
static void changes_fail(void) {
    static const char *const calls[] = {"cuGraphExecKernelNodeSetParams",
                                        "cuGraphInstantiateWithFlags",
                                        "cuGraphCreate",
                                        "cuGraphAddKernelNode",
                                        "cuGraphLaunch",
                                        "cuGraphNodeSetEnabled"};
    unsigned failures = 0;
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        bool hit = true;
        for (uint64_t nth = 1; hit; nth += c == 3 ? KERNELS / 2 : 1) {
            world w = world_open((gpumm_readback_options){.inline_bytes = 1 << 20});
            record(&w, "n");
            uint64_t before = count(&w, calls[c]);
            CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = calls[c], .nth = nth, .status = GPUMM_DRIVER}));
            for (int i = 0; i < 25; i++) {
                int n = NODES + i % 2;
                const float element[] = {(float)++w.step, 2, 3};
                gpumm_value v[] = {{.name = "step", .value = &w.step, .size = sizeof w.step},
                                   {.name = "n", .value = &n, .size = sizeof n}};
                CHECK_OK(gpumm_buffer_fill(w.nodes, NULL, 0, NODES, element));
                gpumm_status status = gpumm_recording_replay(w.r, NULL, v, 2, NULL);
                if (status == GPUMM_OK) take(&w);
                else CHECK_STATUS(status, GPUMM_DRIVER), failures++;
            }
            hit = count(&w, calls[c]) - before >= nth;
            CHECK_OK(gpumm_fault_plan(w.m, NULL));
            world_close(&w);
        }
    }
    CHECK(failures > 10);
    printf("recording_cuda: %u failures of the driver\n", failures);
}

/* gpumm's own memory runs out while the second graph is made: that replay has done nothing, and the next ones are right. */
static void memory_runs_out(void) {
    bool hit = true;
    long nth = 1;
    for (; hit; nth++) {
        world w = world_open((gpumm_readback_options){.inline_bytes = 1 << 20});
        gpumm_status status;
        record(&w, NULL);
        for (int i = 0; i < 16; i++) replay_and_take(&w, -1);
        CHECK(graphs_alive() == 1);
        gpumm_value v = {.name = "step", .value = &w.step, .size = sizeof w.step};
        purse_fail(&all, nth);
        for (int i = 0; i < 2; i++) {
            status = gpumm_recording_replay(w.r, NULL, &v, 1, NULL);
            if (status != GPUMM_OK) break;
        }
        hit = purse_failed(&all);
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
        gpumm_frame *f;
        for (;;) {
            CHECK_OK(gpumm_readback_next(w.watch, &f));
            if (!f) break;
            gpumm_frame_release(f);
        }
        for (int i = 0; i < 4; i++) replay_and_take(&w, -1);
        CHECK(graphs_alive() >= USED && graphs_alive() <= SLOTS);
        world_close(&w);
    }
    CHECK(nth > KERNELS);
    printf("recording_cuda: %ld refusals of memory\n", nth - 2);
}

/* The driver takes no compiled kernel here: a primitive is refused, and what is recorded stays right. */
static void primitives_are_refused(void) {
    world w = world_open((gpumm_readback_options){.inline_bytes = 1 << 20});
    gpumm_type *type;
    gpumm_buffer *counts;
    CHECK_OK(gpumm_type_parse("u32", &type));
    CHECK_OK(gpumm_manager_allocate(w.m, &(gpumm_buffer_options){.type = type, .length = 9000, .max_length = 9000},
                                    &counts));
    record(&w, NULL);
    CHECK(gpumm_recording_scan(w.r, GPUMM_TO_END, &(gpumm_scan_options){.from = counts}) != GPUMM_OK);
    CHECK(gpumm_recording_count(w.r) == KERNELS + 1);
    for (int i = 0; i < 3; i++) replay_and_take(&w, -1);
    gpumm_buffer_release(counts);
    gpumm_type_release(type);
    world_close(&w);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *library = getenv("GPUMM_LIBCUDA");
    if (!library) return printf("skipped: GPUMM_LIBCUDA does not name the fake driver\n"), 77;
    unsetenv("GPUMM_NO_VMM");
    find_fake(library);
    costs((gpumm_readback_options){.inline_bytes = 1 << 20}, 8, "in line");
    costs((gpumm_readback_options){.direct = true}, 8, "direct");
    costs((gpumm_readback_options){.inline_bytes = GPUMM_INLINE_NEVER}, 11, "staged");
    values_change();
    operations_change((gpumm_readback_options){.inline_bytes = 1 << 20});
    operations_change((gpumm_readback_options){.inline_bytes = GPUMM_INLINE_NEVER});
    many_slots();
    changes_fail();
    memory_runs_out();
    primitives_are_refused();
    printf("recording_cuda: replays over the fake driver\n");
    return 0;
}
