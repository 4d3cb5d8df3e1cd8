/* SPDX-License-Identifier: MIT */
/* An application's allocator is called under none of a manager's locks: this one asks its manager for statistics and
   for names at every call, which take the locks that enqueueing and the books have, and for scratch and a small buffer,
   which take those of the slabs. Where one is held, it waits for itself, and an alarm ends the test. */
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"

static _Atomic(gpumm_manager *) asked;
static _Thread_local bool inside;
static atomic_uint calls;

enum { SELDOM = 8 };

static gpumm_type *byte; /* with malloc's memory */

static void take_and_give(gpumm_manager *m) {
    gpumm_scratch *scratch;
    gpumm_buffer *small;
    if (gpumm_scratch_open(m, NULL, 3000, &scratch) == GPUMM_OK) gpumm_scratch_release(scratch);
    gpumm_buffer_options o = {.type = byte, .length = 10, .max_length = 10};
    if (gpumm_manager_allocate(m, &o, &small) == GPUMM_OK) gpumm_buffer_release(small);
}

static void *reallocate(void *user, void *block, size_t size) {
    (void)user;
    gpumm_manager *m = atomic_load(&asked);
    if (m && !inside) {
        gpumm_stats stats;
        inside = true;
        bool takes = atomic_fetch_add(&calls, 1) % SELDOM == 0;
        gpumm_manager_get_stats(m, &stats);
        gpumm_manager_names(m, NULL, NULL);
        gpumm_buffer *none = NULL;
        (void)gpumm_manager_find(m, "none", NULL, &none);
        if (takes) take_and_give(m);
        inside = false;
    }
    if (size) return realloc(block, size);
    free(block);
    return NULL;
}

enum { MEMBERS = 20, ROUNDS = 300 };

static gpumm_group *open_group(gpumm_manager *m, gpumm_type *type) {
    static char names[MEMBERS][8];
    gpumm_member members[MEMBERS] = {{0}};
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i);
        members[i] = (gpumm_member){.name = names[i], .type = type};
    }
    gpumm_group *g;
    CHECK_OK(gpumm_group_open(
        m,
        &(gpumm_group_options){
            .unowned = true, .members = members, .member_count = MEMBERS, .length = 10, .max_length = 1 << 20},
        &g));
    return g;
}

/* Queues more than what is at hand, on several streams, while copies run late. */
static void work(gpumm_manager *m, gpumm_group *g, gpumm_buffer *b, gpumm_readback *r) {
    static uint32_t data[5000];
    gpumm_stream *s;
    CHECK_OK(gpumm_stream_open(m, &s));
    for (uint64_t i = 0; i < ROUNDS; i++) {
        gpumm_stream *on = i % 2 ? s : NULL;
        CHECK_OK(gpumm_buffer_fill(b, on, 0, 100, &(uint32_t){(uint32_t)i}));
        CHECK_OK(gpumm_buffer_upload(b, NULL, 0, 1000, data));
        if (i % 20 == 0) CHECK_OK(gpumm_group_resize(g, on, 10 + i * 20));
        gpumm_ticket ticket;
        gpumm_status status = gpumm_readback_capture(r, on, (int64_t)i, &ticket);
        CHECK(status == GPUMM_OK || status == GPUMM_BUSY);
        gpumm_frame *f = NULL;
        CHECK_OK(gpumm_readback_latest(r, &f));
        gpumm_frame_release(f);
        gpumm_event *e;
        CHECK_OK(gpumm_stream_record(s, &e));
        CHECK_OK(gpumm_stream_wait(NULL, e));
        gpumm_event_release(e);
    }
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 5000, data));
    CHECK_OK(gpumm_group_resize(g, NULL, 1));
    CHECK_OK(gpumm_group_shrink_to_fit(g));
    CHECK_OK(gpumm_stream_close(s));
    gpumm_stream_release(s);
}

/* Recordings of which graphs are made, patched with what they had not wanted before, and made anew for other lengths. */
static void replay(gpumm_manager *m, gpumm_buffer *b, gpumm_group *g, gpumm_readback *r) {
    gpumm_recording *once, *anew;
    gpumm_buffer *member = gpumm_group_at(g, 0);
    gpumm_scan_options o = {.from = member};
    CHECK_OK(gpumm_recording_open(m, NULL, &once));
    CHECK_OK(gpumm_recording_open(m, &(gpumm_recording_options){.anew = true}, &anew));
    for (int i = 0; i < MEMBERS; i++)
        CHECK_OK(gpumm_recording_fill(once, gpumm_group_at(g, (size_t)i), 0, GPUMM_TO_END, &(uint32_t){7}));
    CHECK_OK(gpumm_recording_scan(once, GPUMM_TO_END, &o));
    CHECK_OK(gpumm_recording_copy(once, b, 100, b, 0, 50));
    CHECK_OK(gpumm_recording_capture(once, r, 0, NULL));
    for (uint64_t i = 0; i < 60; i++) {
        gpumm_frame *f = NULL;
        if (i % 20 == 0) CHECK_OK(gpumm_group_resize(g, NULL, 10 + i * 200));
        gpumm_status status = gpumm_recording_replay(once, NULL, NULL, 0, NULL);
        CHECK(status == GPUMM_OK || status == GPUMM_STALE); /* where growth moves */
        CHECK_OK(gpumm_readback_latest(r, &f));
        gpumm_frame_release(f);
        CHECK_OK(gpumm_recording_begin(anew));
        for (uint64_t k = 0; k < 4; k++)
            CHECK_OK(gpumm_recording_fill(anew, gpumm_group_at(g, i % 3 + k), i % 5, 3, &(uint32_t){(uint32_t)i}));
        CHECK_OK(gpumm_recording_scan(anew, GPUMM_TO_END, &o));
        CHECK_OK(gpumm_recording_replay(anew, NULL, NULL, 0, NULL));
    }
    gpumm_recording_release(once);
    gpumm_recording_release(anew);
}

/* A stream that is through and that nobody has, but what it wrote and read: who writes there next forgets it. */
static void use_closed(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_stream *s[3];
    uint64_t given;
    for (int i = 0; i < 3; i++) CHECK_OK(gpumm_stream_open(m, &s[i]));
    CHECK_OK(gpumm_buffer_fill(b, s[0], 0, 100, &(uint32_t){9}));
    for (int i = 1; i < 3; i++) CHECK_OK(gpumm_buffer_used(b, s[i], GPUMM_ACCESS_READ));
    for (int i = 0; i < 3; i++) gpumm_stream_release(s[i]);
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_trim(m, &given));
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, &(uint32_t){8}));
}

/* So much that slabs and their lists grow. */
static void take_much(gpumm_manager *m) {
    enum { MUCH = 200 };
    gpumm_scratch *scratch[MUCH];
    gpumm_buffer *small[MUCH];
    gpumm_buffer_options o = {.type = byte, .length = 40000, .max_length = 40000};
    for (int i = 0; i < MUCH; i++) {
        CHECK_OK(gpumm_scratch_open(m, NULL, 40000, &scratch[i]));
        CHECK_OK(gpumm_manager_allocate(m, &o, &small[i]));
    }
    for (int i = 0; i < MUCH; i++) {
        gpumm_scratch_release(scratch[i]);
        gpumm_buffer_release(small[i]);
    }
    CHECK_OK(gpumm_manager_check(m));
}

/* Records of what somebody else may have come and go. */
static void lend_some(gpumm_manager *m) {
    gpumm_segment segments[8];
    gpumm_buffer *b;
    size_t count;
    gpumm_buffer_options o = {.type = byte, .length = 100000, .max_length = 1 << 24, .shareable = true};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    for (uint64_t length = 100000; length < 1000000; length += 300000) {
        CHECK_OK(gpumm_buffer_resize(b, NULL, length));
        CHECK_OK(gpumm_buffer_segments(b, true, segments, 8, &count));
        for (size_t i = 0; i < count; i++) close(segments[i].descriptor);
    }
    gpumm_buffer_release(b);
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_exports_over(m));
}

/* More operations under way than a trace's queue takes, which then is read where they are enqueued. */
static void fill_the_trace(void) {
    enum { OPERATIONS = 12000 };
    char path[] = "/tmp/gpumm-allocator-XXXXXX";
    gpumm_trace *t;
    gpumm_manager *m;
    gpumm_buffer *b;
    close(mkstemp(path));
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path, .allocator = {.reallocate = reallocate}}, &t));
    gpumm_options o = {.device = "host", .trace = t, .allocator = {.reallocate = reallocate}, .inject_faults = true};
    CHECK_OK(gpumm_manager_open(&o, &m));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = byte, .length = 100}, &b));
    atomic_store(&asked, m);
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    for (int i = 0; i < OPERATIONS; i++) CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, "x"));
    CHECK_OK(gpumm_fault_resume(m, "fill"));
    CHECK_OK(gpumm_manager_synchronize(m));
    for (int i = 0; i < OPERATIONS; i++) CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, "x"));
    atomic_store(&asked, NULL);
    gpumm_buffer_release(b);
    gpumm_manager_close(m);
    gpumm_manager_release(m);
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    unlink(path);
}

static void run(bool relocate, uint64_t jitter) {
    gpumm_options o = {.device = "host", .relocate = relocate, .allocator = {.reallocate = reallocate}};
    gpumm_fault plan = {.jitter = jitter};
    if (jitter) o.inject_faults = true, o.fault = plan;
    gpumm_manager *m;
    gpumm_type *type;
    CHECK_OK(gpumm_manager_open(&o, &m));
    atomic_store(&asked, m);
    CHECK_OK(gpumm_type_parse("u32", &type));
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = "b", .type = type, .length = 5000}, &b));
    gpumm_group *g = open_group(m, type);
    gpumm_buffer *read[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) read[i] = gpumm_group_at(g, i);
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = read, .buffer_count = MEMBERS, .slots = 3}, &r));
    replay(m, b, g, r);
    work(m, g, b, r);
    use_closed(m, b);
    take_much(m);
    if (!relocate) lend_some(m);
    gpumm_readback_release(r);
    CHECK_OK(gpumm_manager_free(m, "b"));
    gpumm_buffer_release(b);
    gpumm_group_release(g);
    uint64_t given;
    CHECK_OK(gpumm_manager_trim(m, &given));
    CHECK_OK(gpumm_manager_synchronize(m));
    atomic_store(&asked, NULL);
    gpumm_type_release(type);
    gpumm_manager_close(m);
    gpumm_manager_release(m);
}

int main(void) {
    alarm(120);
    CHECK_OK(gpumm_type_parse("u8", &byte));
    for (int relocate = 0; relocate < 2; relocate++) {
        run(relocate, 0);
        run(relocate, 7);
    }
    fill_the_trace();
    gpumm_type_release(byte);
    CHECK(atomic_load(&calls) > 1000);
    printf("allocator: %u calls, under no lock\n", atomic_load(&calls));
    return 0;
}
