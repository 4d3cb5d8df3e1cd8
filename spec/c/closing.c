/* SPDX-License-Identifier: MIT */
/* Closing streams, events and kernels before their last handle goes: what is on the device ends, later calls are STALE,
   and handles stay good for releasing. */
#include <time.h>

#include "check.h"

static gpumm_live live_of(gpumm_manager *m) {
    gpumm_live live;
    CHECK_OK(gpumm_fault_get_live(m, &live));
    return live;
}

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .inject_faults = true}, &m));
    return m;
}

/* What is closed goes in the background: waits until there are so many streams. */
static void expect_streams(gpumm_manager *m, uint64_t count) {
    for (int i = 0; i < 2000 && live_of(m).streams != count; i++) {
        CHECK_OK(gpumm_manager_poll(m));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(live_of(m).streams == count);
}

static void streams(void) {
    gpumm_manager *m = open_manager();
    uint64_t before = live_of(m).streams;
    gpumm_stream *s;
    gpumm_event *e;
    gpumm_scratch *x;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK(live_of(m).streams == before + 1);
    CHECK_OK(gpumm_stream_close(s));
    CHECK_STATUS(gpumm_stream_synchronize(s), GPUMM_STALE);
    CHECK_STATUS(gpumm_stream_record(s, &e), GPUMM_STALE);
    CHECK_STATUS(gpumm_scratch_open(m, s, 100, &x), GPUMM_STALE);
    expect_streams(m, before);
    CHECK(gpumm_stream_manager(s) == m && gpumm_stream_native(s) == NULL);
    gpumm_stream_release(s);
    gpumm_manager_release(m);
}

/* Work that is on its way is done all the same. */
static void busy_streams(void) {
    gpumm_manager *m = open_manager();
    uint64_t before = live_of(m).streams;
    gpumm_stream *s;
    gpumm_type *u8;
    gpumm_buffer *b;
    unsigned char seven = 7, seen[100];
    CHECK_OK(gpumm_type_parse("u8", &u8));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u8, .length = 100}, &b));
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_fill(b, s, 0, 100, &seven));
    CHECK_OK(gpumm_stream_close(s));
    CHECK_STATUS(gpumm_buffer_fill(b, s, 0, 100, &seven), GPUMM_STALE);
    CHECK(live_of(m).streams == before + 1);
    CHECK_OK(gpumm_fault_resume(m, NULL));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 100, seen)); /* behind the fill */
    for (int i = 0; i < 100; i++) CHECK(seen[i] == 7);
    expect_streams(m, before);
    gpumm_stream_release(s);
    gpumm_buffer_release(b);
    gpumm_type_release(u8);
    gpumm_manager_release(m);
}

static void streams_with_scratch(bool manager_first) {
    gpumm_manager *m = open_manager();
    uint64_t before = live_of(m).streams;
    gpumm_stream *s;
    gpumm_scratch *x;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_scratch_open(m, s, 100, &x));
    CHECK_OK(gpumm_stream_close(s));
    memset((void *)(uintptr_t)gpumm_scratch_address(x), 1, 100); /* its memory stays until it is released */
    CHECK(live_of(m).streams == before + 1);
    if (manager_first) gpumm_manager_close(m);
    gpumm_scratch_release(x);
    if (!manager_first) expect_streams(m, before);
    gpumm_stream_release(s);
    gpumm_manager_close(m);
    CHECK(live_of(m).streams == 0 && live_of(m).blocks == 0);
    gpumm_manager_release(m);
}

static void events(void) {
    gpumm_manager *m = open_manager();
    gpumm_event *e, *f;
    double seconds;
    bool ready;
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(m), &e));
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(m), &f));
    CHECK_OK(gpumm_event_wait(f, -1));
    gpumm_event_close(e);
    gpumm_event_close(e);
    CHECK_STATUS(gpumm_event_ready(e, &ready), GPUMM_STALE);
    CHECK_STATUS(gpumm_event_wait(e, 0), GPUMM_STALE);
    CHECK_STATUS(gpumm_stream_wait(NULL, e), GPUMM_STALE);
    CHECK_STATUS(gpumm_event_record(e, NULL), GPUMM_STALE);
    CHECK_STATUS(gpumm_event_elapsed(e, f, &seconds), GPUMM_STALE);
    CHECK_STATUS(gpumm_event_elapsed(f, e, &seconds), GPUMM_STALE);
    gpumm_event_release(e);
    gpumm_event_release(f);
    gpumm_manager_release(m);
}

static void kernels(void) {
    gpumm_manager *m = open_manager();
    uint64_t before = live_of(m).modules;
    gpumm_kernel *k;
    int n = 1;
    gpumm_argument arguments[] = {{.value = &n, .size = sizeof n}};
    CHECK_OK(gpumm_kernel_open(
        m, &(gpumm_kernel_options){.source = "extern \"C\" __global__ void nothing(int n) { (void)n; }"}, &k));
    CHECK_OK(gpumm_kernel_launch(k, NULL, 1, arguments, 1));
    CHECK(live_of(m).modules == before + 1);
    gpumm_kernel_close(k);
    gpumm_kernel_close(k);
    CHECK_STATUS(gpumm_kernel_launch(k, NULL, 1, arguments, 1), GPUMM_STALE);
    CHECK(strcmp(gpumm_kernel_name(k), "nothing") == 0);
    CHECK_OK(gpumm_manager_synchronize(m));
    for (int i = 0; i < 2000 && live_of(m).modules != before; i++) {
        CHECK_OK(gpumm_manager_poll(m));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(live_of(m).modules == before);
    gpumm_kernel_release(k);
    gpumm_manager_release(m);
}

int main(void) {
    streams();
    busy_streams();
    streams_with_scratch(false);
    streams_with_scratch(true);
    events();
    kernels();
    return 0;
}
