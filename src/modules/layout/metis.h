/* SPDX-License-Identifier: MIT */
/* METIS: a line of neighbours for every node. */
#ifndef MODULES_LAYOUT_METIS_H
#define MODULES_LAYOUT_METIS_H

#include <lua.h>

/* Adds `metis` to the table on top:
     metis(source, at, line, newline, nodes, entries, before, weighted)
   reads the lines of `nodes` nodes from byte `at` on, which is in line `line`: `before` numbers that are passed over, then
   neighbours, each followed by the edge's weight where `weighted`. An edge is read once, from the line of either end that
   comes first; the other line must have it too, which `entries` promises: how many neighbours there are in all. Gives
   "gpumm.rows" of from, to and weight. Or nil, fault, line, text: "number", "range", "lines", "entries". */
void gpumm_layout__open_metis(lua_State *L);

#endif
