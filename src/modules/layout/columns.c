/* SPDX-License-Identifier: MIT */
/* The bulk reader's face in Lua. A userdata holds the parsing, so that an error of Lua's leaves nothing behind. */
#include "modules/layout/columns.h"

#include <lauxlib.h>
#include <string.h>
#include <time.h>

#include "modules/layout/class.h"
#include "modules/layout/columns_parse.h"
#include "modules/layout/rows.h"
#include "modules/layout/source.h"
#include "modules/layout/texts.h"

#define PARSING_CLASS "gpumm_layout.parsing"

typedef struct job {
    work work;
    parsing parsing;
    intern_name *names; /* of the dictionary at hand */
    column columns[COLUMNS_MOST];
} job;

enum { SOURCE = 1, AT, LINE, DIALECT, LIST, THREADS, WHAT, JOB, ROWS }; /* stack slots */

static int job_collect(lua_State *L) {
    job *j = luaL_checkudata(L, 1, PARSING_CLASS);
    gpumm_layout__parse_end(&j->parsing);
    if (j->names) gpumm_layout__work_free(&j->work, j->names);
    j->names = NULL;
    return 0;
}

/* ---- What is asked for ---------------------------------------------------------------------------- */

/* Without metamethods: what they do might close the source, and what they make nobody would keep. [-0, +1, m] */
static void raw_field(lua_State *L, int table, const char *key) {
    lua_pushstring(L, key);
    lua_rawget(L, table);
}

static char sign_of(lua_State *L, const char *key, char otherwise) {
    raw_field(L, DIALECT, key);
    const char *text = lua_tostring(L, -1);
    char sign = text && *text ? *text : otherwise;
    lua_pop(L, 1);
    return sign;
}

static bool flag_of(lua_State *L, int table, const char *key) {
    raw_field(L, table, key);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

/* The table keeps it alive. */
static const char *text_of(lua_State *L, int table, const char *key) {
    raw_field(L, table, key);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return text;
}

static uint64_t number_of(lua_State *L, int table, const char *key) {
    raw_field(L, table, key);
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number < 0 ? 0 : (uint64_t)number;
}

static void read_dialect(lua_State *L, dialect *d) {
    *d = (dialect){.delimiter = sign_of(L, "delimiter", ' '),
                   .loose = flag_of(L, DIALECT, "loose"),
                   .quotes = flag_of(L, DIALECT, "quotes"),
                   .newline = sign_of(L, "newline", '\n'),
                   .comma = sign_of(L, "comma", '.'),
                   .comments = text_of(L, DIALECT, "comments"),
                   .skipped = text_of(L, DIALECT, "skipped"),
                   .columns = (unsigned)number_of(L, DIALECT, "columns")};
    luaL_argcheck(L, d->newline == '\n' || d->newline == '\r', DIALECT, "lines end with \\n or \\r");
    gpumm_layout__dialect_ready(d);
    luaL_argcheck(L, d->delimiter != d->newline && d->delimiter != '"', DIALECT, "that is no delimiter");
}

static column_kind kind_of(lua_State *L, int table) {
    static const char *const kinds[] = {"skip", "name", "f64", "i64", "index", "literal", "dict", "absent", NULL};
    const char *kind = text_of(L, table, "kind");
    for (int i = 0; kind && kinds[i]; i++)
        if (strcmp(kind, kinds[i]) == 0) return (column_kind)i;
    luaL_error(L, "a column's kind is skip, name, f64, i64, index, literal, dict or absent");
    return COLUMN_SKIP;
}

static void read_column(lua_State *L, parsing *p, column *c) {
    int table = lua_gettop(L);
    luaL_checktype(L, table, LUA_TTABLE);
    c->kind = kind_of(L, table);
    c->required = flag_of(L, table, "required");
    c->dictionary = (unsigned)number_of(L, table, "dictionary");
    c->least = number_of(L, table, "least");
    c->most = number_of(L, table, "most");
    c->literal = text_of(L, table, "literal");
    if (c->most > UINT32_MAX) c->most = UINT32_MAX;
    if (c->kind == COLUMN_LITERAL && !c->literal) luaL_error(L, "a literal needs its text");
    if (c->kind != COLUMN_NAME) return;
    if (c->dictionary >= DICTIONARIES_MOST) luaL_error(L, "there is no such dictionary");
    if (c->dictionary >= p->dictionaries) p->dictionaries = c->dictionary + 1;
}

static void read_columns(lua_State *L, job *j) {
    lua_Unsigned count = lua_rawlen(L, LIST);
    luaL_argcheck(L, count >= 1 && count <= COLUMNS_MOST, LIST, "there are 1 to 256 columns");
    for (unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, LIST, (lua_Integer)i + 1);
        read_column(L, &j->parsing, &j->columns[i]);
        lua_pop(L, 1);
    }
    j->parsing.columns = j->columns;
    j->parsing.count = (unsigned)count;
}

/* The job in its slot, with all that is asked for. */
static job *push_job(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, SOURCE);
    lua_Integer at = luaL_checkinteger(L, AT), line = luaL_checkinteger(L, LINE);
    luaL_argcheck(L, at >= 1 && (lua_Unsigned)at - 1 <= s->size, AT, "it is outside of the source");
    luaL_checktype(L, DIALECT, LUA_TTABLE);
    luaL_checktype(L, LIST, LUA_TTABLE);
    lua_Integer threads = luaL_optinteger(L, THREADS, 0);
    luaL_argcheck(L, threads >= 0 && threads <= 64, THREADS, "there are 0 (as many as cores) to 64 threads");
    job *j = lua_newuserdatauv(L, sizeof *j, 0);
    memset(j, 0, sizeof *j);
    luaL_setmetatable(L, PARSING_CLASS);
    gpumm_layout__work_begin(&j->work, L, lua_tostring(L, WHAT), s->size, (unsigned)threads);
    j->parsing.work = &j->work;
    j->parsing.text = s->bytes + at - 1;
    j->parsing.end = s->bytes + s->size;
    j->parsing.first_line = (uint64_t)line;
    read_dialect(L, &j->parsing.dialect);
    j->parsing.exact = flag_of(L, DIALECT, "exact");
    read_columns(L, j);
    return j;
}

/* ---- What comes of it ------------------------------------------------------------------------------ */

static int push_error(lua_State *L, const parsing *p) {
    static const char *const faults[] = {"right", "short", "number", "integer", "range", "literal",
                                         "quote", "open",  "long",   "extra",   "memory"};
    if (p->error.fault == ROW_MEMORY) gpumm_lua_memory_refused(L);
    lua_pushnil(L);
    lua_pushstring(L, faults[p->error.fault]);
    lua_pushinteger(L, (lua_Integer)p->error.line);
    lua_pushinteger(L, (lua_Integer)p->error.column + 1);
    lua_pushstring(L, p->error.text);
    return 5;
}

static const char *type_of(column_kind kind) {
    static const char *const types[] = {NULL, "u32", "f64", "i64", "u32", NULL, "f64", NULL};
    return types[kind];
}

/* Rows with a room for every line, in their slot. */
static void take_rows(lua_State *L, job *j) {
    parsing *p = &j->parsing;
    if (p->lines > INTERN_MOST) luaL_error(L, "%I lines are more than 2^31 - 1", (LUAI_UACINT)p->lines);
    gpumm_layout__rows_push(L, p->lines, p->count);
    for (unsigned i = 0; i < p->count; i++) {
        const char *type = type_of(p->columns[i].kind);
        p->columns[i].out = type ? gpumm_layout__rows_take(L, ROWS, i, type, p->lines) : NULL;
    }
}

static int push_names(lua_State *L, job *j) {
    parsing *p = &j->parsing;
    lua_createtable(L, (int)p->dictionaries, 0);
    for (unsigned d = 0; d < p->dictionaries; d++) {
        uint32_t count = 0;
        if (!gpumm_layout__parse_names(p, d, &j->names, &count)) return 0;
        gpumm_layout__texts_push(L, j->names, count);
        gpumm_layout__work_free(&j->work, j->names);
        j->names = NULL;
        lua_rawseti(L, -2, (lua_Integer)d + 1);
    }
    return 1;
}

static void push_flags(lua_State *L, parsing *p) {
    lua_createtable(L, 0, 2);
    lua_createtable(L, (int)p->count, 0);
    lua_createtable(L, (int)p->count, 0);
    for (unsigned i = 0; i < p->count; i++) {
        lua_pushboolean(L, atomic_load(&p->columns[i].missing));
        lua_rawseti(L, -3, (lua_Integer)i + 1);
        lua_pushboolean(L, atomic_load(&p->columns[i].present));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -3, "given");
    lua_setfield(L, -2, "missing");
}

/* Whoever prepares a file shall not know which names collide. */
static uint64_t new_seed(const void *at) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return ((uint64_t)t.tv_nsec << 32 ^ (uint64_t)t.tv_sec ^ (uint64_t)(uintptr_t)at) * 0x9e3779b97f4a7c15;
}

static int no_memory(lua_State *L, parsing *p) {
    p->error = (parse_error){.fault = ROW_MEMORY};
    return push_error(L, p);
}

static bool parse(lua_State *L, job *j) {
    lua_settop(L, JOB);
    take_rows(L, j);
    return gpumm_layout__parse_rows(&j->parsing);
}

static int columns_read(lua_State *L) {
    lua_settop(L, WHAT);
    job *j = push_job(L);
    parsing *p = &j->parsing;
    if (!gpumm_layout__parse_begin(p, new_seed(j))) return no_memory(L, p);
    bool done = parse(L, j);
    if (!done && p->error.fault == ROW_OPEN) { /* a quoted field may have several lines: then it is read in one piece */
        gpumm_layout__parse_end(p);
        p->dialect.lines_in_quotes = true;
        memset(&p->error, 0, sizeof p->error);
        if (!gpumm_layout__parse_begin(p, new_seed(j))) return no_memory(L, p);
        done = parse(L, j);
    }
    if (!done) return push_error(L, p);
    ((rows *)lua_touserdata(L, ROWS))->count = p->rows;
    if (!push_names(L, j)) return no_memory(L, p);
    gpumm_layout__parse_end(p);
    if (j->work.threads > 1) gpumm_layout__work_end();
    push_flags(L, p);
    return 3;
}

/* ---- Looking at the first lines ---------------------------------------------------------------------- */

/* Pushes the line's fields. */
static void push_fields(lua_State *L, const dialect *d, const char **at, const char *end) {
    field f = {0};
    lua_createtable(L, 4, 0);
    for (lua_Integer i = 1; i <= COLUMNS_MOST; i++) {
        const char *before = *at;
        if (gpumm_layout__field(d, at, end, false, &f) != FIELD_READ) break;
        luaL_Buffer b;
        char *to = luaL_buffinitsize(L, &b, f.length + 1);
        luaL_pushresultsize(&b, gpumm_layout__field_text(&f, to));
        lua_rawseti(L, -2, i);
        if (f.quoted) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, "quoted");
        }
        if (*at == before) break; /* the empty field behind the last delimiter */
    }
}

/* fields(source, at, dialect, most): a list of the fields of lines that are data, each with `at`, the byte where its
   line begins, `next`, that of the next line, and `line`, its number from 1. */
static int columns_fields(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    lua_Integer first = luaL_checkinteger(L, 2), most = luaL_checkinteger(L, 4), line = 0, count = 0;
    luaL_argcheck(L, first >= 1 && (lua_Unsigned)first - 1 <= s->size, 2, "it is outside of the source");
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_pushvalue(L, 3);
    lua_insert(L, DIALECT); /* where read_dialect looks */
    lua_settop(L, DIALECT);
    dialect d;
    read_dialect(L, &d);
    d.lines_in_quotes = d.quotes;
    lua_newtable(L);
    const char *at = s->bytes + first - 1, *end = s->bytes + s->size;
    while (at < end && count < most) {
        const char *from = at;
        bool data = gpumm_layout__line_begin(&d, &at, end);
        lua_Integer here = line + 1;
        if (data) push_fields(L, &d, &at, end);
        at = gpumm_layout__line_end(&d, at, end);
        for (const char *c = from; c < at; c++) line += *c == d.newline;
        if (!data) continue;
        lua_pushinteger(L, from - s->bytes + 1);
        lua_setfield(L, -2, "at");
        lua_pushinteger(L, at - s->bytes + 1);
        lua_setfield(L, -2, "next");
        lua_pushinteger(L, here);
        lua_setfield(L, -2, "line");
        lua_pushinteger(L, line + 1);
        lua_setfield(L, -2, "next_line");
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* row_line(source, at, dialect, k): in which line, from 1, row k is; nil where there are fewer. */
static int columns_row_line(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    lua_Integer first = luaL_checkinteger(L, 2), wanted = luaL_checkinteger(L, 4), line = 0;
    luaL_argcheck(L, first >= 1 && (lua_Unsigned)first - 1 <= s->size, 2, "it is outside of the source");
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_pushvalue(L, 3); /* where read_dialect looks */
    dialect d;
    read_dialect(L, &d);
    const char *at = s->bytes + first - 1, *end = s->bytes + s->size;
    while (at < end && wanted > 0) {
        wanted -= gpumm_layout__line_begin(&d, &at, end);
        at = gpumm_layout__line_end(&d, at, end);
        line++;
    }
    if (wanted > 0) return 0;
    lua_pushinteger(L, line);
    return 1;
}

void gpumm_layout__open_columns(lua_State *L) {
    static const luaL_Reg meta[] = {{"__gc", job_collect}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"columns", columns_read}, {"fields", columns_fields}, {"row_line", columns_row_line}, {NULL, NULL}};
    gpumm_layout__class_make(L, PARSING_CLASS, meta, NULL);
    luaL_setfuncs(L, functions, 0);
}
