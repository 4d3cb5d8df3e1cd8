/* SPDX-License-Identifier: MIT */
/* The threads that run kernels. A stream's thread offers its kernel as a task, works on it itself, and
   the pool's helpers take chunks of whichever task still has some; so a lone stream gets every core and
   several share them. Chunks are handed out as they are asked for, because kernel threads cost unevenly. */
#include "device/host/pool.h"

#include "base/size.h"
#include "base/status.h"
#include "device/host/arithmetic.h"

/* Chunks a thread: enough to even out, few enough that handing out costs nothing. */
enum { CHUNKS_PER_THREAD = 8, CHUNK_UNIT = 64 };

struct helper {
    job job; /* first: runs for as long as the pool lives */
    worker worker;
    pool *pool;
};

gpumm_status gpumm__host_pool_open(pool *p, unsigned threads, const gpumm_allocator *memory) {
    *p = (pool){.wanted = threads - 1, .memory = memory};
    pthread_mutex_init(&p->lock, NULL);
    TRY(gpumm__cond_open(&p->wake));
    gpumm_status status = gpumm__cond_open(&p->done);
    if (status != GPUMM_OK) pthread_cond_destroy(&p->wake);
    return status;
}

static void run_chunks(void *user) {
    task *t = user;
    while (!atomic_load_explicit(&t->failed, memory_order_relaxed)) {
        uint64_t begin = atomic_fetch_add_explicit(&t->taken, t->chunk, memory_order_relaxed);
        if (begin >= t->threads) return;
        uint64_t end = size_min(begin + t->chunk, t->threads);
        if (t->work) t->work(t, begin, end);
        else t->run(t->arguments, begin, end, t->threads, t->block);
    }
}

static void work_on(task *t) {
    if (gpumm__arithmetic_run(run_chunks, t)) return;
    atomic_store(&t->failed, true);
    atomic_store(&t->taken, t->threads); /* nobody looks for more of it */
}

static task *task_with_work(const pool *p) {
    for (task *t = p->first; t; t = t->next)
        if (atomic_load_explicit(&t->taken, memory_order_relaxed) < t->threads &&
            (!t->most || t->helpers + 1 < t->most))
            return t;
    return NULL;
}

static void help(job *j) {
    pool *p = ((helper *)j)->pool;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        task *t = task_with_work(p);
        if (!t) {
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        t->helpers++;
        pthread_mutex_unlock(&p->lock);
        work_on(t);
        pthread_mutex_lock(&p->lock);
        if (--t->helpers == 0) pthread_cond_broadcast(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock. A system that refuses threads makes kernels slower, not wrong: so many as there are. */
static void start_helpers(pool *p) {
    if (p->tried) return;
    p->tried = true;
    uint64_t bytes;
    if (!size_mul(p->wanted, sizeof *p->helpers, &bytes)) return;
    p->helpers = gpumm__mem_new(p->memory, bytes);
    for (; p->helpers && p->count < p->wanted; p->count++) {
        helper *h = &p->helpers[p->count];
        h->pool = p;
        h->job.run = help;
        if (gpumm__worker_start(&h->worker, NULL, NULL) != GPUMM_OK) return;
        gpumm__worker_post(&h->worker, &h->job);
    }
}

static void offer(pool *p, task *t) {
    pthread_mutex_lock(&p->lock);
    start_helpers(p);
    task **end = &p->first;
    while (*end) end = &(*end)->next;
    *end = t;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void withdraw(pool *p, task *t) {
    pthread_mutex_lock(&p->lock);
    task **at = &p->first;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    while (t->helpers > 0) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* Whole units where there are many threads; few are dealt out one by one if need be, for each may have much to
   do. The launch has bounded the threads far below what these sums could overflow. */
static uint64_t chunk_of(const pool *p, uint64_t threads, bool whole) {
    uint64_t chunk = threads / (((uint64_t)p->wanted + 1) * CHUNKS_PER_THREAD);
    return chunk < CHUNK_UNIT || whole ? size_max(chunk, 1) : (chunk / CHUNK_UNIT + 1) * CHUNK_UNIT;
}

void gpumm__host_pool_run(pool *p, task *t) {
    t->chunk = chunk_of(p, t->threads, t->whole);
    bool shared = p->wanted > 0 && t->threads > t->chunk;
    if (shared) offer(p, t);
    work_on(t);
    if (shared) withdraw(p, t);
}

void gpumm__host_pool_close(pool *p) {
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++) gpumm__worker_stop(&p->helpers[i].worker);
    gpumm__mem_free(p->memory, p->helpers);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
}
