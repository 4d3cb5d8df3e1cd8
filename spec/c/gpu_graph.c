/* SPDX-License-Identifier: MIT */
/* CUDA graphs over gpumm's memory, on a real GPU: captured before a growth and replayed after it over the new
   memory, on a stream of gpumm's and on one that the application brought; what is refused while a stream captures,
   and that a refusal changes nothing; and that nothing gpumm does breaks the capture of another thread.
   Tagged gpu: without a device it says so and returns 77. */
#include <cuda.h>

#include "driver_entries.h"
#include "gpu.h"

/* ---- What gpumm does not offer, from the driver itself ---------------------------------------- */

typedef struct graph_calls {
    CUresult(CUDAAPI *device_get)(CUdevice *device, int ordinal);
    CUresult(CUDAAPI *retain)(CUcontext *context, CUdevice device);
    CUresult(CUDAAPI *release)(CUdevice device);
    CUresult(CUDAAPI *push)(CUcontext context);
    CUresult(CUDAAPI *pop)(CUcontext *context);
    CUresult(CUDAAPI *stream_create)(CUstream *stream, unsigned flags);
    CUresult(CUDAAPI *stream_destroy)(CUstream stream);
    CUresult(CUDAAPI *is_capturing)(CUstream stream, CUstreamCaptureStatus *status);
    CUresult(CUDAAPI *begin)(CUstream stream, CUstreamCaptureMode mode);
    CUresult(CUDAAPI *end)(CUstream stream, CUgraph *graph);
    CUresult(CUDAAPI *instantiate)(CUgraphExec *exec, CUgraph graph, unsigned long long flags);
    CUresult(CUDAAPI *launch)(CUgraphExec exec, CUstream stream);
    CUresult(CUDAAPI *exec_destroy)(CUgraphExec exec);
    CUresult(CUDAAPI *graph_destroy)(CUgraph graph);
} graph_calls;

static graph_calls cu;
static CUcontext context;

#define CUDA(call) CHECK((call) == CUDA_SUCCESS)

static void driver_find(void) {
    const char *name = getenv("GPUMM_LIBCUDA");
    void *library = library_open(name && *name ? name : "libcuda.so.1");
    library_entry(library, "cuDeviceGet", &cu.device_get);
    library_entry(library, "cuDevicePrimaryCtxRetain", &cu.retain);
    library_entry(library, "cuDevicePrimaryCtxRelease_v2", &cu.release);
    library_entry(library, "cuCtxPushCurrent_v2", &cu.push);
    library_entry(library, "cuCtxPopCurrent_v2", &cu.pop);
    library_entry(library, "cuStreamCreate", &cu.stream_create);
    library_entry(library, "cuStreamDestroy_v2", &cu.stream_destroy);
    library_entry(library, "cuStreamIsCapturing", &cu.is_capturing);
    library_entry(library, "cuStreamBeginCapture_v2", &cu.begin);
    library_entry(library, "cuStreamEndCapture", &cu.end);
    library_entry(library, "cuGraphInstantiateWithFlags", &cu.instantiate);
    library_entry(library, "cuGraphLaunch", &cu.launch);
    library_entry(library, "cuGraphExecDestroy", &cu.exec_destroy);
    library_entry(library, "cuGraphDestroy", &cu.graph_destroy);
}

/* The primary context, which managers share, current in this thread throughout. */
static void context_enter(void) {
    CUdevice device;
    CUDA(cu.device_get(&device, 0));
    CUDA(cu.retain(&context, device));
    CUDA(cu.push(context));
}

static void context_leave(void) {
    CUcontext popped;
    CUdevice device;
    CUDA(cu.pop(&popped));
    CHECK(popped == context); /* every call of gpumm put it back */
    CUDA(cu.device_get(&device, 0));
    CUDA(cu.release(device));
}

static CUgraphExec end_capture(CUstream native) {
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    CUDA(cu.end(native, &graph));
    CHECK(graph != NULL);
    CUDA(cu.instantiate(&exec, graph, 0));
    CUDA(cu.graph_destroy(graph));
    return exec;
}

static void check_capturing(CUstream native) {
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
    CUDA(cu.is_capturing(native, &status));
    CHECK(status == CU_STREAM_CAPTURE_STATUS_ACTIVE); /* and not invalidated */
}

/* ---- A graph captured before a growth --------------------------------------------------------- */

enum { SMALL = 1 << 20, LARGE = 40 << 20, HUGE_LENGTH = 60 << 20 };

/* Says to the graph's kernel how far to write, and what. */
static void steer(gpumm_buffer *control, gpumm_stream *s, uint32_t length, uint32_t from) {
    CHECK_OK(gpumm_buffer_upload(control, s, 0, 2, (uint32_t[]){length, from}));
}

static void grow_under(gpumm_buffer *data, gpumm_stream *s, uint64_t length) {
    gpumm_buffer_info before = gpu_info(data);
    CHECK_OK(gpumm_buffer_ensure_capacity(data, length));
    CHECK_OK(gpumm_buffer_resize(data, s, length));
    CHECK(gpu_info(data).address == before.address);
    CHECK(gpu_info(data).generation == 1);
}

static void graph_over_growth(bool wrapped) {
    gpumm_manager *m = gpu_open((gpumm_options){0});
    gpumm_kernel *follow = gpu_kernel(m, "follow");
    gpumm_buffer *data = gpu_buffer(m, "data", SMALL, HUGE_LENGTH), *control = gpu_buffer(m, "control", 2, 2);
    gpumm_stream *s;
    CUstream native = NULL;
    gpumm_argument a[] = {BUFFER(data), BUFFER(control)};
    if (wrapped) CUDA(cu.stream_create(&native, CU_STREAM_NON_BLOCKING));
    if (wrapped) CHECK_OK(gpumm_stream_wrap(m, native, &s));
    else CHECK_OK(gpumm_stream_open(m, &s));
    native = gpumm_stream_native(s);
    steer(control, s, SMALL, 7);
    CHECK_OK(gpumm_kernel_launch(follow, s, HUGE_LENGTH, a, 2)); /* from now on this stream is their last user */
    gpu_check_line(data, s, SMALL, 7, 1);
    CUDA(cu.begin(native, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CHECK_OK(gpumm_kernel_launch(follow, s, HUGE_LENGTH, a, 2));
    CHECK_OK(gpumm_buffer_ensure_capacity(data, LARGE)); /* of the capturing stream's buffer, but not on the stream */
    check_capturing(native);
    CUgraphExec exec = end_capture(native);
    grow_under(data, s, LARGE);
    gpu_check_line(data, s, SMALL, 7, 1); /* kept; the capture wrote nothing */
    gpu_check_uniform(data, s, SMALL, LARGE - SMALL, 0);
    steer(control, s, LARGE, 1000);
    CUDA(cu.launch(exec, native));
    gpu_check_line(data, NULL, LARGE, 1000, 1); /* on the main stream, which waits for this one */
    steer(control, s, LARGE, 5000);
    for (int i = 0; i < 20; i++) CUDA(cu.launch(exec, native));
    grow_under(data, s, HUGE_LENGTH); /* under replays */
    steer(control, s, HUGE_LENGTH, 9000);
    CUDA(cu.launch(exec, native));
    gpu_check_line(data, s, HUGE_LENGTH, 9000, 1);
    CUDA(cu.exec_destroy(exec));
    check_books(m, NULL);
    gpumm_kernel_release(follow);
    gpumm_buffer_release(data);
    gpumm_buffer_release(control);
    gpumm_stream_release(s);
    close_and_check(m);
    if (wrapped) CUDA(cu.stream_destroy(native));
    printf("gpu_graph: replayed over memory from after the capture, on a stream %s\n",
           wrapped ? "of the application's" : "of ours");
}

/* ---- What is refused meanwhile ---------------------------------------------------------------- */

enum { N = 1000000 };

typedef struct stage {
    gpumm_manager *m;
    gpumm_kernel *add;
    gpumm_buffer *named, *other; /* used on the stream, and not */
    gpumm_group *group;
    gpumm_readback *readback;
    gpumm_stream *s;
    gpumm_event *event;
    CUstream native;
    uint32_t *data;
} stage;

static stage stage_open(void) {
    stage x = {.m = gpu_open((gpumm_options){0})};
    gpumm_kernel *number = gpu_kernel(x.m, "number");
    x.add = gpu_kernel(x.m, "add");
    x.named = gpu_buffer(x.m, "named", N, 8 * N);
    x.other = gpu_buffer(x.m, "other", N, 8 * N);
    x.group = gpu_group(x.m, "pair", N, 8 * N);
    x.readback = gpu_readback(x.group, 2, false);
    x.data = calloc(2 * N, 4);
    CHECK_OK(gpumm_stream_open(x.m, &x.s));
    x.native = gpumm_stream_native(x.s);
    gpu_number(number, x.s, x.named, N, 3);
    gpu_number(number, x.s, gpumm_group_at(x.group, 0), N, 5);
    gpu_number(number, x.s, gpumm_group_at(x.group, 1), N, 5);
    gpu_number(number, NULL, x.other, N, 7);
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(x.m), &x.event));
    gpu_add(x.add, x.s, x.named, N, 0); /* loaded, and both known to the stream */
    gpumm_kernel_release(number);
    gpu_check_line(x.other, NULL, N, 0, 7); /* the block for transfers is there from now on */
    gpu_check_line(x.named, x.s, N, 0, 3);
    check_books(x.m, NULL);
    return x;
}

static void stage_close(stage *x) {
    check_books(x->m, NULL);
    gpumm_event_release(x->event);
    gpumm_readback_release(x->readback);
    gpumm_group_release(x->group);
    gpumm_kernel_release(x->add);
    gpumm_buffer_release(x->named);
    gpumm_buffer_release(x->other);
    gpumm_stream_release(x->s);
    free(x->data);
    close_and_check(x->m);
}

static void check_unchanged(stage *x, const gpumm_stats *before, const gpumm_buffer_info *info) {
    gpumm_stats now;
    gpumm_buffer_info after = gpu_info(x->named);
    gpumm_manager_get_stats(x->m, &now);
    CHECK(now.used_bytes == before->used_bytes);
    CHECK(now.total_allocated_bytes == before->total_allocated_bytes);
    CHECK(now.buffer_count == before->buffer_count);
    CHECK(now.resize_count == before->resize_count);
    CHECK(now.async_transfer_count == before->async_transfer_count);
    CHECK(now.committed_bytes == before->committed_bytes);
    CHECK(after.length == info->length);
    CHECK(after.capacity == info->capacity);
    CHECK(after.address == info->address);
    CHECK(after.generation == info->generation);
}

#define REFUSED(call) \
    do { \
        CHECK_STATUS(call, GPUMM_BUSY); \
        CHECK_SAYS("capturing"); \
        check_unchanged(x, before, info); \
        check_capturing(x->native); \
    } while (0)

static void refuse_contents(stage *x, const gpumm_stats *before, const gpumm_buffer_info *info) {
    REFUSED(gpumm_buffer_upload(x->named, x->s, 0, N, x->data));
    REFUSED(gpumm_buffer_upload(x->other, x->s, 0, N, x->data));
    REFUSED(gpumm_buffer_upload(x->named, NULL, 0, N, x->data)); /* it would have to wait for the stream */
    REFUSED(gpumm_buffer_download(x->named, x->s, 0, N, x->data));
    REFUSED(gpumm_buffer_fill(x->named, x->s, 0, N, &(uint32_t){1}));
    REFUSED(gpumm_buffer_copy(x->named, x->s, 0, x->other, 0, N));
    REFUSED(gpumm_scan(x->m, x->s, N, &(gpumm_scan_options){.from = x->named}));
    REFUSED(gpumm_readback_capture(x->readback, x->s, 1, NULL));
    REFUSED(gpumm_readback_capture(x->readback, NULL, 1, NULL)); /* the stream that wrote last is this one */
}

static void refuse_sizes(stage *x, const gpumm_stats *before, const gpumm_buffer_info *info) {
    gpumm_buffer *fresh = NULL;
    REFUSED(gpumm_buffer_resize(x->named, x->s, 4 * N));
    REFUSED(gpumm_buffer_append(x->named, x->s, N, x->data));
    REFUSED(gpumm_group_resize(x->group, x->s, 4 * N));
    REFUSED(gpu_make(x->m, "fresh", N, 2 * N, x->s, &fresh));
    CHECK(fresh == NULL);
    CHECK_STATUS(gpumm_manager_find(x->m, "fresh", NULL, &fresh), GPUMM_NOT_FOUND);
    REFUSED(gpumm_buffer_shrink_to_fit(x->named));
    REFUSED(gpumm_buffer_close(x->named));
    REFUSED(gpumm_manager_free(x->m, "named"));
    REFUSED(gpumm_group_close(x->group));
}

static void refuse_waiting(stage *x, const gpumm_stats *before, const gpumm_buffer_info *info) {
    bool idle;
    gpumm_event *e = NULL;
    REFUSED(gpumm_stream_synchronize(x->s));
    REFUSED(gpumm_stream_idle(x->s, &idle));
    REFUSED(gpumm_stream_record(x->s, &e));
    REFUSED(gpumm_stream_wait(x->s, x->event));
    REFUSED(gpumm_manager_synchronize(x->m));
    CHECK(e == NULL);
}

/* All of it works again, and what the graph holds is the launch alone. */
static void allowed_again(stage *x, CUgraphExec exec) {
    gpumm_frame *f;
    const void *data;
    gpu_check_line(x->named, NULL, N, 0, 3);
    CUDA(cu.launch(exec, x->native));
    gpu_check_line(x->named, x->s, N, 10, 3);
    gpu_check_line(x->other, x->s, N, 0, 7);
    CHECK_OK(gpumm_readback_capture(x->readback, x->s, 1, NULL));
    CHECK_OK(gpumm_readback_wait(x->readback, 0, 60, &f));
    CHECK_OK(gpumm_frame_data(f, 1, &data));
    for (uint32_t i = 0; i < N; i++) CHECK(((const uint32_t *)data)[i] == 5 * i);
    gpumm_frame_release(f);
    CHECK_OK(gpumm_buffer_resize(x->named, x->s, 4 * N));
    gpu_check_uniform(x->named, x->s, N, 3 * N, 0);
    CHECK_OK(gpumm_buffer_upload(x->named, x->s, 0, N, x->data));
    gpu_check_uniform(x->named, NULL, 0, N, 0);
    CHECK_OK(gpumm_buffer_shrink_to_fit(x->named));
    CUDA(cu.exec_destroy(exec)); /* before the memory that it writes goes */
    CHECK_OK(gpumm_manager_free(x->m, "named"));
}

static void test_refusals(void) {
    stage x = stage_open();
    gpumm_stats before;
    gpumm_manager_get_stats(x.m, &before);
    gpumm_buffer_info info = gpu_info(x.named);
    CUDA(cu.begin(x.native, CU_STREAM_CAPTURE_MODE_GLOBAL));
    refuse_contents(&x, &before, &info);
    refuse_sizes(&x, &before, &info);
    refuse_waiting(&x, &before, &info);
    gpu_add(x.add, x.s, x.named, N, 10); /* a launch is what a graph is for */
    allowed_again(&x, end_capture(x.native));
    stage_close(&x);
    printf("gpu_graph: refusals while a stream captures change nothing\n");
}

/* ---- The capture of another thread ------------------------------------------------------------ */

static uint64_t nonce;

/* A source that no cache has is compiled and loaded. */
static void compile_anew(gpumm_manager *m) {
    char source[256];
    gpumm_kernel *k;
    snprintf(source, sizeof source,
             "/* %llu */ extern \"C\" __global__ void k(int n, unsigned *p) { if (n > 0) p[0] = n; }",
             (unsigned long long)(nonce++ + (uint64_t)(seconds_now() * 1e6)));
    CHECK_OK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "anew.cu"}, &k));
    gpumm_kernel_release(k);
}

/* All that a manager does, but for the stream that captures. */
static void be_busy(gpumm_manager *m) {
    gpumm_kernel *number = gpu_kernel(m, "number");
    gpumm_buffer *b = gpu_buffer(m, NULL, N, 8 * N);
    gpumm_group *g = gpu_group(m, "busy", N, 8 * N);
    gpumm_readback *r = gpu_readback(g, 2, false);
    gpumm_stream *s;
    gpumm_frame *f;
    gpumm_event *e;
    const void *data;
    CHECK_OK(gpumm_stream_open(m, &s));
    gpu_number(number, s, b, N, 9);
    CHECK_OK(gpumm_buffer_resize(b, s, 4 * N));
    CHECK_OK(gpumm_group_ensure_capacity(g, 6 * N));
    gpu_number(number, NULL, gpumm_group_at(g, 1), N, 11);
    CHECK_OK(gpumm_readback_capture(r, s, 1, NULL));
    CHECK_OK(gpumm_readback_wait(r, 0, 60, &f));
    CHECK_OK(gpumm_frame_data(f, 1, &data));
    for (uint32_t i = 0; i < N; i++) CHECK(((const uint32_t *)data)[i] == 11 * i);
    gpumm_frame_release(f);
    gpu_check_line(b, NULL, N, 0, 9);
    CHECK_OK(gpumm_stream_record(s, &e));
    CHECK_OK(gpumm_event_wait(e, 60));
    gpumm_event_release(e);
    CHECK_OK(gpumm_stream_synchronize(s));
    compile_anew(m);
    gpumm_readback_release(r);
    CHECK_OK(gpumm_group_close(g));
    gpumm_group_release(g);
    gpumm_buffer_release(b);
    gpumm_stream_release(s);
    gpumm_kernel_release(number);
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK_OK(gpumm_manager_poll(m));
}

static void *busy_with(void *user) {
    stage *x = user;
    be_busy(x->m);
    for (int relocate = 0; relocate < 2; relocate++) { /* and a second manager, with its probes and its close */
        gpumm_manager *second = gpu_open((gpumm_options){.relocate = relocate});
        be_busy(second);
        close_and_check(second);
    }
    return NULL;
}

static void test_other_threads(CUstreamCaptureMode mode) {
    stage x = stage_open();
    pthread_t thread;
    CUDA(cu.begin(x.native, mode));
    gpu_add(x.add, x.s, x.named, N, 1);
    CHECK(pthread_create(&thread, NULL, busy_with, &x) == 0);
    for (int i = 0; i < 100; i++) gpu_add(x.add, x.s, x.named, N, 1); /* meanwhile */
    CHECK(pthread_join(thread, NULL) == 0);
    check_capturing(x.native);
    busy_with(&x); /* in the capturing thread too */
    check_capturing(x.native);
    CUgraphExec exec = end_capture(x.native);
    CUDA(cu.launch(exec, x.native));
    gpu_check_line(x.named, NULL, N, 101, 3);
    CUDA(cu.exec_destroy(exec));
    stage_close(&x);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gpumm_manager *base = gpu_open((gpumm_options){0});
    if (!base) return GPU_SKIP;
    driver_find();
    context_enter();
    graph_over_growth(false);
    graph_over_growth(true);
    test_refusals();
    test_other_threads(CU_STREAM_CAPTURE_MODE_GLOBAL);
    test_other_threads(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    test_other_threads(CU_STREAM_CAPTURE_MODE_RELAXED);
    printf("gpu_graph: captures of other threads are not broken\n");
    context_leave();
    close_and_check(base);
    return 0;
}
