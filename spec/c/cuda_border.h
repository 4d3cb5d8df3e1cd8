/* SPDX-License-Identifier: MIT */
/*
 * Ranges of which a part is spilled or another device's, for both tests of the CUDA device: every copy and fill over the
 * borders between the device's memory and that, as an operation of a stream and as a graph's node, before and after what
 * lies where has changed. Contents are compared with a model of both ranges. Behind the first check that fails nothing more
 * is done but closing: work that goes on from what is not there tells nothing.
 */
#ifndef CUDA_BORDER_H
#define CUDA_BORDER_H

#include "base/size.h"
#include "cuda_walk.h"
#include "device/cuda/border.h"

enum { A_UNITS = 4, B_UNITS = 3 };

/* What is not the device's own: the host's, another device's, or the one beside the other. */
typedef enum far_kind { FAR_HOST, FAR_DEVICE, FAR_BOTH } far_kind;

/* Which segments of both are that at first. */
static const bool far_a[A_UNITS] = {false, true, true, false}, far_b[B_UNITS] = {true, false, true};

typedef struct borders {
    device *d;
    const device_table *call;
    device_stream *s;
    uint64_t unit;
    far_kind far;
    device_stripe stripe;
    gpumm_address a, b, up;             /* ranges, and a pinned block as large as `a` */
    place in_a[A_UNITS], in_b[B_UNITS]; /* of the segments now */
    unsigned char *want_a, *want_b;
    int before; /* failures when it began */
} borders;

static bool stopped(const borders *x) { return failures != x->before; }

static unsigned char border_byte(uint64_t i) { return (unsigned char)(i * 2654435761u >> 11); }

static place far_place(const borders *x, uint64_t i) {
    bool host = x->far == FAR_HOST || (x->far == FAR_BOTH && i % 2 == 0);
    return host ? PLACE_SPILLED : PLACE_STRIPED;
}

/* Of a stripe of two devices the second one's. */
static gpumm_status border_commit(borders *x, place where, gpumm_address at) {
    if (where != PLACE_STRIPED) return x->call->commit(x->d, where, at, x->unit);
    return x->call->commit_striped(x->d, &x->stripe, 1, at, x->unit);
}

static void border_range(borders *x, gpumm_address *at, place *where, const bool *is_far, uint64_t units) {
    CHECK(x->call->reserve(x->d, PLACE_DEVICE, units * x->unit, at) == GPUMM_OK);
    for (uint64_t i = 0; i < units; i++) {
        where[i] = is_far[i] ? far_place(x, i) : PLACE_DEVICE;
        CHECK(border_commit(x, where[i], *at + i * x->unit) == GPUMM_OK);
    }
}

static void borders_open(borders *x, device *d, device_stream *s, far_kind far, const device_stripe *stripe) {
    *x = (borders){.d = d,
                   .call = d->call,
                   .s = s,
                   .unit = device_granularity(d, PLACE_DEVICE),
                   .far = far,
                   .stripe = *stripe,
                   .before = failures};
    border_range(x, &x->a, x->in_a, far_a, A_UNITS);
    border_range(x, &x->b, x->in_b, far_b, B_UNITS);
    CHECK(d->call->alloc(d, PLACE_HOST, A_UNITS * x->unit, &x->up) == GPUMM_OK);
    x->want_a = calloc(A_UNITS, x->unit);
    x->want_b = calloc(B_UNITS, x->unit);
}

static void borders_close(borders *x) {
    for (uint64_t i = 0; i < A_UNITS; i++)
        CHECK(x->call->decommit(x->d, x->in_a[i], x->a + i * x->unit, x->unit) == GPUMM_OK);
    for (uint64_t i = 0; i < B_UNITS; i++)
        CHECK(x->call->decommit(x->d, x->in_b[i], x->b + i * x->unit, x->unit) == GPUMM_OK);
    CHECK(!gpumm__cuda_beyond((cuda *)x->d, 0, UINT64_MAX));
    x->call->release(x->d, PLACE_DEVICE, x->a, A_UNITS * x->unit);
    x->call->release(x->d, PLACE_DEVICE, x->b, B_UNITS * x->unit);
    x->call->free(x->d, PLACE_HOST, x->up, A_UNITS * x->unit);
    free(x->want_a);
    free(x->want_b);
}

/* ---- Operations of a stream ---- */

static bool border_holds(borders *x, gpumm_address at, const unsigned char *want, uint64_t bytes) {
    unsigned char *up = (unsigned char *)(uintptr_t)x->up;
    memset(up, 0xa5, bytes);
    return x->call->copy(x->d, x->s, COPY_D2H, x->up, at, bytes) == GPUMM_OK &&
           x->call->stream_synchronize(x->d, x->s) == GPUMM_OK && memcmp(up, want, bytes) == 0;
}

static bool borders_hold(borders *x) {
    return border_holds(x, x->a, x->want_a, A_UNITS * x->unit) && border_holds(x, x->b, x->want_b, B_UNITS * x->unit);
}

static void border_upload(borders *x, uint64_t offset, uint64_t bytes, uint64_t seed) {
    if (stopped(x)) return;
    for (uint64_t i = 0; i < bytes; i++) x->want_a[offset + i] = border_byte(i + seed);
    memcpy((void *)(uintptr_t)x->up, x->want_a + offset, bytes);
    CHECK(x->call->copy(x->d, x->s, COPY_H2D, x->a + offset, x->up, bytes) == GPUMM_OK);
    CHECK(x->call->stream_synchronize(x->d, x->s) == GPUMM_OK);
}

static void model_fill(borders *x, uint64_t offset, uint32_t pattern, unsigned width, uint64_t times) {
    for (uint64_t i = 0; i < times; i++) memcpy(x->want_a + offset + i * width, &pattern, width);
}

static void border_fill(borders *x, uint64_t offset, uint32_t pattern, unsigned width, uint64_t times) {
    if (stopped(x)) return;
    model_fill(x, offset, pattern, width, times);
    CHECK(x->call->fill(x->d, x->s, x->a + offset, pattern, width, times) == GPUMM_OK);
}

/* From a to b; where all is aligned and small by our kernel. */
static void border_copy(borders *x, uint64_t to, uint64_t from, uint64_t bytes) {
    if (stopped(x)) return;
    memcpy(x->want_b + to, x->want_a + from, bytes);
    CHECK(x->call->copy(x->d, x->s, COPY_D2D, x->b + to, x->a + from, bytes) == GPUMM_OK);
}

/* A failure shows at its own line. */
#define DONE(work) \
    do { \
        if (stopped(x)) return; \
        CHECK((work) == GPUMM_OK && x->call->stream_synchronize(x->d, x->s) == GPUMM_OK); \
    } while (0)

/* Within one segment that is not its own, one by one: what the driver takes at all, and what our kernels do there. */
static void border_alone(borders *x) {
    uint64_t u = x->unit;
    gpumm_address at = x->a + u;
    unsigned char *up = (unsigned char *)(uintptr_t)x->up;
    for (uint64_t i = 0; i < 4096; i++) up[i] = border_byte(i);
    DONE(x->call->copy(x->d, x->s, COPY_H2D, at + 8192, x->up, 4096));
    DONE(x->call->copy(x->d, x->s, COPY_D2H, x->up + 8192, at + 8192, 4096));
    CHECK(memcmp(up + 8192, up, 4096) == 0);
    DONE(x->call->fill(x->d, x->s, at, 0x51, 1, u));
    DONE(x->call->fill(x->d, x->s, at + 64, 0x5253, 2, 32));
    DONE(x->call->fill(x->d, x->s, at + 128, 0x54555657, 4, 32));
    DONE(x->call->fill(x->d, x->s, at + 128, 0, 4, 0));
    DONE(x->call->copy(x->d, x->s, COPY_H2D, at + 8192, x->up, 4096));
    DONE(x->call->copy(x->d, x->s, COPY_D2D, at + 16384 + 1, at + 8192, 4095));
    DONE(x->call->copy(x->d, x->s, COPY_D2H, x->up + 4096, at + 16384, 4096));
    DONE(x->call->copy(x->d, x->s, COPY_D2H, x->up + 8192, at, 256));
    CHECK(up[4096] == 0x51 && memcmp(up + 4097, up, 4095) == 0);
    CHECK(all_are(up + 8192, 0x51, 64) && up[8192 + 64] == 0x53 && up[8192 + 127] == 0x52);
    CHECK(up[8192 + 128] == 0x57 && up[8192 + 255] == 0x54);
    DONE(x->call->copy(x->d, x->s, COPY_D2D, at + 32768, at + 8192, 4096)); /* by our kernel */
    DONE(x->call->copy(x->d, x->s, COPY_D2H, x->up + 4096, at + 32768, 4096));
    CHECK(memcmp(up + 4096, up, 4096) == 0);
}

/* Every width from every begin for many lengths: each in a place of its own, then over both borders. */
static void border_widths(borders *x) {
    static const uint64_t times[] = {1, 2, 3, 7, 8, 15, 16, 33};
    static const uint64_t borders_at[] = {1, 3};
    uint64_t slot = x->unit + 256, u = x->unit;
    for (unsigned width = 1; width <= 4; width *= 2)
        for (unsigned begin = 0; begin < 16; begin += width)
            for (unsigned i = 0; i < 8; i++, slot += 256)
                border_fill(x, slot + begin, 0x8badf00d + i * 0x01010101, width, times[i]);
    CHECK(stopped(x) || borders_hold(x));
    for (unsigned width = 1; width <= 4; width *= 2)
        for (unsigned begin = 0; begin < 16; begin += width)
            for (unsigned i = 0; i < 2 && !stopped(x); i++) {
                uint64_t at = borders_at[i] * u;
                border_fill(x, at - 16 + begin, 0xfeedc0de + begin, width, 24 / width + 1);
                CHECK(border_holds(x, x->a + at - 64, x->want_a + at - 64, 128));
            }
}

static void border_operations(borders *x) {
    uint64_t u = x->unit;
    border_alone(x);
    DONE(x->call->fill(x->d, x->s, x->b, 0, 4, B_UNITS * u / 4));
    border_upload(x, 0, A_UNITS * u, 7);
    CHECK(borders_hold(x));
    border_fill(x, u - 3, 0x5a, 1, 7);
    border_fill(x, u - 6, 0x1234, 2, 2);
    border_fill(x, 3 * u - 8, 0x01020304, 4, 4);
    border_fill(x, 2 * u - 4, 0x0a0b0c0d, 4, 2); /* between two that are not its own */
    CHECK(borders_hold(x));
    border_copy(x, 4, 1, B_UNITS * u - 4); /* each side has borders of its own */
    border_copy(x, u - 1, 3 * u - 2, 5);
    CHECK(borders_hold(x));
    border_copy(x, 0, u, B_UNITS * u);
    border_upload(x, u - 5, 2 * u + 11, 99);
    CHECK(borders_hold(x));
    border_widths(x);
    border_fill(x, 0, 0x76543210, 4, A_UNITS * u / 4);
    CHECK(borders_hold(x));
    CHECK(x->call->fill(x->d, x->s, x->a, 0, 3, 1) == GPUMM_INVALID_ARGUMENT);
}

/* ---- A graph's nodes ---- */

enum { NODE_ZERO, NODE_MARK, NODE_HALVES, NODE_ACROSS, NODE_DOWN, BORDER_NODES };

/* All of a, words over its first border, halves of words between its far segments, all but a few bytes to b, what lies around
   the far segments to the host. */
static void border_nodes(const borders *x, device_node *nodes, uint32_t word) {
    uint64_t u = x->unit;
    nodes[NODE_ZERO] = fill_node(x->a, word & 0xff, 1, A_UNITS * u);
    nodes[NODE_MARK] = fill_node(x->a + u - 8, word, 4, 4);
    nodes[NODE_HALVES] = fill_node(x->a + 2 * u - 6, word, 2, 7);
    nodes[NODE_ACROSS] = copy_node(COPY_D2D, x->b + 1, x->a + 5, B_UNITS * u - 5);
    nodes[NODE_DOWN] = copy_node(COPY_D2H, x->up, x->a + u - 16, 2 * u + 32);
}

static void border_play(borders *x, device_graph *g, const device_node *nodes) {
    if (stopped(x)) return;
    uint64_t u = x->unit;
    const device_node *zero = &nodes[NODE_ZERO], *mark = &nodes[NODE_MARK];
    model_fill(x, 0, zero->as.fill.pattern, 1, A_UNITS * u);
    if (!mark->skipped) model_fill(x, mark->as.fill.to - x->a, mark->as.fill.pattern, 4, mark->as.fill.times);
    model_fill(x, 2 * u - 6, nodes[NODE_HALVES].as.fill.pattern, 2, 7);
    memcpy(x->want_b + 1, x->want_a + 5, B_UNITS * u - 5);
    memset((void *)(uintptr_t)x->up, 0xa5, A_UNITS * u);
    DONE(x->call->graph_launch(x->d, x->s, g));
    CHECK(memcmp((void *)(uintptr_t)x->up, x->want_a + u - 16, 2 * u + 32) == 0);
    CHECK(borders_hold(x));
}

static void border_patch(borders *x, device_graph *g, const device_node *nodes) {
    device_patch patches[BORDER_NODES];
    if (stopped(x)) return;
    for (size_t i = 0; i < BORDER_NODES; i++) patches[i] = (device_patch){i, &nodes[i]};
    CHECK(x->call->graph_patch(x->d, g, patches, BORDER_NODES) == GPUMM_OK);
}

static void border_recommit(borders *x, unsigned i, place where) {
    gpumm_address at = x->a + i * x->unit;
    if (stopped(x)) return;
    CHECK(x->call->decommit(x->d, x->in_a[i], at, x->unit) == GPUMM_OK);
    CHECK(border_commit(x, where, at) == GPUMM_OK);
    x->in_a[i] = where;
}

/* Contents stay where it is the host's. */
static void border_bring(borders *x, unsigned i) {
    gpumm_address at = x->a + i * x->unit;
    if (stopped(x)) return;
    if (x->in_a[i] == PLACE_STRIPED) {
        border_recommit(x, i, PLACE_DEVICE);
        return;
    }
    CHECK(x->call->promote(x->d, x->unit, &at) == GPUMM_OK && at == x->a + i * x->unit);
    x->in_a[i] = PLACE_DEVICE;
    CHECK(x->far != FAR_HOST || borders_hold(x));
}

static void border_graph(borders *x) {
    device_node nodes[BORDER_NODES];
    device_graph *g = NULL;
    border_nodes(x, nodes, 0x11223344);
    CHECK(x->call->graph_open(x->d, nodes, BORDER_NODES, &g) == GPUMM_OK);
    if (!g) return;
    border_play(x, g, nodes);
    border_nodes(x, nodes, 0x55667788);
    nodes[NODE_MARK].as.fill.to = x->a + 3 * x->unit - 4;
    border_patch(x, g, nodes);
    border_play(x, g, nodes);
    nodes[NODE_MARK].skipped = true;
    border_patch(x, g, nodes);
    border_play(x, g, nodes);
    nodes[NODE_MARK].skipped = false;
    nodes[NODE_MARK].as.fill.to = x->a + x->unit + 8; /* in one place, a far one */
    border_patch(x, g, nodes);
    border_play(x, g, nodes);
    border_bring(x, 1); /* the same nodes, whose memory is another now */
    border_play(x, g, nodes);
    border_recommit(x, 0, far_place(x, 0));
    border_play(x, g, nodes);
    border_bring(x, 2);
    border_bring(x, 0);
    border_play(x, g, nodes);
    border_recommit(x, 3, far_place(x, 3));
    border_play(x, g, nodes);
    x->call->graph_close(x->d, g);
}

/* Of spilled segments what is kept stays spilled, and the rest no longer counts as anything. */
static void border_shrink(borders *x) {
    gpumm_address range = 0, at;
    uint64_t u = x->unit;
    CHECK(x->call->reserve(x->d, PLACE_DEVICE, 4 * u, &range) == GPUMM_OK);
    CHECK(x->call->commit(x->d, PLACE_DEVICE, range, u) == GPUMM_OK);
    CHECK(x->call->commit(x->d, PLACE_SPILLED, range + u, 3 * u) == GPUMM_OK);
    CHECK(x->call->fill(x->d, x->s, range, 0x31313131, 4, u) == GPUMM_OK);
    CHECK(x->call->stream_synchronize(x->d, x->s) == GPUMM_OK);
    at = range + u;
    CHECK(x->call->shrink(x->d, PLACE_SPILLED, 3 * u, u, &at) == GPUMM_OK && at == range + u);
    CHECK(x->call->commit(x->d, PLACE_DEVICE, range + 2 * u, 2 * u) == GPUMM_OK);
    CHECK(x->call->fill(x->d, x->s, range + 2 * u - 8, 0x32, 1, 2 * u + 8) == GPUMM_OK);
    CHECK(x->call->copy(x->d, x->s, COPY_D2H, x->up, range, 4 * u) == GPUMM_OK);
    CHECK(x->call->stream_synchronize(x->d, x->s) == GPUMM_OK);
    CHECK(all_are((void *)(uintptr_t)x->up, 0x31, 2 * u - 8));
    CHECK(all_are((void *)(uintptr_t)(x->up + 2 * u - 8), 0x32, 2 * u + 8));
    CHECK(x->call->decommit(x->d, PLACE_DEVICE, range + 2 * u, 2 * u) == GPUMM_OK);
    CHECK(x->call->decommit(x->d, PLACE_SPILLED, range + u, u) == GPUMM_OK);
    CHECK(x->call->decommit(x->d, PLACE_DEVICE, range, u) == GPUMM_OK);
    x->call->release(x->d, PLACE_DEVICE, range, 4 * u);
}

/* What one commit made goes back one by one, in whichever order. */
static void border_segments(borders *x) {
    gpumm_address range = 0;
    cuda *c = (cuda *)x->d;
    uint64_t most = DEVICE_SPILL_MOST, u = x->unit;
    CHECK(x->call->reserve(x->d, PLACE_DEVICE, 2 * most + u, &range) == GPUMM_OK);
    CHECK(x->call->commit(x->d, PLACE_SPILLED, range, 2 * most + u) == GPUMM_OK);
    CHECK(gpumm__cuda_one_kind(c, range, 2 * most + u) == 2 * most + u);
    DONE(x->call->fill(x->d, x->s, range + most - 4, 0x41, 1, 8));
    DONE(x->call->copy(x->d, x->s, COPY_D2H, x->up, range + most - 4, 8));
    CHECK(all_are((void *)(uintptr_t)x->up, 0x41, 8));
    CHECK(x->call->decommit(x->d, PLACE_SPILLED, range, most) == GPUMM_OK);
    CHECK(gpumm__cuda_beyond(c, range, most) == 0 && gpumm__cuda_beyond(c, range, most + 1) == BEYOND_HOST);
    CHECK(x->call->decommit(x->d, PLACE_SPILLED, range + 2 * most, u) == GPUMM_OK);
    CHECK(gpumm__cuda_one_kind(c, range + most, UINT32_MAX) == most);
    CHECK(x->call->decommit(x->d, PLACE_SPILLED, range + most, most) == GPUMM_OK);
    x->call->release(x->d, PLACE_DEVICE, range, 2 * most + u);
}

/* Other devices' memory where there are two that can use each other's. */
static void test_borders(device *d, device_stream *s, far_kind first, far_kind last) {
    device_stripe stripe = {.bytes = 1, .count = 2, .devices = {d->ordinal, d->ordinal == 0}};
    bool in_place = d->info.in_place && d->info.pinned_in_place;
    bool two = in_place && d->call->stripe_check(d, &stripe) == GPUMM_OK;
    if (in_place && !two) printf("    skipped: borders between devices need two GPUs: %s\n", gpumm_message());
    for (far_kind i = first; in_place && i <= (two ? last : FAR_HOST); i++) {
        borders x;
        borders_open(&x, d, s, i, &stripe);
        border_operations(&x);
        if (!stopped(&x)) border_graph(&x);
        if (!stopped(&x) && i == FAR_HOST) border_shrink(&x);
        if (!stopped(&x) && i == FAR_HOST) border_segments(&x);
        borders_close(&x);
    }
}

#endif
