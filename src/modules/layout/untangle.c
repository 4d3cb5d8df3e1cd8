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

#define NONE UINT32_MAX
#define CELLS 8   /* an edge, on average at most: 3, and what it is longer than the mean */
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
#define FARTHEST 1e9  /* cells: further counts as that far */
#define PATIENCE 4000 /* comparisons an edge; hubs may need more, whose edges are all beside one another */
#define LONG 8        /* nodes of a leg */
#define LOOKING 256   /* of those, where it is only looked */

typedef struct point {
    double x, y;
} point;

/* An edge that is placed, and the next one of its cell. */
typedef struct entry {
    uint32_t a, b, next;
} entry;

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
    uint32_t *head;   /* of every cell's list */
    entry *entries;
    uint32_t used, room;
    unsigned bits;
    double per_cell;
    const uint64_t *first; /* of each node's neighbours, from which its degree is known */
    uint64_t moved, patience;
    bool spares_legs; /* these stay as they are */
    bool stiff;       /* edges keep their lengths, where that is possible */
} tangle;

static point at(const tangle *t, uint32_t i) { return (point){t->at[2 * (size_t)i], t->at[2 * (size_t)i + 1]}; }

static point was_at(const tangle *t, uint32_t i) { return (point){t->from[2 * (size_t)i], t->from[2 * (size_t)i + 1]}; }

static point minus(point a, point b) { return (point){a.x - b.x, a.y - b.y}; }

static point times(point a, point b) { return (point){a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; }

static double cross(point a, point b) { return a.x * b.y - a.y * b.x; }

static double dot(point a, point b) { return a.x * b.x + a.y * b.y; }

/* ---- What is placed, by cells ------------------------------------------------------------------------------ */

/* The cells that a line runs through, column by column. */
typedef struct walk {
    double x0, y0, x1, y1;
    int64_t x, last_x, y, last_y;
} walk;

static double height_at(const walk *w, double x) {
    if (x <= w->x0) return w->y0;
    if (x >= w->x1) return w->y1;
    return w->y0 + (w->y1 - w->y0) * ((x - w->x0) / (w->x1 - w->x0));
}

static void enter_column(walk *w) {
    double a = height_at(w, (double)w->x), b = height_at(w, (double)w->x + 1);
    w->y = (int64_t)floor(fmin(a, b));
    w->last_y = (int64_t)floor(fmax(a, b));
}

static double in_cells(const tangle *t, double v) { return fmin(fmax(v * t->per_cell, -FARTHEST), FARTHEST); }

static walk walk_along(const tangle *t, point a, point b) {
    point left = a.x <= b.x ? a : b, right = a.x <= b.x ? b : a;
    walk w = {
        .x0 = in_cells(t, left.x), .y0 = in_cells(t, left.y), .x1 = in_cells(t, right.x), .y1 = in_cells(t, right.y)};
    w.x = (int64_t)floor(w.x0);
    w.last_x = (int64_t)floor(w.x1);
    enter_column(&w);
    return w;
}

static bool walk_on(walk *w) {
    if (w->y < w->last_y) {
        w->y++;
        return true;
    }
    if (w->x >= w->last_x) return false;
    w->x++;
    enter_column(w);
    return true;
}

static uint32_t *cell_of(const tangle *t, const walk *w) {
    uint32_t h = (uint32_t)w->x * 0x9e3779b1u ^ ((uint32_t)w->y * 0x85ebca6bu + 0x7feb352du);
    h = (h ^ h >> 15) * 0x846ca68bu;
    return t->head + (h >> (32 - t->bits));
}

static void place_edge(tangle *t, uint32_t a, uint32_t b) {
    walk w = walk_along(t, at(t, a), at(t, b));
    do {
        if (t->used == t->room) return;
        uint32_t *cell = cell_of(t, &w);
        t->entries[t->used] = (entry){a, b, *cell};
        *cell = t->used++;
    } while (walk_on(&w));
}

/* ---- Where a node can be ----------------------------------------------------------------------------------- */

static bool cross_each_other(point a, point b, point c, point d) {
    point ab = minus(b, a), cd = minus(d, c);
    return cross(ab, minus(c, a)) * cross(ab, minus(d, a)) <= 0 && cross(cd, minus(a, c)) * cross(cd, minus(b, c)) <= 0;
}

/* How near two edges of a node may be, in radians. */
static double aside(const tangle *t, uint32_t i) { return fmin(ASIDE, 1 / (double)(t->first[i + 1] - t->first[i])); }

/* Do two edges of one node nearly lie on one another? */
static bool are_along(point a, point b, double aside) { return dot(a, b) > 0 && fabs(cross(a, b)) < aside * dot(a, b); }

/* Is an edge in the way of i's? */
static bool matters(const tangle *t, const entry *e, uint32_t i) {
    return t->size[i] <= SMALL || t->parent[e->a] == e->b || t->parent[e->b] == e->a;
}

/* How many edges the one from i's parent to `there` would cross, counting no further than `most`. An edge that lies in several
   cells of both counts several times. */
static unsigned crossings(tangle *t, uint32_t i, point there, unsigned most) {
    uint32_t parent = t->parent[i];
    point here = at(t, parent), way = minus(there, here), end = {there.x + BEYOND * way.x, there.y + BEYOND * way.y};
    double near = aside(t, parent);
    unsigned sum = 0;
    walk w = walk_along(t, here, end);
    do {
        for (uint32_t k = *cell_of(t, &w); k != NONE; k = t->entries[k].next) {
            const entry *e = t->entries + k;
            if (t->patience == 0) return sum;
            t->patience--;
            if (e->a == i || e->b == i) continue;
            if (!matters(t, e, i)) continue;
            bool met = e->a == parent || e->b == parent;
            if (met ? are_along(way, minus(at(t, e->a == parent ? e->b : e->a), here), near)
                    : cross_each_other(here, end, at(t, e->a), at(t, e->b)))
                if (++sum >= most) return sum;
        }
    } while (walk_on(&w));
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
    return (point){turned_back.x / dot(b, b), turned_back.y / dot(b, b)};
}

/* Where it was, though its parent is elsewhere now: what hangs on it need not change. */
static bool try_back(tangle *t, uint32_t i, point way, choice *best) {
    point back = minus(was_at(t, i), at(t, t->parent[i]));
    double longer = dot(back, back) / dot(way, way);
    if (!(longer > 0.25 && longer < 4)) return false;
    try(t, i, way, over(back, way), best);
    return best->crossings == 0;
}

/* Towards what hangs on it: its own place may be on the wrong side of another branch. */
static void try_ahead(tangle *t, uint32_t i, point way, choice *best) {
    point ahead = minus(t->middle[i], at(t, t->parent[i]));
    double scale = sqrt(dot(way, way) / dot(ahead, ahead));
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
    double back = pow(dot(turn, turn), stiff ? -0.5 : -0.25);
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
    point here = at(t, p), before = was_at(t, p), way = times(minus(was_at(t, i), before), t->turn[p]);
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

static void *scratch(lua_State *L, uint64_t count, size_t size) { /* [-0, +1, e] */
    return memset(lua_newuserdatauv(L, (size_t)count * size + 1, 0), 0, (size_t)count * size + 1);
}

static double mean_length(const tangle *t, const ends *e) {
    double sum = 0;
    for (uint64_t k = 0; k < e->edges; k++) {
        point way = minus(at(t, e->from[k] - 1), at(t, e->to[k] - 1));
        sum += sqrt(dot(way, way));
    }
    return sum / (double)e->edges;
}

/* False where edges have no length to speak of. */
static bool make_cells(lua_State *L, tangle *t, const ends *e) { /* [-0, +(0|2), e] */
    double length = mean_length(t, e);
    if (!(length > 1e-30 && length < 1e30)) return false;
    t->per_cell = 1 / length;
    t->bits = 4;
    while (t->bits < 30 && (uint64_t)1 << t->bits < 2 * e->edges) t->bits++;
    t->head = scratch(L, (uint64_t)1 << t->bits, sizeof *t->head);
    memset(t->head, 0xff, ((size_t)1 << t->bits) * sizeof *t->head);
    t->room = (uint32_t)(CELLS * e->edges);
    t->entries = scratch(L, t->room, sizeof *t->entries);
    t->patience = PATIENCE * e->edges;
    return true;
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
    rows r = {scratch(L, 2 * e->edges, sizeof(uint32_t)), scratch(L, (uint64_t)t->nodes + 1, sizeof(uint64_t)),
              scratch(L, t->nodes, sizeof(uint32_t))};
    gpumm_layout__rows_of(e, r.near, NULL, r.first);
    t->first = r.first;
    t->parent = scratch(L, t->nodes, sizeof *t->parent);
    t->size = scratch(L, t->nodes, sizeof *t->size);
    t->order = scratch(L, t->nodes, sizeof *t->order);
    t->turn = scratch(L, t->nodes, sizeof *t->turn);
    t->rooted = scratch(L, t->nodes, sizeof *t->rooted);
    t->tangled = scratch(L, t->nodes, sizeof *t->tangled);
    t->leg = scratch(L, t->nodes, sizeof *t->leg);
    t->middle = scratch(L, t->nodes, sizeof *t->middle);
    peel(t, &r);
    sort_order(t, scratch(L, t->nodes, sizeof(uint64_t)));
    mark_rooted(t, &r);
    mark_legs(t);
    find_middles(t);
}

static void forget_edges(tangle *t) {
    memset(t->head, 0xff, ((size_t)1 << t->bits) * sizeof *t->head);
    t->used = 0;
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
    forget_edges(t);
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
    gpumm_lua_view view;
    ends e = gpumm_layout__ends_at(L, 1);
    if (!gpumm_lua_to_view(L, 4, &view) || strcmp(gpumm_type_name(view.type), "f32x2") != 0 || view.count != e.nodes)
        return luaL_error(L, "positions are a view of f32x2, one a node");
    luaL_checkstack(L, 20, NULL);
    tangle t = {.from = view.bytes,
                .nodes = e.nodes,
                .patience = 1,
                .stiff = lua_toboolean(L, 5),
                .spares_legs = lua_toboolean(L, 6)};
    t.at = gpumm_lua_push_view(L, "f32x2", e.nodes);
    int result = lua_gettop(L);
    memcpy(t.at, t.from, (size_t)e.nodes * 2 * sizeof *t.at);
    if (e.edges > 0 && e.edges < UINT32_MAX / CELLS) {
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
