/* SPDX-License-Identifier: MIT */
/* Edges in the plane as straight lines, found by the cells that they run through: what would one from here to there
   cross? A cell is as wide as edges are long on average. */
#ifndef MODULES_LAYOUT_LINES_H
#define MODULES_LAYOUT_LINES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modules/layout/adjacency.h"

#define LINES_MOST (UINT32_MAX / 16) /* edges that there is room for */

typedef struct point {
    double x, y;
} point;

typedef struct line_ends {
    uint32_t a, b;
} line_ends;

/* A line, and the next one of its cell (UINT32_MAX: none). */
typedef struct line_entry {
    line_ends of;
    uint32_t next;
} line_entry;

typedef struct lines {
    uint32_t *head; /* of every cell's list */
    line_entry *entries;
    uint32_t used, room; /* once it is used, lines are not found any more */
    unsigned bits;
    double per_cell;
} lines;

/* The cells that a line runs through, column by column. */
typedef struct walk {
    double x0, y0, x1, y1;
    int64_t x, last_x, y, last_y;
} walk;

static inline point point_minus(point a, point b) { return (point){a.x - b.x, a.y - b.y}; }
static inline double point_cross(point a, point b) { return a.x * b.y - a.y * b.x; }
static inline double point_dot(point a, point b) { return a.x * b.x + a.y * b.y; }
/* Do the lines from a to b and from c to d meet? Those that touch do. */
bool gpumm_layout__lines_cross(point a, point b, point c, point d);

/* Zeroed memory that the stack holds. [-0, +1, m] */
void *gpumm_layout__lines_scratch(lua_State *L, uint64_t count, size_t size);
/* Room for the edges of `e`, whose nodes are at `at` (two floats each), and about as many lines again; false where edges
   have no length to speak of. [-0, +(0|2), m] */
bool gpumm_layout__lines_new(lua_State *L, lines *l, const ends *e, const float *at);
/* A line that moved is added again: whoever looks finds it once a cell, and asks where its ends are now. */
void gpumm_layout__lines_add(lines *l, line_ends of, point a, point b);
void gpumm_layout__lines_clear(lines *l);

walk gpumm_layout__lines_walk(const lines *l, point a, point b);
bool gpumm_layout__walk_on(walk *w);                               /* to the next cell; false: there is none */
uint32_t gpumm_layout__lines_first(const lines *l, const walk *w); /* of the entries of the cell */

#endif
