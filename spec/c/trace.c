/* SPDX-License-Identifier: MIT */
/* Traces through the C API: what is in the files is looked at by spec/trace_spec.lua; here is what happens to them where
   something is wrong: paths, full disks, allocators, faults, several managers and threads. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/trace_line.h"
#include "check.h"
#include "device/trace/lengths.h"
#include "device/trace/sampling.h"
#include "device/trace/traced.h"

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

/* What is urgent is timed before it is saved for, so many times at most; work pays for it before anything else. */
static void urgent_samples(void) {
    enum { COST = 1000, PRICE = COST * SAMPLING_PART };
    sampling s = {0};
    unsigned taken = 0;
    for (unsigned i = 0; i < 1000; i++) taken += gpumm__sampling_takes(&s, 1, COST, true);
    CHECK(taken == SAMPLING_AT_ONCE + SAMPLING_IN_ADVANCE);
    uint64_t work = 1 + (uint64_t)PRICE * SAMPLING_IN_ADVANCE;
    CHECK(!gpumm__sampling_takes(&s, work, COST, false));
    CHECK(gpumm__sampling_takes(&s, work + PRICE, COST, false));
    CHECK(!gpumm__sampling_takes(&s, work + PRICE, COST, false));
}

/* Kinds are names and powers of two, each with what is known of it. */
static void kinds(void) {
    static operation_kinds all;
    static const char names[] = "a kernel";
    operation_kind *k = gpumm__sampling_kind(&all, names, 1024);
    gpumm__sampling_learn(k, UINT64_C(1) << 40);
    k->timed = 2;
    CHECK(gpumm__sampling_kind(&all, names, 2047) == k && k->timed == 2 && atomic_load(&k->ns) == UINT32_MAX);
    CHECK(gpumm__sampling_kind(&all, names, 2048) != k || k->timed == 0);
    CHECK(gpumm__sampling_kind(&all, names + 1, 1024) != k || k->timed == 0);
}

/* The processor's counter comes to the system's time, also of what was a while ago. */
static void counters(void) {
    ticks_scale s;
    gpumm__ticks_open(&s);
    for (int i = 0; i < 5; i++) {
        uint64_t from = gpumm__clock_ns(), ticks = ticks_now(s.counted), to = gpumm__clock_ns();
        usleep(2000);
        gpumm__ticks_look(&s);
        uint64_t ns = gpumm__ticks_ns(&s, ticks);
        CHECK(ns + 20000 >= from && ns <= to + 20000);
    }
}

/* ---- Records ---- */

static void end_put(queue *q, uint64_t number, const char *name, const char *label) {
    const operation_field fields[] = {{"number", number}, {"twice", 2 * number}};
    queued *r = gpumm__queue_put(q, &(queued_words){name, label, fields, label ? 2 : 1}, false);
    CHECK(r);
    r->ticks = number;
    r->nested = false;
    gpumm__queue_end(q, r, number % 7 == 0);
}

static void check_taken(const queued *r, uint64_t number, const char *name, const char *label) {
    operation o = {0};
    gpumm__queued_read(r, &o);
    CHECK(r->ticks == number && strcmp(o.name, name) == 0 && o.dropped == (number % 7 == 0) && !o.nested);
    CHECK(strcmp(o.fields[0].key, "number") == 0 && o.fields[0].number == number);
    CHECK(o.labelled == (label != NULL) && o.field_count == (label ? 2 : 1));
    CHECK(!label || (strcmp(o.label, label) == 0 && o.fields[1].number == 2 * number));
}

static const char longest_name[] = "a name that is as long as one is at most: sixty-three bytes in all";

/* Many times around the ring, by parts of it; names of all lengths. */
static void records(void) {
    enum { PARTS = 60, PART = 1000 };
    char name[OPERATION_NAME];
    queue q;
    uint64_t put = 0, taken = 0;
    CHECK_OK(gpumm__queue_open(&q, &gpumm__alloc_default));
    for (int i = 0; i < PARTS; i++) {
        for (int k = 0; k < PART; k++, put++) {
            snprintf(name, sizeof name, "%.*s", (int)(put % 63), longest_name);
            end_put(&q, put, name, put % 5 ? NULL : "positions");
        }
        for (const queued *r = gpumm__queue_first(&q); r; r = gpumm__queue_next(&q, r), taken++) {
            snprintf(name, sizeof name, "%.*s", (int)(taken % 63), longest_name);
            check_taken(r, taken, name, taken % 5 ? NULL : "positions");
        }
        gpumm__queue_done(&q, PART);
    }
    CHECK(put == taken && !gpumm__queue_is_half(&q));
    gpumm__queue_close(&q);
}

/* What is held is seen with what holds it; there is an end to what is under way. */
static void held_records(void) {
    queue q;
    unsigned count = 0;
    CHECK_OK(gpumm__queue_open(&q, &gpumm__alloc_default));
    queued *holder = gpumm__queue_put(&q, &(queued_words){"replay", NULL, NULL, 0}, true);
    end_put(&q, 1, "held", NULL);
    CHECK(!gpumm__queue_first(&q));
    gpumm__queue_end(&q, holder, false);
    CHECK(gpumm__queue_first(&q) == holder);
    check_taken(gpumm__queue_next(&q, holder), 1, "held", NULL);
    for (queued *r; (r = gpumm__queue_put(&q, &(queued_words){"k", NULL, NULL, 0}, false)) != NULL; count++)
        gpumm__queue_end(&q, r, false);
    CHECK(count == QUEUE_UNDER_WAY - 2 && gpumm__queue_is_full(&q));
    gpumm__queue_close(&q);
}

/* Events come back as they were told; texts of any length up to a line's. */
static void pending_events(void) {
    static char longest[3 * TRACE_LINE];
    trace_pending p;
    trace_event e;
    trace_field fields[TRACE_PENDING_FIELDS];
    const char *at;
    memset(longest, 'x', sizeof longest - 1);
    const trace_field told[] = {
        {.key = "of", .text = longest}, {.key = "less", .number = -5}, {.key = "yes", .truth = true}};
    CHECK_OK(gpumm__trace_pending_open(&p, &gpumm__alloc_default, 0));
    unsigned added = 0, half = 0;
    for (trace_room room; (room = gpumm__trace_pending_add(&p, &(trace_event){.phase = TRACE_INSTANT,
                                                               .process = 3,
                                                               .thread = 4,
                                                               .name = "frame",
                                                               .begin = added,
                                                               .fields = told,
                                                               .count = 3})) != TRACE_FULL;
         added++)
        half += room == TRACE_HALF_FULL;
    CHECK(added > 20 && half == 1);
    size_t left = gpumm__trace_pending_take(&p, &at);
    for (unsigned i = 0; i < added; i++) {
        size_t bytes = gpumm__trace_pending_read(at, &e, fields);
        CHECK(e.phase == TRACE_INSTANT && e.process == 3 && e.thread == 4 && e.begin == i && e.count == 3);
        CHECK(strcmp(e.name, "frame") == 0 && strcmp(e.fields[1].key, "less") == 0 && !e.fields[1].text);
        CHECK(e.fields[1].number == -5 && e.fields[2].truth && strlen(e.fields[0].text) == TRACE_LINE - 1);
        left -= bytes, at += bytes;
    }
    CHECK(left == 0 && gpumm__trace_pending_take(&p, &at) == 0);
    gpumm__trace_pending_close(&p);
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

/* As whoever kills the process leaves it. A reader may see half of a write, which its next look does not. */
static bool is_whole_soon(const char *path) {
    enum { LOOKS = 50 };
    bool whole = false;
    for (int i = 0; i < LOOKS && !whole; i++) {
        char *text = read_file(path);
        whole = ends_with(text, "\"lost\":0}}\n");
        free(text);
        if (!whole) usleep(200);
    }
    return whole;
}

/* At any time. */
static void whole_meanwhile(void) {
    gpumm_trace *t;
    const char *path = path_of("meanwhile.json");
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path}, &t));
    for (int i = 0; i < 200; i++) {
        CHECK_OK(gpumm_trace_slice(t, "step", i, gpumm_trace_now()));
        if (i % 20) continue;
        CHECK(is_whole_soon(path));
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

/* What another manager has is copied on the stream of the one that has the target. */
static void from_another(void) {
    gpumm_trace *t;
    gpumm_manager *m[2];
    gpumm_buffer *b[2];
    float value = 3, got = 0;
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path_of("another.json")}, &t));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .trace = t}, &m[i]));
        CHECK_OK(gpumm_manager_allocate(m[i], &(gpumm_buffer_options){.length = 100}, &b[i]));
    }
    CHECK_OK(gpumm_buffer_fill(b[0], NULL, 0, 100, &value));
    for (int i = 1; i <= 3; i++) CHECK_OK(gpumm_buffer_copy(b[1], NULL, 0, b[0], 0, (uint64_t)(10 * i)));
    CHECK_OK(gpumm_buffer_download(b[1], NULL, 29, 1, &got));
    CHECK(got == value);
    for (int i = 0; i < 2; i++) gpumm_buffer_release(b[i]), gpumm_manager_release(m[i]);
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    char *text = read_file(path_of("another.json"));
    CHECK(count_of(text, "\"name\":\"copy P2P\"") == 3);
    const char *line = text;
    for (int i = 1; i <= 3; i++) {
        unsigned got_bytes = 0;
        CHECK(line = strstr(line + 1, "copy P2P"));
        CHECK(sscanf(strstr(line, "\"bytes\":"), "\"bytes\":%u", &got_bytes) == 1 && got_bytes == 40u * (unsigned)i);
    }
    free(text);
}

enum { FILLS = 400 };

/* On a stream of its own, which comes and goes. */
static void *fills(void *manager) {
    gpumm_stream *s;
    gpumm_buffer *b;
    CHECK_OK(gpumm_stream_open(manager, &s));
    CHECK_OK(gpumm_manager_allocate(manager, &(gpumm_buffer_options){.length = 1000}, &b));
    for (int i = 0; i < FILLS; i++) CHECK_OK(gpumm_buffer_fill(b, s, 0, 16, &(float){1}));
    gpumm_buffer_release(b);
    gpumm_stream_release(s);
    return NULL;
}

/* Several threads put what they enqueue into one manager's queue. */
static void one_manager(void) {
    gpumm_trace *t;
    gpumm_manager *m;
    pthread_t all[THREADS];
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path_of("one.json")}, &t));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .trace = t}, &m));
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&all[i], NULL, fills, m) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(all[i], NULL) == 0);
    gpumm_manager_release(m);
    CHECK_OK(gpumm_trace_close(t));
    gpumm_trace_release(t);
    char *text = read_file(path_of("one.json"));
    CHECK(count_of(text, "\"bytes\":64}") + count_of(text, "\"bytes\":64,") == THREADS * FILLS);
    CHECK(count_of(text, "\"thread_name\"") == 2 + THREADS);
    CHECK(ends_with(text, "\"lost\":0}}\n"));
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
    urgent_samples();
    kinds();
    counters();
    records();
    held_records();
    pending_events();
    stretches();
    bad_options();
    whole_file();
    whole_meanwhile();
    broken_pipe();
    allocations();
    faults();
    held();
    threads();
    one_manager();
    from_another();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
