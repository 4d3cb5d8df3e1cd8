/* SPDX-License-Identifier: MIT */
/* Element types in Lua: gpumm.type "f32x3", gpumm.struct { {"from", "u32"}, {"to", "u32"}, name = "e" } */
#include "bind/api/type.h"

#include "bind/lua/arguments.h"
#include "bind/lua/class.h"
#include "bind/lua/collector.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"
#include "bind/sandbox/limits.h"
#include "bind/lua/raise.h"
#include "core/element.h"

#define TYPE_CLASS "gpumm.type"

static const bind_class type_class; /* at the end */

typedef struct type_box {
    const gpumm_type *type;    /* NULL: not filled, or collected */
    bind_reference *reference; /* holds it */
} type_box;

static type_box *box_push(lua_State *L) { /* [-0, +1, m] */
    type_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (type_box){NULL, NULL};
    luaL_setmetatable(L, TYPE_CLASS);
    box->reference = gpumm_lua__reference_take(L, &gpumm_lua__state_of(L)->references);
    return box;
}

static void box_fill(type_box *box, const gpumm_type *type) {
    box->type = type;
    gpumm_lua__reference_to_type(box->reference, type);
}

static void release_type(void *type) { gpumm_type_release(type); }

void gpumm_lua__reference_to_type(bind_reference *reference, const gpumm_type *type) {
    gpumm_lua__reference_hold(reference, release_type, type);
}

void gpumm_lua__push_type(lua_State *L, const gpumm_type *type) {
    type_box *box = box_push(L); /* raises before the reference is taken */
    box_fill(box, gpumm_type_retain(type));
}

const gpumm_type *gpumm_lua__test_type(lua_State *L, int index) {
    type_box *box = gpumm_lua__test_userdata(L, index, &type_class);
    return box && box->type ? box->reference->object : NULL;
}

/* Garbage may hold types that are much larger than their handles. */
gpumm_status gpumm_lua__type_parse(lua_State *L, const char *text, gpumm_type **out) {
    gpumm_allocator from = gpumm_lua__own_allocator(L);
    gpumm_status status = gpumm_type_parse_with(&from, text, out);
    if (!gpumm_lua__collects(L, status)) return status;
    status = gpumm_type_parse_with(&from, text, out);
    if (status == GPUMM_OUT_OF_MEMORY) gpumm_lua__out_of_own_memory(L);
    return status;
}

gpumm_status gpumm_lua__type_struct(lua_State *L, const char *name, const gpumm_field *fields, size_t count,
                                    gpumm_type **out) {
    gpumm_allocator from = gpumm_lua__own_allocator(L);
    gpumm_status status = gpumm_type_struct_with(&from, name, fields, count, out);
    if (!gpumm_lua__collects(L, status)) return status;
    status = gpumm_type_struct_with(&from, name, fields, count, out);
    if (status == GPUMM_OUT_OF_MEMORY) gpumm_lua__out_of_own_memory(L);
    return status;
}

static void parse_push(lua_State *L, const char *text) { /* [-0, +1, e] */
    type_box *box = box_push(L);
    gpumm_type *type;
    gpumm_status status = gpumm_lua__type_parse(L, text, &type);
    if (status) gpumm_lua__raise(L, status);
    box_fill(box, type);
}

const gpumm_type *gpumm_lua__to_type(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TSTRING) {
        parse_push(L, gpumm_lua__text(L, index));
        lua_replace(L, index);
    }
    const gpumm_type *type = gpumm_lua__test_type(L, index);
    if (!type)
        luaL_error(L, "an element type is wanted: text as \"f32x3\", or a type of gpumm.struct; got %s",
                   luaL_typename(L, index));
    return type;
}

static const gpumm_type *self(lua_State *L) {
    type_box *box = gpumm_lua__userdata(L, 1, &type_class);
    if (!box->type || !box->reference->object) luaL_error(L, "this type was collected");
    return box->type;
}

/* ---- Properties --------------------------------------------------------------------------- */

static int type_size(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_type_size(self(L)));
    return 1;
}

static int type_align(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_type_align(self(L)));
    return 1;
}

static int type_kind(lua_State *L) {
    const gpumm_type *type = self(L);
    static const char *const names[] = {
        [GPUMM_KIND_SCALAR] = "scalar", [GPUMM_KIND_VECTOR] = "vector", [GPUMM_KIND_STRUCT] = "struct"};
    bool opaque = gpumm_type_kind(type) == GPUMM_KIND_STRUCT && gpumm_type_field_count(type) == 0;
    lua_pushstring(L, opaque ? "bytes" : names[gpumm_type_kind(type)]);
    return 1;
}

static int type_name(lua_State *L) {
    lua_pushstring(L, gpumm_type_name(self(L)));
    return 1;
}

static int type_struct_name(lua_State *L) {
    const char *name = gpumm_type_struct_name(self(L));
    if (*name) lua_pushstring(L, name);
    else lua_pushnil(L);
    return 1;
}

static int type_lanes(lua_State *L) {
    lua_pushinteger(L, gpumm_type_lanes(self(L)));
    return 1;
}

static int type_scalar(lua_State *L) {
    const gpumm_type *type = self(L);
    if (gpumm_type_kind(type) == GPUMM_KIND_STRUCT) lua_pushnil(L);
    else lua_pushstring(L, scalar_infos[gpumm_type_scalar(type)].name);
    return 1;
}

static int type_fields(lua_State *L) {
    const gpumm_type *type = self(L);
    size_t count = gpumm_type_field_count(type);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        const gpumm_field *field = gpumm_type_field(type, i);
        lua_createtable(L, 0, 3);
        lua_pushstring(L, field->name);
        lua_setfield(L, -2, "name");
        gpumm_lua__push_type(L, field->type);
        lua_setfield(L, -2, "type");
        lua_pushinteger(L, (lua_Integer)field->offset);
        lua_setfield(L, -2, "offset");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- Methods ------------------------------------------------------------------------------ */

static int type_declaration(lua_State *L) {
    const gpumm_type *type = self(L);
    const char *name = luaL_optstring(L, 2, NULL);
    size_t length = gpumm_type_declaration(type, name, NULL, 0);
    luaL_Buffer buffer;
    gpumm_type_declaration(type, name, luaL_buffinitsize(L, &buffer, length + 1), length + 1);
    luaL_pushresultsize(&buffer, length);
    return 1;
}

static int type_tostring(lua_State *L) {
    type_box *box = gpumm_lua__userdata(L, 1, &type_class);
    bool gone = !box->type || !box->reference->object;
    lua_pushstring(L, gone ? "type (collected)" : gpumm_type_name(box->type));
    return 1;
}

static int type_equal(lua_State *L) {
    const gpumm_type *a = gpumm_lua__test_type(L, 1), *b = gpumm_lua__test_type(L, 2);
    lua_pushboolean(L, a && b && gpumm_type_equal(a, b));
    return 1;
}

static int type_collect(lua_State *L) {
    type_box *box = gpumm_lua__userdata(L, 1, &type_class);
    bind_reference *reference = box->reference;
    *box = (type_box){NULL, NULL};
    gpumm_lua__reference_end(L, reference);
    return 0;
}

static int type_missing(lua_State *L) {
    static const char *const words[] = {"name",   "kind",   "size",        "align",       "lanes",
                                        "scalar", "fields", "struct_name", "declaration", NULL};
    const char *key = gpumm_lua__name(L, 2), *near = key ? gpumm_lua__nearest(key, words) : NULL;
    if (near) return luaL_error(L, "a type has no '%s' (did you mean '%s'?)", gpumm_lua__push_key(L, 2), near);
    return luaL_error(L,
                      "a type has no '%s'; it has name, kind, size, align, lanes, scalar, fields, "
                      "struct_name and declaration()",
                      gpumm_lua__push_key(L, 2));
}

/* ---- Making ------------------------------------------------------------------------------- */

static int module_type(lua_State *L) {
    gpumm_lua__to_type(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* One {name, type} of the table on top: its name and type are kept alive in the table at `anchors`. */
static void read_field(lua_State *L, int anchors, lua_Integer index, gpumm_field *field) { /* [-0, +0, e] */
    *field = (gpumm_field){0};
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) != 2)
        luaL_error(L, "field %I of a struct is { name, type }, as in { \"from\", \"u32\" }", index);
    lua_rawgeti(L, -1, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "the name of field %I is a string, got %s", index, luaL_typename(L, -1));
    field->name = gpumm_lua__text(L, lua_absindex(L, -1));
    lua_rawseti(L, anchors, 2 * index - 1);
    lua_rawgeti(L, -1, 2);
    field->type = gpumm_lua__to_type(L, lua_gettop(L));
    lua_rawseti(L, anchors, 2 * index);
}

static int module_struct(lua_State *L) {
    static const char *const valid[] = {"name", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    gpumm_lua__options(L, 1, valid, true);
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count >= 1 && count <= TYPE_FIELDS_MAX, 1, "a struct has 1 to 1024 fields { name, type }");
    lua_newtable(L); /* 2: names and types */
    gpumm_field *fields = lua_newuserdatauv(L, count * sizeof *fields, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        read_field(L, 2, (lua_Integer)i + 1, &fields[i]);
        lua_pop(L, 1);
    }
    const char *name = gpumm_lua__option_text(L, 1, "name", NULL);
    type_box *box = box_push(L);
    gpumm_type *type;
    gpumm_status status = gpumm_lua__type_struct(L, name, fields, count, &type);
    if (status) return gpumm_lua__raise(L, status);
    box_fill(box, type);
    return 1;
}

static const luaL_Reg properties[] = {
    {"size", type_size},   {"align", type_align},   {"kind", type_kind},     {"name", type_name},
    {"lanes", type_lanes}, {"scalar", type_scalar}, {"fields", type_fields}, {"struct_name", type_struct_name},
    {NULL, NULL},
};
static const luaL_Reg methods[] = {{"declaration", type_declaration}, {NULL, NULL}};
static const luaL_Reg meta[] = {
    {"__tostring", type_tostring},
    {"__eq", type_equal},
    {"__gc", type_collect},
    {NULL, NULL},
};
static const bind_class type_class = {
    .name = TYPE_CLASS,
    .methods = methods,
    .properties = properties,
    .meta = meta,
    .missing = type_missing,
};
static const luaL_Reg functions[] = {{"type", module_type}, {"struct", module_struct}, {NULL, NULL}};

void gpumm_lua__open_type(lua_State *L) {
    gpumm_lua__class_open(L, &type_class);
    luaL_setfuncs(L, functions, 0);
}
