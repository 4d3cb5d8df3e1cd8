/* SPDX-License-Identifier: MIT */
/*
 * The worker: jobs in their order and all of them, however they are posted and whatever it does meanwhile; a nudge
 * that is not lost; draining and stopping with work posted.
 */
#include <stdatomic.h>

#include "base/thread.h"
#include "check.h"

enum { JOBS = 3000, POSTERS = 4, PATIENCE = 5 }; /* seconds until something counts as never done */

typedef struct counted {
    job job;
    struct list *list;
    int number, by;
} counted;

typedef struct list {
    worker worker;
    atomic_int done, ticks;
    int last[POSTERS]; /* number of each poster's last job that ran */
    atomic_int disorder;
} list;

static void note(job *j) {
    counted *c = (counted *)(void *)j;
    list *l = c->list;
    if (c->number != l->last[c->by] + 1) atomic_fetch_add(&l->disorder, 1);
    l->last[c->by] = c->number;
    free(c);
    atomic_fetch_add(&l->done, 1);
}

static void post_one(list *l, int by, int number, bool patient) {
    counted *c = calloc(1, sizeof *c);
    CHECK(c);
    *c = (counted){.job = {.run = note}, .list = l, .number = number, .by = by};
    if (patient) gpumm__worker_post_patient(&l->worker, &c->job);
    else gpumm__worker_post(&l->worker, &c->job);
}

static bool reached(atomic_int *count, int wanted) {
    uint64_t deadline = gpumm__clock_deadline(PATIENCE);
    while (atomic_load(count) < wanted && gpumm__clock_ns() < deadline) gpumm__clock_sleep_ns(50000);
    return atomic_load(count) >= wanted;
}

static bool tick(void *user) {
    atomic_fetch_add(&((list *)user)->ticks, 1);
    return false;
}

static void list_open(list *l) {
    memset(l, 0, sizeof *l);
    CHECK(gpumm__worker_start(&l->worker, tick, l) == GPUMM_OK);
}

/* ---- One after another, each awaited -------------------------------------------------------- */

/* Asleep, looking by itself, or just at it: a patient job is done soon in each. */
static void test_patient(void) {
    static const uint64_t pauses[] = {0, 30000, 100000, 900000, 1100000, 20000000}; /* before each, ns */
    list l;
    list_open(&l);
    int posted = 0;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        for (int n = 0; n < 20; n++) {
            gpumm__clock_sleep_ns(pauses[i]);
            post_one(&l, 0, ++posted, n % 4 != 3);
            CHECK(reached(&l.done, posted));
        }
    gpumm__clock_sleep_ns(700000000); /* it sleeps by now */
    post_one(&l, 0, ++posted, true);
    CHECK(reached(&l.done, posted));
    CHECK(atomic_load(&l.disorder) == 0);
    gpumm__worker_stop(&l.worker);
}

/* A nudge is answered while nothing is posted, and while the worker looks for itself. */
static void test_nudge(void) {
    list l;
    list_open(&l);
    for (int n = 1; n <= 100; n++) {
        if (n % 10 == 0) post_one(&l, 0, n / 10, true);
        int before = atomic_load(&l.ticks);
        gpumm__worker_nudge(&l.worker);
        CHECK(reached(&l.ticks, before + 1));
    }
    gpumm__worker_stop(&l.worker);
    CHECK(atomic_load(&l.done) == 10);
}

/* ---- Many at once --------------------------------------------------------------------------- */

typedef struct poster {
    pthread_t thread;
    list *list;
    int by;
} poster;

static void *post_many(void *user) {
    poster *p = user;
    for (int n = 1; n <= JOBS; n++) {
        post_one(p->list, p->by, n, (n * 7 + p->by) % 3 != 0);
        if (n % 500 == 0) gpumm__clock_sleep_ns(1500000);
    }
    return NULL;
}

static void test_many(void) {
    list l;
    poster posters[POSTERS];
    list_open(&l);
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (poster){.list = &l, .by = i};
        CHECK(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]) == 0);
    }
    for (int i = 0; i < POSTERS; i++) pthread_join(posters[i].thread, NULL);
    gpumm__worker_drain(&l.worker);
    CHECK(atomic_load(&l.done) == POSTERS * JOBS && atomic_load(&l.disorder) == 0);
    gpumm__worker_stop(&l.worker);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

/* What was posted is done by a drain, and by a stop, also where nobody was woken for it. */
static void test_ends(void) {
    for (int round = 0; round < 50; round++) {
        list l;
        list_open(&l);
        post_one(&l, 0, 1, true);
        gpumm__worker_drain(&l.worker);
        CHECK(atomic_load(&l.done) == 1);
        post_one(&l, 0, 2, true);
        gpumm__worker_stop(&l.worker);
        CHECK(atomic_load(&l.done) == 2 && atomic_load(&l.disorder) == 0);
    }
}

int main(void) {
    test_patient();
    test_nudge();
    test_many();
    test_ends();
    puts("worker: ok");
    return 0;
}
