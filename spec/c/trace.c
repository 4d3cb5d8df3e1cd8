/* SPDX-License-Identifier: MIT */
/* Traces through the C API: what is in the files is looked at by spec/trace_spec.lua; here is what happens to them where
   something is wrong: paths, full disks, allocators, faults, several managers and threads. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/trace_line.h"
#include "check.h"
#include "device/lengths.h"
#include "device/sampling.h"
#include "device/traced.h"

static char folder[] = "/tmp/gpumm-trace-XXXXXX";

static const char *path_of(const char *name) {
    static char text[4][256];
    static unsigned turn;
    char *path = text[turn++ % 4];
    snprintf(path, sizeof text[0], "%s/%s", folder, name);
    return path;
}

static char *read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    char *text = calloc(1, 4 << 20);
    size_t size = fread(text, 1, (4 << 20) - 1, f);
    CHECK(size < (4 << 20) - 1);
    fclose(f);
    return text;
}

static size_t count_of(const char *text, const char *word) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) count++;
    return count;
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), wanted = strlen(end);
    return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

/* ---- Memory that is counted, and refused ---- */

typedef struct counted {
    atomic_long live, left; /* left: calls until one is refused; negative: none is */
    bool refused;
} counted;

static void *reallocate(void *user, void *block, size_t size) {
    counted *c = user;
    if (!size) {
        if (block) atomic_fetch_sub(&c->live, 1);
        free(block);
        return NULL;
    }
    if (atomic_fetch_sub(&c->left, 1) == 0) return c->refused = true, NULL;
    void *made = realloc(block, size);
    if (made && !block) atomic_fetch_add(&c->live, 1);
    return made;
}

/* ---- A run ---- */

static gpumm_status run_in(gpumm_manager *m) {
    gpumm_buffer *b;
    gpumm_readback *r;
    gpumm_frame *f;
    gpumm_status status = gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = "one", .length = 1000}, &b);
    if (status != GPUMM_OK) return status;
    status = gpumm_buffer_resize(b, NULL, 100000);
    if (status == GPUMM_OK)
        status = gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r);
    if (status == GPUMM_OK) {
        status = gpumm_readback_capture(r, NULL, 7, NULL);
        if (status == GPUMM_OK) status = gpumm_readback_wait(r, 0, -1, &f);
        if (status == GPUMM_OK) gpumm_frame_release(f);
        gpumm_readback_release(r);
    }
    gpumm_buffer_release(b);
    if (status == GPUMM_OK) status = gpumm_manager_free(m, "one");
    return status;
}

static void run_traced(gpumm_trace *t, gpumm_options o) {
    gpumm_manager *m;
    o.trace = t;
    CHECK_OK(gpumm_manager_open(&o, &m));
    CHECK_OK(run_in(m));
    gpumm_manager_release(m);
}

/* ---- Tests ---- */

static void lines(void) {
    trace_line l = {.used = 0};
    gpumm__line_string(&l, "a\"\\\n\x7f\xc3\xa4\xff\xed\xa0\x80\xf4\x90\x80\x80\xe0\x80\x80\xc3");
    gpumm__line_integer(&l, INT64_MIN);
    gpumm__line_text(&l, " ");
    gpumm__line_microseconds(&l, 1234005);
    gpumm__line_text(&l, " ");
    gpumm__line_address(&l, 0xabc);
    l.text[l.used] = '\0';
#define R "\xef\xbf\xbd"
    CHECK(strcmp(l.text, "\"a\\u0022\\u005c\\u000a\\u007f\xc3\xa4" R R R R R R R R R R R R "\""
                         "-9223372036854775808 1234.005 0xabc") == 0);
    static char longest[2 * TRACE_LINE];
    memset(longest, 'x', sizeof longest - 1);
    l.used = 0;
    gpumm__line_string(&l, longest);
    gpumm__line_string(&l, "more");
    CHECK(l.used < TRACE_LINE && memcmp(l.text + l.used - 10, "...\"\"...\"", 9) != 0);
    CHECK(l.text[l.used - 1] == '"');
}

/* Of a step of 25 operations, a microsecond each, at 4 microseconds an event: what is timed stays within its part, and is
   not always the same one. */
static void samples(void) {
    enum { STEP = 25, COUNT = 1000000, COST = 4000 };
    sampling s = {0};
    unsigned taken = 0, first = 0, of[STEP] = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        if (!gpumm__sampling_takes(&s, 1000 + 1000u * i, COST, false)) continue;
        if (taken == i) first++;
        taken++;
        of[i % STEP]++;
    }
    CHECK(first == SAMPLING_AT_ONCE);
    CHECK((uint64_t)(taken - first) * COST <= UINT64_C(1000) * COUNT / SAMPLING_PART);
    CHECK((uint64_t)(taken - first + 2) * COST * 100 >= UINT64_C(98) * 1000 * COUNT / SAMPLING_PART);
    for (unsigned i = 0; i < STEP; i++) CHECK(of[i] > 10);
    taken = 0; /* a pause does not fill it beyond its size */
    for (unsigned i = 0; i < 1000; i++) taken += gpumm__sampling_takes(&s, UINT64_C(1) << 60, COST, false);
    CHECK(taken == SAMPLING_AT_ONCE);
}

static void add_learned(lengths *l, operation *o, const char *name, uint64_t enqueued) {
    *o = (operation){.enqueued = enqueued, .least = 1};
    gpumm__operation_name(o, name);
    o->length = gpumm__lengths_of(l, o);
}

static void place_is(stretch *s, const operation *o, uint64_t begin, uint64_t end) {
    uint64_t from, to;
    gpumm__stretch_place(s, o, &from, &to);
    CHECK(from == begin && to == end);
}

/* Operations of 100 and of 300 between two that are timed. */
static void stretches(void) {
    static lengths l;
    operation short_one, long_one, late, unknown;
    stretch s;
    add_learned(&l, &unknown, "unknown", 0);
    CHECK(unknown.length == 1000);
    add_learned(&l, &short_one, "short", 1000);
    gpumm__lengths_learn(&l, &short_one, 100);
    gpumm__operation_say(&short_one, "bytes", 4096); /* another size is another length */
    gpumm__lengths_learn(&l, &short_one, 5000);
    add_learned(&l, &short_one, "short", 1000);
    add_learned(&l, &long_one, "long", 1001);
    gpumm__lengths_learn(&l, &long_one, 300);
    add_learned(&l, &long_one, "long", 1001);
    add_learned(&l, &late, "short", 3000);
    CHECK(short_one.length == 100 && long_one.length == 300 && late.length == 100);
    const struct {
        uint64_t from, to;
        bool busy;
        uint64_t times[6];
    } cases[] = {{500, 9000, false, {1000, 1100, 1100, 1400, 3000, 3100}},  /* as they were enqueued */
                 {2000, 9000, false, {2000, 2100, 2100, 2400, 3000, 3100}}, /* the stream had something else to do */
                 {5000, 6000, true, {5000, 5200, 5200, 5800, 5800, 6000}},  /* back to back, over all of it */
                 {5000, 5250, false, {5000, 5050, 5050, 5200, 5200, 5250}}, /* there is not so much time */
                 {5000, 4000, false, {5000, 5001, 5001, 5002, 5002, 5003}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const operation *all[] = {&short_one, &long_one, &late};
        gpumm__stretch_begin(&s, cases[i].from, cases[i].to, cases[i].busy);
        for (int k = 0; k < 3; k++) gpumm__stretch_add(&s, all[k]);
        for (int k = 0; k < 3; k++) place_is(&s, all[k], cases[i].times[2 * k], cases[i].times[2 * k + 1]);
    }
}

static void bad_options(void) {
    gpumm_trace *t = NULL;
    CHECK_STATUS(gpumm_trace_open(&(gpumm_trace_options){0}, &t), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("neither was given");
    CHECK_STATUS(gpumm_trace_open(&(gpumm_trace_options){.path = "/nowhere/at/all.json"}, &t), GPUMM_IO);
    CHECK_SAYS("/nowhere/at/all.json: cannot be written: No such file or directory");
    CHECK_STATUS(gpumm_trace_open(&(gpumm_trace_options){.path = folder}, &t), GPUMM_IO);
    CHECK_SAYS("Is a directory");
    CHECK_STATUS(
        gpumm_trace_open(&(gpumm_trace_options){.path = path_of("a.json"), .history = "/nowhere/at/all.csv"}, &t),
        GPUMM_IO);
    CHECK_SAYS("/nowhere/at/all.csv");
    CHECK_STATUS(gpumm_trace_open(&(gpumm_trace_options){.path = "/dev/full"}, &t), GPUMM_IO);
    CHECK_SAYS("/dev/full: writing failed: No space left on device");
    CHECK_STATUS(gpumm_trace_open(&(gpumm_trace_options){.path = path_of("a"), .history = path_of("./a")}, &t),
                 GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("a trace and its history are two files");
    CHECK(t == NULL);
}

static void whole_file(void) {
    gpumm_trace *t;
    const char *path = path_of("whole.json"), *history = path_of("whole.csv");
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path, .history = history}, &t));
    run_traced(t, (gpumm_options){.device = "host"});
    uint64_t since = gpumm_trace_now();
    CHECK_OK(gpumm_trace_slice(t, "mine", -3, since));
    CHECK_OK(gpumm_trace_close(t));
    CHECK_OK(gpumm_trace_slice(t, "too late", 0, since));
    CHECK_OK(gpumm_trace_close(t));
    run_traced(t, (gpumm_options){.device = "host"}); /* untraced, and well */
    gpumm_trace_release(t);
    char *text = read_file(path);
    CHECK(strncmp(text, "{\"displayTimeUnit\"", 18) == 0 && ends_with(text, "\"lost\":0}}\n"));
    CHECK(count_of(text, "\"name\":\"mine\"") == 1 && count_of(text, "too late") == 0);
    CHECK(count_of(text, "\"name\":\"grow one\"") == 1 && count_of(text, "\"name\":\"frame\"") == 1);
    CHECK(count_of(text, "\"name\":\"capture\"") == 2); /* to staging, and down */
    free(text);
    text = read_file(history);
    CHECK(strncmp(text, "Thread,Time,Action,Pointer,Size,Stream\n", 39) == 0);
    CHECK(count_of(text, ",allocate,") > 2 && count_of(text, ",allocate,") == count_of(text, ",free,"));
    free(text);
}

/* At any time, as whoever kills the process leaves it. */
static void whole_meanwhile(void) {
    gpumm_trace *t;
    const char *path = path_of("meanwhile.json");
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path}, &t));
    for (int i = 0; i < 200; i++) {
        CHECK_OK(gpumm_trace_slice(t, "step", i, gpumm_trace_now()));
        if (i % 20) continue;
        char *text = read_file(path);
        CHECK(ends_with(text, "\"lost\":0}}\n"));
        free(text);
        usleep(1000);
    }
    gpumm_trace_release(t);
    char *text = read_file(path);
    CHECK(count_of(text, "\"name\":\"step\"") == 200);
    free(text);
}

/* A pipe that nobody reads is as good as a disk that is full: the reader goes, and what fails is said at the end. */
static void broken_pipe(void) {
    int ends[2];
    char path[64];
    gpumm_trace *t;
    CHECK(pipe(ends) == 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path}, &t));
    close(ends[0]);
    run_traced(t, (gpumm_options){.device = "host"});
    CHECK_STATUS(gpumm_trace_close(t), GPUMM_IO);
    CHECK_SAYS("writing failed: Broken pipe");
    CHECK_STATUS(gpumm_trace_close(t), GPUMM_IO);
    gpumm_trace_release(t);
    close(ends[1]);
}

/* Every allocation fails once: of the trace's own, and of a manager's that is traced. */
static void allocations(void) {
    bool refused = true;
    for (long nth = 0; refused; nth += nth < 45 ? 1 : 13) { /* most are a device's events */
        counted c = {.left = nth};
        gpumm_allocator from = {.reallocate = reallocate, .user = &c};
        gpumm_trace *t = NULL;
        gpumm_status status = gpumm_trace_open(
            &(gpumm_trace_options){
                .path = path_of("x.json"), .history = path_of("x.csv"), .buffer_bytes = 1, .allocator = from},
            &t);
        gpumm_manager *m = NULL;
        if (status == GPUMM_OK)
            status = gpumm_manager_open(&(gpumm_options){.device = "host", .trace = t, .allocator = from}, &m);
        if (status == GPUMM_OK) status = run_in(m);
        CHECK(status == GPUMM_OK || status == GPUMM_OUT_OF_MEMORY);
        gpumm_manager_release(m);
        gpumm_trace_release(t);
        CHECK(atomic_load(&c.live) == 0);
        refused = c.refused;
    }
    char *text = read_file(path_of("x.json"));
    CHECK(ends_with(text, "\"lost\":0}}\n"));
    free(text);
}

/* What the fault device counts, and what it fails, is the same with a trace below it. */
static uint64_t calls_of(gpumm_trace *t, uint64_t nth, gpumm_status *status) {
    gpumm_manager *m;
    uint64_t calls;
    gpumm_options o = {.device = "host", .inject_faults = true, .trace = t};
    CHECK_OK(gpumm_manager_open(&o, &m));
    CHECK_OK(
        gpumm_fault_plan(m, &(gpumm_fault){.call = "commit", .nth = nth, .status = GPUMM_OUT_OF_MEMORY, .times = 9}));
    *status = run_in(m);
    CHECK_OK(gpumm_fault_calls(m, "copy", &calls));
    gpumm_manager_release(m);
    return calls;
}

static void faults(void) {
    const char *path = path_of("faults.csv");
    gpumm_trace *t;
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path_of("faults.json"), .history = path}, &t));
    for (uint64_t nth = 0; nth < 4; nth++) {
        gpumm_status with, without;
        CHECK(calls_of(t, nth, &with) == calls_of(NULL, nth, &without));
        CHECK(with == without);
    }
    run_traced(t, (gpumm_options){.device = "host", .inject_faults = true, .fault = {.jitter = 11}});
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    char *text = read_file(path);
    CHECK(count_of(text, ",allocate,") == count_of(text, ",free,"));
    free(text);
}

/* ---- Threads ---- */

enum { THREADS = 4, ROUNDS = 12 };

static void *rounds(void *trace) {
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t since = gpumm_trace_now();
        run_traced(trace, (gpumm_options){.device = "host", .workers = 1, .limit = 8 << 20});
        CHECK_OK(gpumm_trace_slice(trace, "round", i, since));
    }
    return NULL;
}

/* Several managers in several threads, through a buffer that is small. */
static void threads(void) {
    gpumm_trace *t;
    pthread_t all[THREADS];
    const char *path = path_of("threads.json");
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path, .buffer_bytes = 1}, &t));
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&all[i], NULL, rounds, t) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(all[i], NULL) == 0);
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    char *text = read_file(path);
    CHECK(count_of(text, "\"name\":\"round\"") == THREADS * ROUNDS);
    CHECK(count_of(text, "\"process_name\"") == THREADS * ROUNDS + 1);
    CHECK(count_of(text, "\"name\":\"capture\"") == 2 * THREADS * ROUNDS);
    CHECK(count_of(text, "\"name\":\"limit\"") == THREADS * ROUNDS);
    free(text);
}

/* What is under way when the trace is closed is not in it, and nothing waits for it. */
static void held(void) {
    gpumm_trace *t;
    gpumm_manager *m;
    gpumm_buffer *b;
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path_of("held.json")}, &t));
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){.device = "host", .trace = t, .inject_faults = true, .fault = {.hold = "fill"}}, &m));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = "held", .length = 10}, &b));
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    CHECK_OK(gpumm_fault_resume(m, NULL));
    CHECK_OK(gpumm_buffer_resize(b, NULL, 5000));
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
    char *text = read_file(path_of("held.json"));
    CHECK(count_of(text, "\"name\":\"fill\"") == 0 && count_of(text, "\"name\":\"allocate held\"") == 1);
    free(text);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    CHECK(mkdtemp(folder) != NULL);
    lines();
    samples();
    stretches();
    bad_options();
    whole_file();
    whole_meanwhile();
    broken_pipe();
    allocations();
    faults();
    held();
    threads();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
