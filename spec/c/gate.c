/* SPDX-License-Identifier: MIT */
/* The gate under load: threads copy, capture and declare uses of a buffer whose memory is exchanged all the time. The
   device refuses an exchange under queued work, so that a use which did not wait is found out; contents stay. */
#include "hard.h"

enum { SMALL = 3000, LARGE = 400000, USERS = 3, ROUNDS = 2000 };

static gpumm_manager *m;
static gpumm_type *u32;
static gpumm_buffer *shared;
static atomic_bool ending;

static uint32_t value(uint64_t i) { return (uint32_t)(i * 2654435761u); }

static gpumm_buffer *made(uint64_t length) {
    gpumm_buffer *b;
    gpumm_buffer_options o = {
        .type = u32, .length = length, .growth = {.kind = GPUMM_GROWTH_EXACT}, .ahead = GPUMM_AHEAD_NONE};
    CHECK_OK(gpumm_allocate(m, &o, &b));
    return b;
}

static void copy_and_check(gpumm_buffer *own, gpumm_stream *s) {
    static _Thread_local uint32_t got[SMALL];
    CHECK_OK(gpumm_buffer_copy(own, 0, shared, 0, SMALL, s));
    CHECK_OK(gpumm_buffer_download(own, s, 0, SMALL, got));
    for (uint64_t i = 0; i < SMALL; i++) CHECK(got[i] == value(i));
}

static void capture_and_check(gpumm_readback *r, gpumm_stream *s) {
    gpumm_frame *f;
    const void *data;
    gpumm_ticket ticket;
    CHECK_OK(gpumm_readback_capture(r, s, 0, &ticket));
    CHECK_OK(gpumm_readback_wait(r, ticket, 60, &f));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    for (uint64_t i = 0; i < SMALL; i++) CHECK(((const uint32_t *)data)[i] == value(i));
    gpumm_frame_release(f);
}

static void *use(void *argument) {
    uint64_t number = *(uint64_t *)argument;
    gpumm_stream *s;
    gpumm_readback *r;
    CHECK_OK(gpumm_stream_open(m, &s));
    gpumm_buffer *own = made(SMALL);
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = &shared, .buffer_count = 1, .direct = number % 2 == 0}, &r));
    while (!atomic_load(&ending)) {
        copy_and_check(own, s);
        capture_and_check(r, s);
        CHECK_OK(gpumm_buffer_used(shared, s, GPUMM_READ));
    }
    gpumm_readback_release(r);
    gpumm_buffer_release(own);
    gpumm_stream_release(s);
    return NULL;
}

/* Grown in one piece, used in part, exchanged. */
static void exchange_often(bool relocate, uint64_t *exchanged) {
    gpumm_buffer_info info;
    for (int i = 0; i < ROUNDS / HARD_SLOW; i++) {
        CHECK_OK(gpumm_buffer_ensure_capacity(shared, SMALL + LARGE));
        CHECK_OK(gpumm_buffer_resize(shared, NULL, LARGE / 2));
        CHECK_OK(gpumm_buffer_resize(shared, NULL, SMALL + 100));
        CHECK_OK(gpumm_buffer_shrink_to_fit(shared));
        if (i % 4 == 0) CHECK_OK(gpumm_manager_trim(m, NULL));
        CHECK_OK(gpumm_manager_poll(m));
    }
    CHECK_OK(gpumm_buffer_get_info(shared, &info));
    CHECK(relocate || info.generation == 1);
    *exchanged = info.mapping;
}

static void run(bool relocate) {
    pthread_t threads[USERS];
    uint64_t numbers[USERS], exchanged;
    static uint32_t data[SMALL];
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){.device = "host", .relocate = relocate, .inject_faults = true, .workers = 1}, &m));
    shared = made(LARGE); /* one segment, the first of the exchanges */
    for (uint64_t i = 0; i < SMALL; i++) data[i] = value(i);
    CHECK_OK(gpumm_buffer_upload(shared, NULL, 0, SMALL, data));
    atomic_store(&ending, false);
    for (uint64_t i = 0; i < USERS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, use, &numbers[i]) == 0);
    }
    exchange_often(relocate, &exchanged);
    atomic_store(&ending, true);
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    CHECK(exchanged > 0);
    gpumm_stats stats;
    gpumm_manager_stats(m, &stats);
    printf("gate: %s, %llu exchanges, %llu calls waited\n", relocate ? "relocating" : "in place",
           (unsigned long long)exchanged, (unsigned long long)stats.gate_waits);
    CHECK_OK(gpumm_manager_check(m));
    gpumm_buffer_release(shared);
    close_and_check(m);
}

int main(void) {
    CHECK_OK(gpumm_type_parse("u32", &u32));
    run(false);
    run(true);
    gpumm_type_release(u32);
    return 0;
}
