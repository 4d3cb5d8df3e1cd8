/* SPDX-License-Identifier: MIT */
/* Blocks handed out to the pool's threads. One whose threads wait needs a crew: there are as many as were ever at work at
   once, and their stacks stay for the next launch. */
#include "device/host/block.h"

#include <stdio.h>

enum { THREADS_MOST = 24000 /* that have stacks at the same time: a process has some 65000 mappings, and each two */ };

struct lent_crew {
    lent_crew *next;
    crew *crew;
};

/* ---- Crews -------------------------------------------------------------------------------- */

void gpumm__block_crews_open(crews *c, const gpumm_allocator *memory) {
    *c = (crews){.memory = memory};
    pthread_mutex_init(&c->lock, NULL);
}

void gpumm__block_crews_close(crews *c) {
    for (lent_crew *l = c->idle, *next; l; l = next) {
        next = l->next;
        gpumm__crew_delete(l->crew);
        gpumm__mem_free(c->memory, l);
    }
    pthread_mutex_destroy(&c->lock);
}

static lent_crew *crew_new(crews *all) {
    lent_crew *l = gpumm__mem_new(all->memory, sizeof *l);
    if (!l) return NULL;
    l->crew = gpumm__crew_new(all->memory);
    if (l->crew) return l;
    gpumm__mem_free(all->memory, l);
    return NULL;
}

static lent_crew *crew_take(crews *all) {
    pthread_mutex_lock(&all->lock);
    lent_crew *l = all->idle;
    if (l) all->idle = l->next;
    pthread_mutex_unlock(&all->lock);
    return l ? l : crew_new(all);
}

static void crew_give(crews *all, lent_crew *l) {
    pthread_mutex_lock(&all->lock);
    l->next = all->idle;
    all->idle = l;
    pthread_mutex_unlock(&all->lock);
}

/* ---- Running ------------------------------------------------------------------------------ */

static void stop(block_task *t) { /* nobody looks for more of it */
    atomic_store(&t->task.failed, true);
    atomic_store(&t->task.taken, t->task.threads);
}

static void run_waiting(task *work, uint64_t begin, uint64_t end) {
    block_task *t = (block_task *)work;
    lent_crew *l = crew_take(t->crews);
    bool good = l && gpumm__crew_run(l->crew, &t->work, begin, end);
    if (l) crew_give(t->crews, l);
    else if (!atomic_exchange(&t->work.told, true))
        snprintf(t->work.message, sizeof t->work.message, "kernel '%.60s': no memory for the threads of a block",
                 t->work.name);
    if (!good) stop(t);
}

/* No thread waits for another: a block is a loop. */
static void run_plain(task *work, uint64_t begin, uint64_t end) {
    const block_work *w = &((const block_task *)work)->work;
    block_view view = {.count = 0};
    for (uint64_t b = begin; b < end; b++) {
        gpumm__crew_place(w, b, &view);
        w->run(w->arguments, &view, 0, crew_threads(w));
    }
}

void gpumm__block_run(pool *p, block_task *t) {
    t->task.work = t->waiting ? run_waiting : run_plain;
    t->task.threads = (uint64_t)t->work.grid[0] * t->work.grid[1] * t->work.grid[2];
    t->task.whole = true;
    t->task.most = t->waiting ? THREADS_MOST / crew_threads(&t->work) : 0;
    gpumm__host_pool_run(p, &t->task);
}
