/* SPDX-License-Identifier: MIT */
/*
 * Edges are sorted into the rows of their lesser end (a counting sort of their numbers); within a row, a mark for every
 * node says which edge joined it first. Each task has a range of nodes and looks at all edges for those that are its
 * own: nothing is shared, and what comes out does not depend on how many tasks there are. Many edges are sorted and
 * merged part by part, so that the memory of sorting is that of one part.
 */
#include "modules/layout/merge.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "modules/layout/rows.h"
#include "modules/layout/work.h"

typedef struct sum {
    uint32_t edge, other, seen; /* the first of them; the greater end; how many */
    double there, back;         /* their weights, from the lesser end and towards it */
    uint32_t there_count;
} sum;

enum { EDGE = 0x7fffffff, PART = 256 << 10 /* edges, about */, MOST_PARTS = 8 };

typedef struct merging {
    work *work;
    uint32_t *from, *to, *count; /* from and to: 0 in what is dropped */
    double *weight;
    uint64_t edges;
    uint32_t nodes;
    bool least;
    unsigned tasks, parts, part;
    uint32_t base;                /* how many edges the parts before this one have */
    uint32_t *begin;              /* nodes + 1: where the edges of each lesser end begin, over all parts */
    uint64_t *order;              /* greater end << 32 | does it lead there from the lesser << 31 | edge */
    uint32_t *bounds;             /* parts x tasks + 1: the nodes of each task in each part */
    atomic_bool failed, opposite; /* has every edge its opposite? */
    atomic_uint_least64_t duplicates;
} merging;

static uint32_t lesser(const merging *m, uint64_t e) { return m->from[e] < m->to[e] ? m->from[e] : m->to[e]; }
static uint32_t greater(const merging *m, uint64_t e) { return m->from[e] < m->to[e] ? m->to[e] : m->from[e]; }

/* ---- Sorting ------------------------------------------------------------------------------------ */

static void count_edges(void *user, unsigned task) {
    merging *m = user;
    uint32_t low = (uint32_t)((uint64_t)m->nodes * task / m->tasks) + 1;
    uint32_t high = (uint32_t)((uint64_t)m->nodes * (task + 1) / m->tasks) + 1;
    for (uint64_t e = 0; e < m->edges; e++) {
        uint32_t node = lesser(m, e);
        if (node >= low && node < high && m->from[e] != m->to[e]) m->begin[node]++;
    }
}

/* Counts become places; each task of each part gets as many edges as the others, about. */
static void place_rows(merging *m) {
    uint64_t total = 0, kept = 0;
    unsigned share = 1, shares = m->parts * m->tasks;
    for (uint32_t i = 1; i <= m->nodes; i++) kept += m->begin[i];
    m->bounds[0] = 1;
    for (uint32_t i = 1; i <= m->nodes; i++) {
        uint32_t here = m->begin[i];
        while (share < shares && total >= kept * share / shares) m->bounds[share++] = i;
        m->begin[i] = (uint32_t)total;
        total += here;
    }
    while (share <= shares) m->bounds[share++] = m->nodes + 1;
    m->begin[0] = (uint32_t)total;
}

/* The nodes of a task in this part: [low, high). */
static uint32_t low_of(const merging *m, unsigned task) { return m->bounds[m->part * m->tasks + task]; }
static uint32_t high_of(const merging *m, unsigned task) { return low_of(m, task + 1); }

/* Where the edges of a part begin; of the part behind the last: where they end. Before they are placed. */
static uint32_t part_begins(const merging *m, unsigned part) {
    uint32_t node = m->bounds[part * m->tasks];
    return m->begin[node <= m->nodes ? node : 0];
}

static uint64_t largest_part(const merging *m) {
    uint32_t most = 0;
    for (unsigned part = 0; part < m->parts; part++) {
        uint32_t edges = part_begins(m, part + 1) - part_begins(m, part);
        if (edges > most) most = edges;
    }
    return most;
}

static uint64_t packed(const merging *m, uint32_t e) {
    return (uint64_t)greater(m, e) << 32 | (uint64_t)(m->from[e] < m->to[e]) << 31 | e;
}

/* Afterwards begin[i] is where the edges of i end. */
static void place_edges(void *user, unsigned task) {
    merging *m = user;
    uint32_t low = low_of(m, task), high = high_of(m, task);
    for (uint64_t e = 0; low < high && e < m->edges; e++) {
        uint32_t node = lesser(m, e);
        if (node >= low && node < high && m->from[e] != m->to[e])
            m->order[m->begin[node]++ - m->base] = packed(m, (uint32_t)e);
    }
}

/* ---- Merging ------------------------------------------------------------------------------------ */

static double weight_of(const merging *m, uint32_t e) {
    return !m->weight ? 1 : isnan(m->weight[e]) ? 1 : m->weight[e];
}

static void add(const merging *m, sum *s, uint32_t e, bool there) {
    double w = weight_of(m, e);
    double *side = there ? &s->there : &s->back;
    if (m->least) *side = s->seen == 0 || w < *side || isnan(*side) ? w : *side;
    else *side += w;
    s->seen++;
    s->there_count += there;
}

static double both(const merging *m, const sum *s) {
    if (!m->least) return s->there + s->back;
    if (isnan(s->there)) return s->back;
    return isnan(s->back) || s->there < s->back ? s->there : s->back;
}

static void finish_row(merging *m, const sum *sums, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        const sum *s = &sums[k];
        if (m->weight) m->weight[s->edge] = both(m, s);
        if (m->count) m->count[s->edge] = s->seen;
        bool opposite = 2 * s->there_count == s->seen && s->there == s->back;
        if (!opposite && atomic_load_explicit(&m->opposite, memory_order_relaxed)) atomic_store(&m->opposite, false);
    }
}

/* The edges of one lesser end; `mark[j]` is 1 + the place in `sums` of the edge to j, of this row where that is j's. */
static uint32_t merge_row(merging *m, uint32_t first, uint32_t last, uint32_t *mark, sum *sums) {
    uint32_t count = 0, dropped = 0;
    for (uint32_t k = first; k < last; k++) {
        uint64_t one = m->order[k - m->base];
        uint32_t e = one & EDGE, j = (uint32_t)(one >> 32), at = mark[j];
        if (at >= count || sums[at].other != j) {
            at = mark[j] = count++;
            sums[at] = (sum){.edge = e, .other = j};
            if (m->least) sums[at].there = sums[at].back = NAN;
        }
        add(m, &sums[at], e, one >> 31 & 1);
        if (sums[at].edge == e) continue;
        m->from[e] = m->to[e] = 0;
        dropped++;
    }
    finish_row(m, sums, count);
    return dropped;
}

static uint32_t longest_row(const merging *m, uint32_t low, uint32_t high) {
    uint32_t most = 0, before = low > 1 ? m->begin[low - 1] : 0;
    for (uint32_t i = low; i < high; i++) {
        if (m->begin[i] - before > most) most = m->begin[i] - before;
        before = m->begin[i];
    }
    return most;
}

static void merge_rows(void *user, unsigned task) {
    merging *m = user;
    uint32_t low = low_of(m, task), high = high_of(m, task);
    if (low >= high) return;
    uint32_t *mark = gpumm_layout__work_array(m->work, NULL, (size_t)m->nodes + 1, sizeof *mark);
    sum *sums = gpumm_layout__work_array(m->work, NULL, longest_row(m, low, high), sizeof *sums);
    uint64_t dropped = 0;
    if (mark && sums) {
        memset(mark, 0, ((size_t)m->nodes + 1) * sizeof *mark);
        uint32_t before = low > 1 ? m->begin[low - 1] : 0;
        for (uint32_t i = low; i < high; i++) {
            dropped += merge_row(m, before, m->begin[i], mark, sums);
            before = m->begin[i];
        }
    } else {
        atomic_store(&m->failed, true);
    }
    atomic_fetch_add(&m->duplicates, dropped);
    gpumm_layout__work_free(m->work, mark);
    gpumm_layout__work_free(m->work, sums);
}

/* ---- Rows that are left --------------------------------------------------------------------------- */

/* A row is dropped where both ends are 0, or a loop where they are the same. */
static uint64_t close_column(const merging *m, void *bytes, size_t size) {
    uint64_t kept = 0;
    for (uint64_t e = 0; e < m->edges; e++) {
        if (m->from[e] == m->to[e]) continue;
        if (size == 4) ((uint32_t *)bytes)[kept++] = ((const uint32_t *)bytes)[e];
        else ((uint64_t *)bytes)[kept++] = ((const uint64_t *)bytes)[e];
    }
    return kept;
}

/* `from` and `to` say which rows go, so they are closed last, and together. */
static void close_rows(merging *m, rows *r) {
    uint64_t kept = 0;
    for (unsigned i = 0; i < r->columns; i++) {
        void *bytes = r->column[i].bytes;
        if (bytes && bytes != m->from && bytes != m->to)
            close_column(m, bytes, gpumm_layout__rows_size(r->column[i].type));
    }
    for (uint64_t e = 0; e < m->edges; e++) {
        if (m->from[e] == m->to[e]) continue;
        m->from[kept] = m->from[e];
        m->to[kept++] = m->to[e];
    }
    r->count = kept;
}

/* ---- In Lua --------------------------------------------------------------------------------------- */

/* The bytes of the column whose number is at `index`; NULL for 0. */
static void *column_at(lua_State *L, rows *r, int index, const char *type) {
    lua_Integer i = luaL_optinteger(L, index, 0);
    if (i == 0) return NULL;
    luaL_argcheck(L, i >= 1 && i <= (lua_Integer)r->columns && r->column[i - 1].bytes, index,
                  "there is no such column");
    luaL_argcheck(L, strcmp(r->column[i - 1].type, type) == 0, index, "it has another type");
    return r->column[i - 1].bytes;
}

static void check_nodes(lua_State *L, const merging *m) {
    for (uint64_t e = 0; e < m->edges; e++)
        if (m->from[e] - 1 >= m->nodes || m->to[e] - 1 >= m->nodes)
            luaL_error(L, "row %I joins what are not nodes from 1 to %I", (LUAI_UACINT)(e + 1), (LUAI_UACINT)m->nodes);
}

static bool run(merging *m) {
    m->begin = gpumm_layout__work_array(m->work, NULL, (size_t)m->nodes + 1, sizeof *m->begin);
    m->bounds = gpumm_layout__work_array(m->work, NULL, (size_t)m->parts * m->tasks + 1, sizeof *m->bounds);
    if (!m->begin || !m->bounds) return false;
    memset(m->begin, 0, ((size_t)m->nodes + 1) * sizeof *m->begin);
    gpumm_layout__work_run(m->work, m->tasks, count_edges, m);
    place_rows(m);
    m->order = gpumm_layout__work_array(m->work, NULL, (size_t)largest_part(m), sizeof *m->order);
    if (!m->order) return false;
    for (m->part = 0; m->part < m->parts; m->part++) {
        m->base = part_begins(m, m->part);
        gpumm_layout__work_run(m->work, m->tasks, place_edges, m);
        gpumm_layout__work_run(m->work, m->tasks, merge_rows, m);
    }
    return !atomic_load(&m->failed);
}

static uint64_t count_loops(const merging *m) {
    uint64_t loops = 0;
    for (uint64_t e = 0; e < m->edges; e++) loops += m->from[e] == m->to[e];
    return loops;
}

/* The first edge whose weights add up to no finite number; `edges`: there is none. */
static uint64_t find_endless(const merging *m) {
    uint64_t e = 0;
    while (e < m->edges && (!m->weight || m->from[e] == m->to[e] || isfinite(m->weight[e]))) e++;
    return e;
}

/* There and back were the same, and added up to twice that. */
static void halve(const merging *m, const rows *r) {
    for (uint64_t e = 0; m->weight && !m->least && e < r->count; e++) m->weight[e] /= 2;
    for (uint64_t e = 0; m->count && e < r->count; e++) m->count[e] /= 2;
}

static void check_shown(lua_State *L, const rows *r) {
    for (unsigned i = 0; i < r->columns; i++)
        if (r->column[i].shown) luaL_error(L, "column %d is shown already, and does not change any more", (int)i + 1);
}

static int layout_merge(lua_State *L) {
    rows *r = gpumm_layout__rows_at(L, 1);
    lua_Integer nodes = luaL_checkinteger(L, 2);
    work w;
    merging m = {.work = &w, .edges = r->count, .nodes = (uint32_t)nodes};
    luaL_argcheck(L, nodes >= 0 && nodes < UINT32_MAX / 2, 2, "that are too many nodes");
    luaL_argcheck(L, r->count <= EDGE, 1, "those are too many rows");
    check_shown(L, r);
    m.from = column_at(L, r, 3, "u32");
    m.to = column_at(L, r, 4, "u32");
    luaL_argcheck(L, m.from && m.to && m.from != m.to, 3, "edges have two ends");
    m.weight = column_at(L, r, 5, "f64");
    m.count = column_at(L, r, 6, "u32");
    luaL_argcheck(L, !m.count || (m.count != m.from && m.count != m.to), 6, "counts have a column of their own");
    m.least = strcmp(luaL_optstring(L, 7, "sum"), "least") == 0;
    check_nodes(L, &m);
    gpumm_layout__work_begin(&w, L, NULL, r->count * 8, (unsigned)luaL_optinteger(L, 8, 0));
    uint64_t worth = 1 + 2 * r->count / (m.nodes + 1); /* each task has a mark for every node */
    m.tasks = w.threads < worth ? w.threads : (unsigned)worth;
    m.parts = r->count < MOST_PARTS * (uint64_t)PART ? 1 + (unsigned)(r->count / PART) : MOST_PARTS;
    atomic_init(&m.failed, false);
    atomic_init(&m.opposite, true);
    atomic_init(&m.duplicates, 0);
    uint64_t loops = count_loops(&m);
    bool done = run(&m);
    if (!done) gpumm_lua_memory_refused(L);
    gpumm_layout__work_free(&w, m.begin);
    gpumm_layout__work_free(&w, m.bounds);
    gpumm_layout__work_free(&w, m.order);
    if (!done) return luaL_error(L, "not enough memory to merge the edges");
    uint64_t endless = find_endless(&m);
    if (endless < m.edges) {
        lua_pushnil(L);
        lua_pushinteger(L, m.from[endless]);
        lua_pushinteger(L, m.to[endless]);
        return 3;
    }
    uint64_t duplicates = atomic_load(&m.duplicates);
    bool opposite = atomic_load(&m.opposite) && duplicates > 0;
    if (loops + duplicates > 0) close_rows(&m, r);
    if (opposite) halve(&m, r);
    lua_pushinteger(L, (lua_Integer)loops);
    lua_pushinteger(L, (lua_Integer)duplicates);
    lua_pushboolean(L, opposite);
    return 3;
}

void gpumm_layout__open_merge(lua_State *L) {
    lua_pushcfunction(L, layout_merge);
    lua_setfield(L, -2, "merge");
}
