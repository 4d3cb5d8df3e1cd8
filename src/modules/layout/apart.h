/* SPDX-License-Identifier: MIT */
/* Nodes in the plane that are nearly on one spot part, and no edges cross for it that did not. */
#ifndef MODULES_LAYOUT_APART_H
#define MODULES_LAYOUT_APART_H

#include <lua.h>

/* Adds to the table on top:
     apart(from, to, nodes,   `positions` (f32x2) in which nodes that were nearer than `bound` to another are farther away,
           positions, bound)  by a few times that at most, where there is room, and how many moved. A node's edges cross no
                              more others than before. One thread; repeats. Where it takes too long, for the sake of hubs, the
                              rest stays */
void gpumm_layout__open_apart(lua_State *L);

#endif
