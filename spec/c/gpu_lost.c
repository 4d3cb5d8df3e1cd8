/* SPDX-License-Identifier: MIT */
/* A lost device: a kernel writes far out of bounds, in a child process that is forked before any use of CUDA.
   From then on every call that needs the device says DEVICE_LOST with its cause, on every manager of the
   device; frames, sizes and books stay readable, nothing hangs, and close brings the books to zero. Tagged
   gpu: without a device it says so and returns 77. */
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

enum { N = 500000, PATIENCE = 120 };
static const uint64_t FAR = 1ull << 42; /* elements: no memory of anybody's */

typedef struct rig {
    gpumm_manager *m;
    gpumm_kernel *number, *wild;
    gpumm_buffer *b;
    gpumm_group *g;
    gpumm_readback *r;
    gpumm_stream *s;
    gpumm_event *e;
    gpumm_frame *kept;
    uint32_t *data;
} rig;

static rig rig_open(bool relocate) {
    rig x = {.m = gpu_open((gpumm_options){.relocate = relocate}), .data = calloc(N, 4)};
    x.number = gpu_kernel(x.m, "number");
    x.wild = gpu_kernel(x.m, "wild");
    x.b = gpu_buffer(x.m, "b", N, 8 * N);
    x.g = gpu_group(x.m, "pair", N, 8 * N);
    x.r = gpu_readback(x.g, 3, false);
    CHECK_OK(gpumm_stream_open(x.m, &x.s));
    gpu_number(x.number, NULL, x.b, N, 3);
    gpu_number(x.number, x.s, gpumm_group_at(x.g, 0), N, 5);
    gpu_number(x.number, x.s, gpumm_group_at(x.g, 1), N, 7);
    CHECK_OK(gpumm_readback_capture(x.r, NULL, 42, NULL));
    CHECK_OK(gpumm_readback_wait(x.r, 0, 60, &x.kept));
    CHECK_OK(gpumm_frame_keep(x.kept));
    CHECK_OK(gpumm_stream_record(x.s, &x.e));
    check_books(x.m, NULL);
    return x;
}

/* What has arrived before is there. */
static void check_frame(rig *x) {
    const void *data[2];
    gpumm_frame_info info;
    gpumm_frame_get_info(x->kept, &info);
    CHECK(gpumm_frame_valid(x->kept));
    CHECK(info.step == 42);
    CHECK(info.length == N);
    for (size_t i = 0; i < 2; i++) CHECK_OK(gpumm_frame_data(x->kept, i, &data[i]));
    for (uint32_t i = 0; i < N; i++) {
        CHECK(((const uint32_t *)data[0])[i] == 5 * i);
        CHECK(((const uint32_t *)data[1])[i] == 7 * i);
    }
}

#define LOST(call) \
    do { \
        CHECK_STATUS(call, GPUMM_DEVICE_LOST); \
        CHECK_SAYS("until the process ends, since "); \
    } while (0)

static void lose(rig *x) {
    int n = 1;
    uint64_t far = FAR;
    CHECK_OK(gpumm_kernel_launch(x->wild, x->s, 0, (gpumm_argument[]){VALUE(n), BUFFER(x->b), VALUE(far)}, 3));
    gpumm_ticket ticket = 0;
    gpumm_status status = gpumm_readback_capture(x->r, x->s, 43, &ticket); /* behind it; the news may be here already */
    if (status == GPUMM_OK) LOST(gpumm_readback_wait(x->r, ticket, 60, &(gpumm_frame *){NULL}));
    else CHECK_STATUS(status, GPUMM_DEVICE_LOST);
    LOST(gpumm_stream_synchronize(x->s));
    printf("    %s\n", gpumm_message());
}

static void contents_are_lost(rig *x) {
    LOST(gpumm_buffer_upload(x->b, NULL, 0, N, x->data));
    LOST(gpumm_buffer_download(x->b, x->s, 0, N, x->data));
    LOST(gpumm_buffer_fill(x->b, NULL, 0, N, &(uint32_t){1}));
    LOST(gpumm_buffer_copy(gpumm_group_at(x->g, 0), NULL, 0, gpumm_group_at(x->g, 1), 0, N));
    LOST(gpumm_kernel_launch(x->number, NULL, 0,
                             (gpumm_argument[]){VALUE((uint64_t){N}), BUFFER(x->b), VALUE((uint32_t){1})}, 3));
    LOST(gpumm_readback_capture(x->r, NULL, 44, NULL));
}

static void sizes_are_lost(rig *x) {
    gpumm_buffer *b = NULL;
    gpumm_readback *r = NULL;
    LOST(gpumm_buffer_resize(x->b, NULL, 6 * N));
    LOST(gpumm_buffer_ensure_capacity(x->b, 6 * N));
    LOST(gpumm_buffer_append(x->b, x->s, N, x->data));
    LOST(gpumm_group_resize(x->g, NULL, 6 * N));
    LOST(gpumm_group_ensure_capacity(x->g, 6 * N));
    LOST(gpu_make(x->m, "large", 4 * N, 4 * N, NULL, &b));
    LOST(gpu_make(x->m, "small", 10, 10, NULL, &b));
    LOST(gpumm_readback_open(&(gpumm_readback_options){.buffers = &x->b, .buffer_count = 1}, &r));
    CHECK(b == NULL && r == NULL);
}

static void time_is_lost(rig *x) {
    gpumm_stream *s = NULL;
    gpumm_event *e = NULL;
    gpumm_kernel *k = NULL;
    bool flag;
    LOST(gpumm_stream_open(x->m, &s));
    LOST(gpumm_stream_record(x->s, &e));
    LOST(gpumm_stream_wait(x->s, x->e));
    LOST(gpumm_stream_idle(x->s, &flag));
    LOST(gpumm_stream_synchronize(x->s));
    LOST(gpumm_event_ready(x->e, &flag));
    LOST(gpumm_event_wait(x->e, 60));
    LOST(gpumm_manager_synchronize(x->m));
    LOST(gpumm_kernel_open(x->m, &(gpumm_kernel_options){.source = gpu_source, .file = "gpu.cu", .name = "add"}, &k));
    CHECK(!s && !e && !k);
}

static void check_readable(rig *x, const gpumm_stats *before) {
    gpumm_stats now;
    gpumm_manager_get_stats(x->m, &now);
    CHECK(now.used_bytes == before->used_bytes);
    CHECK(now.total_allocated_bytes == before->total_allocated_bytes);
    CHECK(now.buffer_count == before->buffer_count);
    CHECK(gpu_info(x->b).length == N);
    CHECK(gpu_info(x->b).capacity == N);
    CHECK(gpumm_manager_blocks(x->m, NULL, NULL) > 0);
    CHECK(gpumm_manager_leaks(x->m, NULL, NULL) == 1);
    check_frame(x);
    gpumm_manager_poll(x->m); /* may have something to tell, and returns */
}

/* The kept frame lasts until its manager goes. */
static void rig_close(rig *x) {
    double start = seconds_now();
    CHECK_OK(gpumm_manager_trim(x->m, NULL));
    CHECK_OK(gpumm_manager_free(x->m, "b"));
    check_frame(x);
    gpumm_frame_release(x->kept);
    gpumm_event_release(x->e);
    gpumm_readback_release(x->r);
    gpumm_group_release(x->g);
    gpumm_buffer_release(x->b);
    gpumm_kernel_release(x->number);
    gpumm_kernel_release(x->wild);
    gpumm_stream_release(x->s);
    close_and_check(x->m);
    CHECK(seconds_now() - start < 30);
    free(x->data);
}

static int device_is_lost(bool relocate) {
    rig x = rig_open(relocate), y = rig_open(false);
    gpumm_stats in_x, in_y;
    gpumm_manager_get_stats(x.m, &in_x);
    gpumm_manager_get_stats(y.m, &in_y);
    lose(&x);
    rig *both[] = {&x, &y};
    for (int i = 0; i < 2; i++) {
        contents_are_lost(both[i]);
        sizes_are_lost(both[i]);
        time_is_lost(both[i]);
    }
    check_readable(&x, &in_x);
    check_readable(&y, &in_y);
    rig_close(&x);
    check_readable(&y, &in_y); /* also after the other's close */
    rig_close(&y);
    gpumm_manager *m = NULL;
    CHECK_STATUS(gpumm_manager_open(&(gpumm_options){.device = GPU_DEVICE}, &m), GPUMM_DEVICE_LOST);
    CHECK(m == NULL);
    return 0;
}

static int lost_in_place(void) { return device_is_lost(false); }
static int lost_relocating(void) { return device_is_lost(true); }

static int any_device(void) {
    gpumm_manager *m = gpu_open((gpumm_options){0});
    if (!m) return GPU_SKIP;
    close_and_check(m);
    return 0;
}

/* A child that hangs is ended by its alarm, and so fails. */
static int in_child(int (*test)(void)) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(PATIENCE);
        int result = test();
        fflush(NULL);
        _exit(result);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) fprintf(stderr, "gpu_lost: the child was ended by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int any = in_child(any_device);
    if (any != 0) return any;
    CHECK(in_child(lost_in_place) == 0);
    CHECK(in_child(lost_relocating) == 0);
    CHECK(in_child(any_device) == 0); /* another process finds the device well */
    printf("gpu_lost: a lost device is reported by every call, and goes in peace\n");
    return 0;
}
