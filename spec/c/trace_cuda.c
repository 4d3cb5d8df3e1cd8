/* SPDX-License-Identifier: MIT */
/* What a trace costs the driver (GPUMM_LIBCUDA names the fake one): how many calls of it a traced series of launches takes
   beside the same untraced, and which of them are timed. And that each launch is in the file all the same, in its order. */
#include <ctype.h>
#include <unistd.h>

#include "check.h"
#include "base/thread.h"
#include "device/trace/timeline.h"
#include "driver_entries.h"
#include "fake_cuda.h"
#include "fake_kernel.h"

enum { LAUNCHES = 10000, ROUNDS = 6, SMALL = 300, BLOCK = 128, LONG_GRID = 1000, LONG_US = 30000 };
enum { PAIR_CALLS = 24 /* at most, of the driver: recording two events, asking after them, reading them */ };

static __typeof__(&fake_calls) all_calls;
static __typeof__(&fake_slow) make_slow;
static char trace_path[] = "/tmp/gpumm-trace-XXXXXX.json";

static void find_fake(const char *path) {
    void *library = library_open(path);
    library_entry(library, "fake_calls", &all_calls);
    library_entry(library, "fake_slow", &make_slow);
}

/* ---- A manager with a kernel ---- */

typedef struct world {
    gpumm_trace *trace;
    gpumm_manager *m;
    gpumm_buffer *b;
    gpumm_kernel *k;
} world;

static world world_open(bool traced, bool detail) {
    world w = {.trace = NULL};
    gpumm_type *type;
    if (traced) CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = trace_path, .detail = detail}, &w.trace));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "cuda", .inject_faults = true, .trace = w.trace}, &w.m));
    CHECK_OK(gpumm_type_parse("f32", &type));
    CHECK_OK(gpumm_manager_allocate(
        w.m, &(gpumm_buffer_options){.name = "b", .type = type, .length = LONG_GRID * BLOCK}, &w.b));
    gpumm_type_release(type);
    w.k = open_fake_kernel(w.m, BLOCK);
    CHECK_OK(gpumm_manager_synchronize(w.m));
    return w;
}

static void world_close(world *w) {
    gpumm_kernel_release(w->k);
    gpumm_buffer_release(w->b);
    gpumm_manager_release(w->m);
    if (w->trace) CHECK_OK(gpumm_trace_close(w->trace));
    gpumm_trace_release(w->trace);
}

static uint64_t calls_of(const world *w, const char *entry) {
    uint64_t count;
    CHECK_OK(gpumm_fault_calls(w->m, entry, &count));
    return count;
}

/* ---- What the trace has ---- */

static char *read_trace(void) {
    enum { MOST = 8 << 20 };
    FILE *f = fopen(trace_path, "rb");
    char *text = calloc(1, MOST);
    CHECK(f && text && fread(text, 1, MOST - 1, f) < MOST - 1);
    fclose(f);
    return text;
}

/* The next line with these words, from *at on, which goes behind it. */
static bool next_line(char **at, const char *words, char **line) {
    for (char *end; (end = strchr(*at, '\n')) != NULL;) {
        *end = '\0';
        *line = *at;
        *at = end + 1;
        if (strstr(*line, words)) return true;
    }
    return false;
}

/* Threads of the launches are 1, 2, 3, 4, 1 …; returns how many are timed. */
static unsigned check_launches(void) {
    char *text = read_trace(), *at = text, *line;
    unsigned count = 0, timed = 0;
    CHECK(strstr(text, "\"lost\":0}"));
    for (; next_line(&at, "\"name\":\"k\"", &line); count++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "\"threads\":%u", 1 + count % 4);
        CHECK(strstr(line, wanted));
        timed += !strstr(line, "estimated");
    }
    CHECK(count == 2 * LAUNCHES);
    free(text);
    return timed;
}

/* ---- Launches ---- */

static void launch(world *w, int n) {
    gpumm_argument a[] = {{.buffer = w->b}, {.value = &n, .size = sizeof n}};
    CHECK_OK(gpumm_kernel_launch(w->k, NULL, 0, a, 2));
}

typedef struct calls {
    uint64_t all, launched, recorded, ns;
} calls;

static calls calls_now(const world *w) {
    return (calls){all_calls(), calls_of(w, "cuLaunchKernel"), calls_of(w, "cuEventRecord"), gpumm__clock_ns()};
}

/* In parts, as a queue holds some thousands. */
static calls calls_of_launches(world *w) {
    calls before = calls_now(w);
    for (int i = 0; i < LAUNCHES; i++) {
        launch(w, 1 + i % 4);
        if (i % 1000 == 999) CHECK_OK(gpumm_manager_synchronize(w->m));
    }
    calls after = calls_now(w);
    return (calls){after.all - before.all, after.launched - before.launched, after.recorded - before.recorded,
                   after.ns - before.ns};
}

/* Of a first series, and of a second. */
static void run(bool traced, bool detail, calls series[2]) {
    world w = world_open(traced, detail);
    for (int i = 0; i < 2; i++) series[i] = calls_of_launches(&w);
    world_close(&w);
    for (int i = 0; i < 2; i++) CHECK(series[i].launched == LAUNCHES);
}

/* So many pairs of events does the work pay for, which is no more than the time that passed. */
static uint64_t paid_for(const calls *c) { return c->ns / (SAMPLING_PART * TIMELINE_PAIR_NS) + SAMPLING_AT_ONCE; }

static void check_added(const calls *traced, const calls *plain) {
    CHECK(plain->recorded == 0);
    CHECK(traced->recorded <= 2 * paid_for(traced));
    uint64_t looks = traced->ns / 10000000 + 10; /* of the trace's thread, whether streams are idle */
    CHECK(traced->all - plain->all <= PAIR_CALLS * traced->recorded / 2 + 20 * looks);
}

/* Three kinds, of one thread, of two or three, and of four: the first of each are timed. */
static void small_kernels(void) {
    calls plain[2], traced[2];
    run(false, false, plain);
    run(true, false, traced);
    CHECK(traced[0].recorded + traced[1].recorded == 2 * (uint64_t)check_launches());
    CHECK(traced[0].recorded >= 2 * 3 * SAMPLING_FIRST);
    for (int i = 0; i < 2; i++) check_added(&traced[i], &plain[i]);
}

static void in_detail(void) {
    calls traced[2];
    run(true, true, traced);
    CHECK(traced[0].recorded == 2 * LAUNCHES && traced[1].recorded == 2 * LAUNCHES);
    CHECK(check_launches() == 2 * LAUNCHES);
}

/* ---- What is long ---- */

static void count_launches(unsigned threads, unsigned *count, unsigned *timed) {
    char words[64], *text = read_trace(), *at = text, *line;
    snprintf(words, sizeof words, "\"threads\":%u", threads);
    *count = *timed = 0;
    while (next_line(&at, "\"name\":\"k\"", &line)) {
        const char *found = strstr(line, words);
        if (!found || isdigit((unsigned char)found[strlen(words)])) continue;
        ++*count;
        *timed += !strstr(line, "estimated");
    }
    free(text);
}

/* Milliseconds are worth a pair of events each time, also between many that are not. */
static void long_ones(void) {
    unsigned count, timed;
    world w = world_open(true, false);
    make_slow(LONG_GRID, LONG_US);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < SMALL; k++) launch(&w, 1);
        CHECK_OK(gpumm_manager_synchronize(w.m));
        launch(&w, LONG_GRID * BLOCK);
        if (i < SAMPLING_FIRST) usleep(20000); /* until its time is read, the first are timed */
    }
    make_slow(0, 0);
    world_close(&w);
    count_launches(LONG_GRID * BLOCK, &count, &timed);
    CHECK(count == ROUNDS && timed == ROUNDS);
    count_launches(1, &count, &timed);
    CHECK(count == ROUNDS * SMALL && timed >= SAMPLING_FIRST && timed < count / 4);
}

int main(void) {
    const char *library = getenv("GPUMM_LIBCUDA");
    int file = mkstemps(trace_path, 5);
    CHECK(library && file >= 0 && close(file) == 0);
    find_fake(library);
    small_kernels();
    in_detail();
    long_ones();
    unlink(trace_path);
    return 0;
}
