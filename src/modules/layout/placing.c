/* SPDX-License-Identifier: MIT */
/* All of it is linear in nodes and edges, but for the spread, which sorts. */
#include "modules/layout/placing.h"

#include <lauxlib.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/views.h"
#include "modules/layout/work.h"

/* ---- Positions ---------------------------------------------------------------------------------------- */

typedef struct points {
    const float *at;
    uint64_t count;
    unsigned lanes;
} points;

static points points_of(gpumm_lua_view view) {
    return (points){view.bytes, view.count, (unsigned)gpumm_type_lanes(view.type)};
}

static int placing_turned(lua_State *L) {
    double degree = acos(-1.0) / 180, yaw = luaL_checknumber(L, 2) * degree, pitch = luaL_checknumber(L, 3) * degree;
    points p = points_of(gpumm_layout__points_at(L, 1));
    luaL_argcheck(L, p.lanes >= 3, 1, "points in space are needed");
    float *out = gpumm_lua_push_view(L, "f32x3", p.count);
    for (uint64_t i = 0; i < p.count; i++) {
        const float *at = p.at + i * p.lanes;
        double x = cos(yaw) * at[0] + sin(yaw) * at[2], z = cos(yaw) * at[2] - sin(yaw) * at[0];
        out[3 * i] = (float)x;
        out[3 * i + 1] = (float)(cos(pitch) * at[1] - sin(pitch) * z);
        out[3 * i + 2] = (float)(sin(pitch) * at[1] + cos(pitch) * z);
    }
    return 1;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void check_finite(lua_State *L, const points *p) {
    for (uint64_t i = 0; i < p->count; i++) {
        const float *at = p->at + i * p->lanes;
        for (unsigned k = 0; k < p->lanes; k++) {
            if (isfinite(at[k])) continue;
            lua_pushfstring(L, "position %I is not finite: %f, %f", (LUAI_UACINT)i + 1, (double)at[0], (double)at[1]);
            lua_error(L);
        }
    }
}

static int placing_spread(lua_State *L) {
    double skip = luaL_checknumber(L, 2);
    luaL_argcheck(L, skip >= 0 && skip < 0.5, 2, "less than a half is skipped on each side");
    points p = points_of(gpumm_layout__points_at(L, 1));
    if (p.count == 0) luaL_error(L, "there are no positions");
    check_finite(L, &p);
    float *sorted = lua_newuserdatauv(L, (size_t)p.count * sizeof *sorted, 0);
    lua_createtable(L, (int)p.lanes, 0);
    for (unsigned k = 0; k < p.lanes; k++) {
        for (uint64_t i = 0; i < p.count; i++) sorted[i] = p.at[i * p.lanes + k];
        qsort(sorted, (size_t)p.count, sizeof *sorted, compare);
        uint64_t cut = (uint64_t)((double)p.count * skip), last = p.count - 1;
        const float of[4] = {sorted[0], sorted[cut], sorted[last - cut], sorted[last]};
        lua_createtable(L, 4, 0);
        for (int j = 0; j < 4; j++) {
            lua_pushnumber(L, (lua_Number)of[j]);
            lua_rawseti(L, -2, j + 1);
        }
        lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
    return 1;
}

/* ---- Places ------------------------------------------------------------------------------------------- */

typedef struct axis {
    double low, high, squeeze_low, squeeze_high;
} axis;

typedef struct frame {
    double scale, left, top, depth_middle, depth_half, x, y, strength;
} frame;

static void read_numbers(lua_State *L, int index, int count, double *out) {
    luaL_checktype(L, index, LUA_TTABLE);
    for (int i = 0; i < count; i++) {
        lua_geti(L, index, i + 1);
        out[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
}

static axis axis_at(lua_State *L, int index, int k) {
    axis a;
    lua_geti(L, index, k);
    read_numbers(L, lua_gettop(L), 4, &a.low);
    lua_pop(L, 1);
    return a;
}

static double shortened(double far, double squeeze) { return squeeze > 0 ? squeeze * log1p(far / squeeze) : far; }

static double along(const axis *a, double value) {
    if (value < a->low) return a->low - shortened(a->low - value, a->squeeze_low);
    return value > a->high ? a->high + shortened(value - a->high, a->squeeze_high) : value;
}

static double within(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

static int placing_place(lua_State *L) {
    frame f;
    axis x = axis_at(L, 2, 1), y = axis_at(L, 2, 2);
    read_numbers(L, 3, 8, &f.scale);
    points p = points_of(gpumm_layout__points_at(L, 1));
    float *to = gpumm_lua_push_view(L, "f32x2", p.count);
    float *near = p.lanes > 2 ? gpumm_lua_push_view(L, "f32", p.count) : NULL;
    for (uint64_t i = 0; i < p.count; i++) {
        const float *at = p.at + i * p.lanes;
        double px = along(&x, at[0]), py = along(&y, at[1]);
        if (near) {
            double depth = within((at[2] - f.depth_middle) / f.depth_half, -1, 1),
                   larger = 1 / (1 - f.strength * depth);
            px = f.x + (px - f.x) * larger;
            py = f.y + (py - f.y) * larger;
            near[i] = (float)(0.5 + 0.5 * depth);
        }
        to[2 * i] = (float)(f.left + f.scale * px);
        to[2 * i + 1] = (float)(f.top - f.scale * py);
    }
    return near ? 2 : 1;
}

/* ---- How edges look ------------------------------------------------------------------------------------- */

#define CELL 6.0     /* pixels: how far apart edges are told apart */
#define SHORT_WAY 24 /* pixels: a shorter edge is seen anyway */
#define COMPANY 3    /* so many edges in a cell, this one among them, and it can still be followed */

typedef struct scenery {
    const float *at;
    const uint32_t *ends;
    const float *width;
    float *look;
    uint64_t edges;
    double reach;
    int columns, rows;
    atomic_uint *crowd;
    unsigned parts;
} scenery;

typedef struct way {
    double x, y, dx, dy, length;
    int steps;
} way;

static way way_of(const scenery *s, uint64_t e) {
    const float *a = s->at + 2 * (size_t)s->ends[2 * e], *b = s->at + 2 * (size_t)s->ends[2 * e + 1];
    double x = b[0] - a[0], y = b[1] - a[1], run = fmax(fabs(x), fabs(y));
    int steps = (int)(run / CELL) + 1;
    return (way){a[0], a[1], x / steps, y / steps, hypot(x, y), steps};
}

/* The cell in the middle of a step; NULL: outside of the picture. */
static atomic_uint *cell_of(const scenery *s, const way *w, int step) {
    double x = (w->x + w->dx * (step + 0.5)) / CELL, y = (w->y + w->dy * (step + 0.5)) / CELL;
    if (!(x >= 0 && y >= 0 && x < s->columns && y < s->rows)) return NULL;
    return s->crowd + (size_t)(int)y * (size_t)s->columns + (size_t)(int)x;
}

static void range_of(const scenery *s, unsigned part, uint64_t *first, uint64_t *last) {
    *first = s->edges * part / s->parts;
    *last = s->edges * (part + 1) / s->parts;
}

static void count_edges(void *user, unsigned part) {
    const scenery *s = user;
    uint64_t e, last;
    for (range_of(s, part, &e, &last); e < last; e++) {
        way w = way_of(s, e);
        for (int k = 0; k < w.steps; k++) {
            atomic_uint *cell = cell_of(s, &w, k);
            if (cell) atomic_fetch_add_explicit(cell, 1, memory_order_relaxed);
        }
    }
}

/* How much of its way, less its ends, where others meet it, an edge can be followed. */
static double alone(const scenery *s, const way *w) {
    int skip = w->steps / 6, seen = 0, lonely = 0;
    for (int k = skip; k < w->steps - skip; k++) {
        const atomic_uint *cell = cell_of(s, w, k);
        if (!cell) continue;
        seen++;
        lonely += atomic_load_explicit(cell, memory_order_relaxed) <= COMPANY;
    }
    return seen > 0 ? (double)lonely / seen : 0;
}

/* Long edges are fainter, for they say less and hide more; but one that is alone is what holds parts together. */
static void look_at_edges(void *user, unsigned part) {
    const scenery *s = user;
    uint64_t e, last;
    for (range_of(s, part, &e, &last); e < last; e++) {
        way w = way_of(s, e);
        double strength = 1 / (1 + w.length / s->reach) + 0.05;
        double share = w.length > SHORT_WAY ? alone(s, &w) : 0;
        s->look[2 * e] = s->width ? s->width[e] : 1;
        s->look[2 * e + 1] = (float)(share > 0.4 ? -fmin(1, 0.25 + 1.5 * (share - 0.4)) : strength);
    }
}

static void check_ends(lua_State *L, const scenery *s, uint64_t nodes) {
    for (uint64_t k = 0; k < 2 * s->edges; k++)
        if (s->ends[k] >= nodes) luaL_error(L, "edge %I has an end that is no node", (LUAI_UACINT)(k / 2) + 1);
}

static int placing_looks(lua_State *L) {
    size_t size;
    scenery s = {.reach = luaL_checknumber(L, 6)};
    work w;
    gpumm_lua_view widths = {0};
    double width = luaL_checknumber(L, 4), height = luaL_checknumber(L, 5);
    s.ends = (const uint32_t *)(const void *)luaL_checklstring(L, 2, &size);
    s.edges = size / 8;
    lua_settop(L, 6);
    points p = points_of(gpumm_layout__view_at(L, 1, "f32x2"));
    luaL_argcheck(L, width > 0 && height > 0 && width < 65536 && height < 65536, 4, "a side is up to 65535 pixels");
    check_ends(L, &s, p.count);
    if (!lua_isnil(L, 3)) {
        widths = gpumm_layout__view_at(L, 3, "f32");
        luaL_argcheck(L, widths.count == s.edges, 3, "there is a width for each edge");
    }
    s.at = p.at;
    s.width = widths.bytes;
    s.columns = (int)(width / CELL) + 1;
    s.rows = (int)(height / CELL) + 1;
    s.crowd = lua_newuserdatauv(L, (size_t)s.columns * (size_t)s.rows * sizeof *s.crowd, 0);
    memset(s.crowd, 0, (size_t)s.columns * (size_t)s.rows * sizeof *s.crowd);
    s.look = gpumm_lua_push_view(L, "f32x2", s.edges);
    gpumm_layout__work_begin(&w, L, NULL, s.edges * 64, 0);
    s.parts = w.threads;
    gpumm_layout__work_run(&w, s.parts, count_edges, &s);
    gpumm_layout__work_run(&w, s.parts, look_at_edges, &s);
    gpumm_layout__work_end();
    return 1;
}

void gpumm_layout__open_placing(lua_State *L) {
    static const luaL_Reg functions[] = {{"turned", placing_turned},
                                         {"spread", placing_spread},
                                         {"place", placing_place},
                                         {"looks", placing_looks},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
