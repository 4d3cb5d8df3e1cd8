/* SPDX-License-Identifier: MIT */
/* Nodes and edges as they come, in columns that grow. */
#include "modules/layout/builder.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "gpumm_lua.h"

#include "modules/layout/class.h"
#include "modules/layout/intern.h"
#include "modules/layout/rows.h"
#include "modules/layout/texts.h"

#define BUILDER_CLASS "gpumm_layout.builder"

struct builder {
    work work;
    interner names;
    uint32_t *from, *to;
    double *weight;
    uint32_t count, room, numbered;    /* edges; nodes whose names are their numbers */
    uint32_t *rank, rank_room, listed; /* the how manieth listed node each is; 0: only edges have named it yet */
    bool weighted, shuffled;
};

enum { FIRST = 256, SEED_SHIFT = 17 };

builder *gpumm_layout__builder_at(lua_State *L, int index) { return luaL_checkudata(L, index, BUILDER_CLASS); }

static builder *check(lua_State *L) { return gpumm_layout__builder_at(L, 1); }

static void give_up(builder *b) {
    gpumm_layout__intern_end(&b->names);
    gpumm_layout__work_free(&b->work, b->from);
    gpumm_layout__work_free(&b->work, b->to);
    gpumm_layout__work_free(&b->work, b->weight);
    gpumm_layout__work_free(&b->work, b->rank);
    b->rank = NULL;
    b->listed = b->rank_room = 0;
    b->from = b->to = NULL;
    b->weight = NULL;
    b->count = b->room = b->numbered = 0;
    b->weighted = b->shuffled = false;
}

static int builder_collect(lua_State *L) {
    give_up(check(L));
    return 0;
}

static int builder_new(lua_State *L) {
    builder *b = lua_newuserdatauv(L, sizeof *b, 0);
    memset(b, 0, sizeof *b);
    luaL_setmetatable(L, BUILDER_CLASS);
    gpumm_layout__work_begin(&b->work, L, NULL, 0, 1);
    gpumm_layout__intern_begin(&b->names, &b->work, (uint64_t)(uintptr_t)b << SEED_SHIFT ^ (uint64_t)(uintptr_t)L);
    return 1;
}

static int no_memory(lua_State *L) {
    gpumm_lua_memory_refused(L);
    return luaL_error(L, "not enough memory for the graph");
}

/* ---- Nodes -------------------------------------------------------------------------------------- */

static uint32_t nodes_of(const builder *b) { return b->numbered > 0 ? b->numbered : b->names.count; }

uint32_t gpumm_layout__builder_node(lua_State *L, builder *b, const char *name, size_t length) {
    uint32_t number;
    if (!b->names.work) gpumm_layout__intern_begin(&b->names, &b->work, (uint64_t)(uintptr_t)b << SEED_SHIFT);
    if (!gpumm_layout__intern(&b->names, name, length, name + length, true, &number)) no_memory(L);
    return number + 1;
}

static bool grow_ranks(builder *b, uint32_t count) {
    uint32_t room = b->rank_room ? 2 * b->rank_room : FIRST;
    while (room < count) room *= 2; /* nodes are below 2^31 */
    uint32_t *rank = gpumm_layout__work_array(&b->work, b->rank, room, sizeof *rank);
    if (!rank) return false;
    memset(rank + b->rank_room, 0, (room - b->rank_room) * sizeof *rank);
    b->rank = rank;
    b->rank_room = room;
    return true;
}

uint32_t gpumm_layout__builder_list(lua_State *L, builder *b, const char *name, size_t length) {
    uint32_t number = gpumm_layout__builder_node(L, b, name, length);
    if (number > b->rank_room && !grow_ranks(b, number)) no_memory(L);
    if (b->rank[number - 1] > 0) return number;
    b->rank[number - 1] = ++b->listed;
    b->shuffled |= b->listed != number;
    return number;
}

uint32_t gpumm_layout__builder_find(const builder *b, const char *name, size_t length) {
    uint32_t number;
    return gpumm_layout__intern_find(&b->names, name, length, &number) ? number + 1 : 0;
}

/* The number, from 1, of the node that the value at `index` names. */
static uint32_t node_at(lua_State *L, builder *b, int index) {
    size_t length;
    if (lua_isinteger(L, index)) {
        lua_Integer i = lua_tointeger(L, index);
        luaL_argcheck(L, i >= 1 && i <= (lua_Integer)nodes_of(b), index, "there is no such node");
        return (uint32_t)i;
    }
    const char *name = luaL_checklstring(L, index, &length);
    luaL_argcheck(L, b->numbered == 0, index, "nodes have numbers here");
    return gpumm_layout__builder_node(L, b, name, length);
}

static int builder_node(lua_State *L) {
    size_t length;
    builder *b = check(L);
    luaL_checktype(L, 2, LUA_TSTRING);
    luaL_argcheck(L, b->numbered == 0, 2, "nodes have numbers here");
    const char *name = lua_tolstring(L, 2, &length);
    lua_pushinteger(L, gpumm_layout__builder_list(L, b, name, length));
    return 1;
}

static int builder_find(lua_State *L) {
    size_t length;
    const builder *b = check(L);
    const char *name = luaL_checklstring(L, 2, &length);
    uint32_t number = gpumm_layout__builder_find(b, name, length);
    if (number == 0) return 0;
    lua_pushinteger(L, number);
    return 1;
}

static int builder_count(lua_State *L) {
    lua_pushinteger(L, nodes_of(check(L)));
    return 1;
}

static int builder_number(lua_State *L) {
    builder *b = check(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0 && count <= INTERN_MOST, 2, "a graph has up to 2^31 - 1 nodes");
    luaL_argcheck(L, b->names.count == 0, 2, "nodes have names here");
    b->numbered = (uint32_t)count;
    return 0;
}

/* ---- Edges -------------------------------------------------------------------------------------- */

static bool grow(builder *b) {
    uint32_t room = b->room ? 2 * b->room : FIRST;
    if (room < b->room || room > INTERN_MOST) return false;
    uint32_t *from = gpumm_layout__work_array(&b->work, b->from, room, sizeof *from);
    if (from) b->from = from;
    uint32_t *to = gpumm_layout__work_array(&b->work, b->to, room, sizeof *to);
    if (to) b->to = to;
    double *weight = gpumm_layout__work_array(&b->work, b->weight, room, sizeof *weight);
    if (weight) b->weight = weight;
    if (!from || !to || !weight) return false;
    b->room = room;
    return true;
}

uint32_t gpumm_layout__builder_edges(const builder *b) { return b->count; }

void gpumm_layout__builder_edge(lua_State *L, builder *b, uint32_t from, uint32_t to, double weight) {
    if (b->count == b->room && !grow(b)) no_memory(L);
    b->from[b->count] = from;
    b->to[b->count] = to;
    b->weight[b->count++] = weight;
    b->weighted |= !isnan(weight);
}

static int builder_edge(lua_State *L) {
    builder *b = check(L);
    uint32_t from = node_at(L, b, 2), to = node_at(L, b, 3);
    bool weighted = !lua_isnoneornil(L, 4);
    double weight = weighted ? luaL_checknumber(L, 4) : NAN;
    luaL_argcheck(L, !weighted || isfinite(weight), 4, "a weight is finite");
    gpumm_layout__builder_edge(L, b, from, to, weight);
    return 0;
}

static int builder_edges(lua_State *L) {
    lua_pushinteger(L, check(L)->count);
    return 1;
}

/* ---- The end ------------------------------------------------------------------------------------ */

static void push_names(lua_State *L, const builder *b) {
    if (b->numbered == 0) {
        gpumm_layout__texts_push(L, b->names.names, b->names.count);
        return;
    }
    lua_pushinteger(L, b->numbered);
    gpumm_layout__texts_push_numbers(L);
}

/* Nodes that were not listed come behind those that were. Pushes the names in that order, and which node is where. */
static void push_listed(lua_State *L, builder *b, uint32_t *from, uint32_t *to) {
    uint32_t count = b->names.count;
    if (count > b->rank_room && !grow_ranks(b, count)) no_memory(L);
    intern_name *names = lua_newuserdatauv(L, count * sizeof *names, 0);
    uint32_t *order = gpumm_lua_push_view(L, "u32", count);
    for (uint32_t i = 0; i < count; i++) {
        if (b->rank[i] == 0) b->rank[i] = ++b->listed;
        names[b->rank[i] - 1] = b->names.names[i];
        order[b->rank[i] - 1] = i + 1;
    }
    for (uint32_t e = 0; e < b->count; e++) {
        from[e] = b->rank[from[e] - 1];
        to[e] = b->rank[to[e] - 1];
    }
    gpumm_layout__texts_push(L, names, count);
    lua_replace(L, -3); /* the names were needed so long */
}

static int builder_finish(lua_State *L) {
    builder *b = check(L);
    bool listed = lua_toboolean(L, 2) && b->shuffled && b->numbered == 0; /* else edges have numbers */
    lua_settop(L, 1);
    gpumm_layout__rows_push(L, b->count, 4);
    uint32_t *from = gpumm_layout__rows_take(L, 2, 0, "u32", b->count);
    uint32_t *to = gpumm_layout__rows_take(L, 2, 1, "u32", b->count);
    double *weight = gpumm_layout__rows_take(L, 2, 2, "f64", b->count);
    uint32_t *place = gpumm_layout__rows_take(L, 2, 3, "u32", b->count);
    for (uint32_t e = 0; e < b->count; e++) place[e] = e + 1;
    if (b->count > 0) {
        memcpy(from, b->from, b->count * sizeof *from);
        memcpy(to, b->to, b->count * sizeof *to);
        memcpy(weight, b->weight, b->count * sizeof *weight);
    }
    if (listed) push_listed(L, b, from, to);
    else {
        push_names(L, b);
        lua_pushnil(L);
    }
    lua_pushboolean(L, b->weighted);
    lua_insert(L, -2);
    give_up(b);
    return 4;
}

void gpumm_layout__open_builder(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"node", builder_node}, {"find", builder_find},   {"count", builder_count},   {"number", builder_number},
        {"edge", builder_edge}, {"edges", builder_edges}, {"finish", builder_finish}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", builder_collect}, {NULL, NULL}};
    gpumm_layout__class_make(L, BUILDER_CLASS, meta, methods);
    lua_pushcfunction(L, builder_new);
    lua_setfield(L, -2, "builder");
}
