/* SPDX-License-Identifier: MIT */
/* A part of a graph: which nodes are in its k-core, and the nodes and edges that are left when others go. */
#ifndef MODULES_LAYOUT_PART_H
#define MODULES_LAYOUT_PART_H

#include <lua.h>

/* Adds to the table on top, nodes being from 1:
     core(near, first, k)                    i32: 1 for the nodes that are left once all of fewer than k neighbours are
                                             gone, again and again; 0 for the others
     part(from, to, nodes, value, low, high) what is left of nodes whose `value` (a view of i32 or u32) is from low to high:
                                             their numbers (u32), the edges' numbers (u32), and the edges' ends among
                                             them (u32, twice) */
void gpumm_layout__open_part(lua_State *L);

#endif
