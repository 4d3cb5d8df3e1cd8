/* SPDX-License-Identifier: MIT */
/* The fault device over the host device: what it fails, skips, delays, holds and counts, and that it is
   otherwise not there. */
#include <stdatomic.h>

#include "base/status.h"
#include "device/fault.h"
#include "device/open.h"
#include "device/host/module.h"
#include "door.h"
#include "table.h"

static bench faulty_open(gpumm_fault first) {
    return bench_open((gpumm_options){.inject_faults = true, .fault = first});
}

static uint64_t calls(bench *t, const char *name) {
    uint64_t count = 0;
    CHECK_OK(gpumm__fault_calls(t->d, name, &count));
    return count;
}

static void plan(bench *t, const char *call, uint64_t nth, gpumm_status status) {
    gpumm_fault p = {.call = call, .nth = nth, .status = status};
    CHECK_OK(gpumm__fault_plan(t->d, &p));
}

static bool idle(bench *t, device_stream *s) {
    bool yes = false;
    CHECK_OK(t->call->stream_query(t->d, s, &yes));
    return yes;
}

/* ---- Opening ---- */

static void opening(void) {
    device *d = NULL;
    gpumm_options options = {.device = "host", .inject_faults = true, .fault = {.hold = "breath"}};
    CHECK_STATUS(gpumm__device_open(&options, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("copy, snapshot, fill, launch");
    options.fault = (gpumm_fault){.call = "fly", .nth = 1, .status = GPUMM_DRIVER};
    CHECK_STATUS(gpumm__device_open(&options, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("reserve, release, commit");
    CHECK(d == NULL);
    options.fault = (gpumm_fault){0};
    CHECK_OK(gpumm__device_open(&options, &gpumm__alloc_default, &d));
    CHECK(gpumm__fault_is(d) && strcmp(d->info.kind, "host") == 0 && d->info.granularity_bytes == UNIT);
    gpumm__device_close(d);
    options.inject_faults = false;
    CHECK_OK(gpumm__device_open(&options, &gpumm__alloc_default, &d));
    CHECK(!gpumm__fault_is(d));
    gpumm__device_close(d);
}

static void plans_are_checked(void) {
    bench t = faulty_open((gpumm_fault){0});
    gpumm_fault p = {.call = "release", .nth = 1, .status = GPUMM_DRIVER};
    CHECK_STATUS(gpumm__fault_plan(t.d, &p), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("release cannot fail");
    p = (gpumm_fault){.call = "alloc", .nth = 1, .status = GPUMM_OK};
    CHECK_STATUS(gpumm__fault_plan(t.d, &p), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("alloc cannot be skipped");
    p = (gpumm_fault){.call = "alloc", .nth = 1, .status = GPUMM_STATUS_COUNT};
    CHECK_STATUS(gpumm__fault_plan(t.d, &p), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm__fault_hold(t.d, "door"), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm__fault_hold(t.d, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm__fault_release(t.d, "door"), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("copy, snapshot, fill, launch");
    uint64_t count = 12;
    CHECK_STATUS(gpumm__fault_calls(t.d, "fly", &count), GPUMM_INVALID_ARGUMENT);
    CHECK(count == 12);
    gpumm_address x = block(&t, PLACE_DEVICE, 1); /* none of those plans stands */
    t.call->free(t.d, PLACE_DEVICE, x, 1);
    bench_close(&t);
}

/* ---- Failing ---- */

static void nth_fails(void) {
    bench t = faulty_open((gpumm_fault){.call = "commit", .nth = 2, .status = GPUMM_OUT_OF_MEMORY});
    gpumm_address r = 0, x = 0;
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 8 * UNIT, &r));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, UNIT));
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r + UNIT, UNIT), GPUMM_OUT_OF_MEMORY);
    CHECK(strcmp(gpumm_message(), "fault: call commit, number 2") == 0);
    CHECK_STATUS(t.call->fill(t.d, t.a, r + UNIT, 0, 1, 1), GPUMM_DRIVER); /* it never reached the device */
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + UNIT, UNIT));           /* once only */
    CHECK(calls(&t, "commit") == 3 && calls(&t, "reserve") == 1 && calls(&t, "free") == 0);

    plan(&t, NULL, 5, GPUMM_DRIVER); /* any: what cannot fail is not counted down */
    x = block(&t, PLACE_DEVICE, 16);
    t.call->free(t.d, PLACE_DEVICE, x, 16);
    x = block(&t, PLACE_DEVICE, 16);
    t.call->free(t.d, PLACE_DEVICE, x, 16);
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, r + UNIT, UNIT), GPUMM_DRIVER);
    CHECK(strcmp(gpumm_message(), "fault: call decommit, number 1") == 0);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r + UNIT, UNIT));
    CHECK(calls(&t, "free") == 2 && calls(&t, NULL) == 2 + 1 + 3 + 1 + 2 + 2 + 2);

    plan(&t, "alloc", 1, GPUMM_DEVICE_LOST);
    plan(&t, NULL, 0, GPUMM_OK); /* taken back */
    x = block(&t, PLACE_DEVICE, 16);
    t.call->free(t.d, PLACE_DEVICE, x, 16);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r, UNIT));
    t.call->release(t.d, PLACE_DEVICE, r, 8 * UNIT);
    bench_close(&t);
}

/* With nothing behind the arguments: what fails is not forwarded, so nobody looks. */
static gpumm_status call_any(device *d, device_call which) {
    const device_table *t = d->call;
    switch (which) {
    case CALL_reserve: return t->reserve(d, PLACE_DEVICE, 1, NULL);
    case CALL_commit: return t->commit(d, PLACE_DEVICE, 0, 1);
    case CALL_decommit: return t->decommit(d, PLACE_DEVICE, 0, 1);
    case CALL_stripe_check: return t->stripe_check(d, NULL);
    case CALL_commit_striped: return t->commit_striped(d, &(device_stripe){.bytes = 1}, 0, 0, 1);
    case CALL_alloc: return t->alloc(d, PLACE_DEVICE, 1, NULL);
    case CALL_free: return t->free(d, PLACE_DEVICE, 0, 1);
    case CALL_shrink: return t->shrink(d, PLACE_DEVICE, 2, 1, NULL);
    case CALL_promote: return t->promote(d, 1, NULL);
    case CALL_export_segment: return t->export_segment(d, 0, 1, NULL);
    case CALL_import_segment: return t->import_segment(d, 0, 1, -1);
    case CALL_reach: return t->reach(d, "");
    case CALL_stream_open: return t->stream_open(d, NULL, NULL);
    case CALL_stream_synchronize: return t->stream_synchronize(d, NULL);
    case CALL_stream_query: return t->stream_query(d, NULL, NULL);
    case CALL_event_open: return t->event_open(d, EVENT_TIMED, NULL);
    case CALL_event_record: return t->event_record(d, NULL, NULL);
    case CALL_event_query: return t->event_query(d, NULL, NULL);
    case CALL_event_synchronize: return t->event_synchronize(d, NULL);
    case CALL_event_elapsed: return t->event_elapsed(d, NULL, NULL, NULL);
    case CALL_stream_wait: return t->stream_wait(d, NULL, NULL);
    case CALL_copy: return t->copy(d, NULL, COPY_H2D, 0, 0, 1);
    case CALL_copy_from: return t->copy_from(d, NULL, 0, &(device_foreign){.at = 0}, 1);
    case CALL_fill: return t->fill(d, NULL, 0, 0, 1, 1);
    case CALL_call: return t->call(d, NULL, NULL, NULL);
    case CALL_preprocess: return t->preprocess(d, NULL);
    case CALL_compile: return t->compile(d, NULL, NULL);
    case CALL_builtin: return t->builtin(d, NULL, NULL);
    case CALL_module_open: return t->module_open(d, NULL, NULL);
    case CALL_function: return t->function(d, NULL, NULL, NULL);
    case CALL_launch: return t->launch(d, NULL, NULL, NULL);
    case CALL_graph_open: return t->graph_open(d, NULL, 0, NULL);
    case CALL_graph_patch: return t->graph_patch(d, NULL, NULL, 0);
    case CALL_graph_launch: return t->graph_launch(d, NULL, NULL);
    case CALL_semaphore_import: return t->semaphore_import(d, -1, NULL);
    case CALL_semaphore_signal: return t->semaphore_signal(d, NULL, NULL, 1);
    case CALL_semaphore_wait: return t->semaphore_wait(d, NULL, NULL, 1);
    default: return GPUMM_OK; /* the silent ones */
    }
}

/* Every call that can fail does when told to, by its name, and takes nothing. */
static void each_call_fails(void) {
    bench t = faulty_open((gpumm_fault){.jitter = 1, .hold = "copy"});
    unsigned failed = 0;
    for (unsigned i = 0; i < CALL_COUNT; i++) {
        const char *name = gpumm__device_call_name((device_call)i);
        gpumm_fault p = {.call = name, .nth = 1, .status = GPUMM_IO, .jitter = 1};
        bool silent = strcmp(name, "release") == 0 || strcmp(name, "admit") == 0 || strstr(name, "_close");
        CHECK_STATUS(gpumm__fault_plan(t.d, &p), silent ? GPUMM_INVALID_ARGUMENT : GPUMM_OK);
        if (silent) continue;
        CHECK_STATUS(call_any(t.d, (device_call)i), GPUMM_IO);
        CHECK_SAYS(name);
        failed++;
    }
    gpumm_live live;
    gpumm__fault_live(t.d, &live);
    CHECK(failed == 37 && live.streams == 2 && live.ranges + live.segments + live.blocks + live.events == 0);
    bench_close(&t);
}

static void count_call(void *user) { atomic_fetch_add((atomic_uint *)user, 1); }

static void skipping(void) {
    bench t = faulty_open((gpumm_fault){0});
    device_event *e = NULL;
    door d = DOOR_SHUT;
    atomic_uint ran = 0;
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    door_queue(t.d, t.a, &d);
    CHECK_OK(t.call->event_record(t.d, e, t.a));
    plan(&t, "stream_wait", 1, GPUMM_OK);
    CHECK_OK(t.call->stream_wait(t.d, t.b, e)); /* said to wait, and does not */
    CHECK_OK(t.call->call(t.d, t.b, count_call, &ran));
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK(ran == 1 && calls(&t, "stream_wait") == 1);
    CHECK_OK(t.call->stream_wait(t.d, t.b, e)); /* the next one does */
    CHECK_OK(t.call->call(t.d, t.b, count_call, &ran));
    CHECK(!idle(&t, t.b));
    plan(&t, NULL, 2, GPUMM_OK); /* any: what has an answer is neither skipped nor counted down */
    CHECK(!idle(&t, t.b));
    gpumm_address x = block(&t, PLACE_DEVICE, 4);
    CHECK_OK(t.call->fill(t.d, t.a, x, 5, 1, 4));
    CHECK_OK(t.call->fill(t.d, t.a, x, 6, 1, 4)); /* skipped */
    door_open(&d);
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK(ran == 2 && at(x)[3] == 5);
    t.call->free(t.d, PLACE_DEVICE, x, 4);
    t.call->event_close(t.d, e);
    bench_close(&t);
}

/* ---- Holding ---- */

static void set_seven(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block_) {
    uint8_t *x;
    (void)threads, (void)block_;
    memcpy(&x, arguments[0], sizeof x);
    for (uint64_t i = begin; i < end; i++) x[i] = 7;
}

static void launch_seven(bench *t, device_stream *s, gpumm_address x) {
    device_function f = {.name = "set_seven", .run = set_seven};
    void *arguments[] = {&x};
    size_t sizes[] = {sizeof x};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 1, .threads = 16};
    CHECK_OK(t->call->launch(t->d, s, &f, &launch));
}

/* Queues one operation of each kind in turn on `a`, the kind held, and sees that it alone is. */
static void each_kind_held(const char *kind) {
    bench t = faulty_open((gpumm_fault){.hold = kind});
    gpumm_address x = block(&t, PLACE_DEVICE, 64), pinned = block(&t, PLACE_HOST, 64);
    const char *const kinds[] = {"copy", "snapshot", "fill", "launch", "copy"};
    memset(at(pinned), 3, 64);
    for (unsigned i = 0; i < 5; i++) {
        bool held = strcmp(kinds[i], kind) == 0;
        CHECK_OK(gpumm__fault_hold(t.d, kind));
        if (i == 0) CHECK_OK(t.call->copy(t.d, t.a, COPY_H2D, x, pinned, 16));
        if (i == 1) CHECK_OK(t.call->copy(t.d, t.a, COPY_D2D, x + 32, x, 16));
        if (i == 2) CHECK_OK(t.call->fill(t.d, t.a, x, 9, 1, 16));
        if (i == 3) launch_seven(&t, t.a, x + 16);
        if (i == 4) CHECK_OK(t.call->copy(t.d, t.a, COPY_D2H, pinned, x, 64));
        if (held) {
            CHECK(!idle(&t, t.a) && idle(&t, t.b));
            CHECK_OK(gpumm__fault_release(t.d, kind));
        }
        CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    }
    CHECK(at(pinned)[0] == 9 && at(pinned)[16] == 7 && at(pinned)[31] == 7 && at(pinned)[32] == 3);
    CHECK(calls(&t, "call") == 0 && calls(&t, "copy") == 3);
    t.call->free(t.d, PLACE_DEVICE, x, 64);
    t.call->free(t.d, PLACE_HOST, pinned, 64);
    bench_close(&t);
}

/* Shut again at once: what was queued before goes on, what is queued after is held. */
static void held_again(void) {
    bench t = faulty_open((gpumm_fault){0});
    gpumm_address x = block(&t, PLACE_DEVICE, 4);
    door d = DOOR_SHUT;
    CHECK_OK(gpumm__fault_hold(t.d, "fill"));
    door_queue(t.d, t.a, &d); /* so that the gate is reached only after both */
    CHECK_OK(t.call->fill(t.d, t.a, x, 1, 1, 4));
    CHECK_OK(gpumm__fault_release(t.d, NULL));
    CHECK_OK(gpumm__fault_hold(t.d, "fill"));
    CHECK_OK(t.call->fill(t.d, t.b, x, 2, 1, 4));
    door_open(&d);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK(at(x)[0] == 1 && !idle(&t, t.b));
    CHECK_OK(gpumm__fault_release(t.d, "copy"));
    CHECK(!idle(&t, t.b));
    CHECK_OK(gpumm__fault_release(t.d, "fill"));
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK(at(x)[0] == 2);
    t.call->free(t.d, PLACE_DEVICE, x, 4);
    bench_close(&t);
}

/* Closing a stream lets through what waits, there and on streams it depends on; the kind stays held. */
static void close_does_not_hang(void) {
    bench t = faulty_open((gpumm_fault){.hold = "fill"});
    gpumm_address x = block(&t, PLACE_DEVICE, 4);
    device_event *e = NULL;
    device_stream *s = NULL;
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    CHECK_OK(t.call->stream_open(t.d, NULL, &s));
    CHECK_OK(t.call->fill(t.d, t.a, x, 1, 1, 4));
    CHECK_OK(t.call->event_record(t.d, e, t.a));
    CHECK_OK(t.call->stream_wait(t.d, s, e));
    t.call->stream_close(t.d, s);
    CHECK(at(x)[0] == 1);
    CHECK_OK(t.call->fill(t.d, t.b, x, 2, 1, 4));
    CHECK(!idle(&t, t.b));
    t.call->event_close(t.d, e);
    gpumm__device_close(t.d); /* with a gate shut and streams open */
}

/* ---- Delaying ---- */

typedef struct trail {
    unsigned seen[64];
    unsigned count;
} trail;

typedef struct step {
    trail *trail;
    unsigned number;
} step;

static void tread(void *user) {
    step *s = user;
    s->trail->seen[s->trail->count++] = s->number;
}

static void jitter(void) {
    bench t = faulty_open((gpumm_fault){.jitter = 42});
    gpumm_address x = block(&t, PLACE_DEVICE, 64), pinned = block(&t, PLACE_HOST, 64);
    device_event *e = NULL;
    trail seen = {.count = 0};
    step steps[64];
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    for (unsigned i = 0; i < 64; i++) {
        steps[i] = (step){&seen, i};
        device_stream *now = i % 2 ? t.a : t.b, *next = i % 2 ? t.b : t.a;
        CHECK_OK(t.call->fill(t.d, now, x, i, 1, 64));
        CHECK_OK(t.call->call(t.d, now, tread, &steps[i]));
        CHECK_OK(t.call->event_record(t.d, e, now));
        CHECK_OK(t.call->stream_wait(t.d, next, e));
    }
    CHECK_OK(t.call->copy(t.d, t.b, COPY_D2H, pinned, x, 64));
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK(seen.count == 64 && at(pinned)[63] == 63);
    for (unsigned i = 0; i < 64; i++) CHECK(seen.seen[i] == i);
    CHECK(calls(&t, "call") == 64);
    double before = gpumm__clock_seconds();
    for (unsigned i = 0; i < 100; i++) CHECK_OK(t.call->fill(t.d, t.a, x, i, 1, 64));
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK(gpumm__clock_seconds() - before > 0.005); /* 100 of up to 200 us: 10 ms is what to expect, at least */
    t.call->event_close(t.d, e);
    t.call->free(t.d, PLACE_DEVICE, x, 64);
    t.call->free(t.d, PLACE_HOST, pinned, 64);
    bench_close(&t);
}

/* ---- Counting what lives ---- */

static bool same(const gpumm_live *a, const gpumm_live *b) { return memcmp(a, b, sizeof *a) == 0; }

static void counting(void) {
    bench t = faulty_open((gpumm_fault){0});
    gpumm_live live, bare = {.streams = 2};
    gpumm_address r = 0, x, pinned;
    device_event *e = NULL;
    device_module *m = NULL;
    gpumm__fault_live(t.d, &live);
    CHECK(same(&live, &bare));
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 8 * UNIT, &r));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, 2 * UNIT));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + 2 * UNIT, UNIT));
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r, UNIT), GPUMM_DRIVER);
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, r, UNIT), GPUMM_DRIVER);
    plan(&t, "commit", 1, GPUMM_OK);
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + 4 * UNIT, UNIT)); /* skipped: nothing is there */
    x = block(&t, PLACE_DEVICE, 100);
    pinned = block(&t, PLACE_HOST, 11);
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    CHECK(t.call->module_open(t.d, "/nowhere/at/all", &m) != GPUMM_OK);
    gpumm__fault_live(t.d, &live);
    const gpumm_live full = {.committed_bytes = 3 * UNIT + 111,
                             .reserved_bytes = 8 * UNIT,
                             .ranges = 1,
                             .segments = 2,
                             .blocks = 2,
                             .streams = 2,
                             .events = 1};
    CHECK(same(&live, &full));
    t.call->event_close(t.d, e);
    t.call->free(t.d, PLACE_HOST, pinned, 11);
    t.call->free(t.d, PLACE_DEVICE, x, 100);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r + 2 * UNIT, UNIT));
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r, 2 * UNIT));
    t.call->release(t.d, PLACE_DEVICE, r, 8 * UNIT);
    gpumm__fault_live(t.d, &live);
    CHECK(same(&live, &bare));
    bench_close(&t);
}

static void forwarding(void) {
    bench t = faulty_open((gpumm_fault){0});
    device_event *e = NULL, *f = NULL;
    bool done = false;
    double seconds = -1;
    char text[1024] = "";
    CHECK(t.call->native_stream(t.a) == NULL);
    CHECK_OK(t.call->compiler(t.d, text, sizeof text));
    CHECK(text[0] != '\0');
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &f));
    CHECK_OK(t.call->event_record(t.d, e, t.a));
    CHECK_OK(t.call->event_record(t.d, f, t.a));
    CHECK_OK(t.call->event_synchronize(t.d, f));
    CHECK_OK(t.call->event_query(t.d, e, &done));
    CHECK_OK(t.call->event_elapsed(t.d, e, f, &seconds));
    CHECK(done && seconds >= 0);
    t.call->event_close(t.d, e);
    t.call->event_close(t.d, f);
    bench_close(&t);
}

int main(void) {
    opening();
    plans_are_checked();
    nth_fails();
    each_call_fails();
    skipping();
    each_kind_held("copy");
    each_kind_held("snapshot");
    each_kind_held("fill");
    each_kind_held("launch");
    held_again();
    close_does_not_hang();
    jitter();
    counting();
    forwarding();
    return 0;
}
