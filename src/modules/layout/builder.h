/* SPDX-License-Identifier: MIT */
/* A graph piece by piece, "gpumm.builder", for formats that are read in Lua: nodes by name or number, edges, weights. */
#ifndef MODULES_LAYOUT_BUILDER_H
#define MODULES_LAYOUT_BUILDER_H

#include <lua.h>
#include <stdint.h>

typedef struct builder builder;

builder *gpumm_layout__builder_at(lua_State *L, int index); /* raises for any other value */
/* The number, from 1, of the node of that name, which is new where the name is. [-0, +0, e] */
uint32_t gpumm_layout__builder_node(lua_State *L, builder *b, const char *name, size_t length);
/* The same of a node that the file lists. */
uint32_t gpumm_layout__builder_list(lua_State *L, builder *b, const char *name, size_t length);
uint32_t gpumm_layout__builder_find(const builder *b, const char *name, size_t length); /* 0: it is not known */
uint32_t gpumm_layout__builder_edges(const builder *b);
/* Nodes by their numbers; `weight` NaN: it has none. [-0, +0, e] */
void gpumm_layout__builder_edge(lua_State *L, builder *b, uint32_t from, uint32_t to, double weight);
/* Adds `builder` to the table on top. Methods:
     b:node(name)         the node's number, from 1; it is new where the name is
     b:find(name)         the number of a node that is known, or nil
     b:count()            how many nodes there are
     b:number(n)          nodes 1 to n are there, and their names are their numbers
     b:edge(a, b, weight) ends by name, or by number where they are integers; weight may be nil
     b:edges()            how many edges there are
     b:finish(listed)     "gpumm.rows" of from, to, weight (NaN where there is none) and each row's number, the names
                          (texts), whether there is any weight, and a view of u32; the builder is empty afterwards. With
                          `listed` the nodes that b:node named come first, in that order, and the view says of each what
                          its number was; nil: that has not changed */
void gpumm_layout__open_builder(lua_State *L);

#endif
