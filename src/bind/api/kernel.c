/* SPDX-License-Identifier: MIT */
/*
 * Kernels.
 *
 *   m:kernel {file = "layout.cu" or source = text, name =, threads =, block =, grid =, shared_bytes =,
 *             types = {Name = type, named_type, …}, flags =, signature =}
 *   k {n = 100, position = b, …}          by name
 *   k(100, b, …)                          by position
 *   k({n = 100, …}, where)  k(100, b, …, where)       where: {stream =, threads =, grid =, block =,
 *                                                     shared_bytes =}, or a stream
 *   k.name  k.parameters  k.threads  k:close()
 *
 * A pointer takes a buffer, a scratch, or nothing: gpumm.null or false, not nil. A value takes what its type
 * takes; a type unknown to gpumm takes a string of its bytes. A launch makes no Lua object: values are encoded
 * on the C stack, names are looked up among the kernel's few.
 */
#include "bind/api/kernel.h"

#include <string.h>

#include "base/limits.h"
#include "base/size.h"
#include "bind/api/buffer.h"
#include "bind/api/device_view.h"
#include "bind/api/manager.h"
#include "bind/api/recorder.h"
#include "bind/api/scratch.h"
#include "bind/api/type.h"
#include "bind/api/values.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"
#include "bind/lua/options.h"
#include "bind/lua/words.h"
#include "bind/sandbox/permissions.h"

enum { VALUES_MAX = 4096, TYPES_MAX = 64 };

static gpumm_kernel *to_kernel(lua_State *L, int index) { return gpumm_lua__check(L, index, &gpumm_lua__kernel_class); }

/* ---- Making them --------------------------------------------------------------------------- */

static const char *const keys[] = {"file",         "source", "name",  "threads",   "block", "grid",
                                   "shared_bytes", "types",  "flags", "signature", NULL};

/* How many of x, y and z a list on top gives; 0: it is none of up to three. */
static lua_Unsigned dimensions_listed(lua_State *L) {
    lua_Unsigned count = lua_rawlen(L, -1), entries = 0;
    int list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, list)) {
        lua_pop(L, 1);
        entries++;
    }
    return entries == count && count <= 3 ? count : 0;
}

static bool read_dimension(lua_State *L, lua_Integer least, unsigned *out) {
    int exact;
    lua_Integer n = lua_tointegerx(L, -1, &exact);
    *out = (unsigned)n;
    return lua_type(L, -1) == LUA_TNUMBER && exact && n >= least && n <= INT32_MAX;
}

/* n, {x}, {x, y} or {x, y, z}: those that are not given are 1. All 0 where there is no such option, or it is 0. */
static void read_dimensions(lua_State *L, int table, const char *key, unsigned out[static 3]) {
    if (!gpumm_lua__option(L, table, key)) return;
    bool list = lua_istable(L, -1), good = true;
    lua_Unsigned count = list ? dimensions_listed(L) : 1;
    if (!list) good = read_dimension(L, 0, &out[0]);
    for (lua_Unsigned i = 0; list && i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        good &= read_dimension(L, 1, &out[i]);
        lua_pop(L, 1);
    }
    if (!good || !count) gpumm_lua__bad_option(L, key, "a number, or a list of up to three, { x, y, z }, each from 1,");
    for (lua_Unsigned i = count; out[0] && i < 3; i++) out[i] = 1;
    lua_pop(L, 1);
}

typedef struct kernel_types {
    const gpumm_type *types[TYPES_MAX];
    const char *names[TYPES_MAX];
    size_t count;
} kernel_types;

/* The types stay alive on the stack, the names in their table. */
static void read_types(lua_State *L, int table, kernel_types *out) {
    if (!gpumm_lua__option(L, table, "types")) return;
    int types = lua_gettop(L);
    luaL_checkstack(L, TYPES_MAX + 8, NULL);
    if (!lua_istable(L, types)) luaL_error(L, "option \"types\": a table of struct types expected");
    lua_pushnil(L);
    while (lua_next(L, types)) {
        if (out->count == TYPES_MAX) luaL_error(L, "option \"types\": more than %d types", TYPES_MAX);
        const gpumm_type *type = gpumm_lua__test_type(L, -1);
        if (!type)
            luaL_error(L, "option \"types\": a struct type of gpumm.struct expected, got %s", luaL_typename(L, -1));
        out->types[out->count] = type;
        out->names[out->count++] = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        lua_insert(L, -2); /* under the key, which lua_next wants on top */
    }
}

/* A file is looked for beside the script; a source without one is called after the line that has it,
   "<layout.lua:12>". The name is pushed where it was made. */
static void read_source(lua_State *L, gpumm_kernel_options *options) {
    char tag[BIND_TAG];
    options->source = gpumm_lua__option_text(L, 2, "source", NULL);
    options->file = gpumm_lua__option_text(L, 2, "file", NULL);
    if (!options->source && !options->file) luaL_error(L, "a kernel needs file = \"name.cu\" or source = text");
    if (options->source) {
        if (!options->file) options->file = lua_pushfstring(L, "<%s>", gpumm_lua__tag(L, tag)[0] ? tag : "source");
        return;
    }
    gpumm_lua__push_beside(L, options->file);
    options->file = lua_tostring(L, -1);
}

static int manager_kernel(lua_State *L) {
    kernel_types types = {.count = 0};
    unsigned block[3] = {0}, grid[3] = {0};
    lua_settop(L, 2);
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    gpumm_lua__require_permission(L, BIND_KERNEL, NULL);
    gpumm_lua__options(L, 2, keys, false);
    read_dimensions(L, 2, "block", block);
    read_dimensions(L, 2, "grid", grid);
    gpumm_kernel_options options = {
        .name = gpumm_lua__option_text(L, 2, "name", NULL),
        .threads = gpumm_lua__option_text(L, 2, "threads", NULL),
        .block = block[0],
        .block_y = block[1],
        .block_z = block[2],
        .grid_x = grid[0],
        .grid_y = grid[1],
        .grid_z = grid[2],
        .shared_bytes = gpumm_lua__option_unsigned(L, 2, "shared_bytes", 0),
        .flags = gpumm_lua__option_text(L, 2, "flags", NULL),
        .signature = gpumm_lua__option_text(L, 2, "signature", NULL),
    };
    read_source(L, &options);
    read_types(L, 2, &types);
    options.types = types.types;
    options.type_names = types.names;
    options.type_count = types.count;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__kernel_class, 1);
    gpumm_kernel *kernel;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_kernel_open(manager, &options, &kernel));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, kernel);
    gpumm_lua__collector_pressure(L, handle, 64 * 1024);
    return 1;
}

/* ---- Launching ---------------------------------------------------------------------------- */

typedef struct launch {
    gpumm_kernel *kernel;
    const bind_state *state;
    size_t count;
    gpumm_launch_options where;
    bool none;                                    /* threads = 0 was asked for, which to C means: count them */
    bool bound, passing;                          /* by tokens of a recording; it takes scratch, or a frame */
    size_t used;                                  /* of values */
    gpumm_binding bindings[GPUMM_PARAMETERS_MAX]; /* set where bound */
    gpumm_argument arguments[GPUMM_PARAMETERS_MAX];
    _Alignas(16) unsigned char values[VALUES_MAX];
} launch;

static const gpumm_address nowhere = 0;

static int bad_argument(lua_State *L, const launch *l, const gpumm_parameter *p, const char *wanted, int index) {
    return luaL_error(L, "kernel '%s', parameter '%s' (%s%s%s): %s expected, got %s", gpumm_kernel_name(l->kernel),
                      p->name, p->kind == GPUMM_PARAMETER_POINTER && p->access == GPUMM_ACCESS_READ ? "const " : "",
                      p->type, p->kind == GPUMM_PARAMETER_POINTER ? " *" : "", wanted, gpumm_lua__kind(L, index));
}

/* gpumm.null or false: a pointer to nothing. Not nil, which is what a mistyped name gives. */
static bool is_null(lua_State *L, int index) {
    if (lua_isboolean(L, index)) return !lua_toboolean(L, index);
    return lua_islightuserdata(L, index) && !lua_touserdata(L, index);
}

static void set_pointer(lua_State *L, launch *l, const gpumm_parameter *p, gpumm_argument *a, int index) {
    const bind_handle *buffer = gpumm_lua__test_handle(L, index, &gpumm_lua__buffer_class);
    if (buffer) a->buffer = buffer->object; /* closed or not: core says what became of it */
    else if (gpumm_lua__test_handle(L, index, &gpumm_lua__scratch_class)) {
        a->scratch = gpumm_lua__check(L, index, &gpumm_lua__scratch_class);
        l->passing = true;
    } else if (gpumm_lua__test_handle(L, index, &gpumm_lua__device_view_class)) {
        a->frame = gpumm_lua__check(L, index, &gpumm_lua__device_view_class);
        a->size = (size_t)gpumm_lua__handle_at(L, index, &gpumm_lua__device_view_class)->slots;
        l->passing = true;
    } else if (is_null(L, index)) {
        a->value = &nowhere;
        a->size = sizeof nowhere;
    } else {
        bad_argument(L, l, p, "a buffer, a scratch or gpumm.null", index);
    }
}

static void *take_value(lua_State *L, launch *l, size_t size, size_t align) {
    uint64_t start = 0;
    if (!size_round_up(l->used, align ? align : 1, &start) || start > VALUES_MAX || size > VALUES_MAX - start)
        luaL_error(L, "kernel '%s': its values take more than %d bytes", gpumm_kernel_name(l->kernel), VALUES_MAX);
    l->used = start + size;
    return memset(l->values + start, 0, size);
}

/* To a compiler a bool is a byte of 0 or 1; any other value is undefined behaviour. */
static void set_bool(lua_State *L, const launch *l, const gpumm_parameter *p, unsigned char *value, int index) {
    int exact;
    lua_Integer number = lua_tointegerx(L, index, &exact);
    if (lua_isboolean(L, index)) *value = (unsigned char)lua_toboolean(L, index);
    else if (lua_type(L, index) == LUA_TNUMBER && exact && (number == 0 || number == 1)) *value = (unsigned char)number;
    else bad_argument(L, l, p, "true, false, 0 or 1", index);
}

static void set_value(lua_State *L, launch *l, const gpumm_parameter *p, gpumm_argument *a, int index) {
    if (p->element) {
        int type = lua_type(L, index);
        a->size = gpumm_type_size(p->element);
        void *value = take_value(L, l, a->size, gpumm_type_align(p->element));
        a->value = value;
        if (p->boolean) {
            set_bool(L, l, p, value, index);
            return;
        }
        if (type != LUA_TNUMBER && type != LUA_TTABLE && type != LUA_TSTRING)
            bad_argument(L, l, p, gpumm_type_name(p->element), index);
        gpumm_lua__encode_argument(L, index, gpumm_kernel_name(l->kernel), p, value);
    } else if (lua_type(L, index) == LUA_TSTRING) {
        a->size = lua_rawlen(L, index);
        void *value = take_value(L, l, a->size, 16);
        a->value = memcpy(value, lua_tostring(L, index), a->size);
    } else {
        bad_argument(L, l, p, "a string with its bytes", index);
    }
}

/* Is it r:scalar or r:length of a recording? */
static bool set_token(lua_State *L, launch *l, const gpumm_parameter *p, size_t i, int index) {
    const bind_token *token = gpumm_lua__test_token(L, index);
    if (!token) return false;
    if (!l->bound) memset(l->bindings, 0, l->count * sizeof *l->bindings);
    l->bound = true;
    l->bindings[i].length = token->buffer;
    if (!token->buffer) l->bindings[i].name = gpumm_lua__token_name(L, token, gpumm_kernel_name(l->kernel), p);
    return true;
}

static void set_argument(lua_State *L, launch *l, size_t i, int index) {
    const gpumm_parameter *p = gpumm_kernel_parameter(l->kernel, i);
    if (lua_type(L, index) == LUA_TUSERDATA && p->kind != GPUMM_PARAMETER_POINTER && set_token(L, l, p, i, index))
        return;
    if (p->kind == GPUMM_PARAMETER_POINTER) set_pointer(L, l, p, &l->arguments[i], index);
    else set_value(L, l, p, &l->arguments[i], index);
}

static void push_parameter_list(lua_State *L, const launch *l) {
    const char *names[GPUMM_PARAMETERS_MAX + 1] = {NULL};
    for (size_t i = 0; i < l->count; i++) names[i] = gpumm_kernel_parameter(l->kernel, i)->name;
    gpumm_lua__push_list(L, names);
}

/* No parameter is called as the key on top. */
static int unknown_name(lua_State *L, const launch *l) {
    if (l->count && !*gpumm_kernel_parameter(l->kernel, 0)->name)
        return luaL_error(
            L,
            "kernel '%s': the names of its parameters could not be read from the source, as where a macro "
            "makes them: pass its %d arguments by position",
            gpumm_kernel_name(l->kernel), (int)l->count);
    const char *names[GPUMM_PARAMETERS_MAX + 1] = {NULL};
    char what[160];
    for (size_t i = 0; i < l->count; i++) names[i] = gpumm_kernel_parameter(l->kernel, i)->name;
    snprintf(what, sizeof what, "parameter of kernel '%.100s'", gpumm_kernel_name(l->kernel));
    return gpumm_lua__unknown(L, what, gpumm_lua__push_key(L, -1), names);
}

/* The parameter that the string at `key` names; the count where none is. */
static size_t find_name(lua_State *L, const launch *l, int key) {
    const char *name = gpumm_lua__name(L, key);
    if (!name) return l->count;
    size_t i = 0;
    while (i < l->count && strcmp(name, gpumm_kernel_parameter(l->kernel, i)->name) != 0) i++;
    return i;
}

static int missing_name(lua_State *L, const launch *l) {
    for (size_t i = 0; i < l->count; i++) {
        const gpumm_parameter *p = gpumm_kernel_parameter(l->kernel, i);
        if (gpumm_lua__option(L, 2, p->name)) continue;
        push_parameter_list(L, l);
        return luaL_error(L, "kernel '%s': parameter '%s' is missing; it takes: %s", gpumm_kernel_name(l->kernel),
                          p->name, lua_tostring(L, -1));
    }
    return 0;
}

/* From the table in slot 2. */
static void by_name(lua_State *L, launch *l) {
    size_t found = 0;
    lua_pushnil(L);
    int key = lua_gettop(L);
    for (; lua_next(L, 2); found++) {
        size_t i = find_name(L, l, key);
        if (i == l->count) {
            lua_settop(L, key);
            unknown_name(L, l);
        }
        set_argument(L, l, i, key + 1);
        lua_settop(L, key);
    }
    if (found < l->count) missing_name(L, l);
}

/* From slot 2 on. */
static void by_position(lua_State *L, launch *l, int given) {
    if ((size_t)given != l->count) {
        push_parameter_list(L, l);
        luaL_error(L, "kernel '%s' takes %d arguments (%s), got %d", gpumm_kernel_name(l->kernel), (int)l->count,
                   lua_tostring(L, -1), given);
    }
    for (size_t i = 0; i < l->count; i++) set_argument(L, l, i, (int)i + 2);
}

static void read_where(lua_State *L, launch *l, int index) {
    static const char *const valid[] = {"stream", "threads", "grid", "block", "shared_bytes", NULL};
    unsigned grid[3] = {0}, block[3] = {0};
    gpumm_launch_options *o = &l->where;
    o->stream = gpumm_lua__where(L, index, valid);
    if (!lua_istable(L, index)) return;
    read_dimensions(L, index, "grid", grid);
    read_dimensions(L, index, "block", block);
    o->grid_x = grid[0], o->grid_y = grid[1], o->grid_z = grid[2];
    o->block_x = block[0], o->block_y = block[1], o->block_z = block[2];
    o->shared_bytes = gpumm_lua__option_unsigned(L, index, "shared_bytes", 0);
    if (!gpumm_lua__has_option(L, index, "threads")) return;
    o->threads = gpumm_lua__option_count(L, index, "threads", 0);
    l->none = o->threads == 0;
}

/* Is the table in slot 2 the arguments by name, rather than the first parameter's own value? */
static bool is_by_name(lua_State *L, const launch *l, int given) {
    if (!lua_istable(L, 2) || given > 2) return false;
    if (given == 2 && !lua_isnil(L, 3) && !gpumm_lua__is_where(L, 3)) return false;
    if (l->count == 0) return given == 2; /* one alone says where */
    if ((size_t)given < l->count) return true;
    const gpumm_parameter *first = gpumm_kernel_parameter(l->kernel, 0);
    if (first->kind == GPUMM_PARAMETER_POINTER || !first->element ||
        gpumm_type_kind(first->element) == GPUMM_KIND_SCALAR)
        return true;
    return gpumm_lua__has_option(L, 2, first->name);
}

static gpumm_status perform(lua_State *L, const launch *l) {
    gpumm_manager *manager = gpumm_kernel_manager(l->kernel);
    gpumm_recording *recording = NULL;
    if (l->none) return gpumm_kernel_check(l->kernel, l->where.stream, l->arguments, l->count);
    if (l->passing) gpumm_lua__not_recorded(L, manager, "a launch with scratch or with a frame");
    else recording = gpumm_lua__recording_for(L, l->state, manager, l->where.stream);
    if (recording) {
        gpumm_launch_options where = l->where;
        where.stream = NULL; /* a replay says it */
        return gpumm_recording_launch_with(recording, l->kernel, &where, l->arguments, l->bound ? l->bindings : NULL,
                                           l->count);
    }
    if (l->bound) luaL_error(L, "r:scalar and r:length are for the recording that made them");
    return gpumm_kernel_launch_with(l->kernel, &l->where, l->arguments, l->count);
}

static int kernel_call(lua_State *L) {
    launch l;
    l.kernel = to_kernel(L, 1);
    l.state = ((const bind_handle *)lua_touserdata(L, 1))->state;
    l.count = gpumm_kernel_parameter_count(l.kernel);
    l.where = (gpumm_launch_options){.size = 0};
    l.used = 0;
    l.none = l.bound = l.passing = false;
    if (l.count > GPUMM_PARAMETERS_MAX)
        return luaL_error(L, "a kernel has at most %d parameters", GPUMM_PARAMETERS_MAX);
    memset(l.arguments, 0, l.count * sizeof *l.arguments);
    int given = lua_gettop(L) - 1;
    luaL_checkstack(L, 16, NULL);
    if (is_by_name(L, &l, given)) {
        if (given == 2) read_where(L, &l, 3);
        by_name(L, &l);
    } else {
        if ((size_t)given == l.count + 1 && gpumm_lua__is_where(L, given + 1)) read_where(L, &l, given-- + 1);
        by_position(L, &l, given);
    }
    gpumm_status status = perform(L, &l);
    if (status == GPUMM_TYPE_MISMATCH) return gpumm_lua__raise(L, status); /* a mistake in the script */
    return gpumm_lua__result(L, status);
}

/* ---- Properties --------------------------------------------------------------------------- */

static int kernel_name(lua_State *L) {
    lua_pushstring(L, gpumm_kernel_name(to_kernel(L, 1)));
    return 1;
}

static int kernel_threads(lua_State *L) {
    gpumm_kernel *kernel = to_kernel(L, 1);
    size_t index = gpumm_kernel_threads(kernel);
    if (index == SIZE_MAX) return 0;
    lua_pushstring(L, gpumm_kernel_parameter(kernel, index)->name);
    return 1;
}

static void push_parameter(lua_State *L, const gpumm_parameter *p) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, p->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, p->type);
    lua_setfield(L, -2, "type");
    lua_pushstring(L, p->kind == GPUMM_PARAMETER_POINTER ? "pointer" : "value");
    lua_setfield(L, -2, "kind");
    if (p->kind != GPUMM_PARAMETER_POINTER) return;
    lua_pushstring(L, p->access == GPUMM_ACCESS_READ ? "read" : "write");
    lua_setfield(L, -2, "access");
}

static int kernel_parameters(lua_State *L) {
    gpumm_kernel *kernel = to_kernel(L, 1);
    size_t count = gpumm_kernel_parameter_count(kernel);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_parameter(L, gpumm_kernel_parameter(kernel, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int kernel_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__kernel_class);
    gpumm_kernel_close(handle->object);
    handle->closed = true;
    return 0;
}

static const luaL_Reg methods[] = {{"launch", kernel_call}, {"close", kernel_close}, {NULL, NULL}};
static const luaL_Reg properties[] = {
    {"name", kernel_name}, {"threads", kernel_threads}, {"parameters", kernel_parameters}, {NULL, NULL}};
static const luaL_Reg meta[] = {
    {"__call", kernel_call}, {"__close", kernel_close}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *kernel) { gpumm_kernel_release(kernel); }

const bind_class gpumm_lua__kernel_class = {.name = "gpumm.kernel",
                                            .methods = methods,
                                            .properties = properties,
                                            .meta = meta,
                                            .release = release,
                                            .unheeded = " launch __call "};

const luaL_Reg gpumm_lua__manager_kernels[] = {{"kernel", manager_kernel}, {NULL, NULL}};
