/* SPDX-License-Identifier: MIT */
/*
 * Sealed classes and handles. A handle is a userdata with one reference to a C object; each class has a table
 * of weak values in the registry, so that one object is one userdata in a state.
 */
#include "bind/lua/class.h"

#include <stdio.h>
#include <string.h>

#include "bind/lua/arguments.h"
#include "bind/lua/words.h"

enum { CLASS_KEY = 1 }; /* in a metatable made here: the class, as a light userdata, which no script can make */

/* ---- Classes ------------------------------------------------------------------------------ */

/* Only to be compared: it is a class where it equals one. NULL: no userdata, or none with a class. */
static const void *class_of(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
    lua_rawgeti(L, -1, CLASS_KEY);
    const void *class = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return class;
}

void *gpumm_lua__test_object(lua_State *L, int index, size_t size, const bind_class *class) {
    const bind_class **object = lua_touserdata(L, index);
    return object && lua_rawlen(L, index) == size && *object == class ? object : NULL;
}

void *gpumm_lua__test_userdata(lua_State *L, int index, const bind_class *class) {
    return class_of(L, index) == class ? lua_touserdata(L, index) : NULL;
}

void *gpumm_lua__userdata(lua_State *L, int index, const bind_class *class) {
    void *userdata = gpumm_lua__test_userdata(L, index, class);
    return userdata ? userdata : luaL_checkudata(L, index, class->name); /* for its message */
}

enum { CLASS = 1, METHODS, PROPERTIES, METATABLE }; /* upvalues of index_object */

/* Adds the table's keys on top to `words`; they stay alive with it. [-0, +0, -] */
static size_t add_words(lua_State *L, int table, const char **words, size_t count, size_t room) {
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING && count < room) words[count++] = lua_tostring(L, -1);
    }
    return count;
}

/* Object in 1, key in 2: neither a method nor a property. The upvalues are those of index_object. */
static int unknown_key(lua_State *L, const bind_class *class) {
    enum { ROOM = 96 };
    const char *words[ROOM + 1] = {NULL};
    if (lua_type(L, 2) == LUA_TNUMBER && class->elements)
        return luaL_error(L, "a %s has no [%s]: %s", class->name, gpumm_lua__push_key(L, 2), class->elements);
    size_t count = add_words(L, lua_upvalueindex(METHODS), words, 0, ROOM);
    words[add_words(L, lua_upvalueindex(PROPERTIES), words, count, ROOM)] = NULL;
    const char *key = gpumm_lua__name(L, 2), *near = key ? gpumm_lua__nearest(key, words) : NULL;
    const char *shown = gpumm_lua__push_key(L, 2);
    if (near) return luaL_error(L, "%s has no '%s' (did you mean '%s'?)", class->name, shown, near);
    if (class->missing) return 0;
    return luaL_error(L, "%s has no '%s'", class->name, shown);
}

/* object[key], which is no method. */
static int index_property(lua_State *L) {
    const bind_class *class = lua_touserdata(L, lua_upvalueindex(CLASS));
    if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(METATABLE)))
        luaL_checkudata(L, 1, class->name);
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(PROPERTIES));
    lua_CFunction property = lua_tocfunction(L, -1);
    lua_settop(L, 2);
    if (property) return property(L);
    int results = class->missing ? class->missing(L) : 0;
    return results > 0 ? results : unknown_key(L, class);
}

/* Nearly always it is a method that is looked for. Those look at their object themselves. */
static int index_object(lua_State *L) {
    if (lua_gettop(L) != 2) lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    return index_property(L);
}

/* object[key] = value: nothing of an object of gpumm's is changed by assignment. */
static int assign_object(lua_State *L) {
    const bind_class *class = lua_touserdata(L, lua_upvalueindex(CLASS));
    gpumm_lua__userdata(L, 1, class);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    bool property = lua_rawget(L, lua_upvalueindex(PROPERTIES)) != LUA_TNIL;
    lua_pushvalue(L, 2);
    bool method = lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL;
    lua_settop(L, 2);
    if (!property && !method) unknown_key(L, class); /* returns where it may be absent, which is no place either */
    return luaL_error(L, "%s.%s cannot be assigned%s%s", class->name, gpumm_lua__push_key(L, 2),
                      class->assigned ? ": " : "", class->assigned ? class->assigned : "");
}

static int collect_handle(lua_State *L) {
    const bind_class *class = lua_touserdata(L, lua_upvalueindex(1));
    bind_handle *handle = gpumm_lua__handle_at(L, 1, class);
    bind_reference *reference = handle->reference;
    handle->object = NULL;
    handle->reference = NULL;
    gpumm_lua__reference_end(L, reference);
    return 0;
}

static void push_functions(lua_State *L, const luaL_Reg *functions) {
    lua_newtable(L);
    if (functions) luaL_setfuncs(L, functions, 0);
}

typedef struct heeded {
    const luaL_Reg *what;
    const bind_state *state;
} heeded;

/* A method of handles: whoever wants to know is told before. */
static int call_method(lua_State *L) {
    const heeded *method = lua_touserdata(L, lua_upvalueindex(1));
    if (method->state->recorder) method->state->before_method(L, method->what->name);
    return method->what->func(L);
}

static bool is_heeded(const bind_class *class, const char *name) {
    char word[64];
    if (!class->release || (class->unheeded && class->unheeded[0] == '*')) return false;
    snprintf(word, sizeof word, " %s ", name);
    return strcmp(name, "__tostring") != 0 && !(class->unheeded && strstr(class->unheeded, word));
}

/* Sets them in the table on top. */
static void set_methods(lua_State *L, const bind_class *class, const luaL_Reg *methods) {
    for (; methods && methods->name; methods++) {
        if (is_heeded(class, methods->name)) {
            heeded *method = lua_newuserdatauv(L, sizeof *method, 0);
            *method = (heeded){methods, gpumm_lua__state_of(L)};
            lua_pushcclosure(L, call_method, 1);
        } else {
            lua_pushcfunction(L, methods->func);
        }
        lua_setfield(L, -2, methods->name);
    }
}

static void open_identity(lua_State *L, const bind_class *class) {
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, class);
}

/* Is it open already? Raises where another copy of gpumm has opened it: the objects of one are nothing to the other. */
static bool is_open(lua_State *L, const bind_class *class) {
    if (luaL_getmetatable(L, class->name) != LUA_TTABLE) {
        lua_pop(L, 1);
        return false;
    }
    lua_rawgeti(L, -1, CLASS_KEY);
    if (lua_touserdata(L, -1) != class) luaL_error(L, "another copy of gpumm is open in this Lua state");
    lua_pop(L, 2);
    return true;
}

static void push_handle_parts(lua_State *L, const bind_class *class) {
    open_identity(L, class);
    if (class->owner) return;
    lua_pushlightuserdata(L, (void *)class);
    lua_pushcclosure(L, collect_handle, 1);
    lua_setfield(L, -2, "__gc");
}

/* The metatable gets its name in the registry when it is whole, so that a memory error leaves none behind. */
void gpumm_lua__class_open(lua_State *L, const bind_class *class) {
    bind_state *state = gpumm_lua__state_of(L);
    if (is_open(L, class)) return;
    if (class->release && state->handle_class_count == BIND_HANDLE_CLASSES)
        luaL_error(L, "too many classes of handles");
    lua_createtable(L, 1, 8);
    lua_pushstring(L, class->name);
    lua_setfield(L, -2, "__name");
    lua_pushlightuserdata(L, (void *)class);
    lua_rawseti(L, -2, CLASS_KEY);
    if (class->release) push_handle_parts(L, class);
    lua_pushlightuserdata(L, (void *)class);
    lua_newtable(L);
    set_methods(L, class, class->methods);
    push_functions(L, class->properties);
    lua_pushvalue(L, -4);
    for (int i = 0; i < METATABLE; i++) lua_pushvalue(L, -METATABLE);
    lua_pushcclosure(L, assign_object, METATABLE);
    lua_setfield(L, -METATABLE - 2, "__newindex");
    lua_pushcclosure(L, index_object, METATABLE);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, class->name);
    lua_setfield(L, -2, "__metatable");
    set_methods(L, class, class->meta);
    if (class->release) {
        lua_pushvalue(L, -1);
        state->metatables[state->handle_class_count] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, class->name);
    if (class->release) state->handle_classes[state->handle_class_count++] = class;
}

/* [-0, +2, -] The open class' methods, and its properties on top. */
static void push_tables(lua_State *L, const bind_class *class) {
    luaL_getmetatable(L, class->name);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, METHODS);
    lua_getupvalue(L, -2, PROPERTIES);
    lua_rotate(L, -4, 2);
    lua_pop(L, 2);
}

void gpumm_lua__class_add(lua_State *L, const bind_class *class, const luaL_Reg *methods, const luaL_Reg *properties) {
    push_tables(L, class);
    if (properties) luaL_setfuncs(L, properties, 0);
    lua_pop(L, 1);
    set_methods(L, class, methods);
    lua_pop(L, 1);
}

/* ---- Handles ------------------------------------------------------------------------------ */

/* Found by number, without a string. */
static void push_metatable(lua_State *L, const bind_state *state, const bind_class *class) {
    unsigned i = 0;
    while (i < state->handle_class_count && state->handle_classes[i] != class) i++;
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->metatables[i]);
}

static bind_reference *take_reference(lua_State *L, bind_state *state, bind_handle *handle) {
    if (!handle->class->owner) return gpumm_lua__reference_take(L, &state->references);
    bind_reference *reference = gpumm_lua__reference_take_watched(L, &state->references);
    handle->serial = reference->serial;
    return reference;
}

/* Of the userdata on top. */
static void set_owner(lua_State *L, bind_handle *handle, int owner) {
    if (handle->class->owner) {
        handle->owner = ((const bind_handle *)lua_touserdata(L, owner))->object;
        return;
    }
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, BIND_OWNER);
}

bind_handle *gpumm_lua__new_with(lua_State *L, const bind_class *class, int owner, int values) {
    const bind_handle *manager = owner != 0 ? lua_touserdata(L, owner) : NULL;
    bind_state *state = manager ? manager->state : gpumm_lua__state_of(L);
    bind_handle *handle = lua_newuserdatauv(L, sizeof *handle, class->owner ? 0 : BIND_EXTRA + values);
    *handle = (bind_handle){.class = class, .state = state};
    push_metatable(L, state, class);
    lua_setmetatable(L, -2);
    handle->reference = take_reference(L, state, handle);
    if (owner != 0) set_owner(L, handle, owner);
    return handle;
}

bind_handle *gpumm_lua__new(lua_State *L, const bind_class *class, int owner) {
    return gpumm_lua__new_with(L, class, owner, 0);
}

static bind_handle *handle_in(lua_State *L, int index, const bind_class *class) {
    return gpumm_lua__test_object(L, index, sizeof(bind_handle), class);
}

/* The reference may have been released already, when the state began to close, or when the userdata was garbage that a
   finaliser of the script's brought back. */
bool gpumm_lua__holds(const bind_handle *handle) {
    const bind_reference *reference = handle->reference;
    return handle->object && reference->object && reference->serial == handle->serial;
}

static bind_handle *current(bind_handle *handle) {
    if (!gpumm_lua__holds(handle)) handle->object = NULL;
    return handle;
}

/* In the class' table of handles, which is on top. [-0, +(0|1), -] */
static bool find_in(lua_State *L, const void *object) {
    lua_rawgetp(L, -1, object);
    bind_handle *handle = lua_touserdata(L, -1);
    /* A finalised one can still be in the table while the state closes. */
    if (handle && current(handle)->object == object) return true;
    lua_pop(L, 1);
    return false;
}

bool gpumm_lua__find(lua_State *L, const bind_class *class, const void *object) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, class);
    bool found = find_in(L, object);
    lua_remove(L, found ? -2 : -1);
    return found;
}

static bind_handle *hold(bind_handle *handle, void *object) {
    handle->object = object; /* from here on the collector gives it back */
    gpumm_lua__reference_hold(handle->reference, handle->class->release, object);
    return handle;
}

bind_handle *gpumm_lua__adopt(lua_State *L, bind_handle *handle, void *object) {
    if (handle->class->fleeting) return hold(handle, object);
    lua_rawgetp(L, LUA_REGISTRYINDEX, handle->class);
    if (find_in(L, object)) {
        handle->class->release(object);
        lua_replace(L, -3);
        lua_pop(L, 1);
        return lua_touserdata(L, -1);
    }
    hold(handle, object);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, object);
    lua_pop(L, 1);
    return handle;
}

bind_handle *gpumm_lua__handle_at(lua_State *L, int index, const bind_class *class) {
    bind_handle *handle = handle_in(L, index, class);
    if (!handle) luaL_typeerror(L, index, class->name);
    return current(handle);
}

bind_handle *gpumm_lua__test_handle(lua_State *L, int index, const bind_class *class) {
    bind_handle *handle = handle_in(L, index, class);
    return handle ? current(handle) : NULL;
}

static void *open_object(lua_State *L, const bind_handle *handle) {
    if (handle->object && !handle->closed) return handle->object;
    luaL_error(L, "CLOSED: this %s is closed", handle->class->name);
    return NULL;
}

void *gpumm_lua__check(lua_State *L, int index, const bind_class *class) {
    return open_object(L, gpumm_lua__handle_at(L, index, class));
}

void *gpumm_lua__test(lua_State *L, int index, const bind_class *class) {
    bind_handle *handle = gpumm_lua__test_handle(L, index, class);
    return handle ? open_object(L, handle) : NULL;
}

bind_handle *gpumm_lua__any_handle(lua_State *L, int index) {
    const void *class = class_of(L, index);
    if (!class) return NULL;
    const bind_state *state = gpumm_lua__state_of(L);
    for (unsigned i = 0; i < state->handle_class_count; i++)
        if (class == state->handle_classes[i]) return current(lua_touserdata(L, index));
    return NULL;
}

void gpumm_lua__push_owner(lua_State *L, int index) {
    const bind_handle *handle = lua_touserdata(L, index);
    if (!handle->class->owner) lua_getiuservalue(L, index, BIND_OWNER);
    else if (!gpumm_lua__find(L, handle->class->owner, handle->owner)) lua_pushnil(L);
}

int gpumm_lua__to_text(lua_State *L) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (!handle) return luaL_argerror(L, 1, "an object of gpumm expected");
    bool gone = !handle->object || handle->closed;
    lua_pushfstring(L, gone ? "%s (closed)" : "%s: %p", handle->class->name, handle->object);
    return 1;
}

/* ---- How many there are --------------------------------------------------------------------- */

static int count_open(lua_State *L, const bind_class *class) {
    int count = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, class);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const bind_handle *handle = current(lua_touserdata(L, -1));
        count += handle->object && !(class->ended && class->ended(handle->object));
    }
    lua_pop(L, 1);
    return count;
}

void gpumm_lua__require_room(lua_State *L, const bind_class *class, int most) {
    if (!gpumm_lua__state_of(L)->sandbox || count_open(L, class) < most) return;
    lua_gc(L, LUA_GCCOLLECT);
    if (count_open(L, class) >= most)
        luaL_error(L, "a contained script has at most %d of %s at a time", most, class->name);
}
