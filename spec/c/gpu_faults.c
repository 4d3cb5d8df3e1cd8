/* SPDX-License-Identifier: MIT */
/* The failure sweep at the driver table of a real GPU. Every entry that a scenario calls is made to fail at
   its 1st, 2nd, … time, once as an error of the driver and once for lack of memory. Each time: the status is
   the injected one or the failure was absorbed, contents and books are as before, the books say what the
   fault device counted by itself, the same call then works, and nothing is left after close. In place and
   relocating. Tagged gpu: without a device it says so and returns 77. */

#include "device/cuda/driver.h"

static const char *now_scenario = "", *now_mode = "", *now_call = "";
static unsigned long long now_nth;

#define CHECK_CONTEXT() \
    fprintf(stderr, "gpu_faults: scenario '%s', %s, %s number %llu\n", now_scenario, now_mode, now_call, now_nth)
#include "driver_entries.h"
#include "gpu.h"

enum { N = 600000, SCENARIO_NTH = 24, POLL_NTH = 4, CLOSE_NTH = 6, BUFFERS = 3 };

/* ---- A world: a buffer, a group with a readback, a kernel, and what must be in them ------------- */

typedef struct world {
    gpumm_manager *m;
    gpumm_buffer *b[BUFFERS]; /* alone, and the group's members */
    uint32_t factor[BUFFERS]; /* element i of each is i x this, up to the length at the start; zero beyond */
    uint32_t added;           /* to the first's */
    gpumm_group *group;
    gpumm_readback *readback;
    gpumm_kernel *add, *number, *extra;
    gpumm_stream *s;
    gpumm_buffer *made;
    gpumm_ticket ticket;
} world;

static gpumm_manager *manager_open(bool relocate) {
    gpumm_manager *m = gpu_open((gpumm_options){.relocate = relocate});
    CHECK(m != NULL);
    return m;
}

static world world_open(bool relocate) {
    world w = {.m = manager_open(relocate), .factor = {3, 5, 7}};
    w.add = gpu_kernel(w.m, "add");
    w.number = gpu_kernel(w.m, "number");
    w.b[0] = gpu_buffer(w.m, "alone", N, 8 * N);
    w.group = gpu_group(w.m, "pair", N, 8 * N);
    for (size_t i = 1; i < BUFFERS; i++) w.b[i] = gpumm_group_at(w.group, i - 1);
    w.readback = gpu_readback(w.group, 2, false);
    CHECK_OK(gpumm_stream_open(w.m, &w.s));
    for (int i = 0; i < BUFFERS; i++) gpu_number(w.number, NULL, w.b[i], N, w.factor[i]);
    CHECK_OK(gpumm_manager_synchronize(w.m));
    return w;
}

static void world_release(world *w) {
    gpumm_buffer_release(w->made);
    gpumm_buffer_release(w->b[0]);
    gpumm_readback_release(w->readback);
    gpumm_group_release(w->group);
    gpumm_kernel_release(w->extra);
    gpumm_kernel_release(w->add);
    gpumm_kernel_release(w->number);
    gpumm_stream_release(w->s);
}

static void world_close(world *w) {
    world_release(w);
    close_and_check(w->m);
}

static void check_contents(world *w) {
    for (int b = 0; b < BUFFERS; b++) {
        uint64_t length = gpu_info(w->b[b]).length;
        uint32_t *data = gpu_read(w->b[b], NULL, 0, length), more = b == 0 ? w->added : 0;
        for (uint32_t i = 0; i < N; i++) CHECK(data[i] == i * w->factor[b] + more);
        CHECK(gpu_uniform(data + N, length - N, 0));
        free(data);
    }
}

/* ---- Scenarios --------------------------------------------------------------------------------- */

static gpumm_status do_allocate(world *w) { return gpu_make(w->m, "made", 2 * N, 4 * N, NULL, &w->made); }
static void after_allocate(world *w) { gpu_check_uniform(w->made, NULL, 0, 2 * N, 0); }

static gpumm_status do_grow(world *w) { return gpumm_buffer_ensure_capacity(w->b[0], 6 * N); }
static void after_grow(world *w) { CHECK(gpu_info(w->b[0]).capacity == 6 * N); }

static gpumm_status do_resize(world *w) { return gpumm_buffer_resize(w->b[0], w->s, 3 * N); } /* and crosses */
static void after_resize(world *w) { CHECK(gpu_info(w->b[0]).length == 3 * N); }

static gpumm_status do_group_grow(world *w) { return gpumm_group_resize(w->group, NULL, 4 * N); }

static void after_group_grow(world *w) {
    for (size_t i = 1; i < BUFFERS; i++) CHECK(gpu_info(w->b[i]).length == 4 * N);
}

static gpumm_status do_capture(world *w) { return gpumm_readback_capture(w->readback, NULL, 9, &w->ticket); }

static void after_capture(world *w) {
    gpumm_frame *f;
    const void *data;
    CHECK_OK(gpumm_readback_wait(w->readback, w->ticket, 60, &f));
    for (size_t m = 0; m < 2; m++) {
        CHECK_OK(gpumm_frame_data(f, m, &data));
        for (uint32_t i = 0; i < N; i++) CHECK(((const uint32_t *)data)[i] == i * w->factor[m + 1]);
    }
    gpumm_frame_release(f);
}

static gpumm_status do_kernel(world *w) {
    return gpumm_kernel_open(w->m, &(gpumm_kernel_options){.source = gpu_source, .file = "gpu.cu", .name = "gather"},
                             &w->extra);
}

static void after_kernel(world *w) { CHECK(strcmp(gpumm_kernel_name(w->extra), "gather") == 0); }

static gpumm_status do_launch(world *w) {
    uint64_t n = N;
    uint32_t more = 1000;
    return gpumm_kernel_launch(w->add, w->s, 0, (gpumm_argument[]){VALUE(n), BUFFER(w->b[0]), VALUE(more)}, 3);
}

static void after_launch(world *w) { w->added += 1000; }

typedef struct scenario {
    const char *name;
    gpumm_status (*act)(world *w);
    void (*after)(world *w);
    /* Entries whose first failure, by the driver, nothing can absorb. */
    const char *fatal[6], *fatal_relocating[6];
} scenario;

static const scenario scenarios[] = {
    {"allocate",
     do_allocate,
     after_allocate,
     {"cuMemAddressReserve", "cuMemCreate", "cuMemMap", "cuMemSetAccess", "cuMemRelease", "cuMemsetD32Async"},
     {"cuMemsetD32Async"}},
    {"grow",
     do_grow,
     after_grow,
     {"cuMemCreate", "cuMemMap", "cuMemSetAccess", "cuMemRelease"},
     {"cuLaunchKernelEx"}}, /* what moves is copied by a kernel */
    {"resize",
     do_resize,
     after_resize,
     {"cuMemCreate", "cuMemSetAccess", "cuMemsetD32Async", "cuStreamWaitEvent", "cuEventRecord"},
     {"cuLaunchKernelEx", "cuMemsetD32Async", "cuStreamWaitEvent", "cuEventRecord"}},
    {"group grow",
     do_group_grow,
     after_group_grow,
     {"cuMemCreate", "cuMemMap", "cuMemSetAccess", "cuMemsetD32Async"},
     {"cuLaunchKernelEx", "cuMemsetD32Async"}},
    {"capture",
     do_capture,
     after_capture,
     {"cuLaunchKernelEx", "cuMemcpyDtoHAsync", "cuEventRecord", "cuStreamWaitEvent"},
     {"cuLaunchKernelEx", "cuMemcpyDtoHAsync", "cuEventRecord", "cuStreamWaitEvent"}},
    {"kernel",
     do_kernel,
     after_kernel,
     {"cuModuleGetFunction", "cuFuncGetAttribute", "cuOccupancyMaxPotentialBlockSize"},
     {"cuModuleGetFunction", "cuFuncGetAttribute", "cuOccupancyMaxPotentialBlockSize"}},
    {"launch",
     do_launch,
     after_launch,
     {"cuLaunchKernel", "cuEventRecord", "cuStreamWaitEvent"},
     {"cuLaunchKernel", "cuEventRecord", "cuStreamWaitEvent"}},
};

static bool is_fatal(const scenario *s, bool relocate, const char *entry, uint64_t nth) {
    const char *const *all = relocate ? s->fatal_relocating : s->fatal;
    for (int i = 0; i < 6 && all[i]; i++)
        if (nth == 1 && strcmp(all[i], entry) == 0) return true;
    return false;
}

/* ---- One run ----------------------------------------------------------------------------------- */

static unsigned long runs, failures;
static unsigned long reached[DRIVER_COUNT];

static void counts_of(gpumm_manager *m, uint64_t *counts) {
    for (unsigned i = 0; i < DRIVER_COUNT; i++)
        CHECK_OK(gpumm_fault_calls(m, gpumm__driver_entry_name((driver_entry)i), &counts[i]));
}

/* How often the scenario calls each entry, when nothing fails. */
static void rehearse(const scenario *s, bool relocate, uint64_t *counts) {
    uint64_t after[DRIVER_COUNT];
    world w = world_open(relocate);
    counts_of(w.m, counts);
    CHECK_OK(s->act(&w));
    counts_of(w.m, after);
    for (unsigned i = 0; i < DRIVER_COUNT; i++) counts[i] = after[i] - counts[i];
    s->after(&w);
    check_contents(&w);
    world_close(&w);
}

static void check_same(const gpumm_stats *a, const gpumm_stats *b) {
    CHECK(a->used_bytes == b->used_bytes);
    CHECK(a->total_allocated_bytes == b->total_allocated_bytes);
    CHECK(a->buffer_count == b->buffer_count);
    CHECK(a->resize_count == b->resize_count);
    CHECK(a->async_transfer_count == b->async_transfer_count);
    for (int c = GPUMM_CATEGORY_BUFFERS; c <= GPUMM_CATEGORY_PINNED; c++)
        CHECK(a->entry[c].now_bytes == b->entry[c].now_bytes);
}

static void run_one(const scenario *s, bool relocate, driver_entry entry, uint64_t nth, gpumm_status with) {
    world w = world_open(relocate);
    gpumm_stats before, after;
    uint64_t called, now;
    gpumm_manager_get_stats(w.m, &before);
    CHECK_OK(gpumm_fault_calls(w.m, now_call, &called));
    CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = now_call, .nth = nth, .status = with}));
    gpumm_status status = s->act(&w);
    if (status != GPUMM_OK) CHECK_STATUS(status, with);
    if (status != GPUMM_OK) CHECK_SAYS("on purpose");
    if (with == GPUMM_DRIVER && is_fatal(s, relocate, now_call, nth)) CHECK_STATUS(status, with);
    CHECK_OK(gpumm_fault_plan(w.m, NULL));
    CHECK_OK(gpumm_fault_calls(w.m, now_call, &now));
    runs++;
    failures += now - called >= nth;
    reached[entry] += now - called >= nth;
    if (status != GPUMM_OK) {
        gpumm_manager_get_stats(w.m, &after);
        check_same(&before, &after);
        check_contents(&w);
        check_books(w.m, NULL);
        CHECK_OK(s->act(&w));
    }
    s->after(&w);
    check_contents(&w);
    check_books(w.m, NULL);
    world_close(&w);
}

/* Others than the scenario call these too, at any time: the worker looks for what is through. */
static uint64_t most_of(const char *entry) { return strstr(entry, "Query") ? POLL_NTH : SCENARIO_NTH; }

/* An entry that is never called would never fail, and prove nothing. */
static void check_fatal(const scenario *s, bool relocate, const uint64_t *counts) {
    const char *const *all = relocate ? s->fatal_relocating : s->fatal;
    for (int i = 0; i < 6 && all[i]; i++) {
        now_call = all[i];
        CHECK(counts[gpumm__driver_entry_named(all[i])] > 0);
    }
}

static void sweep(const scenario *s, bool relocate) {
    uint64_t counts[DRIVER_COUNT];
    now_scenario = s->name;
    now_call = "nothing";
    rehearse(s, relocate, counts);
    check_fatal(s, relocate, counts);
    for (unsigned i = 0; i < DRIVER_COUNT; i++) {
        now_call = gpumm__driver_entry_name((driver_entry)i);
        for (now_nth = 1; now_nth <= counts[i] && now_nth <= most_of(now_call); now_nth++) {
            run_one(s, relocate, (driver_entry)i, now_nth, GPUMM_DRIVER);
            run_one(s, relocate, (driver_entry)i, now_nth, GPUMM_OUT_OF_MEMORY);
        }
    }
}

/* ---- Opening and closing ----------------------------------------------------------------------- */

static bool open_failing(bool relocate, uint64_t nth) {
    gpumm_manager *m = NULL;
    gpumm_options o = {.device = GPU_DEVICE,
                       .inject_faults = true,
                       .relocate = relocate,
                       .fault = {.call = now_call, .nth = nth, .status = GPUMM_DRIVER}};
    gpumm_status status = gpumm_manager_open(&o, &m);
    runs++;
    if (status == GPUMM_OK) {
        CHECK_OK(gpumm_fault_plan(m, NULL));
        close_and_check(m);
        return false;
    }
    CHECK_STATUS(status, GPUMM_DRIVER);
    CHECK_SAYS("on purpose");
    CHECK(m == NULL);
    failures++;
    return true;
}

/* With a capture and a launch under way. Whatever fails, everything goes. */
static void close_failing(bool relocate, uint64_t nth) {
    world w = world_open(relocate);
    CHECK_OK(do_launch(&w));
    CHECK_OK(do_capture(&w));
    CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = now_call, .nth = nth, .status = GPUMM_DRIVER}));
    gpumm_manager_close(w.m);
    runs++;
    world_close(&w);
}

static void sweep_life(bool relocate) {
    for (unsigned i = 0; i < DRIVER_COUNT; i++) {
        now_call = gpumm__driver_entry_name((driver_entry)i);
        now_scenario = "open";
        for (now_nth = 1; now_nth <= SCENARIO_NTH && open_failing(relocate, now_nth); now_nth++) {}
        now_scenario = "close";
        for (now_nth = 1; now_nth <= CLOSE_NTH; now_nth++) close_failing(relocate, now_nth);
    }
}

/* ---- What the driver itself says ---------------------------------------------------------------- */

static size_t free_bytes(void) {
    CUresult(CUDAAPI * ask)(size_t * now, size_t * all);
    CUdevice device;
    CUcontext context, popped;
    size_t now = 0, all = 0;
    library_entry(gpumm__driver.library, "cuMemGetInfo_v2", &ask);
    CHECK(gpumm__driver.cuDeviceGet(&device, 0) == CUDA_SUCCESS);
    CHECK(gpumm__driver.cuDevicePrimaryCtxRetain(&context, device) == CUDA_SUCCESS);
    CHECK(gpumm__driver.cuCtxPushCurrent(context) == CUDA_SUCCESS);
    CHECK(ask(&now, &all) == CUDA_SUCCESS);
    CHECK(gpumm__driver.cuCtxPopCurrent(&popped) == CUDA_SUCCESS);
    CHECK(gpumm__driver.cuDevicePrimaryCtxRelease(device) == CUDA_SUCCESS);
    return now;
}

/* These are what the scenarios are there for. */
static void check_reached(void) {
    static const char *const wanted[] = {"cuCtxPushCurrent",
                                         "cuCtxPopCurrent",
                                         "cuThreadExchangeStreamCaptureMode",
                                         "cuMemAddressReserve",
                                         "cuMemCreate",
                                         "cuMemMap",
                                         "cuMemSetAccess",
                                         "cuMemRelease",
                                         "cuMemcpyDtoHAsync",
                                         "cuLaunchKernelEx",
                                         "cuMemsetD32Async",
                                         "cuStreamWaitEvent",
                                         "cuEventRecord",
                                         "cuModuleLoadDataEx",
                                         "cuModuleGetFunction",
                                         "cuFuncGetAttribute",
                                         "cuOccupancyMaxPotentialBlockSize",
                                         "cuLaunchKernel"};
    printf("    reached:");
    for (unsigned i = 0; i < DRIVER_COUNT; i++)
        if (reached[i]) printf(" %s %lu", gpumm__driver_entry_name((driver_entry)i), reached[i]);
    printf("\n");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        now_call = wanted[i];
        CHECK(reached[gpumm__driver_entry_named(wanted[i])] > 0);
    }
}

int main(void) {
    static const char *const modes[] = {"in place", "relocating"};
    setvbuf(stdout, NULL, _IOLBF, 0);
    gpumm_manager *base = gpu_open((gpumm_options){0});
    if (!base) return GPU_SKIP;
    size_t before = free_bytes();
    double start = seconds_now();
    for (int relocate = 0; relocate < 2; relocate++) {
        now_mode = modes[relocate];
        for (size_t s = 0; s < sizeof scenarios / sizeof *scenarios; s++) sweep(&scenarios[s], relocate);
        sweep_life(relocate);
    }
    size_t after = free_bytes();
    printf("gpu_faults: %lu runs, %lu failures injected, %.1f s; free memory %zu MiB before, %zu MiB after\n", runs,
           failures, seconds_now() - start, before >> 20, after >> 20);
    check_reached();
    CHECK(after + (64u << 20) > before);
    close_and_check(base);
    return 0;
}
