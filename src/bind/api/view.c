/* SPDX-License-Identifier: MIT */
/* Views in Lua: v[i], #v, v.field, v:get(i), v:set(i, …), v:each(), v:totable(), v:copy(), v:bytes(),
   v:type(), v:field(name). Methods win over fields of their names, which v:field reaches. */
#include "bind/api/view.h"

#include <limits.h>
#include <string.h>

#include "base/status.h"
#include "bind/api/type.h"
#include "bind/api/values.h"
#include "bind/lua/arguments.h"
#include "bind/lua/class.h"
#include "bind/lua/raise.h"
#include "bind/lua/words.h"
#include "core/element.h"

#define VIEW_CLASS "gpumm.view"

static const bind_class view_class; /* at the end */

/* User values: what holds the bytes, or the frame; field views made before. */
enum { VIEW_MEMORY = 1, VIEW_FIELDS = 2 };
enum { LOCAL_SIZE = 256 }; /* elements up to this size need no userdata in passing */

/* ---- Checking ----------------------------------------------------------------------------- */

/* Finalised, or what it reads was: a finaliser of the script's brought it back, or the state closes. */
static bool is_collected(const view *v) {
    return !v->type || (v->reference && !v->reference->object) || (v->frame && !gpumm_lua__holds(v->frame));
}

static bool is_stale(const view *v) { return v->frame && !gpumm_frame_valid(v->frame->object); }

static void check_alive(lua_State *L, const view *v) {
    const void *data;
    if (is_collected(v)) luaL_error(L, "this view was collected");
    if (!is_stale(v)) return;
    gpumm_status status = gpumm_frame_data(v->frame->object, 0, &data); /* it says why the frame ended */
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
}

/* NULL for any other value. */
static view *view_in(lua_State *L, int index) { return gpumm_lua__test_object(L, index, sizeof(view), &view_class); }

/* Collected or not. */
static view *view_at(lua_State *L, int index) {
    view *v = view_in(L, index);
    if (!v) luaL_typeerror(L, index, VIEW_CLASS);
    return v;
}

view *gpumm_lua__view_check(lua_State *L, int index) {
    view *v = view_at(L, index);
    check_alive(L, v);
    return v;
}

view *gpumm_lua__view_test(lua_State *L, int index) {
    view *v = view_in(L, index);
    if (v) check_alive(L, v);
    return v;
}

static view *check_writable(lua_State *L, int index) {
    view *v = gpumm_lua__view_check(L, index);
    if (v->frame) luaL_error(L, "a frame is read-only; v:copy() gives a view to write to");
    if (v->sealed) luaL_error(L, "this view is read-only; v:copy() gives one to write to");
    return v;
}

/* Is 1-based `i` within? */
static bool holds(const view *v, lua_Integer i) { return (lua_Unsigned)i - 1 < v->count; }

static unsigned char *element_at(const view *v, lua_Integer i) {
    return v->bytes + ((lua_Unsigned)i - 1) * v->stride; /* within the memory, so it does not overflow */
}

static unsigned char *check_element(lua_State *L, const view *v, lua_Integer i) {
    if (!holds(v, i)) luaL_error(L, "index %I is outside of this view of %I elements", i, (LUAI_UACINT)v->count);
    return element_at(v, i);
}

/* ---- Making ------------------------------------------------------------------------------- */

/* Without a metatable. [-0, +1, m] */
static view *push_new(lua_State *L) {
    view *v = lua_newuserdatauv(L, sizeof *v, VIEW_FIELDS);
    *v = (view){.class = &view_class};
    return v;
}

view *gpumm_lua__view_push_empty(lua_State *L) {
    view *v = push_new(L);
    luaL_setmetatable(L, VIEW_CLASS);
    v->reference = gpumm_lua__reference_take(L, &gpumm_lua__state_of(L)->references);
    return v;
}

void gpumm_lua__view_hold(view *v, const gpumm_type *type) {
    v->type = type;
    gpumm_lua__reference_to_type(v->reference, type);
}

void gpumm_lua__view_give_memory(lua_State *L, uint64_t count) {
    view *v = lua_touserdata(L, -2);
    v->bytes = lua_touserdata(L, -1);
    v->stride = gpumm_type_size(v->type);
    v->count = count;
    lua_setiuservalue(L, -2, VIEW_MEMORY);
}

void gpumm_lua__view_lend_memory(lua_State *L, uint64_t count, const void *bytes, int anchor) {
    view *v = lua_touserdata(L, -1);
    v->bytes = (unsigned char *)bytes; /* not written: check_writable looks at `sealed` */
    v->stride = gpumm_type_size(v->type);
    v->count = count;
    v->sealed = true;
    lua_pushvalue(L, anchor);
    lua_setiuservalue(L, -2, VIEW_MEMORY);
}

void *gpumm_lua__view_take_memory(lua_State *L, uint64_t count) {
    view *v = lua_touserdata(L, -1);
    gpumm_lua__push_memory(L, v->type, count);
    gpumm_lua__view_give_memory(L, count);
    return v->bytes;
}

void *gpumm_lua__view_push_owned(lua_State *L, const gpumm_type *type, uint64_t count) {
    view *v = gpumm_lua__view_push_empty(L);
    gpumm_lua__view_hold(v, gpumm_type_retain(type));
    return gpumm_lua__view_take_memory(L, count);
}

/* The frame keeps the type, as it keeps its readback and, in Lua, the buffers which that reads: a view reads on where it
   alone is left of all. */
void gpumm_lua__view_push_frame(lua_State *L, int index, const gpumm_type *type, uint64_t count, const void *data) {
    view *v = push_new(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &view_class);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, VIEW_MEMORY);
    v->type = type;
    v->frame = lua_touserdata(L, index);
    v->bytes = (unsigned char *)data; /* not written: check_writable looks at `frame` */
    v->stride = gpumm_type_size(type);
    v->count = count;
}

/* ---- Whole contents ----------------------------------------------------------------------- */

static void gather(const view *v, unsigned char *to) {
    size_t size = gpumm_type_size(v->type);
    if (v->stride == size) {
        if (v->count) memcpy(to, v->bytes, v->count * size);
        return;
    }
    for (uint64_t i = 0; i < v->count; i++) memcpy(to + i * size, v->bytes + i * v->stride, size);
}

const void *gpumm_lua__view_contiguous(lua_State *L, int index) {
    const view *v = gpumm_lua__view_check(L, index);
    if (v->stride == gpumm_type_size(v->type)) {
        lua_pushvalue(L, index);
        return v->bytes;
    }
    unsigned char *copy = gpumm_lua__push_memory(L, v->type, v->count);
    check_alive(L, v); /* making the copy may have run finalisers */
    gather(v, copy);
    return copy;
}

static void push_copy(lua_State *L, const view *v) { /* [-0, +1, e] */
    void *to = gpumm_lua__view_push_owned(L, v->type, v->count);
    check_alive(L, v);
    gather(v, to);
}

static int view_copy(lua_State *L) {
    push_copy(L, gpumm_lua__view_check(L, 1));
    return 1;
}

static int view_bytes(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    size_t size = (size_t)(v->count * gpumm_type_size(v->type)); /* of memory that there is: this does not overflow */
    luaL_Buffer buffer;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &buffer, size);
    check_alive(L, v);
    gather(v, to);
    luaL_pushresultsize(&buffer, size);
    return 1;
}

static int view_totable(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    if (v->count > INT_MAX)
        return luaL_error(L, "a view of %I elements is too long for a table", (LUAI_UACINT)v->count);
    if (v->frame) { /* tables are made on the way, and a finaliser may then end the frame */
        push_copy(L, v);
        v = gpumm_lua__view_check(L, -1);
    }
    lua_createtable(L, (int)v->count, 0);
    for (uint64_t i = 0; i < v->count; i++) {
        gpumm_lua__push_element(L, v->type, v->bytes + i * v->stride);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- One element -------------------------------------------------------------------------- */

/* A place for one element in passing: `local`, or a userdata where that is too small. [-0, +(0|1), m] */
static unsigned char *passing(lua_State *L, const gpumm_type *type, unsigned char local[static LOCAL_SIZE]) {
    size_t size = gpumm_type_size(type);
    return size <= LOCAL_SIZE ? local : lua_newuserdatauv(L, size, 0);
}

/* Pushes the element's values and returns how many. Making tables may end a frame, so they are made from a
   copy. */
static int push_values(lua_State *L, const view *v, lua_Integer i) {
    unsigned char local[LOCAL_SIZE], *element = element_at(v, i);
    if (v->frame && gpumm_type_kind(v->type) == GPUMM_KIND_STRUCT) {
        unsigned char *copy = passing(L, v->type, local);
        check_alive(L, v);
        element = memcpy(copy, element, gpumm_type_size(v->type));
    }
    return gpumm_lua__push_values(L, v->type, element);
}

static int view_get(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    lua_Integer i = luaL_checkinteger(L, 2);
    if (holds(v, i)) return push_values(L, v, i);
    lua_pushnil(L);
    return 1;
}

static int view_set(lua_State *L) {
    const view *v = check_writable(L, 1);
    unsigned char *element = check_element(L, v, luaL_checkinteger(L, 2)), local[LOCAL_SIZE];
    int count = lua_gettop(L) - 2;
    unsigned char *whole = passing(L, v->type, local); /* so that a bad value changes nothing */
    memcpy(whole, element, gpumm_type_size(v->type));
    gpumm_lua__encode_values(L, 3, count, v->type, whole);
    memcpy(element, whole, gpumm_type_size(v->type));
    return 0;
}

static int view_next(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    lua_Integer i = luaL_checkinteger(L, 2);
    if (i < 0 || (lua_Unsigned)i >= v->count) return 0;
    lua_settop(L, 1);
    lua_pushinteger(L, i + 1);
    int before = lua_gettop(L);
    int values = push_values(L, v, i + 1);
    if (lua_gettop(L) > before + values) lua_remove(L, before + 1); /* what `passing` pushed */
    return values + 1;
}

static int view_each(lua_State *L) {
    gpumm_lua__view_check(L, 1);
    lua_settop(L, 1);
    lua_pushcfunction(L, view_next);
    lua_insert(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int view_type(lua_State *L) {
    gpumm_lua__push_type(L, gpumm_lua__view_check(L, 1)->type);
    return 1;
}

/* ---- Fields ------------------------------------------------------------------------------- */

/* The method or field that is nearest to the key. */
static const char *nearest_key(lua_State *L, const view *v, int key) {
    enum { ROOM = 64 };
    const char *words[ROOM + 1] = {"get", "set", "each", "totable", "copy", "type", "bytes", "field"};
    const char *name = gpumm_lua__name(L, key);
    size_t methods = 8, parts = gpumm_lua__part_count(v->type);
    for (size_t i = 0; i < parts && methods + i < ROOM; i++) words[methods + i] = gpumm_lua__part_name(v->type, i);
    return name ? gpumm_lua__nearest(name, words) : NULL;
}

static int no_field(lua_State *L, const view *v, int key) {
    const char *shown = gpumm_lua__push_key(L, key), *near = nearest_key(L, v, key);
    bool parts = gpumm_lua__part_count(v->type) > 0;
    if (near) lua_pushfstring(L, " (did you mean '%s'?)", near);
    else lua_pushliteral(L, "");
    gpumm_lua__push_parts(L, v->type);
    return luaL_error(L, "a view of %s has no '%s'%s%s%s", gpumm_type_name(v->type), shown, lua_tostring(L, -2),
                      parts ? "; its fields are " : "", lua_tostring(L, -1));
}

/* Fills the empty view with the field `name` of `of`; false: there is none of that name. */
static bool take_field(lua_State *L, const view *of, view *part, const char *name) {
    size_t index = gpumm_lua__find_part(of->type, name);
    if (index == SIZE_MAX) return false;
    if (gpumm_type_kind(of->type) == GPUMM_KIND_VECTOR) {
        const struct scalar_info *scalar = &scalar_infos[gpumm_type_scalar(of->type)];
        gpumm_type *type;
        gpumm_status status = gpumm_lua__type_parse(L, scalar->name, &type);
        if (status) gpumm_lua__raise(L, status);
        gpumm_lua__view_hold(part, type);
        part->bytes = of->bytes + index * scalar->size;
    } else {
        const gpumm_field *field = gpumm_type_field(of->type, index);
        gpumm_lua__view_hold(part, gpumm_type_retain(field->type));
        part->bytes = of->bytes + field->offset;
    }
    return true;
}

/* The view at 1, its field's name at 2. */
static int push_field(lua_State *L, const view *of) {
    view *part = gpumm_lua__view_push_empty(L);
    const char *name = gpumm_lua__name(L, 2);
    if (!name || !take_field(L, of, part, name)) return no_field(L, of, 2);
    part->frame = of->frame;
    part->sealed = of->sealed;
    part->stride = of->stride;
    part->count = of->count;
    lua_getiuservalue(L, 1, VIEW_MEMORY);
    lua_setiuservalue(L, -2, VIEW_MEMORY);
    return 1;
}

/* A field's view is made once, so that v.x[i] in a loop makes no garbage. */
static int cached_field(lua_State *L, const view *v) {
    if (lua_getiuservalue(L, 1, VIEW_FIELDS) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 4);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, VIEW_FIELDS);
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 3) != LUA_TNIL) return 1;
    lua_settop(L, 3);
    push_field(L, v);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 3);
    return 1;
}

/* ---- Metamethods -------------------------------------------------------------------------- */

static int index_number(lua_State *L, const view *v) {
    int integral;
    lua_Integer i = lua_tointegerx(L, 2, &integral);
    if (gpumm_type_kind(v->type) != GPUMM_KIND_SCALAR)
        return luaL_error(L, "v[i] reads scalars; this is a view of %s: v:get(i) gives its values",
                          gpumm_type_name(v->type));
    if (integral && holds(v, i)) gpumm_lua__push_element(L, v->type, element_at(v, i));
    else lua_pushnil(L);
    return 1;
}

/* v:field(name): whatever the field is called. Where no method has its name, v.name is the same. */
static int view_field(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    gpumm_lua__text(L, 2);
    lua_settop(L, 2);
    return cached_field(L, v);
}

/* Upvalue: the methods by name. */
static int view_index(lua_State *L) {
    const view *v = gpumm_lua__view_check(L, 1);
    if (lua_type(L, 2) == LUA_TNUMBER) return index_number(L, v);
    if (lua_type(L, 2) != LUA_TSTRING) return no_field(L, v, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    return cached_field(L, v);
}

static int view_newindex(lua_State *L) {
    const view *v = check_writable(L, 1);
    if (lua_type(L, 2) != LUA_TNUMBER)
        return luaL_error(L, "elements of a view are written by number, v[i] = x or v.field[i] = x, not by %s",
                          lua_type(L, 2) == LUA_TSTRING ? "name" : luaL_typename(L, 2));
    int integral;
    lua_Integer i = lua_tointegerx(L, 2, &integral);
    if (!integral) return luaL_error(L, "index %f of a view is not a whole number", lua_tonumber(L, 2));
    if (gpumm_type_kind(v->type) != GPUMM_KIND_SCALAR)
        return luaL_error(L, "v[i] = x writes scalars; this is a view of %s: v:set(i, …) writes its values",
                          gpumm_type_name(v->type));
    gpumm_lua__encode_one(L, 3, v->type, check_element(L, v, i)); /* a number is written whole or not at all */
    return 0;
}

static int view_length(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_lua__view_check(L, 1)->count);
    return 1;
}

static int view_tostring(lua_State *L) {
    const view *v = view_at(L, 1);
    if (is_collected(v)) lua_pushliteral(L, "view (collected)");
    else
        lua_pushfstring(L, "view %s [%I]%s", gpumm_type_name(v->type), (LUAI_UACINT)v->count,
                        is_stale(v) ? ", stale" : "");
    return 1;
}

static int view_collect(lua_State *L) {
    view *v = view_at(L, 1);
    bind_reference *reference = v->reference;
    *v = (view){.class = &view_class};
    gpumm_lua__reference_end(L, reference);
    return 0;
}

/* ---- Registration --------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"get", view_get},         {"set", view_set},     {"each", view_each},
    {"totable", view_totable}, {"copy", view_copy},   {"type", view_type},
    {"bytes", view_bytes},     {"field", view_field}, {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", view_newindex}, {"__pairs", view_each}, {"__len", view_length},
    {"__tostring", view_tostring}, {"__gc", view_collect}, {NULL, NULL},
};
static const bind_class view_class = {.name = VIEW_CLASS, .meta = meta};

/* What is on top but for its finaliser, which costs more than a look at a frame: a frame's view holds nothing to give
   back. [-0, +0, m] */
static void open_frames(lua_State *L) {
    lua_createtable(L, 1, 16);
    for (lua_pushnil(L); lua_next(L, -3);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_pushnil(L);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &view_class);
}

void gpumm_lua__open_view(lua_State *L) {
    gpumm_lua__class_open(L, &view_class);
    luaL_getmetatable(L, VIEW_CLASS); /* its own __index: v[i] shall not look for a name first */
    luaL_newlib(L, methods);
    lua_pushcclosure(L, view_index, 1);
    lua_setfield(L, -2, "__index");
    open_frames(L);
    lua_pop(L, 1);
}
