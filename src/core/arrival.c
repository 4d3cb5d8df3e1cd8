/* SPDX-License-Identifier: MIT */
/* The list of alerts and the thread that looks. Only the thread takes an alert out of the list, so that it may let go of
   the lock in the midst of walking it. */
#include "core/arrival.h"

#include "base/size.h"
#include "base/status.h"

enum { PAUSE_LEAST_NS = 20000, PAUSE_MOST_NS = 500000 };

/* ---- The thread ------------------------------------------------------------------------------------------ */

/* Lock held, and again on return. Takes it out where it looks no more. */
static alert **look(arrivals *a, alert **at) {
    alert *x = *at;
    x->news = false;
    pthread_mutex_unlock(&a->lock);
    bool again = x->look(x);
    pthread_mutex_lock(&a->lock);
    while (*at != x) at = &(*at)->next; /* others were set before it meanwhile */
    if ((again || x->news) && !a->stopping) return &x->next;
    *at = x->next;
    x->set = false;
    pthread_mutex_unlock(&a->lock);
    x->over(x);
    pthread_mutex_lock(&a->lock);
    return NULL;
}

/* All of them, once; after one went the list is walked from its beginning. */
static void look_all(arrivals *a) {
    for (alert **at = &a->first; *at;) {
        alert **next = look(a, at);
        at = next ? next : &a->first;
        if (!next) return;
    }
}

static void *arrivals_main(void *argument) {
    arrivals *a = argument;
    pthread_mutex_lock(&a->lock);
    while (!a->stopping || a->first) {
        if (!a->first) {
            pthread_cond_wait(&a->wake, &a->lock);
            continue;
        }
        look_all(a);
        uint64_t now = gpumm__clock_ns(), pause = (now - size_min(a->since, now)) / 4;
        if (a->first && !a->stopping)
            gpumm__cond_wait_until(&a->wake, &a->lock, now + size_min(size_max(pause, PAUSE_LEAST_NS), PAUSE_MOST_NS));
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- Its face -------------------------------------------------------------------------------------------- */

gpumm_status gpumm__arrivals_open(arrivals *a) {
    *a = (arrivals){0};
    TRY(gpumm__cond_open(&a->wake));
    pthread_mutex_init(&a->lock, NULL);
    a->open = true;
    return GPUMM_OK;
}

gpumm_status gpumm__arrivals_start(arrivals *a) {
    pthread_mutex_lock(&a->lock);
    gpumm_status status = a->running ? GPUMM_OK : gpumm__thread_start(&a->thread, arrivals_main, a);
    a->running = status == GPUMM_OK;
    pthread_mutex_unlock(&a->lock);
    return status;
}

bool gpumm__arrivals_set(arrivals *a, alert *x) {
    pthread_mutex_lock(&a->lock);
    bool was = x->set;
    x->set = x->news = true;
    if (!was) {
        x->next = a->first;
        a->first = x;
    }
    a->since = gpumm__clock_ns();
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    return !was;
}

void gpumm__arrivals_close(arrivals *a) {
    if (!a->open) return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    if (a->running) pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    a->open = false;
}
