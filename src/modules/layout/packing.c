/* SPDX-License-Identifier: MIT */
/*
 * Each group of nodes, with its edges, is a set of cells of one raster: those near to a node or to an edge, and those that
 * they surround. The largest lies in the middle; each further one, the larger first, takes the first free place
 * on rectangles around it that have the picture's proportions, or are as wide as it is. Groups about as large go on
 * looking where the last one was placed, so that many small ones take no time.
 */
#include "modules/layout/packing.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/views.h"
#include "modules/layout/work.h"

enum {
    FINE = 512,      /* cells of the largest group's longer side */
    KINDS = 32,      /* of size */
    OUT = 7,         /* numbers a group */
    MARKS = 1 << 20, /* along edges, of a group */
};

static const double LONGER = 1.15; /* times one way than the other, and a group is turned */
static const double LIKE = 0.9,
                    ENLARGED = 3; /* of the mean edge is what a group is enlarged to, so many times at most */

typedef struct run { /* cells of a row that a shape takes, about its middle */
    int y, first, last;
} run;

typedef struct shape {
    double x0, y0, x1, y1;                /* its box, turned */
    double mx, my, mz, xx, xy, yy, count; /* its middle, and how it is spread */
    double cosine, sine, scale;
    double length, flat, edges; /* of all its edges together; the same without z; how many they are */
    run *runs;
    size_t run_count, cells;
    int width, height; /* cells */
    int at_x, at_y;
} shape;

typedef struct field { /* what is taken: rows of bytes about the middle */
    unsigned char *taken;
    int half_width, half_height;
} field;

typedef struct cursor { /* where a kind of shapes looks next: a rectangle, and how far from the middle of its sides */
    int ring, along;
} cursor;

typedef struct ranked { /* a group, and how large it is */
    size_t cells;
    uint64_t group;
} ranked;

typedef struct packing {
    work w;
    const float *at;
    unsigned lanes;
    const uint32_t *group, *row, *near;
    const float *radius;
    uint64_t nodes, groups;
    double gap, aspect, cell;
    int least_wide; /* half of a rectangle's width, where a group is longer than a picture */
    shape *shapes;
    ranked *order;            /* the largest first */
    uint64_t *first, *member; /* of each group */
    field field;
} packing;

static _Noreturn void no_memory(lua_State *L) {
    luaL_error(L, "there is no memory to put the components side by side");
    abort();
}

/* ---- Groups ------------------------------------------------------------------------------------------- */

static void list_members(lua_State *L, packing *p) {
    p->first = gpumm_layout__work_scratch(L, p->groups + 1, sizeof *p->first);
    p->member = gpumm_layout__work_scratch(L, p->nodes, sizeof *p->member);
    for (uint64_t i = 0; i < p->nodes; i++) p->first[p->group[i] + 1]++;
    for (uint64_t g = 0; g < p->groups; g++) p->first[g + 1] += p->first[g];
    uint64_t *next = gpumm_layout__work_scratch(L, p->groups, sizeof *next);
    memcpy(next, p->first, p->groups * sizeof *next);
    for (uint64_t i = 0; i < p->nodes; i++) p->member[next[p->group[i]]++] = i;
    lua_pop(L, 1);
}

static void spread_of(const packing *p, uint64_t g, shape *s) {
    for (uint64_t k = p->first[g]; k < p->first[g + 1]; k++) {
        const float *at = p->at + p->member[k] * p->lanes;
        s->mx += at[0];
        s->my += at[1];
        if (p->lanes > 2) s->mz += at[2];
        s->count++;
    }
    s->mx /= s->count;
    s->my /= s->count;
    s->mz /= s->count;
    for (uint64_t k = p->first[g]; k < p->first[g + 1]; k++) {
        const float *at = p->at + p->member[k] * p->lanes;
        s->xx += (at[0] - s->mx) * (at[0] - s->mx);
        s->xy += (at[0] - s->mx) * (at[1] - s->my);
        s->yy += (at[1] - s->my) * (at[1] - s->my);
    }
}

/* So that the longer axis lies flat. */
static void turn_shape(shape *s) {
    double half = (s->xx - s->yy) / 2, root = sqrt(half * half + s->xy * s->xy), mean = (s->xx + s->yy) / 2;
    if (!(mean + root > LONGER * LONGER * (mean - root))) return;
    double angle = 0.5 * atan2(s->xy, half);
    s->cosine = cos(angle);
    s->sine = -sin(angle);
}

/* A node about its group's middle, turned. */
static void place_of(const packing *p, const shape *s, uint64_t i, double *x, double *y) {
    const float *at = p->at + i * p->lanes;
    double dx = at[0] - s->mx, dy = at[1] - s->my;
    *x = s->scale * (s->cosine * dx - s->sine * dy);
    *y = s->scale * (s->sine * dx + s->cosine * dy);
}

/* The box, and the middle is moved to its. */
static void box_of(const packing *p, uint64_t g, shape *s) {
    double x, y;
    s->x0 = s->y0 = HUGE_VAL;
    s->x1 = s->y1 = -HUGE_VAL;
    for (uint64_t k = p->first[g]; k < p->first[g + 1]; k++) {
        double radius = p->radius ? p->radius[p->member[k]] : 0;
        place_of(p, s, p->member[k], &x, &y);
        s->x0 = fmin(s->x0, x - radius);
        s->x1 = fmax(s->x1, x + radius);
        s->y0 = fmin(s->y0, y - radius);
        s->y1 = fmax(s->y1, y + radius);
    }
    x = (s->x0 + s->x1) / 2;
    y = (s->y0 + s->y1) / 2;
    s->mx += (s->cosine * x + s->sine * y) / s->scale;
    s->my += (s->cosine * y - s->sine * x) / s->scale;
    s->x1 -= x;
    s->y1 -= y;
    s->x0 -= x;
    s->y0 -= y;
}

/* ---- Shapes ------------------------------------------------------------------------------------------- */

typedef struct raster { /* one shape's cells, with an empty border; cell (0, 0) is the middle */
    unsigned char *cell;
    int half_width, half_height;
} raster;

static unsigned char *raster_at(const raster *r, int x, int y) {
    return r->cell + (size_t)(y + r->half_height) * (size_t)(2 * r->half_width + 1) + (size_t)(x + r->half_width);
}

static int cell_of(double v, double cell) { return (int)floor(v / cell + 0.5); }

/* What a shape keeps around it: more where it has neighbours of neighbours, for those shall be nearer than what is beside. */
static double margin_of(const packing *p, const shape *s) { return s->count > 2 ? p->gap : p->gap / 2; }

/* Every cell that a disc touches. */
static void mark_disc(const packing *p, const raster *r, double x, double y, double radius) {
    int y0 = cell_of(y - radius, p->cell), y1 = cell_of(y + radius, p->cell);
    for (int v = y0; v <= y1; v++) {
        double away = fmax(0, fmax((v - 0.5) * p->cell - y, y - (v + 0.5) * p->cell));
        double half = sqrt(fmax(0, radius * radius - away * away));
        for (int u = cell_of(x - half, p->cell); u <= cell_of(x + half, p->cell); u++) *raster_at(r, u, v) = 1;
    }
}

/* How far apart discs are along an edge. */
static double step_of(const packing *p) { return fmax(p->cell, p->gap / 2); }

static int steps_of(const packing *p, double x, double y, double u, double v) {
    return (int)(hypot(u - x, v - y) / step_of(p)) + 1;
}

static void mark_edge(const packing *p, const raster *r, const shape *s, uint64_t i, uint64_t j) {
    double x, y, u, v;
    place_of(p, s, i, &x, &y);
    place_of(p, s, j, &u, &v);
    int steps = steps_of(p, x, y, u, v);
    for (int k = 1; k < steps; k++) mark_disc(p, r, x + (u - x) * k / steps, y + (v - y) * k / steps, margin_of(p, s));
}

/* Of how many edges one is marked: where they are so many that they fill what is between the nodes, each would cost more than
   all the rest of a start. */
static uint64_t stride_of(const packing *p, const shape *s) {
    double discs = s->scale * s->flat / step_of(p) + s->edges;
    return (uint64_t)fmin(discs / MARKS, s->edges) + 1;
}

static void mark_all(const packing *p, const raster *r, uint64_t g, const shape *s) {
    uint64_t stride = stride_of(p, s), edge = 0;
    for (uint64_t k = p->first[g]; k < p->first[g + 1]; k++) {
        uint64_t i = p->member[k];
        double x, y;
        place_of(p, s, i, &x, &y);
        mark_disc(p, r, x, y, margin_of(p, s) + (p->radius ? p->radius[i] : 0));
        for (uint32_t e = p->row[i]; e < p->row[i + 1] && p->near[e] < i; e++)
            if (edge++ % stride == 0) mark_edge(p, r, s, i, p->near[e]);
    }
}

/* What cannot be reached from the border is the shape's: others do not go there. */
static void fill_holes(const raster *r, int *stack) {
    int w = r->half_width, h = r->half_height;
    size_t top = 0;
    stack[top++] = -w;
    stack[top++] = -h;
    *raster_at(r, -w, -h) = 2;
    while (top > 0) {
        int y = stack[--top], x = stack[--top];
        static const int step[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
        for (int k = 0; k < 4; k++) {
            int u = x + step[k][0], v = y + step[k][1];
            if (u < -w || u > w || v < -h || v > h || *raster_at(r, u, v)) continue;
            *raster_at(r, u, v) = 2;
            stack[top++] = u;
            stack[top++] = v;
        }
    }
}

/* Rows of cells as runs; without `runs` they are counted. */
static size_t runs_of(const raster *r, run *runs, size_t *cells) {
    size_t count = 0;
    for (int y = -r->half_height; y <= r->half_height; y++)
        for (int x = -r->half_width; x <= r->half_width; x++) {
            if (*raster_at(r, x, y) == 2) continue;
            int first = x;
            while (x < r->half_width && *raster_at(r, x + 1, y) != 2) x++;
            if (runs) runs[count] = (run){y, first, x};
            *cells += (size_t)(x - first + 1);
            count++;
        }
    return count;
}

/* Its runs stay; what it took to find them goes. */
static void trace_shape(packing *p, uint64_t g) {
    shape *s = p->shapes + g;
    raster r;
    r.half_width = (int)((s->x1 + margin_of(p, s)) / p->cell) + 2;
    r.half_height = (int)((s->y1 + margin_of(p, s)) / p->cell) + 2;
    size_t cells = (size_t)(2 * r.half_width + 1) * (size_t)(2 * r.half_height + 1), unused = 0;
    s->width = 2 * r.half_width - 1;
    s->height = 2 * r.half_height - 1;
    r.cell = gpumm_layout__work_array(&p->w, NULL, cells, 1);
    int *stack = gpumm_layout__work_array(&p->w, NULL, cells, 2 * sizeof *stack);
    s->run_count = 0;
    if (r.cell && stack) {
        memset(r.cell, 0, cells);
        mark_all(p, &r, g, s);
        fill_holes(&r, stack);
        s->run_count = runs_of(&r, NULL, &unused);
        s->runs = gpumm_layout__work_array(&p->w, NULL, s->run_count, sizeof *s->runs);
        if (s->runs) runs_of(&r, s->runs, &s->cells);
    }
    gpumm_layout__work_free(&p->w, r.cell);
    gpumm_layout__work_free(&p->w, stack);
}

/* ---- Places ------------------------------------------------------------------------------------------- */

static unsigned char *field_at(const field *f, int x, int y) {
    return f->taken + (size_t)(y + f->half_height) * (size_t)(2 * f->half_width + 1) + (size_t)(x + f->half_width);
}

static bool fits(const field *f, const shape *s, int x, int y) {
    for (size_t k = 0; k < s->run_count; k++) {
        const run *r = s->runs + k;
        if (memchr(field_at(f, x + r->first, y + r->y), 1, (size_t)(r->last - r->first + 1))) return false;
    }
    return true;
}

static void take(const field *f, shape *s, int x, int y) {
    s->at_x = x;
    s->at_y = y;
    for (size_t k = 0; k < s->run_count; k++) {
        const run *r = s->runs + k;
        memset(field_at(f, x + r->first, y + r->y), 1, (size_t)(r->last - r->first + 1));
    }
}

/* Half the width of a rectangle of that half height: in a picture's proportions, but no less than what is longer than those. */
static int wide_of(const packing *p, int half_height) {
    int wide = (int)(p->aspect * half_height + 0.5);
    return wide > p->least_wide ? wide : p->least_wide;
}

/* A field with room for a rectangle of that half height and what lies on it; what was taken stays so. */
static bool widen(packing *p, int half_height, int room) {
    field old = p->field, *f = &p->field;
    if (old.taken && half_height + room <= old.half_height) return true;
    f->half_height = (half_height + room) * 5 / 4 + 16;
    f->half_width = wide_of(p, f->half_height) + room + 16;
    if (f->half_width < old.half_width) f->half_width = old.half_width;
    size_t cells = (size_t)(2 * f->half_width + 1) * (size_t)(2 * f->half_height + 1);
    f->taken = gpumm_layout__work_array(&p->w, NULL, cells, 1);
    if (!f->taken) {
        *f = old;
        return false;
    }
    memset(f->taken, 0, cells);
    for (int y = -old.half_height; old.taken && y <= old.half_height; y++)
        memcpy(field_at(f, -old.half_width, y), field_at(&old, -old.half_width, y), (size_t)(2 * old.half_width + 1));
    gpumm_layout__work_free(&p->w, old.taken);
    return true;
}

/* The four (eight) places of a rectangle that are `along` from the middle of its sides; the first that is free. */
static bool try_places(const packing *p, shape *s, int ring, int along) {
    int wide = wide_of(p, ring);
    for (int k = 0; k < 8; k++) {
        int sign = k & 1 ? -1 : 1, t = k & 2 ? -along : along, x = k & 4 ? t : sign * wide, y = k & 4 ? sign * ring : t;
        if ((k & 4 ? along > wide : along > ring) || !fits(&p->field, s, x, y)) continue;
        take(&p->field, s, x, y);
        return true;
    }
    return false;
}

static int kind_of(const shape *s) {
    int kind = 0;
    for (int size = s->width > s->height ? s->width : s->height; size > 1 && kind < KINDS - 1; size /= 2) kind++;
    return kind;
}

static bool seat(packing *p, shape *s, cursor *at) {
    int less = s->width < s->height ? s->width : s->height, more = s->width + s->height - less, step = 1 + less / 8;
    for (;; at->ring += step, at->along = 0) {
        if (!widen(p, at->ring, more)) return false;
        for (int wide = wide_of(p, at->ring); at->along <= wide; at->along += step)
            if (try_places(p, s, at->ring, at->along)) return true;
    }
}

static int by_cells(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->cells != y->cells) return x->cells < y->cells ? 1 : -1;
    return (x->group > y->group) - (x->group < y->group);
}

/* Beside what is longer than a picture the others have its whole length. */
static void use_length(packing *p, const shape *largest) {
    if (largest->width > p->aspect * largest->height) p->least_wide = largest->width / 2;
}

static bool seat_all(packing *p) {
    cursor cursors[KINDS] = {{0, 0}};
    for (uint64_t k = 0; k < p->groups; k++) {
        shape *s = p->shapes + p->order[k].group;
        if (!s->runs || !seat(p, s, cursors + kind_of(s))) return false;
        if (k == 0) use_length(p, s);
    }
    return true;
}

/* ---- The call ------------------------------------------------------------------------------------------ */

static void measure_edge(const packing *p, shape *s, uint64_t i, uint64_t j) {
    const float *a = p->at + i * p->lanes, *b = p->at + j * p->lanes;
    double dx = (double)a[0] - b[0], dy = (double)a[1] - b[1], dz = p->lanes > 2 ? (double)a[2] - b[2] : 0;
    s->flat += sqrt(dx * dx + dy * dy);
    s->length += sqrt(dx * dx + dy * dy + dz * dz);
    s->edges++;
}

static void measure_edges(const packing *p, uint64_t g) {
    for (uint64_t k = p->first[g]; k < p->first[g + 1]; k++) {
        uint64_t i = p->member[k];
        for (uint32_t e = p->row[i]; e < p->row[i + 1] && p->near[e] < i; e++)
            measure_edge(p, p->shapes + g, i, p->near[e]);
    }
}

/* Of all groups; 0: there are none. */
static double mean_length(const packing *p) {
    double length = 0, edges = 0;
    for (uint64_t g = 0; g < p->groups; g++) {
        length += p->shapes[g].length;
        edges += p->shapes[g].edges;
    }
    return edges > 0 ? length / edges : 0;
}

/* Between two groups: as long as an edge is in the mean, or less where the nodes of the first are closer than that. */
static double gap_of(const packing *p, double mean) {
    const shape *s = p->shapes;
    double gap = mean > 0 ? mean : 1, close = hypot(s->x1 - s->x0, s->y1 - s->y0) / sqrt(s->count);
    if (close > 0 && close < gap) gap = close;
    return gap > 0 && isfinite(gap) ? gap : 1;
}

/* Few nodes are pushed by few, so that their edges are shorter than others': they become about as long. */
static double scale_of(const shape *s, double mean) {
    double longer = s->length > 0 ? LIKE * mean * s->edges / s->length : 1;
    return fmin(fmax(longer, 1), ENLARGED);
}

static void measure(packing *p, bool turn, bool scale) {
    double longest = 0;
    for (uint64_t g = 0; g < p->groups; g++) measure_edges(p, g);
    double mean = mean_length(p);
    for (uint64_t g = 0; g < p->groups; g++) {
        shape *s = p->shapes + g;
        if (p->first[g] == p->first[g + 1]) continue;
        if (scale) s->scale = scale_of(s, mean);
        spread_of(p, g, s);
        if (turn) turn_shape(s);
        box_of(p, g, s);
        longest = fmax(longest, fmax(s->x1 - s->x0, s->y1 - s->y0));
    }
    p->gap = gap_of(p, mean);
    p->cell = fmax(p->gap / 2, longest / FINE);
}

static void check_rows(lua_State *L, const packing *p, uint64_t entries) {
    luaL_argcheck(L, p->row[0] == 0 && p->row[p->nodes] <= entries, 4, "there is a row for each node");
    for (uint64_t i = 0; i < p->nodes; i++) {
        luaL_argcheck(L, p->group[i] < p->groups, 2, "there is no such group");
        luaL_argcheck(L, p->row[i] <= p->row[i + 1], 4, "a row begins where the one before it ends");
    }
    for (uint64_t k = 0; k < p->row[p->nodes]; k++) luaL_argcheck(L, p->near[k] < p->nodes, 5, "there is no such node");
}

static void read_arguments(lua_State *L, packing *p) {
    gpumm_lua_view at = gpumm_layout__points_at(L, 1);
    gpumm_lua_view group = gpumm_layout__view_at(L, 2, "u32");
    gpumm_lua_view row = gpumm_layout__view_at(L, 4, "u32");
    gpumm_lua_view near = gpumm_layout__view_at(L, 5, "u32");
    p->at = at.bytes;
    p->lanes = (unsigned)gpumm_type_lanes(at.type);
    p->nodes = at.count;
    p->group = group.bytes;
    p->row = row.bytes;
    p->near = near.bytes;
    p->groups = (uint64_t)luaL_checkinteger(L, 3);
    luaL_argcheck(L, p->nodes > 0, 1, "there are no positions");
    luaL_argcheck(L, group.count >= p->nodes && p->groups <= p->nodes, 2, "there is a group for each node");
    luaL_argcheck(L, row.count > p->nodes, 4, "there is a row for each node");
    check_rows(L, p, near.count);
    if (!lua_isnoneornil(L, 6)) {
        gpumm_lua_view radii = gpumm_layout__view_at(L, 6, "f32");
        luaL_argcheck(L, radii.count >= p->nodes, 6, "there is a radius for each node");
        p->radius = radii.bytes;
    }
    p->aspect = luaL_checknumber(L, 7);
    luaL_argcheck(L, p->aspect > 0.01 && p->aspect < 100, 7, "an aspect is about 1");
}

static bool pack_shapes(packing *p) {
    for (uint64_t g = 0; g < p->groups; g++) {
        if (p->first[g] < p->first[g + 1]) trace_shape(p, g);
        if (!p->shapes[g].runs) return false;
        p->order[g] = (ranked){p->shapes[g].cells, g};
    }
    qsort(p->order, (size_t)p->groups, sizeof *p->order, by_cells);
    return seat_all(p);
}

/* A layout that has burst is left as it is. */
static bool are_finite(const packing *p) {
    for (uint64_t k = 0; k < p->nodes * p->lanes; k++)
        if (!(fabs(p->at[k]) < 1e18F)) return false;
    for (uint64_t i = 0; p->radius && i < p->nodes; i++)
        if (!(p->radius[i] >= 0 && p->radius[i] < 1e18F)) return false;
    return true;
}

/* Where all is to go; false: there is no memory. */
static bool find_places(packing *p, bool turn, bool scale) {
    for (uint64_t g = 0; g < p->groups; g++) p->shapes[g].cosine = p->shapes[g].scale = 1;
    if (!are_finite(p)) { return true; }
    measure(p, turn, scale);
    return p->groups == 1 || pack_shapes(p);
}

static int packing_packed(lua_State *L) {
    packing p = {0};
    lua_settop(L, 9);
    luaL_checkstack(L, 16, "components");
    read_arguments(L, &p);
    p.shapes = gpumm_layout__work_scratch(L, p.groups, sizeof *p.shapes);
    p.order = gpumm_layout__work_scratch(L, p.groups, sizeof *p.order);
    list_members(L, &p);
    float *out = gpumm_lua_push_view(L, "f32", OUT * p.groups);
    gpumm_layout__work_begin(&p.w, L, NULL, 0, 1);
    bool done = find_places(&p, lua_toboolean(L, 8), lua_toboolean(L, 9));
    for (uint64_t g = 0; g < p.groups; g++) {
        const shape *s = p.shapes + g;
        const double of[OUT] = {s->scale * s->cosine, s->scale * s->sine, s->mx, s->my, s->mz,
                                s->at_x * p.cell,     s->at_y * p.cell};
        for (int k = 0; k < OUT; k++) out[OUT * g + (uint64_t)k] = (float)of[k];
        gpumm_layout__work_free(&p.w, s->runs);
    }
    gpumm_layout__work_free(&p.w, p.field.taken);
    gpumm_layout__work_end();
    if (!done) no_memory(L);
    return 1;
}

void gpumm_layout__open_packing(lua_State *L) {
    lua_pushcfunction(L, packing_packed);
    lua_setfield(L, -2, "packed");
}
