/* SPDX-License-Identifier: MIT */
/* Edges of a graph, from rows that may name them twice: loops go, duplicates become one. */
#ifndef MODULES_LAYOUT_MERGE_H
#define MODULES_LAYOUT_MERGE_H

#include <lua.h>

/* Adds `merge` to the table on top:
     merge(rows, nodes, from, to, weight, count, how, threads)
   Columns by their number, from 1: `from` and `to` (u32, nodes from 1), `weight` (f64; 0: none; NaN counts as 1) and
   `count` (u32, 0: none), which gets how many rows each edge had. The rows that are left are the first of their edge,
   in their order. Weights of duplicates add up; where `how` is "least" the least is kept; where every edge has its
   opposite of equal weight each counts once. Gives the number of loops, that of duplicates, and whether every edge
   had its opposite; or nil and the ends of an edge whose weights add up to no finite number: then the rows are none.
   Columns that are shown are not touched: that is an error. */
void gpumm_layout__open_merge(lua_State *L);

#endif
