/* SPDX-License-Identifier: MIT */
/* The fault device: forwards every call to the device it wraps, and on the way counts it, fails it where
   the plan says so, delays it, or holds its kind shut. What it counts as alive it learns from the calls
   that succeeded and from nothing else, so that it can be held against the books of those above. */
#include "device/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/thread.h"
#include "device/nodes.h"

typedef enum kind { KIND_COPY, KIND_SNAPSHOT, KIND_FILL, KIND_LAUNCH, KIND_COUNT } kind;

static const char *const kind_names[KIND_COUNT] = {"copy", "snapshot", "fill", "launch"};

enum { DELAY_MAX_NS = 200000 };

typedef struct fault_device {
    device base;
    device_table table; /* its own: what has no device to go by must be the inner's */
    device *inner;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t opened;
    device_call target; /* CALL_COUNT: any that can fail */
    uint64_t countdown; /* 0: nothing is planned */
    uint64_t more;      /* that fail after the next */
    gpumm_status status;
    uint64_t jitter; /* the generator's state, where `delays` */
    bool delays;
    bool shut[KIND_COUNT];
    uint64_t releases[KIND_COUNT];
    uint64_t calls[CALL_COUNT];
    gpumm_live live;
} fault_device;

static fault_device *fault_of(device *d) { return (fault_device *)d; }

/* ---- What the plan does to a call ---- */

typedef enum effect { STATUS, OUTPUT, SILENT } effect; /* what a call comes to: see DEVICE_CALL_MAP */

static const effect effects[] = {
#define EFFECT_S(name, parameters, arguments, before, after) STATUS,
#define EFFECT_Q(name, parameters, arguments, before, after) OUTPUT,
#define EFFECT_V(name, parameters, arguments, before, after) SILENT,
    DEVICE_CALL_MAP(EFFECT_S, EFFECT_Q, EFFECT_V)};

/* What returns nothing cannot fail; what hands something back cannot be skipped. */
static bool can_hit(gpumm_status status, device_call call) {
    return effects[call] == STATUS || (effects[call] == OUTPUT && status != GPUMM_OK);
}

/* Counts the call. True: it goes on to the device; false: `status` is what it comes to. */
static bool pass(fault_device *f, device_call call, gpumm_status *status) {
    pthread_mutex_lock(&f->lock);
    uint64_t number = ++f->calls[call];
    bool aimed = f->countdown > 0 && (f->target == call || (f->target == CALL_COUNT && can_hit(f->status, call)));
    bool hit = aimed && --f->countdown == 0;
    if (hit && f->more) f->countdown = 1, f->more--;
    *status = hit ? f->status : GPUMM_OK;
    pthread_mutex_unlock(&f->lock);
    if (hit && *status != GPUMM_OK)
        fail(*status, "fault: call %s, number %" PRIu64, gpumm__device_call_name(call), number);
    return !hit;
}

static void count(fault_device *f, device_call call) {
    pthread_mutex_lock(&f->lock);
    f->calls[call]++;
    pthread_mutex_unlock(&f->lock);
}

/* What a call that succeeded made, or took back: one of a number, and its bytes. */
static void counted(fault_device *f, gpumm_status status, uint64_t *number, int by, uint64_t *sum, uint64_t bytes) {
    if (status != GPUMM_OK) return;
    pthread_mutex_lock(&f->lock);
    *number += (uint64_t)by;
    *sum += (uint64_t)by * bytes;
    pthread_mutex_unlock(&f->lock);
}

static void born_segments(fault_device *f, gpumm_status status, place where, uint64_t bytes) {
    counted(f, status, &f->live.segments, 1, &f->live.committed_bytes, bytes);
    uint64_t nothing_more = 0;
    for (uint64_t i = 1; i < device_segments(where, bytes); i++)
        counted(f, status, &f->live.segments, 1, &nothing_more, 0);
}

static void born_striped(fault_device *f, gpumm_status status, uint64_t bytes, uint64_t each) {
    uint64_t nothing_more = 0;
    counted(f, status, &f->live.segments, (int)(bytes / each), &nothing_more, 0);
    counted(f, status, &nothing_more, 1, &f->live.committed_bytes, bytes);
}

/* ---- Delays and gates: functions queued before the operation, which are no calls of anybody's ---- */

static void delay(void *user) { gpumm__clock_sleep_ns((uint64_t)(uintptr_t)user); }

static uint64_t mix(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static gpumm_status queue_delay(fault_device *f, device_stream *s) {
    pthread_mutex_lock(&f->lock);
    bool delays = f->delays;
    uint64_t ns = delays ? mix(&f->jitter) % (DELAY_MAX_NS + 1) : 0;
    pthread_mutex_unlock(&f->lock);
    return delays ? f->inner->call->call(f->inner, s, delay, (void *)(uintptr_t)ns) : GPUMM_OK;
}

/* One held operation: it goes on at the release after the one that was last when it was queued, so that a
   gate shut again at once does not catch it twice. */
typedef struct gate {
    fault_device *fault;
    kind kind;
    uint64_t until;
} gate;

static void gate_wait(void *user) {
    gate g = *(gate *)user;
    free(user);
    pthread_mutex_lock(&g.fault->lock);
    while (g.fault->releases[g.kind] < g.until) pthread_cond_wait(&g.fault->opened, &g.fault->lock);
    pthread_mutex_unlock(&g.fault->lock);
}

static gpumm_status queue_gate(fault_device *f, device_stream *s, kind k) {
    pthread_mutex_lock(&f->lock);
    bool shut = f->shut[k];
    gate made = {f, k, f->releases[k] + 1};
    pthread_mutex_unlock(&f->lock);
    if (!shut) return GPUMM_OK;
    gate *g =
        malloc(sizeof *g); /* for tests: under the caller's locks, where the application's allocator is not called */
    if (!g) return fail_host_memory(sizeof *g);
    *g = made;
    gpumm_status status = f->inner->call->call(f->inner, s, gate_wait, g);
    if (status != GPUMM_OK) free(g);
    return status;
}

/* Before an operation of that kind; KIND_COUNT: of no kind that can be held. */
static gpumm_status queue_before(fault_device *f, device_stream *s, kind k) {
    TRY(queue_delay(f, s));
    return k == KIND_COUNT ? GPUMM_OK : queue_gate(f, s, k);
}

/* What waits now goes on; what is held stays held for operations to come. */
static void let_through(fault_device *f) {
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < KIND_COUNT; k++) f->releases[k]++;
    pthread_cond_broadcast(&f->opened);
    pthread_mutex_unlock(&f->lock);
}

/* ---- The table ---- */

static void fault_close(device *d) {
    fault_device *f = fault_of(d);
    let_through(f);
    gpumm__device_close(f->inner);
    pthread_cond_destroy(&f->opened);
    pthread_mutex_destroy(&f->lock);
    gpumm__mem_free(f->base.memory, f);
}

/* The words of DEVICE_CALL_MAP. */
#define NOW GPUMM_OK
#define QUEUED(stream, k) queue_before(f, stream, k)
#define LETS_THROUGH (let_through(f), GPUMM_OK)
#define NO_KIND KIND_COUNT
#define COPIES(way) ((way) == COPY_D2D ? KIND_SNAPSHOT : KIND_COPY)
#define FILLS KIND_FILL
#define LAUNCHES KIND_LAUNCH
#define AS_IT_IS (void)status
#define nothing committed_bytes /* 0 bytes of it */
#define BORN(number, sum, bytes) counted(f, status, &f->live.number, 1, &f->live.sum, (bytes))
#define GONE(number, sum, bytes) counted(f, status, &f->live.number, -1, &f->live.sum, (bytes))
#define BORN_SEGMENTS(where, bytes) born_segments(f, status, (where), (bytes))
#define BORN_STRIPED(bytes, each) born_striped(f, status, (bytes), (each))
#define LESS(sum, bytes) counted(f, status, &(uint64_t){0}, -1, &f->live.sum, (bytes))

#define REST(...) , __VA_ARGS__)
#define PASS(name, parameters, arguments, before, after) \
    static gpumm_status pass_##name parameters { \
        fault_device *f = fault_of(d); \
        gpumm_status status; \
        if (!pass(f, CALL_##name, &status)) return status; \
        TRY(before); \
        status = f->inner->call->name(f->inner REST arguments; \
        after; \
        return status; \
    }
#define PASS_SILENT(name, parameters, arguments, before, after) \
    static void pass_##name parameters { \
        fault_device *f = fault_of(d); \
        gpumm_status status = GPUMM_OK; \
        count(f, CALL_##name); \
        (void)(before); \
        f->inner->call->name(f->inner REST arguments; \
        after; \
    }
DEVICE_CALL_MAP(PASS, PASS, PASS_SILENT)

/* ---- Graphs ---- */

static bool plays_apart(fault_device *f) {
    pthread_mutex_lock(&f->lock);
    bool apart = f->delays || f->countdown > 0;
    for (unsigned k = 0; k < KIND_COUNT; k++) apart = apart || f->shut[k];
    pthread_mutex_unlock(&f->lock);
    return apart;
}

static void count_node(fault_device *f, const device_node *n) {
    static const device_call calls[] = {[NODE_LAUNCH] = CALL_launch, [NODE_COPY] = CALL_copy, [NODE_FILL] = CALL_fill};
    count(f, calls[n->kind]);
}

/* While something is to go wrong the operations are played one by one, so that each can be what does; else the device
   launches its graph. They count the same. */
static gpumm_status play_graph(device *d, device_stream *s, device_graph *g) {
    fault_device *f = fault_of(d);
    gpumm_status status;
    const device_node *n;
    bool apart = plays_apart(f);
    if (!apart) TRY(pass_graph_launch(d, s, g));
    else if (!pass(f, CALL_graph_launch, &status)) return status;
    for (size_t i = 0; (n = f->inner->call->graph_node(g, i)); i++) {
        if (gpumm__node_is_idle(n)) continue;
        if (apart) TRY(gpumm__node_enqueue(d, s, n));
        else count_node(f, n);
    }
    return GPUMM_OK;
}

/* No calls of the map: nothing of them is counted, delayed or fails. */
static gpumm_status pass_compiler(device *d, char *text, size_t size) {
    fault_device *f = fault_of(d);
    return f->inner->call->compiler(f->inner, text, size);
}

static void pass_prepare(device *d, size_t arguments, size_t bytes) {
    fault_device *f = fault_of(d);
    if (f->inner->call->prepare) f->inner->call->prepare(f->inner, arguments, bytes);
}

static gpumm_status pass_stay(device *d) { return device_stay(fault_of(d)->inner); }

static void pass_stay_end(device *d) { device_stay_end(fault_of(d)->inner); }

static gpumm_status pass_stream_capturing(device *d, device_stream *s, bool *capturing) {
    fault_device *f = fault_of(d);
    return f->inner->call->stream_capturing(f->inner, s, capturing);
}

static const device_table fault_table = {
#define ENTRY(name, parameters, arguments, before, after) .name = pass_##name,
    DEVICE_CALL_MAP(ENTRY, ENTRY, ENTRY).close = fault_close,
    .compiler = pass_compiler,
    .stream_capturing = pass_stream_capturing,
    .prepare = pass_prepare,
    .stay = pass_stay,
    .stay_end = pass_stay_end,
};

/* ---- Plans ---- */

/* "a, b, c" of the names that `allowed` lets in. */
static void list_calls(gpumm_status status, bool (*allowed)(gpumm_status, device_call), char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < CALL_COUNT && used < size; i++)
        if (allowed(status, (device_call)i))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     gpumm__device_call_name((device_call)i));
}

static bool any_call(gpumm_status status, device_call call) {
    (void)status, (void)call;
    return true;
}

static gpumm_status call_named(const char *name, device_call *call) {
    char names[1024];
    *call = name ? gpumm__device_call_named(name) : CALL_COUNT;
    if (!name || *call != CALL_COUNT) return GPUMM_OK;
    list_calls(GPUMM_OK, any_call, names, sizeof names);
    return fail(GPUMM_INVALID_ARGUMENT, "fault: there is no device call '%.40s': there are %s", name, names);
}

static gpumm_status kind_named(const char *name, kind *k) {
    for (unsigned i = 0; name && i < KIND_COUNT; i++)
        if (strcmp(kind_names[i], name) == 0) return *k = (kind)i, GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "fault: there is no kind '%.40s' to hold: there are copy, snapshot, fill, launch", name ? name : "");
}

static gpumm_status check_plan(const gpumm_fault *plan, device_call *target, kind *held) {
    char names[1024];
    *held = KIND_COUNT;
    TRY(call_named(plan->call, target));
    if (plan->hold) TRY(kind_named(plan->hold, held));
    if ((unsigned)plan->status >= GPUMM_STATUS_COUNT)
        return fail(GPUMM_INVALID_ARGUMENT, "fault: %d is no status", (int)plan->status);
    if (plan->nth == 0 || *target == CALL_COUNT || can_hit(plan->status, *target)) return GPUMM_OK;
    list_calls(plan->status, can_hit, names, sizeof names);
    return fail(GPUMM_INVALID_ARGUMENT, "fault: %s cannot %s: what can are %s", plan->call,
                plan->status == GPUMM_OK ? "be skipped" : "fail", names);
}

/* Does the name belong to the driver below the device, as "cuMemSetAccess" does? */
static bool names_driver(const fault_device *f, const char *call) {
    return call && strncmp(call, "cu", 2) == 0 && f->inner->call->driver_fault;
}

/* Is it the driver's entry that the plan names? Then the device below fails it, and this table nothing. */
static bool split(const fault_device *f, const gpumm_fault *plan, gpumm_fault *ours) {
    bool below = names_driver(f, plan->call);
    *ours = *plan;
    if (!below) return false;
    ours->call = NULL;
    ours->nth = 0;
    return true;
}

static void follow(fault_device *f, const gpumm_fault *plan, device_call target, kind held) {
    pthread_mutex_lock(&f->lock);
    f->target = target;
    f->countdown = plan->nth;
    f->more = plan->times ? plan->times - 1 : 0;
    f->status = plan->status;
    f->delays = plan->jitter != 0;
    f->jitter = plan->jitter;
    if (held != KIND_COUNT) f->shut[held] = true;
    pthread_mutex_unlock(&f->lock);
}

/* All of it is checked before any of it holds: a plan that is refused leaves the one before. */
gpumm_status gpumm__fault_plan(device *d, const gpumm_fault *given) {
    static const gpumm_fault nothing;
    fault_device *f = fault_of(d);
    device_call target = CALL_COUNT;
    kind held = KIND_COUNT;
    gpumm_fault ours;
    const gpumm_fault *plan = given ? given : &nothing;
    bool below = split(f, plan, &ours);
    TRY(check_plan(&ours, &target, &held));
    if (f->inner->call->driver_fault) TRY(f->inner->call->driver_fault(f->inner, below ? plan : NULL));
    follow(f, &ours, target, held);
    return GPUMM_OK;
}

gpumm_status gpumm__fault_hold(device *d, const char *name) {
    fault_device *f = fault_of(d);
    kind k = KIND_COUNT;
    TRY(kind_named(name, &k));
    pthread_mutex_lock(&f->lock);
    f->shut[k] = true;
    pthread_mutex_unlock(&f->lock);
    return GPUMM_OK;
}

gpumm_status gpumm__fault_release(device *d, const char *name) {
    fault_device *f = fault_of(d);
    kind only = KIND_COUNT;
    if (name) TRY(kind_named(name, &only));
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < KIND_COUNT; k++) {
        if (name && k != only) continue;
        f->shut[k] = false;
        f->releases[k]++;
    }
    pthread_cond_broadcast(&f->opened);
    pthread_mutex_unlock(&f->lock);
    return GPUMM_OK;
}

bool gpumm__fault_holds(device *d) {
    fault_device *f = fault_of(d);
    bool any = false;
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < KIND_COUNT; k++) any = any || f->shut[k];
    pthread_mutex_unlock(&f->lock);
    return any;
}

gpumm_status gpumm__fault_calls(device *d, const char *name, uint64_t *total) {
    fault_device *f = fault_of(d);
    device_call only = CALL_COUNT;
    if (names_driver(f, name)) return f->inner->call->driver_calls(f->inner, name, total);
    TRY(call_named(name, &only));
    uint64_t sum = 0;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < CALL_COUNT; i++)
        if (!name || i == only) sum += f->calls[i];
    pthread_mutex_unlock(&f->lock);
    *total = sum;
    return GPUMM_OK;
}

void gpumm__fault_live(device *d, gpumm_live *out) {
    fault_device *f = fault_of(d);
    pthread_mutex_lock(&f->lock);
    *out = f->live;
    pthread_mutex_unlock(&f->lock);
}

/* ---- Opening ---- */

bool gpumm__fault_is(const device *d) { return d->call->close == fault_close; }

static gpumm_status fault_new(device *inner, fault_device **out) {
    fault_device *f = gpumm__mem_new(inner->memory, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    gpumm_status status = gpumm__cond_open(&f->opened);
    if (status != GPUMM_OK) {
        gpumm__mem_free(inner->memory, f);
        return status;
    }
    pthread_mutex_init(&f->lock, NULL);
    f->table = fault_table;
    f->table.native_stream = inner->call->native_stream;
    f->table.parameters = inner->call->parameters;
    f->table.needs = inner->call->needs;
    f->table.function_name = inner->call->function_name;
    f->table.event_time = inner->call->event_time;
    f->table.graph_node = inner->call->graph_node;
    f->table.graph_launch = play_graph;
    f->base = *inner;
    f->base.call = &f->table;
    f->base.inline_snapshots = false; /* copies that are held hold nothing else */
    f->inner = inner;
    *out = f;
    return GPUMM_OK;
}

gpumm_status gpumm__fault_open(device *inner, const gpumm_fault *plan, device **out) {
    fault_device *f = NULL;
    gpumm_status status = fault_new(inner, &f);
    if (status != GPUMM_OK) {
        gpumm__device_close(inner);
        return status;
    }
    status = gpumm__fault_plan(&f->base, plan);
    if (status == GPUMM_OK) *out = &f->base;
    else fault_close(&f->base);
    return status;
}
