/* SPDX-License-Identifier: MIT */
/* Who is beside whom: neighbours of a graph in rows, and what a search along them finds. */
#ifndef MODULES_LAYOUT_ADJACENCY_H
#define MODULES_LAYOUT_ADJACENCY_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ends of a graph's edges: views of u32 at `index` and the next slot, nodes from 1 to the integer behind those. Raises
   where they are something else, or name other nodes. [-0, +2, e] */
typedef struct ends {
    const uint32_t *from, *to;
    uint64_t edges;
    uint32_t nodes;
} ends;
ends gpumm_layout__ends_at(lua_State *L, int index);
/* A view of f64 at `index` that has `count` values; NULL for nil. [-0, +(0|1), e] */
const double *gpumm_layout__numbers_at(lua_State *L, int index, uint64_t count);

/* Fills rows: those of node i (from 0) are near[first[i]] to near[first[i + 1] - 1], nodes from 0 in the order of their
   edges; `near` has room for 2 x edges, `first` for nodes + 1. `edge` (NULL: not wanted) gets each entry's edge. */
void gpumm_layout__rows_of(const ends *e, uint32_t *near, uint32_t *edge, uint64_t *first);

/* Numbers of the edges, from 0, in the order of their later ends; those of node i (from 0) begin at first[i]. Room as
   above. */
void gpumm_layout__by_last(const ends *e, uint32_t *order, uint64_t *first);

/* Rows of neighbours as Lua has them: nodes and places from 1. */
typedef struct adjacency {
    const uint32_t *near;
    const int64_t *first;
    uint32_t nodes;
} adjacency;
/* Those in the views at `index` and behind it; raises where they are none. [-0, +2, e] */
adjacency gpumm_layout__adjacency_at(lua_State *L, int index);
/* Distances in edges from `source` (from 0), -1 where there is no way; `queue` has room for all nodes. */
void gpumm_layout__search(const adjacency *a, uint32_t source, int32_t *distance, uint32_t *queue);

/* Adds to the table on top, nodes and positions being from 1:
     degrees(from, to, nodes)            u32
     neighbours(from, to, nodes)         near (u32), first (i64, one more than there are nodes)
     bfs(near, first, source)            distances (i32), -1 where there is no way
     components(near, first)             each node's component (u32), by first appearance, and the sizes (u32)
     ends(from, to, nodes, limit, little) pairs of u32 from 0 of the edges among the first `limit` nodes, as a string
                                         (little-endian, or as the machine has it), and how many there are
     by_last(from, to, nodes)            the numbers of the edges in the order of their later ends (u32), where each node's
                                         begin (i64)
     gather(view, order), slice(view, first, last): of u32, i64, f32 or f64
     scaled(weights)                     f64 relative to their mean size, at most 64 times that, as f32
     inverse(lengths)                    1 / each, f64
     first_below(weights, least)         the number of the first that is not at least that; nothing: all are */
void gpumm_layout__open_adjacency(lua_State *L);

#endif
