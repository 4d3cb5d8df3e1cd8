/* SPDX-License-Identifier: MIT */
/* Columns of text. Their bytes lie in one block behind their ends; what numbers refer to is another column. */
#include "modules/layout/texts.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "modules/layout/views.h"

#define TEXTS_CLASS "gpumm_layout.texts"

typedef struct texts {
    uint32_t count;
    const uint64_t *ends;    /* of each text's bytes; NULL: numbers */
    const char *bytes;       /* of all texts */
    const uint32_t *numbers; /* of texts in `of`; NULL and no ends either: text i is its number */
    const struct texts *of;
} texts;

enum { TEXTS_MEMORY = 1, TEXTS_OF, TEXTS_INDEX, TEXTS_VALUES = TEXTS_INDEX }; /* user values */

static const texts *check(lua_State *L, int index) { return luaL_checkudata(L, index, TEXTS_CLASS); }

static texts *push_empty(lua_State *L, uint32_t count) {
    texts *t = lua_newuserdatauv(L, sizeof *t, TEXTS_VALUES);
    *t = (texts){.count = count};
    luaL_setmetatable(L, TEXTS_CLASS);
    return t;
}

/* Row `i`, from 0; a number is made text in `local`. */
static const char *text_at(const texts *t, uint32_t i, char local[static 16], size_t *length) {
    if (t->numbers) {
        *length = 0;
        return t->numbers[i] == 0 || t->numbers[i] > t->of->count ? ""
                                                                  : text_at(t->of, t->numbers[i] - 1, local, length);
    }
    if (!t->ends) {
        *length = (size_t)snprintf(local, 16, "%lu", (unsigned long)i + 1);
        return local;
    }
    uint64_t first = i > 0 ? t->ends[i - 1] : 0;
    *length = (size_t)(t->ends[i] - first);
    return t->bytes + first;
}

/* ---- Making ----------------------------------------------------------------------------------- */

/* Memory for the ends of `count` texts and `bytes` behind them, for the column on top. */
static char *take_memory(lua_State *L, texts *t, uint64_t bytes) {
    size_t ends = (size_t)t->count * sizeof *t->ends;
    uint64_t *memory = lua_newuserdatauv(L, ends + (size_t)bytes + 1, 0);
    lua_setiuservalue(L, -2, TEXTS_MEMORY);
    t->ends = memory;
    t->bytes = (char *)memory + ends;
    return (char *)memory + ends;
}

void gpumm_layout__texts_push(lua_State *L, const intern_name *names, uint32_t count) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += names[i].length;
    texts *t = push_empty(L, count);
    char *to = take_memory(L, t, bytes);
    uint64_t *ends = (uint64_t *)t->ends, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to + at, names[i].text, names[i].length);
        at += names[i].length;
        ends[i] = at;
    }
}

void gpumm_layout__texts_push_numbered(lua_State *L, const uint32_t *numbers, uint32_t count, int anchor) {
    const texts *of = check(L, -1);
    anchor = lua_absindex(L, anchor);
    texts *t = push_empty(L, count);
    t->numbers = numbers;
    t->of = of;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, TEXTS_OF);
    lua_pushvalue(L, anchor);
    lua_setiuservalue(L, -2, TEXTS_MEMORY);
}

void gpumm_layout__texts_push_numbers(lua_State *L) {
    lua_Integer count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    push_empty(L, (uint32_t)count);
}

/* texts(list) */
static int texts_of_list(lua_State *L) {
    lua_Unsigned count = lua_rawlen(L, 1);
    uint64_t bytes = 0;
    size_t length;
    luaL_argcheck(L, count <= INTERN_MOST, 1, "that are too many texts");
    for (lua_Unsigned i = 1; i <= count; i++) {
        if (lua_rawgeti(L, 1, (lua_Integer)i) != LUA_TSTRING)
            return luaL_error(L, "text %I is no string", (LUAI_UACINT)i);
        lua_tolstring(L, -1, &length);
        bytes += length;
        lua_pop(L, 1);
    }
    texts *t = push_empty(L, (uint32_t)count);
    char *to = take_memory(L, t, bytes);
    uint64_t *ends = (uint64_t *)t->ends, at = 0;
    for (lua_Unsigned i = 0; i < count; i++) { /* no other code runs between the two rounds */
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        const char *text = lua_tolstring(L, -1, &length);
        memcpy(to + at, text, length);
        ends[i] = at += length;
        lua_pop(L, 1);
    }
    return 1;
}

/* texts(column, rows) */
static int texts_of_rows(lua_State *L) {
    const texts *t = check(L, 1);
    lua_settop(L, 2);
    gpumm_lua_view rows = gpumm_layout__view_at(L, 2, "u32");
    luaL_argcheck(L, rows.count <= INTERN_MOST, 2, "there are up to 2^31 - 1 rows");
    const uint32_t *from = rows.bytes;
    uint32_t *numbers = lua_newuserdatauv(L, (size_t)rows.count * sizeof *numbers + 1, 0);
    for (uint64_t i = 0; i < rows.count; i++) {
        luaL_argcheck(L, from[i] >= 1 && from[i] <= t->count, 2, "there is no such row");
        numbers[i] = t->numbers ? t->numbers[from[i] - 1] : from[i];
    }
    int anchor = lua_gettop(L);
    if (t->numbers) lua_getiuservalue(L, 1, TEXTS_OF);
    else lua_pushvalue(L, 1);
    gpumm_layout__texts_push_numbered(L, numbers, (uint32_t)rows.count, anchor);
    return 1;
}

static bool intern_all(interner *names, const texts *t) {
    char local[16];
    size_t length;
    uint32_t number;
    for (uint32_t i = 0; i < t->count; i++) {
        const char *text = text_at(t, i, local, &length);
        if (!gpumm_layout__intern(names, text, length, text + length, text == local, &number)) return false;
    }
    return true;
}

static bool any_known(const interner *names, const texts *t) {
    char local[16];
    size_t length;
    uint32_t number;
    for (uint32_t i = 0; i < t->count; i++) {
        const char *text = text_at(t, i, local, &length);
        if (gpumm_layout__intern_find(names, text, length, &number)) return true;
    }
    return false;
}

/* Is a text of `b` one of `a`, too? */
static bool repeats(lua_State *L, const texts *a, const texts *b) {
    work w;
    interner names;
    gpumm_layout__work_begin(&w, L, NULL, 0, 1);
    gpumm_layout__intern_begin(&names, &w, (uint64_t)(uintptr_t)a << 17 ^ (uint64_t)(uintptr_t)L);
    bool done = intern_all(&names, a), known = done && any_known(&names, b);
    gpumm_layout__intern_end(&names);
    if (done) return known;
    gpumm_lua_memory_refused(L);
    return luaL_error(L, "not enough memory for the names");
}

/* So many colons behind a 2 begin none of these texts. */
static size_t colons_beyond(const texts *t) {
    char local[16];
    size_t length, most = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        const char *text = text_at(t, i, local, &length);
        size_t colons = 0;
        while (length > colons + 1 && text[0] == '2' && text[colons + 1] == ':') colons++;
        if (colons > most) most = colons;
    }
    return most + 1;
}

/* Writes the texts, each behind a 2 and so many colons (none: as it is), and where they end; returns where all do. */
static uint64_t write_texts(const texts *from, size_t colons, char *to, uint64_t at, uint64_t *end) {
    char local[16];
    size_t length;
    for (uint32_t i = 0; i < from->count; i++) {
        const char *text = text_at(from, i, local, &length);
        if (colons > 0) {
            to[at++] = '2';
            memset(to + at, ':', colons);
            at += colons;
        }
        memcpy(to + at, text, length);
        *end++ = at += length;
    }
    return at;
}

static uint64_t bytes_of(const texts *t) {
    char local[16];
    size_t length;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < t->count; i++, bytes += length) text_at(t, i, local, &length);
    return bytes;
}

/* joined(a, b): the texts of both, one behind the other. Where one is in both, all of `b` are behind "2:", or as many more
   colons as it takes, so that none is there twice. */
static int texts_joined(lua_State *L) {
    const texts *a = check(L, 1), *b = check(L, 2);
    luaL_argcheck(L, (uint64_t)a->count + b->count <= INTERN_MOST, 1, "that are too many texts");
    size_t colons = repeats(L, a, b) ? colons_beyond(a) : 0;
    uint64_t marks = colons > 0 ? (uint64_t)b->count * (colons + 1) : 0;
    texts *t = push_empty(L, a->count + b->count);
    char *to = take_memory(L, t, bytes_of(a) + marks + bytes_of(b));
    uint64_t *end = (uint64_t *)t->ends;
    uint64_t at = write_texts(a, 0, to, 0, end);
    write_texts(b, colons, to, at, end + a->count);
    return 1;
}

/* numbered(column, numbers): a row is the text whose number (u32, from 1; 0: "") stands there. */
static int texts_numbered(lua_State *L) {
    check(L, 1);
    lua_settop(L, 2);
    gpumm_lua_view v = gpumm_layout__view_at(L, 2, "u32");
    luaL_argcheck(L, v.count <= INTERN_MOST, 2, "there are up to 2^31 - 1 numbers");
    uint32_t *numbers = lua_newuserdatauv(L, (size_t)v.count * sizeof *numbers + 1, 0);
    if (v.count > 0) memcpy(numbers, v.bytes, (size_t)v.count * sizeof *numbers);
    lua_pushvalue(L, 1);
    gpumm_layout__texts_push_numbered(L, numbers, (uint32_t)v.count, -2);
    return 1;
}

static int texts_new(lua_State *L) {
    if (lua_istable(L, 1)) return texts_of_list(L);
    if (lua_isuserdata(L, 1)) return texts_of_rows(L);
    lua_Integer count = luaL_checkinteger(L, 1);
    lua_settop(L, 1);
    luaL_argcheck(L, count >= 0 && count <= INTERN_MOST, 1, "a column has 0 to 2^31 - 1 rows");
    gpumm_layout__texts_push_numbers(L);
    return 1;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

uint32_t gpumm_layout__texts_count(lua_State *L, int index) { return check(L, index)->count; }

const char *gpumm_layout__texts_at(lua_State *L, int index, uint32_t i, char local[static 16], size_t *length) {
    return text_at(check(L, index), i, local, length);
}

/* Pushes row `i`, from 1; nil outside. */
static int push_row(lua_State *L, const texts *t, lua_Integer i) {
    char local[16];
    size_t length;
    if (i < 1 || i > (lua_Integer)t->count) {
        lua_pushnil(L);
        return 1;
    }
    const char *text = text_at(t, (uint32_t)i - 1, local, &length);
    lua_pushlstring(L, text, length);
    return 1;
}

/* Pushes the table of the first row of every text, made once. */
static void push_index(lua_State *L, const texts *t) {
    if (lua_getiuservalue(L, 1, TEXTS_INDEX) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    for (uint32_t i = t->count; i > 0; i--) {
        push_row(L, t, i);
        lua_pushinteger(L, i);
        lua_rawset(L, -3);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, TEXTS_INDEX);
}

/* t:find(text): its first row, or nil. */
static int texts_find(lua_State *L) {
    const texts *t = check(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_tostring(L, 2);
    push_index(L, t);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int texts_totable(lua_State *L) {
    const texts *t = check(L, 1);
    lua_createtable(L, (int)t->count, 0);
    for (uint32_t i = 1; i <= t->count; i++) {
        push_row(L, t, i);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* Upvalue 1: the methods. */
static int texts_index(lua_State *L) {
    const texts *t = check(L, 1);
    int whole;
    lua_Integer i = lua_tointegerx(L, 2, &whole);
    if (lua_type(L, 2) == LUA_TNUMBER) return push_row(L, t, whole ? i : 0);
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

static int texts_length(lua_State *L) {
    lua_pushinteger(L, check(L, 1)->count);
    return 1;
}

static int texts_next(lua_State *L) {
    const texts *t = check(L, 1);
    lua_Integer i = luaL_optinteger(L, 2, 0);
    if (i < 0 || i >= (lua_Integer)t->count) return 0;
    lua_pushinteger(L, i + 1);
    return 1 + push_row(L, t, i + 1);
}

static int texts_pairs(lua_State *L) {
    check(L, 1);
    lua_pushcfunction(L, texts_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int texts_tostring(lua_State *L) {
    lua_pushfstring(L, "texts [%d]", (int)check(L, 1)->count);
    return 1;
}

void gpumm_layout__open_texts(lua_State *L) {
    static const luaL_Reg meta[] = {
        {"__len", texts_length}, {"__pairs", texts_pairs}, {"__tostring", texts_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"find", texts_find}, {"totable", texts_totable}, {NULL, NULL}};
    if (luaL_newmetatable(L, TEXTS_CLASS)) {
        luaL_setfuncs(L, meta, 0);
        luaL_newlib(L, methods);
        lua_pushcclosure(L, texts_index, 1);
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, TEXTS_CLASS);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, texts_new);
    lua_setfield(L, -2, "texts");
    lua_pushcfunction(L, texts_numbered);
    lua_setfield(L, -2, "numbered");
    lua_pushcfunction(L, texts_joined);
    lua_setfield(L, -2, "joined");
}
