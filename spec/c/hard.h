/* SPDX-License-Identifier: MIT */
/* What the hard tests share: random numbers, an allocator that counts and fails on demand, and what must be
   true of a manager at rest and after its close. */
#ifndef HARD_H
#define HARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "check.h"

#if defined(__SANITIZE_THREAD__)
#define HARD_SLOW 20 /* how much less is done where every step costs more */
#elif defined(__SANITIZE_ADDRESS__)
#define HARD_SLOW 4
#else
#define HARD_SLOW 1
#endif

/* xorshift64*: the same everywhere for the same seed. */
typedef struct dice {
    uint64_t state;
} dice;

static inline uint64_t roll(dice *d) {
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * 0x2545f4914f6cdd1dull;
}

/* 0 to n - 1. */
static inline uint64_t below(dice *d, uint64_t n) { return (roll(d) >> 11) % n; }

static inline dice dice_of(uint64_t number) { return (dice){number * 0x9e3779b97f4a7c15ull + 1}; }

static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* An allocator over malloc that counts live blocks and fails the nth request from now. */
typedef struct purse {
    atomic_long live, asked;
    atomic_long fail_at; /* counted in `asked`; 0: none */
} purse;

static inline void *purse_reallocate(void *user, void *block, size_t size) {
    purse *p = user;
    if (!size) {
        if (block) atomic_fetch_sub(&p->live, 1);
        free(block);
        return NULL;
    }
    long number = atomic_fetch_add(&p->asked, 1) + 1;
    if (number == atomic_load(&p->fail_at)) return NULL;
    void *made = realloc(block, size);
    if (made && !block) atomic_fetch_add(&p->live, 1);
    return made;
}

static inline void purse_fail(purse *p, long nth) { atomic_store(&p->fail_at, nth ? atomic_load(&p->asked) + nth : 0); }

/* Whether the request that was to fail has come, and ends the plan. */
static inline bool purse_failed(purse *p) {
    long at = atomic_exchange(&p->fail_at, 0);
    return at && atomic_load(&p->asked) >= at;
}

static inline void check_nothing_live(const gpumm_live *live) {
    CHECK(live->committed_bytes == 0);
    CHECK(live->reserved_bytes == 0);
    CHECK(live->ranges == 0);
    CHECK(live->segments == 0);
    CHECK(live->blocks == 0);
    CHECK(live->streams == 0);
    CHECK(live->events == 0);
    CHECK(live->modules == 0);
    CHECK(live->graphs == 0);
    CHECK(live->semaphores == 0);
}

/* Closes a faulty manager and lets it go: nothing is left on the device or in the books. */
static inline void close_and_check(gpumm_manager *m) {
    gpumm_live live;
    gpumm_stats stats;
    gpumm_manager_close(m);
    CHECK_OK(gpumm_fault_get_live(m, &live));
    check_nothing_live(&live);
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes == 0);
    CHECK(stats.committed_bytes == 0);
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) CHECK(stats.entry[c].now_bytes == 0);
    gpumm_manager_release(m);
}

/* The books say what the fault device counted, once all that was spare is gone. */
static inline void check_books(gpumm_manager *m, const gpumm_budget *budget) {
    gpumm_live live;
    gpumm_stats stats;
    CHECK_OK(gpumm_manager_synchronize(m));
    double end = seconds_now() + 20; /* the worker may be fitting staging, or committing ahead, at this moment */
    do {
        CHECK_OK(gpumm_manager_trim(m, NULL));
        gpumm_manager_get_stats(m, &stats);
        CHECK_OK(gpumm_fault_get_live(m, &live));
    } while (stats.committed_bytes != live.committed_bytes && seconds_now() < end);
    CHECK(stats.committed_bytes == live.committed_bytes);
    CHECK(stats.entry[GPUMM_CATEGORY_CACHED].now_bytes == 0);
    if (budget) CHECK(stats.used_bytes == gpumm_budget_used(budget));
    CHECK_OK(gpumm_manager_check(m));
}

#endif
