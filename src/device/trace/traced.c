/* SPDX-License-Identifier: MIT */
/* Forwards every call, and looks on. Where the trace is closed it forwards alone. */
#include "device/trace/traced.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/trace_line.h"
#include "device/nodes.h"

/* What a live graph does. */
typedef struct traced_graph {
    struct traced_graph *next;
    const device_graph *graph;
    operation_list *list;
} traced_graph;

typedef struct traced_device {
    device base;
    device_table table; /* its own: what has no device to go by must be the inner's */
    device *inner;
    trace_source source;
    timeline timeline;
    traced_label label; /* name NULL: none; under the lock of those who enqueue */
    pthread_mutex_t lock;
    traced_graph *graphs; /* under lock */
} traced_device;

static traced_device *traced_of(device *d) { return (traced_device *)d; }

timeline *gpumm__traced_timeline(device *traced) { return &traced_of(traced)->timeline; }

void gpumm__traced_call(device *traced, const traced_label *label) {
    traced_of(traced)->label = label ? *label : (traced_label){0};
}

/* ---- Forwarding ------------------------------------------------------------------------------------------------ */

#define REST(...) , __VA_ARGS__)
#define FORWARD(name, parameters, arguments, before, after) \
    static gpumm_status forward_##name parameters { \
        traced_device *t = traced_of(d); \
        return t->inner->call->name(t->inner REST arguments; \
    }
#define FORWARD_SILENT(name, parameters, arguments, before, after) \
    static void forward_##name parameters { \
        traced_device *t = traced_of(d); \
        t->inner->call->name(t->inner REST arguments; \
    }
DEVICE_CALL_MAP(FORWARD, FORWARD, FORWARD_SILENT)

static gpumm_status forward_compiler(device *d, char *text, size_t size) {
    traced_device *t = traced_of(d);
    return t->inner->call->compiler(t->inner, text, size);
}

static gpumm_status forward_stream_capturing(device *d, device_stream *s, bool *capturing) {
    traced_device *t = traced_of(d);
    return t->inner->call->stream_capturing(t->inner, s, capturing);
}

static gpumm_status forward_driver_fault(device *d, const gpumm_fault *plan) {
    traced_device *t = traced_of(d);
    return t->inner->call->driver_fault(t->inner, plan);
}

static gpumm_status forward_driver_calls(device *d, const char *entry, uint64_t *count) {
    traced_device *t = traced_of(d);
    return t->inner->call->driver_calls(t->inner, entry, count);
}

static gpumm_status forward_stay(device *d) { return device_stay(traced_of(d)->inner); }

static void forward_stay_end(device *d) { device_stay_end(traced_of(d)->inner); }

static void traced_prepare(device *d, size_t arguments, size_t bytes) {
    traced_device *t = traced_of(d);
    gpumm__timeline_prepare(&t->timeline);
    if (t->inner->call->prepare) t->inner->call->prepare(t->inner, arguments, bytes);
}

/* ---- Operations of streams ------------------------------------------------------------------------------------- */

/* By core's name where it gave one. `key`: what its size is called, NULL: it has none. */
static queued *begin(traced_device *t, device_stream *s, const char *name, const char *key, uint64_t size) {
    const traced_label *label = t->label.name ? &t->label : NULL;
    const operation_field fields[] = {
        {"ticket", label ? label->ticket : 0}, {"step", label ? (uint64_t)label->step : 0}, {key, size}};
    const size_t count = key ? 1 : 0;
    const queued_words plain = {name, NULL, &fields[2], count};
    if (!label) return gpumm__timeline_begin(&t->timeline, s, &plain, false);
    const queued_words labelled = {label->name, label->of, fields, 2 + count};
    return gpumm__timeline_begin(&t->timeline, s, &labelled, false);
}

static gpumm_status end(traced_device *t, device_stream *s, queued *o, gpumm_status status) {
    gpumm__timeline_end(&t->timeline, s, o, status);
    return status;
}

static const char *const copy_names[] = {[COPY_H2D] = "copy H2D", [COPY_D2H] = "copy D2H", [COPY_D2D] = "copy D2D"};

static gpumm_status traced_copy(device *d, device_stream *s, copy_kind way, gpumm_address to, gpumm_address from,
                                uint64_t bytes) {
    queued *o = begin(traced_of(d), s, copy_names[way], "bytes", bytes);
    return end(traced_of(d), s, o, forward_copy(d, s, way, to, from, bytes));
}

/* From another manager's memory. */
static gpumm_status traced_copy_from(device *d, device_stream *s, gpumm_address to, const device_foreign *from,
                                     uint64_t bytes) {
    queued *o = begin(traced_of(d), s, "copy P2P", "bytes", bytes);
    return end(traced_of(d), s, o, forward_copy_from(d, s, to, from, bytes));
}

static gpumm_status traced_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                                uint64_t times) {
    queued *o = begin(traced_of(d), s, "fill", "bytes", times * width);
    return end(traced_of(d), s, o, forward_fill(d, s, to, pattern, width, times));
}

static gpumm_status traced_semaphore_wait(device *d, device_stream *s, device_semaphore *x, uint64_t value) {
    queued *o = begin(traced_of(d), s, "wait for a semaphore", "value", value);
    return end(traced_of(d), s, o, forward_semaphore_wait(d, s, x, value));
}

static uint64_t threads_of(const device_launch *launch) {
    const unsigned *grid = launch->grid, *block = launch->block;
    if (!grid[0]) return launch->threads;
    return (uint64_t)grid[0] * grid[1] * grid[2] * block[0] * block[1] * block[2];
}

static gpumm_status traced_launch(device *d, device_stream *s, device_function *f, const device_launch *launch) {
    queued *o = begin(traced_of(d), s, d->call->function_name(f), "threads", threads_of(launch));
    return end(traced_of(d), s, o, forward_launch(d, s, f, launch));
}

static gpumm_status traced_stream_open(device *d, void *native, device_stream **out) {
    device_stream *s;
    TRY(forward_stream_open(d, native, &s));
    gpumm_status status = gpumm__timeline_stream(&traced_of(d)->timeline, s);
    if (status == GPUMM_OK) *out = s;
    else forward_stream_close(d, s);
    return status;
}

static void traced_stream_close(device *d, device_stream *s) {
    bool through = forward_stream_synchronize(d, s) == GPUMM_OK;
    gpumm__timeline_stream_gone(&traced_of(d)->timeline, s, through);
    forward_stream_close(d, s);
}

/* ---- Graphs ---------------------------------------------------------------------------------------------------- */

static const char *node_name(const device *d, const device_node *n) {
    if (n->kind == NODE_LAUNCH) return d->call->function_name(n->as.launch.function);
    return n->kind == NODE_FILL ? "fill" : copy_names[n->as.copy.way];
}

/* "a, b, c" in their order; what is more than a line holds is three dots. */
static void list_nodes(const device *d, const device_node *nodes, size_t count, trace_line *l) {
    l->used = 0;
    for (size_t i = 0; i < count; i++) {
        bool full = l->used > TRACE_LINE - 4 * TRACE_LINE_SPARE;
        if (i) gpumm__line_text(l, ", ");
        gpumm__line_text(l, full ? "..." : node_name(d, &nodes[i]));
        if (full) return;
    }
}

static operation_list *list_of(const device *d, const device_node *nodes, size_t count) {
    trace_line l;
    list_nodes(d, nodes, count, &l);
    operation_list *list = gpumm__mem_new(d->memory, sizeof *list + l.used + 1);
    if (!list) return NULL;
    atomic_init(&list->references, 1);
    list->memory = d->memory;
    memcpy(list->text, l.text, l.used);
    return list;
}

/* Where there is no memory for it, its launches do not say what they do. */
static void know_graph(traced_device *t, const device_graph *graph, const device_node *nodes, size_t count) {
    traced_graph *g = gpumm__mem_new(t->base.memory, sizeof *g);
    if (!g) return;
    g->graph = graph;
    g->list = list_of(&t->base, nodes, count);
    pthread_mutex_lock(&t->lock);
    g->next = t->graphs;
    t->graphs = g;
    pthread_mutex_unlock(&t->lock);
}

static traced_graph *forget_graph(traced_device *t, const device_graph *graph) {
    pthread_mutex_lock(&t->lock);
    traced_graph **at = &t->graphs;
    while (*at && (*at)->graph != graph) at = &(*at)->next;
    traced_graph *g = *at;
    if (g) *at = g->next;
    pthread_mutex_unlock(&t->lock);
    return g;
}

static operation_list *list_hold(traced_device *t, const device_graph *graph) {
    pthread_mutex_lock(&t->lock);
    traced_graph *g = t->graphs;
    while (g && g->graph != graph) g = g->next;
    operation_list *list = g ? g->list : NULL;
    if (list) atomic_fetch_add(&list->references, 1);
    pthread_mutex_unlock(&t->lock);
    return list;
}

static gpumm_status traced_graph_open(device *d, const device_node *nodes, size_t count, device_graph **out) {
    TRY(forward_graph_open(d, nodes, count, out));
    if (trace_events(traced_of(d)->timeline.trace)) know_graph(traced_of(d), *out, nodes, count);
    return GPUMM_OK;
}

static void traced_graph_close(device *d, device_graph *graph) {
    traced_graph *g = forget_graph(traced_of(d), graph);
    if (g) gpumm__operation_list_drop(g->list);
    gpumm__mem_free(d->memory, g);
    forward_graph_close(d, graph);
}

/* A replay's holder says what the graph does; without one the launch is a slice. */
static gpumm_status traced_graph_launch(device *d, device_stream *s, device_graph *graph) {
    traced_device *t = traced_of(d);
    queued *holder = gpumm__timeline_holder(s);
    queued *own = holder ? NULL : begin(t, s, "graph", NULL, 0), *o = holder ? holder : own;
    if (o && !o->list) o->list = list_hold(t, graph);
    return end(t, s, own, forward_graph_launch(d, s, graph));
}

/* ---- Memory, and what else takes long ---------------------------------------------------------------------------- */

static gpumm_trace *trace_of(device *d) { return traced_of(d)->timeline.trace; }

static void told(device *d, const char *name, uint64_t since, gpumm_address address, uint64_t bytes,
                 gpumm_status status) {
    const trace_field fields[] = {{.key = "manager", .number = (int64_t)traced_of(d)->timeline.process},
                                  {.key = "bytes", .number = (int64_t)bytes},
                                  {.key = "address", .number = (int64_t)address},
                                  {.key = "status", .text = gpumm_status_name(status)}};
    gpumm__trace_put(trace_of(d), &(trace_event){.phase = TRACE_SLICE,
                                                 .patient = true,
                                                 .name = name,
                                                 .begin = since,
                                                 .end = gpumm__clock_ns(),
                                                 .fields = fields,
                                                 .count = 4});
}

/* A line for each segment, as each goes back by itself. */
static void taken(device *d, gpumm_address address, uint64_t bytes, uint64_t each, gpumm_status status) {
    gpumm_trace *t = trace_of(d);
    if (status != GPUMM_OK) {
        gpumm__trace_history(t, TRACE_FAILURE, 0, bytes, true);
        return;
    }
    for (uint64_t at = 0; at < bytes; at += each)
        gpumm__trace_history(t, TRACE_ALLOCATE, address + at, size_min(bytes - at, each), true);
}

static gpumm_status traced_commit(device *d, place where, gpumm_address address, uint64_t bytes) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = forward_commit(d, where, address, bytes);
    taken(d, address, bytes, device_segment_most(where), status);
    told(d, "commit", since, address, bytes, status);
    return status;
}

static gpumm_status traced_commit_striped(device *d, const device_stripe *stripe, uint64_t first, gpumm_address address,
                                          uint64_t bytes) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = forward_commit_striped(d, stripe, first, address, bytes);
    taken(d, address, bytes, stripe->bytes, status);
    told(d, "commit striped", since, address, bytes, status);
    return status;
}

typedef gpumm_status giving_back(device *d, place where, gpumm_address address, uint64_t bytes);

/* What is given back is told before: then nobody else has it yet. */
static gpumm_status give_back(device *d, const char *name, giving_back *forward, place where, gpumm_address address,
                              uint64_t bytes) {
    uint64_t since = gpumm__clock_ns();
    gpumm__trace_history(trace_of(d), TRACE_FREE, address, bytes, true);
    gpumm_status status = forward(d, where, address, bytes);
    if (status != GPUMM_OK) gpumm__trace_history(trace_of(d), TRACE_ALLOCATE, address, bytes, true);
    told(d, name, since, address, bytes, status);
    return status;
}

static gpumm_status traced_decommit(device *d, place where, gpumm_address address, uint64_t bytes) {
    return give_back(d, "decommit", forward_decommit, where, address, bytes);
}

static gpumm_status traced_alloc(device *d, place where, uint64_t bytes, gpumm_address *address) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = forward_alloc(d, where, bytes, address);
    bool good = status == GPUMM_OK;
    gpumm__trace_history(trace_of(d), good ? TRACE_ALLOCATE : TRACE_FAILURE, good ? *address : 0, bytes, true);
    told(d, "alloc", since, good ? *address : 0, bytes, status);
    return status;
}

static gpumm_status traced_free(device *d, place where, gpumm_address address, uint64_t bytes) {
    return give_back(d, "free", forward_free, where, address, bytes);
}

static gpumm_status traced_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address) {
    uint64_t since = gpumm__clock_ns();
    gpumm__trace_history(trace_of(d), TRACE_FREE, *address, bytes, true);
    gpumm_status status = forward_shrink(d, where, bytes, kept, address);
    gpumm__trace_history(trace_of(d), TRACE_ALLOCATE, *address, status == GPUMM_OK ? kept : bytes, true);
    told(d, "shrink", since, *address, kept, status);
    return status;
}

/* In the history the bytes stay what they are. A block may have another address then. */
static gpumm_status traced_promote(device *d, uint64_t bytes, gpumm_address *address) {
    uint64_t since = gpumm__clock_ns();
    gpumm__trace_history(trace_of(d), TRACE_FREE, *address, bytes, true);
    gpumm_status status = forward_promote(d, bytes, address);
    gpumm__trace_history(trace_of(d), TRACE_ALLOCATE, *address, bytes, true);
    told(d, "promote", since, *address, bytes, status);
    return status;
}

static gpumm_status traced_import_segment(device *d, gpumm_address address, uint64_t bytes, int descriptor) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = forward_import_segment(d, address, bytes, descriptor);
    taken(d, address, bytes, DEVICE_SEGMENT_MOST, status);
    told(d, "import", since, address, bytes, status);
    return status;
}

static gpumm_status traced_compile(device *d, const device_source *source, const char *path) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = forward_compile(d, source, path);
    told(d, "compile", since, 0, 0, status);
    return status;
}

/* ---- The table ------------------------------------------------------------------------------------------------- */

static void collect(trace_source *source) {
    traced_device *t = (traced_device *)(void *)((char *)source - offsetof(traced_device, source));
    gpumm__timeline_collect(&t->timeline);
}

static void traced_close(device *d) {
    traced_device *t = traced_of(d);
    gpumm_trace *trace = t->timeline.trace;
    gpumm__trace_remove(trace, &t->source);
    gpumm__timeline_close(&t->timeline);
    gpumm__device_close(t->inner);
    pthread_mutex_destroy(&t->lock);
    gpumm__mem_free(t->base.memory, t);
    gpumm_trace_release(trace);
}

static void fill_table(device_table *table, const device_table *inner) {
#define ENTRY(name, parameters, arguments, before, after) table->name = forward_##name;
    DEVICE_CALL_MAP(ENTRY, ENTRY, ENTRY)
    table->close = traced_close;
    table->compiler = forward_compiler;
    table->stream_capturing = forward_stream_capturing;
    table->prepare = traced_prepare;
    table->stay = forward_stay;
    table->stay_end = forward_stay_end;
    if (inner->driver_fault) table->driver_fault = forward_driver_fault;
    if (inner->driver_calls) table->driver_calls = forward_driver_calls;
    table->copy = traced_copy;
    table->copy_from = traced_copy_from;
    table->fill = traced_fill;
    table->launch = traced_launch;
    table->semaphore_wait = traced_semaphore_wait;
    table->stream_open = traced_stream_open;
    table->stream_close = traced_stream_close;
    table->graph_open = traced_graph_open;
    table->graph_close = traced_graph_close;
    table->graph_launch = traced_graph_launch;
    table->commit = traced_commit;
    table->commit_striped = traced_commit_striped;
    table->decommit = traced_decommit;
    table->alloc = traced_alloc;
    table->free = traced_free;
    table->shrink = traced_shrink;
    table->promote = traced_promote;
    table->import_segment = traced_import_segment;
    table->compile = traced_compile;
}

static gpumm_status traced_new(device *inner, gpumm_trace *trace, device **out) {
    char name[sizeof inner->info.name + 32];
    traced_device *t = gpumm__mem_new(inner->memory, sizeof *t);
    if (!t) return fail_host_memory(sizeof *t);
    snprintf(name, sizeof name, "%s, %s", inner->info.kind, inner->info.name);
    gpumm_status status = gpumm__timeline_open(&t->timeline, inner, trace, gpumm__trace_process(trace, name));
    if (status != GPUMM_OK) {
        gpumm__mem_free(inner->memory, t);
        return status;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->table = *inner->call; /* what asks no device stays */
    fill_table(&t->table, inner->call);
    t->base = *inner;
    t->base.call = &t->table;
    t->base.traced = &t->base;
    t->inner = inner;
    gpumm_trace_retain(trace);
    t->source.collect = collect;
    gpumm__trace_add(trace, &t->source);
    *out = &t->base;
    return GPUMM_OK;
}

gpumm_status gpumm__traced_open(device *inner, gpumm_trace *trace, device **out) {
    gpumm_status status = traced_new(inner, trace, out);
    if (status != GPUMM_OK) gpumm__device_close(inner);
    return status;
}
