/* SPDX-License-Identifier: MIT */
/* Components of a layout side by side: native.packed. */
#ifndef MODULES_LAYOUT_PACKING_H
#define MODULES_LAYOUT_PACKING_H

#include <lua.h>

/* packed(positions, group, groups, row, near, radii, aspect, turn, scale): for each group of nodes seven f32: cosine and sine of
   the angle by which it turns times how much larger it becomes, its middle (x, y, z), and where that goes (x, y). `row` and `near` are the neighbours, `radii`
   may be nil, groups keep an edge's length apart and together are about `aspect` times as wide as high; `turn`: what is longer one way
   than the other lies flat; `scale`: what has shorter edges than others becomes larger. */
void gpumm_layout__open_packing(lua_State *L);

#endif
