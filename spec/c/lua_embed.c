/* SPDX-License-Identifier: MIT */
/* Embedding: what gpumm_lua.h promises to an application that owns the Lua state, and several states on several threads
   that share one manager. */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"
#include "gpumm_lua.h"

enum { THREADS = 4, LIVES = 12 };

/* ---- An application and its state -------------------------------------------------------------------- */

static gpumm_manager *open_manager(void) {
    gpumm_options options = {.device = "host", .workers = 1};
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&options, &m));
    return m;
}

static gpumm_buffer *open_floats(gpumm_manager *m, const char *name, uint64_t length) {
    gpumm_type *f32;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse("f32", &f32));
    gpumm_buffer_options options = {.name = name, .type = f32, .length = length};
    CHECK_OK(gpumm_manager_allocate(m, &options, &b));
    gpumm_type_release(f32);
    return b;
}

static lua_State *open_state(void) {
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    gpumm_lua_open(L);
    lua_setglobal(L, "gpumm");
    return L;
}

/* Runs the text, which must come to its end. */
static void run(lua_State *L, const char *text) {
    if (luaL_dostring(L, text) == LUA_OK) return;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"the script came to its end");
}

static void push_global_manager(lua_State *L, gpumm_manager *m, gpumm_lua_share share) {
    gpumm_lua_push_manager(L, m, share);
    lua_setglobal(L, "m");
}

static void check_floats(gpumm_buffer *b, const float *expected, uint64_t count) {
    float got[16];
    CHECK(count <= 16);
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, count, got));
    for (uint64_t i = 0; i < count; i++) CHECK(got[i] == expected[i]);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int count_globals(lua_State *L) {
    int count = 0;
    lua_pushglobaltable(L);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) count++;
    lua_pop(L, 1);
    return count;
}

static void test_open_touches_no_global(void) {
    lua_State *L = luaL_newstate();
    CHECK(gpumm_lua_open(L) == 1 && lua_istable(L, 1));
    CHECK(count_globals(L) == 0);
    gpumm_lua_open(L);
    CHECK(lua_rawequal(L, 1, 2));
    luaL_openlibs(L);
    run(L, "mine = require 'gpumm'");
    lua_getglobal(L, "mine");
    CHECK(lua_rawequal(L, 1, -1)); /* and no other copy from package.cpath */
    lua_close(L);
}

/* ---- Sharing managers ------------------------------------------------------------------------ */

static void test_borrowed_manager(void) {
    gpumm_manager *m = open_manager();
    lua_State *L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    gpumm_lua_push_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "again");
    run(L, "assert(rawequal(m, again))\n"
           "local ok, why = pcall(m.close, m)\n"
           "assert(not ok and why:find 'application', why)\n"
           "b = m:allocate('mine', 'f32', 3); b:upload { 1, 2, 3 }\n"
           "g = m:group { { 'a', 'f32' } }; s = m:stream(); e = s:record(); rb = b:readback()\n"
           "loose = m:buffer { type = 'u8', length = 9 }\n"
           "rb:capture(1); frame = rb:wait(); view = frame.data");
    lua_getglobal(L, "b");
    const float expected[] = {1, 2, 3};
    check_floats(gpumm_lua_to_buffer(L, -1), expected, 3);
    gpumm_manager_close(m);
    run(L,
        "assert(m:is_closed() and tostring(m))\n"
        "local function closed(f, ...)\n"
        "  local ok, why = pcall(f, ...)\n"
        "  assert(not ok and (why:find 'CLOSED' or why:find 'STALE'), why)\n"
        "end\n"
        "closed(m.allocate, m, 'more', 'f32', 1); closed(b.upload, b, { 1 }); closed(function() return #b end)\n"
        "closed(g.resize, g, 4); closed(s.record, s); closed(e.wait, e); closed(loose.download, loose)\n"
        "closed(m.stream, m); closed(m.synchronize, m); closed(b.readback, b); closed(function() return view[1] end)\n"
        "assert(#m:leaks() == 1 and m:leaks()[1].name == 'mine')\n"
        "collectgarbage()");
    gpumm_manager_release(m);
    run(L, "assert(m:is_closed()); m, again, b, g, s, e, rb, loose, frame, view = nil; collectgarbage()");
    lua_close(L);
}

static void test_owned_manager(void) {
    gpumm_manager *m = open_manager();
    lua_State *L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    push_global_manager(L, m, GPUMM_LUA_SHARE_OWN); /* handed over after all */
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    gpumm_manager_retain(m);
    gpumm_manager_release(m);
    run(L, "m:allocate('x', 'f32', 1); m:free 'x'; m:close(); assert(m:is_closed())");
    CHECK(gpumm_manager_is_closed(m));
    gpumm_manager_release(m);
    lua_close(L);

    m = open_manager(); /* the collector's alone: it closes with the state */
    L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_OWN);
    gpumm_manager *watched = gpumm_manager_retain(m);
    gpumm_manager_release(m);
    lua_close(L);
    CHECK(!gpumm_manager_is_closed(watched)); /* we hold it still */
    gpumm_manager_release(watched);
}

/* ---- Sharing buffers and readbacks ----------------------------------------------------------- */

static void test_buffers(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_floats(m, "theirs", 3), *c = open_floats(m, NULL, 2);
    lua_State *L = open_state();
    gpumm_lua_push_buffer(L, b, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "b");
    gpumm_lua_push_buffer(L, c, GPUMM_LUA_SHARE_OWN);
    lua_setglobal(L, "c");
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    run(L, "assert(rawequal(b, m:get_buffer 'theirs')); b:upload { 4, 5, 6 }\n"
           "assert(not pcall(b.free, b)); do local scoped <close> = b end\n"
           "b = nil; collectgarbage()\n" /* what is borrowed stays so, whoever forgets it */
           "assert(not pcall(m.free, m, 'theirs'))\n"
           "b = m:get_buffer 'theirs'; assert(not pcall(b.free, b))\n"
           "assert(c:free())");
    gpumm_buffer_info info;
    CHECK_STATUS(gpumm_buffer_get_info(c, &info), GPUMM_STALE);
    const float expected[] = {4, 5, 6};
    check_floats(b, expected, 3);
    CHECK_OK(gpumm_buffer_close(b));
    run(L, "local ok, why = pcall(b.download, b); assert(not ok and why:find 'STALE', why)");
    lua_close(L);
    gpumm_buffer_release(b);
    gpumm_buffer_release(c);
    gpumm_manager_release(m);
}

/* A manager that is lent does not lend its buffers' lives: what the script made it may free, the rest is used. */
static void test_buffers_by_name(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_floats(m, "theirs", 3);
    lua_State *L = open_state(), *other = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    push_global_manager(other, m, GPUMM_LUA_SHARE_BORROW);
    run(L,
        "for _ = 1, 2 do\n"
        "  local ok, why = pcall(m.free, m, 'theirs')\n"
        "  assert(not ok and why:find 'application', why)\n"
        "  assert(not pcall(function() m:get_buffer 'theirs':free() end))\n"
        "  do local scoped <close> = m:get_buffer 'theirs' end\n"
        "  collectgarbage()\n"
        "end\n"
        "m:get_buffer 'theirs':upload { 4, 5, 6 }\n"
        "m:allocate('mine', 'f32', 1, { growth = function(r) return r.required + 7 end }); m:allocate('kept', 'f32', 1)\n"
        "collectgarbage()\n"
        "local mine = m:get_buffer 'mine'; mine:resize(5000); assert(mine.capacity == 5007)\n"
        "assert(m:free 'mine' and m:allocate('mine', 'f32', 1) and m:get_buffer 'mine':free())\n"
        "for i = 1, 200 do local b <close> = m:allocate('scoped', 'f32', i) end\n"
        "assert(#m:names() == 2)");
    run(other, "assert(not pcall(m.free, m, 'kept') and m:get_buffer 'kept')");
    run(L, "assert(m:free 'kept')");
    const float expected[] = {4, 5, 6};
    check_floats(b, expected, 3);
    gpumm_lua_push_buffer(L, b, GPUMM_LUA_SHARE_OWN);
    run(L, "assert(m:free 'theirs')"); /* handed over */
    lua_close(L);
    lua_close(other);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

static void test_readbacks(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_floats(m, "theirs", 2);
    gpumm_readback_options options = {.buffers = &b, .buffer_count = 1, .slots = 3};
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(&options, &r));
    lua_State *L = open_state();
    gpumm_lua_push_readback(L, r, GPUMM_LUA_SHARE_BORROW);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "r");
    CHECK(gpumm_lua_to_readback(L, -1) == r);
    const float values[] = {8, 9};
    CHECK_OK(gpumm_buffer_upload(b, NULL, 0, 2, values));
    CHECK_OK(gpumm_readback_capture(r, NULL, 5, NULL));
    run(L, "f = r:wait(); assert(f.step == 5 and f.theirs[1] == 8 and f.data[2] == 9)\n"
           "assert(not pcall(r.close, r))\n"
           "f:keep()");
    gpumm_readback_close(r);
    run(L, "local ok, a, b = pcall(r.capture, r, 6)\n"
           "assert(not ok or (a == nil and b), 'a closed readback captures nothing')\n"
           "assert(f.theirs[1] == 8); f:release()");
    lua_close(L);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

/* What a script made in a lent manager and left: what has a name is there to be found and freed, what has none went
   with the state, unless the application holds on to it. */
static void test_left_behind(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *place, *found;
    char name[256];
    lua_State *L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    run(L,
        "for i = 1, 3 do g = m:group { { 'place', 'f32' }, length = 100 * i } end\n"
        "local sim = gpumm.simulation { nodes = gpumm.group { { 'x', 'f32' } }, flags = gpumm.buffer { type = 'u8', length = 4 },\n"
        "  step = function() end }\n"
        "sim:open { manager = m }; sim:advance(1)"); /* and never closed */
    lua_pushglobaltable(L);
    CHECK_OK(gpumm_lua_find_buffer(L, -1, "g.place", &place));
    lua_close(L);
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.buffer_count == 2);
    CHECK_OK(gpumm_manager_name(m, 0, name, sizeof name));
    CHECK(strcmp(name, "flags") == 0);
    CHECK_STATUS(gpumm_manager_name(m, 1, name, sizeof name), GPUMM_NOT_FOUND);
    CHECK_OK(gpumm_manager_find(m, "flags", NULL, &found));
    CHECK_OK(gpumm_buffer_close(found));
    gpumm_buffer_release(found);
    CHECK_OK(gpumm_buffer_resize(place, NULL, 1000)); /* its group, whole */
    gpumm_buffer_release(place);
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes == 0 && stats.buffer_count == 0);
    gpumm_manager_release(m);
}

/* ---- Taking things out ----------------------------------------------------------------------- */

static void test_to(void) {
    lua_State *L = open_state();
    run(L, "m = gpumm.manager { device = 'host', workers = 1 }; b = m:buffer { type = 'f32', length = 1 }\n"
           "g = m:group { { 'a', 'f32' } }; rb = b:readback()\n"
           "return m, b, g, rb, {}, 'text', nil, io.stdout");
    CHECK(gpumm_lua_to_manager(L, 1) && !gpumm_lua_to_manager(L, 2));
    CHECK(gpumm_lua_to_buffer(L, 2) && !gpumm_lua_to_buffer(L, 3));
    CHECK(gpumm_buffer_manager(gpumm_lua_to_buffer(L, 2)) == gpumm_lua_to_manager(L, 1));
    CHECK(gpumm_lua_to_group(L, 3) && !gpumm_lua_to_group(L, 4));
    CHECK(gpumm_lua_to_readback(L, 4) && !gpumm_lua_to_readback(L, 1));
    for (int i = 5; i <= 9; i++)
        CHECK(!gpumm_lua_to_manager(L, i) && !gpumm_lua_to_buffer(L, i) && !gpumm_lua_to_group(L, i) &&
              !gpumm_lua_to_readback(L, i));
    CHECK(gpumm_lua_to_buffer(L, -7) == gpumm_lua_to_buffer(L, 2));
    lua_close(L);
}

static void check_found(lua_State *L, int index, const char *path, const char *name) {
    gpumm_buffer *b;
    int top = lua_gettop(L);
    CHECK_OK(gpumm_lua_find_buffer(L, index, path, &b));
    CHECK(strcmp(gpumm_buffer_name(b), name) == 0);
    CHECK(lua_gettop(L) == top);
    gpumm_buffer_release(b);
}

static void check_not_found(lua_State *L, int index, const char *path, gpumm_status status) {
    gpumm_buffer *b = NULL;
    int top = lua_gettop(L);
    CHECK_STATUS(gpumm_lua_find_buffer(L, index, path, &b), status);
    CHECK(!b && lua_gettop(L) == top);
    CHECK_SAYS(path);
}

static void test_find(void) {
    lua_State *L = open_state();
    run(L, "local m = gpumm.manager { device = 'host', workers = 1 }\n"
           "m:allocate('a.b', 'f32', 1)\n"
           "local sim = gpumm.simulation { nodes = gpumm.group { { 'place', 'f32x2' } },\n"
           "  flags = gpumm.buffer { type = 'u8', length = 4 }, step = function() end }\n"
           "sim:open { manager = m }\n"
           "local bad = setmetatable({}, { __index = function() error 'no such luck' end })\n"
           "local shut = gpumm.manager { device = 'host', workers = 1 }; shut:close()\n"
           "return m, sim, { deep = { m = m, n = 5 } }, bad, { m = shut }, sim.flags");
    check_found(L, 1, "a.b", "a.b");
    check_found(L, 1, "flags", "flags");
    check_found(L, 2, "flags", "flags");
    check_found(L, 3, "deep.m.a.b", "a.b");
    check_found(L, 6, "", "flags");
    gpumm_buffer *place;
    CHECK_OK(gpumm_lua_find_buffer(L, 2, "nodes.place", &place));
    CHECK(gpumm_buffer_group(place));
    gpumm_buffer_release(place);
    check_not_found(L, 1, "nowhere", GPUMM_NOT_FOUND);
    check_not_found(L, 3, "deep.x.y", GPUMM_NOT_FOUND);
    check_not_found(L, 3, "deep.n", GPUMM_TYPE_MISMATCH);
    check_not_found(L, 3, "deep.n.x", GPUMM_INVALID_ARGUMENT);
    check_not_found(L, 2, "nodes", GPUMM_TYPE_MISMATCH);
    check_not_found(L, 4, "x", GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("no such luck");
    check_not_found(L, 5, "m.x", GPUMM_CLOSED);
    lua_close(L);
}

/* A simulation in the application's manager takes with it what it made, and leaves the manager as it was. */
static void test_guest(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *theirs = open_floats(m, "theirs", 1);
    gpumm_stats before, after;
    gpumm_manager_get_stats(m, &before);
    lua_State *L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    run(L,
        "local sim = gpumm.simulation { nodes = gpumm.group { { 'x', 'f32' } }, flags = gpumm.buffer { type = 'u8', length = 4 },\n"
        "  watch = gpumm.readback { 'nodes.x', every = 1 }, steps = 3,\n"
        "  step = function(sim, i) sim.nodes:append { x = { i } } end,\n"
        "  finish = function(sim, last) seen = last.x:totable() end }\n"
        "for _ = 1, 2 do\n"
        "  sim:run { manager = m }\n"
        "  assert(#seen == 3 and seen[1] == 1 and seen[3] == 3)\n"
        "  assert(not m:is_closed() and not m:raising())\n"
        "  assert(m:get_buffer 'theirs' and not m:get_buffer 'flags')\n"
        "end\n"
        "collectgarbage()");
    CHECK_OK(gpumm_manager_trim(m, NULL));
    gpumm_manager_get_stats(m, &after);
    CHECK(after.used_bytes == before.used_bytes && after.buffer_count == before.buffer_count);
    lua_close(L);
    gpumm_buffer_release(theirs);
    gpumm_manager_release(m);
}

/* ---- Running files --------------------------------------------------------------------------- */

static char folder[] = "/tmp/gpumm-embed-XXXXXX";

static const char *write_script(const char *text) {
    static char path[64];
    snprintf(path, sizeof path, "%s/script.lua", folder);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

static int open_with_buffer(lua_State *L) {
    luaL_openlibs(L);
    gpumm_lua_push_buffer(L, lua_touserdata(L, 1), GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "theirs");
    return 0;
}

static int done_with_results(lua_State *L) {
    gpumm_buffer *b = lua_touserdata(L, 1);
    float values[] = {(float)lua_tonumber(L, 2), (float)lua_rawlen(L, 3)};
    CHECK(lua_gettop(L) == 3);
    CHECK_OK(gpumm_buffer_upload(b, NULL, 1, 2, values));
    return 0;
}

static void test_run_file(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_floats(m, "theirs", 3);
    const char *arguments[] = {"first", "2nd"};
    gpumm_lua_script script = {
        .arguments = arguments, .argument_count = 2, .open = open_with_buffer, .done = done_with_results, .user = b};
    script.file = write_script("#!/usr/bin/gpumm-run\n"
                               "local a, b = ...\n"
                               "assert(a == 'first' and b == '2nd' and arg[1] == a and arg[2] == b and #arg == 2)\n"
                               "assert(arg[0]:find 'script.lua$')\n"
                               "local gpumm = require 'gpumm'\n"
                               "theirs:upload { 11 }\n"
                               "left_open = gpumm.manager { device = 'host', workers = 1 }\n"
                               "return 42, { 1, 2, 3 }\n");
    CHECK_OK(gpumm_lua_run_file(&script));
    const float expected[] = {11, 42, 3};
    check_floats(b, expected, 3);

    script.file = write_script("error 'on purpose'");
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("script.lua:1: on purpose");
    CHECK_SAYS("traceback");
    script.file = write_script("this is no Lua");
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_INVALID_ARGUMENT);
    script.file = write_script("\033Lua");
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_INVALID_ARGUMENT);
    script.file = "/nowhere/script.lua";
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_IO);
    CHECK_SAYS("/nowhere/script.lua");
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

static void test_run_simulation(void) {
    gpumm_lua_script script = {.device = "host", .limit = 1 << 20};
    script.file = write_script("local gpumm = require 'gpumm'\n"
                               "local steps = 0\n"
                               "return gpumm.simulation { b = gpumm.buffer { type = 'f32', length = 10 }, steps = 7,\n"
                               "  device = 'cuda:99', step = function() steps = steps + 1 end,\n"
                               "  finish = function() assert(steps == 7); error 'it ran' end }\n");
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("it ran");
    script.file = write_script("local m = require 'gpumm'.manager {}\n"
                               "local ok, why, code = m:allocate('big', 'u8', 2 ^ 21)\n"
                               "assert(not ok and code == 'OVER_LIMIT', why)\n");
    CHECK_OK(gpumm_lua_run_file(&script));
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* double(buffer): an application's own function, which works on what it is given by calls of C alone. */
static int double_it(lua_State *L) {
    gpumm_buffer *b = gpumm_lua_to_buffer(L, 1);
    float values[4];
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 4, values));
    for (int i = 0; i < 4; i++) values[i] *= 2;
    CHECK_OK(gpumm_buffer_upload(b, NULL, 0, 4, values));
    return 0;
}

/* In a recorded step what it does comes behind what the step has recorded before, and before what comes after. */
static void test_recorded_step(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *b = open_floats(m, "floats", 4);
    lua_State *L = open_state();
    gpumm_lua_push_buffer(L, b, GPUMM_LUA_SHARE_OWN);
    lua_setglobal(L, "b");
    push_global_manager(L, m, GPUMM_LUA_SHARE_OWN);
    lua_register(L, "double", double_it);
    run(L, "local sim = gpumm.simulation { recorded = true, steps = 3, step = function(sim, i)"
           "  b:fill(i) double(b) b:fill(5, 2, 1) double(b) b:fill(7, 3, 1)"
           "end } sim:open { manager = m } while sim:advance(1) do end sim:close()");
    check_floats(b, (const float[]){12, 10, 7, 12}, 4);
    lua_close(L);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

static void *no_memory(void *user, void *block, size_t old, size_t new) {
    (void)user, (void)old, (void)new;
    free(block);
    return NULL;
}

typedef struct worker_host {
    gpumm_manager *manager;
    gpumm_buffer *shared;
    int number;
} worker_host;

static int life(lua_State *L) {
    worker_host *w = lua_touserdata(L, 1);
    luaL_openlibs(L);
    gpumm_lua_open(L);
    gpumm_lua_push_manager(L, w->manager, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "m");
    gpumm_lua_push_buffer(L, w->shared, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "shared");
    lua_pushinteger(L, w->number);
    lua_setglobal(L, "number");
    if (luaL_dostring(L,
                      "local gpumm = require 'gpumm'\n"
                      "local name = 'of' .. number\n"
                      "local b = assert(m:allocate(name, 'u32', 10))\n"
                      "b:fill(number)\n"
                      "b:resize(1000); b:fill(number + 1, 11, 990)\n"
                      "local v = b:download()\n"
                      "assert(v[1] == number and v[10] == number and v[11] == number + 1 and v[1000] == number + 1)\n"
                      "local rb = b:readback { slots = 2 }\n"
                      "local f = rb:wait(assert(rb:capture(number)))\n"
                      "assert(f.step == number and f.data[1000] == number + 1)\n"
                      "local loose = m:buffer { type = 'u32', length = 64 }; loose:copy(b, { count = 64 })\n"
                      "assert(loose:download()[64] == number + 1)\n"
                      "shared:append { number }\n"
                      "assert(m:free(name))\n"
                      "if number == 1 then m:trim() end") != LUA_OK)
        return lua_error(L);
    return 0;
}

static void *run_lives(void *user) {
    worker_host *w = user;
    for (int i = 0; i < LIVES; i++) {
        lua_State *L = luaL_newstate();
        lua_pushcfunction(L, life);
        lua_pushlightuserdata(L, w);
        if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
            fprintf(stderr, "thread %d: %s\n", w->number, lua_tostring(L, -1));
            CHECK(!"every state's script came to its end");
        }
        lua_close(L);
    }
    return NULL;
}

/* Every thread's states see their own objects, and append to one buffer together. */
static void test_threads(void) {
    gpumm_manager *m = open_manager();
    gpumm_buffer *shared = open_floats(m, "shared", 0);
    pthread_t threads[THREADS];
    worker_host hosts[THREADS];
    for (int i = 0; i < THREADS; i++) {
        hosts[i] = (worker_host){m, shared, i + 1};
        CHECK(pthread_create(&threads[i], NULL, run_lives, &hosts[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    float all[THREADS * LIVES], sum = 0;
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(shared, &info));
    CHECK(info.length == THREADS * LIVES);
    CHECK_OK(gpumm_buffer_download(shared, NULL, 0, info.length, all));
    for (int i = 0; i < THREADS * LIVES; i++) sum += all[i];
    CHECK(sum == (float)LIVES * THREADS * (THREADS + 1) / 2);
    CHECK_OK(gpumm_manager_check(m));
    CHECK(gpumm_manager_leaks(m, NULL, NULL) == 1);
    gpumm_buffer_release(shared);
    gpumm_manager_release(m);
}

/* The application closes its manager while scripts on other threads are at work: they get CLOSED, and nothing worse. */
static void *run_until_closed(void *user) {
    worker_host *w = user;
    lua_State *L = open_state();
    push_global_manager(L, w->manager, GPUMM_LUA_SHARE_BORROW);
    run(L, "local ok, why\n"
           "repeat\n"
           "  ok, why = pcall(function()\n"
           "    local b = assert(m:buffer { type = 'f32', length = 500 })\n"
           "    assert(b:fill(2)); assert(assert(b:download())[500] == 2)\n"
           "  end)\n"
           "until not ok\n"
           "assert(why:find 'CLOSED' or why:find 'CANCELLED', why)");
    lua_close(L);
    return NULL;
}

static void test_close_under_scripts(void) {
    for (int round = 0; round < 5; round++) {
        gpumm_manager *m = open_manager();
        pthread_t threads[THREADS];
        worker_host host = {m, NULL, 0};
        for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run_until_closed, &host) == 0);
        gpumm_stats stats;
        do gpumm_manager_get_stats(m, &stats);
        while (stats.allocation_count < 40);
        gpumm_manager_close(m);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        gpumm_manager_get_stats(m, &stats);
        CHECK(stats.used_bytes == 0 && stats.committed_bytes == 0);
        gpumm_manager_release(m);
    }
}

/* ---- Pressure: the state's garbage goes before the application is asked -------------------------------- */

static bool count_asked(void *user, uint64_t wanted) {
    (void)wanted;
    ++*(int *)user;
    return false;
}

static void test_garbage_before_hook(void) {
    int asked = 0;
    gpumm_options options = {
        .device = "host", .workers = 1, .limit = 64 << 10, .pressure = count_asked, .pressure_user = &asked};
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&options, &m));
    lua_State *L = open_state();
    push_global_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    run(L, "collectgarbage 'stop'\n"
           "local function fill() for _ = 1, 3 do assert(m:buffer { type = 'u8', length = 20 << 10 }) end end\n"
           "fill() assert(m:buffer { type = 'u8', length = 60 << 10 }) collectgarbage()\n"
           "fill() assert(m:scratch(60 << 10)):close()\n"
           "local g = m:group { { 'a', 'u8' } }\n"
           "fill() assert(g:append { a = ('x'):rep(60 << 10) })");
    CHECK(asked == 0);
    run(L, "assert(select(3, m:buffer { type = 'u8', length = 70 << 10 }) == 'OVER_LIMIT')");
    CHECK(asked == 1);
    lua_close(L);
    gpumm_manager_release(m);
}

int main(void) {
    CHECK(mkdtemp(folder));
    test_garbage_before_hook();
    test_open_touches_no_global();
    test_borrowed_manager();
    test_owned_manager();
    test_buffers();
    test_buffers_by_name();
    test_readbacks();
    test_left_behind();
    test_to();
    test_find();
    test_guest();
    test_run_file();
    test_run_simulation();
    test_recorded_step();
    gpumm_lua_script hopeless = {.file = "x.lua", .allocate = no_memory};
    CHECK_STATUS(gpumm_lua_run_file(&hopeless), GPUMM_OUT_OF_MEMORY);
    test_threads();
    test_close_under_scripts();
    unlink(write_script(""));
    rmdir(folder);
    return 0;
}
