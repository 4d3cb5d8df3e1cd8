/* SPDX-License-Identifier: MIT */
/* Columns in the making. Their memory is Lua's, one block a column, which its view goes on holding. */
#include "modules/layout/rows.h"

#include <lauxlib.h>
#include <string.h>

#include "modules/layout/class.h"
#include "modules/layout/views.h"
#include "modules/layout/work.h"

#define ROWS_CLASS "gpumm_layout.rows"

enum { COLUMNS = 1024 };

size_t gpumm_layout__rows_size(const char *type) { return strcmp(type, "u32") == 0 ? 4 : 8; }

rows *gpumm_layout__rows_push(lua_State *L, uint64_t count, unsigned columns) {
    rows *r = lua_newuserdatauv(L, sizeof *r + columns * sizeof *r->column, (int)columns);
    memset(r, 0, sizeof *r + columns * sizeof *r->column);
    r->count = count;
    r->columns = columns;
    luaL_setmetatable(L, ROWS_CLASS);
    return r;
}

void *gpumm_layout__rows_take(lua_State *L, int index, unsigned i, const char *type, uint64_t room) {
    rows *r = lua_touserdata(L, index);
    index = lua_absindex(L, index);
    if (room > PTRDIFF_MAX / 16) luaL_error(L, "a column of %I rows is too long", (LUAI_UACINT)room);
    void *bytes = lua_newuserdatauv(L, (size_t)room * gpumm_layout__rows_size(type) + 1, 0);
    gpumm_layout__work_huge(bytes, (size_t)room * gpumm_layout__rows_size(type));
    lua_setiuservalue(L, index, (int)i + 1);
    r->column[i] = (rows_column){.type = type, .bytes = bytes};
    return bytes;
}

rows *gpumm_layout__rows_at(lua_State *L, int index) { return luaL_checkudata(L, index, ROWS_CLASS); }

static unsigned check_column(lua_State *L, const rows *r, int index) {
    lua_Integer i = luaL_checkinteger(L, index);
    luaL_argcheck(L, i >= 1 && i <= (lua_Integer)r->columns && r->column[i - 1].type, index, "there is no such column");
    return (unsigned)i - 1;
}

/* r:view(i): read-only. */
static int rows_view(lua_State *L) {
    rows *r = gpumm_layout__rows_at(L, 1);
    unsigned i = check_column(L, r, 2);
    r->column[i].shown = true;
    lua_getiuservalue(L, 1, (int)i + 1);
    gpumm_lua_push_window(L, r->column[i].type, r->count, r->column[i].bytes, -1);
    return 1;
}

/* r:shift(i, by): adds `by` to the numbers (u32) of a column that nobody sees yet. */
static int rows_shift(lua_State *L) {
    rows *r = gpumm_layout__rows_at(L, 1);
    unsigned i = check_column(L, r, 2);
    lua_Integer by = luaL_checkinteger(L, 3);
    luaL_argcheck(L, strcmp(r->column[i].type, "u32") == 0 && !r->column[i].shown, 2, "that column is not shifted");
    luaL_argcheck(L, by >= 0 && by < UINT32_MAX / 2, 3, "that is too far");
    for (uint64_t k = 0; k < r->count; k++) ((uint32_t *)r->column[i].bytes)[k] += (uint32_t)by;
    return 0;
}

/* r:with("u32"): the same columns and one more, of zeros, and its number. What r is does not matter any more. */
static int rows_with(lua_State *L) {
    const rows *r = gpumm_layout__rows_at(L, 1);
    luaL_argcheck(L, strcmp(luaL_checkstring(L, 2), "u32") == 0, 2, "a column of u32 can be added");
    lua_settop(L, 1);
    rows *more = gpumm_layout__rows_push(L, r->count, r->columns + 1);
    for (unsigned i = 0; i < r->columns; i++) {
        more->column[i] = r->column[i];
        lua_getiuservalue(L, 1, (int)i + 1);
        lua_setiuservalue(L, 2, (int)i + 1);
    }
    memset(gpumm_layout__rows_take(L, 2, r->columns, "u32", r->count), 0, (size_t)r->count * 4);
    lua_pushinteger(L, (lua_Integer)r->columns + 1);
    return 2;
}

static int rows_length(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_layout__rows_at(L, 1)->count);
    return 1;
}

static const char *type_of(const gpumm_type *type) {
    static const char *const types[] = {"u32", "i64", "f64", NULL};
    for (const char *const *t = types; *t; t++)
        if (strcmp(gpumm_type_name(type), *t) == 0) return *t;
    return NULL;
}

/* rows { view, … }: of u32, i64 or f64 */
static int rows_new(lua_State *L) {
    rows *r = NULL;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Unsigned columns = lua_rawlen(L, 1);
    luaL_argcheck(L, columns >= 1 && columns <= COLUMNS, 1, "there are 1 to 1024 columns");
    for (unsigned i = 0; i < columns; i++) {
        lua_settop(L, r ? 2 : 1);
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        gpumm_lua_view v = gpumm_layout__any_view_at(L, lua_gettop(L));
        if (!type_of(v.type)) return luaL_error(L, "column %d is no view of u32, i64 or f64", (int)i + 1);
        if (!r) {
            r = gpumm_layout__rows_push(L, v.count, (unsigned)columns);
            lua_insert(L, 2);
        }
        if (v.count != r->count) return luaL_error(L, "column %d is not as long as the first", (int)i + 1);
        const char *type = type_of(v.type);
        void *to = gpumm_layout__rows_take(L, 2, i, type, v.count);
        if (v.count > 0) memcpy(to, v.bytes, (size_t)v.count * gpumm_layout__rows_size(type));
    }
    lua_settop(L, 2);
    return 1;
}

void gpumm_layout__open_rows(lua_State *L) {
    static const luaL_Reg methods[] = {{"view", rows_view}, {"shift", rows_shift}, {"with", rows_with}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__len", rows_length}, {NULL, NULL}};
    gpumm_layout__class_make(L, ROWS_CLASS, meta, methods);
    lua_pushcfunction(L, rows_new);
    lua_setfield(L, -2, "rows");
}
