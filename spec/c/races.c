/* SPDX-License-Identifier: MIT */
/* What goes on in the background, or in another thread, at the wrong moment: a stream that closes while a snapshot of
   its work is taken, a group that is freed while a readback joins it, a tail that returns while canaries are written,
   two downloads that start at once. Faults hold work where it must not be. */
#include <sched.h>

#include "base/thread.h"
#include "hard.h"

enum { LENGTH = 1000 };

static gpumm_type *u32;

static gpumm_manager *manager_made(bool debug) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true, .debug = debug}, &m));
    return m;
}

static gpumm_buffer *made(gpumm_manager *m, const char *name, uint64_t length, uint64_t most) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_allocate(
        m,
        &(gpumm_buffer_options){
            .name = name, .type = u32, .length = length, .max_length = most, .enable_async = name != NULL},
        &b));
    return b;
}

/* Long enough for the worker to have looked several times. */
static void let_the_worker_look(void) { gpumm__clock_sleep_ns(20000000); }

/* ---- A stream that nobody holds is through while a snapshot of its work is still to be copied ---------------- */

/* Large, so that the copy is under way still when the worker has seen that the fill is through. */
static void snapshot_of_a_closed_stream(bool direct) {
    enum { LARGE = 32 << 20 };
    gpumm_manager *m = manager_made(false);
    gpumm_buffer *b = made(m, NULL, LARGE, LARGE);
    gpumm_stream *s;
    gpumm_readback *r;
    gpumm_frame *f;
    const void *data;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1, .direct = direct}, &r));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_fill(b, s, LARGE - LENGTH, LENGTH, &(uint32_t){1}));
    gpumm_stream_release(s);
    CHECK_OK(gpumm_readback_capture(r, NULL, 1, NULL));
    CHECK_OK(gpumm_fault_release(m, "fill"));
    gpumm__clock_sleep_ns(2000000);
    CHECK_OK(gpumm_buffer_fill(b, NULL, LARGE - LENGTH, LENGTH, &(uint32_t){2}));
    CHECK_OK(gpumm_readback_wait(r, 0, 60, &f));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    for (int i = LARGE - LENGTH; i < LARGE; i++) CHECK(((const uint32_t *)data)[i] == 1);
    gpumm_frame_release(f);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* ---- A group is freed while a readback joins it -------------------------------------------------------------- */

typedef struct joining {
    gpumm_buffer *buffer;
    atomic_int *ready;
    uint64_t after; /* ns */
} joining;

static void *free_it(void *user) {
    joining *j = user;
    atomic_fetch_add(j->ready, 1);
    while (atomic_load(j->ready) < 2) {}
    for (uint64_t at = gpumm__clock_ns() + j->after; gpumm__clock_ns() < at;) {}
    gpumm_status status = gpumm_buffer_free(j->buffer);
    if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_STALE);
    return NULL;
}

static void freed_while_a_readback_joins(void) {
    gpumm_manager *m = manager_made(false);
    gpumm_buffer *other = made(m, NULL, LENGTH, LENGTH);
    gpumm_readback *stays;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &other, .buffer_count = 1}, &stays));
    uint64_t lasted = 0; /* how long opening one takes, so that freeing falls near its end */
    for (int round = 0; round < 4000 / HARD_SLOW; round++) {
        atomic_int ready = 0;
        joining j = {made(m, NULL, 10, 10), &ready, lasted / 2 + lasted / 100 * (uint64_t)(round % 100)};
        gpumm_readback *r = NULL;
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, free_it, &j) == 0);
        atomic_fetch_add(&ready, 1);
        while (atomic_load(&ready) < 2) {}
        uint64_t began = gpumm__clock_ns();
        gpumm_status status =
            gpumm_readback_open(&(gpumm_readback_options){.buffers = &j.buffer, .buffer_count = 1, .slots = 2}, &r);
        uint64_t took = gpumm__clock_ns() - began;
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_STALE);
        else lasted = lasted ? (lasted * 7 + took) / 8 : took;
        pthread_join(thread, NULL);
        if (r && round % 2) gpumm_readback_release(r);
        gpumm_buffer_release(j.buffer);
        if (r && round % 2 == 0) gpumm_readback_release(r);
    }
    CHECK_OK(gpumm_readback_capture(stays, NULL, 1, NULL));
    gpumm_readback_release(stays);
    gpumm_buffer_release(other);
    check_books(m, NULL);
    close_and_check(m);
}

/* ---- A shrink's tail waits for the canaries that are written into it ------------------------------------------- */

static void tail_behind_canaries(void) {
    enum { MOST = 8 << 20 };
    gpumm_manager *m = manager_made(true);
    gpumm_buffer *b = made(m, NULL, LENGTH, MOST), *to = made(m, NULL, LENGTH, LENGTH);
    gpumm_stream *s;
    gpumm_live before, after;
    uint64_t calls;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_buffer_ensure_capacity(b, MOST / 2));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_fault_live(m, &before));
    CHECK_OK(gpumm_fault_calls(m, "decommit", &calls));
    CHECK_OK(gpumm_fault_hold(m, "snapshot"));
    CHECK_OK(gpumm_buffer_copy(to, 0, b, 0, LENGTH, s)); /* reads it, held */
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_shrink_to_fit(b));
    CHECK_OK(gpumm_fault_release(m, "snapshot"));
    let_the_worker_look();
    uint64_t too_early;
    CHECK_OK(gpumm_fault_calls(m, "decommit", &too_early));
    CHECK(too_early == calls);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    CHECK_OK(gpumm_manager_synchronize(m));
    let_the_worker_look();
    CHECK_OK(gpumm_manager_poll(m));
    CHECK_OK(gpumm_fault_live(m, &after));
    CHECK(after.committed_bytes < before.committed_bytes);
    gpumm_stream_release(s);
    gpumm_buffer_release(to);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* ---- Downloads by name ------------------------------------------------------------------------------------------ */

typedef struct starter {
    gpumm_manager *manager;
    atomic_int *pending;
    atomic_bool *over;
} starter;

/* Slow for gpumm's own threads, so that what these do without a lock lasts. */
static _Thread_local bool foreground;

static void *slow_behind(void *user, void *block, size_t size) {
    (void)user;
    if (!size) return free(block), NULL;
    if (!foreground) gpumm__clock_sleep_ns(2000000);
    return realloc(block, size);
}

static void *start_and_wait(void *user) {
    starter *s = user;
    foreground = true;
    gpumm_frame *f;
    while (!atomic_load(s->over)) {
        gpumm_status status = gpumm_start_async_download(s->manager, "b");
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_ALREADY_PENDING);
        if (status != GPUMM_OK) continue;
        CHECK(atomic_fetch_add(s->pending, 1) == 0);
        atomic_fetch_sub(s->pending, 1);
        CHECK_OK(gpumm_wait_for_download(s->manager, "b", 60, &f));
        gpumm_frame_release(f);
    }
    return NULL;
}

/* One of two is refused, also while the worker makes the slots larger. */
static void downloads_started_at_once(void) {
    enum { MOST = 1 << 20, STEP = 1024, ROUNDS = 70, STARTERS = 3 };
    gpumm_manager *m;
    foreground = true;
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){
            .device = "host", .inject_faults = true, .granularity = 4096, .allocator = {slow_behind, NULL}},
        &m));
    gpumm_buffer *b = made(m, "b", LENGTH, MOST);
    pthread_t threads[STARTERS];
    atomic_int pending = 0;
    atomic_bool over = false;
    starter all = {m, &pending, &over};
    for (int i = 0; i < STARTERS; i++) CHECK(pthread_create(&threads[i], NULL, start_and_wait, &all) == 0);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        CHECK_OK(gpumm_buffer_resize(b, NULL, LENGTH + i * STEP));
        gpumm__clock_sleep_ns(1000000);
    }
    atomic_store(&over, true);
    for (int i = 0; i < STARTERS; i++) pthread_join(threads[i], NULL);
    CHECK_OK(gpumm_buffer_free(b));
    gpumm_buffer_release(b);
    close_and_check(m);
}

int main(int argc, char **argv) {
    int only = argc > 1 ? atoi(argv[1]) : 0;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    if (!only || only == 1) snapshot_of_a_closed_stream(false);
    if (!only || only == 2) snapshot_of_a_closed_stream(true);
    if (!only || only == 3) freed_while_a_readback_joins();
    if (!only || only == 4) tail_behind_canaries();
    if (!only || only == 5) downloads_started_at_once();
    gpumm_type_release(u32);
    return 0;
}
