/* SPDX-License-Identifier: MIT */
/*
 * What both tests of the CUDA device share: checks, children, and one walk through the whole device table
 * that gives back all it took wherever it ends.
 */
#ifndef CUDA_WALK_H
#define CUDA_WALK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"
#include "device/cuda/context.h"
#include "device/cuda/cuda.h"
#include "device/cuda/stream.h"

static int checks, failures;

static void check(bool ok, int line, const char *what) {
    checks++;
    if (ok) return;
    failures++;
    fprintf(stderr, "%s:%d: %s\n    last message: %s\n", __BASE_FILE__, line, what, gpumm_message());
}
#define CHECK(condition) check(condition, __LINE__, #condition)
#define SAYS(words) check(strstr(gpumm_message(), words) != NULL, __LINE__, "the message says: " words)

/* ---- Children ---- */

static int in_child(int (*test)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int result = test();
        fflush(NULL);
        _exit(result);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static gpumm_status open_named(const char *name, device **out) {
    gpumm_options options = {.device = name};
    return gpumm__cuda_open(&options, &gpumm__alloc_default, out);
}

/* ---- Copies within the device ---- */

enum { ACROSS = 40 << 20, AROUND = 64 }; /* bytes; of those around a copy that must stay as they were */

static unsigned char across_byte(uint64_t i) { return (unsigned char)(i * 2654435761u >> 13); }

/* Exactly the bytes asked for, wherever they lie: whole steps of the kernel, rests, and what the driver does. */
static void check_across(device *d, device_stream *s, gpumm_address to, gpumm_address from, uint64_t shift,
                         unsigned char *up, uint64_t bytes) {
    gpumm_address host = (gpumm_address)(uintptr_t)up;
    CHECK(d->call->fill(d, s, to - AROUND, 0xee, 1, bytes + 2 * AROUND) == GPUMM_OK);
    CHECK(d->call->copy(d, s, COPY_D2D, to, from + shift, bytes) == GPUMM_OK);
    CHECK(d->call->copy(d, s, COPY_D2H, host, to - AROUND, bytes + 2 * AROUND) == GPUMM_OK);
    CHECK(d->call->stream_synchronize(d, s) == GPUMM_OK);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < bytes; i++) wrong += up[AROUND + i] != across_byte(shift + i);
    for (uint64_t i = 0; i < AROUND; i++) wrong += up[i] != 0xee || up[AROUND + bytes + i] != 0xee;
    CHECK(wrong == 0);
}

static void test_across(device *d, device_stream *s) {
    static const uint64_t sizes[] = {1, 15, 16, 17, 4095, 4096, 4097, 100001, 32 << 20, (32 << 20) + 1};
    static const uint64_t shifts[] = {0, 16, 4, 1};
    gpumm_address from = 0, to = 0, up = 0;
    CHECK(d->call->alloc(d, PLACE_DEVICE, ACROSS, &from) == GPUMM_OK);
    CHECK(d->call->alloc(d, PLACE_DEVICE, ACROSS, &to) == GPUMM_OK);
    CHECK(d->call->alloc(d, PLACE_HOST, ACROSS, &up) == GPUMM_OK);
    unsigned char *bytes = (unsigned char *)(uintptr_t)up;
    for (uint64_t i = 0; i < ACROSS; i++) bytes[i] = across_byte(i);
    CHECK(d->call->copy(d, s, COPY_H2D, from, up, ACROSS) == GPUMM_OK);
    CHECK(d->call->stream_synchronize(d, s) == GPUMM_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < (sizes[i] > 1 << 20 ? 1 : sizeof shifts / sizeof *shifts); j++) /* large ones aligned */
            check_across(d, s, to + 256 + shifts[j], from, shifts[(i + j) % 4], bytes, sizes[i]);
    d->call->free(d, PLACE_HOST, up, ACROSS);
    d->call->free(d, PLACE_DEVICE, to, ACROSS);
    d->call->free(d, PLACE_DEVICE, from, ACROSS);
}

/* A copy stands behind whatever is before it and before whatever is behind it: a fill, a copy from the host, one
   within the device, an event of another stream. */
typedef struct between {
    device *d;
    device_stream *s, *other;
    device_event *e;
    gpumm_address from, to, up;
} between;

enum { PART = 1 << 20, PART_AT = 30 << 20 }; /* what is copied, behind what takes long */

/* On its stream, or on another that it waits for; by a fill, or from the host. */
static void make_part(const between *b, unsigned char value, bool elsewhere, bool loaded) {
    const device_table *call = b->d->call;
    device_stream *maker = elsewhere ? b->other : b->s;
    memset((void *)(uintptr_t)b->up, value, PART);
    for (unsigned i = 0; i < 4; i++) CHECK(call->fill(b->d, maker, b->from, 0x99, 1, ACROSS) == GPUMM_OK);
    if (loaded) CHECK(call->copy(b->d, maker, COPY_H2D, b->from + PART_AT, b->up, PART) == GPUMM_OK);
    else CHECK(call->fill(b->d, maker, b->from + PART_AT, value, 1, PART) == GPUMM_OK);
    if (!elsewhere) return;
    CHECK(call->event_record(b->d, b->e, maker) == GPUMM_OK);
    CHECK(call->stream_wait(b->d, b->s, b->e) == GPUMM_OK);
}

/* Made last, copied, copied on, and overwritten at once. */
static void check_between(const between *b, unsigned round) {
    const device_table *call = b->d->call;
    unsigned char value = (unsigned char)(round * 7 + 1), *got = (unsigned char *)(uintptr_t)b->up + PART;
    make_part(b, value, round & 1, round & 2);
    CHECK(call->copy(b->d, b->s, COPY_D2D, b->to, b->from + PART_AT, PART) == GPUMM_OK);
    CHECK(call->copy(b->d, b->s, COPY_D2D, b->to + PART, b->to, PART) == GPUMM_OK);
    CHECK(call->fill(b->d, b->s, b->from + PART_AT, 0x55, 1, PART) == GPUMM_OK);
    CHECK(call->fill(b->d, b->s, b->to, 0x55, 1, PART) == GPUMM_OK);
    CHECK(call->copy(b->d, b->s, COPY_D2H, b->up + PART, b->to + PART, PART) == GPUMM_OK);
    CHECK(call->stream_synchronize(b->d, b->s) == GPUMM_OK);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < PART; i++) wrong += got[i] != value;
    CHECK(wrong == 0);
}

static void test_across_order(device *d, device_stream *s, unsigned rounds) {
    between b = {.d = d, .s = s};
    CHECK(d->call->alloc(d, PLACE_DEVICE, ACROSS, &b.from) == GPUMM_OK);
    CHECK(d->call->alloc(d, PLACE_DEVICE, 2 * PART, &b.to) == GPUMM_OK);
    CHECK(d->call->alloc(d, PLACE_HOST, 2 * PART, &b.up) == GPUMM_OK);
    CHECK(d->call->stream_open(d, NULL, &b.other) == GPUMM_OK &&
          d->call->event_open(d, EVENT_ORDERS, &b.e) == GPUMM_OK);
    for (unsigned round = 0; round < rounds; round++) check_between(&b, round);
    d->call->event_close(d, b.e);
    d->call->stream_close(d, b.other);
    d->call->free(d, PLACE_HOST, b.up, 2 * PART);
    d->call->free(d, PLACE_DEVICE, b.to, 2 * PART);
    d->call->free(d, PLACE_DEVICE, b.from, ACROSS);
}

/* ---- The walk ---- */

typedef struct walk {
    device *d;
    gpumm_address range[PLACE_COUNT], block[PLACE_COUNT];
    bool committed[PLACE_COUNT];
    gpumm_address used; /* memory of which a part is used: a second segment, or a block */
    uint64_t used_bytes;
    gpumm_address spilled; /* behind it, or a block; at `where` once it was made */
    place spilled_where;
    device_stream *stream;
    device_event *event[2];
    device_module *module;
    device_graph *graph;
    const char *path;
    int called;
} walk;

static void was_called(void *user) { ++*(int *)user; }

static gpumm_status walk_place(walk *w, place where) {
    const device_table *call = w->d->call;
    TRY(call->alloc(w->d, where, 4096, &w->block[where]));
    if (!device_in_place(w->d, where)) return GPUMM_OK;
    uint64_t unit = device_granularity(w->d, where);
    TRY(call->reserve(w->d, where, 4 * unit, &w->range[where]));
    TRY(call->commit(w->d, where, w->range[where], unit));
    w->committed[where] = true;
    return GPUMM_OK;
}

static gpumm_status walk_work(walk *w) {
    device *d = w->d;
    const device_table *call = d->call;
    gpumm_address up = w->block[PLACE_HOST], here = w->block[PLACE_DEVICE];
    bool done = false;
    double seconds = 0;
    TRY(call->event_record(d, w->event[0], w->stream));
    TRY(call->fill(d, w->stream, here, 0x01020304, 4, 8));
    TRY(call->fill(d, w->stream, here, 5, 1, 1));
    TRY(call->fill(d, w->stream, here + 2, 0x0706, 2, 1));
    TRY(call->copy(d, w->stream, COPY_D2D, here + 64, here, 32));
    TRY(call->copy(d, w->stream, COPY_D2D, here + 100, here + 4, 12)); /* not aligned: the driver's own way */
    TRY(call->copy(d, w->stream, COPY_D2H, up, here + 64, 32));
    TRY(call->copy(d, w->stream, COPY_H2D, here, up, 32));
    TRY(call->call(d, w->stream, was_called, &w->called));
    TRY(call->event_record(d, w->event[1], w->stream));
    TRY(call->stream_wait(d, w->stream, w->event[1]));
    TRY(call->event_synchronize(d, w->event[1]));
    TRY(call->event_query(d, w->event[1], &done));
    TRY(call->event_elapsed(d, w->event[0], w->event[1], &seconds));
    TRY(call->stream_query(d, w->stream, &done));
    return call->stream_synchronize(d, w->stream);
}

/* Shrunk or not, the contents of what is kept are those from before. */
static gpumm_status walk_shrink(walk *w) {
    device *d = w->d;
    const device_table *call = d->call;
    uint64_t unit = device_granularity(d, PLACE_DEVICE), bytes = 3 * unit;
    gpumm_address up = w->block[PLACE_HOST], at = w->range[PLACE_DEVICE] + unit;
    if (w->range[PLACE_DEVICE]) TRY(call->commit(d, PLACE_DEVICE, at, bytes));
    else TRY(call->alloc(d, PLACE_DEVICE, bytes, &at));
    w->used = at;
    w->used_bytes = bytes;
    TRY(call->fill(d, w->stream, at, 0x0a0b0c0d, 4, 8)); /* both ends of what is kept */
    TRY(call->fill(d, w->stream, at + unit - 32, 0x0a0b0c0d, 4, 8));
    TRY(call->stream_synchronize(d, w->stream));
    gpumm_status status = call->shrink(d, PLACE_DEVICE, bytes, unit, &w->used);
    if (status == GPUMM_OK) w->used_bytes = unit;
    if (w->range[PLACE_DEVICE]) CHECK(w->used == at);
    TRY(call->copy(d, w->stream, COPY_D2H, up, w->used, 32));
    TRY(call->copy(d, w->stream, COPY_D2H, up + 32, w->used + unit - 32, 32));
    TRY(call->stream_synchronize(d, w->stream));
    for (int i = 0; i < 16; i++) CHECK(((const uint32_t *)(uintptr_t)up)[i] == 0x0a0b0c0d);
    return status;
}

/* Promoted or not, the contents stay; a copy goes over the border to what lies before. */
static gpumm_status walk_spill(walk *w) {
    device *d = w->d;
    const device_table *call = d->call;
    uint64_t unit = device_granularity(d, PLACE_DEVICE), before = w->range[PLACE_DEVICE] ? 32 : 0;
    gpumm_address up = w->block[PLACE_HOST], at = w->range[PLACE_DEVICE] + 2 * unit;
    if (d->info.in_place && !d->info.pinned_in_place) return GPUMM_OK;
    if (before) TRY(call->commit(d, PLACE_SPILLED, at, unit));
    else TRY(call->alloc(d, PLACE_SPILLED, unit, &at));
    w->spilled = at;
    w->spilled_where = PLACE_SPILLED;
    TRY(call->fill(d, w->stream, at - before, 0x0d0e0f10, 4, 16));
    TRY(call->fill(d, w->stream, at + unit - 32, 0x0d0e0f10, 4, 8));
    TRY(call->stream_synchronize(d, w->stream));
    gpumm_status status = call->promote(d, unit, &w->spilled);
    if (status == GPUMM_OK) w->spilled_where = PLACE_DEVICE;
    if (before) CHECK(w->spilled == at);
    TRY(call->copy(d, w->stream, COPY_D2H, up, w->spilled - before, 64));
    TRY(call->copy(d, w->stream, COPY_D2H, up + 64, w->spilled + unit - 32, 32));
    TRY(call->stream_synchronize(d, w->stream));
    for (int i = 0; i < 24; i++) CHECK(((const uint32_t *)(uintptr_t)up)[i] == 0x0d0e0f10);
    return status;
}

static gpumm_status walk_kernel(walk *w) {
    device *d = w->d;
    device_function *f = NULL;
    gpumm_address pointer = w->block[PLACE_DEVICE];
    int n = 1000;
    void *arguments[] = {&pointer, &n};
    const size_t sizes[] = {sizeof pointer, sizeof n};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 2, .threads = 1000};
    TRY(d->call->module_open(d, w->path, &w->module));
    TRY(d->call->function(d, w->module, "k", &f));
    TRY(d->call->launch(d, w->stream, f, &launch));
    launch.block[0] = 128;
    launch.shared_bytes = 100 << 10;
    return d->call->launch(d, w->stream, f, &launch);
}

/* ---- A graph: every kind of node, patched in place, made another kind, left out and let in ---- */

enum { GRAPH_FILL, GRAPH_COPY, GRAPH_ODD, GRAPH_LAUNCH, GRAPH_DOWN, GRAPH_SKIPPED, GRAPH_NODES_HERE };

static device_node copy_node(copy_kind way, gpumm_address to, gpumm_address from, uint64_t bytes) {
    return (device_node){.kind = NODE_COPY, .as.copy = {way, to, from, bytes}};
}

static device_node fill_node(gpumm_address to, uint32_t pattern, unsigned width, uint64_t times) {
    return (device_node){.kind = NODE_FILL, .as.fill = {to, pattern, width, times}};
}

static void graph_nodes(const walk *w, device_node *nodes) {
    gpumm_address here = w->block[PLACE_DEVICE], up = w->block[PLACE_HOST];
    nodes[GRAPH_FILL] = fill_node(here, 0x21, 1, 64);
    nodes[GRAPH_COPY] = copy_node(COPY_D2D, here + 64, here, 32);
    nodes[GRAPH_ODD] = copy_node(COPY_D2D, here + 100, here + 4, 12);
    nodes[GRAPH_DOWN] = copy_node(COPY_D2H, up, here + 64, 48);
    nodes[GRAPH_SKIPPED] = fill_node(here + 64, 0x30303030, 4, 8);
    nodes[GRAPH_SKIPPED].skipped = true;
}

static bool all_are(const void *at, unsigned char value, size_t bytes) {
    const unsigned char *p = at;
    bool all = true;
    for (size_t i = 0; i < bytes; i++) all = all && p[i] == value;
    return all;
}

/* Launches it; what it copied to the host is `value` but for four bytes between the copies. */
static gpumm_status play_and_check(walk *w, unsigned char value, unsigned char odd) {
    const unsigned char *up = (const unsigned char *)(uintptr_t)w->block[PLACE_HOST];
    memset((void *)(uintptr_t)w->block[PLACE_HOST], 0, 64);
    TRY(w->d->call->graph_launch(w->d, w->stream, w->graph));
    TRY(w->d->call->stream_synchronize(w->d, w->stream));
    CHECK(all_are(up, value, 32));
    CHECK(all_are(up + 36, odd, 12));
    return GPUMM_OK;
}

static gpumm_status patch_one(walk *w, size_t index, const device_node *node) {
    device_patch patch = {index, node};
    return w->d->call->graph_patch(w->d, w->graph, &patch, 1);
}

static gpumm_status walk_patches(walk *w, device_node *nodes) {
    gpumm_address here = w->block[PLACE_DEVICE];
    TRY(play_and_check(w, 0x21, 0x21));
    nodes[GRAPH_FILL].as.fill.pattern = 0x122; /* of a pattern as many bytes count as it is wide */
    nodes[GRAPH_ODD].skipped = true;
    TRY(patch_one(w, GRAPH_FILL, &nodes[GRAPH_FILL]));
    TRY(patch_one(w, GRAPH_ODD, &nodes[GRAPH_ODD]));
    TRY(play_and_check(w, 0x22, 0x21));
    nodes[GRAPH_ODD].skipped = false;
    nodes[GRAPH_COPY] = copy_node(COPY_D2D, here + 64, here + 1, 32); /* which our kernel does not take */
    nodes[GRAPH_FILL].as.fill.pattern = 0x23;
    for (size_t i = GRAPH_FILL; i <= GRAPH_ODD; i++) TRY(patch_one(w, i, &nodes[i]));
    TRY(play_and_check(w, 0x23, 0x23));
    nodes[GRAPH_DOWN].as.copy.bytes = 0;
    nodes[GRAPH_SKIPPED].skipped = false;
    TRY(patch_one(w, GRAPH_DOWN, &nodes[GRAPH_DOWN]));
    TRY(patch_one(w, GRAPH_SKIPPED, &nodes[GRAPH_SKIPPED]));
    TRY(play_and_check(w, 0, 0));
    TRY(w->d->call->copy(w->d, w->stream, COPY_D2H, w->block[PLACE_HOST], here + 64, 32));
    TRY(w->d->call->stream_synchronize(w->d, w->stream));
    CHECK(all_are((const void *)(uintptr_t)w->block[PLACE_HOST], 0x30, 32));
    gpumm_status status = patch_one(w, GRAPH_LAUNCH, &nodes[GRAPH_FILL]); /* another operation */
    CHECK(status != GPUMM_OK);
    return status == GPUMM_INVALID_ARGUMENT ? GPUMM_OK : status;
}

static gpumm_status walk_graph(walk *w) {
    device_function *f = NULL;
    device_node nodes[GRAPH_NODES_HERE];
    gpumm_address pointer = w->block[PLACE_DEVICE] + 1024;
    int n = 64;
    void *arguments[] = {&pointer, &n};
    const size_t sizes[] = {sizeof pointer, sizeof n};
    graph_nodes(w, nodes);
    TRY(w->d->call->function(w->d, w->module, "k", &f));
    nodes[GRAPH_LAUNCH] = (device_node){.kind = NODE_LAUNCH};
    nodes[GRAPH_LAUNCH].as.launch.function = f;
    nodes[GRAPH_LAUNCH].as.launch.what =
        (device_launch){.arguments = arguments, .sizes = sizes, .count = 2, .threads = 64};
    TRY(w->d->call->graph_open(w->d, nodes, GRAPH_NODES_HERE, &w->graph));
    return walk_patches(w, nodes);
}

static gpumm_status walk_through(walk *w) {
    TRY(walk_place(w, PLACE_DEVICE));
    TRY(walk_place(w, PLACE_HOST));
    TRY(w->d->call->stream_open(w->d, NULL, &w->stream));
    TRY(w->d->call->event_open(w->d, EVENT_TIMED, &w->event[0]));
    TRY(w->d->call->event_open(w->d, EVENT_TIMED, &w->event[1]));
    TRY(walk_work(w));
    TRY(walk_shrink(w));
    TRY(walk_spill(w));
    TRY(walk_kernel(w));
    return walk_graph(w);
}

static void walk_back_used(walk *w) {
    const device_table *call = w->d->call;
    for (int i = 0; i < 2 && w->used; i++) { /* the failed one changed nothing */
        gpumm_status status = w->range[PLACE_DEVICE] ? call->decommit(w->d, PLACE_DEVICE, w->used, w->used_bytes)
                                                     : call->free(w->d, PLACE_DEVICE, w->used, w->used_bytes);
        if (status == GPUMM_OK) w->used = 0;
    }
}

static void walk_back_spilled(walk *w) {
    const device_table *call = w->d->call;
    uint64_t unit = device_granularity(w->d, PLACE_DEVICE);
    for (int i = 0; i < 2 && w->spilled; i++) {
        gpumm_status status = w->range[PLACE_DEVICE] ? call->decommit(w->d, w->spilled_where, w->spilled, unit)
                                                     : call->free(w->d, w->spilled_where, w->spilled, unit);
        if (status == GPUMM_OK) w->spilled = 0;
    }
}

static void walk_back_place(walk *w, place where) {
    const device_table *call = w->d->call;
    if (where == PLACE_DEVICE) walk_back_used(w), walk_back_spilled(w);
    uint64_t unit = device_granularity(w->d, where);
    if (w->committed[where] && call->decommit(w->d, where, w->range[where], unit) != GPUMM_OK)
        call->decommit(w->d, where, w->range[where], unit); /* the failed one changed nothing */
    if (w->range[where]) call->release(w->d, where, w->range[where], 4 * unit);
    if (w->block[where]) call->free(w->d, where, w->block[where], 4096);
}

static void walk_back(walk *w) {
    const device_table *call = w->d->call;
    /* What failed may have been the wait for what is on its way, and that uses what goes now. */
    if (w->stream && call->stream_synchronize(w->d, w->stream) != GPUMM_OK)
        (void)call->stream_synchronize(w->d, w->stream);
    if (w->graph) call->graph_close(w->d, w->graph);
    if (w->module) call->module_close(w->d, w->module);
    for (int i = 0; i < 2; i++)
        if (w->event[i]) call->event_close(w->d, w->event[i]);
    if (w->stream) call->stream_close(w->d, w->stream);
    walk_back_place(w, PLACE_HOST);
    walk_back_place(w, PLACE_DEVICE);
    call->close(w->d);
}

#endif
