/* SPDX-License-Identifier: MIT */
/* Events as lines of JSON and CSV, and the thread that writes them. */
#include "base/trace.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/abi.h"
#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/trace_line.h"

/* The system's processes and threads have smaller numbers. */
#define PROCESS_STEP (UINT64_C(1) << 22)
#define CAPACITY_DEFAULT (UINT64_C(1) << 20)
#define CAPACITY_LEAST (UINT64_C(64) << 10)

enum { PERIOD_NS = 25000000 };

/* Asked for once by each thread; anew by one that goes on in a child process. */
static uint64_t this_thread(uint64_t pid) {
    static _Thread_local uint64_t process, thread;
    if (process != pid) {
        process = pid;
        thread = (uint64_t)syscall(SYS_gettid);
    }
    return thread;
}

/* ---- Lines ------------------------------------------------------------------------------------------------- */

void gpumm__trace_nudge(gpumm_trace *t) {
    pthread_mutex_lock(&t->lock);
    t->nudged = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

static void put(gpumm_trace *t, trace_file *f, const trace_line *l, bool patient) {
    if (gpumm__trace_file_put(f, l->text, l->used, patient)) gpumm__trace_nudge(t);
}

static void add_key(trace_line *l, const char *key) {
    gpumm__line_text(l, ",\"");
    gpumm__line_text(l, key);
    gpumm__line_text(l, "\":");
}

static void add_number(trace_line *l, const char *key, uint64_t number) {
    add_key(l, key);
    gpumm__line_count(l, number);
}

static void add_track(trace_line *l, const gpumm_trace *t, uint64_t process, uint64_t thread) {
    add_number(l, "pid", process ? process : t->pid);
    add_number(l, "tid", thread ? thread : this_thread(t->pid));
}

static void add_time(trace_line *l, const char *key, uint64_t ns) {
    add_key(l, key);
    gpumm__line_microseconds(l, ns);
}

static void add_fields(trace_line *l, const trace_field *fields, size_t count) {
    add_key(l, "args");
    for (size_t i = 0; i < count; i++) {
        gpumm__line_text(l, i ? ",\"" : "{\"");
        gpumm__line_text(l, fields[i].key);
        gpumm__line_text(l, "\":");
        if (fields[i].truth) gpumm__line_text(l, "true");
        else if (fields[i].text) gpumm__line_string(l, fields[i].text);
        else gpumm__line_integer(l, fields[i].number);
    }
    gpumm__line_text(l, count ? "}" : "{}");
}

static void begin_line(trace_line *l, const char *phase, const char *name) {
    l->used = 0;
    gpumm__line_text(l, ",\n{\"ph\":\"");
    gpumm__line_text(l, phase);
    gpumm__line_text(l, "\",\"name\":");
    gpumm__line_string(l, name);
}

static uint64_t since(const gpumm_trace *t, uint64_t ns) { return ns > t->began ? ns - t->began : 0; }

static void write_line(gpumm_trace *t, const trace_event *e, bool patient) {
    static const char *const phases[] = {"X", "i", "C"};
    trace_line l;
    begin_line(&l, phases[e->phase], e->name);
    add_track(&l, t, e->process, e->thread);
    add_time(&l, "ts", since(t, e->begin));
    if (e->phase == TRACE_SLICE) add_time(&l, "dur", e->end > e->begin ? e->end - e->begin : 0);
    if (e->phase == TRACE_INSTANT) gpumm__line_text(&l, ",\"s\":\"t\"");
    if (e->count || e->phase == TRACE_COUNTER) add_fields(&l, e->fields, e->count);
    gpumm__line_text(&l, "}");
    put(t, &t->events, &l, patient);
}

void gpumm__trace_write(gpumm_trace *t, const trace_event *e) {
    if (trace_events(t)) write_line(t, e, e->patient);
}

/* ---- What is pending ----------------------------------------------------------------------------------------- */

static void write_pending(gpumm_trace *t) {
    const char *at;
    trace_field fields[TRACE_PENDING_FIELDS];
    trace_event e;
    pthread_mutex_lock(&t->formatting);
    for (size_t left = gpumm__trace_pending_take(&t->pending, &at), bytes; left; left -= bytes, at += bytes) {
        bytes = gpumm__trace_pending_read(at, &e, fields);
        write_line(t, &e, true);
    }
    pthread_mutex_unlock(&t->formatting);
}

void gpumm__trace_put(gpumm_trace *t, const trace_event *given) {
    if (!trace_events(t)) return;
    trace_event e = *given;
    if (!e.process) e.process = t->pid;
    if (!e.thread) e.thread = this_thread(t->pid);
    trace_room room = gpumm__trace_pending_add(&t->pending, &e);
    for (; room == TRACE_FULL && e.patient; room = gpumm__trace_pending_add(&t->pending, &e)) write_pending(t);
    if (room == TRACE_FULL) gpumm__trace_file_lose(&t->events);
    if (room != TRACE_ADDED) gpumm__trace_nudge(t);
}

static void put_name(gpumm_trace *t, const char *what, uint64_t process, uint64_t thread, const char *name) {
    trace_line l;
    if (!trace_events(t)) return;
    begin_line(&l, "M", what);
    add_track(&l, t, process, thread);
    add_fields(&l, &(trace_field){.key = "name", .text = name}, 1);
    gpumm__line_text(&l, "}");
    put(t, &t->events, &l, true);
}

void gpumm__trace_name_thread(gpumm_trace *t, uint64_t process, uint64_t thread, const char *name) {
    put_name(t, "thread_name", process, thread, name);
}

uint64_t gpumm__trace_thread(uint64_t ordinal) { return PROCESS_STEP + ordinal; }

uint64_t gpumm__trace_process(gpumm_trace *t, const char *name) {
    unsigned number = atomic_fetch_add(&t->processes, 1) + 1;
    uint64_t process = t->pid + number * PROCESS_STEP;
    char text[256];
    snprintf(text, sizeof text, "manager %u: %s", number, name);
    put_name(t, "process_name", process, gpumm__trace_thread(0), text);
    return process;
}

/* As RMM writes it: the time of day, with microseconds. */
static void add_day_time(trace_line *l) {
    struct timespec now;
    struct tm day;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &day);
    const int parts[] = {day.tm_hour, day.tm_min, day.tm_sec};
    for (int i = 0; i < 3; i++) {
        gpumm__line_decimal(l, (uint64_t)parts[i], 2);
        gpumm__line_text(l, i < 2 ? ":" : ".");
    }
    gpumm__line_decimal(l, (uint64_t)now.tv_nsec / 1000, 6);
}

void gpumm__trace_history(gpumm_trace *t, trace_action action, gpumm_address address, uint64_t bytes, bool patient) {
    static const char *const words[] = {",allocate,", ",allocate failure,", ",free,"};
    trace_line l;
    if (!trace_history(t)) return;
    l.used = 0;
    gpumm__line_count(&l, this_thread(t->pid));
    gpumm__line_text(&l, ",");
    add_day_time(&l);
    gpumm__line_text(&l, words[action]);
    gpumm__line_address(&l, address);
    gpumm__line_text(&l, ",");
    gpumm__line_count(&l, bytes);
    gpumm__line_text(&l, ",0x0\n"); /* no memory of gpumm's is a stream's */
    put(t, &t->history, &l, patient);
}

/* ---- The thread ---------------------------------------------------------------------------------------------- */

static void collect(gpumm_trace *t) {
    pthread_mutex_lock(&t->collecting);
    for (trace_source *s = t->sources; s; s = s->next) s->collect(s);
    pthread_mutex_unlock(&t->collecting);
}

static void gather(gpumm_trace *t) {
    collect(t);
    if (t->events.memory) write_pending(t);
}

static void flush(gpumm_trace *t) {
    if (t->events.memory) gpumm__trace_file_flush(&t->events);
    if (t->history.memory) gpumm__trace_file_flush(&t->history);
}

static void *writer_main(void *argument) {
    gpumm_trace *t = argument;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        if (!t->nudged) gpumm__cond_wait_until(&t->wake, &t->lock, gpumm__clock_ns() + PERIOD_NS);
        t->nudged = false;
        pthread_mutex_unlock(&t->lock);
        gather(t);
        flush(t);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void stop_writer(gpumm_trace *t) {
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->writer, NULL);
}

void gpumm__trace_add(gpumm_trace *t, trace_source *source) {
    pthread_mutex_lock(&t->collecting);
    source->next = t->sources;
    t->sources = source;
    pthread_mutex_unlock(&t->collecting);
}

void gpumm__trace_remove(gpumm_trace *t, trace_source *source) {
    pthread_mutex_lock(&t->collecting);
    trace_source **at = &t->sources;
    while (*at && *at != source) at = &(*at)->next;
    if (*at) *at = source->next;
    pthread_mutex_unlock(&t->collecting);
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

static void events_ending(uint64_t lost, char text[static TRACE_ENDING]) {
    snprintf(text, TRACE_ENDING, "\n],\"otherData\":{\"version\":\"gpumm %s\",\"lost\":%llu}}\n", gpumm_version(),
             (unsigned long long)lost);
}

static void history_ending(uint64_t lost, char text[static TRACE_ENDING]) {
    (void)lost;
    text[0] = '\0';
}

static gpumm_status open_events(gpumm_trace *t, const char *path, size_t capacity) {
    TRY(gpumm__trace_pending_open(&t->pending, &t->memory, capacity / 2));
    TRY(gpumm__trace_file_open(&t->events, &t->memory, path, capacity, events_ending));
    trace_line l = {.used = 0};
    gpumm__line_text(&l, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"process_name\"");
    add_track(&l, t, 0, 0);
    add_fields(&l, &(trace_field){.key = "name", .text = "threads of the application and of gpumm"}, 1);
    gpumm__line_text(&l, "}");
    gpumm__trace_file_put(&t->events, l.text, l.used, true);
    return GPUMM_OK;
}

static gpumm_status open_history(gpumm_trace *t, const char *path, size_t capacity) {
    static const char head[] = "Thread,Time,Action,Pointer,Size,Stream\n";
    TRY(gpumm__trace_file_open(&t->history, &t->memory, path, capacity, history_ending));
    gpumm__trace_file_put(&t->history, head, sizeof head - 1, true);
    return GPUMM_OK;
}

/* Where a file cannot be written it is said now, not at the end. */
static gpumm_status first_write(trace_file *f) {
    if (!f->memory) return GPUMM_OK;
    gpumm__trace_file_flush(f);
    return f->status == GPUMM_OK ? GPUMM_OK : fail(f->status, "%s", f->message);
}

static gpumm_status open_files(gpumm_trace *t, const gpumm_trace_options *o) {
    size_t capacity = (size_t)size_max(o->buffer_bytes ? o->buffer_bytes / 2 : CAPACITY_DEFAULT, CAPACITY_LEAST);
    if (o->path) TRY(open_events(t, o->path, capacity));
    if (o->history) TRY(open_history(t, o->history, (size_t)CAPACITY_LEAST));
    if (o->path && o->history && gpumm__trace_file_is(&t->events, &t->history))
        return fail(GPUMM_INVALID_ARGUMENT, "%s: a trace and its history are two files", o->path);
    TRY(first_write(&t->events));
    return first_write(&t->history);
}

static void free_files(gpumm_trace *t) {
    gpumm__trace_pending_close(&t->pending);
    gpumm__trace_file_close(&t->events);
    gpumm__trace_file_close(&t->history);
}

static gpumm_status start(gpumm_trace *t) {
    TRY(gpumm__cond_open(&t->wake));
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->collecting, NULL);
    pthread_mutex_init(&t->formatting, NULL);
    atomic_init(&t->open, true);
    gpumm_status status = gpumm__thread_start(&t->writer, writer_main, t);
    if (status == GPUMM_OK) return GPUMM_OK;
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->collecting);
    pthread_mutex_destroy(&t->formatting);
    return status;
}

static gpumm_status trace_new(const gpumm_trace_options *o, gpumm_trace **out) {
    gpumm_allocator memory = o->allocator.reallocate ? o->allocator : gpumm__alloc_default;
    gpumm_trace *t = gpumm__mem_new(&memory, sizeof *t);
    if (!t) return fail_host_memory(sizeof *t);
    t->memory = memory;
    t->began = gpumm__clock_ns();
    t->detail = o->detail;
    t->pid = (uint64_t)getpid();
    atomic_init(&t->references, 1);
    gpumm_status status = open_files(t, o);
    if (status == GPUMM_OK) status = start(t);
    if (status != GPUMM_OK) {
        free_files(t);
        gpumm__mem_free(&memory, t);
        return status;
    }
    *out = t;
    return GPUMM_OK;
}

gpumm_status gpumm_trace_open(const gpumm_trace_options *options, gpumm_trace **out) {
    NOT_NULL(options, "options");
    NOT_NULL(out, "out");
    gpumm_trace_options o;
    TRY(ABI_READ(&o, options, "gpumm_trace_options"));
    if (o.allocator.reserved) return fail(GPUMM_INVALID_ARGUMENT, "gpumm_trace_options.allocator.reserved is not NULL");
    if (!o.path && !o.history)
        return fail(GPUMM_INVALID_ARGUMENT, "a trace has a path, or a history's, or both: neither was given");
    if (o.buffer_bytes > SIZE_MAX / 4)
        return fail(GPUMM_INVALID_ARGUMENT, "a trace's buffer of %llu bytes is more than can be addressed",
                    (unsigned long long)o.buffer_bytes);
    return trace_new(&o, out);
}

/* ---- Closing ----------------------------------------------------------------------------------------------------- */

gpumm_status gpumm_trace_close(gpumm_trace *t) {
    NOT_NULL(t, "trace");
    if (atomic_load(&t->open)) gather(t);
    if (atomic_exchange(&t->open, false)) stop_writer(t);
    if (t->events.memory) write_pending(t); /* what was told until then */
    gpumm_status events = t->events.memory ? gpumm__trace_file_end(&t->events) : GPUMM_OK;
    gpumm_status history = t->history.memory ? gpumm__trace_file_end(&t->history) : GPUMM_OK;
    if (events != GPUMM_OK && history != GPUMM_OK) return gpumm__trace_file_end(&t->events); /* the first's message */
    return events != GPUMM_OK ? events : history;
}

gpumm_trace *gpumm_trace_retain(gpumm_trace *t) {
    if (!t) return NULL;
    atomic_fetch_add(&t->references, 1);
    return t;
}

void gpumm_trace_release(gpumm_trace *t) {
    if (!t || atomic_fetch_sub(&t->references, 1) != 1) return;
    (void)gpumm_trace_close(t);
    free_files(t);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->collecting);
    pthread_mutex_destroy(&t->formatting);
    gpumm_allocator memory = t->memory;
    gpumm__mem_free(&memory, t);
}

/* ---- Slices of the application's ---------------------------------------------------------------------------------- */

uint64_t gpumm_trace_now(void) { return gpumm__clock_ns(); }

gpumm_status gpumm_trace_slice(gpumm_trace *t, const char *name, int64_t number, uint64_t since_ns) {
    NOT_NULL(t, "trace");
    NOT_NULL(name, "name");
    trace_field field = {.key = "number", .number = number};
    gpumm__trace_put(t, &(trace_event){.phase = TRACE_SLICE,
                                       .patient = true,
                                       .name = name,
                                       .begin = since_ns,
                                       .end = gpumm__clock_ns(),
                                       .fields = &field,
                                       .count = 1});
    return GPUMM_OK;
}
