/* SPDX-License-Identifier: MIT */
/* gpumm on a real GPU, through its public face: growth under kernels that write, buffers that cross streams,
   frames that must not be torn, two managers, ten threads, growth by copying, a full card. Tagged gpu:
   without a device it says so and returns 77. The device table itself is device_cuda.c's; graphs, failures
   and loss are gpu_graph.c's, gpu_faults.c's and gpu_lost.c's. */
#include "gpu.h"

static const char *now_testing = "";

static void begin(const char *what) {
    now_testing = what;
    printf("gpu: %s\n", what);
}

/* ---- Growth under kernels -------------------------------------------------------------------- */

enum { GROWTHS = 400, STEP = 700001 / GPU_SHRINK, BATCH = 8, LEAST_LAUNCHES = 4 };

/* One thread launches without a pause, each launch adding one to every element of the present length. */
typedef struct train {
    gpumm_buffer *buffer;
    gpumm_kernel *add;
    gpumm_stream *stream;
    pthread_mutex_t lock; /* the two below, and their order on the stream */
    uint64_t length;
    unsigned age;                   /* growths so far */
    uint64_t launches[GROWTHS + 1]; /* by age */
    atomic_ulong launched;
    atomic_bool stop;
} train;

static void train_launch(train *t) {
    pthread_mutex_lock(&t->lock);
    gpu_add(t->add, t->stream, t->buffer, t->length, 1);
    t->launches[t->age]++;
    pthread_mutex_unlock(&t->lock);
    atomic_fetch_add(&t->launched, 1);
}

/* At most two batches ahead of the device. */
static void *train_run(void *user) {
    train *t = user;
    gpumm_event *before = NULL;
    while (!atomic_load(&t->stop)) {
        gpumm_event *now;
        for (int i = 0; i < BATCH; i++) train_launch(t);
        CHECK_OK(gpumm_stream_record(t->stream, &now));
        if (before) CHECK_OK(gpumm_event_wait(before, 60));
        gpumm_event_release(before);
        before = now;
    }
    gpumm_event_release(before);
    return NULL;
}

static void await_launches(train *t, unsigned long wanted) {
    double end = seconds_now() + 120;
    while (atomic_load(&t->launched) < wanted) CHECK(seconds_now() < end);
}

/* Returns whether the device was at work when the capacity grew. */
static bool train_grow(train *t, const gpumm_buffer_info *first) {
    uint64_t length = (t->age + 2ull) * STEP;
    bool idle = true;
    await_launches(t, atomic_load(&t->launched) + LEAST_LAUNCHES);
    CHECK_OK(gpumm_stream_idle(t->stream, &idle));
    CHECK_OK(gpumm_buffer_ensure_capacity(t->buffer, length));
    gpumm_buffer_info info = gpu_info(t->buffer);
    CHECK(info.capacity == length);
    CHECK(info.address == first->address);
    CHECK(info.generation == 1);
    pthread_mutex_lock(&t->lock);
    CHECK_OK(gpumm_buffer_resize(t->buffer, t->stream, length));
    t->length = length;
    t->age++;
    pthread_mutex_unlock(&t->lock);
    return !idle;
}

/* What came in at an age was counted up by every launch since. */
static void train_verify(train *t) {
    uint64_t expected = 0, wrong = 0;
    for (unsigned age = GROWTHS + 1; age-- > 0;) {
        expected += t->launches[age];
        uint32_t *data = gpu_read(t->buffer, t->stream, (uint64_t)age * STEP, STEP);
        for (uint64_t i = 0; i < STEP; i++) wrong += data[i] != (uint32_t)expected;
        free(data);
    }
    CHECK(wrong == 0);
    printf("    %d growths, %llu launches, no element wrong\n", GROWTHS, (unsigned long long)expected);
}

static void test_growth(void) {
    gpumm_manager *m = gpu_open((gpumm_options){0});
    gpumm_device_info device;
    gpumm_stats before, after;
    pthread_t thread;
    train t = {.lock = PTHREAD_MUTEX_INITIALIZER, .length = STEP};
    begin("growth while kernels write");
    CHECK_OK(gpumm_manager_get_info(m, &device));
    CHECK(device.in_place);
    t.buffer = gpu_buffer(m, "growing", STEP, (GROWTHS + 1ull) * STEP);
    t.add = gpu_kernel(m, "add");
    CHECK_OK(gpumm_stream_open(m, &t.stream));
    gpumm_buffer_info first = gpu_info(t.buffer);
    gpumm_manager_get_stats(m, &before);
    CHECK(pthread_create(&thread, NULL, train_run, &t) == 0);
    unsigned under_work = 0;
    for (int i = 0; i < GROWTHS; i++) under_work += train_grow(&t, &first);
    atomic_store(&t.stop, true);
    CHECK(pthread_join(thread, NULL) == 0);
    gpumm_manager_get_stats(m, &after);
    CHECK(after.resize_count - before.resize_count == GROWTHS);
    CHECK(after.total_allocated_bytes == (GROWTHS + 1ull) * STEP * 4);
    train_verify(&t);
    printf("    the device was at work at %u of them\n", under_work);
    if (GPU_SHRINK == 1) CHECK(under_work > GROWTHS / 2);
    check_books(m, NULL);
    gpumm_kernel_release(t.add);
    gpumm_stream_release(t.stream);
    gpumm_buffer_release(t.buffer);
    close_and_check(m);
}

/* ---- Crossing streams ------------------------------------------------------------------------ */

enum { ROUNDS = 5000 / GPU_SHRINK, CROSSING = 300000 / GPU_SHRINK };

/* The first stream makes b of a, the second a of b, the third reads both before either is written anew: a and
   b count exactly, and the sum of their differences is the number of rounds. */
static void test_crossing(void) {
    gpumm_manager *m = gpu_open((gpumm_options){0});
    gpumm_kernel *next = gpu_kernel(m, "next"), *gather = gpu_kernel(m, "gather");
    gpumm_buffer *a = gpu_buffer(m, "a", CROSSING, 0), *b = gpu_buffer(m, "b", CROSSING, 0),
                 *sum = gpu_buffer(m, "sum", CROSSING, 0);
    gpumm_stream *s[3];
    uint64_t n = CROSSING;
    begin("writers on several streams");
    for (int i = 0; i < 3; i++) CHECK_OK(gpumm_stream_open(m, &s[i]));
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_OK(gpumm_kernel_launch(next, s[0], 0, (gpumm_argument[]){VALUE(n), BUFFER(b), BUFFER(a)}, 3));
        CHECK_OK(
            gpumm_kernel_launch(gather, s[2], 0, (gpumm_argument[]){VALUE(n), BUFFER(sum), BUFFER(b), BUFFER(a)}, 4));
        CHECK_OK(gpumm_kernel_launch(next, s[1], 0, (gpumm_argument[]){VALUE(n), BUFFER(a), BUFFER(b)}, 3));
    }
    gpu_check_uniform(a, NULL, 0, n, 2 * ROUNDS); /* on the main stream, which waits for the others */
    gpu_check_uniform(b, s[1], 0, n, 2 * ROUNDS - 1);
    gpu_check_uniform(sum, s[0], 0, n, ROUNDS);
    check_books(m, NULL);
    for (int i = 0; i < 3; i++) gpumm_stream_release(s[i]);
    gpumm_kernel_release(next);
    gpumm_kernel_release(gather);
    gpumm_buffer_release(a);
    gpumm_buffer_release(b);
    gpumm_buffer_release(sum);
    close_and_check(m);
}

/* ---- Tearing --------------------------------------------------------------------------------- */

enum { NODES = (1 << 20) / GPU_SHRINK, SLOTS = 4 };

/* The next frame in order: of its own step, uniform, and the same in both members. */
static void take_frame(gpumm_readback *r, gpumm_ticket ticket, uint64_t *taken) {
    gpumm_frame *f;
    gpumm_frame_info info;
    CHECK_OK(gpumm_readback_wait(r, ticket, 60, &f));
    gpumm_frame_get_info(f, &info);
    CHECK(info.step == (int64_t)ticket);
    CHECK(info.length == NODES);
    for (size_t i = 0; i < 2; i++) {
        const void *data;
        CHECK_OK(gpumm_frame_data(f, i, &data));
        CHECK(gpu_uniform(data, NODES, (uint32_t)info.step));
    }
    gpumm_frame_close(f);
    gpumm_frame_release(f);
    ++*taken;
}

static void tearing(uint32_t frames, bool direct) {
    gpumm_manager *m = gpu_open((gpumm_options){0});
    gpumm_kernel *stamp = gpu_kernel(m, "stamp");
    gpumm_group *g = gpu_group(m, "nodes", NODES, NODES);
    gpumm_readback *r = gpu_readback(g, SLOTS, direct);
    gpumm_stream *s;
    uint64_t n = NODES, taken = 0;
    double start = seconds_now();
    CHECK_OK(gpumm_stream_open(m, &s));
    for (uint32_t step = 1; step <= frames; step++) {
        gpumm_argument a[] = {VALUE(n), BUFFER(gpumm_group_at(g, 0)), BUFFER(gpumm_group_at(g, 1)), VALUE(step)};
        gpumm_ticket ticket = 0;
        CHECK_OK(gpumm_kernel_launch(stamp, s, 0, a, 4));
        gpumm_status status = gpumm_readback_capture(r, s, step, &ticket);
        if (status == GPUMM_BUSY) {
            take_frame(r, taken + 1, &taken);
            status = gpumm_readback_capture(r, s, step, &ticket);
        }
        CHECK_OK(status);
        CHECK(ticket == step);
    }
    while (taken < frames) take_frame(r, taken + 1, &taken);
    printf("    %u frames of 2 x %d elements, %s: none torn, %.1f s\n", frames, NODES, direct ? "direct" : "staged",
           seconds_now() - start);
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.async_transfer_count == frames);
    check_books(m, NULL);
    gpumm_stream_release(s);
    gpumm_readback_release(r);
    gpumm_group_release(g);
    gpumm_kernel_release(stamp);
    close_and_check(m);
}

static void test_tearing(void) {
    begin("frames are not torn");
    tearing(8000 / GPU_SHRINK, false);
    tearing(2000 / GPU_SHRINK, true);
}

/* ---- Two managers ---------------------------------------------------------------------------- */

enum { MI = (1 << 20) / 4 }; /* elements of a MiB */

static void check_used(gpumm_manager *m, uint64_t mib) {
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes == mib << 20);
}

static void refused(gpumm_manager *m, uint64_t mib, const char *words) {
    gpumm_buffer *b = NULL;
    CHECK_STATUS(gpu_make(m, "more", mib * MI, mib * MI, NULL, &b), GPUMM_OVER_LIMIT);
    CHECK_SAYS(words);
    CHECK(b == NULL);
}

/* Limits of 64 and 32 MiB, under a budget of 80. */
static void test_two_managers(void) {
    gpumm_budget *budget;
    begin("two managers on one device");
    CHECK_OK(gpumm_budget_open(80ull << 20, &budget));
    gpumm_manager *x = gpu_open((gpumm_options){.limit = 64ull << 20, .budget = budget});
    gpumm_manager *y = gpu_open((gpumm_options){.limit = 32ull << 20, .budget = budget});
    gpumm_kernel *in_x = gpu_kernel(x, "number"), *in_y = gpu_kernel(y, "number");
    gpumm_buffer *b = gpu_buffer(x, "b", 50 * MI, 60 * MI), *c = gpu_buffer(y, "c", 30 * MI, 64 * MI);
    gpu_number(in_x, NULL, b, 50 * MI, 3);
    gpu_number(in_y, NULL, c, 30 * MI, 5);
    refused(x, 15, "15.0 MiB more are over the limit"); /* its own */
    refused(x, 10, "several managers share");
    refused(y, 1, "several managers share");
    CHECK_STATUS(gpumm_buffer_ensure_capacity(b, 51 * MI), GPUMM_OVER_LIMIT);
    CHECK_STATUS(gpumm_kernel_launch(in_y, NULL, 1,
                                     (gpumm_argument[]){VALUE((uint64_t){1}), BUFFER(b), VALUE((uint32_t){1})}, 3),
                 GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm_budget_used(budget) == 80ull << 20);
    check_used(x, 50);
    check_used(y, 30);
    gpu_check_line(b, NULL, 50 * MI, 0, 3);
    gpu_check_line(c, NULL, 30 * MI, 0, 5);
    gpumm_kernel_release(in_x);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    refused(y, 3, "3.0 MiB more are over the limit"); /* now its own alone */
    CHECK_OK(gpumm_buffer_resize(c, NULL, 32 * MI));
    close_and_check(x);
    CHECK(gpumm_budget_used(budget) == 32ull << 20);
    gpu_check_line(c, NULL, 30 * MI, 0, 5); /* the other's close touched nothing */
    gpu_check_uniform(c, NULL, 30 * MI, 2 * MI, 0);
    check_books(y, budget);
    gpumm_kernel_release(in_y);
    gpumm_buffer_release(c);
    close_and_check(y);
    CHECK(gpumm_budget_used(budget) == 0);
    gpumm_budget_release(budget);
}

/* ---- Growth by copying ----------------------------------------------------------------------- */

static void test_relocating(void) {
    enum { FIRST = 1000, LAST = FIRST << 12 };
    gpumm_manager *m = gpu_open((gpumm_options){.relocate = true});
    gpumm_kernel *number = gpu_kernel(m, "number"), *add = gpu_kernel(m, "add");
    gpumm_buffer *b = gpu_buffer(m, "moving", FIRST, LAST);
    gpumm_group *g = gpu_group(m, "pair", FIRST, LAST);
    gpumm_buffer *p = gpumm_group_at(g, 0), *q = gpumm_group_at(g, 1);
    gpumm_stream *s;
    gpumm_device_info device;
    begin("growth by copying");
    CHECK_OK(gpumm_manager_get_info(m, &device));
    CHECK(!device.in_place);
    CHECK_OK(gpumm_stream_open(m, &s));
    for (uint64_t n = FIRST; n < LAST; n *= 2) {
        gpumm_buffer_info before = gpu_info(b);
        gpu_number(number, s, b, n, 7); /* on another stream than the growth's copy, which waits for it */
        gpu_number(number, s, p, n, 11);
        gpu_number(number, s, q, n, 13);
        CHECK_OK(gpumm_buffer_resize(b, NULL, 2 * n));
        CHECK_OK(gpumm_group_resize(g, NULL, 2 * n));
        gpumm_buffer_info after = gpu_info(b); /* it moves where the block, of whole steps, is too small */
        CHECK(after.capacity == 2 * n);
        CHECK(after.generation - before.generation == (after.address != before.address));
        gpu_check_line(b, s, n, 0, 7);
        gpu_check_line(p, s, n, 0, 11);
        gpu_check_line(q, s, n, 0, 13);
        gpu_check_uniform(b, NULL, n, n, 0);
        gpu_check_uniform(q, NULL, n, n, 0);
        gpu_add(add, s, b, 2 * n, 1);
    }
    gpu_check_uniform(b, NULL, LAST / 2, LAST / 2, 1);
    CHECK(gpu_info(b).generation > 3);
    check_books(m, NULL);
    gpumm_kernel_release(number);
    gpumm_kernel_release(add);
    gpumm_stream_release(s);
    gpumm_buffer_release(b);
    gpumm_group_release(g);
    close_and_check(m);
}

/* ---- The whole card, and back ---------------------------------------------------------------- */

enum { MOST = 2048 };
static const uint64_t GIB = (1ull << 30) / GPU_SHRINK;

static unsigned fill_card(gpumm_manager *m, gpumm_buffer **all) {
    for (unsigned n = 0; n < MOST; n++) {
        char name[32];
        snprintf(name, sizeof name, "block %u", n);
        gpumm_status status = gpu_make(m, name, GIB / 4, GIB / 4, NULL, &all[n]);
        if (status == GPUMM_OK) continue;
        CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
        CHECK_SAYS(name);                      /* who asked, */
        CHECK_SAYS("largest: buffer 'block "); /* and who has it */
        CHECK_SAYS("(gpu)");
        if (GPU_SHRINK == 1) CHECK_SAYS("1.0 GiB");
        return n;
    }
    CHECK(!"the card was full");
    return 0;
}

/* Every block is its own memory: each holds what was written to it, after all were written. */
static void check_card(gpumm_buffer **all, unsigned n) {
    uint32_t got;
    for (uint32_t i = 0; i < n; i++) CHECK_OK(gpumm_buffer_fill(all[i], NULL, 0, GIB / 4, &i));
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t places[] = {0, GIB / 8 + 12345, GIB / 4 - 1};
        for (int p = 0; p < 3; p++) {
            CHECK_OK(gpumm_buffer_download(all[i], NULL, places[p], 1, &got));
            CHECK(got == i);
        }
    }
}

static void free_card(gpumm_buffer **all, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        CHECK_OK(gpumm_buffer_close(all[i]));
        gpumm_buffer_release(all[i]);
    }
}

/* Thrice: what was freed is taken again, warm and after a trim. */
static void test_full(void) {
    static gpumm_buffer *all[MOST];
    gpumm_manager *m = gpu_open((gpumm_options){.memory_bytes = 12 * GIB});
    gpumm_stats before, after;
    unsigned first = 0;
    begin("the whole card, and back");
    gpumm_buffer *small = gpu_buffer(m, "small", 1000, 1000);
    CHECK_OK(gpumm_buffer_fill(small, NULL, 0, 1000, &(uint32_t){99}));
    gpu_check_uniform(small, NULL, 0, 1000, 99);
    gpumm_manager_get_stats(m, &before);
    for (int round = 0; round < 3; round++) {
        unsigned n = fill_card(m, all);
        CHECK(n > 1);
        CHECK(round == 0 || n == first);
        first = n;
        check_card(all, n);
        gpu_check_uniform(small, NULL, 0, 1000, 99);
        free_card(all, n);
        if (round == 1) CHECK_OK(gpumm_manager_trim(m, NULL));
    }
    printf("    %u GiB were allocated, three times\n", first);
    check_books(m, NULL);
    gpumm_manager_get_stats(m, &after);
    CHECK(after.used_bytes == before.used_bytes);
    CHECK(after.total_allocated_bytes == before.total_allocated_bytes);
    CHECK(after.committed_bytes == before.committed_bytes);
    CHECK_OK(gpumm_buffer_close(small));
    gpumm_buffer_release(small);
    close_and_check(m);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    gpumm_manager *base = gpu_open((gpumm_options){0}); /* keeps the context between tests */
    if (!base) return GPU_SKIP;
    test_growth();
    test_crossing();
    test_tearing();
    test_two_managers();
    test_relocating();
    test_full();
    close_and_check(base);
    printf("gpu: all tests passed, the last was: %s\n", now_testing);
    return 0;
}
