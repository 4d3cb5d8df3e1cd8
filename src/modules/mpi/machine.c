/* SPDX-License-Identifier: MIT */
/* Process descriptors, one signal, and one watchdog. */
#include "modules/mpi/machine.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

double gpumm_mpi__machine_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Who is who ------------------------------------------------------------------------------------ */

/* FNV-1a */
static uint64_t mix(uint64_t hash, const void *bytes, size_t count) {
    for (const unsigned char *b = bytes; count-- > 0; b++) hash = (hash ^ *b) * 0x100000001b3u;
    return hash;
}

/* The boot's own number, and the namespace in which processes are numbered. */
process gpumm_mpi__machine_self(void) {
    char boot[64] = "";
    struct stat space = {0};
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, boot, sizeof boot);
    if (file >= 0) close(file);
    if (got <= 0 && gethostname(boot, sizeof boot - 1) == 0) got = (ssize_t)strlen(boot);
    if (stat("/proc/self/ns/pid", &space) != 0) space.st_ino = 0;
    uint64_t hash = mix(0xcbf29ce484222325u, boot, got > 0 ? (size_t)got : 0);
    return (process){mix(hash, &space.st_ino, sizeof space.st_ino), getpid()};
}

int gpumm_mpi__machine_watch(const process *other) {
    if (other->machine != gpumm_mpi__machine_self().machine) return -1;
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, (pid_t)other->id, 0u);
#else
    return -1;
#endif
}

bool gpumm_mpi__machine_ended(int watch) {
    struct pollfd end = {.fd = watch, .events = POLLIN};
    return watch >= 0 && poll(&end, 1, 0) == 1 && (end.revents & POLLIN);
}

/* ---- SIGTERM ----------------------------------------------------------------------------------------- */

/* What the handler reads and writes. */
static struct {
    volatile sig_atomic_t asked, told;
    lua_State *volatile L;
    const char *(*why)(void);
} ending;

/* Who was told already, by a call that failed, is about to end, and shall not be interrupted in that. */
static void raise_end(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    if (!ending.told) luaL_error(L, "%s", ending.why());
}

static void on_end(int number) {
    lua_State *L = ending.L;
    ending.asked = 1;
    signal(number, SIG_DFL);
    if (L && !ending.told) lua_sethook(L, raise_end, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

void gpumm_mpi__machine_catch_end(lua_State *L, const char *(*why)(void)) {
    struct sigaction before, action;
    if (sigaction(SIGTERM, NULL, &before) != 0 || before.sa_handler != SIG_DFL || lua_gethook(L)) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_end;
    action.sa_flags = SA_RESTART;
    ending.why = why;
    ending.L = L;
    sigaction(SIGTERM, &action, NULL);
}

void gpumm_mpi__machine_release_end(void) {
    struct sigaction now;
    ending.L = NULL;
    if (sigaction(SIGTERM, NULL, &now) == 0 && now.sa_handler == on_end) signal(SIGTERM, SIG_DFL);
}

bool gpumm_mpi__machine_asked_to_end(void) { return ending.asked; }

void gpumm_mpi__machine_end_is_told(void) { ending.told = 1; }

/* ---- A call that cannot be interrupted ----------------------------------------------------------------- */

struct patience {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
    struct timespec until;
    const char *message;
};

static void *wait_patiently(void *user) {
    patience *p = user;
    int outcome = 0;
    pthread_mutex_lock(&p->lock);
    while (!p->done && outcome == 0) outcome = pthread_cond_timedwait(&p->over, &p->lock, &p->until);
    bool late = !p->done;
    pthread_mutex_unlock(&p->lock);
    if (!late) return NULL;
    fprintf(stderr, "gpumm: %s\n", p->message);
    _exit(EXIT_FAILURE);
}

static bool start(patience *p) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the application's threads */
    int outcome = pthread_create(&p->thread, NULL, wait_patiently, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return outcome == 0;
}

patience *gpumm_mpi__machine_within(double seconds, const char *message) {
    patience *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    clock_gettime(CLOCK_REALTIME, &p->until);
    p->until.tv_sec += (time_t)(seconds < 1e9 ? seconds : 1e9) + 1;
    p->message = message;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->over, NULL);
    if (start(p)) return p;
    free(p);
    return NULL;
}

void gpumm_mpi__machine_in_time(patience *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->done = true;
    pthread_cond_signal(&p->over);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->over);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
