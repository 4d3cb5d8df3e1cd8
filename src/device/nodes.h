/* SPDX-License-Identifier: MIT */
/* A graph's own copy of its nodes, arguments of launches included: what both devices keep of them. */
#ifndef DEVICE_NODES_H
#define DEVICE_NODES_H

#include "device/device.h"

typedef struct node_list {
    const gpumm_allocator *memory;
    size_t count;
    device_node *items; /* the arguments that a launch names are this list's */
} node_list;

gpumm_status gpumm__nodes_open(node_list *list, const gpumm_allocator *memory, const device_node *nodes, size_t count);
void gpumm__nodes_close(node_list *list);
/* Nothing is allocated, for a launch has as many arguments of the same sizes as before. INVALID_ARGUMENT where it has
   not, or the kind is another; then nothing changed. */
gpumm_status gpumm__nodes_set(node_list *list, size_t index, const device_node *node);
bool gpumm__node_is_idle(const device_node *node);                         /* skipped, or it has nothing to do */
bool gpumm__node_equal_copies(const device_node *a, const device_node *b); /* do both copy the same, or nothing? */
/* By the device's call of that name, outside of any graph; what is idle is not. */
gpumm_status gpumm__node_enqueue(device *d, device_stream *s, const device_node *node);

#endif
