/* SPDX-License-Identifier: MIT */
/* New nodes start beside the middle of their neighbours that have a place, or in a sunflower's disc; hashed, so that no
   two start on one spot, and the same every time. */
#include "modules/layout/batches.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"
#include "modules/layout/class.h"
#include "modules/layout/views.h"

#define BATCHES_CLASS "gpumm_layout.batches"

typedef struct batches {
    ends e;
    double *weights;        /* NULL: none */
    uint64_t *first, *last; /* rows of neighbours; edges by their later ends */
    uint32_t *near, *order;
    double *x, *y;
    uint32_t placed;
} batches;

/* ---- Places --------------------------------------------------------------------------------------- */

static double unit(uint64_t x) {
    x *= 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    x ^= x >> 31;
    return (double)(x >> 11) * 0x1p-53;
}

static void seat(batches *b, uint32_t i) { /* from 0 */
    static const double pi = 3.141592653589793;
    double golden = pi * (3 - sqrt(5)), radius = sqrt(i + 0.5), angle = (i + 1.0) * golden;
    b->x[i] = radius * cos(angle);
    b->y[i] = radius * sin(angle);
}

/* Those of the same batch count once they sit: the nodes before this one do. */
static void seat_near(batches *b, uint32_t i) {
    double x = 0, y = 0, count = 0;
    for (uint64_t k = b->first[i]; k < b->first[i + 1]; k++) {
        uint32_t j = b->near[k];
        if (j >= i) continue;
        x += b->x[j];
        y += b->y[j];
        count++;
    }
    if (count == 0) {
        seat(b, i);
        return;
    }
    uint64_t number = (uint64_t)i + 1;
    double angle = 2 * 3.141592653589793 * unit(number), radius = 0.5 + unit(-number);
    b->x[i] = x / count + radius * cos(angle);
    b->y[i] = y / count + radius * sin(angle);
}

static void refresh(lua_State *L, batches *b, int index) {
    gpumm_lua_view v;
    if (lua_isnoneornil(L, index)) return;
    if (!gpumm_lua_to_view(L, index, &v)) luaL_typeerror(L, index, "gpumm.view");
    bool narrow = gpumm_type_scalar(v.type) == GPUMM_TYPE_F32,
         fits = narrow || gpumm_type_scalar(v.type) == GPUMM_TYPE_F64;
    unsigned lanes = gpumm_type_lanes(v.type);
    luaL_argcheck(L, gpumm_type_kind(v.type) == GPUMM_KIND_VECTOR && fits && lanes >= 2, index,
                  "positions are vectors of f32 or f64");
    uint64_t count = v.count < b->placed ? v.count : b->placed;
    for (uint64_t i = 0; i < count; i++) {
        b->x[i] = narrow ? ((const float *)v.bytes)[i * lanes] : ((const double *)v.bytes)[i * lanes];
        b->y[i] = narrow ? ((const float *)v.bytes)[i * lanes + 1] : ((const double *)v.bytes)[i * lanes + 1];
    }
    lua_pop(L, 1);
}

/* ---- Pieces --------------------------------------------------------------------------------------- */

static void push_nodes(lua_State *L, const batches *b, uint32_t start, uint32_t stop) { /* [-0, +2, m] */
    luaL_Buffer buffer;
    size_t count = stop - start;
    float *to = (float *)luaL_buffinitsize(L, &buffer, count * 2 * sizeof *to);
    for (uint32_t i = start; i < stop; i++) {
        *to++ = (float)b->x[i];
        *to++ = (float)b->y[i];
    }
    luaL_pushresultsize(&buffer, count * 2 * sizeof *to);
    to = (float *)luaL_buffinitsize(L, &buffer, count * sizeof *to);
    for (uint32_t i = start; i < stop; i++) *to++ = (float)(1 + (double)(b->first[i + 1] - b->first[i]));
    luaL_pushresultsize(&buffer, count * sizeof *to);
}

static void push_edges(lua_State *L, const batches *b, uint64_t start, uint64_t stop) { /* [-0, +2, m] */
    luaL_Buffer buffer;
    size_t count = (size_t)(stop - start);
    uint32_t *to = (uint32_t *)luaL_buffinitsize(L, &buffer, count * 2 * sizeof *to);
    for (uint64_t k = start; k < stop; k++) {
        *to++ = b->e.from[b->order[k]] - 1;
        *to++ = b->e.to[b->order[k]] - 1;
    }
    luaL_pushresultsize(&buffer, count * 2 * sizeof *to);
    if (!b->weights) {
        lua_pushnil(L);
        return;
    }
    float *weight = (float *)luaL_buffinitsize(L, &buffer, count * sizeof *weight);
    for (uint64_t k = start; k < stop; k++) *weight++ = (float)b->weights[b->order[k]];
    luaL_pushresultsize(&buffer, count * sizeof *weight);
}

static int batches_next(lua_State *L) {
    batches *b = luaL_checkudata(L, 1, BATCHES_CLASS);
    lua_Integer size = luaL_checkinteger(L, 2);
    uint32_t start = b->placed, left = b->e.nodes - start;
    luaL_argcheck(L, size >= 0, 2, "it is 0 (all) or more");
    if (left == 0) return 0;
    lua_settop(L, 3);
    refresh(L, b, 3);
    uint32_t stop = size == 0 || size > (lua_Integer)left ? b->e.nodes : start + (uint32_t)size;
    for (uint32_t i = start; i < stop; i++) {
        if (start == 0) seat(b, i);
        else seat_near(b, i);
    }
    b->placed = stop;
    lua_pushinteger(L, stop - start);
    lua_pushinteger(L, (lua_Integer)(b->last[stop] - b->last[start]));
    push_nodes(L, b, start, stop);
    push_edges(L, b, b->last[start], b->last[stop]);
    return 6;
}

/* All arrays in one block of Lua's, with copies of what the caller may change. */
static void take_memory(lua_State *L, batches *b, const double *weights) {
    size_t nodes = b->e.nodes, edges = (size_t)b->e.edges;
    size_t bytes =
        2 * (nodes + 1) * sizeof *b->first + (2 * nodes + edges) * sizeof *b->x + 5 * edges * sizeof *b->near;
    char *at = lua_newuserdatauv(L, bytes + 1, 0);
    lua_setiuservalue(L, -2, 1);
    b->first = (uint64_t *)at;
    b->last = b->first + nodes + 1;
    b->x = (double *)(b->last + nodes + 1);
    b->y = b->x + nodes;
    b->weights = b->y + nodes;
    b->near = (uint32_t *)(b->weights + edges);
    b->order = b->near + 2 * edges;
    uint32_t *from = b->order + edges, *to = from + edges;
    if (edges > 0) {
        memcpy(from, b->e.from, edges * sizeof *from);
        memcpy(to, b->e.to, edges * sizeof *to);
    }
    if (weights && edges > 0) memcpy(b->weights, weights, edges * sizeof *weights);
    if (!weights) b->weights = NULL;
    b->e.from = from;
    b->e.to = to;
}

static int layout_batches(lua_State *L) {
    lua_settop(L, 4);
    ends e = gpumm_layout__ends_at(L, 1);
    const double *weights = gpumm_layout__numbers_at(L, 4, e.edges);
    batches *b = lua_newuserdatauv(L, sizeof *b, 1);
    *b = (batches){.e = e};
    luaL_setmetatable(L, BATCHES_CLASS);
    take_memory(L, b, weights);
    gpumm_layout__rows_of(&b->e, b->near, NULL, b->first);
    gpumm_layout__by_last(&b->e, b->order, b->last);
    return 1;
}

/* ---- Stress --------------------------------------------------------------------------------------- */

typedef struct sums {
    double sum, squares;
    uint64_t count;
} sums;

static void add_pivot(sums *s, uint32_t nodes, uint32_t pivot, const int32_t *distance, const double *x,
                      const double *y, const double *z) {
    for (uint32_t j = 0; j < nodes; j++) {
        if (distance[j] <= 0) continue;
        double dx = x[j] - x[pivot], dy = y[j] - y[pivot], dz = z ? z[j] - z[pivot] : 0;
        double r = sqrt(dx * dx + dy * dy + dz * dz) / distance[j];
        s->sum += r;
        s->squares += r * r;
        s->count++;
    }
}

static int layout_stress(lua_State *L) {
    lua_settop(L, 6);
    adjacency a = gpumm_layout__adjacency_at(L, 1);
    gpumm_lua_view pivots = gpumm_layout__view_at(L, 3, "u32");
    const double *x = gpumm_layout__numbers_at(L, 4, a.nodes), *y = gpumm_layout__numbers_at(L, 5, a.nodes);
    const double *z = gpumm_layout__numbers_at(L, 6, a.nodes);
    luaL_argcheck(L, x && y, 4, "each node has two coordinates");
    int32_t *distance = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *distance + 1, 0);
    uint32_t *queue = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *queue + 1, 0);
    sums s = {0, 0, 0};
    for (uint64_t p = 0; p < pivots.count; p++) {
        uint32_t pivot = ((const uint32_t *)pivots.bytes)[p] - 1;
        luaL_argcheck(L, pivot < a.nodes, 3, "there is no such node");
        gpumm_layout__search(&a, pivot, distance, queue);
        add_pivot(&s, a.nodes, pivot, distance, x, y, z);
    }
    lua_pushnumber(L, s.sum);
    lua_pushnumber(L, s.squares);
    lua_pushinteger(L, (lua_Integer)s.count);
    return 3;
}

void gpumm_layout__open_batches(lua_State *L) {
    static const luaL_Reg methods[] = {{"next", batches_next}, {NULL, NULL}};
    gpumm_layout__class_make(L, BATCHES_CLASS, NULL, methods);
    lua_pushcfunction(L, layout_batches);
    lua_setfield(L, -2, "batches");
    lua_pushcfunction(L, layout_stress);
    lua_setfield(L, -2, "stress");
}
