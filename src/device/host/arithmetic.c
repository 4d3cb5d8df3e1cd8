/* SPDX-License-Identifier: MIT */
/*
 * The signal's handler is the process's, and the application may have one of its own. Ours acts on a thread that is
 * inside a kernel alone: there it jumps out of it. Everything else goes to the handler that was there before.
 */
#include "device/host/arithmetic.h"

#if defined(__x86_64__)

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* over these two */
static unsigned watchers;
static struct sigaction before;

static atomic_bool watched;
static __thread sigjmp_buf *inside;        /* where to go on; NULL: this thread is in no kernel */
static __thread void (*leave)(void *user); /* how, where that is another stack */
static __thread void *leave_user;

/* A default action ends the process: at the instruction that is tried again, or, where somebody sent the signal, now.
   What was sent can be ignored, a fault cannot. */
static void pass_default(int number, bool sent) {
    if (sent && before.sa_handler == SIG_IGN) return;
    signal(number, SIG_DFL);
    if (sent) raise(number);
}

/* What would have happened. */
static void pass_on(int number, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) before.sa_handler(number);
    else pass_default(number, info->si_code <= 0);
}

static void handle(int number, siginfo_t *info, void *context) {
    if (inside && info->si_code == FPE_INTDIV) {
        if (leave) leave(leave_user);
        siglongjmp(*inside, 1);
    }
    pass_on(number, info, context);
}

/* Not blocked while it runs, since it does not return. */
static void install(void) {
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    if (sigaction(SIGFPE, &ours, &before) == 0) atomic_store(&watched, true);
}

/* Whoever put a handler over ours calls it still, so it stays. */
static void uninstall(void) {
    struct sigaction now;
    atomic_store(&watched, false);
    if (sigaction(SIGFPE, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handle)
        sigaction(SIGFPE, &before, NULL);
}

void gpumm__arithmetic_watch(void) {
    struct sigaction now;
    pthread_mutex_lock(&mutex);
    bool there = sigaction(SIGFPE, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handle;
    if (watchers++ == 0 && !there) install();
    atomic_store(&watched, true);
    pthread_mutex_unlock(&mutex);
}

void gpumm__arithmetic_unwatch(void) {
    pthread_mutex_lock(&mutex);
    if (--watchers == 0) uninstall();
    pthread_mutex_unlock(&mutex);
}

/* Our threads leave every signal to the application's; one that is blocked could not be handled. */
static void let_in(void) {
    static __thread bool done;
    sigset_t division;
    if (done) return;
    sigemptyset(&division);
    sigaddset(&division, SIGFPE);
    pthread_sigmask(SIG_UNBLOCK, &division, NULL);
    done = true;
}

bool gpumm__arithmetic_run(void (*run)(void *user), void *user) {
    sigjmp_buf out;
    if (!atomic_load_explicit(&watched, memory_order_relaxed)) return run(user), true;
    let_in();
    if (sigsetjmp(out, 0)) return inside = NULL, false;
    inside = &out;
    run(user);
    inside = NULL;
    return true;
}

void gpumm__arithmetic_leave(void (*by)(void *user), void *user) {
    leave_user = user;
    leave = by;
}

#else

void gpumm__arithmetic_leave(void (*by)(void *user), void *user) { (void)by, (void)user; }
void gpumm__arithmetic_watch(void) {}
void gpumm__arithmetic_unwatch(void) {}
bool gpumm__arithmetic_run(void (*run)(void *user), void *user) { return run(user), true; }

#endif
