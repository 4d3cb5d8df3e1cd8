/* SPDX-License-Identifier: MIT */
/* Columns of cells. Texts are copied into one block, for what they come from may go before the column is made. */
#include "modules/layout/cells.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "modules/layout/class.h"
#include "modules/layout/intern.h"
#include "modules/layout/number.h"
#include "modules/layout/texts.h"
#include "modules/layout/views.h"

#define CELLS_CLASS "gpumm_layout.cells"

enum { GAP, WHOLE, NUMBER, TEXT };
enum { FIRST = 16, FIRST_BYTES = 256 };

cells *gpumm_layout__cells_at(lua_State *L, int index) { return luaL_checkudata(L, index, CELLS_CLASS); }

static int cells_collect(lua_State *L) {
    cells *c = gpumm_layout__cells_at(L, 1);
    gpumm_layout__work_free(&c->work, c->list);
    gpumm_layout__work_free(&c->work, c->bytes);
    *c = (cells){.work = c->work};
    return 0;
}

/* ---- Putting ---------------------------------------------------------------------------------- */

static void no_memory(lua_State *L) {
    gpumm_lua_memory_refused(L);
    luaL_error(L, "not enough memory for a column");
}

static cell *take_cell(lua_State *L, cells *c, uint32_t row) {
    if (row >= c->count) c->count = row + 1;
    else if (c->put > 0 && c->list[c->put - 1].row == row) return &c->list[c->put - 1];
    if (c->put == c->room) {
        size_t room = c->room ? 2 * c->room : FIRST;
        cell *list = gpumm_layout__work_array(&c->work, c->list, room, sizeof *list);
        if (!list) no_memory(L);
        c->list = list;
        c->room = room;
    }
    return &c->list[c->put++];
}

static cell text_cell(lua_State *L, cells *c, uint32_t row, const char *text, size_t length) {
    if (length > UINT32_MAX) luaL_error(L, "a text has more than 4 GiB");
    if (c->size - c->used < length) {
        size_t size = c->size ? 2 * c->size : FIRST_BYTES;
        if (size - c->used < length) size += length;
        char *bytes = gpumm_layout__work_memory(&c->work, c->bytes, size);
        if (!bytes) no_memory(L);
        c->bytes = bytes;
        c->size = size;
    }
    if (length > 0) memcpy(c->bytes + c->used, text, length);
    c->used += length;
    return (cell){.is.at = c->used - length, .length = (uint32_t)length, .row = row, .kind = TEXT};
}

static void put_text(lua_State *L, cells *c, uint32_t row, const char *text, size_t length) {
    cell made = text_cell(L, c, row, text, length);
    *take_cell(L, c, row) = made;
}

static void put_whole(lua_State *L, cells *c, uint32_t row, int64_t value) {
    *take_cell(L, c, row) = (cell){.is.whole = value, .row = row, .kind = WHOLE};
}

static void put_number(lua_State *L, cells *c, uint32_t row, double value) {
    *take_cell(L, c, row) = (cell){.is.number = value, .row = row, .kind = NUMBER};
}

/* As Lua's tonumber reads it, which knows more than plain digits. */
static void put_as_lua(lua_State *L, cells *c, uint32_t row, const char *text, size_t length, cells_type type) {
    const char *copy = lua_pushlstring(L, text, length);
    int whole = 0;
    if (lua_stringtonumber(L, copy) != length + 1) {
        put_text(L, c, row, text, length);
        lua_pop(L, 1);
        return;
    }
    lua_Integer value = lua_tointegerx(L, -1, &whole);
    if (type == CELLS_ANY) whole = lua_isinteger(L, -1);
    if (type != CELLS_NUMBER && whole) put_whole(L, c, row, value);
    else if (type == CELLS_WHOLE) put_text(L, c, row, text, length);
    else put_number(L, c, row, lua_tonumber(L, -1) + (type == CELLS_NUMBER ? 0.0 : -0.0));
    lua_pop(L, 2);
}

void gpumm_layout__cells_put(lua_State *L, cells *c, uint32_t row, const char *text, size_t length, cells_type type) {
    int64_t whole;
    double number;
    if (type == CELLS_TEXT) put_text(L, c, row, text, length);
    else if (gpumm_layout__integer(text, length, &whole)) {
        if (type == CELLS_NUMBER) put_number(L, c, row, (double)whole);
        else put_whole(L, c, row, whole);
    } else if (type != CELLS_WHOLE && gpumm_layout__number(text, length, '.', &number))
        put_number(L, c, row, number + (type == CELLS_NUMBER ? 0.0 : -0.0)); /* a float that Lua adds 0.0 to */
    else put_as_lua(L, c, row, text, length, type);
}

static void put_value(lua_State *L, cells *c, uint32_t row, int index) {
    size_t length;
    if (lua_isinteger(L, index)) put_whole(L, c, row, lua_tointeger(L, index));
    else if (lua_type(L, index) == LUA_TNUMBER) put_number(L, c, row, lua_tonumber(L, index));
    else {
        const char *text = luaL_checklstring(L, index, &length);
        put_text(L, c, row, text, length);
    }
}

static int cells_put(lua_State *L) {
    lua_Integer i = luaL_checkinteger(L, 2);
    luaL_argcheck(L, i >= 1 && i <= INTERN_MOST, 2, "a column has rows 1 to 2^31 - 1");
    put_value(L, gpumm_layout__cells_at(L, 1), (uint32_t)i - 1, 3);
    return 0;
}

static int cells_default(lua_State *L) {
    cells *c = gpumm_layout__cells_at(L, 1);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0 && count <= INTERN_MOST, 2, "a column has up to 2^31 - 1 rows");
    uint32_t before = c->defaults > 0 ? c->otherwise[c->defaults - 1].row : 0;
    if ((uint32_t)count <= before) return 0; /* there are no gaps */
    luaL_argcheck(L, c->defaults < 2, 2, "a column has two defaults at most");
    cell *to = &c->otherwise[c->defaults];
    if (lua_isinteger(L, 3)) *to = (cell){.is.whole = lua_tointeger(L, 3), .kind = WHOLE};
    else if (lua_type(L, 3) == LUA_TNUMBER) *to = (cell){.is.number = lua_tonumber(L, 3), .kind = NUMBER};
    else {
        size_t length;
        const char *text = luaL_checklstring(L, 3, &length);
        *to = text_cell(L, c, 0, text, length);
    }
    to->row = (uint32_t)count;
    c->defaults++;
    if (to->row > c->count) c->count = to->row;
    return 0;
}

/* ---- The end ---------------------------------------------------------------------------------- */

/* Which rows are wanted, all or those that `of` names, from 1; and every row's cell. */
typedef struct choice {
    uint32_t count;
    const uint32_t *of;
    uint32_t rows;
    cell *cells; /* in a userdata on the stack */
} choice;

static const cell *chosen(const choice *o, uint32_t i) {
    static const cell gap = {.kind = GAP};
    uint32_t row = o->of ? o->of[i] - 1 : i;
    return row < o->rows ? &o->cells[row] : &gap;
}

/* Pushes the memory of what is chosen. */
static void spread(lua_State *L, const cells *c, choice *o) {
    o->rows = c->count;
    o->cells = lua_newuserdatauv(L, o->rows * sizeof *o->cells + 1, 0);
    memset(o->cells, 0, o->rows * sizeof *o->cells);
    for (size_t i = 0; i < c->put; i++) o->cells[c->list[i].row] = c->list[i];
    for (unsigned d = 0, i = 0; d < c->defaults; d++)
        for (; i < c->otherwise[d].row; i++)
            if (o->cells[i].kind == GAP) o->cells[i] = c->otherwise[d];
}

/* What the rows have in common: "i64", "f64"; NULL: they are texts. A gap is NaN, so that there are no integers. */
static const char *type_of(const choice *rows) {
    bool seen[TEXT + 1] = {false};
    for (uint32_t i = 0; i < rows->count; i++) seen[chosen(rows, i)->kind] = true;
    if (seen[TEXT] || !(seen[WHOLE] || seen[NUMBER])) return NULL;
    return seen[NUMBER] || seen[GAP] ? "f64" : "i64";
}

static void push_numbers(lua_State *L, const choice *rows, const char *type) {
    void *to = gpumm_lua_push_view(L, type, rows->count);
    bool whole = *type == 'i';
    for (uint32_t i = 0; i < rows->count; i++) {
        const cell *from = chosen(rows, i);
        if (whole) ((int64_t *)to)[i] = from->is.whole;
        else
            ((double *)to)[i] = from->kind == GAP     ? NAN
                                : from->kind == WHOLE ? (double)from->is.whole
                                                      : from->is.number;
    }
}

/* Every number becomes the text that Lua shows. */
static void numbers_to_texts(lua_State *L, cells *c, const choice *o) {
    for (uint32_t i = 0; i < o->rows; i++) {
        size_t length;
        cell *at = &o->cells[i];
        if (at->kind != WHOLE && at->kind != NUMBER) continue;
        if (at->kind == WHOLE) lua_pushinteger(L, at->is.whole);
        else lua_pushnumber(L, at->is.number);
        const char *text = lua_tolstring(L, -1, &length);
        *at = text_cell(L, c, i, text, length);
        lua_pop(L, 1);
    }
}

static void push_texts(lua_State *L, cells *c, const choice *rows) {
    numbers_to_texts(L, c, rows);
    intern_name *names = lua_newuserdatauv(L, (size_t)rows->count * sizeof *names + 1, 0);
    for (uint32_t i = 0; i < rows->count; i++) {
        const cell *from = chosen(rows, i);
        bool there = from->kind == TEXT && from->length > 0;
        names[i] = (intern_name){.text = there ? c->bytes + from->is.at : "", .length = there ? from->length : 0};
    }
    gpumm_layout__texts_push(L, names, rows->count);
}

static choice choice_at(lua_State *L, int index, uint32_t count) {
    choice rows = {.count = count};
    if (lua_isnoneornil(L, index)) return rows;
    gpumm_lua_view v = gpumm_layout__view_at(L, index, "u32");
    luaL_argcheck(L, v.count == count, index, "there are as many rows as are counted");
    rows.of = v.bytes;
    for (uint32_t i = 0; i < count; i++)
        luaL_argcheck(L, rows.of[i] > 0 && rows.of[i] <= INTERN_MOST, index, "rows are numbered from 1");
    return rows;
}

static int cells_column(lua_State *L) {
    cells *c = gpumm_layout__cells_at(L, 1);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0 && count <= INTERN_MOST, 2, "a column has up to 2^31 - 1 rows");
    choice rows = choice_at(L, 3, (uint32_t)count);
    spread(L, c, &rows);
    const char *type = type_of(&rows);
    if (type) push_numbers(L, &rows, type);
    else push_texts(L, c, &rows);
    return 1;
}

static int cells_texts(lua_State *L) {
    cells *c = gpumm_layout__cells_at(L, 1);
    uint32_t count = gpumm_layout__texts_count(L, 2);
    char local[16];
    if (c->count == 0) return 0;
    choice rows = choice_at(L, 3, count);
    if (c->count < count) c->count = count; /* every node has one in the end */
    spread(L, c, &rows);
    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        uint32_t row = rows.of ? rows.of[i] - 1 : i;
        luaL_argcheck(L, row < rows.rows, 3, "there is no such row");
        if (rows.cells[row].kind != GAP) continue;
        const char *text = gpumm_layout__texts_at(L, 2, i, local, &length);
        rows.cells[row] = text_cell(L, c, i, text, length);
    }
    push_texts(L, c, &rows);
    return 1;
}

static int cells_length(lua_State *L) {
    lua_pushinteger(L, gpumm_layout__cells_at(L, 1)->count);
    return 1;
}

static int cells_new(lua_State *L) {
    cells *c = lua_newuserdatauv(L, sizeof *c, 0);
    memset(c, 0, sizeof *c);
    luaL_setmetatable(L, CELLS_CLASS);
    gpumm_layout__work_begin(&c->work, L, NULL, 0, 1);
    return 1;
}

void gpumm_layout__open_cells(lua_State *L) {
    static const luaL_Reg meta[] = {{"__gc", cells_collect}, {"__len", cells_length}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"put", cells_put}, {"default", cells_default}, {"column", cells_column}, {"texts", cells_texts}, {NULL, NULL}};
    gpumm_layout__class_make(L, CELLS_CLASS, meta, methods);
    lua_pushcfunction(L, cells_new);
    lua_setfield(L, -2, "cells");
}
