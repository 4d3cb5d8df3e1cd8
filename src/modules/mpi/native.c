/* SPDX-License-Identifier: MIT */
/* Arguments from Lua, and results to it. */
#include "modules/mpi/native.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "modules/mpi/collect.h"
#include "modules/mpi/nccl.h"
#include "modules/mpi/notes.h"
#include "modules/mpi/texts.h"

/* Signals and the state's end know the main thread alone. */
static lua_State *main_of(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

static int native_open(lua_State *L) {
    return gpumm_lua_result(L, gpumm_mpi__world_open(main_of(L), luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
}

/* The end of the state, which may come within a call: none goes on after it. */
static int native_leave(lua_State *L) {
    world *w = gpumm_mpi__world();
    if ((w->state != WORLD_OPEN && w->state != WORLD_LOST) || w->owner != main_of(L)) return 0;
    if (w->state == WORLD_OPEN && w->settle) w->settle(w);
    bool whole = gpumm_mpi__notes_leave(w, luaL_optstring(L, 1, NULL));
    gpumm_mpi__nccl_end(); /* others may have read what it keeps until they left */
    gpumm_mpi__world_end(w, whole);
    return 0;
}

static gpumm_status refuse_within(void) {
    return gpumm_lua_fail(GPUMM_BUSY,
                          "a call of the world is under way here: what runs within it, as a growth function or a "
                          "finaliser, makes no other");
}

static int native_close(lua_State *L) {
    return gpumm_mpi__world()->busy ? gpumm_lua_result(L, refuse_within()) : native_leave(L);
}

/* Upvalue 1, a call, which has the world's tables to itself until its results are there: what it grows may run any Lua. */
static int within(lua_State *L) {
    world *w = gpumm_mpi__world();
    if (w->busy) return gpumm_lua_result(L, refuse_within());
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    w->busy = true;
    int outcome = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    w->busy = false;
    return outcome == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static int native_info(lua_State *L) {
    const world *w = gpumm_mpi__world();
    lua_pushinteger(L, w->rank);
    lua_pushinteger(L, w->size);
    lua_pushinteger(L, w->local_rank);
    lua_pushinteger(L, w->local_size);
    return 4;
}

static int native_cores(lua_State *L) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    lua_pushinteger(L, cores > 0 ? cores : 1);
    return 1;
}

/* What GPUMM_DEVICE says, which is no secret of contained scripts': all of gpumm looks there. */
static int native_preset(lua_State *L) {
    lua_pushstring(L, getenv("GPUMM_DEVICE"));
    return 1;
}

static int native_way(lua_State *L) {
    const char *why_not = gpumm_mpi__nccl_why_not();
    lua_pushstring(L, why_not ? "MPI" : "NCCL");
    lua_pushstring(L, why_not);
    return 2;
}

/* NULL: the main one. */
static gpumm_stream *stream_at(lua_State *L, int index) {
    gpumm_stream *s = gpumm_lua_to_stream(L, index);
    if (!s && !lua_isnoneornil(L, index)) luaL_error(L, "CLOSED: the stream was closed");
    return s;
}

static gpumm_buffer *buffer_at(lua_State *L, int index) {
    gpumm_buffer *b = gpumm_lua_to_buffer(L, index);
    if (!b) luaL_argerror(L, index, "a buffer that is open was expected");
    return b;
}

/* Slots: from, to, first, then what `fifth` says, and a stream at `stream`. */
static call call_at(lua_State *L, int to, int first, int stream) {
    call c = {.w = gpumm_mpi__world(), .L = L, .to_index = to, .from = buffer_at(L, 1), .to = buffer_at(L, to)};
    c.first = (uint64_t)luaL_checkinteger(L, first);
    c.stream = stream_at(L, stream);
    return c;
}

static int push_received(lua_State *L, const world *w) {
    lua_createtable(L, w->size, 0);
    for (int r = 0; r < w->size; r++) {
        lua_pushinteger(L, (lua_Integer)w->counts[r]);
        lua_rawseti(L, -2, r + 1);
    }
    return 1;
}

static int native_allgather(lua_State *L) {
    lua_settop(L, 6);
    call c = call_at(L, 2, 3, 5);
    c.count = (uint64_t)luaL_checkinteger(L, 4);
    c.later = lua_toboolean(L, 6);
    gpumm_status status = gpumm_mpi__allgather(&c);
    return status == GPUMM_OK ? push_received(L, c.w) : gpumm_lua_result(L, status);
}

static int native_allreduce(lua_State *L) {
    static const char *const names[] = {"sum", "min", "max", NULL};
    lua_settop(L, 6);
    call c = call_at(L, 2, 3, 5);
    c.count = (uint64_t)luaL_checkinteger(L, 4);
    c.detail = (unsigned)luaL_checkoption(L, 6, "sum", names);
    return gpumm_lua_result(L, gpumm_mpi__allreduce(&c));
}

static int native_broadcast(lua_State *L) {
    lua_settop(L, 5);
    call c = call_at(L, 1, 2, 4);
    c.count = (uint64_t)luaL_checkinteger(L, 3);
    c.detail = (unsigned)luaL_checkinteger(L, 5);
    return gpumm_lua_result(L, gpumm_mpi__broadcast(&c));
}

/* The list at `index`, in memory that is pushed; their sum, or the largest number where that is more. */
static uint64_t *push_counts(lua_State *L, int index, int size, uint64_t *sum) {
    uint64_t *counts = lua_newuserdatauv(L, (size_t)size * sizeof *counts, 0);
    for (int r = 0; r < size; r++) {
        lua_rawgeti(L, index, r + 1);
        counts[r] = (uint64_t)luaL_checkinteger(L, -1);
        *sum = counts[r] > UINT64_MAX - *sum ? UINT64_MAX : *sum + counts[r];
        lua_pop(L, 1);
    }
    return counts;
}

static int native_exchange(lua_State *L) {
    lua_settop(L, 5);
    call c = call_at(L, 2, 3, 5);
    luaL_checktype(L, 4, LUA_TTABLE);
    c.counts = push_counts(L, 4, c.w->size, &c.count);
    gpumm_status status = gpumm_mpi__exchange(&c);
    return status == GPUMM_OK ? push_received(L, c.w) : gpumm_lua_result(L, status);
}

static int native_barrier(lua_State *L) {
    call c = {.w = gpumm_mpi__world(), .L = L, .stream = stream_at(L, 1)};
    return gpumm_lua_result(L, gpumm_mpi__barrier(&c));
}

static const luaL_Reg calls[] = {{"allgather", native_allgather}, {"allreduce", native_allreduce},
                                 {"exchange", native_exchange},   {"broadcast", native_broadcast},
                                 {"barrier", native_barrier},     {"collect", gpumm_mpi__collect},
                                 {"trade", gpumm_mpi__trade},     {NULL, NULL}};

static const luaL_Reg functions[] = {{"open", native_open}, {"close", native_close},   {"leave", native_leave},
                                     {"info", native_info}, {"home", gpumm_mpi__home}, {"cores", native_cores},
                                     {"way", native_way},   {"preset", native_preset}, {NULL, NULL}};

void gpumm_mpi__push_native(lua_State *L) {
    luaL_newlib(L, functions);
    for (const luaL_Reg *c = calls; c->name; c++) {
        lua_pushcfunction(L, c->func);
        lua_pushcclosure(L, within, 1);
        lua_setfield(L, -2, c->name);
    }
}
