/* SPDX-License-Identifier: MIT */
#ifndef MODULES_LAYOUT_MEMBERS_H
#define MODULES_LAYOUT_MEMBERS_H

#include <lua.h>

/* Adds to the table on top:
   members(labels, few)          lists of nodes from 0, the largest first, of two as large the one with the lesser label; those of
                                 up to `few` nodes are tables, the others views of u32. Their field `number` is a view of u32:
                                 which list, from 0, each node is in
   entries(starts, members)      how many entries the rows of these nodes, a view of u32, have together */
void gpumm_layout__open_members(lua_State *L);

#endif
