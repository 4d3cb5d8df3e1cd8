/* SPDX-License-Identifier: MIT */
/*
 * Graphs: a chain of nodes, instantiated once and patched in place. Where a patch would make a node another kind of
 * CUDA's, or the driver refuses it, the graph is instantiated anew at its next launch, from our own copy of the nodes.
 *
 * Copies are a kernel of our own where that takes them, small ones to the host too: a copy engine between two kernels
 * costs a graph more than such a copy. What does nothing for now is a node that is disabled.
 *
 * The driver takes no copy whose bytes are in part spilled memory, goes a slow way where they are in part another device's,
 * and one that it took is of the memory that it was made for. So such a copy is several nodes, which are made anew at each
 * change of it. It takes no fill of spilled memory at all: that is a kernel of our own. The graph is made anew where it meets
 * memory that is not the device's own, or did, and what lies where has changed since.
 */
#include "device/cuda/graph.h"

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/border.h"
#include "device/cuda/context.h"
#include "device/cuda/module.h"
#include "device/cuda/own_kernels.h"
#include "device/cuda/stream.h"
#include "device/nodes.h"

enum { TO_HOST_BY_KERNEL = 64 << 10 }; /* bytes; larger ones go at the copy engine's rate */

typedef enum shape {
    SHAPE_NOTHING,
    SHAPE_KERNEL,
    SHAPE_COPY_KERNEL,
    SHAPE_COPY,
    SHAPE_PIECES, /* copies or fills, one after the other */
    SHAPE_FILL,
    SHAPE_FILL_KERNEL
} shape;

/* What memory a node was made for: whose the first bytes on each side are. `beyond`: there is other than the device's own. */
typedef struct sides {
    int to, from;
    bool beyond;
} sides;

typedef struct graph_node {
    shape shape;
    bool enabled;
    sides sides;
    CUgraphNode handle; /* of pieces the last */
} graph_node;

struct device_graph {
    node_list nodes;
    graph_node *made;
    CUgraph graph;
    CUgraphExec exec;
    bool stale;       /* `exec` is not what the nodes say */
    uint64_t changes; /* of what lies where, when that was looked at last */
};

/* A node's parameters as the driver takes them. */
typedef struct node_parameters {
    CUDA_KERNEL_NODE_PARAMS kernel;
    own_parameters own;
    CUDA_MEMCPY3D copy;
    CUDA_MEMSET_NODE_PARAMS fill;
} node_parameters;

/* ---- What a node is ---------------------------------------------------------------------------------------- */

static uint64_t bytes_of(const device_node *n) {
    return n->kind == NODE_COPY ? n->as.copy.bytes : n->as.fill.times * n->as.fill.width;
}

/* How many bytes, from its beginning on, the driver is given in one. */
static uint64_t first_piece(cuda *c, const device_node *n) {
    if (n->kind == NODE_FILL) return gpumm__cuda_one_kind(c, n->as.fill.to, bytes_of(n));
    return gpumm__cuda_one_kind_each(c, n->as.copy.to, n->as.copy.from, n->as.copy.bytes);
}

static shape shape_of(cuda *c, const device_node *n) {
    bool idle = gpumm__node_is_idle(n);
    if (n->kind == NODE_LAUNCH) return device_launch_is_empty(&n->as.launch.what) ? SHAPE_NOTHING : SHAPE_KERNEL;
    if (idle && n->kind == NODE_COPY && c->copy_kernel) return SHAPE_COPY_KERNEL;
    if (idle) return SHAPE_NOTHING;
    bool small = n->kind == NODE_COPY && (n->as.copy.way == COPY_D2D || n->as.copy.bytes <= TO_HOST_BY_KERNEL);
    if (small && gpumm__cuda_copy_kernel_takes(c, n->as.copy.to, n->as.copy.from, n->as.copy.bytes))
        return SHAPE_COPY_KERNEL;
    if (n->kind == NODE_FILL && gpumm__cuda_fill_kernel_takes(c, n->as.fill.to, bytes_of(n))) return SHAPE_FILL_KERNEL;
    if (first_piece(c, n) < bytes_of(n)) return SHAPE_PIECES;
    return n->kind == NODE_FILL ? SHAPE_FILL : SHAPE_COPY;
}

/* What does nothing stays the node that it is, disabled. */
static shape shape_next(cuda *c, const device_node *n, shape now) {
    return gpumm__node_is_idle(n) ? now : shape_of(c, n);
}

/* Where which memory is whose matters: not to the kernel that copies. */
static sides sides_of(cuda *c, const device_node *n) {
    if (n->kind == NODE_LAUNCH || gpumm__node_is_idle(n) || shape_of(c, n) == SHAPE_COPY_KERNEL)
        return (sides){c->device, c->device, false};
    uint64_t bytes = bytes_of(n);
    if (n->kind == NODE_FILL)
        return (sides){gpumm__cuda_whose(c, n->as.fill.to), c->device, gpumm__cuda_beyond(c, n->as.fill.to, bytes)};
    return (sides){gpumm__cuda_whose(c, n->as.copy.to), gpumm__cuda_whose(c, n->as.copy.from),
                   gpumm__cuda_beyond(c, n->as.copy.to, bytes) || gpumm__cuda_beyond(c, n->as.copy.from, bytes)};
}

static bool same_sides(sides a, sides b) { return a.to == b.to && a.from == b.from && a.beyond == b.beyond; }

static void copy_of(const device_node *n, CUDA_MEMCPY3D *out) {
    *out = (CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_UNIFIED,
                           .srcDevice = n->as.copy.from,
                           .dstMemoryType = CU_MEMORYTYPE_UNIFIED,
                           .dstDevice = n->as.copy.to,
                           .WidthInBytes = n->as.copy.bytes,
                           .Height = 1,
                           .Depth = 1};
}

static void fill_of(const device_node *n, CUDA_MEMSET_NODE_PARAMS *out) {
    unsigned mask = n->as.fill.width == 1 ? 0xff : n->as.fill.width == 2 ? 0xffff : ~0u;
    *out = (CUDA_MEMSET_NODE_PARAMS){.dst = n->as.fill.to,
                                     .value = n->as.fill.pattern & mask,
                                     .elementSize = n->as.fill.width,
                                     .width = n->as.fill.times,
                                     .height = 1};
}

static gpumm_status parameters_of(cuda *c, const device_node *n, shape s, node_parameters *out) {
    switch (s) {
    case SHAPE_NOTHING: return GPUMM_OK;
    case SHAPE_KERNEL: return gpumm__cuda_launch_node(c, n->as.launch.function, &n->as.launch.what, &out->kernel);
    case SHAPE_COPY_KERNEL:
        gpumm__cuda_copy_kernel_node(c, n->as.copy.to, n->as.copy.from, gpumm__node_is_idle(n) ? 0 : n->as.copy.bytes,
                                     &out->own, &out->kernel);
        return GPUMM_OK;
    case SHAPE_COPY: return copy_of(n, &out->copy), GPUMM_OK;
    case SHAPE_PIECES: return GPUMM_OK; /* each has its own */
    case SHAPE_FILL: return fill_of(n, &out->fill), GPUMM_OK;
    case SHAPE_FILL_KERNEL:
        return gpumm__cuda_fill_kernel_node(c, n->as.fill.to, n->as.fill.pattern, n->as.fill.width, n->as.fill.times,
                                            &out->own, &out->kernel);
    }
    return GPUMM_OK;
}

/* ---- Building it ------------------------------------------------------------------------------------------- */

/* Behind *last, if there is one, and then it is *last. */
static gpumm_status append(cuda *c, device_graph *g, const device_node *n, shape s, CUgraphNode *last) {
    const CUgraphNode before = *last, *all = before ? &before : NULL;
    size_t count = before ? 1 : 0;
    node_parameters p;
    TRY(parameters_of(c, n, s, &p));
    switch (s) {
    case SHAPE_NOTHING: return CU(c, cuGraphAddEmptyNode, (last, g->graph, all, count));
    case SHAPE_KERNEL:
    case SHAPE_COPY_KERNEL:
    case SHAPE_FILL_KERNEL: return CU(c, cuGraphAddKernelNode, (last, g->graph, all, count, &p.kernel));
    case SHAPE_COPY: return CU(c, cuGraphAddMemcpyNode, (last, g->graph, all, count, &p.copy, c->context->handle));
    case SHAPE_FILL: return CU(c, cuGraphAddMemsetNode, (last, g->graph, all, count, &p.fill, c->context->handle));
    case SHAPE_PIECES: break;
    }
    return GPUMM_OK;
}

/* The first bytes of it, which go from *rest. Borders lie where patterns end. */
static device_node split(device_node *rest, uint64_t bytes) {
    device_node first = *rest;
    if (rest->kind == NODE_FILL) {
        uint64_t times = size_max(bytes / rest->as.fill.width, 1);
        first.as.fill.times = times;
        rest->as.fill.to += times * rest->as.fill.width;
        rest->as.fill.times -= times;
        return first;
    }
    first.as.copy.bytes = bytes;
    rest->as.copy.to += bytes;
    rest->as.copy.from += bytes;
    rest->as.copy.bytes -= bytes;
    return first;
}

static gpumm_status append_pieces(cuda *c, device_graph *g, const device_node *n, CUgraphNode *last) {
    device_node rest = *n;
    while (bytes_of(&rest)) {
        device_node piece = split(&rest, first_piece(c, &rest));
        TRY(append(c, g, &piece, n->kind == NODE_FILL ? SHAPE_FILL : SHAPE_COPY, last));
    }
    return GPUMM_OK;
}

static gpumm_status add_node(cuda *c, device_graph *g, size_t i) {
    graph_node *m = &g->made[i];
    const device_node *n = &g->nodes.items[i];
    *m = (graph_node){
        .shape = shape_of(c, n), .enabled = true, .sides = sides_of(c, n), .handle = i ? g->made[i - 1].handle : NULL};
    return m->shape == SHAPE_PIECES ? append_pieces(c, g, n, &m->handle) : append(c, g, n, m->shape, &m->handle);
}

static gpumm_status enable(cuda *c, device_graph *g, size_t i) {
    graph_node *m = &g->made[i];
    bool wanted = !gpumm__node_is_idle(&g->nodes.items[i]);
    if (m->shape == SHAPE_NOTHING || m->enabled == wanted) return GPUMM_OK;
    TRY(CU(c, cuGraphNodeSetEnabled, (g->exec, m->handle, wanted)));
    m->enabled = wanted;
    return GPUMM_OK;
}

/* Launches of it that are under way finish. */
static void unbuild(cuda *c, device_graph *g) {
    if (g->exec) (void)CU_BACK(c, cuGraphExecDestroy, (g->exec));
    if (g->graph) (void)CU_BACK(c, cuGraphDestroy, (g->graph));
    g->exec = NULL;
    g->graph = NULL;
}

static gpumm_status build_parts(cuda *c, device_graph *g) {
    TRY(CU(c, cuGraphCreate, (&g->graph, 0)));
    for (size_t i = 0; i < g->nodes.count; i++) TRY(add_node(c, g, i));
    TRY(CU(c, cuGraphInstantiateWithFlags, (&g->exec, g->graph, 0)));
    for (size_t i = 0; i < g->nodes.count; i++) TRY(enable(c, g, i));
    return GPUMM_OK;
}

/* Within enter_quiet. What there was goes only once there is another. */
static gpumm_status build(cuda *c, device_graph *g) {
    device_graph before = *g;
    g->graph = NULL;
    g->exec = NULL;
    g->changes = gpumm__cuda_border_changes(c);
    gpumm_status status = build_parts(c, g);
    if (status == GPUMM_OK) {
        unbuild(c, &before);
        g->stale = false;
        return GPUMM_OK;
    }
    unbuild(c, g);
    g->graph = before.graph;
    g->exec = before.exec;
    g->stale = true; /* its nodes' handles are overwritten */
    return status;
}

static gpumm_status graph_fill(cuda *c, device_graph *g, const device_node *nodes, size_t count) {
    cuda_visit visit;
    TRY(gpumm__nodes_open(&g->nodes, c->base.memory, nodes, count));
    g->made = gpumm__mem_new(c->base.memory, count * sizeof *g->made); /* the nodes are larger, and had room */
    if (!g->made) return fail_host_memory(count * sizeof *g->made);
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = build(c, g);
    gpumm__cuda_leave(c, &visit);
    return status;
}

void gpumm__cuda_graph_close(device *d, device_graph *g) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if ((g->exec || g->graph) && gpumm__cuda_enter_giving(c, &visit)) {
        unbuild(c, g);
        gpumm__cuda_leave(c, &visit);
    }
    gpumm__mem_free(d->memory, g->made);
    gpumm__nodes_close(&g->nodes);
    gpumm__mem_free(d->memory, g);
}

gpumm_status gpumm__cuda_graph_open(device *d, const device_node *nodes, size_t count, device_graph **out) {
    device_graph *g = gpumm__mem_new(d->memory, sizeof *g);
    if (!g) return fail_host_memory(sizeof *g);
    gpumm_status status = graph_fill(cuda_of(d), g, nodes, count);
    if (status != GPUMM_OK) return gpumm__cuda_graph_close(d, g), status;
    *out = g;
    return GPUMM_OK;
}

/* ---- Patching and launching -------------------------------------------------------------------------------- */

static CUresult set_parameters(cuda *c, device_graph *g, const graph_node *m, const node_parameters *p) {
    switch (m->shape) {
    case SHAPE_NOTHING:
    case SHAPE_PIECES: break;
    case SHAPE_KERNEL:
    case SHAPE_COPY_KERNEL:
    case SHAPE_FILL_KERNEL: return CU_RESULT(c, cuGraphExecKernelNodeSetParams, (g->exec, m->handle, &p->kernel));
    case SHAPE_COPY:
        return CU_RESULT(c, cuGraphExecMemcpyNodeSetParams, (g->exec, m->handle, &p->copy, c->context->handle));
    case SHAPE_FILL:
        return CU_RESULT(c, cuGraphExecMemsetNodeSetParams, (g->exec, m->handle, &p->fill, c->context->handle));
    }
    return CUDA_SUCCESS;
}

/* In place; what the driver does not take so is for the next launch to instantiate. */
static gpumm_status patch_in_place(cuda *c, device_graph *g, size_t i) {
    graph_node *m = &g->made[i];
    const device_node *n = &g->nodes.items[i];
    node_parameters p;
    if (m->shape == SHAPE_PIECES || shape_next(c, n, m->shape) != m->shape) return g->stale = true, GPUMM_OK;
    if (!gpumm__node_is_idle(n)) {
        if (!same_sides(sides_of(c, n), m->sides)) return g->stale = true, GPUMM_OK;
        TRY(parameters_of(c, n, m->shape, &p));
        if (set_parameters(c, g, m, &p) != CUDA_SUCCESS) return g->stale = true, GPUMM_OK;
    }
    if (enable(c, g, i) != GPUMM_OK) g->stale = true;
    return GPUMM_OK;
}

static gpumm_status patch_entered(cuda *c, device_graph *g, const device_patch *patches, size_t count) {
    for (size_t i = 0; i < count; i++) {
        TRY(gpumm__nodes_set(&g->nodes, patches[i].index, patches[i].node));
        if (g->stale) continue;
        gpumm_status status = patch_in_place(c, g, patches[i].index);
        if (status != GPUMM_OK) return g->stale = true, status; /* it is not what graph_node says */
    }
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_graph_patch(device *d, device_graph *g, const device_patch *patches, size_t count) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__cuda_enter(c, &visit));
    gpumm_status status = patch_entered(c, g, patches, count);
    gpumm__cuda_leave(c, &visit);
    return status;
}

/* One look where nothing has changed since. */
static void see_changes(cuda *c, device_graph *g) {
    uint64_t now = gpumm__cuda_border_changes(c);
    if (now == g->changes) return;
    g->changes = now;
    for (size_t i = 0; i < g->nodes.count && !g->stale; i++)
        g->stale = g->made[i].sides.beyond || sides_of(c, &g->nodes.items[i]).beyond;
}

gpumm_status gpumm__cuda_graph_launch(device *d, device_stream *s, device_graph *g) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    see_changes(c, g);
    TRY(g->stale ? gpumm__cuda_enter_quiet(c, &visit) : gpumm__cuda_enter(c, &visit));
    gpumm_status status = gpumm__cuda_not_capturing(c, s);
    if (status == GPUMM_OK && g->stale) status = build(c, g);
    if (status == GPUMM_OK) status = CU(c, cuGraphLaunch, (g->exec, s->handle));
    gpumm__cuda_leave(c, &visit);
    return status;
}

const device_node *gpumm__cuda_graph_node(const device_graph *g, size_t index) {
    return index < g->nodes.count ? &g->nodes.items[index] : NULL;
}
