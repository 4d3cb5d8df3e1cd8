/* SPDX-License-Identifier: MIT */
/* Communities of a graph by Louvain's modularity method. */
#ifndef MODULES_LAYOUT_COMMUNITIES_H
#define MODULES_LAYOUT_COMMUNITIES_H

#include <lua.h>

/* Adds `communities` to the table on top: communities(from, to, nodes, weights) gives each node's community (u32, the
   largest is 1, ties by first appearance) and the sizes (u32). Weights (f64, or nil: each edge counts 1) count by their
   size. */
void gpumm_layout__open_communities(lua_State *L);

#endif
