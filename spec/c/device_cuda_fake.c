/* SPDX-License-Identifier: MIT */
/*
 * The CUDA device over the fake driver (GPUMM_LIBCUDA names it): every driver entry is made to fail in
 * turn, and nothing may stay behind; reasons for NO_DEVICE; captures; loss; fork.
 */
#include "cuda_border.h"
#include "cuda_walk.h"
#include "device/cuda/image.h"
#include "device/cuda/rtc.h"
#include "kernel/build.h"
#include "driver_entries.h"
#include "fake_cuda.h"

/* ---- The fake's controls ---- */

static struct {
    __typeof__(&fake_fail) fail;
    __typeof__(&fake_fired) fired;
    __typeof__(&fake_calls) calls;
    __typeof__(&fake_capture) capture;
    __typeof__(&fake_capture_elsewhere) capture_elsewhere;
    __typeof__(&fake_context) context;
    __typeof__(&fake_other_context) other_context;
    __typeof__(&fake_live) live;
} fake;

static void find_fake(const char *path) {
    void *library = library_open(path);
#define CONTROL(name) library_entry(library, "fake_" #name, &fake.name)
    CONTROL(fail);
    CONTROL(fired);
    CONTROL(calls);
    CONTROL(capture);
    CONTROL(capture_elsewhere);
    CONTROL(context);
    CONTROL(other_context);
    CONTROL(live);
#undef CONTROL
}

static bool nothing_lives(void) {
    fake_counts now;
    fake.live(&now);
    const long counts[] = {now.contexts, now.pushed,  now.relaxed, now.ranges,  now.handles, now.segments,
                           now.blocks,   now.streams, now.events,  now.modules, now.graphs};
    bool none = true;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) none &= counts[i] == 0;
    if (!none)
        fprintf(stderr,
                "    contexts %ld, pushed %ld, relaxed %ld, ranges %ld, handles %ld, segments %ld, blocks %ld, "
                "streams %ld, events %ld, modules %ld, graphs %ld\n",
                now.contexts, now.pushed, now.relaxed, now.ranges, now.handles, now.segments, now.blocks, now.streams,
                now.events, now.modules, now.graphs);
    return none;
}

static long broken_captures(void) {
    fake_counts now;
    fake.live(&now);
    return now.broken_captures;
}

/* ---- Failures of the driver, one after another ---- */

/* A walk with a failure in the fake; true once the failure was not reached any more. */
static bool walk_failing(const char *symbol, unsigned long nth, const gpumm_options *options, const char *path) {
    walk w = {.path = path};
    fake.fail(symbol, nth, CUDA_ERROR_OUT_OF_MEMORY);
    gpumm_status status = gpumm__cuda_open(options, &gpumm__alloc_default, &w.d);
    if (status == GPUMM_OK) {
        status = walk_through(&w);
        walk_back(&w);
    }
    bool fired = fake.fired();
    fake.fail("", 0, 0);
    if (!fired) check(status == GPUMM_OK, __LINE__, symbol);
    bool context = options->context && status == GPUMM_INVALID_ARGUMENT;
    if (status != GPUMM_OK && status != GPUMM_OUT_OF_MEMORY && status != GPUMM_NO_DEVICE && !context)
        check(false, __LINE__, gpumm_status_name(status));
    if (!nothing_lives()) check(false, __LINE__, symbol);
    return !fired;
}

static void sweep(const gpumm_options *options, const char *path) {
    static const char *const symbols[] = {
#define SYMBOL(name, version, symbol, need) symbol,
        CUDA_DRIVER_MAP(SYMBOL)
#undef SYMBOL
    };
    for (size_t i = 0; i < DRIVER_COUNT; i++)
        for (unsigned long nth = 1; !walk_failing(symbols[i], nth, options, path); nth++) {}
}

/* The same through the table's own plan, by the entries' names. */
static bool walk_planned(const char *entry, uint64_t nth, const char *path) {
    gpumm_options options = {.device = "cuda", .inject_faults = true};
    gpumm_fault plan = {.call = entry, .nth = nth, .status = GPUMM_DRIVER};
    walk w = {.path = path};
    uint64_t before = 0, after = 0;
    CHECK(gpumm__cuda_open(&options, &gpumm__alloc_default, &w.d) == GPUMM_OK);
    CHECK(gpumm__cuda_fault(w.d, &plan) == GPUMM_OK);
    CHECK(gpumm__cuda_fault_calls(w.d, entry, &before) == GPUMM_OK);
    gpumm_status status = walk_through(&w);
    if (status != GPUMM_OK) SAYS("on purpose");
    CHECK(gpumm__cuda_fault_calls(w.d, entry, &after) == GPUMM_OK);
    walk_back(&w);
    if (!nothing_lives()) check(false, __LINE__, entry);
    return after - before < nth;
}

static void sweep_planned(const char *path) {
    for (unsigned i = 0; i < DRIVER_COUNT; i++)
        for (uint64_t nth = 1; !walk_planned(gpumm__driver_entry_name((driver_entry)i), nth, path); nth++) {}
}

/* Host memory that runs out. */
typedef struct scarce {
    uint64_t left;
    long alive;
} scarce;

static void *scarce_reallocate(void *user, void *block, size_t size) {
    scarce *s = user;
    if (size == 0) return s->alive--, free(block), NULL;
    if (s->left == 0 || --s->left == 0) return NULL;
    void *grown = realloc(block, size);
    s->alive += grown && !block;
    return grown;
}

static void sweep_host_memory(const char *path) {
    gpumm_options options = {.device = "cuda"};
    gpumm_status status = GPUMM_OUT_OF_MEMORY;
    for (uint64_t left = 1; status != GPUMM_OK && left < 1000; left++) {
        scarce s = {.left = left};
        gpumm_allocator memory = {.reallocate = scarce_reallocate, .user = &s};
        walk w = {.path = path};
        status = gpumm__cuda_open(&options, &memory, &w.d);
        if (status == GPUMM_OK) {
            status = walk_through(&w);
            walk_back(&w);
        }
        CHECK(status == GPUMM_OK || status == GPUMM_OUT_OF_MEMORY);
        CHECK(s.alive == 0 && nothing_lives());
    }
    CHECK(status == GPUMM_OK);
}

static void test_plan_names(void) {
    device *d = NULL;
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    CHECK(gpumm__cuda_fault(d, &(gpumm_fault){.call = "cuMemSetaccess", .nth = 1}) == GPUMM_INVALID_ARGUMENT);
    SAYS("cuMemSetaccess");
    CHECK(gpumm__cuda_fault(d, &(gpumm_fault){.call = "commit", .nth = 1}) == GPUMM_OK);
    CHECK(gpumm__cuda_fault(d, NULL) == GPUMM_OK);
    d->call->close(d);
}

/* ---- What open says ---- */

static void test_open(void) {
    device *d = NULL;
    CHECK(open_named("cuda:1", &d) == GPUMM_OK);
    CHECK(strcmp(d->info.name, "Fake 1") == 0 && d->info.in_place && d->info.pinned_in_place);
    CHECK(d->info.granularity_bytes == 2 << 20 && d->info.compute_major == 9 && d->info.driver_version == 13000);
    char name[64];
    snprintf(name, sizeof name, "cuda:%s", d->info.uuid);
    CHECK(strcmp(d->info.uuid, "GPU-abababab-abab-abab-abab-ababababab01") == 0);
    d->call->close(d);
    CHECK(open_named(name, &d) == GPUMM_OK && strcmp(d->info.name, "Fake 1") == 0);
    d->call->close(d);
    CHECK(open_named("cuda:2", &d) == GPUMM_NO_DEVICE);
    SAYS("cuda:0 Fake 0 (GPU-");
    CHECK(open_named("cuda:GPU-1234", &d) == GPUMM_NO_DEVICE);
    CHECK(open_named("cuda:x", &d) == GPUMM_INVALID_ARGUMENT);
    gpumm_options given = {.device = "cuda:1", .context = fake.context()};
    CHECK(gpumm__cuda_open(&given, &gpumm__alloc_default, &d) == GPUMM_INVALID_ARGUMENT);
    given.context = &given;
    given.device = "cuda";
    CHECK(gpumm__cuda_open(&given, &gpumm__alloc_default, &d) == GPUMM_INVALID_ARGUMENT);
    CHECK(nothing_lives());
}

static void test_relocate(void) {
    device *d = NULL;
    gpumm_options options = {.device = "cuda", .relocate = true};
    CHECK(gpumm__cuda_open(&options, &gpumm__alloc_default, &d) == GPUMM_OK);
    CHECK(!d->info.in_place && !d->info.pinned_in_place && strstr(d->info.why, "so asked"));
    d->call->close(d);
    fake.fail("cuMemSetAccess", 1, CUDA_ERROR_NOT_SUPPORTED);
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    CHECK(!d->info.in_place && d->info.pinned_in_place && strstr(d->info.why, "cuMemSetAccess"));
    d->call->close(d);
    CHECK(nothing_lives());
}

/* The pool, which takes tens of MB at a time, has no room: memory in place is told of all the same, and can be spilled. */
static void test_nearly_full(void) {
    device *d = NULL;
    fake.fail("cuMemAllocAsync", 1, CUDA_ERROR_OUT_OF_MEMORY);
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    CHECK(d->info.in_place && d->info.pinned_in_place && d->info.why[0] == '\0');
    fake.fail("", 0, CUDA_SUCCESS);
    d->call->close(d);
    CHECK(nothing_lives());
}

static int no_library(void) {
    device *d = NULL;
    setenv("GPUMM_LIBCUDA", "/nowhere/libcuda.so.1", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("no NVIDIA driver");
    return failures != 0;
}

enum { STARTERS = 8 };

static void *start(void *barrier) {
    pthread_barrier_wait(barrier);
    return gpumm__driver_start() == GPUMM_OK ? barrier : NULL;
}

/* Of threads that open their first device at once, one starts the driver. */
static int start_together(void) {
    pthread_t threads[STARTERS];
    pthread_barrier_t barrier;
    void *started;
    pthread_barrier_init(&barrier, NULL, STARTERS);
    fake.fail("cuInit", 2, CUDA_ERROR_OUT_OF_MEMORY);
    for (int i = 0; i < STARTERS; i++) CHECK(pthread_create(&threads[i], NULL, start, &barrier) == 0);
    for (int i = 0; i < STARTERS; i++) CHECK(pthread_join(threads[i], &started) == 0 && started);
    CHECK(!fake.fired());
    pthread_barrier_destroy(&barrier);
    return failures != 0;
}

static int no_driver(void) {
    device *d = NULL;
    setenv("GPUMM_LIBCUDA", "libm.so.6", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("libm.so.6 is no NVIDIA driver");
    return failures != 0;
}

static int stub_driver(void) {
    device *d = NULL;
    setenv("FAKE_CUDA_STUB", "1", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("is the CUDA Toolkit's stub");
    SAYS("LD_LIBRARY_PATH");
    return failures != 0;
}

static int old_driver(void) {
    device *d = NULL;
    setenv("FAKE_CUDA_VERSION", "11040", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("11.4");
    SAYS("12.0");
    return failures != 0;
}

static int init_fails(void) {
    device *d = NULL;
    setenv("FAKE_CUDA_INIT", "100", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("cuInit");
    unsetenv("FAKE_CUDA_INIT");
    setenv("FAKE_CUDA_DEVICES", "0", 1);
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("no device");
    return failures != 0;
}

/* ---- Captures ---- */

static void test_captures(const char *path) {
    walk w = {.path = path};
    bool idle;
    CHECK(open_named("cuda", &w.d) == GPUMM_OK);
    fake.capture_elsewhere(true);
    CHECK(walk_through(&w) == GPUMM_OK);
    const device_table *call = w.d->call;
    fake.capture(call->native_stream(w.stream), true);
    gpumm_address here = w.block[PLACE_DEVICE];
    CHECK(call->copy(w.d, w.stream, COPY_D2D, here + 64, here, 4) == GPUMM_BUSY);
    CHECK(call->fill(w.d, w.stream, here, 0, 1, 4) == GPUMM_BUSY);
    CHECK(call->event_record(w.d, w.event[0], w.stream) == GPUMM_BUSY);
    CHECK(call->stream_wait(w.d, w.stream, w.event[0]) == GPUMM_BUSY);
    CHECK(call->stream_query(w.d, w.stream, &idle) == GPUMM_BUSY);
    CHECK(call->stream_synchronize(w.d, w.stream) == GPUMM_BUSY);
    SAYS("capturing");
    device_module *first = w.module;
    CHECK(walk_kernel(&w) == GPUMM_OK); /* launches are what a graph is for */
    call->module_close(w.d, first);
    walk_back(&w);
    fake.capture_elsewhere(false);
    CHECK(broken_captures() == 0);
    CHECK(nothing_lives());
}

/* ---- The context ---- */

/* In a thread that works in the context already nothing is pushed and nothing popped. */
static void test_own_context(const char *path) {
    static const char *const unused[] = {"cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2"};
    CUcontext ours = fake.context(), now = NULL;
    CHECK(gpumm__driver.cuCtxPushCurrent(ours) == CUDA_SUCCESS);
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        walk w = {.path = path};
        fake.fail(unused[i], 1, CUDA_ERROR_OUT_OF_MEMORY);
        CHECK(open_named("cuda", &w.d) == GPUMM_OK && walk_through(&w) == GPUMM_OK);
        walk_back(&w);
        check(!fake.fired(), __LINE__, unused[i]);
    }
    fake.fail("", 0, 0);
    CHECK(gpumm__driver.cuCtxGetCurrent(&now) == CUDA_SUCCESS && now == ours);
    CHECK(gpumm__driver.cuCtxPopCurrent(&now) == CUDA_SUCCESS && now == ours);
    CHECK(nothing_lives());
}

static const char *kernel_path;

/* True once the loss was not reached any more. */
static bool lose_at(unsigned long nth) {
    gpumm_options options = {.device = "cuda", .context = fake.context()};
    walk w = {.path = kernel_path};
    fake_counts now;
    fake.fail("", nth, CUDA_ERROR_ILLEGAL_ADDRESS);
    if (gpumm__cuda_open(&options, &gpumm__alloc_default, &w.d) == GPUMM_OK) {
        (void)walk_through(&w);
        walk_back(&w);
    }
    bool fired = fake.fired();
    fake.fail("", 0, 0);
    fake.live(&now);
    CHECK(now.pushed == 0 && now.relaxed == 0);
    return !fired;
}

static void check_current(CUcontext wanted) {
    CUcontext now = NULL;
    CHECK(gpumm__driver.cuCtxGetCurrent(&now) == CUDA_SUCCESS && now == wanted);
}

static void work_elsewhere(void) {
    CHECK(gpumm__driver_start() == GPUMM_OK && gpumm__driver.cuCtxPushCurrent(fake.other_context()) == CUDA_SUCCESS);
}

static int lost_anywhere(void) {
    unsigned long nth = 1;
    work_elsewhere();
    while (!lose_at(nth)) nth++;
    CHECK(nth > 100);
    check_current(fake.other_context());
    return failures != 0;
}

/* In a thread that works in another context that one is current again behind every call, whatever failed and even
   where the device was lost, and the thread's capture mode is its own. */
static void test_other_context(const char *path) {
    gpumm_options options = {.device = "cuda"};
    CUcontext now = NULL;
    work_elsewhere();
    sweep(&options, path);
    check_current(fake.other_context());
    CHECK(gpumm__driver.cuCtxPopCurrent(&now) == CUDA_SUCCESS);
    check_current(NULL);
}

/* What is wrong with the context that a thread works in says nothing about ours. */
static int unknown_context(void) {
    walk w = {.path = kernel_path};
    CHECK(open_named("cuda", &w.d) == GPUMM_OK && walk_through(&w) == GPUMM_OK);
    fake.fail("cuCtxGetCurrent", 1, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    CHECK(w.d->call->stream_synchronize(w.d, w.stream) == GPUMM_OK && fake.fired());
    CHECK(!gpumm__cuda_gone(cuda_of(w.d)));
    walk_back(&w);
    CHECK(nothing_lives());
    return failures != 0;
}

/* ---- Launches ---- */

static void test_launch(const char *path) {
    walk w = {.path = path};
    device_function *f = NULL;
    fake_counts now;
    CHECK(open_named("cuda", &w.d) == GPUMM_OK);
    CHECK(walk_through(&w) == GPUMM_OK);
    const device_table *call = w.d->call;
    CHECK(call->function(w.d, w.module, "none", &f) == GPUMM_NOT_FOUND);
    CHECK(call->function(w.d, w.module, "k", &f) == GPUMM_OK);
    gpumm_address pointer = 0;
    int n = 0;
    void *arguments[] = {&pointer, &n};
    size_t sizes[] = {8, 4};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 2, .threads = 769};
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_OK);
    fake.live(&now);
    CHECK(now.grid == 13 && now.block == 64); /* few threads: every multiprocessor gets some */
    launch.threads = 1 << 20;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_OK);
    fake.live(&now);
    CHECK(now.grid == 4096 && now.block == 256);
    launch.count = 1;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_INVALID_ARGUMENT);
    launch.count = 2;
    sizes[1] = 8;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_INVALID_ARGUMENT);
    sizes[1] = 4;
    launch.block[0] = 2048;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_INVALID_ARGUMENT);
    launch.block[0] = 1;
    launch.threads = (uint64_t)1 << 31;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_INVALID_ARGUMENT);
    launch.threads = 1;
    launch.shared_bytes = 1 << 20;
    CHECK(call->launch(w.d, w.stream, f, &launch) == GPUMM_INVALID_ARGUMENT);
    SAYS("232448");
    walk_back(&w);
    device_module *m = NULL;
    CHECK(open_named("cuda", &w.d) == GPUMM_OK);
    CHECK(w.d->call->module_open(w.d, "/nowhere/x.cubin", &m) == GPUMM_IO);
    CHECK(w.d->call->module_open(w.d, "/proc/self/comm", &m) != GPUMM_OK);
    w.d->call->close(w.d);
    CHECK(nothing_lives());
}

/* ---- Files of modules ---- */

static gpumm_status open_image(device *d, const void *image, size_t bytes) {
    char path[] = "/tmp/gpumm-image-XXXXXX";
    device_module *m = NULL;
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, image, bytes) == (ssize_t)bytes && close(file) == 0);
    gpumm_status status = d->call->module_open(d, path, &m);
    if (status == GPUMM_OK) d->call->module_close(d, m);
    unlink(path);
    return status;
}

/* The driver is not told where an image ends: what says that it goes on behind its file never gets there. */
static void check_cut(device *d, const char *image, size_t bytes) {
    CHECK(open_image(d, image, bytes) == GPUMM_COMPILE_FAILED); /* the fake runs none */
    SAYS("the fake's log");
    for (size_t cut = 1; cut < bytes - 8; cut = cut * 3 / 2 + 1) {
        CHECK(open_image(d, image, bytes - cut) == GPUMM_IO);
        SAYS("cut short");
    }
}

static void test_images(void) {
    static const char fatbin[16 + 48] = "\x50\xed\x55\xba\1\0\x10\0\x30";
    static const char elf[64 + 128] = "\177ELF\2\1\1", odd[64] = "\177ELF\1\1\1";
    char cubin[sizeof elf];
    device *d = NULL;
    device_module *m = NULL;
    memcpy(cubin, elf, sizeof elf);
    cubin[40] = 64; /* the sections' headers, */
    cubin[58] = 64, cubin[60] = 2;
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    check_cut(d, fatbin, sizeof fatbin);
    check_cut(d, cubin, sizeof cubin);
    cubin[32] = (char)(64 + 16); /* and those of its segments */
    cubin[54] = 56, cubin[56] = 2;
    check_cut(d, cubin, sizeof cubin);
    memset(cubin + 40, 0xff, 8);
    CHECK(open_image(d, cubin, sizeof cubin) == GPUMM_IO);
    CHECK(open_image(d, odd, sizeof odd) == GPUMM_COMPILE_FAILED);
    CHECK(open_image(d, "fake\0", 5) == GPUMM_OK); /* as who writes out NVRTC's PTX with its end mark has it */
    CHECK(open_image(d, "\xb1\x43\x62\x46\1\0\0\0\x77\x77\x77", 11) == GPUMM_IO); /* has pointers */
    SAYS("is no .cubin, .fatbin or .ptx");
    CHECK(open_image(d, "", 0) == GPUMM_IO);
    SAYS("is empty");
    CHECK(d->call->module_open(d, "/tmp", &m) == GPUMM_IO);
    SAYS("/tmp");
    d->call->close(d);
    CHECK(nothing_lives());
}

/* ---- Compiling: where NVRTC is installed it needs no device ---- */

static gpumm_status compile(device *d, const char *text, const char *flags, const char *out) {
    device_source source = {.text = text,
                            .prelude = "typedef struct pair { uint32_t a; float b; } pair;\n",
                            .file = "some \"odd\"\ndir/k.cu",
                            .flags = flags};
    return d->call->compile(d, &source, out);
}

static void test_compiled(device *d, const char *out) {
    char magic[4] = "";
    CHECK(compile(d,
                  "#include <stdint.h>\n#include <math.h>\nextern \"C\" __global__ void k(pair *p, int64_t n) {\n"
                  "  p[n].b = n < INT_MAX ? N : -INFINITY;\n}\n",
                  "-DN=3 --use_fast_math", out) == GPUMM_OK);
    FILE *file = fopen(out, "rb");
    CHECK(file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "\177ELF", 4) == 0);
    if (file) fclose(file);
    CHECK(compile(d,
                  "#include <cstdint>\n#include <cstddef>\n#include <cmath>\n#include <string.h>\n#include <cassert>\n"
                  "extern \"C\" __global__ void k(float *p, std::uint32_t n, std::size_t m) {\n"
                  "  assert(n < m); p[0] = std::sqrt(p[1]) + (std::isnan(p[2]) ? 1 : 2); }\n",
                  "", out) == GPUMM_OK);
    CHECK(compile(d, "extern \"C\" __global__ void k(float *p) {\n  helper(p);\n}\n", "", out) == GPUMM_COMPILE_FAILED);
    SAYS("some 'odd' dir/k.cu(2): error");
    if (gpumm__rtc.include[0]) {
        CHECK(
            compile(
                d,
                "#include <cooperative_groups.h>\n#include <cuda/std/cstdint>\nextern \"C\" __global__ void k(uint64_t *p) {\n"
                "  p[cooperative_groups::this_grid().thread_rank()] = cuda::std::uint64_t(UINT64_MAX); }\n",
                "", out) == GPUMM_OK);
        CHECK(compile(d, "extern \"C\" __global__ void k(__half *p) { *p = __half(1.0f); }", "", out) == GPUMM_OK);
    }
    CHECK(compile(d, "extern \"C\" __global__ void k(uint64_t *p) { atomicAdd(p, UINT64_MAX); }", "", out) == GPUMM_OK);
    CHECK(compile(d,
                  "#include <assert.h>\n#include <cstdio>\n#include <stdlib.h>\n#include <cstring>\n"
                  "extern \"C\" __global__ void k(int *p) {\n  assert(p);\n  memset(p, 1, sizeof *p);\n"
                  "  printf(\"%d\", *p);\n  free(malloc(abs(*p)));\n}\n",
                  "", out) == GPUMM_OK);
    CHECK(compile(d, "extern \"C\" __global__ void k() {}\n", "-dlto", out) == GPUMM_COMPILE_FAILED);
    SAYS("no sm_90 binary");
    SAYS("-dlto");
    CHECK(compile(d, "extern \"C\" __global__ void k() {}\n", "--no-such-flag", out) == GPUMM_COMPILE_FAILED);
    SAYS("no-such-flag");
    CHECK(compile(d, "extern \"C\" __global__ void k() {}\n", "", "/nowhere/k.cubin") == GPUMM_IO);
    CHECK(access(out, F_OK) == 0);
}

static bool file_has(const char *path, const char *words) {
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file)) found = strstr(line, words) != NULL;
    if (file) fclose(file);
    return found;
}

/* NVRTC looks for <> beside the source too, and tells which files it read; kernels keep their word. */
static void test_preprocessed(device *d) {
    char folder[] = "/tmp/gpumm-beside-XXXXXX", path[64], file[64], text[128], read[128];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/by.h", folder);
    snprintf(file, sizeof file, "%s/k.cu", folder);
    snprintf(text, sizeof text, "%s/" DEVICE_PREPROCESSED, folder);
    snprintf(read, sizeof read, "%s/" DEVICE_READ, folder);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs("#define BY float *by\n", f) >= 0 && fclose(f) == 0);
    device_source source = {.text = "#include <by.h>\n#if __CUDA_ARCH__ >= 200 && __has_include(<by.h>)\n"
                                    "extern \"C\" __global__ void k(BY) {}\n#endif\n",
                            .file = file,
                            .folder = folder};
    CHECK(d->call->preprocess(d, &source) == GPUMM_OK);
    CHECK(file_has(text, "extern \"C\" __global__ void k(float *by) {}") && file_has(read, path));
    unlink(text), unlink(read);
    source.text = "#include <nowhere.h>\n";
    CHECK(d->call->preprocess(d, &source) == GPUMM_COMPILE_FAILED);
    SAYS("nowhere.h");
    unlink(text), unlink(read), unlink(path);
    CHECK(rmdir(folder) == 0);
}

/* What the compiler says of parameters, in each standard, from a cubin and from PTX. */
static void check_described(device *d, const char *flags) {
    static const char source[] =
        "struct mine { char c; double d; };\nenum colour : unsigned short { red };\n"
        "namespace in { extern \"C\" __global__ void k(int n, const float *__restrict__ a, float3 *b, const volatile long long *c,"
        " void *v, mine *m, const mine by, struct never *w, bool yes, colour e, float **p, known *q, __half *h) {} }\n"
        "extern \"C\" __global__ void none() {}\n";
    static const uint32_t expected[] = {
        14, 0, 0, 1, 4, 4, 1, 0, 0, 1,  1, 3, 4, 4, 1, 0, 0, 1,  0, 3, 12, 4, 3, 0, 0, 1, 1, 1, 8, 8, 1, 0, 0, 1, 0,
        0,  0, 0, 1, 0, 0, 1, 0, 5, 16, 8, 1, 0, 0, 0, 0, 5, 16, 8, 1, 0,  0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1, 1,
        1,  0, 0, 0, 0, 2, 2, 2, 1, 0,  1, 1, 0, 2, 8, 8, 1, 0,  0, 1, 0,  5, 8, 4, 1, 1, 0, 1, 0, 3, 2, 2, 1, 0, 0};
    static const char *const names[] = {"known"};
    char folder[] = "/tmp/gpumm-described-XXXXXX", path[64], command[64];
    grown_text record = {.from = d->memory};
    gpumm_type *u32 = NULL, *known = NULL;
    bool keeps = false;
    char *image = NULL;
    uint32_t *words = NULL;
    size_t size = 0, count = 0;
    CHECK(gpumm_type_parse("u32", &u32) == GPUMM_OK);
    CHECK(gpumm_type_struct("known", (gpumm_field[]){{.name = "a", .type = u32}, {.name = "b", .type = u32}}, 2,
                            &known) == GPUMM_OK);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/binary", folder);
    const gpumm_type *types[] = {known};
    build_source b = {d,     source, "k.cu", flags, "typedef struct known { unsigned a; unsigned b; } known;\n",
                      types, names,  1};
    CHECK(gpumm__build(&b, folder, path, &record, &keeps) == GPUMM_OK && keeps);
    CHECK(gpumm__image_read(d, path, &image, &size) == GPUMM_OK);
    CHECK(image && gpumm__image_words(d, image, size, "gpumm_parameters_k", &words, &count) == GPUMM_OK);
    CHECK(count == sizeof expected / sizeof *expected && memcmp(words, expected, sizeof expected) == 0);
    for (size_t i = 0; words && i < count && i < sizeof expected / sizeof *expected; i++)
        if (words[i] != expected[i]) fprintf(stderr, "    %s, word %zu: %u, not %u\n", flags, i, words[i], expected[i]);
    free(words);
    CHECK(image && gpumm__image_words(d, image, size, "gpumm_parameters_none", &words, &count) == GPUMM_OK && words);
    CHECK(words && words[0] == 1);
    free(words);
    CHECK(image && gpumm__image_words(d, image, size, "gpumm_parameters_nobody", &words, &count) == GPUMM_OK && !words);
    for (size_t cut = 0; image && cut < size; cut += 97) /* what is cut short is read in part or not at all */
        if (gpumm__image_words(d, image, cut, "gpumm_parameters_k", &words, &count) == GPUMM_OK) free(words);
    free(image), gpumm__text_free(&record);
    gpumm_type_release(known), gpumm_type_release(u32);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

/* A header's functions look at y and z, and the kernel that calls them does not mean to. */
static void check_needs(device *d) {
    static const char source[] =
        "#include <cooperative_groups.h>\n"
        "extern \"C\" __global__ void group(int n, int *v) {"
        " auto b = cooperative_groups::this_thread_block(); b.sync(); v[b.thread_rank()] = n; }\n"
        "__device__ int row() { return blockIdx.y; }\n"
        "extern \"C\" __global__ void rows(int n, int *v) { v[row()] = n; }\n"
        "extern \"C\" __global__ void line(int n, int *v) { v[threadIdx.x] = n; }\n";
    static const struct {
        const char *name;
        uint32_t needs;
    } expected[] = {{"gpumm_needs_group", 0}, {"gpumm_needs_rows", 1}, {"gpumm_needs_line", 0}};
    char folder[] = "/tmp/gpumm-needs-XXXXXX", path[64], command[64];
    grown_text record = {.from = d->memory};
    bool keeps = false;
    char *image = NULL;
    size_t size = 0;
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/binary", folder);
    build_source b = {.device = d, .text = source, .file = "k.cu", .flags = "", .declarations = ""};
    CHECK(gpumm__build(&b, folder, path, &record, &keeps) == GPUMM_OK && keeps);
    CHECK(gpumm__image_read(d, path, &image, &size) == GPUMM_OK);
    for (size_t i = 0; image && i < sizeof expected / sizeof *expected; i++) {
        uint32_t *words = NULL;
        size_t count = 0;
        CHECK(gpumm__image_words(d, image, size, expected[i].name, &words, &count) == GPUMM_OK);
        CHECK((words ? words[0] & DEVICE_NEEDS_DIMENSIONS : 0) == expected[i].needs);
        free(words);
    }
    free(image), gpumm__text_free(&record);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

static void test_described(device *d) {
    if (!gpumm__rtc.include[0]) return;
    check_needs(d);
    static const char *const flags[] = {"", "--std=c++11", "--std=c++14", "--std=c++17", "--std=c++20 -DNAMES=1"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) check_described(d, flags[i]);
}

static void test_compile(void) {
    char text[256], small[4], out[] = "/tmp/gpumm-cubin-XXXXXX";
    device *d = NULL;
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    if (d->call->compiler(d, text, sizeof text) != GPUMM_OK) {
        SAYS("install");
        printf("    compiling was not tried: %s\n", gpumm_message());
    } else {
        int file = mkstemp(out);
        CHECK(file >= 0 && strstr(text, "nvrtc ") == text && strstr(text, "sm_90"));
        CHECK(d->call->compiler(d, small, sizeof small) == GPUMM_INVALID_ARGUMENT);
        close(file);
        test_compiled(d, out);
        test_preprocessed(d);
        test_described(d);
        unlink(out);
    }
    d->call->close(d);
}

/* A device of another age than the compiler's; whatever NVRTC is here, it knows neither. */
static int odd_devices(void) {
    device *d = NULL;
    char text[256], out[] = "/tmp/gpumm-ptx-XXXXXX", start[3] = "";
    setenv("FAKE_CUDA_COMPUTE", "999", 1);
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    if (d->call->compiler(d, text, sizeof text) != GPUMM_OK) return d->call->close(d), failures != 0;
    CHECK(strstr(text, "compute_"));
    close(mkstemp(out));
    CHECK(compile(d, "extern \"C\" __global__ void k() {}\n", "", out) == GPUMM_OK);
    FILE *file = fopen(out, "rb");
    CHECK(file && fread(start, 1, 2, file) == 2 && strcmp(start, "//") == 0);
    if (file) fclose(file);
    unlink(out);
    test_described(d);
    d->call->close(d);
    setenv("FAKE_CUDA_COMPUTE", "20", 1);
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    CHECK(compile(d, "", "", out) == GPUMM_COMPILE_FAILED);
    SAYS("sm_20");
    d->call->close(d);
    return failures != 0;
}

static int no_nvrtc(void) {
    device *d = NULL;
    char text[256];
    setenv("GPUMM_LIBNVRTC", "/nowhere/libnvrtc.so", 1);
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    CHECK(d->call->compiler(d, text, sizeof text) == GPUMM_COMPILE_FAILED);
    SAYS("/nowhere/libnvrtc.so");
    SAYS("nvidia-cuda-nvrtc");
    CHECK(compile(d, "", "", "/tmp/none") == GPUMM_COMPILE_FAILED);
    d->call->close(d);
    return failures != 0;
}

/* ---- Loss and fork, in children ---- */

static int device_is_lost(void) {
    walk w = {.path = kernel_path}, other = {.path = kernel_path};
    CHECK(open_named("cuda", &w.d) == GPUMM_OK && open_named("cuda", &other.d) == GPUMM_OK);
    CHECK(walk_through(&w) == GPUMM_OK && walk_through(&other) == GPUMM_OK);
    fake.fail("cuStreamSynchronize", 1, CUDA_ERROR_ILLEGAL_ADDRESS);
    CHECK(w.d->call->stream_synchronize(w.d, w.stream) == GPUMM_DEVICE_LOST);
    SAYS("cuStreamSynchronize");
    unsigned long calls = fake.calls();
    gpumm_address address;
    bool done;
    CHECK(other.d->call->event_query(other.d, other.event[0], &done) == GPUMM_DEVICE_LOST);
    SAYS("cuStreamSynchronize");
    CHECK(other.d->call->alloc(other.d, PLACE_DEVICE, 4096, &address) == GPUMM_DEVICE_LOST);
    CHECK(other.d->call->copy(other.d, other.stream, COPY_D2D, 0, 0, 4) == GPUMM_DEVICE_LOST);
    walk_back(&w);
    walk_back(&other);
    CHECK(fake.calls() == calls);
    CHECK(open_named("cuda", &w.d) == GPUMM_DEVICE_LOST); /* the primary context has the same handle */
    return failures != 0;
}

static walk parents;

static int after_fork(void) {
    unsigned long calls = fake.calls();
    device *d = NULL;
    CHECK(parents.d->call->stream_synchronize(parents.d, parents.stream) == GPUMM_DEVICE_LOST);
    SAYS("after fork");
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    SAYS("fork");
    walk_back(&parents);
    CHECK(fake.calls() == calls);
    return failures != 0;
}

static void test_fork(const char *path) {
    parents.path = path;
    CHECK(open_named("cuda", &parents.d) == GPUMM_OK && walk_through(&parents) == GPUMM_OK);
    CHECK(in_child(after_fork) == 0);
    CHECK(parents.d->call->stream_synchronize(parents.d, parents.stream) == GPUMM_OK);
    walk_back(&parents);
    CHECK(nothing_lives());
}

static bool write_kernel(char *path) {
    int file = mkstemp(path);
    return file >= 0 && write(file, "fake", 4) == 4 && close(file) == 0;
}

static void test_sweeps(const char *path) {
    gpumm_options in_place = {.device = "cuda"}, relocating = {.device = "cuda", .relocate = true};
    gpumm_options given = {.device = "cuda", .context = fake.context()};
    gpumm_options by_uuid = {.device = "cuda:GPU-abababab-abab-abab-abab-ababababab01"};
    sweep(&in_place, path);
    sweep(&relocating, path);
    sweep(&given, path);
    sweep(&by_uuid, path);
    setenv("FAKE_CUDA_POOLS", "0", 1);
    sweep(&in_place, path);
    unsetenv("FAKE_CUDA_POOLS");
    sweep_planned(path);
    sweep_host_memory(path);
}

/* Where the driver does not make our kernels spilled memory cannot be filled, and it is said why; graphs neither. */
static void test_unfilled(device *d, device_stream *s) {
    gpumm_address range = 0;
    device_graph *g = NULL;
    uint64_t unit = device_granularity(d, PLACE_DEVICE);
    CHECK(d->call->reserve(d, PLACE_DEVICE, unit, &range) == GPUMM_OK);
    CHECK(d->call->commit(d, PLACE_SPILLED, range, unit) == GPUMM_OK);
    device_node node = fill_node(range, 1, 1, 1);
    CHECK(d->call->fill(d, s, range, 0, 4, 2) == GPUMM_DRIVER);
    SAYS("spilled memory is filled by a kernel of gpumm's, which the driver did not make: cuModuleLoadDataEx: ");
    CHECK(d->call->graph_open(d, &node, 1, &g) == GPUMM_DRIVER && !g);
    SAYS("spilled memory is filled by a kernel of gpumm's");
    CHECK(d->call->decommit(d, PLACE_SPILLED, range, unit) == GPUMM_OK);
    d->call->release(d, PLACE_DEVICE, range, unit);
}

/* By the kernel of our own, and where the driver cannot make it. */
static void test_copies(void) {
    for (int jit = 1; jit >= 0; jit--) {
        device *d = NULL;
        device_stream *s = NULL;
        setenv("FAKE_CUDA_JIT", jit ? "1" : "0", 1);
        CHECK(open_named("cuda", &d) == GPUMM_OK && (((cuda *)d)->copy_kernel != NULL) == jit);
        CHECK(d->call->stream_open(d, NULL, &s) == GPUMM_OK);
        test_across(d, s);
        test_across_order(d, s, 4); /* each way once: its work is done at once */
        if (jit) test_borders(d, s, FAR_HOST, FAR_BOTH);
        else test_unfilled(d, s);
        if (!jit) test_borders(d, s, FAR_DEVICE, FAR_DEVICE); /* all by the driver, in pieces */
        ((cuda *)d)->copy_kernel = NULL;                      /* fills by kernels, copies by the driver */
        if (jit) test_borders(d, s, FAR_HOST, FAR_BOTH);
        d->call->stream_close(d, s);
        d->call->close(d);
    }
    unsetenv("FAKE_CUDA_JIT");
}

/* ---- The list of what is not the device's own, which threads change at once ---- */

enum { LISTERS = 4, LISTED = 50, LISTED_BYTES = 1 << 12 };

typedef struct lister {
    cuda *c;
    gpumm_address base;
    unsigned wrong;
} lister;

/* Every other piece, then the ones between, in an area of its own. */
static void *list_and_take_out(void *user) {
    lister *l = user;
    for (uint64_t i = 0; i < LISTED; i += 2)
        l->wrong += gpumm__cuda_border_add(l->c, l->base + i * LISTED_BYTES, LISTED_BYTES, CUDA_HOST) != GPUMM_OK;
    for (uint64_t i = 0; i + 1 < LISTED; i++)
        l->wrong += gpumm__cuda_one_kind(l->c, l->base + i * LISTED_BYTES + 5, 3 * LISTED_BYTES) != LISTED_BYTES - 5;
    for (uint64_t i = 1; i < LISTED; i += 2)
        l->wrong += gpumm__cuda_border_add(l->c, l->base + i * LISTED_BYTES, LISTED_BYTES, CUDA_HOST) != GPUMM_OK;
    l->wrong += gpumm__cuda_one_kind(l->c, l->base, UINT32_MAX) != LISTED * LISTED_BYTES;
    l->wrong += gpumm__cuda_one_kind(l->c, l->base - 7, UINT32_MAX) != 7;
    gpumm_address end = l->base + LISTED * LISTED_BYTES; /* what is beside it is another device's */
    l->wrong += gpumm__cuda_border_add(l->c, end, LISTED_BYTES, 3) != GPUMM_OK;
    l->wrong += gpumm__cuda_one_kind(l->c, l->base, UINT32_MAX) != LISTED * LISTED_BYTES;
    l->wrong += gpumm__cuda_one_kind(l->c, end, UINT32_MAX) != LISTED_BYTES;
    l->wrong +=
        gpumm__cuda_beyond(l->c, end - 1, 1) != BEYOND_HOST || gpumm__cuda_beyond(l->c, end, 9) != BEYOND_DEVICE;
    l->wrong += gpumm__cuda_beyond(l->c, end - 1, 2) != (BEYOND_HOST | BEYOND_DEVICE);
    l->wrong += gpumm__cuda_whose(l->c, end - 1) != CUDA_HOST || gpumm__cuda_whose(l->c, end) != 3;
    l->wrong += gpumm__cuda_whose(l->c, end + LISTED_BYTES) != l->c->device;
    gpumm__cuda_border_remove(l->c, end);
    for (uint64_t i = LISTED; i-- > 0;) {
        gpumm__cuda_border_remove(l->c, l->base + i * LISTED_BYTES + 100); /* a part of it stays */
        l->wrong += gpumm__cuda_one_kind(l->c, l->base, UINT32_MAX) != i * LISTED_BYTES + 100;
        gpumm__cuda_border_remove(l->c, l->base + i * LISTED_BYTES);
    }
    l->wrong += gpumm__cuda_beyond(l->c, l->base, LISTED * LISTED_BYTES) != 0;
    return NULL;
}

static void test_listing(void) {
    device *d = NULL;
    pthread_t threads[LISTERS];
    lister l[LISTERS];
    CHECK(open_named("cuda", &d) == GPUMM_OK);
    for (unsigned i = 0; i < LISTERS; i++) {
        l[i] = (lister){(cuda *)d, (uint64_t)(i + 1) << 40, 0};
        CHECK(pthread_create(&threads[i], NULL, list_and_take_out, &l[i]) == 0);
    }
    for (unsigned i = 0; i < LISTERS; i++) CHECK(pthread_join(threads[i], NULL) == 0 && l[i].wrong == 0);
    CHECK(!gpumm__cuda_beyond((cuda *)d, 0, UINT64_MAX));
    d->call->close(d);
    CHECK(nothing_lives());
}

int main(void) {
    const char *library = getenv("GPUMM_LIBCUDA");
    if (!library) return printf("skipped: GPUMM_LIBCUDA does not name the fake driver\n"), 77;
    unsetenv("GPUMM_NO_VMM");
    find_fake(library);
    CHECK(in_child(start_together) == 0);
    CHECK(in_child(no_driver) == 0 && in_child(stub_driver) == 0);
    CHECK(in_child(no_library) == 0 && in_child(old_driver) == 0 && in_child(init_fails) == 0);
    char path[] = "/tmp/gpumm-fake-XXXXXX";
    if (!write_kernel(path)) return perror(path), 1;
    kernel_path = path;
    CHECK(in_child(device_is_lost) == 0 && in_child(lost_anywhere) == 0);
    CHECK(in_child(unknown_context) == 0);
    CHECK(in_child(no_nvrtc) == 0);
    CHECK(in_child(odd_devices) == 0);
    test_open();
    test_relocate();
    test_nearly_full();
    test_plan_names();
    test_captures(path);
    test_own_context(path);
    test_other_context(path);
    test_launch(path);
    test_images();
    test_copies();
    test_listing();
    test_compile();
    test_fork(path);
    test_sweeps(path);
    unlink(path);
    printf("device_cuda_fake: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
