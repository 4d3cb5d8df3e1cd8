/* SPDX-License-Identifier: MIT */
/* Several Lua states in one process, each with managers of its own and one of the application's that they share: by
   turns, at once on threads of their own, and closed while captures are pending and workers are busy. Whatever
   a state leaves is known by the fault device, the number of threads and the allocator of its Lua. */
#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>

#include "base/thread.h"
#include "check.h"
#include "gpumm_lua.h"

#ifdef __SANITIZE_THREAD__
/* States on several threads load and unload kernels. The loader has a lock for that, which the sanitizer cannot
   see: it takes what one thread frees there after another made it for a race. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:_dl_close_worker\nrace:_dl_map_object\nrace:dl_open_worker\n";
}
#endif

/* ---- States --------------------------------------------------------------------------------- */

typedef struct state {
    lua_State *L;
    size_t live; /* bytes of its Lua */
} state;

static void *counting_alloc(void *user, void *block, size_t old, size_t new) {
    state *s = user;
    s->live += new - (block ? old : 0);
    if (new) return realloc(block, new);
    free(block);
    return NULL;
}

static void state_open(state *s) {
    s->live = 0;
    s->L = lua_newstate(counting_alloc, s);
    CHECK(s->L);
    luaL_openlibs(s->L);
    gpumm_lua_open(s->L);
    lua_setglobal(s->L, "gpumm");
}

static void state_close(state *s) {
    lua_close(s->L);
    CHECK(s->live == 0);
}

/* Runs a chunk; what went wrong ends the test. */
static void run(state *s, const char *chunk) {
    if (luaL_dostring(s->L, chunk) == LUA_OK) {
        lua_settop(s->L, 0);
        return;
    }
    fprintf(stderr, "%s\n", lua_tostring(s->L, -1));
    CHECK(!"the chunk runs");
}

static int count_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* A thread that was joined may be in the list of tasks for a moment still. */
static void check_threads(int wanted) {
    for (int tries = 0; tries < 2000 && count_threads() != wanted; tries++) gpumm__clock_sleep_ns(1000000);
    CHECK(count_threads() == wanted);
}

/* ---- What they run ---------------------------------------------------------------------------- */

static const char prepare[] = "m = assert(gpumm.manager { device = 'host', workers = 2, debug = true })\n"
                              "other = assert(gpumm.manager { device = 'host', workers = 1 })\n"
                              "add = assert(m:kernel { source = [[\n"
                              "  extern \"C\" __global__ void add(int n, unsigned *v, unsigned more) {\n"
                              "    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) v[i] += more; }]] })\n"
                              "b = assert(m:allocate('numbers', 'u32', 10000))\n"
                              "c = assert(other:allocate('numbers', 'u32', 10000))\n"
                              "rb = assert(b:readback { slots = 3 })\n"
                              "total = 0\n";

/* One step of a state: `more` is its own number. */
static const char step[] =
    "for i = 1, 10 do\n"
    "  assert(add(10000, b, more)); total = total + more\n"
    "  assert(rb:capture(i))\n"
    "  assert(add(10000, b, more))\n"
    "  local f = assert(rb:wait())\n"
    "  assert(f.step == i and f.data[1] == total and f.data[10000] == total)\n"
    "  total = total + more\n"
    "  assert(c:fill(total))\n"
    "end\n"
    "assert(c:download()[10000] == total and b:download()[5000] == total)\n"
    "assert(#m:names() == 1 and m:get_buffer('numbers') == b and other:get_buffer('numbers') == c)\n";

static const char finish[] = "assert(m:free 'numbers' and other:free 'numbers')\n"
                             "rb:close()\n"
                             "assert(m:check() and m:stats().used_bytes == 0 and other:stats().used_bytes == 0)\n";

static void set_more(state *s, int more) {
    lua_pushinteger(s->L, more);
    lua_setglobal(s->L, "more");
}

/* ---- By turns --------------------------------------------------------------------------------- */

static void test_by_turns(void) {
    state s[2];
    int threads = count_threads();
    for (int i = 0; i < 2; i++) {
        state_open(&s[i]);
        set_more(&s[i], 3 + 4 * i);
        run(&s[i], prepare);
    }
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < 2; i++) run(&s[i], step);
    run(&s[0], finish);
    state_close(&s[0]);
    run(&s[1], step); /* goes on without the other */
    run(&s[1], finish);
    state_close(&s[1]);
    check_threads(threads);
}

/* ---- At once ---------------------------------------------------------------------------------- */

static void *live_on_a_thread(void *argument) {
    state s;
    state_open(&s);
    set_more(&s, *(int *)argument);
    run(&s, prepare);
    for (int round = 0; round < 5; round++) run(&s, step);
    run(&s, finish);
    state_close(&s);
    return NULL;
}

static void test_at_once(void) {
    enum { STATES = 4 };
    pthread_t thread[STATES];
    int more[STATES], threads = count_threads();
    for (int i = 0; i < STATES; i++) {
        more[i] = 1 + 2 * i;
        CHECK(pthread_create(&thread[i], NULL, live_on_a_thread, &more[i]) == 0);
    }
    for (int i = 0; i < STATES; i++) CHECK(pthread_join(thread[i], NULL) == 0);
    check_threads(threads);
}

/* ---- The application's manager, in two states at once ------------------------------------------------- */

typedef struct guest {
    gpumm_manager *manager;
    gpumm_buffer *buffer;
    const char *name;
} guest;

static const char visit[] = "assert(#shared == 1000)\n"
                            "local mine = assert(theirs:allocate(name, 'u32', 500))\n"
                            "local rb = assert(mine:readback {})\n"
                            "for i = 1, 100 do\n"
                            "  assert(mine:fill(i))\n"
                            "  assert(rb:capture(i))\n"
                            "  local f = assert(rb:wait())\n"
                            "  assert(f.data[1] == i and f.data[500] == i)\n"
                            "  assert(shared:download()[1000] == 77)\n"
                            "end\n"
                            "assert(theirs:get_buffer(name, 'u32') == mine)\n"
                            "local ok, message = pcall(theirs.close, theirs)\n"
                            "assert(not ok and message:find 'application')\n"
                            "assert(not pcall(shared.free, shared) and shared:download()[1] == 77)\n"
                            "assert(theirs:free(name))\n"
                            "rb:close()\n";

static void *visit_on_a_thread(void *argument) {
    guest *g = argument;
    state s;
    state_open(&s);
    gpumm_lua_push_manager(s.L, g->manager, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(s.L, "theirs");
    gpumm_lua_push_buffer(s.L, g->buffer, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(s.L, "shared");
    lua_pushstring(s.L, g->name);
    lua_setglobal(s.L, "name");
    run(&s, visit);
    state_close(&s);
    return NULL;
}

static gpumm_buffer *open_shared(gpumm_manager *m) {
    gpumm_type *type;
    gpumm_buffer *buffer;
    CHECK_OK(gpumm_type_parse("u32", &type));
    gpumm_buffer_options options = {.name = "shared", .type = type, .length = 1000};
    CHECK_OK(gpumm_manager_allocate(m, &options, &buffer));
    gpumm_type_release(type);
    uint32_t value = 77;
    CHECK_OK(gpumm_buffer_fill(buffer, NULL, 0, 1000, &value));
    return buffer;
}

static void check_nothing_lives(gpumm_manager *m) {
    gpumm_live live;
    gpumm_stats stats;
    CHECK_OK(gpumm_fault_get_live(m, &live));
    CHECK(live.committed_bytes == 0 && live.reserved_bytes == 0 && live.ranges == 0 && live.blocks == 0);
    CHECK(live.streams == 0 && live.events == 0 && live.modules == 0);
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.used_bytes == 0 && stats.committed_bytes == 0);
}

static void test_shared_manager(void) {
    int threads = count_threads();
    gpumm_manager *m;
    pthread_t thread[3];
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true, .workers = 1}, &m));
    gpumm_buffer *shared = open_shared(m);
    guest guests[3] = {{m, shared, "first"}, {m, shared, "second"}, {m, shared, "third"}};
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&thread[i], NULL, visit_on_a_thread, &guests[i]) == 0);
    for (int i = 0; i < 3; i++) CHECK(pthread_join(thread[i], NULL) == 0);
    CHECK(!gpumm_manager_is_closed(m));
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.buffer_count == 1 && stats.async_transfer_count == 300 && stats.allocation_count == 4);
    CHECK(gpumm_manager_leaks(m, NULL, NULL) == 1); /* ours alone */
    CHECK_OK(gpumm_buffer_close(shared));
    gpumm_buffer_release(shared);
    gpumm_manager_close(m);
    check_nothing_lives(m);
    gpumm_manager_release(m);
    check_threads(threads);
}

/* ---- Closed in the midst of things -------------------------------------------------------------- */

/* Work for a while on both workers, captures behind it, growth ahead on the worker, a coroutine that awaits, and
   nothing that anybody closes. The table with a finaliser is collected last, and uses what is gone by then. */
static const char leave[] =
    "local m = assert(gpumm.manager { device = 'host', workers = 2 })\n"
    "late = setmetatable({}, { __gc = function(t)\n"
    "  pcall(function() t.b:fill(1) end); pcall(function() return t.f.data[1] end); pcall(t.m.stats, t.m) end })\n"
    "local slow = assert(m:kernel { source = [[\n"
    "  extern \"C\" __global__ void slow(int n, unsigned *v) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return;\n"
    "    long long start = clock64(); while (clock64() - start < 30000000) v[i]++; }]], block = 1 })\n"
    "b = assert(m:buffer { type = 'u32', length = 1000, ahead = 3, max_length = 50000000 })\n"
    "local g = assert(m:group { { 'a', 'f32' }, { 'b', 'f64' }, length = 1000, ahead = 2 })\n"
    "side = assert(m:stream())\n"
    "rb, grb = assert(b:readback { slots = 4 }), assert(g:readback { slots = 3 })\n"
    "assert(rb:capture(1)); late.f = assert(rb:wait()):keep(); late.b, late.m = b, m\n"
    "for i = 1, 3 do\n"
    "  assert(slow(2, b)); assert(rb:capture(i)); assert(g.a:fill(i, { stream = side })); assert(grb:capture(i))\n"
    "end\n"
    "co = coroutine.wrap(function() return rb:await() end)\n"
    "assert(co() == rb)\n"
    "assert(b:resize(200000)); assert(g:resize(50000))\n"
    "assert(b:copy(b, { first = 100001, count = 10, stream = side }))\n"
    "view = late.f.data\n";

static void test_closed_while_busy(void) {
    int threads = count_threads();
    for (int round = 0; round < 8; round++) {
        state s;
        state_open(&s);
        run(&s, leave);
        state_close(&s);
        check_threads(threads);
    }
}

/* The same with the application's manager: what the state had of it goes, the manager stays and works. */
static const char leave_theirs[] = "local b = assert(theirs:buffer { type = 'u32', length = 100000 })\n"
                                   "local rb = assert(b:readback { slots = 4 })\n"
                                   "for i = 1, 3 do assert(b:fill(i)); assert(rb:capture(i)) end\n"
                                   "kept = assert(rb:wait(1)):keep()\n"
                                   "scratch = assert(theirs:scratch('f32', 1000))\n"
                                   "e = theirs:main():record()\n";

static void test_leaves_the_host(void) {
    gpumm_manager *m;
    int threads = count_threads();
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true, .workers = 1}, &m));
    for (int round = 0; round < 8; round++) {
        state s;
        state_open(&s);
        gpumm_lua_push_manager(s.L, m, GPUMM_LUA_SHARE_BORROW);
        lua_setglobal(s.L, "theirs");
        run(&s, leave_theirs);
        state_close(&s);
        gpumm_stats stats;
        gpumm_manager_get_stats(m, &stats);
        CHECK(stats.used_bytes == 0 && stats.buffer_count == 0);
    }
    gpumm_buffer *shared = open_shared(m);
    uint32_t last = 0;
    CHECK_OK(gpumm_buffer_download(shared, NULL, 999, 1, &last));
    CHECK(last == 77);
    CHECK_OK(gpumm_manager_check(m));
    CHECK_OK(gpumm_buffer_close(shared));
    gpumm_buffer_release(shared);
    gpumm_manager_close(m);
    check_nothing_lives(m);
    gpumm_manager_release(m);
    check_threads(threads);
}

/* ---- Budgets and devices are a state's own ------------------------------------------------------- */

static void test_budgets(void) {
    state a, b;
    state_open(&a);
    state_open(&b);
    gpumm_lua_set_limit(a.L, 1 << 20);
    gpumm_lua_set_device(b.L, "host");
    static const char take[] =
        "m1 = assert(gpumm.manager { device = 'host' }); m2 = assert(gpumm.manager { device = 'host' })\n"
        "x = assert(m1:buffer { type = 'u8', length = 700000 })\n"
        "y, message, code = m2:buffer { type = 'u8', length = 700000 }\n";
    run(&a, take);
    run(&b, take);
    run(&a, "assert(y == nil and code == 'OVER_LIMIT', message); x:free()\n"
            "assert(m2:buffer { type = 'u8', length = 700000 })");
    run(&b, "assert(y and #y == 700000); assert(gpumm.manager { device = 'cuda' }:device().kind == 'host')");
    CHECK(gpumm_budget_used(gpumm_lua_budget(b.L)) >= 1400000);
    state_close(&a);
    state_close(&b);
}

static void *do_nothing(void *argument) { return argument; }

/* A sanitizer starts a thread of its own beside the first one: before anybody counts. */
static void start_one_thread(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    start_one_thread();
    test_by_turns();
    test_at_once();
    test_shared_manager();
    test_closed_while_busy();
    test_leaves_the_host();
    test_budgets();
    return 0;
}
