/* SPDX-License-Identifier: MIT */
/* Frames on the device under load: a simulation that writes every element each step and never waits, takers in threads of their own
   that read frames on streams of their own, hold them, or go away; every element of every frame is of one step. */
#include "base/thread.h"
#include "hard.h"

enum { LENGTH = 4096, FRAMES = 10000 / HARD_SLOW, TAKERS = 3 };

static const char source[] = "extern \"C\" __global__ void copy(int n, const unsigned *from, unsigned *to) {"
                             "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) to[i] = from[i]; }";

static gpumm_manager *m;
static gpumm_kernel *copy;
static atomic_bool over;

typedef struct taker {
    gpumm_readback *readback;
    uint64_t taken;
    dice dice;
} taker;

static void launch(gpumm_frame *f, gpumm_stream *s, gpumm_buffer *to) {
    int n = LENGTH;
    gpumm_argument arguments[] = {{.value = &n, .size = sizeof n}, {.frame = f}, {.buffer = to}};
    CHECK_OK(gpumm_kernel_launch(copy, s, 0, arguments, 3));
}

static void check_all(const uint32_t *seen, int64_t step) {
    for (int i = 0; i < LENGTH; i++) CHECK(seen[i] == (uint32_t)step);
}

/* The kernel reads it; the frame ends at once, before the kernel need have run. */
static void read_one(taker *t, gpumm_stream *s, gpumm_buffer *to, uint32_t *seen) {
    gpumm_frame *f;
    gpumm_frame_info info;
    gpumm_status status = gpumm_readback_next(t->readback, &f);
    CHECK_OK(status);
    if (!f) return;
    gpumm_frame_get_info(f, &info);
    if (below(&t->dice, 8) == 0) {
        CHECK_OK(gpumm_frame_download(f, s, 0, seen));
        gpumm_frame_close(f);
    } else {
        launch(f, s, to);
        gpumm_frame_close(f);
        CHECK_OK(gpumm_buffer_download(to, s, 0, LENGTH, seen));
    }
    check_all(seen, info.step);
    gpumm_frame_release(f);
    t->taken++;
}

static void *take_all(void *user) {
    taker *t = user;
    static _Thread_local uint32_t seen[LENGTH];
    gpumm_stream *s;
    gpumm_buffer *to;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = LENGTH}, &to));
    while (!atomic_load(&over)) read_one(t, s, to, seen);
    gpumm_buffer_release(to);
    gpumm_stream_release(s);
    return NULL;
}

/* One slot for what is captured, one for what arrived; a taker has one, and one that its kernel reads still. */
static void flows(void) {
    gpumm_buffer *b;
    taker takers[TAKERS];
    pthread_t threads[TAKERS];
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = LENGTH}, &b));
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (taker){.dice = dice_of((uint64_t)i + 1)};
        CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b,
                                                               .buffer_count = 1,
                                                               .slots = 4,
                                                               .busy = i ? GPUMM_BUSY_NEWEST : GPUMM_BUSY_DROP,
                                                               .where = GPUMM_FRAMES_ON_DEVICE},
                                     &takers[i].readback));
        CHECK(pthread_create(&threads[i], NULL, take_all, &takers[i]) == 0);
    }
    uint64_t refused = 0;
    for (uint32_t step = 1; step <= FRAMES; step++) {
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, LENGTH, &step));
        for (int i = 0; i < TAKERS; i++) {
            gpumm_status status = gpumm_readback_capture(takers[i].readback, NULL, step, NULL);
            CHECK(status == GPUMM_OK || status == GPUMM_BUSY);
            refused += status == GPUMM_BUSY;
        }
        if (step % 64 == 0) CHECK_OK(gpumm_stream_synchronize(gpumm_manager_main(m)));
    }
    CHECK_OK(gpumm_manager_synchronize(m));
    gpumm__clock_sleep_ns(20000000);
    atomic_store(&over, true);
    uint64_t dropped = 0;
    for (int i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(takers[i].taken > 0);
        dropped += gpumm_readback_dropped(takers[i].readback);
        gpumm_readback_release(takers[i].readback);
    }
    CHECK(refused <= dropped);
    gpumm_buffer_release(b);
}

/* A readback that closes, with its manager or before it, while kernels read frames of it that have ended or not. */
static void closes_under_readers(void) {
    for (int round = 0; round < 6; round++) {
        gpumm_buffer *b, *to;
        gpumm_readback *r;
        gpumm_stream *s;
        gpumm_frame *f;
        CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = LENGTH}, &b));
        CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = LENGTH}, &to));
        CHECK_OK(gpumm_stream_open(m, &s));
        CHECK_OK(gpumm_readback_open(
            &(gpumm_readback_options){.buffers = &b, .buffer_count = 1, .where = GPUMM_FRAMES_ON_DEVICE}, &r));
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, LENGTH, &(uint32_t){77}));
        CHECK_OK(gpumm_readback_capture(r, NULL, 1, NULL));
        CHECK_OK(gpumm_readback_wait(r, 0, -1, &f));
        CHECK_OK(gpumm_fault_hold(m, "launch"));
        launch(f, s, to);
        if (round % 2) gpumm_frame_close(f);
        if (round % 3 == 0) gpumm_readback_close(r);
        if (round % 3 == 1) CHECK_OK(gpumm_buffer_close(b));
        gpumm_frame_release(f);
        gpumm_readback_release(r);
        CHECK_OK(gpumm_fault_resume(m, NULL));
        static uint32_t seen[LENGTH];
        CHECK_OK(gpumm_buffer_download(to, s, 0, LENGTH, seen));
        check_all(seen, 77);
        gpumm_stream_release(s);
        gpumm_buffer_release(b);
        gpumm_buffer_release(to);
    }
}

int main(void) {
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .inject_faults = true}, &m));
    CHECK_OK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source}, &copy));
    flows();
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.jitter = 3}));
    closes_under_readers();
    gpumm_kernel_release(copy);
    close_and_check(m);
    return 0;
}
