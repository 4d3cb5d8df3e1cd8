/* SPDX-License-Identifier: MIT */
/*
 * A kernel over spilled memory against the same kernel, grid and bytes over a bare mapping of host memory. That has what
 * gpumm's has: its node, segments, access for the device alone, given once. Below stand mappings that differ from it in one
 * thing each, and gpumm's memory launched by hand, so that the table says which of them matters.
 */
#include <stdio.h>

#include "bench_spill.h"

enum { NODES_MOST = 8 };

/* The first is what the mark is held against. */
typedef enum variant {
    LIKE_GPUMM, /* made behind gpumm's buffer */
    HOSTS_TOO,
    ONE_BY_ONE,
    WHOLE,
    FIRST, /* made before gpumm's buffer */
    OTHER_NODE,
    VARIANTS
} variant;

static const char *const names[VARIANTS] = {NULL,
                                            "by hand, and the host may use it",
                                            "by hand, access given to each segment",
                                            "by hand, one segment",
                                            "by hand, made before gpumm's",
                                            "by hand, on another node"};

typedef struct memories {
    CUdeviceptr at[VARIANTS]; /* 0: there is none */
    uint64_t piece[VARIANTS];
    gpumm_buffer *nodes, *last; /* gpumm's: made before all but FIRST, and behind all */
    gpumm_address address;      /* of `nodes` */
    gpumm_kernel *k;
} memories;

typedef struct kernel_times {
    samples mine, last, launched, by_hand[VARIANTS];
} kernel_times;

/* ---- The memory --------------------------------------------------------------------------------- */

static int other_node(int node) {
    for (int i = 0; i < NODES_MOST; i++)
        if (i != node && has_node(i)) return i;
    return -1;
}

static gpumm_status map_variant(const bench *b, const gpumm_manager *m, variant v, memories *all) {
    by_hand how = {.node = node_of(m),
                   .piece = v == WHOLE ? spilled_bytes(b) : PIECE,
                   .hosts_too = v == HOSTS_TOO,
                   .one_by_one = v == ONE_BY_ONE};
    if (v == OTHER_NODE && (how.node = other_node(how.node)) < 0) return GPUMM_OK;
    all->piece[v] = how.piece;
    return map_host(b, &how, &all->at[v]);
}

static gpumm_status address_of(gpumm_buffer *b, gpumm_address *out) {
    gpumm_buffer_info info;
    TRY(gpumm_buffer_get_info(b, &info));
    *out = info.address;
    return GPUMM_OK;
}

static gpumm_status make_all(const bench *b, gpumm_manager *m, filler *f, memories *all) {
    TRY(open_step(b, m, &all->k));
    TRY(fill(b, m, f));
    if (!b->host) TRY(map_variant(b, m, FIRST, all));
    TRY(open_nodes(b, m, &all->nodes));
    TRY(address_of(all->nodes, &all->address));
    if (b->host) return GPUMM_OK;
    for (variant v = 0; v < VARIANTS; v++)
        if (v != FIRST) TRY(map_variant(b, m, v, all));
    return open_nodes(b, m, &all->last);
}

static gpumm_status give_all(const bench *b, memories *all) {
    gpumm_kernel_release(all->k);
    gpumm_buffer_release(all->nodes);
    gpumm_buffer_release(all->last);
    for (variant v = 0; v < VARIANTS; v++)
        if (all->at[v]) TRY(unmap(all->at[v], spilled_bytes(b), all->piece[v]));
    return GPUMM_OK;
}

/* ---- By turns ----------------------------------------------------------------------------------- */

/* Every node is read and written once. */
static double rate(const bench *b, uint64_t start) {
    return 2 * (double)(spilled_bytes(b) / NODE * NODE) / seconds_since(start);
}

static gpumm_status time_gpumm(const bench *b, gpumm_kernel *k, gpumm_buffer *nodes, samples *s) {
    if (!nodes) return GPUMM_OK;
    uint64_t start = gpumm__clock_ns();
    TRY(launch_step(k, NULL, nodes, spilled_bytes(b) / NODE, 1));
    TRY(gpumm_manager_synchronize(gpumm_buffer_manager(nodes)));
    sample(s, rate(b, start));
    return GPUMM_OK;
}

static gpumm_status time_bare(const bench *b, CUdeviceptr at, samples *s) {
    if (!at) return GPUMM_OK;
    uint64_t start = gpumm__clock_ns();
    TRY(bare_launch(b, at, spilled_bytes(b) / NODE, 1));
    TRY(bare_synchronize(b));
    sample(s, rate(b, start));
    return GPUMM_OK;
}

static gpumm_status one_round(const bench *b, const memories *all, kernel_times *t) {
    TRY(time_gpumm(b, all->k, all->nodes, &t->mine));
    for (variant v = 0; v < VARIANTS; v++) TRY(time_bare(b, all->at[v], &t->by_hand[v]));
    if (!b->host) TRY(time_bare(b, all->address, &t->launched));
    return time_gpumm(b, all->k, all->last, &t->last);
}

static gpumm_status all_rounds(const bench *b, const memories *all, kernel_times *t) {
    kernel_times *first = &(kernel_times){.mine = {.count = 0}};
    TRY(one_round(b, all, first));
    for (unsigned i = 0; i < rounds(b, SPILL_ROUNDS); i++) TRY(one_round(b, all, t));
    return GPUMM_OK;
}

/* ---- The rows ------------------------------------------------------------------------------------- */

static void one_row(bench *b, double mine, const samples *beside, const char *name, bool marked) {
    double other = median(beside);
    if (!marked && !beside->count) return;
    table_row(b, &(row){"a kernel over spilled memory", "512 MiB", UNIT_RATE, mine, other, name, mine / other,
                        marked ? AT_LEAST : NO_MARK, mine / other, .9, marked ? ">= 0.9 x" : NULL});
}

static void all_rows(bench *b, const gpumm_manager *m, const kernel_times *t) {
    char name[64];
    double mine = median(&t->mine);
    snprintf(name, sizeof name, "bare mapping, node %d", b->host ? 0 : node_of(m));
    one_row(b, mine, &t->by_hand[LIKE_GPUMM], name, true);
    for (variant v = LIKE_GPUMM + 1; v < VARIANTS; v++) one_row(b, mine, &t->by_hand[v], names[v], false);
    one_row(b, mine, &t->launched, "gpumm's memory, launched by hand", false);
    one_row(b, mine, &t->last, "gpumm's memory, made last", false);
}

void spill_kernel_rows(bench *b, gpumm_manager *m, filler *f) {
    memories all = {.k = NULL};
    kernel_times t = {.mine = {.count = 0}};
    gpumm_status status = make_all(b, m, f, &all);
    if (status == GPUMM_OK) status = all_rounds(b, &all, &t);
    gpumm_status gone = give_all(b, &all);
    if (unfill(m, f) != GPUMM_OK || gone != GPUMM_OK || status != GPUMM_OK)
        table_failed(b, "a kernel over spilled memory", "512 MiB");
    else all_rows(b, m, &t);
}
