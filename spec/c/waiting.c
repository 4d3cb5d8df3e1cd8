/* SPDX-License-Identifier: MIT */
/* Who waits, and for whom: captures for a taker on another thread, with an exact count; calls that wait for the device
   while others use the same manager; listings while others make and free. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define CHECK_CONTEXT() (void)0
#include "hard.h"

static gpumm_manager *m;
static gpumm_type *u32;

static void open_manager(void) {
    gpumm_options o = {.device = "host", .inject_faults = true};
    CHECK_OK(gpumm_manager_open(&o, &m));
    CHECK_OK(gpumm_type_parse("u32", &u32));
}

static void close_manager(void) {
    gpumm_type_release(u32);
    close_and_check(m);
}

/* So small that it is a block of the slab, which goes back at once. */
static gpumm_buffer *open_buffer(const char *name, uint64_t length) {
    gpumm_buffer *b;
    gpumm_buffer_options o = {.name = name, .type = u32, .length = length, .max_length = length};
    CHECK_OK(gpumm_allocate(m, &o, &b));
    return b;
}

/* ---- Captures and takers --------------------------------------------------------------------------------- */

enum { FRAMES = 2000 / HARD_SLOW };

typedef struct flow {
    gpumm_readback *readback;
    atomic_bool over;
    uint64_t taken;
} flow;

static void take_one(flow *f, uint64_t *last) {
    gpumm_frame *frame;
    gpumm_frame_info info;
    const void *data;
    CHECK_OK(gpumm_readback_next(f->readback, &frame));
    if (!frame) return;
    gpumm_frame_get_info(frame, &info);
    CHECK_OK(gpumm_frame_data(frame, 0, &data));
    CHECK((uint64_t)info.step > *last);
    CHECK(((const uint32_t *)data)[0] == (uint32_t)info.step && ((const uint32_t *)data)[99] == (uint32_t)info.step);
    *last = (uint64_t)info.step;
    f->taken++;
    gpumm_frame_release(frame);
}

static void *take_all(void *user) {
    flow *f = user;
    uint64_t last = 0;
    bool over;
    do {
        over = atomic_load(&f->over);
        take_one(f, &last);
    } while (!over);
    for (int i = 0; i < 64; i++) take_one(f, &last); /* all has arrived: the ring's rest */
    return NULL;
}

/* Frames that were captured are taken, in order and whole, or dropped as the policy says. */
static void flows(gpumm_busy_policy busy, double seconds, uint64_t inline_bytes) {
    open_manager();
    gpumm_buffer *b = open_buffer(NULL, 100);
    flow f = {0};
    gpumm_readback_options o = {.buffers = &b,
                                .buffer_count = 1,
                                .slots = 3,
                                .busy = busy,
                                .wait_seconds = seconds,
                                .inline_bytes = inline_bytes};
    CHECK_OK(gpumm_readback_open(&o, &f.readback));
    pthread_t taker;
    uint64_t refused = 0;
    CHECK(pthread_create(&taker, NULL, take_all, &f) == 0);
    for (uint32_t step = 1; step <= FRAMES; step++) {
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, &step));
        gpumm_status status = gpumm_readback_capture(f.readback, NULL, step, NULL);
        if (status == GPUMM_BUSY) refused++;
        else CHECK_OK(status);
    }
    CHECK_OK(gpumm_manager_synchronize(m));
    atomic_store(&f.over, true);
    pthread_join(taker, NULL);
    CHECK(f.taken + gpumm_readback_dropped(f.readback) == FRAMES);
    if (busy != GPUMM_BUSY_NEWEST) CHECK(gpumm_readback_dropped(f.readback) == refused);
    if (busy == GPUMM_BUSY_NEWEST || seconds != 0) CHECK(refused == 0);
    gpumm_readback_release(f.readback);
    gpumm_buffer_release(b);
    close_manager();
}

typedef struct capturer {
    gpumm_readback *readback;
    atomic_bool began, ended;
    gpumm_status status;
} capturer;

static void *capture_one(void *user) {
    capturer *c = user;
    atomic_store(&c->began, true);
    c->status = gpumm_readback_capture(c->readback, NULL, 3, NULL);
    atomic_store(&c->ended, true);
    return NULL;
}

typedef enum help { HELP_NEXT, HELP_LATEST, HELP_CANCEL, HELP_CLOSE, HELP_CLOSE_MANAGER } help;

/* A capture without a bound waits for as long as nobody helps. */
static void helped(help how) {
    open_manager();
    gpumm_buffer *b = open_buffer(NULL, 100);
    capturer c = {0};
    gpumm_frame *frame[2] = {NULL, NULL};
    gpumm_readback_options o = {
        .buffers = &b, .buffer_count = 1, .slots = 2, .busy = GPUMM_BUSY_WAIT, .wait_seconds = -1};
    pthread_t thread;
    CHECK_OK(gpumm_readback_open(&o, &c.readback));
    CHECK_OK(gpumm_readback_capture(c.readback, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_capture(c.readback, NULL, 2, NULL));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK(pthread_create(&thread, NULL, capture_one, &c) == 0);
    while (!atomic_load(&c.began)) usleep(100);
    usleep(20000);
    CHECK(!atomic_load(&c.ended));
    switch (how) {
    case HELP_NEXT: /* the second ends the first */
        CHECK_OK(gpumm_readback_next(c.readback, &frame[0]));
        usleep(5000);
        CHECK(!atomic_load(&c.ended));
        CHECK_OK(gpumm_readback_next(c.readback, &frame[1]));
        break;
    case HELP_LATEST: CHECK_OK(gpumm_readback_latest(c.readback, &frame[0])); break;
    case HELP_CANCEL: CHECK_OK(gpumm_readback_cancel(c.readback, 1)); break;
    case HELP_CLOSE: gpumm_readback_close(c.readback); break;
    case HELP_CLOSE_MANAGER: gpumm_manager_close(m); break;
    }
    pthread_join(thread, NULL);
    CHECK_STATUS(c.status, how >= HELP_CLOSE ? GPUMM_CANCELLED : GPUMM_OK);
    gpumm_frame_release(frame[0]);
    gpumm_frame_release(frame[1]);
    gpumm_readback_release(c.readback);
    gpumm_buffer_release(b);
    close_manager();
}

/* What a try is refused is not counted, and it does not wait for takers. */
static void tried(void) {
    open_manager();
    gpumm_buffer *b = open_buffer(NULL, 100);
    gpumm_readback *r;
    gpumm_frame *f;
    gpumm_readback_options o = {
        .buffers = &b, .buffer_count = 1, .slots = 2, .busy = GPUMM_BUSY_WAIT, .wait_seconds = -1};
    CHECK_OK(gpumm_readback_open(&o, &r));
    CHECK_OK(gpumm_readback_try_capture(r, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_try_capture(r, NULL, 2, NULL));
    CHECK_STATUS(gpumm_readback_try_capture(r, NULL, 3, NULL), GPUMM_BUSY);
    CHECK(gpumm_readback_dropped(r) == 0);
    CHECK_OK(gpumm_readback_latest(r, &f));
    CHECK(gpumm_readback_dropped(r) == 1);
    CHECK_OK(gpumm_readback_try_capture(r, NULL, 4, NULL));
    gpumm_frame_release(f);
    o.busy = (gpumm_busy_policy)3;
    CHECK_STATUS(gpumm_readback_open(&o, &r), GPUMM_INVALID_ARGUMENT);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    close_manager();
}

/* A frame's handle is one of its readback's: with the last one it closes. */
static void frame_holds(void) {
    open_manager();
    gpumm_buffer *b = open_buffer(NULL, 100);
    gpumm_readback *r;
    gpumm_frame *f;
    gpumm_stats stats;
    const void *data;
    uint32_t seven = 7;
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, &seven));
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r));
    CHECK_OK(gpumm_readback_capture(r, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_wait(r, 0, -1, &f));
    gpumm_readback_release(r);
    CHECK(gpumm_frame_valid(f));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(((const uint32_t *)data)[99] == 7);
    CHECK_OK(gpumm_readback_capture(gpumm_frame_readback(f), NULL, 2, NULL));
    gpumm_frame_release(f);
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_trim(m, NULL));
    gpumm_manager_stats(m, &stats);
    CHECK(stats.entry[GPUMM_PINNED].now == 0);
    gpumm_buffer_release(b);
    close_manager();
}

/* ---- Calls that wait for the device ---------------------------------------------------------------------- */

typedef struct blocked {
    gpumm_buffer *b, *other;
    gpumm_stream *side;
    gpumm_scratch *scratch;
    void (*call)(struct blocked *x);
    atomic_bool began, ended;
} blocked;

static void *run_blocked(void *user) {
    blocked *x = user;
    atomic_store(&x->began, true);
    x->call(x);
    atomic_store(&x->ended, true);
    return NULL;
}

/* No event is to be had: the call waits by itself for work that is held. */
static void release_scratch(blocked *x) { gpumm_scratch_release(x->scratch); }
static void free_buffer(blocked *x) { CHECK_OK(gpumm_buffer_free(x->b)); }
static void upload(blocked *x) {
    uint32_t value = 5;
    gpumm_status status = gpumm_buffer_upload(x->b, x->side, 0, 1, &value);
    CHECK(status == GPUMM_OK || status == GPUMM_DRIVER);
}

/* Meanwhile everybody else gets on: no lock of the manager's is held. */
static void others_get_on(blocked *x) {
    gpumm_buffer_info info;
    gpumm_stats stats;
    gpumm_event *event;
    uint32_t value = 9, got = 0;
    CHECK_OK(gpumm_buffer_get_info(x->other, &info));
    gpumm_manager_stats(m, &stats);
    CHECK_OK(gpumm_buffer_upload(x->other, NULL, 0, 1, &value));
    CHECK_OK(gpumm_buffer_download(x->other, NULL, 0, 1, &got));
    CHECK(got == 9);
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(m), &event));
    gpumm_event_release(event);
    CHECK(gpumm_stream_native(x->side) == NULL); /* the host device has none */
}

static void waits_without_locks(void (*call)(blocked *x)) {
    open_manager();
    blocked x = {.b = open_buffer(NULL, 100), .other = open_buffer(NULL, 100), .call = call};
    pthread_t thread;
    uint32_t value = 1;
    CHECK_OK(gpumm_stream_open(m, &x.side));
    CHECK_OK(gpumm_scratch_open(m, NULL, 100, &x.scratch));
    CHECK_OK(gpumm_buffer_upload(x.b, x.side, 0, 1, &value)); /* the stream has its transfer block */
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_fill(x.b, x.side, 0, 100, &value));
    CHECK_OK(gpumm_scratch_used(x.scratch, x.side, GPUMM_WRITE));
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.call = "event_record", .nth = 1, .status = GPUMM_DRIVER}));
    CHECK(pthread_create(&thread, NULL, run_blocked, &x) == 0);
    while (!atomic_load(&x.began)) usleep(100);
    usleep(30000);
    CHECK(!atomic_load(&x.ended));
    others_get_on(&x);
    CHECK(!atomic_load(&x.ended));
    CHECK_OK(gpumm_fault_release(m, NULL));
    pthread_join(thread, NULL);
    if (call != release_scratch) gpumm_scratch_release(x.scratch);
    gpumm_stream_release(x.side);
    gpumm_buffer_release(x.b);
    gpumm_buffer_release(x.other);
    close_manager();
}

/* ---- Listings -------------------------------------------------------------------------------------------- */

enum { STAYING = 200 };

static atomic_bool stop;

/* Frees and makes what stands between those that stay. */
static void *churn(void *user) {
    (void)user;
    char name[32];
    for (int round = 0; !atomic_load(&stop); round++) {
        snprintf(name, sizeof name, "goes%d", round % STAYING);
        gpumm_free(m, name);
        gpumm_buffer_release(open_buffer(name, 1));
    }
    return NULL;
}

static void count_staying(void *user, const char *name) {
    gpumm_stats stats;
    gpumm_manager_stats(m, &stats); /* called without locks */
    if (strncmp(name, "stays", 5) == 0) (*(unsigned *)user)++;
}

static void count_block(void *user, const gpumm_block *block) { count_staying(user, block->name); }

static void listings_miss_nothing(void) {
    char name[32];
    pthread_t thread;
    open_manager();
    for (int i = 0; i < STAYING; i++) {
        snprintf(name, sizeof name, "goes%d", i);
        gpumm_buffer_release(open_buffer(name, 1));
        snprintf(name, sizeof name, "stays%d", i);
        gpumm_buffer_release(open_buffer(name, 1));
    }
    CHECK(pthread_create(&thread, NULL, churn, NULL) == 0);
    for (int round = 0; round < 100 / HARD_SLOW; round++) {
        unsigned names = 0, blocks = 0, leaks = 0;
        gpumm_manager_names(m, count_staying, &names);
        gpumm_manager_blocks(m, count_block, &blocks);
        gpumm_manager_leaks(m, count_block, &leaks);
        CHECK(names == STAYING && blocks == STAYING && leaks == STAYING);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    gpumm_manager_close(m);
    CHECK(gpumm_manager_names(m, count_staying, NULL) == 0);
    CHECK(gpumm_stream_native(gpumm_manager_main(m)) == NULL);
    close_manager();
}

int main(void) {
    alarm(120); /* what would wait for ever ends here */
    static const uint64_t in_line[] = {0, 4096};
    for (int i = 0; i < 2; i++) {
        flows(GPUMM_BUSY_DROP, 0, in_line[i]);
        flows(GPUMM_BUSY_NEWEST, 0, in_line[i]);
        flows(GPUMM_BUSY_WAIT, 0, in_line[i]);
        flows(GPUMM_BUSY_WAIT, 60, in_line[i]);
        flows(GPUMM_BUSY_WAIT, -1, in_line[i]);
    }
    for (help how = HELP_NEXT; how <= HELP_CLOSE_MANAGER; how++) helped(how);
    tried();
    frame_holds();
    waits_without_locks(release_scratch);
    waits_without_locks(free_buffer);
    waits_without_locks(upload);
    listings_miss_nothing();
    return 0;
}
