/* SPDX-License-Identifier: MIT */
/* Frames over the fake driver (GPUMM_LIBCUDA names it): how many calls of the driver a step takes that launches, captures and
   waits, in a thread that works in the device's context already. There copies are through at once, kernels do nothing. */
#include "driver_entries.h"
#include "fake_cuda.h"
#include "fake_kernel.h"

enum { NODES = 1000, SLOTS = 3, STEPS = 20 };

static __typeof__(&fake_calls) all_calls;

typedef struct world {
    gpumm_manager *m;
    gpumm_buffer *nodes;
    gpumm_kernel *k;
    gpumm_readback *watch;
} world;

static void enter_fake(const char *path) {
    void *library = library_open(path);
    __typeof__(&fake_context) its_context;
    int (*push_current)(void *context);
    library_entry(library, "fake_calls", &all_calls);
    library_entry(library, "fake_context", &its_context);
    library_entry(library, "cuCtxPushCurrent_v2", &push_current);
    CHECK(push_current(its_context()) == 0);
}

static world world_open(gpumm_readback_options o) {
    world w = {.m = NULL};
    gpumm_type *type;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "cuda", .inject_faults = true}, &w.m));
    CHECK_OK(gpumm_type_parse("f32x3", &type));
    CHECK_OK(gpumm_manager_allocate(w.m, &(gpumm_buffer_options){.type = type, .length = NODES, .max_length = NODES},
                                    &w.nodes));
    o.buffers = &w.nodes, o.buffer_count = 1, o.slots = SLOTS;
    CHECK_OK(gpumm_readback_open(&o, &w.watch));
    w.k = open_fake_kernel(w.m, 128);
    gpumm_type_release(type);
    return w;
}

static void world_close(world *w) {
    gpumm_readback_release(w->watch);
    gpumm_kernel_release(w->k);
    gpumm_buffer_release(w->nodes);
    CHECK_OK(gpumm_manager_check(w->m));
    gpumm_manager_release(w->m);
}

static gpumm_ticket launch_and_capture(world *w, int64_t step) {
    int n = NODES;
    gpumm_ticket ticket;
    gpumm_argument a[] = {{.buffer = w->nodes}, {.value = &n, .size = sizeof n}};
    CHECK_OK(gpumm_kernel_launch(w->k, NULL, 0, a, 2));
    CHECK_OK(gpumm_readback_capture(w->watch, NULL, step, &ticket));
    return ticket;
}

static void take(world *w, gpumm_ticket ticket, int64_t step) {
    gpumm_frame *f;
    gpumm_frame_info info;
    CHECK_OK(gpumm_readback_wait(w->watch, ticket, 60, &f));
    CHECK_OK(gpumm_frame_get_info(f, &info));
    CHECK(info.step == step && info.length == NODES && info.dropped == 0);
    gpumm_frame_close(f);
    gpumm_frame_release(f);
}

/* A launch, the calls of a capture together, and a wait each look once whose context is current; a query says in two more calls
   that it breaks no capture. */
static void costs(gpumm_readback_options o, unsigned long calls, const char *what) {
    world w = world_open(o);
    take(&w, launch_and_capture(&w, 0), 0);
    for (int64_t step = 1; step <= STEPS; step++) {
        unsigned long before = all_calls();
        take(&w, launch_and_capture(&w, step), step);
        unsigned long now = all_calls() - before;
        if (now != calls) printf("readback_cuda: %s: %lu calls of the driver, not %lu\n", what, now, calls);
        CHECK(now == calls);
    }
    world_close(&w);
}

static uint64_t queries(const world *w) {
    uint64_t calls;
    CHECK_OK(gpumm_fault_calls(w->m, "cuEventQuery", &calls));
    return calls;
}

/* Those behind it have come too, and nobody asked for them. */
static void asks_for_one(gpumm_readback_options o) {
    world w = world_open(o);
    gpumm_ticket ticket[SLOTS];
    for (int64_t round = 0; round < STEPS; round++) {
        for (int i = 0; i < SLOTS; i++) ticket[i] = launch_and_capture(&w, i);
        for (int i = 0; i < SLOTS; i++) {
            uint64_t before = queries(&w);
            take(&w, ticket[i], i);
            CHECK(queries(&w) == before + 1);
        }
    }
    world_close(&w);
}

int main(void) {
    const char *library = getenv("GPUMM_LIBCUDA");
    if (!library) return printf("skipped: GPUMM_LIBCUDA does not name the fake driver\n"), 77;
    enter_fake(library);
    costs((gpumm_readback_options){.inline_bytes = 1 << 20}, 9, "in line");
    costs((gpumm_readback_options){.inline_bytes = GPUMM_INLINE_NEVER}, 12, "staged");
    asks_for_one((gpumm_readback_options){.inline_bytes = 1 << 20});
    asks_for_one((gpumm_readback_options){.inline_bytes = GPUMM_INLINE_NEVER});
    asks_for_one((gpumm_readback_options){.direct = true});
    printf("readback_cuda: frames over the fake driver\n");
    return 0;
}
