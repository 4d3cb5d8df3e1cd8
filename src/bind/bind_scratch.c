/*
 * Scratch: device memory for one step.
 *
 *   m:scratch("f32", count [, where])   m:scratch(bytes [, where])     contents undefined
 *   s.bytes  s.address  s:used(stream, "read"|"write")  s:close()
 *
 * Close gives the memory back at once. Only while a finaliser of the script's runs in the midst of one of our
 * calls, which may be using it, does it wait for the collector.
 */
#include "bind/bind.h"
#include "bind/data.h"

static gpumm_scratch *to_scratch(lua_State *L, int index) {
    return bind_check(L, index, &bind_scratch_class);
}

static uint64_t wanted_bytes(lua_State *L, bool typed) {
    if (!typed) return bind_size(L, 2);
    uint64_t bytes;
    const gpumm_type *type = bind_to_type(L, 2);
    if (!size_mul(bind_count(L, 3), gpumm_type_size(type), &bytes)) luaL_argerror(L, 3, "too many elements");
    return bytes;
}

int bind_scratch_new(lua_State *L) {
    gpumm_manager *manager = bind_to_manager(L, 1);
    bool typed = lua_type(L, 3) == LUA_TNUMBER;
    uint64_t bytes = wanted_bytes(L, typed);
    gpumm_stream *stream = bind_where(L, typed ? 4 : 3, NULL);
    bind_handle *handle = bind_new(L, &bind_scratch_class, 1);
    gpumm_scratch *scratch;
    gpumm_status status;
    BIND_RETRY(L, status, gpumm_scratch_open(manager, stream, bytes, &scratch));
    if (status != GPUMM_OK) return bind_fail(L, status);
    bind_adopt(L, handle, scratch);
    bind_collector_pressure(L, handle, bytes);
    return 1;
}

static int scratch_used(lua_State *L) {
    gpumm_scratch *scratch = to_scratch(L, 1);
    gpumm_stream *stream = lua_isnoneornil(L, 2) ? NULL : bind_to_stream(L, 2);
    return bind_result(L, gpumm_scratch_used(scratch, stream, bind_access(L, 3)));
}

static int scratch_close(lua_State *L) {
    bind_handle *handle = bind_handle_at(L, 1, &bind_scratch_class);
    handle->closed = true;
    if (handle->object && handle->state->collecting == 0) {
        bind_collector_relief(handle, gpumm_scratch_bytes(handle->object));
        bind_reference *reference = handle->reference;
        handle->object = NULL;
        handle->reference = NULL;
        bind_reference_put(L, handle->state, reference);
    }
    return 0;
}

static int scratch_bytes(lua_State *L) {
    bind_push_count(L, gpumm_scratch_bytes(to_scratch(L, 1)));
    return 1;
}

static int scratch_address(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)gpumm_scratch_address(to_scratch(L, 1)));
    return 1;
}

static const luaL_Reg methods[] = {{"used", scratch_used}, {"close", scratch_close}, {NULL, NULL}};
static const luaL_Reg properties[] = {{"bytes", scratch_bytes}, {"address", scratch_address}, {NULL, NULL}};
static const luaL_Reg meta[] = {
    {"__close", scratch_close}, {"__len", scratch_bytes}, {"__tostring", bind_to_text}, {NULL, NULL}};

static void release(void *scratch) { gpumm_scratch_release(scratch); }

const bind_class bind_scratch_class = {
    .name = "gpumm.scratch", .methods = methods, .properties = properties, .meta = meta, .release = release, .fleeting = true};
