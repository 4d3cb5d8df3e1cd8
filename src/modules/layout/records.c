/* SPDX-License-Identifier: MIT */
/* Where a record's fields go. A record is looked through first and put then, so that one that is left to Lua has left
   nothing behind. */
#include "modules/layout/records.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "modules/layout/class.h"
#include "modules/layout/number.h"

#define RECORDS_CLASS "gpumm_layout.records"

enum { RECORDS_BUILDER = 1, RECORDS_LABELS, RECORDS_HELD, RECORDS_VALUES = RECORDS_HELD }; /* user values */

static const char *const kinds[] = {"node", "edge", NULL};

records *gpumm_layout__records_at(lua_State *L, int index) { return luaL_checkudata(L, index, RECORDS_CLASS); }

int gpumm_layout__records_kind(const records *r, word name) {
    for (int i = 0; i < RECORDS_KINDS; i++)
        if (word_is(name, kinds[i])) return r->stopped[i] ? -1 : i;
    return -1;
}

/* Records have their keys in the same order, mostly: the search begins behind the key that was found last. */
const records_key *gpumm_layout__records_find(records *r, word child, word name) {
    unsigned count = r->keys[r->kind];
    for (unsigned n = 0, i = r->hint; n < count; n++, i++) {
        if (i >= count) i = 0;
        const records_key *key = &r->key[r->kind][i];
        if (!word_same(key->name, name) || !word_same(key->child, child)) continue;
        r->hint = i + 1;
        return key;
    }
    return NULL;
}

void gpumm_layout__records_begin(records *r, int kind) {
    r->kind = (unsigned)kind;
    r->count = r->hint = 0;
    r->scratched = 0;
}

char *gpumm_layout__records_room(records *r, size_t length) {
    return length <= RECORDS_SCRATCH - r->scratched ? r->scratch + r->scratched : NULL;
}

bool gpumm_layout__records_add(records *r, const records_key *key, word value, bool quoted) {
    if (r->count == RECORDS_FIELDS) return false;
    r->field[r->count++] = (records_field){key, value, quoted};
    return true;
}

/* ---- Putting ---------------------------------------------------------------------------------- */

/* The only field of that role; NULL: there is none, or several. */
static const records_field *only(const records *r, records_role role) {
    const records_field *found = NULL;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->field[i].key->role != role) continue;
        if (found) return NULL;
        found = &r->field[i];
    }
    return found;
}

static const records_field *last(const records *r, records_role role) {
    for (unsigned i = r->count; i > 0; i--)
        if (r->field[i - 1].key->role == role) return &r->field[i - 1];
    return NULL;
}

static bool take_weight(const records *r, double *weight) {
    const records_field *f = last(r, RECORDS_WEIGHT);
    if (!f) f = last(r, RECORDS_VALUE);
    *weight = r->otherwise;
    return !f || (!f->quoted && gpumm_layout__number(f->value.at, f->value.length, '.', weight));
}

static bool put_node(lua_State *L, const records *r, uint32_t *row) {
    const records_field *id = only(r, RECORDS_ID);
    if (!id) return false;
    if (r->single && gpumm_layout__builder_find(r->builder, id->value.at, id->value.length)) return false;
    *row = gpumm_layout__builder_list(L, r->builder, id->value.at, id->value.length) - 1;
    return true;
}

static uint32_t end_of(lua_State *L, const records *r, word name) {
    return r->known ? gpumm_layout__builder_find(r->builder, name.at, name.length)
                    : gpumm_layout__builder_node(L, r->builder, name.at, name.length);
}

static bool put_edge(lua_State *L, const records *r, uint32_t *row) {
    const records_field *from = only(r, RECORDS_FROM), *to = only(r, RECORDS_TO);
    double weight;
    if (!from || !to || !take_weight(r, &weight)) return false;
    uint32_t a = end_of(L, r, from->value), b = end_of(L, r, to->value);
    if (a == 0 || b == 0) return false;
    *row = gpumm_layout__builder_edges(r->builder);
    gpumm_layout__builder_edge(L, r->builder, a, b, weight);
    return true;
}

static void put_field(lua_State *L, cells *to, uint32_t row, const records_field *f) {
    gpumm_layout__cells_put(L, to, row, f->value.at, f->value.length, f->quoted ? CELLS_TEXT : f->key->type);
}

/* What a node is called beside its id. */
static const records_field *label_of(const records *r) {
    static const records_role roles[] = {RECORDS_LABEL, RECORDS_INNER, RECORDS_NAME};
    const records_field *label = NULL;
    for (int i = 0; !label && i < 3; i++) label = last(r, roles[i]);
    return label;
}

bool gpumm_layout__records_put(lua_State *L, records *r) {
    uint32_t row;
    if (!(r->kind == 0 ? put_node(L, r, &row) : put_edge(L, r, &row))) return false;
    for (unsigned i = 0; i < r->count; i++)
        if (r->field[i].key->cells) put_field(L, r->field[i].key->cells, row, &r->field[i]);
    const records_field *label = r->kind == 0 ? label_of(r) : NULL;
    if (label) put_field(L, r->labels, row, label);
    return true;
}

/* ---- In Lua ----------------------------------------------------------------------------------- */

/* The value at `index` lives as long as the records. */
static void hold(lua_State *L, int index) {
    lua_getiuservalue(L, 1, RECORDS_HELD);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

static word held_text(lua_State *L, int index) {
    word w;
    w.at = luaL_checklstring(L, index, &w.length);
    hold(L, index);
    return w;
}

/* Keys beyond the last are not known here, and left to Lua. */
static int records_add_key(lua_State *L) {
    static const char *const roles[] = {"column", "label", "name", "inner", "id",   "from", "to",    "weight", "value",
                                        "passed", "keyed", "text", "parts", "pair", "left", "color", NULL};
    static const char *const types[] = {"text", "whole", "number", "any", NULL};
    records *r = gpumm_layout__records_at(L, 1);
    int kind = luaL_checkoption(L, 2, NULL, kinds);
    if (r->keys[kind] == RECORDS_KEYS) return 0;
    records_key key = {.role = (records_role)luaL_checkoption(L, 5, NULL, roles),
                       .type = (cells_type)luaL_checkoption(L, 6, "text", types)};
    key.child = held_text(L, 3);
    key.name = held_text(L, 4);
    if (!lua_isnoneornil(L, 7)) {
        key.cells = gpumm_layout__cells_at(L, 7);
        hold(L, 7);
    }
    r->key[kind][r->keys[kind]++] = key;
    return 0;
}

static int records_stop(lua_State *L) {
    gpumm_layout__records_at(L, 1)->stopped[luaL_checkoption(L, 2, NULL, kinds)] = true;
    return 0;
}

static int records_otherwise(lua_State *L) {
    gpumm_layout__records_at(L, 1)->otherwise = luaL_checknumber(L, 2);
    return 0;
}

static int records_new(lua_State *L) {
    builder *b = gpumm_layout__builder_at(L, 1);
    cells *labels = gpumm_layout__cells_at(L, 2);
    const char *how = luaL_checkstring(L, 3);
    records *r = lua_newuserdatauv(L, sizeof *r, RECORDS_VALUES);
    memset(r, 0, offsetof(records, scratch));
    r->otherwise = NAN;
    r->builder = b;
    r->labels = labels;
    r->known = strchr(how, 'k') != NULL;
    r->single = strchr(how, 's') != NULL;
    r->loose = strchr(how, 'l') != NULL;
    luaL_setmetatable(L, RECORDS_CLASS);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, RECORDS_BUILDER);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, RECORDS_LABELS);
    lua_newtable(L);
    lua_setiuservalue(L, -2, RECORDS_HELD);
    return 1;
}

void gpumm_layout__open_records(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"key", records_add_key}, {"stop", records_stop}, {"otherwise", records_otherwise}, {NULL, NULL}};
    gpumm_layout__class_make(L, RECORDS_CLASS, NULL, methods);
    lua_pushcfunction(L, records_new);
    lua_setfield(L, -2, "records");
}
