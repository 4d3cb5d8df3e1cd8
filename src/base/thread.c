/* SPDX-License-Identifier: MIT */
/* Clock, condition variables and worker threads over pthreads. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

enum { TICK_NS = 200000, LOOK_NS = 50000, LINGER_NS = 500000000 };

uint64_t gpumm__clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double gpumm__clock_seconds(void) { return (double)gpumm__clock_ns() * 1e-9; }

void gpumm__clock_sleep_ns(uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    while (nanosleep(&t, &t) == -1 && errno == EINTR) {}
}

uint64_t gpumm__clock_deadline(double seconds) {
    if (!(seconds >= 0) || seconds > 1e9) return UINT64_MAX;
    return gpumm__clock_ns() + (uint64_t)(seconds * 1e9);
}

gpumm_status gpumm__cond_open(pthread_cond_t *cond) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes)) return fail_host_memory(sizeof attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int error = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return error ? fail_host_memory(sizeof *cond) : GPUMM_OK;
}

bool gpumm__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline) {
    if (deadline == UINT64_MAX) return pthread_cond_wait(cond, mutex), true;
    struct timespec t = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    return pthread_cond_timedwait(cond, mutex, &t) != ETIMEDOUT;
}

static job *worker_take(worker *w) {
    job *j = w->first;
    w->first = j->next;
    if (!w->first) w->last = NULL;
    return j;
}

static void worker_run_one(worker *w) {
    job *j = worker_take(w);
    if (j->patient) w->since = gpumm__clock_ns();
    w->busy = true;
    pthread_mutex_unlock(&w->mutex);
    j->run(j);
    pthread_mutex_lock(&w->mutex);
    w->busy = false;
}

/* Called with the mutex held, which is released while tick runs. True: tick wants to be called again. A nudge that
   arrives while tick runs is kept in `nudged`, because tick may have looked already. */
static bool worker_tick(worker *w) {
    w->nudged = false;
    if (!w->tick) return false;
    w->busy = true;
    pthread_mutex_unlock(&w->mutex);
    bool again = w->tick(w->user);
    pthread_mutex_lock(&w->mutex);
    w->busy = false;
    return again;
}

/* Nanoseconds until the worker looks for patient jobs again; 0: none has come for LINGER_NS, so it waits to be woken.
   The pause is a quarter of the time since the last patient job, so that a job of a regular series starts late by a
   quarter of the period at most, and a period costs a few dozen looks. */
static uint64_t next_look(const worker *w, uint64_t now) {
    uint64_t idle = now - w->since;
    if (idle > LINGER_NS) return 0;
    return idle / 4 > LOOK_NS ? idle / 4 : LOOK_NS;
}

/* Called with the mutex held: waits until woken, or until it is time to look again. */
static void worker_wait(worker *w, bool again) {
    uint64_t now = gpumm__clock_ns(), pause = again ? TICK_NS : next_look(w, now),
             until = pause ? now + pause : UINT64_MAX;
    w->looks = pause != 0;
    gpumm__cond_wait_until(&w->wake, &w->mutex, until);
    w->looks = false;
}

static void *worker_main(void *argument) {
    worker *w = argument;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        if (w->first) worker_run_one(w);
        bool again = worker_tick(w);
        if (w->first || w->nudged) continue;
        pthread_cond_broadcast(&w->idle);
        if (w->stopping) break;
        worker_wait(w, again);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

gpumm_status gpumm__thread_start(pthread_t *thread, void *(*main)(void *), void *argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, main, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? fail(GPUMM_OUT_OF_MEMORY, "the system refused a thread: %s", strerror(error)) : GPUMM_OK;
}

gpumm_status gpumm__worker_start(worker *w, bool (*tick)(void *user), void *user) {
    memset(w, 0, sizeof *w);
    w->tick = tick;
    w->user = user;
    TRY(gpumm__cond_open(&w->wake));
    gpumm_status status = gpumm__cond_open(&w->idle);
    if (status == GPUMM_OK) {
        pthread_mutex_init(&w->mutex, NULL);
        status = gpumm__thread_start(&w->thread, worker_main, w);
        if (status == GPUMM_OK) return GPUMM_OK;
        pthread_mutex_destroy(&w->mutex);
        pthread_cond_destroy(&w->idle);
    }
    pthread_cond_destroy(&w->wake);
    return status;
}

/* Where the worker will look by itself, a patient job does not wake it: a wake-up costs more than posting. */
static void post(worker *w, job *j, bool patient) {
    j->next = NULL;
    j->patient = patient;
    pthread_mutex_lock(&w->mutex);
    if (w->last) w->last->next = j;
    else w->first = j;
    w->last = j;
    bool looks = w->looks;
    pthread_mutex_unlock(&w->mutex);
    if (patient && looks) return;
    pthread_cond_signal(&w->wake); /* after the unlock, or the worker would wake only to wait for the mutex */
}

void gpumm__worker_post(worker *w, job *j) { post(w, j, false); }

void gpumm__worker_post_patient(worker *w, job *j) { post(w, j, true); }

void gpumm__worker_nudge(worker *w) {
    pthread_mutex_lock(&w->mutex);
    w->nudged = true;
    pthread_mutex_unlock(&w->mutex);
    pthread_cond_signal(&w->wake);
}

void gpumm__worker_drain(worker *w) {
    pthread_mutex_lock(&w->mutex);
    pthread_cond_signal(&w->wake); /* a patient job may be queued without a wake-up */
    while (w->first || w->busy) pthread_cond_wait(&w->idle, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

void gpumm__worker_stop(worker *w) {
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->mutex);
}
