/* SPDX-License-Identifier: MIT */
/* Nodes are placed one by one, the root of most first, each where it is relative to its parent, unless the edge between them
   crossed one that is placed: then nearer, or to the side, and what hangs on the node with it, unless that can stay. Edges that are placed are found by
   the cells that they run through. */
#include "modules/layout/untangle.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"
#include "modules/layout/lines.h"
#include "modules/layout/views.h"

#define NONE UINT32_MAX
#define SCALES 10 /* of an edge that is tried */
#define TURNS 15  /* directions of it */
#define COST \
    1.0 /* of a place for what hangs on the rest of a graph; dearer ones leave a gap where nobody looks for one */
#define SMALL \
    8 /* nodes of what hangs on the rest and does not cross it either: more would be squeezed into a gap of it */
#define RIGID 3.0     /* the cost of a step in length, of what is stiff */
#define HALVINGS 24   /* of an edge of a tree of its own, where nothing else helps */
#define FAN 64        /* directions then */
#define BEYOND 0.08   /* of an edge, that is kept free behind its end */
#define ASIDE 0.03    /* radians between edges of one node, or less where it has many */
#define PATIENCE 4000 /* comparisons an edge; hubs may need more, whose edges are all beside one another */
#define LONG 8        /* nodes of a leg */
#define LOOKING 256   /* of those, where it is only looked */

typedef struct tangle {
    const float *from; /* where nodes were */
    float *at;         /* where they are now */
    uint32_t nodes;
    uint32_t *parent; /* NONE: of the rest of the graph, or a root */
    uint32_t *size;   /* of what hangs on a node, itself among them */
    uint32_t *order;  /* nodes with parents, the largest first */
    uint32_t count;   /* of those */
    point *turn;      /* by which what hangs on a node is turned and scaled: a complex number */
    bool *rooted;     /* is it of a tree of its own? */
    bool *leg;        /* and of a leg of it: no node has two others behind it */
    bool *tangled;    /* does its edge, or one of its children's, cross others? */
    point *middle;    /* of what hangs on a node, as it was */
    lines placed;
    const uint64_t *first; /* of each node's neighbours, from which its degree is known */
    uint64_t moved, patience;
    bool spares_legs; /* these stay as they are */
    bool stiff;       /* edges keep their lengths, where that is possible */
} tangle;

static point at(const tangle *t, uint32_t i) { return (point){t->at[2 * (size_t)i], t->at[2 * (size_t)i + 1]}; }

static point was_at(const tangle *t, uint32_t i) { return (point){t->from[2 * (size_t)i], t->from[2 * (size_t)i + 1]}; }

static point times(point a, point b) { return (point){a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; }

static void place_edge(tangle *t, uint32_t a, uint32_t b) {
    gpumm_layout__lines_add(&t->placed, (line_ends){a, b}, at(t, a), at(t, b));
}

/* ---- Where a node can be ----------------------------------------------------------------------------------- */

/* How near two edges of a node may be, in radians. */
static double aside(const tangle *t, uint32_t i) { return fmin(ASIDE, 1 / (double)(t->first[i + 1] - t->first[i])); }

/* Do two edges of one node nearly lie on one another? */
static bool are_along(point a, point b, double aside) {
    return point_dot(a, b) > 0 && fabs(point_cross(a, b)) < aside * point_dot(a, b);
}

/* Is an edge in the way of i's? */
static bool matters(const tangle *t, const line_ends *e, uint32_t i) {
    return t->size[i] <= SMALL || t->parent[e->a] == e->b || t->parent[e->b] == e->a;
}

/* How many edges the one from i's parent to `there` would cross, counting no further than `most`. An edge that lies in several
   cells of both counts several times. */
static unsigned crossings(tangle *t, uint32_t i, point there, unsigned most) {
    uint32_t parent = t->parent[i];
    point here = at(t, parent), way = point_minus(there, here),
          end = {there.x + BEYOND * way.x, there.y + BEYOND * way.y};
    double near = aside(t, parent);
    unsigned sum = 0;
    walk w = gpumm_layout__lines_walk(&t->placed, here, end);
    do {
        for (uint32_t k = gpumm_layout__lines_first(&t->placed, &w); k != NONE; k = t->placed.entries[k].next) {
            const line_ends *e = &t->placed.entries[k].of;
            if (t->patience == 0) return sum;
            t->patience--;
            if (e->a == i || e->b == i) continue;
            if (!matters(t, e, i)) continue;
            bool met = e->a == parent || e->b == parent;
            if (met ? are_along(way, point_minus(at(t, e->a == parent ? e->b : e->a), here), near)
                    : gpumm_layout__lines_cross(here, end, at(t, e->a), at(t, e->b)))
                if (++sum >= most) return sum;
        }
    } while (gpumm_layout__walk_on(&w));
    return sum;
}

/* By how an edge is turned and scaled, a complex number. */
typedef struct choice {
    point turn;
    unsigned crossings;
} choice;

static void try(tangle *t, uint32_t i, point way, point turn, choice *best) {
    point moved = times(way, turn), here = at(t, t->parent[i]);
    unsigned sum = crossings(t, i, (point){here.x + moved.x, here.y + moved.y}, best->crossings);
    if (sum < best->crossings) *best = (choice){turn, sum};
}

static point turned(double scale, double angle) { return (point){scale * cos(angle), scale * sin(angle)}; }

typedef struct variant {
    point turn;
    double cost;
} variant;

static int compare_variants(const void *a, const void *b) {
    const variant *x = a, *y = b;
    return (x->cost > y->cost) - (x->cost < y->cost);
}

/* What is tried in turn: as it is, then ever smaller and farther to the side; what is stiff first to all sides. */
static void list_variants(variant list[SCALES * TURNS], bool stiff) {
    for (int s = 0; s < SCALES; s++)
        for (int k = 0; k < TURNS; k++) {
            double scale = pow(0.8, s), angle = 0.24 * ((k + 1) / 2) * (k % 2 ? 1 : -1);
            list[s * TURNS + k] =
                (variant){turned(scale, angle), s * (stiff ? RIGID : 0.22) + angle * angle + 1e-3 * k};
        }
    qsort(list, SCALES * TURNS, sizeof *list, compare_variants);
}

/* Ever smaller, in all directions, until there is room. */
static void squeeze(tangle *t, uint32_t i, point way, choice *best) {
    double scale = t->stiff ? 1 : 0.5;
    for (int h = 0; h < HALVINGS && best->crossings > 0; h++, scale /= 2)
        for (int k = 0; k < FAN && best->crossings > 0; k++)
            try(t, i, way, turned(scale, k * 2 * acos(-1.0) / FAN), best);
}

static point over(point a, point b) {
    point turned_back = times(a, (point){b.x, -b.y});
    return (point){turned_back.x / point_dot(b, b), turned_back.y / point_dot(b, b)};
}

/* Where it was, though its parent is elsewhere now: what hangs on it need not change. */
static bool try_back(tangle *t, uint32_t i, point way, choice *best) {
    point back = point_minus(was_at(t, i), at(t, t->parent[i]));
    double longer = point_dot(back, back) / point_dot(way, way);
    if (!(longer > 0.25 && longer < 4)) return false;
    try(t, i, way, over(back, way), best);
    return best->crossings == 0;
}

/* Towards what hangs on it: its own place may be on the wrong side of another branch. */
static void try_ahead(tangle *t, uint32_t i, point way, choice *best) {
    point ahead = point_minus(t->middle[i], at(t, t->parent[i]));
    double scale = sqrt(point_dot(way, way) / point_dot(ahead, ahead));
    if (scale > 0 && isfinite(scale)) try(t, i, way, over((point){ahead.x * scale, ahead.y * scale}, way), best);
}

static choice choose(tangle *t, const variant *variants, uint32_t i, point way) {
    choice best = {{1, 0}, UINT32_MAX};
    if (t->tangled[i] && t->leg[i]) try_ahead(t, i, way, &best);
    for (int k = 0; k < SCALES * TURNS && best.crossings > 0; k++)
        if (t->rooted[i] || variants[k].cost <= COST) try(t, i, way, variants[k].turn, &best);
    if (t->rooted[i]) squeeze(t, i, way, &best);
    return best;
}

/* What hangs on a node that had to be nearer is turned like it, and half as much smaller; what is stiff is not. */
static point relaxed(point turn, bool stiff) {
    double back = pow(point_dot(turn, turn), stiff ? -0.5 : -0.25);
    return (point){turn.x * back, turn.y * back};
}

static void move(tangle *t, uint32_t i, point to, point turn) {
    t->at[2 * (size_t)i] = (float)to.x;
    t->at[2 * (size_t)i + 1] = (float)to.y;
    t->turn[i] = turn;
    place_edge(t, t->parent[i], i);
}

static void place_node(tangle *t, const variant *variants, uint32_t i) {
    uint32_t p = t->parent[i];
    point here = at(t, p), before = was_at(t, p), way = times(point_minus(was_at(t, i), before), t->turn[p]);
    bool parent_moved = here.x != before.x || here.y != before.y;
    choice back = {{1, 0}, UINT32_MAX};
    if (parent_moved && t->leg[i] && try_back(t, i, way, &back)) {
        move(t, i, was_at(t, i), (point){1, 0});
        return;
    }
    choice best = t->spares_legs && t->leg[i] ? (choice){{1, 0}, 0} : choose(t, variants, i, way);
    point moved = times(way, best.turn);
    move(t, i, (point){here.x + moved.x, here.y + moved.y}, relaxed(times(t->turn[p], best.turn), t->stiff));
    t->moved += best.turn.x != 1 || best.turn.y != 0;
}

/* ---- Which are trees --------------------------------------------------------------------------------------- */

typedef struct rows {
    uint32_t *near;
    uint64_t *first;
    uint32_t *degree;
} rows;

/* The neighbour that is left. */
static uint32_t last_neighbour(const rows *r, const uint32_t *parent, uint32_t i) {
    for (uint64_t k = r->first[i]; k < r->first[i + 1]; k++) {
        uint32_t j = r->near[k];
        if (r->degree[j] > 0 && parent[j] != i) return j;
    }
    return NONE;
}

/* Takes leaves off until there are none: `order` gets them, each one's parent is what it hung on. */
static void peel(tangle *t, rows *r) {
    uint32_t head = 0;
    for (uint32_t i = 0; i < t->nodes; i++) {
        t->size[i] = 1;
        t->parent[i] = NONE;
        r->degree[i] = (uint32_t)(r->first[i + 1] - r->first[i]);
        if (r->degree[i] == 1) t->order[t->count++] = i;
    }
    while (head < t->count) {
        uint32_t i = t->order[head++];
        if (r->degree[i] == 0) continue; /* the last of a tree: its root */
        uint32_t p = last_neighbour(r, t->parent, i);
        t->parent[i] = p;
        t->size[p] += t->size[i];
        r->degree[i] = 0;
        if (--r->degree[p] == 1) t->order[t->count++] = p;
    }
}

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The largest first: so parents come before what hangs on them. */
static void sort_order(tangle *t, uint64_t *keys) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < t->count; k++) {
        uint32_t i = t->order[k];
        if (t->parent[i] != NONE) keys[count++] = (uint64_t)(UINT32_MAX - t->size[i]) << 32 | i;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (uint32_t k = 0; k < count; k++) t->order[k] = (uint32_t)keys[k];
    t->count = count;
}

/* ---- The call ---------------------------------------------------------------------------------------------- */

/* False where edges have no length to speak of. */
static bool make_cells(lua_State *L, tangle *t, const ends *e) { /* [-0, +(0|2), e] */
    t->patience = PATIENCE * e->edges;
    return gpumm_layout__lines_new(L, &t->placed, e, t->at);
}

/* Edges that are of no tree stay where they are. */
static void place_rest(tangle *t, const ends *e) {
    for (uint64_t k = 0; k < e->edges; k++) {
        uint32_t a = e->from[k] - 1, b = e->to[k] - 1;
        if (t->parent[a] != b && t->parent[b] != a) place_edge(t, a, b);
    }
}

/* A root of its own is left with no edge. */
static void mark_rooted(tangle *t, const rows *r) {
    for (uint32_t i = 0; i < t->nodes; i++) {
        t->turn[i] = (point){1, 0};
        t->rooted[i] = t->parent[i] == NONE && r->degree[i] == 0;
    }
    for (uint32_t k = 0; k < t->count; k++) t->rooted[t->order[k]] = t->rooted[t->parent[t->order[k]]];
}

/* From their beginning on, which is where they are long enough. */
static void mark_legs(tangle *t) {
    for (uint32_t k = t->count; k-- > 0;) {
        uint32_t i = t->order[k], behind = (uint32_t)(t->first[i + 1] - t->first[i]) - 1;
        t->leg[i] = t->rooted[i] && behind <= 1 && (behind == 0 || t->leg[i]);
        uint32_t p = t->parent[i];
        t->leg[p] = t->leg[i];
    }
    for (uint32_t k = 0; k < t->count; k++) {
        uint32_t i = t->order[k], p = t->parent[i];
        bool of_one = t->parent[p] != NONE && t->leg[p];
        t->leg[i] = t->leg[i] && (of_one || t->size[i] >= LONG);
    }
}

/* From the leaves inwards. */
static void find_middles(tangle *t) {
    for (uint32_t i = 0; i < t->nodes; i++) t->middle[i] = was_at(t, i);
    for (uint32_t k = t->count; k-- > 0;) {
        uint32_t i = t->order[k], p = t->parent[i];
        t->middle[p] = (point){t->middle[p].x + t->middle[i].x, t->middle[p].y + t->middle[i].y};
    }
    for (uint32_t i = 0; i < t->nodes; i++)
        t->middle[i] = (point){t->middle[i].x / t->size[i], t->middle[i].y / t->size[i]};
}

static void find_trees(lua_State *L, tangle *t, const ends *e) { /* [-0, +12, e] */
    rows r = {gpumm_layout__lines_scratch(L, 2 * e->edges, sizeof(uint32_t)),
              gpumm_layout__lines_scratch(L, (uint64_t)t->nodes + 1, sizeof(uint64_t)),
              gpumm_layout__lines_scratch(L, t->nodes, sizeof(uint32_t))};
    gpumm_layout__rows_of(e, r.near, NULL, r.first);
    t->first = r.first;
    t->parent = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->parent);
    t->size = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->size);
    t->order = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->order);
    t->turn = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->turn);
    t->rooted = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->rooted);
    t->tangled = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->tangled);
    t->leg = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->leg);
    t->middle = gpumm_layout__lines_scratch(L, t->nodes, sizeof *t->middle);
    peel(t, &r);
    sort_order(t, gpumm_layout__lines_scratch(L, t->nodes, sizeof(uint64_t)));
    mark_rooted(t, &r);
    mark_legs(t);
    find_middles(t);
}

/* Of legs; where they are so crowded that it takes long, of a part of them. */
static void mark_tangled(tangle *t, const ends *e) {
    uint64_t patience = t->patience;
    t->patience = LOOKING * e->edges;
    for (uint32_t k = 0; k < t->count; k++) place_edge(t, t->parent[t->order[k]], t->order[k]);
    for (uint32_t k = 0; k < t->count && t->patience > 0; k++) {
        uint32_t i = t->order[k];
        if (t->leg[i] && crossings(t, i, at(t, i), 1) > 0) t->tangled[i] = t->tangled[t->parent[i]] = true;
    }
    t->patience = patience;
    gpumm_layout__lines_clear(&t->placed);
}

static void place_trees(lua_State *L, tangle *t, const ends *e) { /* [-0, +(0|2), e] */
    variant variants[SCALES * TURNS];
    if (t->count == 0 || !make_cells(L, t, e)) return;
    list_variants(variants, t->stiff);
    mark_tangled(t, e);
    place_rest(t, e);
    for (uint32_t k = 0; k < t->count; k++) place_node(t, variants, t->order[k]);
}

static int layout_untangle(lua_State *L) {
    ends e = gpumm_layout__ends_at(L, 1);
    gpumm_lua_view view = gpumm_layout__view_at(L, 4, "f32x2");
    luaL_argcheck(L, view.count == e.nodes, 4, "there is a position for each node");
    luaL_checkstack(L, 20, NULL);
    tangle t = {.from = view.bytes,
                .nodes = e.nodes,
                .patience = 1,
                .stiff = lua_toboolean(L, 5),
                .spares_legs = lua_toboolean(L, 6)};
    t.at = gpumm_lua_push_view(L, "f32x2", e.nodes);
    int result = lua_gettop(L);
    memcpy(t.at, t.from, (size_t)e.nodes * 2 * sizeof *t.at);
    if (e.edges > 0 && e.edges < LINES_MOST) {
        find_trees(L, &t, &e);
        place_trees(L, &t, &e);
    }
    if (t.patience == 0) return 0;
    lua_settop(L, result);
    lua_pushinteger(L, (lua_Integer)t.moved);
    return 2;
}

void gpumm_layout__open_untangle(lua_State *L) {
    lua_pushcfunction(L, layout_untangle);
    lua_setfield(L, -2, "untangle");
}
