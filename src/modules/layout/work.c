/* SPDX-License-Identifier: MIT */
/* Memory, threads and progress of a long call. */
#include "modules/layout/work.h"

#include <lauxlib.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { THREADS_MOST = 64, PIECE = 1 << 20, HUGE_PAGE = 1 << 21 }; /* bytes that are worth a thread */

/* ---- Memory ----------------------------------------------------------------------------------- */

void gpumm_layout__work_huge(void *block, size_t size) {
    uintptr_t first = ((uintptr_t)block + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, last = (uintptr_t)block + size;
    if (size >= 2 * (size_t)HUGE_PAGE && last > first) madvise((void *)first, last - first, MADV_HUGEPAGE);
}

void *gpumm_layout__work_memory(const work *w, void *block, size_t size) {
    void *fresh = w->memory.reallocate(w->memory.user, block, size);
    if (fresh) gpumm_layout__work_huge(fresh, size);
    return fresh;
}

void *gpumm_layout__work_array(const work *w, void *block, size_t count, size_t size) {
    if (size > 0 && count > SIZE_MAX / 2 / size) return NULL;
    return gpumm_layout__work_memory(w, block, count > 0 ? count * size : 1);
}

void gpumm_layout__work_free(const work *w, void *block) {
    if (block) w->memory.reallocate(w->memory.user, block, 0);
}

void *gpumm_layout__work_scratch(lua_State *L, uint64_t count, size_t size) {
    if (size > 0 && count > SIZE_MAX / 2 / size) luaL_error(L, "not enough memory");
    void *block = lua_newuserdatauv(L, (size_t)count * size + 1, 0);
    memset(block, 0, (size_t)count * size + 1);
    return block;
}

void gpumm_layout__work_end(void) {
#ifdef __GLIBC__
    malloc_trim(0); /* it keeps the memory of threads that are gone for threads to come */
#endif
}

/* ---- Threads ---------------------------------------------------------------------------------- */

static unsigned cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void gpumm_layout__work_begin(work *w, lua_State *L, const char *what, uint64_t bytes, unsigned threads) {
    uint64_t worth = bytes / PIECE + 1;
    *w = (work){.L = L, .memory = gpumm_lua_allocator(L), .what = what, .total = bytes, .next = now() + 1};
    w->threads = threads > 0 ? threads : cores();
    if (threads == 0 && w->threads > worth) w->threads = (unsigned)worth;
    if (w->threads > THREADS_MOST) w->threads = THREADS_MOST;
    atomic_init(&w->done, 0);
}

typedef struct crew {
    work_task *task;
    void *user;
    unsigned count;
    atomic_uint next;
} crew;

static void *serve(void *user) {
    crew *c = user;
    for (unsigned i = atomic_fetch_add(&c->next, 1); i < c->count; i = atomic_fetch_add(&c->next, 1))
        c->task(c->user, i);
    return NULL;
}

void gpumm_layout__work_run(work *w, unsigned count, work_task *task, void *user) {
    crew c = {.task = task, .user = user, .count = count};
    pthread_t threads[THREADS_MOST];
    unsigned started = 0, wanted = w->threads < count ? w->threads : count;
    sigset_t all, before;
    atomic_init(&c.next, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the application's threads */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, serve, &c) == 0) started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (count > 0) task(user, 0);
    serve(&c);
    for (unsigned i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

void gpumm_layout__work_tick(work *w, unsigned index, uint64_t done) {
    char line[256];
    uint64_t sum = atomic_fetch_add(&w->done, done) + done;
    if (index != 0 || !w->what || w->total == 0 || now() < w->next) return;
    w->next = now() + 1;
    snprintf(line, sizeof line, "%.200s: %u %%", w->what, (unsigned)(100.0 * (double)sum / (double)w->total));
    gpumm_lua_say(w->L, GPUMM_LOG_INFO, line);
}
