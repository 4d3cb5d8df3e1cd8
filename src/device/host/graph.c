/* SPDX-License-Identifier: MIT */
/* Graphs on the host: operations that were made once, and that one operation of a stream runs in their order. A launch
   shares them with the graph, so that a patch, which makes an operation anew, changes nothing that is enqueued. What a
   launch claims is every region that one of its operations uses, once. */
#include "device/host/graph.h"

#include <inttypes.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/host/stream.h"
#include "device/nodes.h"

typedef struct wanted {
    gpumm_address address;
    bool needed; /* there must be memory: it is no kernel's argument, which may be any number */
} wanted;

struct device_graph {
    host_device *host;
    node_list nodes;
    op **ops; /* NULL: there is nothing to do */
    wanted *wanted;
    size_t wanted_count;
    bool collected; /* `wanted` is that of the operations as they are */
};

/* ---- Operations -------------------------------------------------------------------------------------------- */

static void op_drop(host_device *h, op *o) {
    if (o && atomic_fetch_sub(&o->references, 1) == 1) gpumm__stock_give(&h->stock, o);
}

/* What it claimed is claimed anew at each launch; where that was, its claims remember. */
static gpumm_status make_op(host_device *h, const device_node *n, op **out) {
    device_stream nowhere = {.device = h};
    gpumm_status status = GPUMM_OK;
    op *o = NULL;
    if (gpumm__node_is_idle(n)) return *out = NULL, GPUMM_OK;
    switch (n->kind) {
    case NODE_LAUNCH: status = gpumm__host_launch_op(&nowhere, n->as.launch.function, &n->as.launch.what, &o); break;
    case NODE_COPY:
        status = gpumm__host_copy_op(&nowhere, n->as.copy.way, n->as.copy.to, n->as.copy.from, n->as.copy.bytes, &o);
        break;
    case NODE_FILL:
        status =
            gpumm__host_fill_op(&nowhere, n->as.fill.to, n->as.fill.pattern, n->as.fill.width, n->as.fill.times, &o);
        break;
    }
    TRY(status);
    atomic_init(&o->references, 1);
    gpumm__host_use_drop(h, o->uses, o->use_count);
    *out = o;
    return GPUMM_OK;
}

/* ---- What it uses ------------------------------------------------------------------------------------------ */

/* For as many as there can be, as a patch may want others: then no memory is to be had. */
static gpumm_status reserve_wanted(device_graph *g) {
    uint64_t room = 0, bytes;
    for (size_t i = 0; i < g->nodes.count; i++) {
        const device_node *n = &g->nodes.items[i];
        if (!size_add(room, n->kind == NODE_LAUNCH ? n->as.launch.what.count : 2, &room))
            return fail_host_memory(SIZE_MAX);
    }
    if (!size_mul(room, sizeof *g->wanted, &bytes)) return fail_host_memory(SIZE_MAX);
    g->wanted = gpumm__mem_new(g->host->base.memory, size_max(bytes, 1));
    return g->wanted ? GPUMM_OK : fail_host_memory(bytes);
}

static void want(device_graph *g, gpumm_address address, bool needed) {
    for (size_t i = 0; i < g->wanted_count; i++) {
        if (g->wanted[i].address != address) continue;
        g->wanted[i].needed |= needed;
        return;
    }
    g->wanted[g->wanted_count++] = (wanted){address, needed};
}

static void want_arguments(device_graph *g, const device_launch *launch) {
    for (size_t i = 0; i < launch->count; i++) {
        gpumm_address address;
        if (launch->sizes[i] != sizeof address) continue;
        memcpy(&address, launch->arguments[i], sizeof address);
        want(g, address, false);
    }
}

static void collect(device_graph *g) {
    g->wanted_count = 0;
    for (size_t i = 0; i < g->nodes.count; i++) {
        const device_node *n = &g->nodes.items[i];
        if (!g->ops[i]) continue;
        if (n->kind == NODE_LAUNCH) want_arguments(g, &n->as.launch.what);
        else want(g, n->kind == NODE_COPY ? n->as.copy.to : n->as.fill.to, true);
        if (n->kind == NODE_COPY) want(g, n->as.copy.from, true);
    }
    g->collected = true;
}

static gpumm_status claim(device_graph *g, op *o) {
    for (size_t i = 0; i < g->wanted_count; i++) {
        if (gpumm__host_use_address(g->host, &o->uses[i], g->wanted[i].address) || !g->wanted[i].needed) continue;
        gpumm__host_use_drop(g->host, o->uses, o->use_count);
        return fail(GPUMM_DRIVER, "host device: a graph uses 0x%" PRIx64 ", where there is no memory any more",
                    g->wanted[i].address);
    }
    return GPUMM_OK;
}

/* ---- The table's entries ----------------------------------------------------------------------------------- */

void gpumm__host_graph_close(device *d, device_graph *g) {
    for (size_t i = 0; g->ops && i < g->nodes.count; i++) op_drop(g->host, g->ops[i]);
    gpumm__mem_free(d->memory, g->ops);
    gpumm__mem_free(d->memory, g->wanted);
    gpumm__nodes_close(&g->nodes);
    gpumm__mem_free(d->memory, g);
}

static gpumm_status graph_fill(device_graph *g, const device_node *nodes, size_t count) {
    TRY(gpumm__nodes_open(&g->nodes, g->host->base.memory, nodes, count));
    g->ops = gpumm__mem_new(g->host->base.memory, count * sizeof(op *)); /* the nodes are larger, and had room */
    if (!g->ops) return fail_host_memory(count * sizeof(op *));
    for (size_t i = 0; i < count; i++) TRY(make_op(g->host, &g->nodes.items[i], &g->ops[i]));
    TRY(reserve_wanted(g));
    collect(g);
    return GPUMM_OK;
}

gpumm_status gpumm__host_graph_open(device *d, const device_node *nodes, size_t count, device_graph **out) {
    device_graph *g = gpumm__mem_new(d->memory, sizeof *g);
    if (!g) return fail_host_memory(sizeof *g);
    g->host = host_of(d);
    gpumm_status status = graph_fill(g, nodes, count);
    if (status != GPUMM_OK) return gpumm__host_graph_close(d, g), status;
    *out = g;
    return GPUMM_OK;
}

static gpumm_status patch_one(device_graph *g, const device_patch *p) {
    op *made = NULL;
    TRY(make_op(g->host, p->node, &made));
    gpumm_status status = gpumm__nodes_set(&g->nodes, p->index, p->node);
    if (status != GPUMM_OK) return op_drop(g->host, made), status;
    op_drop(g->host, g->ops[p->index]);
    g->ops[p->index] = made;
    g->collected = false;
    return GPUMM_OK;
}

gpumm_status gpumm__host_graph_patch(device *d, device_graph *g, const device_patch *patches, size_t count) {
    (void)d;
    for (size_t i = 0; i < count; i++) TRY(patch_one(g, &patches[i]));
    return GPUMM_OK;
}

/* Each runs as on the stream of the launch; its own is nobody's, for launches share it. */
static void work_graph(op *o) {
    for (size_t i = 0; i < o->as.graph.count; i++) {
        op *shared = o->as.graph.ops[i];
        op mine = {.stream = o->stream, .work = shared->work, .as = shared->as};
        mine.work(&mine);
        op_drop(o->stream->device, shared);
    }
}

static void share(device_graph *g, op *o) {
    for (size_t i = 0; i < g->nodes.count; i++) {
        if (!g->ops[i]) continue;
        atomic_fetch_add(&g->ops[i]->references, 1);
        o->as.graph.ops[o->as.graph.count++] = g->ops[i];
    }
}

gpumm_status gpumm__host_graph_launch(device *d, device_stream *s, device_graph *g) {
    op *o = NULL;
    if (!g->collected) collect(g);
    size_t claims = g->wanted_count * sizeof(use);
    TRY(gpumm__host_op_new_sized(s, work_graph, g->wanted_count, sizeof *o + claims + g->nodes.count * sizeof(op *),
                                 &o));
    gpumm_status status = claim(g, o);
    if (status != GPUMM_OK) return gpumm__stock_give(&host_of(d)->stock, o), status;
    o->as.graph.ops = (op **)(void *)((char *)o + sizeof *o + claims);
    share(g, o);
    gpumm__host_op_post(o);
    return GPUMM_OK;
}

const device_node *gpumm__host_graph_node(const device_graph *g, size_t index) {
    return index < g->nodes.count ? &g->nodes.items[index] : NULL;
}
