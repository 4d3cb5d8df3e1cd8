/* SPDX-License-Identifier: MIT */
/*
 * Scratch: device memory for one step.
 *
 *   m:scratch("f32", count [, where])   m:scratch(bytes [, where])     contents undefined
 *   s.bytes  s.address  s:used(stream, "read"|"write")  s:close()
 *
 * Close gives the memory back at once. Only while a finaliser of the script's runs in the midst of one of our
 * calls, which may be using it, does it wait for the collector.
 */
#include "bind/api/scratch.h"

#include "base/size.h"
#include "bind/api/manager.h"
#include "bind/api/stream.h"
#include "bind/api/type.h"
#include "bind/api/where.h"
#include "bind/lua/arguments.h"
#include "bind/lua/collector.h"
#include "bind/lua/fail.h"

static gpumm_scratch *to_scratch(lua_State *L, int index) {
    return gpumm_lua__check(L, index, &gpumm_lua__scratch_class);
}

static uint64_t wanted_bytes(lua_State *L, bool typed) {
    if (!typed) return gpumm_lua__size(L, 2);
    uint64_t bytes;
    const gpumm_type *type = gpumm_lua__to_type(L, 2);
    if (!size_mul(gpumm_lua__count(L, 3), gpumm_type_size(type), &bytes)) luaL_argerror(L, 3, "too many elements");
    return bytes;
}

static int manager_scratch(lua_State *L) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    int most = lua_gettop(L); /* nearly always a number alone */
    bool typed = most > 2 && lua_type(L, 3) == LUA_TNUMBER;
    uint64_t bytes = wanted_bytes(L, typed);
    gpumm_stream *stream = most > 2 ? gpumm_lua__where(L, typed ? 4 : 3, NULL) : NULL;
    bind_handle *handle = gpumm_lua__new(L, &gpumm_lua__scratch_class, 1);
    gpumm_scratch *scratch;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_scratch_open(manager, stream, bytes, &scratch));
    if (status != GPUMM_OK) return gpumm_lua__fail(L, status);
    gpumm_lua__adopt(L, handle, scratch);
    gpumm_lua__collector_pressure(L, handle, bytes);
    return 1;
}

static int scratch_used(lua_State *L) {
    gpumm_scratch *scratch = to_scratch(L, 1);
    gpumm_stream *stream = lua_isnoneornil(L, 2) ? NULL : gpumm_lua__to_stream(L, 2);
    return gpumm_lua__result(L, gpumm_scratch_used(scratch, stream, gpumm_lua__access(L, 3)));
}

static int scratch_close(lua_State *L) {
    bind_handle *handle = gpumm_lua__handle_at(L, 1, &gpumm_lua__scratch_class);
    handle->closed = true;
    if (handle->object && handle->state->collecting == 0) {
        gpumm_lua__collector_relief(handle, gpumm_scratch_bytes(handle->object));
        bind_reference *reference = handle->reference;
        handle->object = NULL;
        handle->reference = NULL;
        gpumm_lua__reference_end(L, reference);
    }
    return 0;
}

static int scratch_bytes(lua_State *L) {
    gpumm_lua__push_count(L, gpumm_scratch_bytes(to_scratch(L, 1)));
    return 1;
}

static int scratch_address(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_scratch_address(to_scratch(L, 1)));
    return 1;
}

static const luaL_Reg methods[] = {{"used", scratch_used}, {"close", scratch_close}, {NULL, NULL}};
static const luaL_Reg properties[] = {{"bytes", scratch_bytes}, {"address", scratch_address}, {NULL, NULL}};
static const luaL_Reg meta[] = {
    {"__close", scratch_close}, {"__len", scratch_bytes}, {"__tostring", gpumm_lua__to_text}, {NULL, NULL}};

static void release(void *scratch) { gpumm_scratch_release(scratch); }

const bind_class gpumm_lua__scratch_class = {.name = "gpumm.scratch",
                                             .methods = methods,
                                             .properties = properties,
                                             .meta = meta,
                                             .release = release,
                                             .fleeting = true,
                                             .owner = &gpumm_lua__manager_class};

const luaL_Reg gpumm_lua__manager_scratch[] = {{"scratch", manager_scratch}, {NULL, NULL}};
