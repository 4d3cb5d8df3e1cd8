/* SPDX-License-Identifier: MIT */
/* A graph handed out piece by piece, and how far a layout's distances are from the graph's. */
#ifndef MODULES_LAYOUT_BATCHES_H
#define MODULES_LAYOUT_BATCHES_H

#include <lua.h>

/* Adds to the table on top:
     batches(from, to, nodes, weights)  a "gpumm_layout.batches"; its method next(size, positions) hands out the next `size`
       nodes: how many they are, how many edges come with them, positions (f32 pairs), masses (f32), ends (u32 pairs from
       0) and weights (f32; nil without any), as raw strings. nil at the end. `positions` (a view of vectors, or nil) says
       where the nodes that were handed out are by now.
     stress(near, first, pivots, x, y, z) the sums that scaled stress is made of: of r, of r squared, how many pairs;
       pivots (u32, from 1) and a coordinate (f64) for each node. */
void gpumm_layout__open_batches(lua_State *L);

#endif
