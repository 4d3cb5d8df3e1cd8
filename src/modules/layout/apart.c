/* SPDX-License-Identifier: MIT */
/* Nodes are looked at one by one, each as the others are by then. One that is too near to another tries places around its
   own, the nearest first and straight away from the other before to the sides, and takes the first where nobody is too near
   and no edge of it crosses another; where there is none, the one with the most room. Who finds none is shut in by edges that
   are close as well: then the nodes around part further, for some sweeps. */
#include "modules/layout/apart.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"
#include "modules/layout/lines.h"
#include "modules/layout/views.h"

#define NONE UINT32_MAX
#define SWEEPS 8      /* over all nodes, for one that moved may make room for another */
#define TURNS 16      /* directions that are tried */
#define RINGS 7       /* distances of them */
#define CROSSED 32    /* edges: nodes whose edges cross more stay */
#define PATIENCE 1000 /* comparisons an edge */
#define LEAST 1000000 /* of them in all */
#define MOST 50000000 /* and no more: some seconds */
#define ROUNDS 8      /* in which those around make room */
#define WIDEST 4      /* times the bound is how far they part, and how wide a cell is */
#define AROUND 2      /* cells to each side */
#define FARTHEST 1e15 /* cells */

static const double rings[RINGS] = {0.5, 1, 1.5, 2, 3, 4, 6}; /* of the bound */

typedef struct crowd {
    float *at;
    uint32_t nodes;
    const uint32_t *near; /* of all rows */
    const uint64_t *first;
    lines lines;
    uint32_t *head, *next; /* lists of nodes by cells */
    unsigned bits;
    double width, bound; /* of a cell; which may change */
    bool *around;        /* is it near one that is shut in? */
    uint64_t patience, moved;
} crowd;

static point at(const crowd *c, uint32_t i) { return (point){c->at[2 * (size_t)i], c->at[2 * (size_t)i + 1]}; }

/* ---- Nodes by cells ---------------------------------------------------------------------------------------- */

static int64_t cell_along(const crowd *c, double v) {
    return (int64_t)floor(fmin(fmax(v / c->width, -FARTHEST), FARTHEST));
}

static uint32_t *list_at(const crowd *c, int64_t x, int64_t y) {
    uint64_t h = ((uint64_t)x * 0x9e3779b97f4a7c15u) ^ ((uint64_t)y * 0xc2b2ae3d27d4eb4fu);
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return c->head + (h >> (64 - c->bits));
}

static uint32_t *list_of(const crowd *c, point p) { return list_at(c, cell_along(c, p.x), cell_along(c, p.y)); }

static void add_node(crowd *c, uint32_t i) {
    uint32_t *list = list_of(c, at(c, i));
    c->next[i] = *list;
    *list = i;
}

static void take_node(crowd *c, uint32_t i) {
    uint32_t *link = list_of(c, at(c, i));
    while (*link != i) link = c->next + *link;
    *link = c->next[i];
}

/* Who is nearest to i, were it there, and how far away in square: NONE where nobody is within the bound. */
typedef struct closest {
    uint32_t node;
    double distance;
} closest;

static closest closest_to(crowd *c, uint32_t i, point there) {
    closest best = {NONE, c->bound * c->bound};
    int64_t x = cell_along(c, there.x), y = cell_along(c, there.y);
    for (int64_t v = y - 1; v <= y + 1; v++)
        for (int64_t u = x - 1; u <= x + 1; u++)
            for (uint32_t j = *list_at(c, u, v); j != NONE && c->patience > 0; j = c->next[j], c->patience--) {
                point way = point_minus(at(c, j), there);
                double distance = point_dot(way, way);
                if (j != i && distance < best.distance) best = (closest){j, distance};
            }
    return best;
}

/* ---- What edges cross -------------------------------------------------------------------------------------- */

/* Pairs of an edge and another that it crosses: each once, though lines meet in several cells. */
typedef struct crossed {
    unsigned count;
    struct {
        uint32_t to;
        line_ends of;
    } pair[CROSSED];
} crossed;

static void note_crossing(crossed *all, uint32_t to, line_ends of) {
    for (unsigned k = 0; k < all->count && k < CROSSED; k++)
        if (all->pair[k].to == to && all->pair[k].of.a == of.a && all->pair[k].of.b == of.b) return;
    if (all->count < CROSSED) {
        all->pair[all->count].to = to;
        all->pair[all->count].of = of;
    }
    all->count++;
}

/* What the edge from `there`, where i would be, to j crosses. */
static void find_crossings(crowd *c, uint32_t i, uint32_t j, point there, unsigned most, crossed *all) {
    point end = at(c, j);
    walk w = gpumm_layout__lines_walk(&c->lines, there, end);
    do {
        for (uint32_t k = gpumm_layout__lines_first(&c->lines, &w); k != NONE; k = c->lines.entries[k].next) {
            line_ends of = c->lines.entries[k].of;
            if (c->patience == 0 || all->count > most) return;
            c->patience--;
            if (of.a == i || of.b == i || of.a == j || of.b == j) continue;
            if (gpumm_layout__lines_cross(there, end, at(c, of.a), at(c, of.b))) note_crossing(all, j, of);
        }
    } while (gpumm_layout__walk_on(&w));
}

/* How many others i's edges would cross were it there, counting no further than one more than `most`. */
static unsigned crossings(crowd *c, uint32_t i, point there, unsigned most) {
    crossed all = {0};
    for (uint64_t k = c->first[i]; k < c->first[i + 1] && all.count <= most; k++)
        if (c->near[k] != i) find_crossings(c, i, c->near[k], there, most, &all);
    return all.count;
}

/* Under one name, also where it was found before it moved. */
static void place_edge(crowd *c, uint32_t i, uint32_t j) {
    line_ends of = {i < j ? i : j, i < j ? j : i};
    gpumm_layout__lines_add(&c->lines, of, at(c, of.a), at(c, of.b));
}

/* ---- Where a node goes ------------------------------------------------------------------------------------- */

/* Straight away from another; to the right from one on the same spot. */
static point away_from(const crowd *c, uint32_t i, uint32_t other) {
    point way = point_minus(at(c, i), at(c, other));
    double length = sqrt(point_dot(way, way));
    return length > 0 ? (point){way.x / length, way.y / length} : (point){1, 0};
}

/* Direction k from a place: straight ahead, a little to one side, to the other, more to the first. Coordinates are floats. */
static point candidate(point from, point ahead, double far, int k) {
    double angle = (k % 2 ? 1 : -1) * ((k + 1) / 2) * 2 * acos(-1.0) / TURNS;
    point way = {ahead.x * cos(angle) - ahead.y * sin(angle), ahead.x * sin(angle) + ahead.y * cos(angle)};
    return (point){(float)(from.x + far * way.x), (float)(from.y + far * way.y)};
}

static void place_edges(crowd *c) {
    gpumm_layout__lines_clear(&c->lines);
    for (uint32_t i = 0; i < c->nodes; i++)
        for (uint64_t k = c->first[i]; k < c->first[i + 1]; k++)
            if (c->near[k] < i) place_edge(c, i, c->near[k]);
}

static void move(crowd *c, uint32_t i, point to) {
    take_node(c, i);
    c->at[2 * (size_t)i] = (float)to.x;
    c->at[2 * (size_t)i + 1] = (float)to.y;
    add_node(c, i);
    for (uint64_t k = c->first[i]; k < c->first[i + 1]; k++) place_edge(c, i, c->near[k]);
    if (c->lines.used == c->lines.room) place_edges(c); /* without those of places that were left */
    c->moved++;
}

/* Looks for a place that is farther from others; true where one was found. */
static bool find_place(crowd *c, uint32_t i, closest now, point *to) {
    point from = at(c, i), ahead = away_from(c, i, now.node);
    unsigned most = crossings(c, i, from, CROSSED);
    double room = now.distance;
    if (most > CROSSED) return false;
    for (int k = 0; k < RINGS * TURNS && room < c->bound * c->bound; k++) {
        point there = candidate(from, ahead, rings[k / TURNS] * c->bound, k % TURNS);
        closest then = closest_to(c, i, there);
        if (then.distance <= room || crossings(c, i, there, most) > most || c->patience == 0) continue;
        room = then.distance;
        *to = there;
    }
    return room > now.distance;
}

static uint64_t degree(const crowd *c, uint32_t i) { return c->first[i + 1] - c->first[i]; }

/* Of two it is the one with fewer edges that gives way. True: it was too near. */
static bool look_at(crowd *c, uint32_t i) {
    closest now = closest_to(c, i, at(c, i));
    if (now.node == NONE) return false;
    point to = at(c, i);
    if (degree(c, i) <= degree(c, now.node) && find_place(c, i, now, &to)) move(c, i, to);
    return true;
}

static bool is_at_end(const crowd *c) { return c->patience == 0 || c->lines.used == c->lines.room; }

/* Looks at all nodes, or at those `around` alone, so many times or until none is too near. True: some are. */
static bool sweep(crowd *c, double bound, const bool *around, int times) {
    bool any = true;
    c->bound = bound;
    for (int k = 0; k < times && any; k++) {
        any = false;
        for (uint32_t i = 0; i < c->nodes && !is_at_end(c); i++) any = ((!around || around[i]) && look_at(c, i)) || any;
    }
    return any;
}

static void mark_around(crowd *c, uint32_t i) {
    int64_t x = cell_along(c, at(c, i).x), y = cell_along(c, at(c, i).y);
    for (int64_t v = y - AROUND; v <= y + AROUND; v++)
        for (int64_t u = x - AROUND; u <= x + AROUND; u++)
            for (uint32_t j = *list_at(c, u, v); j != NONE && c->patience > 0; j = c->next[j], c->patience--)
                c->around[j] = true;
}

static void part_all(crowd *c) {
    double bound = c->bound;
    bool any = sweep(c, bound, NULL, SWEEPS);
    for (int round = 0; round < ROUNDS && any && !is_at_end(c); round++) {
        for (uint32_t i = 0; i < c->nodes; i++)
            if (closest_to(c, i, at(c, i)).node != NONE) mark_around(c, i);
        for (int wider = WIDEST; wider > 1; wider /= 2) sweep(c, bound * wider, c->around, 2);
        any = sweep(c, bound, NULL, SWEEPS);
    }
}

/* ---- The call ---------------------------------------------------------------------------------------------- */

static void make_rows(lua_State *L, crowd *c, const ends *e) { /* [-0, +2, m] */
    uint32_t *near = gpumm_layout__lines_scratch(L, 2 * e->edges, sizeof *near);
    uint64_t *first = gpumm_layout__lines_scratch(L, (uint64_t)c->nodes + 1, sizeof *first);
    gpumm_layout__rows_of(e, near, NULL, first);
    c->near = near;
    c->first = first;
}

static void make_cells(lua_State *L, crowd *c) { /* [-0, +3, m] */
    c->width = WIDEST * c->bound;
    c->around = gpumm_layout__lines_scratch(L, c->nodes, sizeof *c->around);
    c->bits = 4;
    while (c->bits < 30 && (uint64_t)1 << c->bits < 2 * (uint64_t)c->nodes) c->bits++;
    c->head = gpumm_layout__lines_scratch(L, (uint64_t)1 << c->bits, sizeof *c->head);
    c->next = gpumm_layout__lines_scratch(L, c->nodes, sizeof *c->next);
    memset(c->head, 0xff, ((size_t)1 << c->bits) * sizeof *c->head);
    for (uint32_t i = 0; i < c->nodes; i++) add_node(c, i);
}

static uint64_t patience_for(uint64_t edges) {
    uint64_t all = PATIENCE * edges + LEAST;
    return all < MOST ? all : MOST;
}

static int layout_apart(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    gpumm_lua_view view = gpumm_layout__view_at(L, 4, "f32x2");
    crowd c = {.nodes = e.nodes, .patience = patience_for(e.edges), .bound = luaL_checknumber(L, 5)};
    luaL_argcheck(L, view.count == e.nodes, 4, "there is a position for each node");
    luaL_argcheck(L, c.bound > 0, 5, "a bound is larger than 0");
    luaL_checkstack(L, 20, NULL);
    c.at = gpumm_lua_push_view(L, "f32x2", e.nodes);
    int result = lua_gettop(L);
    memcpy(c.at, view.bytes, (size_t)e.nodes * 2 * sizeof *c.at);
    if (e.edges > 0 && e.edges < LINES_MOST && gpumm_layout__lines_new(L, &c.lines, &e, c.at)) {
        make_rows(L, &c, &e);
        make_cells(L, &c);
        place_edges(&c);
        part_all(&c);
    }
    lua_settop(L, result);
    lua_pushinteger(L, (lua_Integer)c.moved);
    return 2;
}

void gpumm_layout__open_apart(lua_State *L) {
    lua_pushcfunction(L, layout_apart);
    lua_setfield(L, -2, "apart");
}
