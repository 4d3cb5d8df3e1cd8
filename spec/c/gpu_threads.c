/* SPDX-License-Identifier: MIT */
/* Ten threads on one manager of a real GPU, each launching, growing and capturing on a stream and a buffer of
   its own, and all of them on a shared buffer and a shared group. Contents are verified throughout. */
#include "gpu.h"

enum { THREADS = 10, ACTS = 400, LONGEST = 200000, SHARED = 50000, SHARED_MOST = 4000000, PAIRS = 20000 };
static const uint32_t FACTOR = 2654435761u;

static gpumm_manager *m;
static gpumm_kernel *add, *number, *stamp;
static gpumm_buffer *shared; /* element i is always i x FACTOR */
static gpumm_group *group;   /* both members uniform and the same, at every moment */
static gpumm_readback *readback;
static atomic_ulong frames, shared_frames; /* verified: all, and of the group that all share */

typedef struct worker_state {
    uint32_t id;
    dice d;
    gpumm_buffer *own;
    gpumm_readback *watch;
    gpumm_stream *stream;
    uint64_t length;
    uint32_t *model, *got;
} worker_state;

/* ---- On its own buffer ----------------------------------------------------------------------- */

static void own_launch(worker_state *w) {
    uint64_t n = 1 + below(&w->d, w->length);
    uint32_t more = (uint32_t)roll(&w->d);
    gpu_add(add, w->stream, w->own, n, more);
    for (uint64_t i = 0; i < n; i++) w->model[i] += more;
}

static void own_resize(worker_state *w) {
    uint64_t length = 1 + below(&w->d, LONGEST);
    CHECK_OK(gpumm_buffer_resize(w->own, w->stream, length));
    if (length > w->length) memset(w->model + w->length, 0, (length - w->length) * 4);
    w->length = length;
    if (below(&w->d, 8) == 0) CHECK_OK(gpumm_buffer_shrink_to_fit(w->own));
}

static void own_verify(worker_state *w) {
    CHECK_OK(gpumm_buffer_download(w->own, w->stream, 0, w->length, w->got));
    CHECK(memcmp(w->got, w->model, w->length * 4) == 0);
}

/* The frame is of before the launch that follows it. */
static void own_capture(worker_state *w) {
    gpumm_frame *f;
    gpumm_frame_info info;
    const void *data;
    CHECK_OK(gpumm_readback_capture(w->watch, w->stream, w->id, NULL));
    gpu_add(add, w->stream, w->own, w->length, 5);
    CHECK_OK(gpumm_readback_wait(w->watch, 0, 60, &f));
    gpumm_frame_get_info(f, &info);
    CHECK(info.length == w->length);
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(memcmp(data, w->model, w->length * 4) == 0);
    for (uint64_t i = 0; i < w->length; i++) w->model[i] += 5;
    gpumm_frame_close(f);
    gpumm_frame_release(f);
    atomic_fetch_add(&frames, 1);
}

/* ---- On what all share ----------------------------------------------------------------------- */

static void shared_grow(worker_state *w) {
    uint64_t capacity = SHARED + below(&w->d, SHARED_MOST - SHARED);
    CHECK_OK(gpumm_buffer_ensure_capacity(shared, capacity));
    if (below(&w->d, 4) == 0) CHECK_OK(gpumm_buffer_shrink_to_fit(shared));
}

static void shared_write(worker_state *w) { gpu_number(number, w->stream, shared, SHARED, FACTOR); }

static void shared_read(worker_state *w) { gpu_check_line(shared, w->stream, SHARED, 0, FACTOR); }

static void group_frame(gpumm_frame *f) {
    const void *data[2];
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    if (gpumm_frame_keep(f) != GPUMM_OK) return; /* another thread has had the next one */
    for (size_t i = 0; i < 2; i++) CHECK_OK(gpumm_frame_data(f, i, &data[i]));
    CHECK(info.length == PAIRS);
    CHECK(gpu_uniform(data[0], PAIRS, *(const uint32_t *)data[0]));
    CHECK(memcmp(data[0], data[1], PAIRS * 4) == 0);
    atomic_fetch_add(&frames, 1);
    atomic_fetch_add(&shared_frames, 1);
}

static void group_step(worker_state *w) {
    uint64_t n = PAIRS;
    uint32_t step = (uint32_t)roll(&w->d);
    gpumm_frame *f = NULL;
    gpumm_argument a[] = {VALUE(n), BUFFER(gpumm_group_at(group, 0)), BUFFER(gpumm_group_at(group, 1)), VALUE(step)};
    CHECK_OK(gpumm_kernel_launch(stamp, w->stream, 0, a, 4));
    gpumm_status status = gpumm_readback_capture(readback, below(&w->d, 2) ? w->stream : NULL, 1, NULL);
    if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_BUSY);
    CHECK_OK(gpumm_readback_next(readback, &f));
    if (f) group_frame(f);
    gpumm_frame_release(f);
}

static void group_grow(worker_state *w) {
    CHECK_OK(gpumm_group_ensure_capacity(group, PAIRS + below(&w->d, 30 * PAIRS)));
}

static void look_around(worker_state *w) {
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes >= (SHARED + 2 * PAIRS) * 4);
    CHECK_OK(gpumm_manager_poll(m));
    if (below(&w->d, 4) == 0) CHECK_OK(gpumm_manager_trim(m, NULL));
}

/* ---- The threads ----------------------------------------------------------------------------- */

static void own_open(worker_state *w) {
    w->model = calloc(LONGEST, 4);
    w->got = malloc(LONGEST * 4);
    CHECK(w->model && w->got);
    w->length = 1000;
    CHECK_OK(gpumm_stream_open(m, &w->stream));
    CHECK_OK(gpu_make(m, NULL, w->length, LONGEST, w->stream, &w->own));
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &w->own, .buffer_count = 1}, &w->watch));
}

static void own_close(worker_state *w) {
    own_verify(w);
    gpumm_readback_release(w->watch);
    gpumm_buffer_release(w->own);
    gpumm_stream_release(w->stream);
    free(w->model);
    free(w->got);
}

static void *work(void *user) {
    static void (*const acts[])(worker_state * w) = {own_launch,  own_launch,  own_resize,   own_verify,
                                                     own_capture, shared_grow, shared_write, shared_read,
                                                     group_step,  group_step,  group_grow,   look_around};
    worker_state *w = user;
    own_open(w);
    for (int i = 0; i < ACTS; i++) acts[below(&w->d, sizeof acts / sizeof *acts)](w);
    own_close(w);
    return NULL;
}

static void run(bool relocate) {
    worker_state states[THREADS] = {{0}};
    pthread_t threads[THREADS];
    m = gpu_open((gpumm_options){.relocate = relocate});
    add = gpu_kernel(m, "add");
    number = gpu_kernel(m, "number");
    stamp = gpu_kernel(m, "stamp");
    shared = gpu_buffer(m, "shared", SHARED, SHARED_MOST);
    gpu_number(number, NULL, shared, SHARED, FACTOR);
    group = gpu_group(m, "pair", PAIRS, 40 * PAIRS);
    readback = gpu_readback(group, 4, false);
    for (uint32_t i = 0; i < THREADS; i++) {
        states[i] = (worker_state){.id = i, .d = dice_of(100 + i)};
        CHECK(pthread_create(&threads[i], NULL, work, &states[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    gpu_check_line(shared, NULL, SHARED, 0, FACTOR);
    check_books(m, NULL);
    gpumm_readback_release(readback);
    gpumm_group_release(group);
    gpumm_buffer_release(shared);
    gpumm_kernel_release(add);
    gpumm_kernel_release(number);
    gpumm_kernel_release(stamp);
    close_and_check(m);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gpumm_manager *base = gpu_open((gpumm_options){0});
    if (!base) return GPU_SKIP;
    run(false);
    printf("gpu_threads: %d threads in place, %lu frames verified\n", THREADS, atomic_load(&frames));
    run(true);
    printf("gpu_threads: and relocating, %lu frames verified, %lu of them of the shared group\n", atomic_load(&frames),
           atomic_load(&shared_frames));
    CHECK(atomic_load(&frames) > 100);
    CHECK(atomic_load(&shared_frames) > 10);
    close_and_check(base);
    return 0;
}
