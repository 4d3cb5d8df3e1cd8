/* SPDX-License-Identifier: MIT */
/* Both are linear: a node is peeled once, an edge looked at twice. */
#include "modules/layout/part.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"

/* ---- The core ------------------------------------------------------------------------------------- */

/* Nodes that fall below k as others go are put on the stack once, when they do. */
static void peel(const adjacency *a, int64_t k, int64_t *degree, uint32_t *stack, int32_t *kept) {
    uint32_t top = 0;
    for (uint32_t i = 0; i < a->nodes; i++) {
        degree[i] = a->first[i + 1] - a->first[i];
        kept[i] = degree[i] >= k;
        if (!kept[i]) stack[top++] = i;
    }
    while (top > 0) {
        uint32_t i = stack[--top];
        for (int64_t e = a->first[i]; e < a->first[i + 1]; e++) {
            uint32_t j = a->near[e - 1] - 1;
            if (!kept[j] || --degree[j] >= k) continue;
            kept[j] = 0;
            stack[top++] = j;
        }
    }
}

static int layout_core(lua_State *L) {
    adjacency a = gpumm_layout__adjacency_at(L, 1);
    lua_Integer k = luaL_checkinteger(L, 3);
    int64_t *degree = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *degree + 1, 0);
    uint32_t *stack = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *stack + 1, 0);
    peel(&a, k, degree, stack, gpumm_lua_push_view(L, "i32", a.nodes));
    return 1;
}

/* ---- What is left ----------------------------------------------------------------------------------- */

/* Each node's number among those that stay, 0 for the others; how many stay. */
static uint32_t count_nodes(const int32_t *value, uint32_t nodes, lua_Integer low, lua_Integer high, uint32_t *number) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < nodes; i++) number[i] = value[i] >= low && value[i] <= high ? ++count : 0;
    return count;
}

static bool stays(const ends *e, uint64_t k, const uint32_t *number) {
    return number[e->from[k] - 1] && number[e->to[k] - 1];
}

static uint64_t count_edges(const ends *e, const uint32_t *number) {
    uint64_t count = 0;
    for (uint64_t k = 0; k < e->edges; k++) count += stays(e, k, number);
    return count;
}

static void push_nodes(lua_State *L, const uint32_t *number, uint32_t nodes, uint32_t count) {
    uint32_t *kept = gpumm_lua_push_view(L, "u32", count);
    for (uint32_t i = 0; i < nodes; i++)
        if (number[i]) kept[number[i] - 1] = i + 1;
}

static void push_edges(lua_State *L, const ends *e, const uint32_t *number) {
    uint64_t count = count_edges(e, number), at = 0;
    uint32_t *order = gpumm_lua_push_view(L, "u32", count);
    uint32_t *from = gpumm_lua_push_view(L, "u32", count);
    uint32_t *to = gpumm_lua_push_view(L, "u32", count);
    for (uint64_t k = 0; k < e->edges; k++) {
        if (!stays(e, k, number)) continue;
        order[at] = (uint32_t)k + 1;
        from[at] = number[e->from[k] - 1];
        to[at++] = number[e->to[k] - 1];
    }
}

/* No value is 2^31 or more, so that both are read alike. */
static bool is_whole(const gpumm_type *type) {
    return strcmp(gpumm_type_name(type), "i32") == 0 || strcmp(gpumm_type_name(type), "u32") == 0;
}

static int layout_part(lua_State *L) {
    gpumm_lua_view value;
    lua_Integer low = luaL_checkinteger(L, 5), high = luaL_checkinteger(L, 6);
    lua_settop(L, 6);
    ends e = gpumm_layout__ends_at(L, 1);
    luaL_argcheck(L, gpumm_lua_to_view(L, 4, &value) && is_whole(value.type) && value.count == e.nodes, 4,
                  "a value for every node is a view of i32 or u32");
    uint32_t *number = lua_newuserdatauv(L, (size_t)e.nodes * sizeof *number + 1, 0);
    uint32_t count = count_nodes(value.bytes, e.nodes, low, high, number);
    push_nodes(L, number, e.nodes, count);
    push_edges(L, &e, number);
    return 4;
}

void gpumm_layout__open_part(lua_State *L) {
    static const luaL_Reg functions[] = {{"core", layout_core}, {"part", layout_part}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
