/* SPDX-License-Identifier: MIT */
/* Several managers that use one another's memory, on the host device: who waits for whom, what is closed with whom, and what a call
   that failed leaves. No test here sleeps. */
#include <sched.h>
#include <unistd.h>

#include "hard.h"

enum { N = 50000, MANAGERS = 3, STREAMS = 20, COPIERS = 4 };

typedef struct world {
    gpumm_manager *m[MANAGERS];
    gpumm_buffer *b[MANAGERS], *second; /* of the first manager too */
} world;

static gpumm_type *u32;

static gpumm_buffer *buffer(gpumm_manager *m) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u32, .length = N, .max_length = N}, &b));
    return b;
}

static world open_world(purse *p) {
    world w;
    for (int i = 0; i < MANAGERS; i++) {
        gpumm_options o = {
            .device = "host", .inject_faults = true, .workers = 1, .allocator = {purse_reallocate, &p[i]}};
        CHECK_OK(gpumm_manager_open(&o, &w.m[i]));
        w.b[i] = buffer(w.m[i]);
    }
    w.second = buffer(w.m[0]);
    return w;
}

static void close_world(world *w, purse *p, int first) {
    for (int i = 0; i < MANAGERS; i++) gpumm_manager_close(w->m[(first + i) % MANAGERS]);
    gpumm_buffer_release(w->second);
    for (int i = 0; i < MANAGERS; i++) {
        gpumm_live live;
        CHECK_OK(gpumm_fault_get_live(w->m[i], &live));
        CHECK(live.streams == 0 && live.events == 0);
        gpumm_buffer_release(w->b[i]);
        gpumm_manager_release(w->m[i]);
        CHECK(atomic_load(&p[i].live) == 0);
    }
}

static void set(gpumm_buffer *b, uint32_t value) { CHECK_OK(gpumm_buffer_fill(b, NULL, 0, N, &value)); }

static void copy(gpumm_buffer *to, gpumm_buffer *from, gpumm_stream *on) {
    CHECK_OK(gpumm_buffer_copy(to, on, 0, from, 0, N));
}

static void holds(gpumm_buffer *b, uint32_t value) {
    static uint32_t got[N];
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, N, got));
    for (uint64_t i = 0; i < N; i++) CHECK(got[i] == value);
}

/* The third reads a buffer only behind what the second signals behind its own read of another one, or of the same. */
static void readers_do_not_wait_for_one_another(world *w, uint64_t value) {
    gpumm_semaphore *signals, *waits;
    int fd;
    CHECK_OK(gpumm_semaphore_stand_in(&fd));
    CHECK_OK(gpumm_semaphore_import(w->m[1], fd, &signals));
    CHECK_OK(gpumm_semaphore_import(w->m[2], fd, &waits));
    set(w->b[0], 5), set(w->second, 6);
    CHECK_OK(gpumm_semaphore_wait(waits, NULL, value));
    copy(w->b[2], w->b[0], NULL);
    copy(w->b[1], w->second, NULL);
    copy(w->b[1], w->b[0], NULL);
    CHECK_OK(gpumm_semaphore_signal(signals, NULL, value));
    CHECK_OK(gpumm_manager_synchronize(w->m[1]));
    set(w->b[0], 7); /* behind both */
    holds(w->b[1], 5), holds(w->b[2], 5), holds(w->b[0], 7);
    gpumm_semaphore_release(signals);
    gpumm_semaphore_release(waits);
    close(fd);
}

static uint64_t streams_of(gpumm_manager *m) {
    gpumm_live live;
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_poll(m));
    CHECK_OK(gpumm_fault_get_live(m, &live));
    return live.streams;
}

/* What the owner has for a stream goes with it, also where a buffer still names it. */
static void goes_with_its_stream(world *w) {
    uint64_t before = streams_of(w->m[0]);
    for (int i = 0; i < STREAMS; i++) {
        gpumm_stream *s;
        CHECK_OK(gpumm_stream_open(w->m[1], &s));
        set(w->b[0], (uint32_t)i);
        copy(w->b[1], w->b[0], s);
        copy(w->b[1], w->second, s);
        copy(w->b[1], w->b[0], s);
        CHECK(streams_of(w->m[0]) > before);
        gpumm_stream_release(s);
        holds(w->b[1], (uint32_t)i);
        CHECK_OK(gpumm_buffer_close(w->b[1])); /* it names the stream */
        gpumm_buffer_release(w->b[1]);
        w->b[1] = buffer(w->m[1]);
        for (double end = seconds_now() + 20; streams_of(w->m[0]) > before; CHECK(seconds_now() < end))
            CHECK_OK(gpumm_manager_poll(w->m[1]));
    }
}

/* Its parts may be on their way: the owner waits for them as for a whole one. */
static void owners_are_told_of_failures(world *w) {
    uint64_t before, after;
    copy(w->b[1], w->b[0], NULL);
    CHECK_OK(gpumm_fault_calls(w->m[0], "stream_wait", &before));
    CHECK_OK(gpumm_fault_plan(w->m[1], &(gpumm_fault){.call = "copy_from", .nth = 1, .status = GPUMM_DRIVER}));
    CHECK_STATUS(gpumm_buffer_copy(w->b[1], NULL, 0, w->b[0], 0, N), GPUMM_DRIVER);
    CHECK_OK(gpumm_fault_calls(w->m[0], "stream_wait", &after));
    CHECK(after == before + 1);
    CHECK_OK(gpumm_fault_plan(w->m[1], &(gpumm_fault){.call = "copy_from", .nth = 1, .status = GPUMM_DRIVER}));
    CHECK_OK(gpumm_fault_plan(w->m[0], &(gpumm_fault){.call = "stream_wait", .nth = 1, .status = GPUMM_BUSY}));
    CHECK_STATUS(gpumm_buffer_copy(w->b[1], NULL, 0, w->b[0], 0, N), GPUMM_DRIVER); /* the first failure */
    CHECK_SAYS("copy_from");
    for (int i = 0; i < 2; i++) CHECK_OK(gpumm_fault_plan(w->m[i], NULL));
}

/* The memory for it, for all the first call makes. */
static void fails_whole(world *w, purse *p) {
    for (int i = 0; i < 2; i++) {
        long nth = 0;
        gpumm_status status;
        gpumm_stream *s;
        CHECK_OK(gpumm_stream_open(w->m[1], &s));
        do {
            purse_fail(&p[i], ++nth);
            status = gpumm_buffer_copy(w->b[1], s, 0, w->b[0], 0, N);
            purse_fail(&p[i], 0);
            CHECK(status == GPUMM_OK || status == GPUMM_OUT_OF_MEMORY);
        } while (status != GPUMM_OK);
        CHECK(nth > 1);
        gpumm_stream_release(s);
    }
}

/* ---- Closing, from all sides at once ------------------------------------------------------------------------ */

typedef struct copier {
    world *w;
    int to;
    atomic_long *copies;
} copier;

/* On a stream of its own each time; either manager may be closed already. */
static void copy_once(const copier *c) {
    gpumm_stream *s;
    gpumm_status status = gpumm_stream_open(c->w->m[c->to], &s);
    if (status == GPUMM_OK) {
        status = gpumm_buffer_copy(c->w->b[c->to], s, 0, c->w->b[0], 0, N);
        gpumm_stream_release(s);
    }
    CHECK(status == GPUMM_OK || status == GPUMM_CLOSED || status == GPUMM_STALE);
    atomic_fetch_add(c->copies, 1);
}

static void *copy_some(void *user) {
    for (int i = 0; i < STREAMS; i++) copy_once(user);
    return NULL;
}

static void closes_under_copies(world *w, int closes) {
    atomic_long copies = 0;
    pthread_t threads[COPIERS];
    copier all[COPIERS];
    for (int i = 0; i < COPIERS; i++) {
        all[i] = (copier){w, 1 + i % 2, &copies};
        CHECK(pthread_create(&threads[i], NULL, copy_some, &all[i]) == 0);
    }
    while (atomic_load(&copies) < COPIERS * STREAMS / 3) sched_yield();
    gpumm_manager_close(w->m[closes]);
    for (int i = 0; i < COPIERS; i++) pthread_join(threads[i], NULL);
}

int main(void) {
    CHECK_OK(gpumm_type_parse("u32", &u32));
    for (int first = 0; first < MANAGERS; first++) {
        purse p[MANAGERS] = {0};
        world w = open_world(p);
        readers_do_not_wait_for_one_another(&w, 1);
        if (first == 0) goes_with_its_stream(&w);
        owners_are_told_of_failures(&w);
        fails_whole(&w, p);
        readers_do_not_wait_for_one_another(&w, 1);
        copy(w.b[1], w.b[0], NULL), copy(w.b[0], w.b[2], NULL), copy(w.b[2], w.b[1], NULL);
        closes_under_copies(&w, first);
        close_world(&w, p, first);
    }
    gpumm_type_release(u32);
    return 0;
}
