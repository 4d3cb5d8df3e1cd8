/* SPDX-License-Identifier: MIT */
/* Graphs: the device table's entries of the same names. */
#ifndef DEVICE_HOST_GRAPH_H
#define DEVICE_HOST_GRAPH_H

#include "device/device.h"

gpumm_status gpumm__host_graph_open(device *d, const device_node *nodes, size_t count, device_graph **out);
gpumm_status gpumm__host_graph_patch(device *d, device_graph *g, const device_patch *patches, size_t count);
gpumm_status gpumm__host_graph_launch(device *d, device_stream *s, device_graph *g);
void gpumm__host_graph_close(device *d, device_graph *g);
const device_node *gpumm__host_graph_node(const device_graph *g, size_t index);

#endif
