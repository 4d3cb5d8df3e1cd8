/* SPDX-License-Identifier: MIT */
/* The start of a script with one kernel: gpumm-run from the process's birth to its end, with an empty cache
   of kernels and with a full one; and how much of that is the device's own start. */
#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

enum { START_ROUNDS = 7 };

static gpumm_status wait_for(pid_t child, const char *what) {
    int how;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR) return fail(GPUMM_IO, "%s cannot be waited for", what);
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return GPUMM_OK;
    return fail(GPUMM_DRIVER, "%s ended with %d", what, WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how));
}

static gpumm_status timed_run(const bench *b, const char *argument, double *seconds) {
    char script[1100];
    snprintf(script, sizeof script, "%s/bench_start.lua", b->folder);
    const char *words[] = {b->run, "--quiet", "--device", b->device, script, argument, NULL};
    pid_t child;
    uint64_t start = gpumm__clock_ns();
    if (posix_spawn(&child, b->run, NULL, NULL, (char *const *)(uintptr_t)words, environ) != 0)
        return fail(GPUMM_IO, "%s cannot be run: %s", b->run, strerror(errno));
    TRY(wait_for(child, "gpumm-run bench_start.lua"));
    *seconds = seconds_since(start);
    return GPUMM_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

typedef struct start_samples {
    samples cold, warm, none;
} start_samples;

/* In a cache folder that is new, so that the first run finds nothing. */
static gpumm_status start_round(const bench *b, bool counts, start_samples *s) {
    char folder[] = "/tmp/gpumm-bench-XXXXXX";
    double none, cold, warm;
    if (!mkdtemp(folder)) return fail(GPUMM_IO, "%s cannot be made", folder);
    setenv("GPUMM_CACHE_DIR", folder, 1);
    gpumm_status status = timed_run(b, "none", &none);
    if (status == GPUMM_OK) status = timed_run(b, NULL, &cold);
    if (status == GPUMM_OK) status = timed_run(b, NULL, &warm);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    TRY(status);
    if (!counts) return GPUMM_OK;
    sample(&s->none, none);
    sample(&s->cold, cold);
    sample(&s->warm, warm);
    return GPUMM_OK;
}

static gpumm_status start_rounds(const bench *b, start_samples *s) {
    const char *before = getenv("GPUMM_CACHE_DIR");
    char *kept = before ? strdup(before) : NULL;
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, START_ROUNDS) && status == GPUMM_OK; i++) status = start_round(b, i > 0, s);
    if (kept) setenv("GPUMM_CACHE_DIR", kept, 1);
    else unsetenv("GPUMM_CACHE_DIR");
    free(kept);
    return status;
}

static void start_rows(bench *b, const char *what, const start_samples *s) {
    double none = median(&s->none), cold = median(&s->cold), warm = median(&s->warm);
    table_row(b, &(row){what, "one kernel", UNIT_TIME, warm, cold, "cold", warm / cold, AT_MOST, warm / cold, 1.0 / 3,
                        "<= 1/3"});
    table_row(b, &(row){"the same without the device's own start", "one kernel", UNIT_TIME, warm - none, cold - none,
                        "cold", (warm - none) / (cold - none), NO_MARK, 0, 0, NULL});
    table_row(b, &(row){"the device's own start", "no kernel", UNIT_TIME, none, NAN, NULL, NAN, NO_MARK, 0, 0, NULL});
}

void bench_start(bench *b) {
    static const char what[] = "start of a script, warm against cold";
    start_samples s = {.none = {0}};
    if (!b->run) table_skipped(b, what, "one kernel", "no gpumm-run was named");
    else if (start_rounds(b, &s) != GPUMM_OK) table_failed(b, what, "one kernel");
    else start_rows(b, what, &s);
}
