/* SPDX-License-Identifier: MIT */
/* A readback's descriptor as the kernel sees it: readable from arrival until taking, by errors, by the end of the readback and of its
   manager; many readbacks, takers in threads of their own that only poll. */
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hard.h"

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .inject_faults = true}, &m));
    return m;
}

static gpumm_buffer *open_buffer(gpumm_manager *m) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = 100}, &b));
    return b;
}

static gpumm_readback *open_readback(gpumm_buffer *b, unsigned slots, gpumm_busy_policy busy) {
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = &b, .buffer_count = 1, .slots = slots, .busy = busy}, &r));
    return r;
}

static bool readable(int fd, int milliseconds) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int got = poll(&p, 1, milliseconds);
    CHECK(got >= 0 && !(p.revents & ~POLLIN));
    return got == 1;
}

static void capture(gpumm_buffer *b, gpumm_readback *r, uint32_t step) {
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, &step));
    CHECK_OK(gpumm_readback_capture(r, NULL, step, NULL));
}

/* Frames that arrived before anybody asked for the descriptor count too; each taking leaves what is left. */
static void levels(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m);
    gpumm_readback *r = open_readback(b, 3, GPUMM_BUSY_DROP);
    int fd = -1;
    capture(b, r, 1);
    capture(b, r, 2);
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_readback_fd(r, &fd));
    for (int64_t step = 1; step <= 2; step++) {
        gpumm_frame *f;
        gpumm_frame_info info;
        CHECK(readable(fd, 30000));
        CHECK_OK(gpumm_readback_next(r, &f));
        CHECK(f != NULL);
        gpumm_frame_get_info(f, &info);
        CHECK(info.step == step);
        gpumm_frame_release(f);
    }
    CHECK(!readable(fd, 0));
    capture(b, r, 3);
    CHECK(readable(fd, 30000));
    CHECK_OK(gpumm_readback_cancel(r, 0));
    CHECK(!readable(fd, 0));
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* A wait for one that is older tells of what came behind it at once, and not when a thread looks next. */
static void behind(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m);
    gpumm_readback *r = open_readback(b, 4, GPUMM_BUSY_DROP);
    int fd;
    CHECK_OK(gpumm_readback_fd(r, &fd));
    for (int round = 0; round < 50; round++) {
        gpumm_ticket first, second;
        gpumm_frame *f, *g;
        CHECK_OK(gpumm_readback_capture(r, NULL, 1, &first));
        CHECK_OK(gpumm_readback_capture(r, NULL, 2, &second));
        CHECK_OK(gpumm_manager_synchronize(m));
        CHECK_OK(gpumm_readback_wait(r, first, 60, &f));
        CHECK(readable(fd, 0));
        CHECK_OK(gpumm_readback_next(r, &g));
        CHECK(g != NULL && !readable(fd, 0));
        gpumm_frame_release(f);
        gpumm_frame_release(g);
    }
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* A failure of the device is seen by who only polls, and stays until a call finds the device well. */
static void errors(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_buffer(m);
    gpumm_readback *r = open_readback(b, 3, GPUMM_BUSY_DROP);
    gpumm_frame *f;
    int fd;
    CHECK_OK(gpumm_readback_fd(r, &fd));
    CHECK_OK(gpumm_fault_hold(m, "copy"));
    capture(b, r, 1);
    CHECK(!readable(fd, 20));
    CHECK_OK(gpumm_fault_plan(
        m, &(gpumm_fault){
               .call = "event_query", .nth = 1, .times = 1000000, .status = GPUMM_DEVICE_LOST, .hold = "copy"}));
    CHECK(readable(fd, 30000));
    CHECK_STATUS(gpumm_readback_next(r, &f), GPUMM_DEVICE_LOST);
    CHECK(readable(fd, 0));
    CHECK_OK(gpumm_fault_plan(m, NULL));
    CHECK_OK(gpumm_fault_resume(m, NULL));
    CHECK_OK(gpumm_readback_wait(r, 0, -1, &f));
    CHECK(!readable(fd, 0));
    gpumm_frame_release(f);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* A descriptor ends readable: by the readback's close, its buffer's, its manager's; and it is there as long as a handle. */
static void ends(void) {
    for (int how = 0; how < 3; how++) {
        gpumm_manager *m = open_manager();
        gpumm_buffer *b = open_buffer(m);
        gpumm_readback *r = open_readback(b, 2, GPUMM_BUSY_DROP);
        int fd;
        CHECK_OK(gpumm_readback_fd(r, &fd));
        CHECK_OK(gpumm_fault_hold(m, "copy"));
        capture(b, r, 1);
        CHECK(!readable(fd, 5));
        if (how == 0) gpumm_readback_close(r);
        else if (how == 1) CHECK_OK(gpumm_buffer_close(b));
        else gpumm_manager_close(m);
        CHECK(readable(fd, 30000));
        if (how < 2) CHECK_OK(gpumm_fault_resume(m, NULL));
        gpumm_buffer_release(b);
        gpumm_readback_release(r);
        close_and_check(m);
    }
}

/* ---- Takers that only poll --------------------------------------------------------------------------------- */

enum { READBACKS = 4, FRAMES = 1500 / HARD_SLOW };

typedef struct taker {
    gpumm_readback *readback;
    int fd;
    uint64_t taken, last;
} taker;

static void *take_all(void *user) {
    taker *t = user;
    while (t->last < FRAMES) {
        gpumm_frame *f = NULL;
        gpumm_frame_info info;
        const void *data;
        CHECK(readable(t->fd, 30000));
        CHECK_OK(gpumm_readback_latest(t->readback, &f));
        if (!f) continue;
        gpumm_frame_get_info(f, &info);
        CHECK_OK(gpumm_frame_data(f, 0, &data));
        for (int i = 0; i < 100; i++) CHECK(((const uint32_t *)data)[i] == (uint32_t)info.step);
        if ((uint64_t)info.step > t->last) t->taken++; /* else a newer one took its place before we came */
        t->last = (uint64_t)info.step;
        gpumm_frame_release(f);
    }
    return NULL;
}

static void crowds(void) {
    gpumm_manager *m = open_manager();
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.jitter = 7}));
    gpumm_buffer *b = open_buffer(m);
    taker takers[READBACKS] = {0};
    pthread_t threads[READBACKS];
    for (int i = 0; i < READBACKS; i++) {
        takers[i].readback = open_readback(b, 3, GPUMM_BUSY_NEWEST);
        CHECK_OK(gpumm_readback_fd(takers[i].readback, &takers[i].fd));
        CHECK(pthread_create(&threads[i], NULL, take_all, &takers[i]) == 0);
    }
    for (uint32_t step = 1; step <= FRAMES; step++) {
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 100, &step));
        for (int i = 0; i < READBACKS; i++) CHECK_OK(gpumm_readback_capture(takers[i].readback, NULL, step, NULL));
    }
    for (int i = 0; i < READBACKS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(takers[i].taken + gpumm_readback_dropped(takers[i].readback) == FRAMES);
        gpumm_readback_release(takers[i].readback);
    }
    gpumm_buffer_release(b);
    close_and_check(m);
}

int main(void) {
    levels();
    behind();
    errors();
    ends();
    crowds();
    return 0;
}
