/* SPDX-License-Identifier: MIT */
/* Rows of neighbours by counting, and breadth-first searches. Everything is linear, and repeats. */
#include "modules/layout/adjacency.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/views.h"

ends gpumm_layout__ends_at(lua_State *L, int index) {
    lua_Integer nodes = luaL_checkinteger(L, index + 2);
    luaL_argcheck(L, nodes >= 0 && nodes <= 0x7fffffff, index + 2, "a graph has up to 2^31 - 1 nodes");
    gpumm_lua_view from = gpumm_layout__view_at(L, index, "u32"), to = gpumm_layout__view_at(L, index + 1, "u32");
    ends e = {from.bytes, to.bytes, from.count, (uint32_t)nodes};
    if (from.count != to.count || from.count > 0x7fffffff) luaL_error(L, "the two columns are not of one length");
    for (uint64_t k = 0; k < e.edges; k++)
        if (e.from[k] - 1 >= e.nodes || e.to[k] - 1 >= e.nodes)
            luaL_error(L, "edge %I joins what are not nodes from 1 to %I", (LUAI_UACINT)(k + 1), (LUAI_UACINT)nodes);
    return e;
}

const double *gpumm_layout__numbers_at(lua_State *L, int index, uint64_t count) {
    if (lua_isnoneornil(L, index)) return NULL;
    gpumm_lua_view v = gpumm_layout__view_at(L, index, "f64");
    if (v.count != count) luaL_error(L, "argument %d has not a number for each", index);
    return v.bytes;
}

void gpumm_layout__rows_of(const ends *e, uint32_t *near, uint32_t *edge, uint64_t *first) {
    memset(first, 0, ((size_t)e->nodes + 1) * sizeof *first);
    for (uint64_t k = 0; k < e->edges; k++) {
        first[e->from[k] - 1]++;
        first[e->to[k] - 1]++;
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i <= e->nodes; i++) {
        uint64_t here = first[i];
        first[i] = total;
        total += here;
    }
    for (uint64_t k = 0; k < e->edges; k++) {
        uint32_t a = e->from[k] - 1, b = e->to[k] - 1;
        if (edge) edge[first[a]] = (uint32_t)k;
        near[first[a]++] = b;
        if (edge) edge[first[b]] = (uint32_t)k;
        near[first[b]++] = a;
    }
    for (uint32_t i = e->nodes; i > 0; i--) first[i] = first[i - 1]; /* filling moved each to the next one's */
    first[0] = 0;
}

static void *push_view(lua_State *L, const char *type, uint64_t count) { return gpumm_lua_push_view(L, type, count); }

static int layout_degrees(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    uint32_t *degree = push_view(L, "u32", e.nodes);
    for (uint64_t k = 0; k < e.edges; k++) {
        degree[e.from[k] - 1]++;
        degree[e.to[k] - 1]++;
    }
    return 1;
}

static int layout_neighbours(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    uint32_t *near = push_view(L, "u32", 2 * e.edges);
    int64_t *first = push_view(L, "i64", (uint64_t)e.nodes + 1);
    gpumm_layout__rows_of(&e, near, NULL, (uint64_t *)first);
    for (uint64_t k = 0; k < 2 * e.edges; k++) near[k]++;
    for (uint64_t i = 0; i <= e.nodes; i++) first[i]++;
    return 2;
}

static uint32_t check_rows(lua_State *L, gpumm_lua_view row, gpumm_lua_view near) {
    const uint32_t *first = row.bytes;
    bool fits = row.count >= 1 && row.count <= 0x80000000 && first[row.count - 1] <= near.count;
    for (uint64_t i = 1; fits && i < row.count; i++) fits = first[i] >= first[i - 1];
    if (!fits) luaL_error(L, "these are not rows of neighbours");
    return (uint32_t)row.count - 1;
}

/* Each edge stands in the row of its greater end; `from` and `to` may be NULL. How many there are. */
static uint64_t list_edges(uint32_t nodes, const uint32_t *first, const uint32_t *near, uint32_t *from, uint32_t *to) {
    uint64_t edges = 0;
    for (uint32_t i = 0; i < nodes; i++)
        for (uint32_t k = first[i]; k < first[i + 1]; k++) {
            if (near[k] >= i) continue;
            if (from) from[edges] = i + 1;
            if (to) to[edges] = near[k] + 1;
            edges++;
        }
    return edges;
}

/* listed(rows, neighbours): the edges of rows of nodes from 0, whose ends are then numbers from 1: from and to. */
static int layout_listed(lua_State *L) {
    gpumm_lua_view row = gpumm_layout__view_at(L, 1, "u32"), near = gpumm_layout__view_at(L, 2, "u32");
    uint32_t nodes = check_rows(L, row, near);
    uint64_t edges = list_edges(nodes, row.bytes, near.bytes, NULL, NULL);
    uint32_t *from = push_view(L, "u32", edges), *to = push_view(L, "u32", edges);
    list_edges(nodes, row.bytes, near.bytes, from, to);
    return 2;
}

/* ---- Searches ----------------------------------------------------------------------------------- */

adjacency gpumm_layout__adjacency_at(lua_State *L, int index) {
    gpumm_lua_view near = gpumm_layout__view_at(L, index, "u32"), first = gpumm_layout__view_at(L, index + 1, "i64");
    adjacency a = {near.bytes, first.bytes, 0};
    bool fits = first.count >= 1 && first.count <= 0x80000000 && a.first[0] == 1;
    for (uint64_t i = 1; fits && i < first.count; i++) fits = a.first[i] >= a.first[i - 1];
    if (!fits || (uint64_t)a.first[first.count - 1] != near.count + 1)
        luaL_error(L, "these are not rows of neighbours");
    a.nodes = (uint32_t)first.count - 1;
    for (uint64_t k = 0; k < near.count; k++)
        if (a.near[k] - 1 >= a.nodes) luaL_error(L, "these are not rows of neighbours");
    return a;
}

void gpumm_layout__search(const adjacency *a, uint32_t source, int32_t *distance, uint32_t *queue) {
    uint64_t head = 0, tail = 1;
    for (uint32_t i = 0; i < a->nodes; i++) distance[i] = -1;
    distance[source] = 0;
    queue[0] = source;
    while (head < tail) {
        uint32_t i = queue[head++];
        for (int64_t k = a->first[i]; k < a->first[i + 1]; k++) {
            uint32_t j = a->near[k - 1] - 1;
            if (distance[j] >= 0) continue;
            distance[j] = distance[i] + 1;
            queue[tail++] = j;
        }
    }
}

static int layout_bfs(lua_State *L) {
    adjacency a = gpumm_layout__adjacency_at(L, 1);
    lua_Integer source = luaL_checkinteger(L, 3);
    luaL_argcheck(L, source >= 1 && source <= (lua_Integer)a.nodes, 3, "there is no such node");
    uint32_t *queue = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *queue, 0);
    gpumm_layout__search(&a, (uint32_t)source - 1, push_view(L, "i32", a.nodes), queue);
    return 1;
}

/* Marks the component of `start`, and gives its size. */
static uint32_t flood(const adjacency *a, uint32_t start, uint32_t name, uint32_t *label, uint32_t *stack) {
    uint32_t top = 1, size = 0;
    stack[0] = start;
    label[start] = name;
    while (top > 0) {
        uint32_t i = stack[--top];
        size++;
        for (int64_t k = a->first[i]; k < a->first[i + 1]; k++) {
            uint32_t j = a->near[k - 1] - 1;
            if (label[j]) continue;
            label[j] = name;
            stack[top++] = j;
        }
    }
    return size;
}

static int layout_components(lua_State *L) {
    adjacency a = gpumm_layout__adjacency_at(L, 1);
    uint32_t *stack = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *stack + 1, 0), count = 0;
    uint32_t *sizes = lua_newuserdatauv(L, (size_t)a.nodes * sizeof *sizes + 1, 0);
    int anchor = lua_gettop(L);
    uint32_t *label = push_view(L, "u32", a.nodes);
    for (uint32_t i = 0; i < a.nodes; i++) {
        if (label[i]) continue;
        sizes[count] = flood(&a, i, count + 1, label, stack);
        count++;
    }
    gpumm_lua_push_window(L, "u32", count, sizes, anchor);
    return 2;
}

/* ---- Edges as columns ----------------------------------------------------------------------------- */

static void put_number(unsigned char *to, uint32_t number, bool little) {
    if (!little) memcpy(to, &number, sizeof number);
    else
        for (int i = 0; i < 4; i++) to[i] = (unsigned char)(number >> 8 * i);
}

static int layout_ends(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    lua_Integer limit = luaL_checkinteger(L, 4), count = 0;
    bool little = lua_toboolean(L, 5);
    for (uint64_t k = 0; k < e.edges; k++) count += e.from[k] <= limit && e.to[k] <= limit;
    luaL_Buffer b;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &b, (size_t)count * 8);
    for (uint64_t k = 0; k < e.edges; k++) {
        if (e.from[k] > limit || e.to[k] > limit) continue;
        put_number(to, e.from[k] - 1, little);
        put_number(to + 4, e.to[k] - 1, little);
        to += 8;
    }
    luaL_pushresultsize(&b, (size_t)count * 8);
    lua_pushinteger(L, count);
    return 2;
}

static uint32_t later(const ends *e, uint64_t k) { return e->from[k] > e->to[k] ? e->from[k] : e->to[k]; }

void gpumm_layout__by_last(const ends *e, uint32_t *order, uint64_t *first) {
    memset(first, 0, ((size_t)e->nodes + 1) * sizeof *first);
    for (uint64_t k = 0; k < e->edges; k++) first[later(e, k)]++;
    for (uint32_t i = 1; i <= e->nodes; i++) first[i] += first[i - 1];
    for (uint64_t k = 0; k < e->edges; k++) order[first[later(e, k) - 1]++] = (uint32_t)k;
    for (uint32_t i = e->nodes; i > 0; i--) first[i] = first[i - 1];
    first[0] = 0;
}

static int layout_by_last(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    uint32_t *order = push_view(L, "u32", e.edges);
    int64_t *first = push_view(L, "i64", (uint64_t)e.nodes + 1);
    gpumm_layout__by_last(&e, order, (uint64_t *)first);
    for (uint64_t k = 0; k < e.edges; k++) order[k]++;
    for (uint64_t i = 0; i <= e.nodes; i++) first[i]++;
    return 2;
}

/* A view of u32, i64, f32 or f64, its name and the size of its elements. [-0, +1, e] */
static gpumm_lua_view check_column(lua_State *L, int index, const char **type, size_t *size) {
    static const char *const types[] = {"u32", "i64", "f32", "f64", NULL};
    gpumm_lua_view v = gpumm_layout__any_view_at(L, index);
    for (const char *const *t = types; *t; t++) {
        if (strcmp(gpumm_type_name(v.type), *t) != 0) continue;
        *type = *t;
        *size = gpumm_type_size(v.type);
        return v;
    }
    luaL_error(L, "columns are views of u32, i64, f32 or f64, not of %s", gpumm_type_name(v.type));
    return v;
}

static int layout_gather(lua_State *L) {
    const char *type;
    size_t size;
    gpumm_lua_view v = check_column(L, 1, &type, &size), order = gpumm_layout__view_at(L, 2, "u32");
    const uint32_t *at = order.bytes;
    unsigned char *to = push_view(L, type, order.count);
    for (uint64_t i = 0; i < order.count; i++) {
        if (at[i] - 1 >= v.count) luaL_error(L, "there is no row %I", (LUAI_UACINT)at[i]);
        memcpy(to + i * size, (const unsigned char *)v.bytes + (at[i] - 1) * size, size);
    }
    return 1;
}

static int layout_slice(lua_State *L) {
    const char *type;
    size_t size;
    gpumm_lua_view v = check_column(L, 1, &type, &size);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    bool fits = first >= 1 && last >= 0 && last >= first - 1 && (lua_Unsigned)last <= v.count;
    luaL_argcheck(L, fits, 2, "there is no such slice");
    size_t bytes = (size_t)(last - first + 1) * size;
    void *to = push_view(L, type, (uint64_t)(last - first + 1));
    if (bytes > 0) memcpy(to, (const unsigned char *)v.bytes + (size_t)(first - 1) * size, bytes);
    return 1;
}

static const double MOST_PULL = 64; /* of an edge, relative to the mean: more would hold everything by one edge */

/* Sizes added up as parts of the largest, in 2^-32 and what is left of those: whole numbers, whose sum does not depend on the
 * order, nor on who adds which of them. */
typedef struct size_sum {
    uint64_t high, low;
} size_sum;

static void add_size(size_sum *s, double size, double most) {
    double part = size / most * 0x1p32, whole = floor(part);
    s->high += (uint64_t)whole;
    s->low += (uint64_t)((part - whole) * 0x1p32);
}

static double largest_size(const double *weight, uint64_t count) {
    double most = 0;
    for (uint64_t e = 0; e < count; e++) most = fmax(most, fabs(weight[e]));
    return most;
}

static double mean_of(size_sum s, double most, double count) {
    if (!(most > 0) || !isfinite(most)) return 1;
    return ((double)s.high * 0x1p-32 + (double)s.low * 0x1p-64) / count * most;
}

static double mean_size(const double *weight, uint64_t count) {
    double most = largest_size(weight, count);
    size_sum sum = {0, 0};
    for (uint64_t e = 0; most > 0 && isfinite(most) && e < count; e++) add_size(&sum, fabs(weight[e]), most);
    return mean_of(sum, most, (double)count);
}

/* largest_size(weights): the largest. */
static int layout_largest_size(lua_State *L) {
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64");
    lua_pushnumber(L, largest_size(v.bytes, v.count));
    return 1;
}

/* size_sum(weights, largest, from, to, first, count): two whole numbers, of the edges whose lesser end is one of `count` nodes. */
static int layout_size_sum(lua_State *L) {
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64"), from = gpumm_layout__view_at(L, 3, "u32"),
                   to = gpumm_layout__view_at(L, 4, "u32");
    const uint32_t *a = from.bytes, *b = to.bytes;
    double most = luaL_checknumber(L, 2);
    uint32_t first = (uint32_t)luaL_checkinteger(L, 5), count = (uint32_t)luaL_checkinteger(L, 6);
    size_sum sum = {0, 0};
    if (from.count != v.count || to.count != v.count) luaL_error(L, "edges have two ends and a weight");
    for (uint64_t e = 0; most > 0 && isfinite(most) && e < v.count; e++)
        if ((a[e] < b[e] ? a[e] : b[e]) - first < count) add_size(&sum, fabs(((const double *)v.bytes)[e]), most);
    lua_pushinteger(L, (lua_Integer)sum.high);
    lua_pushinteger(L, (lua_Integer)sum.low);
    return 2;
}

/* mean_size(high, low, largest, count) */
static int layout_mean_size(lua_State *L) {
    size_sum sum = {(uint64_t)luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2)};
    lua_pushnumber(L, mean_of(sum, luaL_checknumber(L, 3), luaL_checknumber(L, 4)));
    return 1;
}

/* scaled(weights, mean size, unless given that of these) */
static int layout_scaled(lua_State *L) {
    lua_settop(L, 2);
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64");
    const double *weight = v.bytes;
    double size = lua_isnoneornil(L, 2) ? mean_size(weight, v.count) : luaL_checknumber(L, 2);
    float *out = push_view(L, "f32", v.count);
    for (uint64_t e = 0; e < v.count; e++) out[e] = (float)fmax(fmin(weight[e] / size, MOST_PULL), -MOST_PULL);
    return 1;
}

static int layout_inverse(lua_State *L) {
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64");
    const double *length = v.bytes;
    double *out = push_view(L, "f64", v.count);
    for (uint64_t e = 0; e < v.count; e++) out[e] = 1 / length[e];
    return 1;
}

static const double FAR_FROM_MEAN = 1e6; /* times the mean, or a part of it: what longer and shorter edges count as */

/* per_length(lengths, mean size, unless given that of these): one over each, in means; by parts of the largest, as above. */
static int layout_per_length(lua_State *L) {
    lua_settop(L, 2);
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64");
    const double *length = v.bytes;
    double size = lua_isnoneornil(L, 2) ? mean_size(length, v.count) : luaL_checknumber(L, 2);
    float *out = push_view(L, "f32", v.count);
    for (uint64_t e = 0; e < v.count; e++)
        out[e] = (float)(1 / fmax(fmin(length[e] / size, FAR_FROM_MEAN), 1 / FAR_FROM_MEAN));
    return 1;
}

/* What is not a number, or not finite, is below everything. */
static int layout_first_below(lua_State *L) {
    gpumm_lua_view v = gpumm_layout__view_at(L, 1, "f64");
    const double *weight = v.bytes;
    double least = luaL_checknumber(L, 2);
    for (uint64_t e = 0; e < v.count; e++) {
        if (weight[e] >= least && isfinite(weight[e])) continue;
        lua_pushinteger(L, (lua_Integer)e + 1);
        return 1;
    }
    return 0;
}

void gpumm_layout__open_adjacency(lua_State *L) {
    static const luaL_Reg functions[] = {{"degrees", layout_degrees},
                                         {"neighbours", layout_neighbours},
                                         {"bfs", layout_bfs},
                                         {"components", layout_components},
                                         {"ends", layout_ends},
                                         {"by_last", layout_by_last},
                                         {"gather", layout_gather},
                                         {"slice", layout_slice},
                                         {"listed", layout_listed},
                                         {"scaled", layout_scaled},
                                         {"inverse", layout_inverse},
                                         {"per_length", layout_per_length},
                                         {"largest_size", layout_largest_size},
                                         {"size_sum", layout_size_sum},
                                         {"mean_size", layout_mean_size},
                                         {"first_below", layout_first_below},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
