/* SPDX-License-Identifier: MIT */
/* Options are checked in Lua (lua/gpumm/live.lua); here they are only taken. */
#include "modules/live/binding.h"

#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "modules/live/message.h"
#include "modules/live/server.h"

static const char class_name[] = "gpumm_live.server";
static const char count_key = 0; /* its address is the key of how many servers are open in the state */

enum { SERVERS_MOST = 4 }; /* of a contained script: threads and what libwebsockets takes are not counted */

typedef struct handle {
    live_server *server; /* NULL: closed */
} handle;

static handle *check_handle(lua_State *L) { return luaL_checkudata(L, 1, class_name); }

static live_server *check_server(lua_State *L) {
    handle *h = check_handle(L);
    if (!h->server) luaL_error(L, "the live page's server is closed");
    return h->server;
}

static lua_Integer count_servers(lua_State *L, int by) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &count_key);
    lua_Integer servers = lua_tointeger(L, -1) + by;
    lua_pop(L, 1);
    lua_pushinteger(L, servers);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &count_key); /* once the key is there this needs no memory */
    return servers;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* Those that are garbage are closed by the first collection that may call finalisers. */
static void make_room(lua_State *L) {
    if (count_servers(L, 0) < SERVERS_MOST || gpumm_lua_sandbox_memory(L) == 0) return;
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    if (count_servers(L, 0) >= SERVERS_MOST)
        luaL_error(L, "live: a contained script has at most %d pages open at a time", SERVERS_MOST);
}

static void copy_text(lua_State *L, const char *key, char *out, size_t size) {
    size_t length = 0;
    lua_getfield(L, 1, key);
    const char *text = lua_tolstring(L, -1, &length);
    if (text && length >= size) luaL_error(L, "live: %s is too long", key);
    if (text) memcpy(out, text, length + 1);
    lua_pop(L, 1);
}

static void copy_origins(lua_State *L, live_door *door) {
    if (lua_getfield(L, 1, "origins") != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    for (int i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
        size_t length;
        const char *text = lua_tolstring(L, -1, &length);
        if (door->origin_count == LIVE_ORIGINS) luaL_error(L, "live: at most %d origins", LIVE_ORIGINS);
        if (length >= LIVE_HOST_BYTES) luaL_error(L, "live: an origin is too long");
        memcpy(door->origins[door->origin_count++], text, length + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}

static lua_Integer take_number(lua_State *L, const char *key) {
    lua_getfield(L, 1, key);
    lua_Integer number = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    return number;
}

/* A contained script's server is for this machine alone. */
static void take_door(lua_State *L, live_door *door) {
    memset(door, 0, sizeof *door);
    copy_text(L, "host", door->host, sizeof door->host);
    if (gpumm_lua_sandbox_memory(L) > 0 && !gpumm_live__door_loopback(door->host))
        luaL_error(L, "live: host '%s': a contained script's page is for this machine alone", door->host);
    door->port = (int)take_number(L, "port");
    copy_origins(L, door);
    copy_text(L, "token", door->token, sizeof door->token);
    if (strlen(door->token) != LIVE_TOKEN_BYTES - 1 && !gpumm_live__door_token(door->token))
        luaL_error(L, "live: the system has no random numbers for a token");
    if (gethostname(door->own, sizeof door->own) != 0) door->own[0] = '\0';
    door->own[sizeof door->own - 1] = '\0';
}

static int binding_server(lua_State *L) {
    live_options options = {.allocator = gpumm_lua_allocator(L)};
    size_t size;
    luaL_checktype(L, 1, LUA_TTABLE);
    make_room(L);
    take_door(L, &options.door);
    options.viewers = (unsigned)take_number(L, "viewers");
    handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    h->server = NULL;
    luaL_setmetatable(L, class_name);
    lua_getfield(L, 1, "page");
    const char *page = luaL_checklstring(L, -1, &size);
    options.page = gpumm_live__blob_new(options.allocator, page, size, true);
    if (!options.page) return luaL_error(L, "live: no memory for the page");
    lua_pop(L, 1);
    gpumm_status status = gpumm_live__server_open(&options, &h->server);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    count_servers(L, 1);
    return 1;
}

static int server_close(lua_State *L) {
    handle *h = check_handle(L);
    live_server *server = h->server;
    h->server = NULL;
    if (server) count_servers(L, -1);
    gpumm_live__server_close(server);
    return 0;
}

static int server_address(lua_State *L) { /* port, token */
    const live_server *s = check_server(L);
    lua_pushinteger(L, gpumm_live__server_port(s));
    lua_pushstring(L, gpumm_live__server_token(s));
    return 2;
}

/* ---- What is shown ------------------------------------------------------------------------------ */

/* Its first member's elements are what frames are read as. */
static bool has_positions(gpumm_readback *readback, lua_Integer dimensions) {
    const gpumm_type *type = gpumm_buffer_type(gpumm_readback_buffer(readback, 0));
    return (dimensions == 2 || dimensions == 3) && type && gpumm_type_size(type) == (size_t)dimensions * sizeof(float);
}

/* attach(readback, dimensions), attach(nil) */
static int server_attach(lua_State *L) {
    live_server *s = check_server(L);
    gpumm_readback *readback = NULL;
    lua_Integer dimensions = luaL_optinteger(L, 3, 2);
    if (!lua_isnoneornil(L, 2)) {
        readback = gpumm_lua_to_readback(L, 2);
        luaL_argcheck(L, readback, 2, "a readback is expected");
        luaL_argcheck(L, has_positions(readback, dimensions), 2, "its elements are no positions of so many dimensions");
    }
    return gpumm_lua_result(L, gpumm_live__server_attach(s, readback, (unsigned)dimensions));
}

static int publish(lua_State *L, live_server *s, live_blob *blob) {
    if (!blob) return luaL_error(L, "live: no memory for what viewers are sent");
    return gpumm_lua_result(L, gpumm_live__server_publish(s, blob));
}

static int server_publish(lua_State *L) { /* publish(bytes) */
    live_server *s = check_server(L);
    size_t size;
    const char *bytes = luaL_checklstring(L, 2, &size);
    return publish(L, s, gpumm_live__blob_new(gpumm_lua_allocator(L), bytes, size, false));
}

/* publish_edges(first, base, from [, to]): views of u32 each, or one of pairs; `base` is what the first node is called. */
static int server_publish_edges(lua_State *L) {
    live_server *s = check_server(L);
    gpumm_lua_view from, to = {0};
    uint32_t first = (uint32_t)luaL_checkinteger(L, 2), base = (uint32_t)luaL_checkinteger(L, 3);
    bool pairs = lua_isnoneornil(L, 5);
    luaL_argcheck(L, gpumm_lua_to_view(L, 4, &from), 4, "a view is expected");
    luaL_argcheck(L, pairs || gpumm_lua_to_view(L, 5, &to), 5, "a view is expected");
    luaL_argcheck(L, gpumm_type_size(from.type) == (pairs ? 8 : 4), 4, "its elements are no edges' ends");
    luaL_argcheck(L, pairs || (gpumm_type_size(to.type) == 4 && to.count == from.count), 5, "it is no match");
    live_edges edges = {.first = first, .base = base, .count = from.count, .from = from.bytes, .to = to.bytes};
    return publish(L, s, gpumm_live__message_edges(gpumm_lua_allocator(L), &edges));
}

static int server_forget(lua_State *L) {
    gpumm_live__server_forget(check_server(L));
    return 0;
}

static int server_state(lua_State *L) { /* state(text) */
    live_server *s = check_server(L);
    size_t size;
    const char *text = luaL_checklstring(L, 2, &size);
    live_blob *blob = gpumm_live__blob_new(gpumm_lua_allocator(L), text, size, true);
    if (!blob) return luaL_error(L, "live: no memory for what viewers are sent");
    gpumm_live__server_state(s, blob);
    return 0;
}

/* ---- What viewers say ----------------------------------------------------------------------------- */

static void set_number(lua_State *L, const char *key, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}

static void set_values(lua_State *L, const live_event *e) {
    static const char *const axes[] = {"x", "y", "z"};
    bool place = e->kind == LIVE_DRAG || e->kind == LIVE_DROP;
    for (unsigned i = 0; i < e->count; i++) {
        if (place) set_number(L, axes[i], e->values[i]);
        else if (e->kind == LIVE_TELL) {
            lua_pushnumber(L, e->values[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        } else set_number(L, e->kind == LIVE_STEP ? "count" : e->kind == LIVE_RATE ? "rate" : "value", e->values[i]);
    }
}

/* next(): { kind =, viewer =, node = (from 1), x = …, name =, value = }, or nil */
static int server_next(lua_State *L) {
    live_event event;
    if (!gpumm_live__server_next(check_server(L), &event)) return 0;
    lua_createtable(L, 0, 6);
    lua_pushstring(L, gpumm_live__event_name(event.kind));
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, event.viewer);
    lua_setfield(L, -2, "viewer");
    if (event.kind == LIVE_DRAG || event.kind == LIVE_DROP || event.kind == LIVE_FREE || event.kind == LIVE_PICK) {
        lua_pushinteger(L, (lua_Integer)event.node + 1);
        lua_setfield(L, -2, "node");
    }
    if (event.word[0]) {
        lua_pushstring(L, event.word);
        lua_setfield(L, -2, "name");
    }
    set_values(L, &event);
    return 1;
}

static int server_wants(lua_State *L) {
    lua_pushboolean(L, gpumm_live__server_wants(check_server(L)));
    return 1;
}

static int server_wait(lua_State *L) { /* wait(seconds) */
    double seconds = luaL_checknumber(L, 2);
    gpumm_live__server_wait(check_server(L), seconds > 0 && seconds < 1 ? seconds : seconds >= 1 ? 1 : 0);
    return 0;
}

static int server_counts(lua_State *L) {
    live_counts c;
    gpumm_live__server_count(check_server(L), &c);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {{"viewers", c.viewers},         {"bytes", c.bytes},     {"queued", c.queued},
                  {"frames", c.frames},           {"sent", c.sent},       {"skipped", c.skipped},
                  {"events", c.events},           {"refused", c.refused}, {"joined", c.joined},
                  {"turned_away", c.turned_away}, {"ticket", c.ticket}};
    lua_createtable(L, 0, sizeof fields / sizeof *fields);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    return 1;
}

/* ---- The class ------------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"address", server_address}, {"attach", server_attach},
                                   {"close", server_close},     {"counts", server_counts},
                                   {"forget", server_forget},   {"next", server_next},
                                   {"publish", server_publish}, {"publish_edges", server_publish_edges},
                                   {"state", server_state},     {"wait", server_wait},
                                   {"wants", server_wants},     {NULL, NULL}};

void gpumm_live__open_binding(lua_State *L) {
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, server_close);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, server_close);
        lua_setfield(L, -2, "__close");
        lua_pushstring(L, class_name);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, binding_server);
    lua_setfield(L, -2, "server");
}
