/* SPDX-License-Identifier: MIT */
/* METIS, in one pass. All entries become rows; merging finds that every edge has its opposite. */
#include "modules/layout/metis.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "modules/layout/number.h"
#include "modules/layout/rows.h"
#include "modules/layout/source.h"

typedef struct reader {
    const char *at, *end;
    char newline;
    lua_Integer line;
    const char *token;
    size_t length;
} reader;

typedef struct entries {
    uint32_t *from, *to;
    double *weight;
    uint64_t count, most;
} entries;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

/* The line's next word; false at its end. */
static bool next_token(reader *r) {
    while (r->at < r->end && *r->at != r->newline && is_blank(*r->at)) r->at++;
    r->token = r->at;
    while (r->at < r->end && *r->at != r->newline && !is_blank(*r->at)) r->at++;
    r->length = (size_t)(r->at - r->token);
    return r->length > 0;
}

static void next_line(reader *r) {
    const char *stop = memchr(r->at, r->newline, (size_t)(r->end - r->at));
    r->at = stop ? stop + 1 : r->end;
    r->line++;
}

static void skip_comments(reader *r) {
    while (r->at < r->end && *r->at == '%') next_line(r);
}

/* NULL, or what is wrong. */
static const char *read_node(reader *r, uint32_t node, uint32_t nodes, unsigned before, entries *e) {
    for (unsigned i = 0; i < before; i++)
        if (!next_token(r)) return "short";
    while (next_token(r)) {
        int64_t to;
        double weight = 1;
        if (!gpumm_layout__integer(r->token, r->length, &to)) return "number";
        if (to < 1 || to > (int64_t)nodes) return "range";
        if (e->weight && !next_token(r)) return "short";
        if (e->weight && !gpumm_layout__number(r->token, r->length, '.', &weight)) return "number";
        if (e->count == e->most) return "entries";
        e->from[e->count] = node;
        e->to[e->count] = (uint32_t)to;
        if (e->weight) e->weight[e->count] = weight;
        e->count++;
    }
    return NULL;
}

static const char *read_nodes(reader *r, uint32_t nodes, unsigned before, entries *e) {
    for (uint32_t node = 1; node <= nodes; node++) {
        skip_comments(r);
        if (r->at == r->end) return "lines";
        const char *fault = read_node(r, node, nodes, before, e);
        if (fault) return fault;
        next_line(r);
    }
    while (r->at < r->end) { /* blank lines and comments may follow */
        skip_comments(r);
        if (next_token(r)) return "lines";
        if (r->at < r->end) next_line(r);
    }
    return e->count == e->most ? NULL : "entries";
}

static int push_fault(lua_State *L, const reader *r, const char *fault) {
    lua_pushnil(L);
    lua_pushstring(L, fault);
    lua_pushinteger(L, r->line);
    lua_pushlstring(L, r->token ? r->token : "", r->length < 60 ? r->length : 60);
    return 4;
}

static int layout_metis(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    lua_Integer at = luaL_checkinteger(L, 2), nodes = luaL_checkinteger(L, 5), most = luaL_checkinteger(L, 6);
    luaL_argcheck(L, at >= 1 && (lua_Unsigned)at - 1 <= s->size, 2, "it is outside of the source");
    luaL_argcheck(L, nodes >= 0 && nodes <= 0x7fffffff, 5, "a graph has up to 2^31 - 1 nodes");
    reader r = {.at = s->bytes + at - 1, .end = s->bytes + s->size, .line = luaL_checkinteger(L, 3)};
    r.newline = *luaL_checkstring(L, 4) == '\r' ? '\r' : '\n';
    luaL_argcheck(L, most >= 0, 6, "that is no count");
    lua_Integer before = luaL_checkinteger(L, 7);
    luaL_argcheck(L, before >= 0 && before < 1000, 7, "those are too many");
    if ((lua_Unsigned)most > s->size) return push_fault(L, &r, "entries"); /* each takes a byte or more */
    entries e = {.most = (uint64_t)most};
    lua_settop(L, 8);
    gpumm_layout__rows_push(L, e.most, 3);
    e.from = gpumm_layout__rows_take(L, 9, 0, "u32", e.most);
    e.to = gpumm_layout__rows_take(L, 9, 1, "u32", e.most);
    if (lua_toboolean(L, 8)) e.weight = gpumm_layout__rows_take(L, 9, 2, "f64", e.most);
    const char *fault = read_nodes(&r, (uint32_t)nodes, (unsigned)before, &e);
    return fault ? push_fault(L, &r, fault) : 1;
}

void gpumm_layout__open_metis(lua_State *L) {
    lua_pushcfunction(L, layout_metis);
    lua_setfield(L, -2, "metis");
}
