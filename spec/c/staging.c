/* SPDX-License-Identifier: MIT */
/* Staging that grows with its buffer: the worker commits it, and nobody waits for that who does not need it.
   Commits of pinned memory are held at a door, which is what a gigabyte of it feels like. */
#include "core/context.h"
#include "door.h"

static device_table table;
static gpumm_status (*real_commit)(device *d, place where, gpumm_address address, uint64_t bytes);
static atomic_bool slow;
static door pinned = DOOR_SHUT;

static gpumm_status commit(device *d, place where, gpumm_address address, uint64_t bytes) {
    if (where == PLACE_HOST && atomic_exchange(&slow, false)) door_pass(&pinned); /* the first of a growth */
    return real_commit(d, where, address, bytes);
}

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    gpumm_options options = {.device = "host", .workers = 1};
    CHECK_OK(gpumm_manager_open(&options, &m));
    table = *context_of(m)->device->call;
    real_commit = table.commit;
    table.commit = commit;
    context_of(m)->device->call = &table;
    return m;
}

static void check_frame(gpumm_frame *f, int64_t step, uint64_t length, uint8_t value) {
    gpumm_frame_info info;
    const void *data;
    gpumm_frame_get_info(f, &info);
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(info.step == step && info.length == length);
    for (uint64_t i = 0; i < length; i++) CHECK(((const uint8_t *)data)[i] == value);
}

typedef struct world {
    gpumm_manager *m;
    gpumm_buffer *b;
    gpumm_readback *r;
} world;

enum { SMALL = 1000, LARGE = 1 << 20 };

static world open_world(void) {
    world w = {.m = open_manager()};
    gpumm_type *u8;
    CHECK_OK(gpumm_type_parse("u8", &u8));
    CHECK_OK(gpumm_manager_allocate(w.m, &(gpumm_buffer_options){.name = "b", .type = u8, .length = SMALL}, &w.b));
    gpumm_type_release(u8);
    CHECK_OK(gpumm_buffer_fill(w.b, NULL, 0, SMALL, &(uint8_t){1}));
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &w.b, .buffer_count = 1, .slots = 3}, &w.r));
    return w;
}

static void close_world(world *w) {
    gpumm_stats stats;
    gpumm_readback_release(w->r);
    CHECK_OK(gpumm_buffer_close(w->b));
    gpumm_buffer_release(w->b);
    CHECK_OK(gpumm_manager_check(w->m));
    gpumm_manager_close(w->m);
    gpumm_manager_get_stats(w->m, &stats);
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) CHECK(stats.entry[c].now_bytes == 0);
    CHECK(stats.committed_bytes == 0);
    gpumm_manager_release(w->m);
}

/* The worker is in the midst of a commit for this readback when it returns. */
static void grow(world *w) {
    atomic_store(&slow, true);
    CHECK_OK(gpumm_buffer_ensure_capacity(w->b, LARGE));
    door_await(&pinned);
}

static void test_nobody_waits(void) {
    world w = open_world();
    gpumm_frame *f, *g;
    gpumm_ticket ticket;
    bool ready;
    CHECK_OK(gpumm_readback_capture(w.r, NULL, 1, &ticket));
    CHECK_OK(gpumm_readback_wait(w.r, ticket, -1, &f));
    CHECK_OK(gpumm_frame_keep(f));
    grow(&w);
    CHECK_OK(gpumm_readback_latest(w.r, &g)); /* would hang here */
    CHECK(g == f);
    gpumm_frame_release(g);
    CHECK_OK(gpumm_readback_next(w.r, &g));
    CHECK(g == NULL && gpumm_readback_dropped(w.r) == 0 && gpumm_readback_newest(w.r) == ticket);
    CHECK_OK(gpumm_readback_ready(w.r, 0, &ready));
    CHECK_OK(gpumm_buffer_fill(w.b, NULL, 0, SMALL, &(uint8_t){2}));
    CHECK_OK(gpumm_readback_capture(w.r, NULL, 2, &ticket)); /* there is room for what is in the length */
    CHECK_OK(gpumm_readback_wait(w.r, ticket, -1, &g));
    check_frame(g, 2, SMALL, 2);
    check_frame(f, 1, SMALL, 1);
    gpumm_frame_release(g);
    door_open(&pinned);
    CHECK_OK(gpumm_buffer_resize(w.b, NULL, LARGE));
    CHECK_OK(gpumm_buffer_fill(w.b, NULL, 0, LARGE, &(uint8_t){3}));
    CHECK_OK(gpumm_readback_capture(w.r, NULL, 3, &ticket));
    CHECK_OK(gpumm_readback_wait(w.r, ticket, -1, &g));
    check_frame(g, 3, LARGE, 3);
    gpumm_frame_release(g);
    gpumm_frame_release(f);
    close_world(&w);
}

static void *open_later(void *user) {
    gpumm__clock_sleep_ns(20000000);
    door_open(user);
    return NULL;
}

/* What does need it waits: a capture that fits nowhere else, and whoever closes. */
static void test_who_needs_it_waits(void) {
    world w = open_world();
    pthread_t thread;
    gpumm_frame *f[3], *g;
    gpumm_ticket ticket;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(gpumm_readback_capture(w.r, NULL, i, &ticket));
        CHECK_OK(gpumm_readback_wait(w.r, ticket, -1, &f[i]));
        CHECK_OK(gpumm_frame_keep(f[i]));
    }
    gpumm_frame_release(f[0]); /* the first slot alone is free, and fitted first */
    pinned = (door)DOOR_SHUT;
    grow(&w);
    CHECK_OK(gpumm_buffer_resize(w.b, NULL, LARGE));
    CHECK_OK(gpumm_buffer_fill(w.b, NULL, 0, LARGE, &(uint8_t){4}));
    CHECK(pthread_create(&thread, NULL, open_later, &pinned) == 0);
    CHECK_OK(gpumm_readback_capture(w.r, NULL, 5, &ticket));
    CHECK_OK(gpumm_readback_wait(w.r, ticket, -1, &g));
    check_frame(g, 5, LARGE, 4);
    pthread_join(thread, NULL);
    gpumm_frame_release(g);
    for (int i = 1; i < 3; i++) gpumm_frame_release(f[i]);
    pinned = (door)DOOR_SHUT;
    atomic_store(&slow, true);
    CHECK_OK(gpumm_buffer_ensure_capacity(w.b, 4 * LARGE));
    door_await(&pinned);
    CHECK(pthread_create(&thread, NULL, open_later, &pinned) == 0);
    close_world(&w); /* in the midst of it */
    pthread_join(thread, NULL);
}

typedef struct crowd { /* who looks at the books all the time: whoever books waits for them */
    gpumm_manager *m;
    atomic_bool over;
} crowd;

static void *look_on(void *user) {
    crowd *c = user;
    gpumm_stats stats;
    while (!atomic_load(&c->over)) gpumm_manager_get_stats(c->m, &stats);
    return NULL;
}

static void check_books(const world *w) {
    gpumm_buffer_info info;
    gpumm_stats stats;
    CHECK_OK(gpumm_buffer_get_info(w->b, &info));
    gpumm_manager_get_stats(w->m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_STAGING].now_bytes == 3 * info.capacity);
    CHECK(stats.entry[GPUMM_CATEGORY_PINNED].now_bytes == 3 * info.capacity);
}

/* What the slots stand for is booked with every change of capacity; the worker, which is fitting them to one
   before, does not put that back. */
static void test_books_follow(void) {
    enum { ROUNDS = 3000, STEPS = 64, LOOKERS = 3 };
    world w = open_world();
    crowd c = {.m = w.m};
    pthread_t lookers[LOOKERS];
    for (int i = 0; i < LOOKERS; i++) CHECK(pthread_create(&lookers[i], NULL, look_on, &c) == 0);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        if (i % 2) CHECK_OK(gpumm_buffer_shrink_to_fit(w.b));
        else CHECK_OK(gpumm_buffer_ensure_capacity(w.b, SMALL * (2 + i % STEPS)));
        for (uint64_t look = 0; look < 1 + i % 3; look++) check_books(&w); /* sooner and later */
    }
    atomic_store(&c.over, true);
    for (int i = 0; i < LOOKERS; i++) pthread_join(lookers[i], NULL);
    close_world(&w);
}

int main(void) {
    test_nobody_waits();
    test_books_follow();
    test_who_needs_it_waits();
    return 0;
}
