/* SPDX-License-Identifier: MIT */
/* Waiting for events: who waits long sleeps, is woken by what he waits for whatever else is waited for, by closing, and by
   an error, and a status of the device's is never taken for a wait that ran out of time. */
#include "base/thread.h"
#include "hard.h"

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .inject_faults = true}, &m));
    return m;
}

static gpumm_buffer *open_buffer(gpumm_manager *m, const char *name) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_allocate(m, &(gpumm_buffer_options){.name = name, .length = 16}, &b));
    return b;
}

/* An event behind a fill that waits for its release. */
static gpumm_event *held_event(gpumm_manager *m, gpumm_stream *s, gpumm_buffer *b) {
    gpumm_event *e;
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_fill(b, s, 0, 16, &(uint32_t){1}));
    CHECK_OK(gpumm_stream_record(s, &e));
    return e;
}

typedef struct wait_job {
    gpumm_event *event;
    double seconds;
    atomic_bool done;
    gpumm_status status;
    char message[200];
    double cpu; /* seconds that its thread worked */
} wait_job;

static void *wait_main(void *user) {
    wait_job *w = user;
    struct timespec t;
    w->status = gpumm_event_wait(w->event, w->seconds);
    snprintf(w->message, sizeof w->message, "%s", gpumm_message());
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    w->cpu = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
    atomic_store(&w->done, true);
    return NULL;
}

static pthread_t wait_start(wait_job *w) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_main, w) == 0);
    return thread;
}

static void sleeps(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m, "b");
    wait_job w = {.event = held_event(m, gpumm_manager_main(m), b), .seconds = -1};
    pthread_t thread = wait_start(&w);
    gpumm__clock_sleep_ns(400000000);
    CHECK(!atomic_load(&w.done));
    CHECK_OK(gpumm_fault_release(m, NULL));
    pthread_join(thread, NULL);
    CHECK(w.status == GPUMM_OK);
    CHECK(w.cpu < 0.2); /* of 0.4 s; busy waiting would take most of them */
    gpumm_event_release(w.event);
    CHECK_OK(gpumm_buffer_free(b));
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* The waiter blocks on the first; the second, on another stream, is reached before. */
static void others_are_woken(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *first = open_buffer(m, "first"), *second = open_buffer(m, "second");
    gpumm_stream *s;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_buffer_upload(second, s, 0, 1, &(uint32_t){1})); /* so that it has no more to do with the main stream */
    wait_job held = {.event = held_event(m, gpumm_manager_main(m), first), .seconds = -1};
    pthread_t thread = wait_start(&held);
    gpumm__clock_sleep_ns(20000000); /* it sleeps by now */
    gpumm_event *e;
    CHECK_OK(gpumm_buffer_upload(second, s, 0, 1, &(uint32_t){2}));
    CHECK_OK(gpumm_stream_record(s, &e));
    CHECK_OK(gpumm_event_wait(e, 30));
    CHECK(!atomic_load(&held.done));
    CHECK_OK(gpumm_fault_release(m, NULL));
    pthread_join(thread, NULL);
    CHECK(held.status == GPUMM_OK);
    gpumm_event_release(e);
    gpumm_event_release(held.event);
    gpumm_stream_release(s);
    CHECK_OK(gpumm_buffer_free(first));
    CHECK_OK(gpumm_buffer_free(second));
    gpumm_buffer_release(first);
    gpumm_buffer_release(second);
    close_and_check(m);
}

static void closing_wakes(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m, "b");
    wait_job w = {.event = held_event(m, gpumm_manager_main(m), b), .seconds = -1};
    pthread_t thread = wait_start(&w);
    gpumm__clock_sleep_ns(20000000);
    gpumm_manager_close(m);
    pthread_join(thread, NULL);
    CHECK(w.status == GPUMM_CANCELLED);
    gpumm_event_release(w.event);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

/* The time that runs out, and a device that says TIMEOUT. */
static void timeouts(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m, "b");
    gpumm_event *e = held_event(m, gpumm_manager_main(m), b);
    CHECK_STATUS(gpumm_event_wait(e, 0.01), GPUMM_TIMEOUT);
    CHECK_SAYS("the time to wait ran out");
    CHECK_OK(
        gpumm_fault_plan(m, &(gpumm_fault){.call = "event_query", .nth = 1, .status = GPUMM_TIMEOUT, .hold = "fill"}));
    CHECK_STATUS(gpumm_event_wait(e, -1), GPUMM_TIMEOUT);
    CHECK_SAYS("fault");
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){0}));
    CHECK_OK(gpumm_fault_release(m, NULL));
    CHECK_OK(gpumm_event_wait(e, -1));
    gpumm_event_release(e);
    CHECK_OK(gpumm_buffer_free(b));
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* Blocking on the event fails: who waits looks by himself, and gets the event all the same. */
static void blocking_fails(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m, "b");
    gpumm_event *e = held_event(m, gpumm_manager_main(m), b);
    CHECK_OK(gpumm_fault_plan(
        m, &(gpumm_fault){.call = "event_synchronize", .nth = 1, .status = GPUMM_DRIVER, .hold = "fill"}));
    wait_job w = {.event = e, .seconds = -1};
    pthread_t thread = wait_start(&w);
    gpumm__clock_sleep_ns(50000000);
    CHECK(!atomic_load(&w.done));
    CHECK_OK(gpumm_fault_release(m, NULL));
    pthread_join(thread, NULL);
    CHECK(w.status == GPUMM_OK);
    gpumm_event_release(e);
    CHECK_OK(gpumm_buffer_free(b));
    gpumm_buffer_release(b);
    close_and_check(m);
}

int main(void) {
    sleeps();
    others_are_woken();
    closing_wakes();
    timeouts();
    blocking_fails();
    return 0;
}
