/* SPDX-License-Identifier: MIT */
/* As the calls on buffers, but that there is no device. */
#include "modules/mpi/texts.h"

#include <lauxlib.h>
#include <string.h>

#include "modules/mpi/agree.h"
#include "modules/mpi/traffic.h"

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

/* w->out has, for each rank, out_bytes at out_at. */
static gpumm_status move(world *w, gpumm_status own) {
    note mine = {.count = 0};
    uint64_t sum = 0;
    TRY(gpumm_mpi__agree(w, own, 0, &mine, NULL, w->out_bytes));
    for (int r = 0; r < w->size; r++) {
        w->in_at[r] = sum;
        w->in_bytes[r] = w->peers[r].heard.count;
        sum += w->in_bytes[r];
    }
    TRY(gpumm_mpi__agree(w, gpumm_mpi__world_room(&w->in, sum), 1, &mine, NULL, NULL));
    return gpumm_mpi__traffic(w, 1, NULL, NULL);
}

static int push_all(lua_State *L, world *w, gpumm_status status) {
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    lua_createtable(L, w->size, 0);
    for (int r = 0; r < w->size; r++) {
        lua_pushlstring(L, w->in.bytes + w->in_at[r], w->in_bytes[r]);
        lua_rawseti(L, -2, r + 1);
    }
    return 1;
}

int gpumm_mpi__collect(lua_State *L) {
    world *w = gpumm_mpi__world();
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    gpumm_status status = gpumm_mpi__agree_begin(w, CALL_COLLECT);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    gpumm_status own = gpumm_mpi__world_room(&w->out, size);
    if (own == GPUMM_OK) memcpy(w->out.bytes, text, size);
    for (int r = 0; r < w->size; r++) {
        w->out_at[r] = 0;
        w->out_bytes[r] = size;
    }
    return push_all(L, w, move(w, own));
}

/* All texts of the list at 1, one behind the other. */
static gpumm_status gather(lua_State *L, world *w) {
    uint64_t sum = 0;
    for (int r = 0; r < w->size; r++) {
        w->out_at[r] = sum;
        w->out_bytes[r] = lua_rawgeti(L, 1, r + 1) == LUA_TSTRING ? lua_rawlen(L, -1) : 0;
        sum += w->out_bytes[r];
        lua_pop(L, 1);
    }
    TRY(gpumm_mpi__world_room(&w->out, sum));
    for (int r = 0; r < w->size; r++) {
        lua_rawgeti(L, 1, r + 1);
        if (w->out_bytes[r] > 0) memcpy(w->out.bytes + w->out_at[r], lua_tostring(L, -1), w->out_bytes[r]);
        lua_pop(L, 1);
    }
    return GPUMM_OK;
}

static void check_list(lua_State *L, const world *w) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_rawlen(L, 1) != (size_t)w->size) luaL_error(L, "trade: %d texts are needed, one a rank", w->size);
    for (int r = 0; r < w->size; r++) {
        if (lua_rawgeti(L, 1, r + 1) != LUA_TSTRING) luaL_error(L, "trade: what goes to rank %d is no text", r);
        lua_pop(L, 1);
    }
}

int gpumm_mpi__trade(lua_State *L) {
    world *w = gpumm_mpi__world();
    gpumm_status status = gpumm_mpi__world_check(w);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    check_list(L, w);
    status = gpumm_mpi__agree_begin(w, CALL_TRADE);
    return push_all(L, w, status == GPUMM_OK ? move(w, gather(L, w)) : status);
}

int gpumm_mpi__home(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, and its high bits */
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    lua_pushinteger(L, (lua_Integer)((hash >> 32) % (uint64_t)luaL_checkinteger(L, 2)));
    return 1;
}
