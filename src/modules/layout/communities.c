/* SPDX-License-Identifier: MIT */
/*
 * Louvain's method, level by level: every node moves to the neighbouring community that gains most modularity, until few
 * move; then communities become the nodes of a smaller graph. Nodes are taken in their order, so it repeats.
 */
#include "modules/layout/communities.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"

enum { ROUNDS = 10, ENOUGH = 100 }; /* rounds a level; it ends when fewer than one in so many nodes moves */

static const double LEAST_GAIN = 1e-9;

typedef struct level {
    uint32_t nodes;
    uint64_t *first; /* rows as in adjacency.h */
    uint32_t *near;
    double *weight, *strength;
    uint32_t *label;
} level;

/* Links from one node to the communities around it. */
typedef struct links {
    double *to; /* by community; what is not in `order` is 0 */
    uint32_t *order, count;
} links;

/* Memory that the collector frees. */
static void *take(lua_State *L, uint64_t count, size_t size) {
    luaL_checkstack(L, 4, NULL);
    return memset(lua_newuserdatauv(L, (size_t)count * size + 1, 0), 0, (size_t)count * size + 1);
}

static void collect_links(const level *v, uint32_t i, bool *seen, links *l) {
    l->count = 0;
    for (uint64_t k = v->first[i]; k < v->first[i + 1]; k++) {
        uint32_t c = v->label[v->near[k]];
        if (v->near[k] == i) continue;
        if (!seen[c]) l->order[l->count++] = c;
        l->to[c] = seen[c] ? l->to[c] + v->weight[k] : v->weight[k];
        seen[c] = true;
    }
}

static bool move_node(const level *v, uint32_t i, double total, double *inside, bool *seen, links *l) {
    uint32_t own = v->label[i], best = own;
    double s = v->strength[i];
    collect_links(v, i, seen, l);
    inside[own] -= s;
    double gain = (seen[own] ? l->to[own] : 0) - s * inside[own] / total;
    for (uint32_t k = 0; k < l->count; k++) {
        uint32_t c = l->order[k];
        double other = l->to[c] - s * inside[c] / total;
        seen[c] = false;
        if (other <= gain + LEAST_GAIN) continue;
        best = c;
        gain = other;
    }
    inside[best] += s;
    v->label[i] = best;
    return best != own;
}

static void move_nodes(lua_State *L, const level *v, double total) {
    int top = lua_gettop(L);
    double *inside = take(L, v->nodes, sizeof *inside);
    bool *seen = take(L, v->nodes, sizeof *seen);
    links l = {take(L, v->nodes, sizeof *l.to), take(L, v->nodes, sizeof *l.order), 0};
    for (uint32_t i = 0; i < v->nodes; i++) {
        v->label[i] = i;
        inside[i] = v->strength[i];
    }
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t moved = 0;
        for (uint32_t i = 0; i < v->nodes; i++) moved += move_node(v, i, total, inside, seen, &l);
        if (moved * ENOUGH <= v->nodes) break;
    }
    lua_settop(L, top);
}

/* Labels become numbers from 0, by first appearance; returns how many there are. */
static uint32_t renumber(lua_State *L, uint32_t *label, uint32_t nodes) {
    uint32_t *number = take(L, nodes, sizeof *number), count = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        if (number[label[i]] == 0) number[label[i]] = ++count;
        label[i] = number[label[i]] - 1;
    }
    lua_pop(L, 1);
    return count;
}

/* The nodes of each community, in their order: those of c are members[first[c]] to members[first[c + 1] - 1]. */
static void list_members(const level *v, uint32_t count, uint64_t *first, uint32_t *members) {
    memset(first, 0, ((size_t)count + 1) * sizeof *first);
    for (uint32_t i = 0; i < v->nodes; i++) first[v->label[i] + 1]++;
    for (uint32_t c = 1; c <= count; c++) first[c] += first[c - 1];
    for (uint32_t i = 0; i < v->nodes; i++) members[first[v->label[i]]++] = i;
    for (uint32_t c = count; c > 0; c--) first[c] = first[c - 1];
    first[0] = 0;
}

/* Pushes four blocks, which hold the smaller graph. */
static level contract(lua_State *L, const level *v, uint32_t count) {
    uint64_t entries = v->first[v->nodes], used = 0;
    level next = {.nodes = count};
    next.first = take(L, (uint64_t)count + 1, sizeof *next.first);
    next.near = take(L, entries, sizeof *next.near);
    next.weight = take(L, entries, sizeof *next.weight);
    next.strength = take(L, count, sizeof *next.strength);
    next.label = take(L, count, sizeof *next.label);
    int top = lua_gettop(L);
    uint64_t *first = take(L, (uint64_t)count + 1, sizeof *first), *place = take(L, count, sizeof *place);
    uint32_t *members = take(L, v->nodes, sizeof *members);
    list_members(v, count, first, members);
    for (uint32_t c = 0; c < count; c++) {
        next.first[c] = used;
        for (uint64_t m = first[c]; m < first[c + 1]; m++) {
            uint32_t i = members[m];
            next.strength[c] += v->strength[i];
            for (uint64_t k = v->first[i]; k < v->first[i + 1]; k++) {
                uint32_t d = v->label[v->near[k]];
                if (place[d] <= next.first[c]) { /* place + 1 of the entry, where it is this row's */
                    next.near[used] = d;
                    place[d] = ++used;
                    next.weight[used - 1] = v->weight[k];
                } else {
                    next.weight[place[d] - 1] += v->weight[k];
                }
            }
        }
    }
    next.first[count] = used;
    lua_settop(L, top);
    return next;
}

typedef struct community {
    uint32_t size, name;
} community;

static int by_size(const void *a, const void *b) {
    const community *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->name < y->name ? -1 : x->name > y->name;
}

/* Numbers from 1, the largest first; pushes the sizes. */
static void rank(lua_State *L, uint32_t *label, uint32_t nodes) {
    uint32_t count = renumber(L, label, nodes);
    community *list = take(L, count, sizeof *list);
    uint32_t *place = take(L, count, sizeof *place);
    for (uint32_t c = 0; c < count; c++) list[c].name = c;
    for (uint32_t i = 0; i < nodes; i++) list[label[i]].size++;
    qsort(list, count, sizeof *list, by_size);
    uint32_t *sizes = gpumm_lua_push_view(L, "u32", count);
    for (uint32_t c = 0; c < count; c++) {
        place[list[c].name] = c + 1;
        sizes[c] = list[c].size;
    }
    for (uint32_t i = 0; i < nodes; i++) label[i] = place[label[i]];
}

static level first_level(lua_State *L, const ends *e, const double *weights) {
    level v = {.nodes = e->nodes};
    v.first = take(L, (uint64_t)e->nodes + 1, sizeof *v.first);
    v.near = take(L, 2 * e->edges, sizeof *v.near);
    v.weight = take(L, 2 * e->edges, sizeof *v.weight);
    v.strength = take(L, e->nodes, sizeof *v.strength);
    v.label = take(L, e->nodes, sizeof *v.label);
    uint32_t *edge = take(L, 2 * e->edges, sizeof *edge);
    gpumm_layout__rows_of(e, v.near, edge, v.first);
    for (uint32_t i = 0; i < e->nodes; i++) {
        for (uint64_t k = v.first[i]; k < v.first[i + 1]; k++) {
            v.weight[k] = weights ? fabs(weights[edge[k]]) : 1;
            v.strength[i] += v.weight[k];
        }
    }
    return v;
}

static int layout_communities(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    const double *weights = gpumm_layout__numbers_at(L, 4, e.edges);
    uint32_t *label = gpumm_lua_push_view(L, "u32", e.nodes);
    int result = lua_gettop(L);
    level v = first_level(L, &e, weights);
    double total = 0;
    for (uint32_t i = 0; i < e.nodes; i++) {
        label[i] = i;
        total += v.strength[i];
    }
    if (!(total > 0) || !isfinite(total)) total = 1;
    for (;;) {
        move_nodes(L, &v, total);
        uint32_t count = renumber(L, v.label, v.nodes);
        for (uint32_t i = 0; i < e.nodes; i++) label[i] = v.label[label[i]];
        if (count == v.nodes) break;
        v = contract(L, &v, count); /* what it was made from stays until the end */
    }
    rank(L, label, e.nodes);
    lua_pushvalue(L, result);
    lua_insert(L, -2);
    return 2;
}

void gpumm_layout__open_communities(lua_State *L) {
    lua_pushcfunction(L, layout_communities);
    lua_setfield(L, -2, "communities");
}
