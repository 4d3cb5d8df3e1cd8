/* SPDX-License-Identifier: MIT */
/* A cell's list is found by a hash of its place, so that far ones need no room: lists may have lines of several cells. */
#include "modules/layout/lines.h"

#include <math.h>
#include <string.h>

#define NONE UINT32_MAX
#define CELLS 8      /* a line, on average at most: 3, and what it is longer than the mean */
#define FARTHEST 1e9 /* cells: further counts as that far */

bool gpumm_layout__lines_cross(point a, point b, point c, point d) {
    point ab = point_minus(b, a), cd = point_minus(d, c);
    return point_cross(ab, point_minus(c, a)) * point_cross(ab, point_minus(d, a)) <= 0 &&
           point_cross(cd, point_minus(a, c)) * point_cross(cd, point_minus(b, c)) <= 0;
}

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

static double in_cells(const lines *l, double v) { return fmin(fmax(v * l->per_cell, -FARTHEST), FARTHEST); }

walk gpumm_layout__lines_walk(const lines *l, point a, point b) {
    point left = a.x <= b.x ? a : b, right = a.x <= b.x ? b : a;
    walk w = {
        .x0 = in_cells(l, left.x), .y0 = in_cells(l, left.y), .x1 = in_cells(l, right.x), .y1 = in_cells(l, right.y)};
    w.x = (int64_t)floor(w.x0);
    w.last_x = (int64_t)floor(w.x1);
    enter_column(&w);
    return w;
}

bool gpumm_layout__walk_on(walk *w) {
    if (w->y < w->last_y) {
        w->y++;
        return true;
    }
    if (w->x >= w->last_x) return false;
    w->x++;
    enter_column(w);
    return true;
}

static uint32_t *cell_of(const lines *l, const walk *w) {
    uint32_t h = (uint32_t)w->x * 0x9e3779b1u ^ ((uint32_t)w->y * 0x85ebca6bu + 0x7feb352du);
    h = (h ^ h >> 15) * 0x846ca68bu;
    return l->head + (h >> (32 - l->bits));
}

uint32_t gpumm_layout__lines_first(const lines *l, const walk *w) { return *cell_of(l, w); }

void gpumm_layout__lines_add(lines *l, line_ends of, point a, point b) {
    walk w = gpumm_layout__lines_walk(l, a, b);
    do {
        if (l->used == l->room) return;
        uint32_t *cell = cell_of(l, &w);
        l->entries[l->used] = (line_entry){of, *cell};
        *cell = l->used++;
    } while (gpumm_layout__walk_on(&w));
}

void gpumm_layout__lines_clear(lines *l) {
    memset(l->head, 0xff, ((size_t)1 << l->bits) * sizeof *l->head);
    l->used = 0;
}

void *gpumm_layout__lines_scratch(lua_State *L, uint64_t count, size_t size) { /* [-0, +1, m] */
    return memset(lua_newuserdatauv(L, (size_t)count * size + 1, 0), 0, (size_t)count * size + 1);
}

static double mean_length(const ends *e, const float *at) {
    double sum = 0;
    for (uint64_t k = 0; k < e->edges; k++) {
        const float *a = at + 2 * (size_t)(e->from[k] - 1), *b = at + 2 * (size_t)(e->to[k] - 1);
        double x = (double)a[0] - b[0], y = (double)a[1] - b[1];
        sum += sqrt(x * x + y * y);
    }
    return sum / (double)e->edges;
}

bool gpumm_layout__lines_new(lua_State *L, lines *l, const ends *e, const float *at) { /* [-0, +(0|2), m] */
    double length = mean_length(e, at);
    if (!(length > 1e-30 && length < 1e30)) return false;
    l->per_cell = 1 / length;
    l->bits = 4;
    while (l->bits < 30 && (uint64_t)1 << l->bits < 2 * e->edges) l->bits++;
    l->head = gpumm_layout__lines_scratch(L, (uint64_t)1 << l->bits, sizeof *l->head);
    l->room = (uint32_t)(CELLS * e->edges);
    l->entries = gpumm_layout__lines_scratch(L, l->room, sizeof *l->entries);
    gpumm_layout__lines_clear(l);
    return true;
}
