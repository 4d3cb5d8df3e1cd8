/* SPDX-License-Identifier: MIT */
/* Threads: a monotonic clock, waits on condition variables against it, and the worker: one thread that runs a queue of
   jobs in order. A stream of the host device is a worker, and so is a manager's background thread. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gpumm.h"

uint64_t gpumm__clock_ns(void); /* monotonic */
double gpumm__clock_seconds(void);
void gpumm__clock_sleep_ns(uint64_t ns);
/* The time `seconds` from now, in gpumm__clock_ns; negative: UINT64_MAX, never. */
uint64_t gpumm__clock_deadline(double seconds);

gpumm_status gpumm__cond_open(pthread_cond_t *cond); /* on the monotonic clock */
/* False once `deadline` (gpumm__clock_ns; UINT64_MAX: never) has passed. */
bool gpumm__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline);

/* Starts a thread with every signal blocked: signals belong to the application's own threads. */
gpumm_status gpumm__thread_start(pthread_t *thread, void *(*main)(void *), void *argument);

typedef struct job {
    struct job *next;
    void (*run)(struct job *job); /* owns the job from then on */
    bool patient;                 /* set by the function that posts it */
} job;

typedef struct worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    job *first, *last;
    bool busy, stopping, nudged;
    bool looks;     /* it waits, and will look for jobs again without being woken */
    uint64_t since; /* when the last patient job started, in gpumm__clock_ns */
    /* Called between jobs and about every 200 us while it returns true; may be NULL. */
    bool (*tick)(void *user);
    void *user;
} worker;

gpumm_status gpumm__worker_start(worker *w, bool (*tick)(void *user), void *user);
/* Both still use the worker after the job may have run: the owner may stop it only once every call of them has
   returned, not merely once their jobs have run. */
void gpumm__worker_post(worker *w, job *j);
/* For work that nobody waits for. After such a job the worker looks for more by itself, less and less often, for half a
   second, so that posting the jobs of a regular series needs no system call. */
void gpumm__worker_post_patient(worker *w, job *j);
void gpumm__worker_nudge(worker *w); /* tick will be called at least once after this */
void gpumm__worker_drain(worker *w); /* waits until the queue is empty and nothing runs */
void gpumm__worker_stop(worker *w);  /* drains, then joins */

#endif
