/* SPDX-License-Identifier: MIT */
/* Contained scripts in an application: limits end a script and name themselves, whatever it catches; the application goes on,
   with its manager's contents and books as they were. */
#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "check.h"
#include "gpumm_lua.h"

/* ---- Running ------------------------------------------------------------------------------ */

static int traceback(lua_State *L) {
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* "" where it ran to its end, else the error; stays alive until the next call. */
static const char *run(lua_State *L, const char *script) {
    lua_settop(L, 0);
    lua_pushcfunction(L, traceback);
    if (luaL_loadbufferx(L, script, strlen(script), "=script", "t") != LUA_OK) return lua_tostring(L, -1);
    if (lua_pcall(L, 0, 0, 1) == LUA_OK) return "";
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(no text)";
}

static void must_run(lua_State *L, const char *script) {
    const char *message = run(L, script);
    if (*message) fprintf(stderr, "%s\n", message);
    CHECK(!*message);
}

static void must_say(lua_State *L, const char *script, const char *words) {
    const char *message = run(L, script);
    if (!strstr(message, words)) fprintf(stderr, "'%s' came to: %s\n", script, message);
    CHECK(strstr(message, words));
}

static lua_State *contained(gpumm_lua_sandbox options) {
    lua_State *L;
    CHECK_OK(gpumm_lua_sandbox_open(&options, &L));
    gpumm_lua_set_log(L, NULL, NULL);
    return L;
}

/* ---- The application's own ----------------------------------------------------------------------- */

enum { ELEMENTS = 1000 };

static gpumm_manager *manager;
static gpumm_buffer *buffer;

static void open_host(void) {
    gpumm_type *type;
    float values[ELEMENTS];
    gpumm_options options = {.device = "host", .debug = true};
    CHECK_OK(gpumm_manager_open(&options, &manager));
    CHECK_OK(gpumm_type_parse("f32", &type));
    gpumm_buffer_options wanted = {.name = "positions", .type = type, .length = ELEMENTS};
    CHECK_OK(gpumm_manager_allocate(manager, &wanted, &buffer));
    for (int i = 0; i < ELEMENTS; i++) values[i] = (float)i;
    CHECK_OK(gpumm_buffer_upload(buffer, NULL, 0, ELEMENTS, values));
    gpumm_type_release(type);
}

static void check_host(void) {
    float values[ELEMENTS];
    gpumm_stats stats;
    CHECK_OK(gpumm_buffer_download(buffer, NULL, 0, ELEMENTS, values));
    for (int i = 0; i < ELEMENTS; i++) CHECK(values[i] == (float)i);
    CHECK_OK(gpumm_manager_check(manager));
    gpumm_manager_get_stats(manager, &stats);
    CHECK(stats.buffer_count == 1 && stats.total_allocated_bytes == ELEMENTS * sizeof(float));
}

static void close_host(void) {
    gpumm_stats stats;
    CHECK_OK(gpumm_manager_free(manager, "positions"));
    gpumm_buffer_release(buffer);
    gpumm_manager_close(manager);
    gpumm_manager_get_stats(manager, &stats);
    CHECK(stats.used_bytes == 0 && stats.committed_bytes == 0);
    gpumm_manager_release(manager);
}

static void push_host(lua_State *L) {
    gpumm_lua_push_manager(L, manager, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "manager");
    gpumm_lua_push_buffer(L, buffer, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "buffer");
}

/* ---- Time --------------------------------------------------------------------------------- */

static const char *const endless[] = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "local function f() while true do end end while true do xpcall(f, f) end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    "local function f() while true do end end while true do pcall(coroutine.wrap(function() pcall(f) f() end)) end",
    "local mt = {__close = function() while true do end end} "
    "while true do pcall(function() local x <close> = setmetatable({}, mt) error 'x' end) end",
    "local mt = {__close = function() while true do end end} while true do pcall(coroutine.wrap(function() "
    "local x <close> = setmetatable({}, mt) while true do end end)) end",
    "local mt = {__close = function() while true do end end} local co = coroutine.create(function() "
    "local x <close> = setmetatable({}, mt) coroutine.yield() end) coroutine.resume(co) "
    "while true do pcall(coroutine.close, co) end",
    "local mt = {__index = function(t, k) while true do end end} while true do pcall(function() return setmetatable({}, mt).x end) end",
    "local mt = {__tostring = function() while true do end end} while true do pcall(tostring, setmetatable({}, mt)) end",
    "while true do pcall(error, setmetatable({}, {__tostring = function() while true do end end})) end",
    "while true do pcall(string.gsub, ('x'):rep(1000), 'x', function() while true do end end) end",
    "while true do pcall(table.sort, {1, 2, 3}, function() while true do end end) end",
    "while true do pcall(load, function() return ' ' end) end",
    "local function f() return f() end while true do pcall(f) end",
    "local co = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) while true do co() end",
    "while true do pcall(function() local b = manager:buffer {type = 'f32', length = 1, growth = function() while true do end end} b:resize(2^20) end) end",
    "while true do string.rep('', 1 << 50) end",
    "goto l ::l:: goto l",
    "local function f(...) return f(1, ...) end while true do pcall(f) end",
};

static void test_time(const char *script) {
    lua_State *L = contained((gpumm_lua_sandbox){0});
    char text[128];
    push_host(L);
    gpumm_lua_sandbox_time(L, 0.05);
    must_say(L, script, "timeout 0.05 seconds");
    CHECK(gpumm_lua_sandbox_ended(L, text) && strstr(text, "timeout 0.05 seconds"));
    must_say(L, "return 1 + 1", "timeout 0.05 seconds"); /* and again, for good */
    must_say(L, "pcall(print)", "timeout 0.05 seconds");
    gpumm_lua_sandbox_time(L, 0);
    must_say(L, "for i = 1, 10000 do end", "timeout");
    gpumm_lua_sandbox_close(L);
    check_host();
}

/* An application that calls again and again gives time for each call. */
static void test_frames(void) {
    lua_State *L = contained((gpumm_lua_sandbox){.timeout = 30});
    must_run(L, "n = 0 function frame() n = n + 1 for i = 1, 100000 do end end");
    for (int i = 0; i < 5; i++) {
        gpumm_lua_sandbox_time(L, 30);
        must_run(L, "frame()");
    }
    lua_getglobal(L, "n");
    CHECK(lua_tointeger(L, -1) == 5);
    CHECK(!gpumm_lua_sandbox_ended(L, NULL));
    gpumm_lua_sandbox_close(L);
}

static void *stop(void *L) {
    gpumm_lua_sandbox_stop(L);
    return NULL;
}

static void test_stop(void) {
    pthread_t thread;
    lua_State *L = contained((gpumm_lua_sandbox){0});
    CHECK(pthread_create(&thread, NULL, stop, L) == 0);
    must_say(L, "while true do pcall(function() while true do end end) end", "stopped by its application");
    pthread_join(thread, NULL);
    gpumm_lua_sandbox_close(L);
    check_host();
}

/* ---- Memory ------------------------------------------------------------------------------- */

static atomic_int_least64_t live; /* blocks */

static void *count_memory(void *user, void *block, size_t size) {
    (void)user;
    if (size == 0) {
        if (block) atomic_fetch_sub(&live, 1);
        free(block);
        return NULL;
    }
    void *fresh = realloc(block, size);
    if (fresh && !block) atomic_fetch_add(&live, 1);
    return fresh;
}

static const char *const greedy[] = {
    "local t = {} while true do t[#t + 1] = {} end",
    "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(100000) .. #t end) end",
    "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1000) .. #t .. ('y'):rep(1000) end) end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "local t = {} while true do t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) t[#t]() end",
    "local function f() return 1 + f() end local t = {} while true do pcall(f) t[#t + 1] = ('y'):rep(1e5) end",
    "local v = {} while true do v[#v + 1] = gpumm.view('f32', 100000) end",
    "local t = {} while true do pcall(function() t[#t + 1] = buffer:download() end) end",
    "local t = {} for i = 1, 1e9 do t[i] = i end",
    "local t = {} while true do t[#t + 1] = gpumm.struct {{'a' .. #t, 'f32'}} end",
    "local f = {} for i = 1, 1000 do f[i] = {('a'):rep(50) .. i, 'f32'} end local t = {} "
    "while true do pcall(function() t[#t + 1] = gpumm.struct(f) end) end",
    "local t = {} while true do pcall(function() t[#t + 1] = gpumm.type('f32x3') end) end",
    "local m = gpumm.manager {device = 'host'} local t = {} while true do t[#t + 1] = assert(m:allocate('n' .. #t, 'f32', 0)) end",
    "local m = gpumm.manager {device = 'host'} local t = {} while true do "
    "t[#t + 1] = m:buffer {type = 'u8', length = 1, max_length = 16} or error('refused') end",
    "local m = gpumm.manager {device = 'host'} local t = {} while true do "
    "t[#t + 1] = m:group {{'a', 'u8'}, {'b', 'u8'}, max_length = 16} or error('refused') end",
    "local m = gpumm.manager {device = 'host'} local b = m:buffer {type = 'u8', length = 1, max_length = 16} local t = {} "
    "while true do t[#t + 1] = b:readback {} or error('refused') end",
    "local s = 'return ' .. ('{'):rep(100) .. ('1,'):rep(1000000) while true do load(s) end",
};

static void test_memory(const char *script) {
    char text[128];
    lua_State *L = contained((gpumm_lua_sandbox){
        .lua_memory_bytes = 8 << 20, .timeout = 120, .allocator = {.reallocate = count_memory, .user = NULL}});
    push_host(L);
    const char *message = run(L, script);
    bool ended = gpumm_lua_sandbox_ended(L, text);
    if (!ended) fprintf(stderr, "'%s' came to: %s\n", script, message);
    CHECK(ended && strstr(text, "lua-memory 8.0 MiB"));
    must_say(L, "return 1 + 1", "lua-memory 8.0 MiB"); /* and again, for good */
    CHECK(gpumm_lua_sandbox_memory(L) <= (8 << 20) + (256 << 10));
    gpumm_lua_sandbox_close(L);
    CHECK(atomic_load(&live) == 0);
    check_host();
}

/* What the script needs within the limit it gets, and the collector is asked before it ends. */
static void test_garbage(void) {
    lua_State *L = contained(
        (gpumm_lua_sandbox){.lua_memory_bytes = 4 << 20, .allocator = {.reallocate = count_memory, .user = NULL}});
    must_run(L, "for i = 1, 200 do local s = ('x'):rep(1 << 20) .. i assert(#s > 1 << 20) end");
    CHECK(!gpumm_lua_sandbox_ended(L, NULL));
    gpumm_lua_sandbox_close(L);
    CHECK(atomic_load(&live) == 0);
}

/* One call of a library function that asks for too much fails, whatever its loop would go on to do. */
static void test_one_call(void) {
    lua_State *L = contained(
        (gpumm_lua_sandbox){.lua_memory_bytes = 4 << 20, .allocator = {.reallocate = count_memory, .user = NULL}});
    must_say(L, "table.concat(setmetatable({}, {__index = tostring}), ' ', 1, 1 << 23)", "not enough memory");
    must_say(L, "table.concat({}, ' ', 1, 1 << 40)", "at most 16777216 elements");
    must_say(L, "table.move({}, 1, math.maxinteger - 1, 2)", "at most 16777216 elements");
    must_say(L, "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 'x')", "__len");
    must_say(L, "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)", "__len");
    must_say(L, "table.sort(setmetatable({}, {__len = function() return 1 << 30 end}))", "__len");
    must_say(
        L,
        "local t = {} for i = 0, 61 do t[1 << i] = true if i < 61 then t[(1 << i) + 1] = true end end table.insert(t, 1, 'x')",
        "longer than");
    must_run(L, "assert(string.rep('', 1 << 60) == '')");
    must_run(
        L,
        "for i = 1, 3 do assert(not pcall(string.rep, 'x', 1 << 30)) assert(not pcall(gpumm.view, 'u8', 1 << 40)) end");
    gpumm_lua_sandbox_close(L);
    CHECK(atomic_load(&live) == 0);
}

static void test_device_limit(void) {
    lua_State *L = contained((gpumm_lua_sandbox){.limit = 1 << 20});
    must_run(L, "local m <close> = gpumm.manager {device = 'host'} "
                "local b, message, code = m:allocate('a', 'f32', 1 << 20) "
                "assert(b == nil and code == 'OVER_LIMIT', message) "
                "assert(m:allocate('b', 'f32', 1000)) assert(m:free('b'))");
    gpumm_lua_sandbox_close(L);
}

/* ---- Objects ------------------------------------------------------------------------------ */

/* What a script kept from its manager may outlive the state in the application's hands. */
static void test_outlives(void) {
    gpumm_buffer *kept;
    lua_State *L = contained(
        (gpumm_lua_sandbox){.lua_memory_bytes = 8 << 20, .allocator = {.reallocate = count_memory, .user = NULL}});
    must_run(L, "m = gpumm.manager {device = 'host'} b = m:allocate('b', 'f32', 3) b:upload {1, 2, 3}");
    lua_pushglobaltable(L);
    CHECK_OK(gpumm_lua_find_buffer(L, -1, "b", &kept));
    gpumm_lua_sandbox_close(L);
    CHECK(strcmp(gpumm_buffer_name(kept), "b") == 0);
    gpumm_buffer_release(kept);
    CHECK(atomic_load(&live) == 0);
}

static void test_borrowed(void) {
    lua_State *a = contained((gpumm_lua_sandbox){0}), *b = contained((gpumm_lua_sandbox){0});
    push_host(a);
    push_host(b);
    must_run(a, "assert(buffer:download():get(11) == 10)");
    must_say(a, "buffer:free()", "INVALID_ARGUMENT");
    must_say(b, "manager:close()", "INVALID_ARGUMENT");
    must_run(b, "local ok = pcall(manager.free, manager, 'positions') still = manager:get_buffer('positions')");
    gpumm_lua_sandbox_close(a);
    must_run(b, "assert(buffer:download():get(1000) == 999)");
    gpumm_lua_sandbox_close(b);
    check_host();
}

/* 200 states, each ended by a limit in the middle of something: nothing is left of them. */
static void test_many(void) {
    for (int i = 0; i < 200; i++) {
        lua_State *L = contained(
            (gpumm_lua_sandbox){.lua_memory_bytes = 2 << 20, .allocator = {.reallocate = count_memory, .user = NULL}});
        must_say(L, "local t = {} while true do t[#t + 1] = gpumm.view('f32', 100) end", "lua-memory");
        gpumm_lua_sandbox_close(L);
        CHECK(atomic_load(&live) == 0);
    }
}

/* ---- Opening and files ---------------------------------------------------------------------- */

/* Every allocation from the k-th on fails, for every k: a status, and nothing is left. */
static int_least64_t room;

static void *scarce(void *user, void *block, size_t size) {
    if (size > 0 && room-- <= 0) return NULL;
    return count_memory(user, block, size);
}

static void test_scarce(void) {
    bool opened = false;
    for (int k = 0; !opened; k++) {
        lua_State *L;
        const char *folders[] = {"/", NULL};
        gpumm_lua_sandbox options = {.allocator = {.reallocate = scarce, .user = NULL}, .read = folders};
        room = k;
        opened = gpumm_lua_sandbox_open(&options, &L) == GPUMM_OK;
        room = INT64_MAX;
        if (opened) gpumm_lua_sandbox_close(L);
        else CHECK_SAYS("memory");
        CHECK(atomic_load(&live) == 0);
    }
}

static void test_options(void) {
    lua_State *L;
    const char *nowhere[] = {"/nowhere/at/all", NULL};
    gpumm_lua_sandbox options = {.read = nowhere};
    CHECK_STATUS(gpumm_lua_sandbox_open(&options, &L), GPUMM_IO);
    CHECK_SAYS("/nowhere/at/all");
    options = (gpumm_lua_sandbox){.timeout = -1};
    CHECK_STATUS(gpumm_lua_sandbox_open(&options, &L), GPUMM_INVALID_ARGUMENT);
    CHECK_OK(gpumm_lua_sandbox_open(NULL, &L));
    must_say(L, "gpumm.environment('HOME')", "HOME");
    gpumm_lua_sandbox_close(L);
    const char *names[] = {"HOME", NULL};
    L = contained((gpumm_lua_sandbox){.environment = names});
    must_run(L, "gpumm.environment('HOME')");
    must_say(L, "gpumm.environment('PATH')", "not allowed");
    gpumm_lua_sandbox_close(L);
}

static void test_run_file(void) {
    char path[] = "/tmp/gpumm-sandbox-XXXXXX";
    const char text[] = "assert(io == nil and arg[1] == 'x' and ... == 'x') while arg[2] do end";
    const char *arguments[] = {"x", "y"};
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1 && close(fd) == 0);
    gpumm_lua_sandbox sandbox = {.timeout = 0.05};
    gpumm_lua_script script = {.file = path, .arguments = arguments, .argument_count = 2, .sandbox = &sandbox};
    CHECK_STATUS(gpumm_lua_run_file(&script), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("timeout 0.05 seconds");
    script.argument_count = 1;
    sandbox.timeout = 60;
    CHECK_OK(gpumm_lua_run_file(&script));
    unlink(path);
}

int main(void) {
    open_host();
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) test_time(endless[i]);
    test_frames();
    test_stop();
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) test_memory(greedy[i]);
    test_garbage();
    test_one_call();
    test_device_limit();
    test_outlives();
    test_borrowed();
    test_many();
    test_scarce();
    test_options();
    test_run_file();
    check_host();
    close_host();
    return 0;
}
