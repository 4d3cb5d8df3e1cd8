/* SPDX-License-Identifier: MIT */
/* Nodes of graphs, copied. A launch's arguments lie in one block: the pointers, the sizes, then the values, each aligned
   for any type. */
#include "device/nodes.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

static const uint64_t unit = _Alignof(max_align_t);

bool gpumm__node_is_idle(const device_node *node) {
    if (node->skipped) return true;
    switch (node->kind) {
    case NODE_LAUNCH: return device_launch_is_empty(&node->as.launch.what);
    case NODE_COPY: return node->as.copy.bytes == 0;
    case NODE_FILL: return node->as.fill.times == 0;
    }
    return true;
}

bool gpumm__node_equal_copies(const device_node *a, const device_node *b) {
    bool idle = gpumm__node_is_idle(a);
    if (idle || gpumm__node_is_idle(b)) return idle && gpumm__node_is_idle(b);
    return a->as.copy.way == b->as.copy.way && a->as.copy.to == b->as.copy.to && a->as.copy.from == b->as.copy.from &&
           a->as.copy.bytes == b->as.copy.bytes;
}

gpumm_status gpumm__node_enqueue(device *d, device_stream *s, const device_node *n) {
    if (gpumm__node_is_idle(n)) return GPUMM_OK;
    switch (n->kind) {
    case NODE_LAUNCH: return d->call->launch(d, s, n->as.launch.function, &n->as.launch.what);
    case NODE_COPY: return d->call->copy(d, s, n->as.copy.way, n->as.copy.to, n->as.copy.from, n->as.copy.bytes);
    case NODE_FILL: return d->call->fill(d, s, n->as.fill.to, n->as.fill.pattern, n->as.fill.width, n->as.fill.times);
    }
    return GPUMM_OK;
}

static bool values_bytes(const device_launch *launch, uint64_t *bytes) {
    uint64_t room;
    *bytes = 0;
    for (size_t i = 0; i < launch->count; i++)
        if (!size_round_up(launch->sizes[i], unit, &room) || !size_add(*bytes, room, bytes)) return false;
    return true;
}

/* Copies the values into a block made for them, and has the launch name them there. */
static gpumm_status own_arguments(const gpumm_allocator *memory, device_launch *launch) {
    uint64_t head, values, bytes;
    bool fits = size_mul(launch->count, sizeof(void *) + sizeof(size_t), &head) && size_round_up(head, unit, &head) &&
                values_bytes(launch, &values) && size_add(head, values, &bytes) && bytes <= SIZE_MAX;
    if (!fits) return fail(GPUMM_INVALID_ARGUMENT, "the arguments of a launch are more than can be addressed");
    char *block = gpumm__mem_new(memory, bytes ? bytes : 1);
    if (!block) return fail_host_memory(bytes);
    void **arguments = (void **)(void *)block;
    size_t *sizes = (size_t *)(void *)(block + launch->count * sizeof *arguments);
    char *value = block + head;
    for (size_t i = 0; i < launch->count; i++) {
        uint64_t room = 0;
        sizes[i] = launch->sizes[i];
        arguments[i] = memcpy(value, launch->arguments[i], sizes[i]);
        if (size_round_up(sizes[i], unit, &room)) value += room;
    }
    launch->arguments = arguments;
    launch->sizes = sizes;
    return GPUMM_OK;
}

gpumm_status gpumm__nodes_open(node_list *list, const gpumm_allocator *memory, const device_node *nodes, size_t count) {
    uint64_t bytes;
    *list = (node_list){.memory = memory};
    if (count == 0) return fail(GPUMM_INVALID_ARGUMENT, "a graph has at least one node");
    if (!size_mul(count, sizeof *nodes, &bytes)) return fail_host_memory(SIZE_MAX);
    list->items = gpumm__mem_new(memory, bytes);
    if (!list->items) return fail_host_memory(bytes);
    for (size_t i = 0; i < count; i++) {
        list->items[i] = nodes[i];
        gpumm_status status =
            nodes[i].kind == NODE_LAUNCH ? own_arguments(memory, &list->items[i].as.launch.what) : GPUMM_OK;
        if (status != GPUMM_OK) return gpumm__nodes_close(list), status;
        list->count++;
    }
    return GPUMM_OK;
}

void gpumm__nodes_close(node_list *list) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == NODE_LAUNCH)
            gpumm__mem_free(list->memory, (void *)(uintptr_t)list->items[i].as.launch.what.arguments);
    gpumm__mem_free(list->memory, list->items);
    *list = (node_list){.memory = list->memory};
}

static bool same_shape(const device_node *a, const device_node *b) {
    if (a->kind != b->kind) return false;
    if (a->kind != NODE_LAUNCH) return true;
    const device_launch *x = &a->as.launch.what, *y = &b->as.launch.what;
    if (a->as.launch.function != b->as.launch.function || x->count != y->count) return false;
    return x->count == 0 || memcmp(x->sizes, y->sizes, x->count * sizeof *x->sizes) == 0;
}

gpumm_status gpumm__nodes_set(node_list *list, size_t index, const device_node *node) {
    if (index >= list->count || !same_shape(&list->items[index], node))
        return fail(GPUMM_INVALID_ARGUMENT, "node %zu of a graph cannot become what is another operation", index);
    device_node *mine = &list->items[index];
    device_launch kept = mine->as.launch.what;
    *mine = *node;
    if (node->kind != NODE_LAUNCH) return GPUMM_OK;
    for (size_t i = 0; i < kept.count; i++) memcpy(kept.arguments[i], node->as.launch.what.arguments[i], kept.sizes[i]);
    mine->as.launch.what.arguments = kept.arguments;
    mine->as.launch.what.sizes = kept.sizes;
    return GPUMM_OK;
}
