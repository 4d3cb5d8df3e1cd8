/* SPDX-License-Identifier: MIT */
/* Trees without crossings: what hangs on the rest of a graph by single edges, and trees of their own. */
#ifndef MODULES_LAYOUT_UNTANGLE_H
#define MODULES_LAYOUT_UNTANGLE_H

#include <lua.h>

/* Adds to the table on top:
     untangle(from, to, nodes, positions,   `positions` (f32x2) with trees laid anew where their edges crossed others, and how
              stiff, spares_legs)           many edges were turned or scaled. The edges of a tree of its own do not cross in the
                                            end; one that hangs on the rest of the graph keeps crossings where it would have to
                                            change much. Gives nothing where that takes too long, for the sake of hubs. One
                                            thread; repeats. `stiff`: edges are turned rather than scaled. `spares_legs`: paths of many nodes stay
                                            as they are */
void gpumm_layout__open_untangle(lua_State *L);

#endif
