/* SPDX-License-Identifier: MIT */
/* Ten threads on one manager, each with buffers of its own and all with the same shared ones; contents are
   verified throughout. Then what ends under those who wait: a buffer, a readback, the manager. Then scratch
   of the same streams, from all of them. Then two managers that share a budget. */
#include <sched.h>

#include "base/thread.h"
#include "hard.h"

enum { THREADS = 10, ROUNDS = 400, OWN = 20000, SHARED = 3000, MOST = 60000, MEMBERS = 3 };

static gpumm_type *u32;
static gpumm_manager *m;

static gpumm_manager *manager_made(gpumm_budget *budget, uint64_t jitter, bool relocate) {
    gpumm_manager *made;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host",
                                                 .inject_faults = true,
                                                 .workers = 2,
                                                 .budget = budget,
                                                 .relocate = relocate,
                                                 .fault = {.jitter = jitter}},
                                &made));
    return made;
}

static gpumm_status made(gpumm_manager *on, const char *name, uint64_t length, gpumm_buffer **out) {
    return gpumm_manager_allocate(
        on, &(gpumm_buffer_options){.name = name, .type = u32, .length = length, .max_length = MOST, .tag = "threads"},
        out);
}

static void together(int count, void *(*run)(void *), void *users, size_t size) {
    pthread_t all[THREADS];
    for (int i = 0; i < count; i++) CHECK(pthread_create(&all[i], NULL, run, (char *)users + (size_t)i * size) == 0);
    for (int i = 0; i < count; i++) pthread_join(all[i], NULL);
}

/* ---- Ten threads ----------------------------------------------------------------------------- */

static gpumm_buffer *shared; /* element i is always value(i), at every length */
static gpumm_group *group;   /* members agree, and each is uniform, at every moment */
static gpumm_readback *readback;

typedef struct worker_state {
    uint64_t number;
    dice d;
    gpumm_buffer *own;
    gpumm_stream *stream;
    uint64_t length;
    uint32_t *model, *got;
} worker_state;

static uint32_t value(uint64_t i) { return (uint32_t)(i * 2654435761u); }

static void own_open(worker_state *w) {
    CHECK_OK(
        gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u32, .length = 100, .max_length = MOST}, &w->own));
    CHECK_OK(gpumm_stream_open(m, &w->stream));
    w->length = 100;
    memset(w->model, 0, MOST * 4);
}

static void own_verify(worker_state *w) {
    CHECK_OK(gpumm_buffer_download(w->own, w->stream, 0, w->length, w->got));
    CHECK(memcmp(w->got, w->model, w->length * 4) == 0);
}

static void own_resize(worker_state *w) {
    uint64_t length = 1 + below(&w->d, OWN);
    CHECK_OK(gpumm_buffer_resize(w->own, w->stream, length));
    if (length > w->length) memset(w->model + w->length, 0, (length - w->length) * 4);
    w->length = length;
}

static void own_upload(worker_state *w) {
    uint64_t first = below(&w->d, w->length), count = 1 + below(&w->d, w->length - first);
    for (uint64_t i = 0; i < count; i++) w->model[first + i] = (uint32_t)roll(&w->d);
    CHECK_OK(gpumm_buffer_upload(w->own, w->stream, first, count, w->model + first));
}

static void own_replace(worker_state *w) {
    own_verify(w);
    gpumm_buffer_release(w->own);
    gpumm_stream_release(w->stream);
    own_open(w);
}

static void own_capture(worker_state *w) {
    gpumm_readback *r;
    gpumm_frame *f;
    const void *data;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &w->own, .buffer_count = 1}, &r));
    CHECK_OK(gpumm_readback_capture(r, w->stream, 1, NULL));
    CHECK_OK(gpumm_buffer_fill(w->own, w->stream, 0, w->length, &(uint32_t){(uint32_t)w->number}));
    CHECK_OK(gpumm_readback_wait(r, 0, 60, &f));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(memcmp(data, w->model, w->length * 4) == 0);
    for (uint64_t i = 0; i < w->length; i++) w->model[i] = (uint32_t)w->number;
    gpumm_frame_release(f);
    gpumm_readback_release(r);
}

static void shared_grow(worker_state *w) {
    CHECK_OK(gpumm_buffer_ensure_capacity(shared, SHARED + below(&w->d, MOST - SHARED)));
    if (below(&w->d, 4) == 0) CHECK_OK(gpumm_buffer_shrink_to_fit(shared));
}

static void shared_write(worker_state *w) {
    uint64_t first = below(&w->d, SHARED), count = 1 + below(&w->d, SHARED - first);
    for (uint64_t i = 0; i < count; i++) w->got[i] = value(first + i);
    CHECK_OK(gpumm_buffer_upload(shared, w->stream, first, count, w->got));
}

static void shared_read(worker_state *w) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_find(m, "shared", u32, &b));
    CHECK_OK(gpumm_buffer_download(b, w->stream, 0, SHARED, w->got));
    for (uint64_t i = 0; i < SHARED; i++) CHECK(w->got[i] == value(i));
    gpumm_buffer_release(b);
}

/* Several may want the same name: one has it. */
static void names(worker_state *w) {
    static const char *const all[] = {"p", "q", "r"};
    const char *name = all[below(&w->d, 3)];
    gpumm_buffer *b;
    gpumm_status status = made(m, name, 10, &b);
    if (status == GPUMM_OK) gpumm_buffer_release(b);
    else CHECK_STATUS(status, GPUMM_ALREADY_EXISTS);
    status = gpumm_manager_free(m, name);
    if (status != GPUMM_OK && status != GPUMM_STALE) CHECK_STATUS(status, GPUMM_NOT_FOUND);
}

static void frame_check(gpumm_frame *f) {
    gpumm_frame_info info;
    const void *data[MEMBERS];
    gpumm_frame_get_info(f, &info);
    if (gpumm_frame_keep(f) != GPUMM_OK) return; /* another thread has had the next one */
    for (size_t i = 0; i < MEMBERS; i++) CHECK_OK(gpumm_frame_data(f, i, &data[i]));
    for (size_t i = 0; i < MEMBERS; i++)
        for (uint64_t j = 0; j < info.length; j++) CHECK(((const uint32_t *)data[i])[j] == (uint32_t)info.step);
}

static void group_capture(worker_state *w) {
    gpumm_frame *f = NULL;
    gpumm_ticket t;
    gpumm_status status = gpumm_readback_capture(readback, NULL, 77, &t);
    if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_BUSY);
    switch (below(&w->d, 3)) {
    case 0: status = gpumm_readback_latest(readback, &f); break;
    case 1: status = gpumm_readback_next(readback, &f); break;
    default: status = gpumm_readback_wait(readback, 0, 60, &f); break;
    }
    if (status != GPUMM_OK && status != GPUMM_NOT_PENDING) CHECK_STATUS(status, GPUMM_STALE);
    if (status != GPUMM_OK || !f) return;
    frame_check(f);
    gpumm_frame_release(f);
}

static void group_grow(worker_state *w) {
    CHECK_OK(gpumm_group_ensure_capacity(group, 1000 + below(&w->d, 5000)));
    if (below(&w->d, 8) == 0) CHECK_OK(gpumm_group_shrink_to_fit(group));
}

/* What is lent keeps the manager: whichever of the two goes last, on whatever thread, closes it, once. */
static void *release_manager(void *given) {
    gpumm_manager_release(given);
    return NULL;
}

static void last_of_all(void) {
    for (int i = 0; i < 40; i++) {
        gpumm_manager *own;
        gpumm_scratch *first, *second;
        pthread_t thread;
        CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &own));
        CHECK_OK(gpumm_scratch_open(own, NULL, 1000, &first));
        CHECK_OK(gpumm_scratch_open(own, NULL, 1000, &second));
        gpumm_scratch_release(first); /* on the short way from here on */
        CHECK_OK(gpumm_scratch_open(own, NULL, 1000, &first));
        if (i % 4 == 0) gpumm_manager_close(own);
        pthread_create(&thread, NULL, release_manager, own);
        if (i % 2) pthread_join(thread, NULL);
        gpumm_scratch_release(second);
        gpumm_scratch_release(first);
        if (i % 2 == 0) pthread_join(thread, NULL);
    }
}

static void scratch(worker_state *w) {
    gpumm_scratch *x, *y;
    CHECK_OK(gpumm_scratch_open(m, below(&w->d, 2) ? w->stream : NULL, 1 + below(&w->d, 10000), &x));
    CHECK_OK(gpumm_scratch_open(m, NULL, 1 + below(&w->d, 10000), &y));
    CHECK_OK(gpumm_scratch_used(x, NULL, GPUMM_ACCESS_WRITE));
    CHECK(gpumm_scratch_address(x) != gpumm_scratch_address(y));
    gpumm_scratch_release(x);
    gpumm_scratch_release(y);
}

static void look_around(worker_state *w) {
    gpumm_stats stats;
    char name[64];
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes >= SHARED * 4);
    CHECK(gpumm_manager_blocks(m, NULL, NULL) >= 1);
    CHECK(gpumm_manager_leaks(m, NULL, NULL) >= 1);
    CHECK_OK(gpumm_manager_name(m, 0, name, sizeof name));
    CHECK(strcmp(name, "shared") == 0);
    CHECK_OK(gpumm_manager_poll(m));
    if (below(&w->d, 8) == 0) CHECK_OK(gpumm_manager_trim(m, NULL));
    if (below(&w->d, 8) == 0) CHECK_OK(gpumm_manager_synchronize(m));
}

static void *work(void *user) {
    static void (*const acts[])(worker_state * w) = {
        own_verify,  own_resize, own_upload,    own_upload,    own_replace, own_capture, shared_grow, shared_write,
        shared_read, names,      group_capture, group_capture, group_grow,  scratch,     look_around,
    };
    worker_state *w = user;
    w->model = malloc(MOST * 4);
    w->got = malloc(MOST * 4);
    own_open(w);
    for (int i = 0; i < ROUNDS / HARD_SLOW; i++) acts[below(&w->d, sizeof acts / sizeof *acts)](w);
    own_verify(w);
    gpumm_buffer_release(w->own);
    gpumm_stream_release(w->stream);
    free(w->model);
    free(w->got);
    return NULL;
}

static void shared_open(void) {
    static uint32_t data[SHARED];
    gpumm_member members[MEMBERS] = {
        {.name = "x", .type = u32}, {.name = "y", .type = u32}, {.name = "z", .type = u32}};
    gpumm_buffer *of_group[MEMBERS];
    for (uint64_t i = 0; i < SHARED; i++) data[i] = value(i);
    CHECK_OK(made(m, "shared", SHARED, &shared));
    CHECK_OK(gpumm_buffer_upload(shared, NULL, 0, SHARED, data));
    CHECK_OK(gpumm_group_open(
        m,
        &(gpumm_group_options){
            .name = "g", .members = members, .member_count = MEMBERS, .length = 1000, .max_length = MOST},
        &group));
    for (size_t i = 0; i < MEMBERS; i++) {
        of_group[i] = gpumm_group_at(group, i);
        CHECK_OK(gpumm_buffer_fill(of_group[i], NULL, 0, 1000, &(uint32_t){77}));
    }
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = of_group, .buffer_count = MEMBERS, .slots = 4},
                                 &readback));
}

static void ten_threads(bool relocate) {
    worker_state all[THREADS] = {0};
    m = manager_made(NULL, 0, relocate);
    shared_open();
    for (uint64_t i = 0; i < THREADS; i++) all[i] = (worker_state){.number = i + 1, .d = dice_of(i + 100)};
    together(THREADS, work, all, sizeof *all);
    for (int i = 0; i < 3; i++) gpumm_manager_free(m, (const char *[]){"p", "q", "r"}[i]);
    gpumm_readback_release(readback);
    CHECK_OK(gpumm_group_close(group));
    gpumm_group_release(group);
    CHECK_OK(gpumm_manager_free(m, "shared"));
    gpumm_buffer_release(shared);
    check_books(m, NULL);
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes == 0 && stats.buffer_count == 0);
    close_and_check(m);
}

/* ---- What ends under those who wait ----------------------------------------------------------- */

typedef struct waiter {
    gpumm_readback *readback;
    gpumm_event *event;
    gpumm_stream *stream;
    gpumm_buffer *buffer;
    gpumm_ticket ticket;
    atomic_int *waiting;
    gpumm_status status;
} waiter;

static void *wait_frame(void *user) {
    waiter *w = user;
    gpumm_frame *f = NULL;
    atomic_fetch_add(w->waiting, 1);
    w->status = gpumm_readback_wait(w->readback, w->ticket, -1, &f);
    CHECK(w->status == GPUMM_OK || f == NULL);
    gpumm_frame_release(f);
    return NULL;
}

static void *wait_event(void *user) {
    waiter *w = user;
    atomic_fetch_add(w->waiting, 1);
    w->status = gpumm_event_wait(w->event, -1);
    return NULL;
}

static void *wait_stream(void *user) {
    waiter *w = user;
    atomic_fetch_add(w->waiting, 1);
    w->status = gpumm_stream_synchronize(w->stream);
    return NULL;
}

static void *wait_download(void *user) {
    waiter *w = user;
    uint32_t got[8];
    atomic_fetch_add(w->waiting, 1);
    w->status = gpumm_buffer_download(w->buffer, NULL, 0, 8, got);
    return NULL;
}

typedef struct held {
    gpumm_buffer *b;
    gpumm_readback *r;
    gpumm_ticket t[2];
} held;

static held hold_captures(bool wait) {
    held h;
    m = manager_made(NULL, 0, false);
    CHECK_OK(made(m, "b", 1000, &h.b));
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){
            .buffers = &h.b, .buffer_count = 1, .slots = 2, .busy = wait ? GPUMM_BUSY_WAIT : GPUMM_BUSY_DROP},
        &h.r));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_fault_hold(m, "copy"));
    CHECK_OK(gpumm_readback_capture(h.r, NULL, 1, &h.t[0]));
    CHECK_OK(gpumm_readback_capture(h.r, NULL, 2, &h.t[1]));
    return h;
}

static void let_go(held *h) {
    gpumm_buffer_release(h->b);
    gpumm_readback_release(h->r);
    close_and_check(m);
}

static void started(atomic_int *waiting, int count) {
    while (atomic_load(waiting) < count) sched_yield();
    for (int i = 0; i < 200; i++) sched_yield();
}

static void *capture_waiting(void *user) {
    waiter *w = user;
    atomic_fetch_add(w->waiting, 1);
    w->status = gpumm_readback_capture(w->readback, NULL, 3, NULL);
    return NULL;
}

static void free_the_buffer(held *h) { CHECK_OK(gpumm_buffer_close(h->b)); }
static void close_the_readback(held *h) { gpumm_readback_close(h->r); }
static void close_the_manager(held *h) { (void)h, gpumm_manager_close(m); }

/* `end` happens while others wait for frames, or for room: all of them are told. */
static void ends_under_waiters(void (*end)(held *h), gpumm_status wanted) {
    enum { WAITERS = 6 };
    held h = hold_captures(true);
    waiter all[WAITERS] = {{0}};
    pthread_t threads[WAITERS];
    atomic_int waiting = 0;
    for (int i = 0; i < WAITERS; i++) {
        all[i] = (waiter){.readback = h.r, .ticket = h.t[i % 2], .waiting = &waiting};
        CHECK(pthread_create(&threads[i], NULL, i == 5 ? capture_waiting : wait_frame, &all[i]) == 0);
    }
    started(&waiting, WAITERS);
    end(&h);
    for (int i = 0; i < WAITERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_STATUS(all[i].status, i == 5 && all[i].status == GPUMM_CLOSED ? GPUMM_CLOSED : wanted);
    }
    let_go(&h);
}

/* Waiting for events and downloads ends as well; a stream is waited for to its end. */
static void close_under_other_waiters(void) {
    gpumm_stream *s;
    gpumm_buffer *b;
    gpumm_event *e;
    atomic_int waiting = 0;
    pthread_t threads[3];
    m = manager_made(NULL, 0, false);
    CHECK_OK(made(m, NULL, 1000, &b));
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    CHECK_OK(gpumm_buffer_fill(b, s, 0, 1000, &(uint32_t){1}));
    CHECK_OK(gpumm_stream_record(s, &e));
    waiter w = {.event = e, .stream = s, .buffer = b, .waiting = &waiting}, all[3] = {w, w, w};
    CHECK(pthread_create(&threads[0], NULL, wait_event, &all[0]) == 0);
    CHECK(pthread_create(&threads[1], NULL, wait_download, &all[1]) == 0);
    CHECK(pthread_create(&threads[2], NULL, wait_stream, &all[2]) == 0);
    started(&waiting, 3);
    gpumm_manager_close(m);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(all[i].status, all[i].status == GPUMM_CLOSED ? GPUMM_CLOSED : GPUMM_CANCELLED);
    CHECK_STATUS(all[2].status, all[2].status == GPUMM_CLOSED ? GPUMM_CLOSED : GPUMM_OK);
    CHECK_STATUS(gpumm_buffer_fill(b, s, 0, 1, &(uint32_t){1}), GPUMM_CLOSED);
    CHECK_STATUS(gpumm_event_wait(e, 0), GPUMM_CLOSED);
    gpumm_event_release(e);
    gpumm_stream_release(s);
    gpumm_buffer_release(b);
    close_and_check(m);
}

/* ---- Handles that are released while, and after, the manager closes --------------------------- */

typedef struct handles {
    gpumm_buffer *b;
    gpumm_readback *r;
    gpumm_frame *f;
    gpumm_scratch *x;
    gpumm_stream *s;
    atomic_bool *go;
} handles;

static void *release_all(void *user) {
    handles *h = user;
    while (!atomic_load(h->go)) sched_yield();
    gpumm_frame_release(h->f);
    gpumm_buffer_release(h->b);
    gpumm_scratch_release(h->x);
    gpumm_readback_release(h->r);
    gpumm_stream_release(h->s);
    return NULL;
}

static void release_under_close(void) {
    for (int round = 0; round < 40 / (HARD_SLOW > 4 ? 4 : 1); round++) {
        handles all[4];
        pthread_t threads[4];
        atomic_bool go = false;
        m = manager_made(NULL, 0, round % 2);
        for (int i = 0; i < 4; i++) {
            handles *h = &all[i];
            h->go = &go;
            CHECK_OK(made(m, NULL, 30000, &h->b));
            CHECK_OK(gpumm_stream_open(m, &h->s));
            CHECK_OK(gpumm_scratch_open(m, h->s, 1000, &h->x));
            CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &h->b, .buffer_count = 1}, &h->r));
            CHECK_OK(gpumm_readback_capture(h->r, NULL, 1, NULL));
            CHECK_OK(gpumm_readback_wait(h->r, 0, 60, &h->f));
            if (i % 2) CHECK_OK(gpumm_frame_keep(h->f));
            CHECK_OK(gpumm_readback_capture(h->r, h->s, 2, NULL));
            CHECK(pthread_create(&threads[i], NULL, release_all, h) == 0);
        }
        atomic_store(&go, true);
        close_and_check(m); /* gives its handle back; the last of the others ends it */
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    }
}

/* ---- Scratch of few streams, by many -------------------------------------------------------------- */

enum { HELD = 90, STREAMS = 3 }; /* blocks a thread holds at most, so that nodes run out too; streams for all */

static gpumm_stream *streams[STREAMS]; /* [0]: NULL, the main one */

typedef struct taken {
    gpumm_scratch *scratch;
    uint64_t bytes;
    unsigned char mark;
} taken;

typedef struct taker {
    dice d;
    taken all[HELD];
} taker;

static unsigned char *memory_of(const taken *t) { /* the host device's */
    return (unsigned char *)(uintptr_t)gpumm_scratch_address(t->scratch);
}

/* Small ones mostly, which take nodes; large ones at times, which have the slab grow. */
static uint64_t some_bytes(dice *d) { return 1 + below(d, below(d, 16) ? 3000 : 400000); }

static void take_some(taker *k, taken *t) {
    t->bytes = some_bytes(&k->d);
    t->mark = (unsigned char)roll(&k->d);
    CHECK_OK(gpumm_scratch_open(m, streams[below(&k->d, STREAMS)], t->bytes, &t->scratch));
    CHECK(gpumm_scratch_bytes(t->scratch) == t->bytes);
    memset(memory_of(t), t->mark, t->bytes);
}

/* Nobody else was given a byte of it. */
static void give_some(taken *t) {
    const unsigned char *at = memory_of(t);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < t->bytes; i++) wrong += at[i] != t->mark;
    CHECK(wrong == 0);
    gpumm_scratch_release(t->scratch);
    t->scratch = NULL;
}

/* A stream that goes with a block of its still there, and with it all of its slab. */
static void stream_in_passing(taker *k) {
    gpumm_stream *s;
    taken t = {.bytes = some_bytes(&k->d), .mark = 1};
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_scratch_open(m, s, t.bytes, &t.scratch));
    memset(memory_of(&t), t.mark, t.bytes);
    gpumm_stream_release(s);
    give_some(&t);
}

static void look_at_books(dice *d) {
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_SCRATCH].now_bytes <= stats.used_bytes);
    if (below(d, 4) == 0) CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK_OK(gpumm_manager_check(m));
}

static void *take_and_give(void *user) {
    taker *k = user;
    for (int i = 0; i < 6 * ROUNDS / HARD_SLOW; i++) {
        taken *t = &k->all[below(&k->d, HELD)];
        if (t->scratch) give_some(t);
        else take_some(k, t);
        if (below(&k->d, 64) == 0) stream_in_passing(k);
        if (below(&k->d, 64) == 0) look_at_books(&k->d);
    }
    for (int i = 0; i < HELD; i++)
        if (k->all[i].scratch) give_some(&k->all[i]);
    return NULL;
}

static void scratch_by_many(bool relocate) {
    static taker all[THREADS];
    gpumm_stats stats;
    m = manager_made(NULL, 0, relocate);
    for (int i = 1; i < STREAMS; i++) CHECK_OK(gpumm_stream_open(m, &streams[i]));
    for (uint64_t i = 0; i < THREADS; i++) all[i] = (taker){.d = dice_of(i + 300)};
    together(THREADS, take_and_give, all, sizeof *all);
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_SCRATCH].now_bytes == 0 && stats.used_bytes == 0);
    check_books(m, NULL);
    for (int i = 1; i < STREAMS; i++) gpumm_stream_release(streams[i]);
    close_and_check(m);
}

/* ---- Two managers, one budget ---------------------------------------------------------------- */

enum { LIMIT = 1 << 20 };

static gpumm_budget *budget;
static gpumm_manager *both[2];

static void *spend(void *user) {
    dice *d = user;
    gpumm_buffer *mine[4] = {NULL};
    uint64_t refused = 0; /* one thread alone wants more than the limit at times */
    for (int i = 0; i < 3 * ROUNDS / HARD_SLOW; i++) {
        gpumm_buffer **b = &mine[below(d, 4)];
        if (*b && below(d, 2)) {
            gpumm_status status = gpumm_buffer_ensure_capacity(*b, 1 + below(d, 200000));
            if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OVER_LIMIT), refused++;
        } else if (*b) {
            gpumm_buffer_release(*b);
            *b = NULL;
        } else {
            gpumm_buffer_options o = {.type = u32, .length = 1 + below(d, 150000)};
            gpumm_status status = gpumm_manager_allocate(both[below(d, 2)], &o, b);
            if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OVER_LIMIT), refused++;
        }
        CHECK(gpumm_budget_used(budget) <= LIMIT);
    }
    for (int i = 0; i < 4; i++) gpumm_buffer_release(mine[i]);
    CHECK(refused > 0);
    return NULL;
}

static void a_shared_budget(void) {
    dice all[6];
    gpumm_stats a, b;
    CHECK_OK(gpumm_budget_open(LIMIT, &budget));
    for (int i = 0; i < 2; i++) both[i] = manager_made(budget, 0, i);
    for (uint64_t i = 0; i < 6; i++) all[i] = dice_of(i + 7);
    together(6, spend, all, sizeof *all);
    gpumm_manager_get_stats(both[0], &a);
    gpumm_manager_get_stats(both[1], &b);
    CHECK(a.limit_bytes == LIMIT && a.used_bytes + b.used_bytes == gpumm_budget_used(budget));
    CHECK(gpumm_budget_used(budget) == 0);
    gpumm_buffer *kept;
    CHECK_OK(made(both[0], "kept", 1000, &kept));
    CHECK_STATUS(gpumm_manager_allocate(both[1], &(gpumm_buffer_options){.type = u32, .length = LIMIT / 4}, &kept),
                 GPUMM_OVER_LIMIT);
    for (int i = 0; i < 2; i++) close_and_check(both[i]);
    CHECK(gpumm_budget_used(budget) == 0); /* also what nobody freed, and a handle of it is still there */
    gpumm_buffer_release(kept);
    gpumm_budget_release(budget);
}

/* ---- A worker that is nudged while it looks --------------------------------------------------- */

typedef struct looks {
    worker worker;
    atomic_int begun;
    atomic_bool nudged;
} looks;

/* The first looks before the nudge, and ends after it: what it did not see, only a second one can. */
static bool look(void *user) {
    looks *l = user;
    if (atomic_fetch_add(&l->begun, 1) == 0)
        while (!atomic_load(&l->nudged)) sched_yield();
    return false;
}

static void a_nudge_is_not_lost(void) {
    looks l = {.begun = 0};
    CHECK_OK(gpumm__worker_start(&l.worker, look, &l));
    while (atomic_load(&l.begun) == 0) sched_yield();
    gpumm__worker_nudge(&l.worker);
    atomic_store(&l.nudged, true);
    for (double end = seconds_now() + 20; atomic_load(&l.begun) < 2 && seconds_now() < end;) sched_yield();
    CHECK(atomic_load(&l.begun) >= 2);
    gpumm__worker_stop(&l.worker);
}

int main(void) {
    a_nudge_is_not_lost();
    CHECK_OK(gpumm_type_parse("u32", &u32));
    ten_threads(false);
    ten_threads(true);
    ends_under_waiters(free_the_buffer, GPUMM_CANCELLED);
    ends_under_waiters(close_the_readback, GPUMM_CANCELLED);
    ends_under_waiters(close_the_manager, GPUMM_CANCELLED);
    close_under_other_waiters();
    release_under_close();
    scratch_by_many(false);
    scratch_by_many(true);
    a_shared_budget();
    last_of_all();
    gpumm_type_release(u32);
    return 0;
}
