/* SPDX-License-Identifier: MIT */
/*
 * The CUDA device on a real GPU: memory that grows under kernels, copies and fills, streams and events,
 * kernels, graph captures, a full card, failures at every driver entry, loss and fork. Tagged gpu:
 * without a device it says so and returns 77.
 */
#include <pthread.h>

#include "base/size.h"
#include "base/thread.h"
#include "cuda_border.h"
#include "cuda_walk.h"
#include "driver_entries.h"

/* PTX, so that this much needs no compiler: k(p, n) writes i to p[i] for i < n; spin(p, n) waits n
   nanoseconds and counts p[0] up; bad(p, n) writes to n. */
static const char ptx[] =
    ".version 7.0\n.target sm_50\n.address_size 64\n"
    ".visible .entry k(.param .u64 p, .param .u32 n) {\n"
    " .reg .pred %q<2>; .reg .b32 %r<7>; .reg .b64 %d<6>;\n"
    " ld.param.u64 %d1, [p]; ld.param.u32 %r1, [n];\n"
    " mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;\n"
    " mad.lo.s32 %r5, %r2, %r3, %r4; setp.ge.u32 %q1, %r5, %r1; @%q1 ret;\n"
    " cvta.to.global.u64 %d2, %d1; mul.wide.u32 %d3, %r5, 4; add.s64 %d4, %d2, %d3;\n"
    " st.global.u32 [%d4], %r5; ret;\n}\n"
    ".visible .entry spin(.param .u64 p, .param .u32 n) {\n"
    " .reg .pred %q<2>; .reg .b32 %r<4>; .reg .b64 %d<8>;\n"
    " ld.param.u64 %d1, [p]; ld.param.u32 %r1, [n]; cvt.u64.u32 %d2, %r1;\n"
    " mov.u64 %d3, %globaltimer;\n"
    "again:\n mov.u64 %d4, %globaltimer; sub.s64 %d5, %d4, %d3; setp.lt.u64 %q1, %d5, %d2; @%q1 bra again;\n"
    " cvta.to.global.u64 %d6, %d1; ld.global.u32 %r2, [%d6]; add.s32 %r3, %r2, 1; st.global.u32 [%d6], %r3; "
    "ret;\n}\n"
    ".visible .entry bad(.param .u64 p, .param .u32 n) {\n"
    " .reg .b32 %r<2>; .reg .b64 %d<2>;\n"
    " ld.param.u32 %r1, [n]; cvt.u64.u32 %d1, %r1; st.global.u32 [%d1], %r1; ret;\n}\n";

static char ptx_path[] = "/tmp/gpumm-ptx-XXXXXX";

static bool write_ptx(void) {
    int file = mkstemp(ptx_path);
    size_t size = sizeof ptx - 1;
    return file >= 0 && write(file, ptx, size) == (ssize_t)size && close(file) == 0;
}

/* ---- A bench: a device, two streams, the kernels, a block on each side ---- */

typedef struct bench {
    device *d;
    const device_table *call;
    device_stream *s, *t;
    device_event *e, *f;
    device_module *m;
    device_function *k, *spin, *bad;
    gpumm_address here, up; /* 1 MiB each */
} bench;

enum { BLOCK = 1 << 20 };

static bool bench_open(bench *b, bool relocate) {
    gpumm_options options = {.device = "cuda", .relocate = relocate};
    memset(b, 0, sizeof *b);
    CHECK(gpumm__cuda_open(&options, &gpumm__alloc_default, &b->d) == GPUMM_OK);
    if (!b->d) return false;
    const device_table *call = b->call = b->d->call;
    CHECK(call->stream_open(b->d, NULL, &b->s) == GPUMM_OK && call->stream_open(b->d, NULL, &b->t) == GPUMM_OK);
    CHECK(call->event_open(b->d, EVENT_TIMED, &b->e) == GPUMM_OK &&
          call->event_open(b->d, EVENT_TIMED, &b->f) == GPUMM_OK);
    CHECK(call->module_open(b->d, ptx_path, &b->m) == GPUMM_OK);
    if (!b->m) return false;
    CHECK(call->function(b->d, b->m, "k", &b->k) == GPUMM_OK);
    CHECK(call->function(b->d, b->m, "spin", &b->spin) == GPUMM_OK);
    CHECK(call->function(b->d, b->m, "bad", &b->bad) == GPUMM_OK);
    CHECK(call->alloc(b->d, PLACE_DEVICE, BLOCK, &b->here) == GPUMM_OK);
    CHECK(call->alloc(b->d, PLACE_HOST, BLOCK, &b->up) == GPUMM_OK);
    return b->k && b->spin && b->bad && b->here && b->up;
}

static void bench_close(bench *b) {
    b->call->free(b->d, PLACE_HOST, b->up, BLOCK);
    b->call->free(b->d, PLACE_DEVICE, b->here, BLOCK);
    b->call->module_close(b->d, b->m);
    b->call->event_close(b->d, b->e);
    b->call->event_close(b->d, b->f);
    b->call->stream_close(b->d, b->s);
    b->call->stream_close(b->d, b->t);
    b->call->close(b->d);
}

static gpumm_status run(bench *b, device_stream *s, device_function *f, gpumm_address p, uint32_t n, uint64_t threads) {
    void *arguments[] = {&p, &n};
    const size_t sizes[] = {sizeof p, sizeof n};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 2, .threads = threads};
    return b->call->launch(b->d, s, f, &launch);
}

static gpumm_status finish(bench *b, device_stream *s) { return b->call->stream_synchronize(b->d, s); }

static uint32_t *host(gpumm_address at) { return (uint32_t *)(uintptr_t)at; }

/* Are `n` words at `from` on the device 0, 1, 2 …? By way of the pinned block. */
static bool counts_up(bench *b, gpumm_address from, uint32_t n) {
    memset(host(b->up), 0xff, BLOCK);
    if (b->call->copy(b->d, b->s, COPY_D2H, b->up, from, n * 4ull) != GPUMM_OK || finish(b, b->s) != GPUMM_OK)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (host(b->up)[i] != i) return false;
    return true;
}

/* ---- Tests ---- */

static void test_info(device *d) {
    const gpumm_device_info *i = &d->info;
    printf("    %s, %s, sm_%d%d, driver for CUDA %d, %llu MiB\n", i->name, i->uuid, i->compute_major, i->compute_minor,
           i->driver_version, (unsigned long long)(i->total_bytes >> 20));
    printf("    in place: device %d (by %llu KiB), pinned %d (by %llu KiB); why: %s\n", i->in_place,
           (unsigned long long)(i->granularity_bytes >> 10), i->pinned_in_place,
           (unsigned long long)(i->pinned_granularity_bytes >> 10), i->why);
    char by_uuid[80];
    device *same = NULL;
    snprintf(by_uuid, sizeof by_uuid, "cuda:%s", i->uuid);
    CHECK(open_named(by_uuid, &same) == GPUMM_OK && strcmp(same->info.uuid, i->uuid) == 0);
    if (same) same->call->close(same);
    CHECK(open_named("cuda:4096", &same) == GPUMM_NO_DEVICE);
    CHECK(strstr(gpumm_message(), i->uuid) != NULL); /* what there is */
}

static void test_work(bench *b) {
    const device_table *call = b->call;
    double seconds = -1;
    bool done = false;
    CHECK(call->event_query(b->d, b->e, &done) == GPUMM_OK && done); /* never recorded */
    CHECK(run(b, b->s, b->k, b->here, 200000, 200000) == GPUMM_OK);
    CHECK(counts_up(b, b->here, 200000));
    CHECK(call->fill(b->d, b->s, b->here, 0x01020304, 4, 4) == GPUMM_OK);
    CHECK(call->fill(b->d, b->s, b->here + 4, 0xbeef, 2, 2) == GPUMM_OK);
    CHECK(call->fill(b->d, b->s, b->here + 8, 0x7f, 1, 3) == GPUMM_OK);
    CHECK(call->copy(b->d, b->s, COPY_D2D, b->here + 64, b->here, 16) == GPUMM_OK);
    CHECK(call->copy(b->d, b->s, COPY_D2H, b->up, b->here + 64, 16) == GPUMM_OK && finish(b, b->s) == GPUMM_OK);
    const uint32_t expected[4] = {0x01020304, 0xbeefbeef, 0x017f7f7f, 0x01020304};
    CHECK(memcmp(host(b->up), expected, sizeof expected) == 0);
    CHECK(call->event_record(b->d, b->e, b->s) == GPUMM_OK);
    CHECK(run(b, b->s, b->spin, b->here, 20000000, 1) == GPUMM_OK);
    CHECK(call->event_record(b->d, b->f, b->s) == GPUMM_OK);
    CHECK(call->event_query(b->d, b->f, &done) == GPUMM_OK && !done);
    CHECK(call->event_elapsed(b->d, b->e, b->f, &seconds) == GPUMM_BUSY);
    CHECK(call->event_synchronize(b->d, b->f) == GPUMM_OK);
    CHECK(call->event_elapsed(b->d, b->e, b->f, &seconds) == GPUMM_OK && seconds > 0.019 && seconds < 1);
}

static void was_called_late(void *user) { *(volatile int *)user = 1; }

/* Work on two streams overlaps; a wait orders them; a host call comes in its turn. */
static void test_streams(bench *b) {
    volatile int called = 0;
    bool idle = true;
    CHECK(b->call->fill(b->d, b->s, b->here, 0, 4, 64) == GPUMM_OK && finish(b, b->s) == GPUMM_OK);
    double start = gpumm__clock_seconds();
    CHECK(run(b, b->s, b->spin, b->here, 50000000, 1) == GPUMM_OK);
    CHECK(run(b, b->t, b->spin, b->here + 128, 50000000, 1) == GPUMM_OK);
    CHECK(b->call->call(b->d, b->s, was_called_late, (void *)&called) == GPUMM_OK);
    CHECK(called == 0 && b->call->stream_query(b->d, b->s, &idle) == GPUMM_OK && !idle);
    CHECK(finish(b, b->s) == GPUMM_OK && called == 1 && finish(b, b->t) == GPUMM_OK);
    CHECK(gpumm__clock_seconds() - start < 0.09);
    CHECK(run(b, b->s, b->spin, b->here, 20000000, 1) == GPUMM_OK);
    CHECK(b->call->event_record(b->d, b->e, b->s) == GPUMM_OK);
    CHECK(b->call->stream_wait(b->d, b->t, b->e) == GPUMM_OK);
    CHECK(b->call->copy(b->d, b->t, COPY_D2H, b->up, b->here, 4) == GPUMM_OK);
    CHECK(finish(b, b->t) == GPUMM_OK && host(b->up)[0] == 2);
}

/* Grows a range under a kernel that runs, in 64 steps; what is behind the old end works, the head stays. */
static void test_growth(bench *b) {
    uint64_t unit = b->d->info.granularity_bytes;
    gpumm_address range = 0;
    if (!b->d->info.in_place) return;
    CHECK(b->call->reserve(b->d, PLACE_DEVICE, 64 * unit, &range) == GPUMM_OK);
    CHECK(b->call->commit(b->d, PLACE_DEVICE, range, unit) == GPUMM_OK);
    CHECK(run(b, b->s, b->k, range, 100000, 100000) == GPUMM_OK);
    CHECK(run(b, b->t, b->spin, b->here, 30000000, 1) == GPUMM_OK);
    for (unsigned i = 1; i < 64; i++) {
        CHECK(b->call->commit(b->d, PLACE_DEVICE, range + i * unit, unit) == GPUMM_OK);
        CHECK(run(b, b->s, b->k, range + i * unit - 400000, 200000, 200000) == GPUMM_OK); /* across the seam */
        CHECK(counts_up(b, range + i * unit - 400000, 200000));
    }
    CHECK(counts_up(b, range, 100000));
    CHECK(finish(b, b->t) == GPUMM_OK);
    CHECK(b->call->commit(b->d, PLACE_DEVICE, range, unit) == GPUMM_DRIVER); /* it is mapped already */
    CHECK(run(b, b->t, b->spin, range, 100000000, 1) == GPUMM_OK);
    double start = gpumm__clock_seconds();
    CHECK(b->call->decommit(b->d, PLACE_DEVICE, range + 63 * unit, unit) == GPUMM_OK);
    CHECK(gpumm__clock_seconds() - start < 0.08); /* the tail does not wait for the kernel on the head */
    CHECK(finish(b, b->t) == GPUMM_OK);
    for (unsigned i = 0; i < 63; i++) CHECK(b->call->decommit(b->d, PLACE_DEVICE, range + i * unit, unit) == GPUMM_OK);
    b->call->release(b->d, PLACE_DEVICE, range, 64 * unit);
}

static void test_pinned_growth(bench *b) {
    uint64_t unit = size_max(b->d->info.pinned_granularity_bytes, 2u << 20);
    gpumm_address range = 0;
    if (!b->d->info.pinned_in_place) return;
    CHECK(b->call->reserve(b->d, PLACE_HOST, 8 * unit, &range) == GPUMM_OK);
    CHECK(run(b, b->s, b->k, b->here, 200000, 200000) == GPUMM_OK);
    for (unsigned i = 0; i < 8; i++) {
        CHECK(b->call->commit(b->d, PLACE_HOST, range + i * unit, unit) == GPUMM_OK);
        gpumm_address at = range + (i + 1) * unit - 800000;
        CHECK(b->call->copy(b->d, b->s, COPY_D2H, at, b->here, 800000) == GPUMM_OK && finish(b, b->s) == GPUMM_OK);
        CHECK(host(at)[0] == 0 && host(at)[199999] == 199999);
        host(at)[7] = 70 + i;
        CHECK(b->call->copy(b->d, b->s, COPY_H2D, b->here + 800000, at + 28, 4) == GPUMM_OK);
        CHECK(b->call->copy(b->d, b->s, COPY_D2H, b->up, b->here + 800000, 4) == GPUMM_OK);
        CHECK(finish(b, b->s) == GPUMM_OK && host(b->up)[0] == 70 + i);
    }
    CHECK(run(b, b->s, b->k, range, 1000, 1000) == GPUMM_OK &&
          finish(b, b->s) == GPUMM_OK); /* one address, both sides */
    CHECK(host(range)[999] == 999);
    for (unsigned i = 0; i < 8; i++) CHECK(b->call->decommit(b->d, PLACE_HOST, range + i * unit, unit) == GPUMM_OK);
    b->call->release(b->d, PLACE_HOST, range, 8 * unit);
}

/* ---- Captures, by the driver's own calls ---- */

typedef struct graphs {
    __typeof__(&cuStreamBeginCapture) begin;
    __typeof__(&cuStreamEndCapture) end;
    CUresult(CUDAAPI *instantiate)(CUgraphExec *out, CUgraph graph, unsigned long long flags);
    __typeof__(&cuGraphLaunch) launch;
    __typeof__(&cuGraphExecDestroy) exec_destroy;
    __typeof__(&cuGraphDestroy) destroy;
} graphs;

static void graphs_find(graphs *g) {
    library_entry(gpumm__driver.library, "cuStreamBeginCapture_v2", &g->begin);
    library_entry(gpumm__driver.library, "cuStreamEndCapture", &g->end);
    library_entry(gpumm__driver.library, "cuGraphInstantiateWithFlags", &g->instantiate);
    library_entry(gpumm__driver.library, "cuGraphLaunch", &g->launch);
    library_entry(gpumm__driver.library, "cuGraphExecDestroy", &g->exec_destroy);
    library_entry(gpumm__driver.library, "cuGraphDestroy", &g->destroy);
}

/* Everything that a manager does meanwhile, in this and in another thread. */
static void *disturb(void *user) {
    bench *b = user;
    gpumm_address block = 0;
    bool done;
    CHECK(b->call->stream_query(b->d, b->t, &done) == GPUMM_OK);
    CHECK(b->call->event_record(b->d, b->e, b->t) == GPUMM_OK && b->call->event_query(b->d, b->e, &done) == GPUMM_OK);
    CHECK(b->call->event_synchronize(b->d, b->e) == GPUMM_OK && finish(b, b->t) == GPUMM_OK);
    CHECK(b->call->alloc(b->d, PLACE_DEVICE, 1 << 20, &block) == GPUMM_OK);
    b->call->free(b->d, PLACE_DEVICE, block, 1 << 20);
    CHECK(b->call->alloc(b->d, PLACE_HOST, 1 << 20, &block) == GPUMM_OK);
    b->call->free(b->d, PLACE_HOST, block, 1 << 20);
    device *second = NULL;
    CHECK(open_named("cuda", &second) == GPUMM_OK); /* with its probes */
    if (second) second->call->close(second);
    return NULL;
}

static void refused_while_capturing(bench *b) {
    bool idle;
    CHECK(b->call->copy(b->d, b->s, COPY_D2D, b->here + 64, b->here, 4) == GPUMM_BUSY);
    CHECK(b->call->fill(b->d, b->s, b->here, 0, 4, 1) == GPUMM_BUSY);
    CHECK(b->call->event_record(b->d, b->f, b->s) == GPUMM_BUSY);
    CHECK(b->call->stream_wait(b->d, b->s, b->e) == GPUMM_BUSY);
    CHECK(b->call->stream_query(b->d, b->s, &idle) == GPUMM_BUSY && finish(b, b->s) == GPUMM_BUSY);
    SAYS("capturing");
}

/* A graph of one of our launches, captured before a growth and replayed after it over the new memory. */
static void test_captures(bench *b) {
    graphs g;
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    pthread_t thread;
    uint64_t unit = b->d->info.granularity_bytes;
    gpumm_address range = 0;
    uint32_t words = (uint32_t)(unit / 4) + 1000;
    if (!b->d->info.in_place) return;
    graphs_find(&g);
    CUstream native = b->call->native_stream(b->s);
    CHECK(b->call->reserve(b->d, PLACE_DEVICE, 2 * unit, &range) == GPUMM_OK);
    CHECK(b->call->commit(b->d, PLACE_DEVICE, range, unit) == GPUMM_OK);
    CUcontext context = ((cuda *)b->d)->context->handle;
    CHECK(gpumm__driver.cuCtxPushCurrent(context) == CUDA_SUCCESS);
    CHECK(g.begin(native, CU_STREAM_CAPTURE_MODE_GLOBAL) == CUDA_SUCCESS);
    CHECK(run(b, b->s, b->k, range, words, words) == GPUMM_OK);
    refused_while_capturing(b);
    disturb(b);
    CHECK(pthread_create(&thread, NULL, disturb, b) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(g.end(native, &graph) == CUDA_SUCCESS && graph);
    CHECK(b->call->commit(b->d, PLACE_DEVICE, range + unit, unit) == GPUMM_OK);
    CHECK(graph && g.instantiate(&exec, graph, 0) == CUDA_SUCCESS && g.launch(exec, native) == CUDA_SUCCESS);
    CHECK(finish(b, b->s) == GPUMM_OK && counts_up(b, range, 200000));
    CHECK(b->call->copy(b->d, b->s, COPY_D2H, b->up, range + unit, 4000) == GPUMM_OK && finish(b, b->s) == GPUMM_OK);
    CHECK(host(b->up)[999] == words - 1);
    if (exec) g.exec_destroy(exec);
    if (graph) g.destroy(graph);
    CUcontext popped;
    CHECK(gpumm__driver.cuCtxPopCurrent(&popped) == CUDA_SUCCESS && popped == context); /* every entry put it back */
    for (unsigned i = 0; i < 2; i++) CHECK(b->call->decommit(b->d, PLACE_DEVICE, range + i * unit, unit) == GPUMM_OK);
    b->call->release(b->d, PLACE_DEVICE, range, 2 * unit);
}

/* ---- The whole card, and back ---- */

enum { CHUNKS = 1024 };
static const uint64_t chunk = 1ull << 30;

static unsigned fill_in_place(bench *b, gpumm_address range) {
    unsigned n = 0;
    gpumm_status status = GPUMM_OK;
    while (n < CHUNKS && (status = b->call->commit(b->d, PLACE_DEVICE, range + n * chunk, chunk)) == GPUMM_OK) n++;
    CHECK(status == GPUMM_OUT_OF_MEMORY);
    SAYS("1.0 GiB");
    return n;
}

static unsigned fill_with_blocks(bench *b, gpumm_address *blocks) {
    unsigned n = 0;
    gpumm_status status = GPUMM_OK;
    while (n < CHUNKS && (status = b->call->alloc(b->d, PLACE_DEVICE, chunk, &blocks[n])) == GPUMM_OK) n++;
    CHECK(status == GPUMM_OUT_OF_MEMORY);
    return n;
}

/* Twice each way: what came back can be taken again, by the other way too. */
static void test_full(bench *b) {
    static gpumm_address blocks[CHUNKS];
    gpumm_address range = 0;
    unsigned first = 0;
    if (!b->d->info.in_place) return;
    CHECK(b->call->reserve(b->d, PLACE_DEVICE, CHUNKS * chunk, &range) == GPUMM_OK);
    for (int round = 0; round < 2; round++) {
        unsigned n = fill_in_place(b, range);
        CHECK(n > 0 && (round == 0 || n == first));
        first = n;
        CHECK(run(b, b->s, b->k, range + (n - 1) * chunk, 1000, 1000) == GPUMM_OK &&
              counts_up(b, range + (n - 1) * chunk, 1000));
        for (unsigned i = 0; i < n; i++)
            CHECK(b->call->decommit(b->d, PLACE_DEVICE, range + i * chunk, chunk) == GPUMM_OK);
        unsigned m = fill_with_blocks(b, blocks);
        CHECK(m + 1 >= n);
        for (unsigned i = 0; i < m; i++) b->call->free(b->d, PLACE_DEVICE, blocks[i], chunk);
    }
    printf("    %u GiB were filled and given back\n", first);
    b->call->release(b->d, PLACE_DEVICE, range, CHUNKS * chunk);
}

/* ---- Failures at every entry ---- */

static size_t free_bytes(bench *b) {
    CUresult(CUDAAPI * ask)(size_t * now, size_t * all);
    size_t now = 0, all = 0;
    CUcontext ours;
    library_entry(gpumm__driver.library, "cuMemGetInfo_v2", &ask);
    gpumm__driver.cuCtxPushCurrent(((cuda *)b->d)->context->handle);
    ask(&now, &all);
    gpumm__driver.cuCtxPopCurrent(&ours);
    return now;
}

static bool walk_planned(const char *entry, uint64_t nth, bool relocate) {
    gpumm_options options = {.device = "cuda", .inject_faults = true, .relocate = relocate};
    gpumm_fault plan = {.call = entry, .nth = nth, .status = GPUMM_DRIVER};
    walk w = {.path = ptx_path};
    uint64_t before = 0, after = 0;
    CHECK(gpumm__cuda_open(&options, &gpumm__alloc_default, &w.d) == GPUMM_OK);
    if (!w.d) return true;
    CHECK(gpumm__cuda_fault(w.d, &plan) == GPUMM_OK && gpumm__cuda_fault_calls(w.d, entry, &before) == GPUMM_OK);
    gpumm_status status = walk_through(&w);
    if (status != GPUMM_OK) SAYS("on purpose");
    CHECK(gpumm__cuda_fault_calls(w.d, entry, &after) == GPUMM_OK);
    walk_back(&w);
    return after - before < nth;
}

static void test_sweep(bench *b) {
    unsigned walks = 0;
    walk_planned("cuMemMap", 1, false);
    size_t before = free_bytes(b);
    for (unsigned i = 0; i < 2u * DRIVER_COUNT; i++)
        for (uint64_t nth = 1; walks++, !walk_planned(gpumm__driver_entry_name((driver_entry)(i / 2)), nth, i % 2);
             nth++) {}
    size_t after = free_bytes(b);
    printf("    %u walks with a failure; free memory before %zu, after %zu MiB\n", walks, before >> 20, after >> 20);
    CHECK(after + (32u << 20) > before);
}

/* ---- The compiler ---- */

static void test_compiler(bench *b) {
    char text[256], out[] = "/tmp/gpumm-cubin-XXXXXX";
    static const char code[] = "extern \"C\" __global__ void total(uint32_t *p, int n) {\n"
                               "  extern __shared__ uint32_t part[];\n"
                               "  part[threadIdx.x] = threadIdx.x < n ? p[threadIdx.x] : 0;\n"
                               "  for (int half = blockDim.x / 2; half > 0; half /= 2) {\n"
                               "    __syncthreads();\n    if (threadIdx.x < half) part[threadIdx.x] += "
                               "part[threadIdx.x + half];\n  }\n"
                               "  if (threadIdx.x == 0) p[0] = part[0];\n}\n";
    device_source source = {.text = code, .file = "total.cu", .flags = ""};
    device_module *m = NULL;
    device_function *f = NULL;
    if (b->call->compiler(b->d, text, sizeof text) != GPUMM_OK) {
        printf("    no compiler: %s\n", gpumm_message());
        return;
    }
    printf("    %s\n", text);
    close(mkstemp(out));
    CHECK(b->call->compile(b->d, &source, out) == GPUMM_OK);
    CHECK(b->call->module_open(b->d, out, &m) == GPUMM_OK);
    CHECK(m && b->call->function(b->d, m, "total", &f) == GPUMM_OK);
    int n = 1000;
    void *arguments[] = {&b->here, &n};
    const size_t sizes[] = {8, 4};
    device_launch launch = {.arguments = arguments,
                            .sizes = sizes,
                            .count = 2,
                            .threads = 1024,
                            .block = {1024},
                            .shared_bytes = 100 << 10};
    if (b->d->info.compute_major < 8) launch.shared_bytes = 4096;
    CHECK(run(b, b->s, b->k, b->here, 1000, 1000) == GPUMM_OK);
    CHECK(f && b->call->launch(b->d, b->s, f, &launch) == GPUMM_OK);
    CHECK(b->call->copy(b->d, b->s, COPY_D2H, b->up, b->here, 4) == GPUMM_OK && finish(b, b->s) == GPUMM_OK);
    CHECK(host(b->up)[0] == 499500);
    if (m) b->call->module_close(b->d, m);
    unlink(out);
}

/* ---- Children: before this process starts CUDA itself ---- */

enum { SKIP = 77 };

static int any_device(void) {
    device *d = NULL;
    gpumm_status status = open_named("cuda", &d);
    if (status == GPUMM_NO_DEVICE) return printf("skipped: no device: %s\n", gpumm_message()), SKIP;
    CHECK(status == GPUMM_OK);
    if (d) d->call->close(d);
    return failures != 0;
}

static int device_is_lost(void) {
    bench b, other;
    if (!bench_open(&b, false) || !bench_open(&other, false)) return 1;
    CHECK(run(&b, b.s, b.bad, b.here, 64, 1) == GPUMM_OK);
    CHECK(finish(&b, b.s) == GPUMM_DEVICE_LOST);
    printf("    %s\n", gpumm_message());
    char cause[512];
    snprintf(cause, sizeof cause, "%s", gpumm_message());
    gpumm_address address = 0;
    CHECK(other.call->alloc(other.d, PLACE_DEVICE, 4096, &address) == GPUMM_DEVICE_LOST);
    CHECK(strcmp(cause, gpumm_message()) == 0);
    CHECK(run(&other, other.s, other.k, other.here, 1, 1) == GPUMM_DEVICE_LOST);
    host(b.up)[0] = 12; /* pinned memory stays readable */
    CHECK(host(b.up)[0] == 12);
    bench_close(&b);
    bench_close(&other);
    device *d = NULL;
    CHECK(open_named("cuda", &d) == GPUMM_DEVICE_LOST);
    return failures != 0;
}

static bench parents;

static int after_fork(void) {
    device *d = NULL;
    CHECK(finish(&parents, parents.s) == GPUMM_DEVICE_LOST);
    SAYS("after fork");
    CHECK(open_named("cuda", &d) == GPUMM_NO_DEVICE);
    bench_close(&parents);
    return failures != 0;
}

/* What touches the device's memory. */
static void test_memory(bench *b) {
    test_work(b);
    test_across(b->d, b->s);
    test_across_order(b->d, b->s, 40);
    test_streams(b);
    test_growth(b);
    test_pinned_growth(b);
    test_borders(b->d, b->s, FAR_HOST, FAR_BOTH);
}

static void test_memory_alone(void) {
    bench b;
    if (!bench_open(&b, false)) return;
    test_memory(&b);
    bench_close(&b);
}

static void test_all(void) {
    bench b;
    if (!bench_open(&b, false)) return;
    test_info(b.d);
    test_memory(&b);
    test_captures(&b);
    test_compiler(&b);
    test_sweep(&b);
    test_full(&b);
    parents = b;
    CHECK(in_child(after_fork) == 0);
    CHECK(finish(&b, b.s) == GPUMM_OK);
    bench_close(&b);
    if (!bench_open(&b, true)) return;
    CHECK(!b.d->info.in_place && !b.d->info.pinned_in_place);
    test_work(&b);
    test_streams(&b);
    bench_close(&b);
}

/* --memory: for tools that watch memory. Calls of theirs, around each of ours, break a capture that is under way; and
   the kernel that loses the device is wrong on purpose. */
int main(int argc, char **argv) {
    bool memory = argc > 1 && strcmp(argv[1], "--memory") == 0;
    if (!write_ptx()) return perror(ptx_path), 1;
    int any = in_child(any_device);
    CHECK(any == 0 || any == SKIP);
    if (any == 0 && memory) test_memory_alone();
    if (any == 0 && !memory) {
        CHECK(in_child(device_is_lost) == 0);
        test_all();
    }
    if (any == 0) printf("device_cuda: %d checks, %d failed\n", checks, failures);
    unlink(ptx_path);
    return any == SKIP ? SKIP : failures != 0;
}
