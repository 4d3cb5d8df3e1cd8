/* SPDX-License-Identifier: MIT */
/* Components by their labels, which are nodes of theirs: counted, ranked by size, and listed in the order of their nodes.
   What works on one for long takes a view; many small ones are tables, which cost less. */
#include "modules/layout/members.h"

#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/views.h"
#include "modules/layout/work.h"

typedef struct component {
    uint32_t label, size;
    uint32_t *members; /* of a view; NULL: a table has them */
} component;

typedef struct listing {
    uint32_t *number; /* each node's label, and in the end its component's number: a copy, for Lua may run meanwhile */
    uint64_t nodes;
    uint32_t *size, *rank; /* by label: of its component, and which one that is */
    component *all;        /* the largest first */
    uint32_t *filled;      /* members that are listed already */
    uint32_t count, few;
} listing;

static void count_sizes(lua_State *L, listing *l) {
    l->size = gpumm_layout__work_scratch(L, l->nodes, sizeof *l->size);
    for (uint64_t i = 0; i < l->nodes; i++) {
        uint32_t label = l->number[i];
        if (label >= l->nodes)
            luaL_error(L, "label %d is none of the %d nodes, which count from 0", (int)label, (int)l->nodes);
        if (l->size[label]++ == 0) l->count++;
    }
}

/* The largest first; of two as large the one with the lesser label. */
static int by_size(const void *a, const void *b) {
    const component *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return (x->label > y->label) - (x->label < y->label);
}

static void rank_all(lua_State *L, listing *l) {
    l->all = gpumm_layout__work_scratch(L, l->count, sizeof *l->all);
    l->rank = gpumm_layout__work_scratch(L, l->nodes, sizeof *l->rank);
    uint32_t next = 0;
    for (uint64_t i = 0; i < l->nodes; i++)
        if (l->size[i]) l->all[next++] = (component){(uint32_t)i, l->size[i], NULL};
    qsort(l->all, l->count, sizeof *l->all, by_size);
    for (uint32_t k = 0; k < l->count; k++) l->rank[l->all[k].label] = k;
}

/* Pushes the lists, still empty. */
static void push_lists(lua_State *L, listing *l) {
    lua_createtable(L, (int)l->count, 1);
    for (uint32_t k = 0; k < l->count; k++) {
        component *c = l->all + k;
        if (c->size > l->few) c->members = gpumm_lua_push_view(L, "u32", c->size);
        else lua_createtable(L, (int)c->size, 0);
        lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
}

static void add_to_table(lua_State *L, uint32_t list, uint32_t at, uint64_t node) {
    lua_rawgeti(L, -1, (lua_Integer)list + 1);
    lua_pushinteger(L, (lua_Integer)node);
    lua_rawseti(L, -2, (lua_Integer)at);
    lua_pop(L, 1);
}

/* The lists are on top. */
static void fill_lists(lua_State *L, listing *l) {
    for (uint64_t i = 0; i < l->nodes; i++) {
        uint32_t k = l->number[i] = l->rank[l->number[i]], at = l->filled[k]++;
        if (l->all[k].members) l->all[k].members[at] = (uint32_t)i;
        else add_to_table(L, k, at + 1, i);
    }
}

static void copy_labels(lua_State *L, listing *l) {
    gpumm_lua_view labels = gpumm_layout__view_at(L, 1, "u32");
    if (labels.count >= INT32_MAX) luaL_error(L, "at most %d nodes are listed", INT32_MAX - 1);
    l->nodes = labels.count;
    l->number = gpumm_lua_push_view(L, "u32", l->nodes);
    memcpy(l->number, labels.bytes, (size_t)l->nodes * sizeof *l->number);
}

static int members_by_label(lua_State *L) {
    lua_settop(L, 2);
    lua_Integer few = luaL_checkinteger(L, 2);
    luaL_argcheck(L, few >= 0 && few <= INT32_MAX, 2, "so few nodes a table has: from 0");
    listing l = {.few = (uint32_t)few};
    copy_labels(L, &l);
    int number = lua_gettop(L);
    count_sizes(L, &l);
    rank_all(L, &l);
    l.filled = gpumm_layout__work_scratch(L, l.count, sizeof *l.filled);
    push_lists(L, &l);
    fill_lists(L, &l);
    lua_pushvalue(L, number);
    lua_setfield(L, -2, "number");
    return 1;
}

static int members_entries(lua_State *L) {
    gpumm_lua_view starts = gpumm_layout__view_at(L, 1, "u32");
    gpumm_lua_view members = gpumm_layout__view_at(L, 2, "u32");
    const uint32_t *start = starts.bytes, *member = members.bytes;
    uint64_t entries = 0;
    for (uint64_t k = 0; k < members.count; k++) {
        if ((uint64_t)member[k] + 1 >= starts.count)
            return luaL_error(L, "node %d has no row: there are %d", (int)member[k], (int)starts.count - 1);
        entries += start[member[k] + 1] - start[member[k]];
    }
    lua_pushinteger(L, (lua_Integer)entries);
    return 1;
}

void gpumm_layout__open_members(lua_State *L) {
    lua_pushcfunction(L, members_by_label);
    lua_setfield(L, -2, "members");
    lua_pushcfunction(L, members_entries);
    lua_setfield(L, -2, "entries");
}
