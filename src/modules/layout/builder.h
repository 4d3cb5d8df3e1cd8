/* SPDX-License-Identifier: MIT */
/* A graph piece by piece, "gpumm.builder", for formats that are read in Lua: nodes by name or number, edges, weights. */
#ifndef MODULES_LAYOUT_BUILDER_H
#define MODULES_LAYOUT_BUILDER_H

#include <lua.h>

/* Adds `builder` to the table on top. Methods:
     b:node(name)         the node's number, from 1; it is new where the name is
     b:find(name)         the number of a node that is known, or nil
     b:count()            how many nodes there are
     b:number(n)          nodes 1 to n are there, and their names are their numbers
     b:edge(a, b, weight) ends by name, or by number where they are integers; weight may be nil
     b:finish()           "gpumm.rows" of from, to, weight (NaN where there is none) and each row's number, the names
                          (texts), and whether there is any weight; the builder is empty afterwards */
void gpumm_layout__open_builder(lua_State *L);

#endif
