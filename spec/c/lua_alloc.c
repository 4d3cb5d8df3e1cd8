/* SPDX-License-Identifier: MIT */
/* An application whose lua_Alloc fails: every allocation from the k-th on, for every k, and once more where memory comes
   back after a while. No crash, nothing of Lua's or gpumm's left behind, no thread, and the application's own manager is
   as it was. Then a thousand states, opened and closed. */
#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/thread.h"
#include "check.h"
#include "gpumm_lua.h"

#ifdef __SANITIZE_THREAD__ /* which looks at something else, and takes its time */
enum { STRIDE = 31, STATES = 100 };
#elif defined __SANITIZE_ADDRESS__ /* which sees the first leak */
enum { STRIDE = 1, STATES = 100 };
#else
enum { STRIDE = 1, STATES = 1000 };
#endif
enum { WIDE_STRIDE = 9 }; /* where most allocations are those of compiling our own Lua files */

/* ---- Memory that runs out -------------------------------------------------------------------- */

typedef struct heap {
    size_t live;          /* bytes */
    uint64_t calls;       /* for new or more memory */
    uint64_t first, last; /* calls that fail, from 1; 0: none */
} heap;

static void *heap_alloc(void *user, void *block, size_t old, size_t new) {
    heap *h = user;
    if (!block) old = 0;
    if (new > old && ++h->calls >= h->first && h->calls <= h->last && h->first) return NULL;
    if (new == 0) free(block);
    void *fresh = new == 0 ? NULL : realloc(block, new);
    if (new == 0 || fresh) h->live += new - old;
    return fresh;
}

/* What a manager of the application's takes by its own allocator. */
static void *count_alloc(void *user, void *block, size_t size) {
    long *blocks = user;
    if (!block && size) __atomic_add_fetch(blocks, 1, __ATOMIC_RELAXED);
    if (block && !size) __atomic_sub_fetch(blocks, 1, __ATOMIC_RELAXED);
    if (size) return realloc(block, size);
    free(block);
    return NULL;
}

static int count_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    while (readdir(tasks)) count++;
    closedir(tasks);
    return count;
}

/* A thread that was joined may be in the list of tasks for a moment still. */
static void check_threads(int wanted) {
    for (int tries = 0; tries < 2000 && count_threads() != wanted; tries++) gpumm__clock_sleep_ns(1000000);
    CHECK(count_threads() == wanted);
}

/* ---- The application -------------------------------------------------------------------------------- */

typedef struct host {
    const char *script;
    gpumm_manager *manager;
    gpumm_buffer *buffer;
    gpumm_readback *readback;
    long blocks; /* of its own memory */
    int threads;
    gpumm_stats stats;
    gpumm_live live;
} host;

/* Everything that has a handle or a reference in C, and what holds on to it: some of it garbage by the time it
   fails, some alive when the state closes, some finalised by the script's own finalisers. */
static const char script[] =
    "local gpumm, theirs, buffer, readback = ...\n"
    "local kept = setmetatable({}, { __gc = function(t) if t.b then pcall(function() return #t.b end) end end })\n"
    "local m = assert(gpumm.manager { device = 'host', workers = 1 })\n"
    "kept.b = m:buffer { type = 'f32x3', length = 100 }\n"
    "for i = 1, 12 do\n"
    "  local b = theirs:buffer { type = gpumm.struct { { 'x', 'f32' }, { 'y', 'f32' } }, length = i }\n"
    "  b:fill { x = i, y = 2 }\n"
    "  local v = b:download()\n"
    "  assert(v.x[i] == i and #v == i)\n"
    "end\n"
    "local g = m:group { { 'a', 'f32' }, { 'b', 'u8' }, growth = function(r) return r.required + 5 end }\n"
    "g:append { a = { 1, 2, 3 }, b = '\\1\\2\\3' }\n"
    "local rb = g:readback { slots = 2 }\n"
    "local frame = rb:wait(rb:capture(1))\n"
    "assert(frame.a[2] == 2 and frame.b[3] == 3)\n"
    "local kept_view = frame:keep().a\n"
    "local s <close> = m:stream()\n"
    "local e = s:record(); s:wait(e); assert(e:wait())\n"
    "local scratch <close> = m:scratch('f32', 16)\n"
    "buffer:upload { 1, 2, 3, 4 }\n"
    "local late = readback:wait(readback:capture(7))\n"
    "assert(late.step == 7 and late.data[4] == 4)\n"
    "assert(m:allocate('named', 'u32', 10)); m:free('named')\n"
    "assert(#m:blocks() > 0 and m:stats().buffer_count == 3)\n"
    "kept.late = late\n";

/* The same by simulations, in the application's manager and in one of their own: kernels, streams, frames that are kept,
   callbacks that fail for memory in the midst of everything; and what beside them takes memory of both kinds. */
static const char wide_script[] =
    "local gpumm, theirs, buffer, readback = ...\n"
    "local kept, seen = {}, 0\n"
    "local sim = gpumm.simulation {\n"
    "  nodes = gpumm.group { { 'p', 'f32x2' }, { 'm', 'f32' }, ahead = 1, growth = function(r) return r.required * 2 end },\n"
    "  flags = gpumm.buffer { type = gpumm.struct { { 'a', 'u32' }, { 'b', 'f32' } }, length = 4 },\n"
    "  twice = gpumm.kernel { threads = 'n', source = [[extern \"C\" __global__ void twice(int n, float *v) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) v[i] *= 2; }]] },\n"
    "  side = gpumm.stream(), watch = gpumm.readback { 'nodes.p', 'nodes.m', slots = 3 },\n"
    "  other = gpumm.readback { 'flags', every = 2, busy = 'drop' }, steps = 4,\n"
    "  step = function(sim, i)\n"
    "    sim.nodes:append { p = { { i, -i } }, m = { i } }\n"
    "    sim.twice { n = #sim.nodes, v = sim.nodes.m }\n"
    "    sim.flags:fill({ a = i, b = 0.5 }, nil, nil, { stream = sim.side })\n"
    "  end,\n"
    "  frame = function(sim, f, key) seen = seen + 1; if key == 'other' then kept[#kept + 1] = f:keep().data.a end end,\n"
    "  finish = function(sim, last) return last.m[1] .. ' ' .. last.p:get(4) .. ' ' .. #sim.nodes end,\n"
    "}\n"
    "assert(sim:run { manager = theirs } == '16.0 4.0 4')\n"
    "assert(sim:run { device = 'host', limit = '1MiB' } == '16.0 4.0 4' and seen >= 8)\n"
    "assert(sim:statistics().buffer_count == 3 and #sim:describe() > 100)\n"
    "local m <close> = assert(gpumm.manager { device = 'host' })\n"
    "local n = assert(m:allocate('n', 'f32', 8, gpumm.config.for_positions()))\n"
    "assert(m:start_async_download 'n'); assert(#m:wait_for_download 'n' == 8)\n"
    "local rb = n:readback { slots = 2 }\n"
    "local co = coroutine.wrap(function() rb:capture(1); return rb:await().data:copy() end)\n"
    "local v = co(); while v == rb do v = co() end\n"
    "assert(#v.bytes(v) == 32 and #n:download():totable() == 8)\n"
    "assert(m:free 'n')\n"
    "for part in gpumm.graph.new(4, { 1, 2, 3 }, { 2, 3, 4 }):batches(2) do assert(part) end\n"
    "assert(gpumm.options({ '--steps', '7' }, { steps = 1 }).steps == 7)\n";

static void silent(void *user, gpumm_log_level level, const char *line) { (void)user, (void)level, (void)line; }

static int protected_main(lua_State *L) {
    host *h = lua_touserdata(L, 1);
    luaL_openlibs(L);
    gpumm_lua_open_layout(L);
    gpumm_lua_set_log(L, silent, NULL);
    CHECK(luaL_loadbufferx(L, h->script, strlen(h->script), "=script", "t") == LUA_OK || (lua_error(L), 0));
    lua_insert(L, -2);
    gpumm_lua_push_manager(L, h->manager, GPUMM_LUA_SHARE_BORROW);
    gpumm_lua_push_buffer(L, h->buffer, GPUMM_LUA_SHARE_BORROW);
    gpumm_lua_push_readback(L, h->readback, GPUMM_LUA_SHARE_BORROW);
    lua_call(L, 4, 0);
    return 0;
}

static void gpumm__host_open(host *h) {
    gpumm_type *f32;
    memset(h, 0, sizeof *h);
    h->script = script;
    gpumm_options options = {.device = "host",
                             .workers = 1,
                             .inject_faults = true,
                             .log = silent,
                             .allocator = {.reallocate = count_alloc, .user = &h->blocks}};
    CHECK_OK(gpumm_manager_open(&options, &h->manager));
    CHECK_OK(gpumm_type_parse("f32", &f32));
    gpumm_buffer_options buffer = {.name = "theirs", .type = f32, .length = 4};
    CHECK_OK(gpumm_manager_allocate(h->manager, &buffer, &h->buffer));
    gpumm_type_release(f32);
    gpumm_readback_options readback = {.buffers = &h->buffer, .buffer_count = 1};
    CHECK_OK(gpumm_readback_open(&readback, &h->readback));
}

static void host_settle(host *h, gpumm_stats *stats, gpumm_live *live) {
    CHECK_OK(gpumm_manager_synchronize(h->manager));
    CHECK_OK(gpumm_manager_trim(h->manager, NULL));
    gpumm_manager_get_stats(h->manager, stats);
    CHECK_OK(gpumm_fault_get_live(h->manager, live));
}

/* Snapshots that a script captured and never took leave their slots, and what it made by name is freed. */
static void drain(host *h) {
    gpumm_frame *frame;
    if (gpumm_manager_free(h->manager, "flags") != GPUMM_OK) CHECK_SAYS("flags");
    CHECK_OK(gpumm_manager_synchronize(h->manager));
    CHECK_OK(gpumm_readback_latest(h->readback, &frame));
    gpumm_frame_release(frame);
}

/* One state's whole life, with the allocations from `first` to `last` failing; true: the script came to its end. */
static bool live_through(host *h, heap *lua, uint64_t first, uint64_t last) {
    *lua = (heap){.first = first, .last = last};
    lua_State *L = lua_newstate(heap_alloc, lua);
    if (!L) {
        CHECK(lua->live == 0);
        return false;
    }
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, h);
    int outcome = lua_pcall(L, 1, 0, 0);
    if (outcome != LUA_OK && outcome != LUA_ERRMEM) {
        fprintf(stderr, "allocations %llu to %llu fail: %s\n", (unsigned long long)first, (unsigned long long)last,
                lua_tostring(L, -1));
        CHECK(!"a failure for memory is one for memory");
    }
    lua_settop(L, 0);
    lua_close(L);
    CHECK(lua->live == 0);
    drain(h);
    return outcome == LUA_OK;
}

/* The application's manager is as it was at the beginning, and no thread is left. */
static void check_untouched(host *h) {
    gpumm_stats stats;
    gpumm_live live;
    check_threads(h->threads);
    host_settle(h, &stats, &live);
    CHECK(stats.used_bytes == h->stats.used_bytes && stats.buffer_count == h->stats.buffer_count);
    CHECK(live.streams == h->live.streams && live.modules == h->live.modules);
    CHECK(live.committed_bytes == h->live.committed_bytes && live.ranges == h->live.ranges);
    CHECK_OK(gpumm_manager_check(h->manager));
}

static void host_close(host *h) {
    gpumm_live live;
    CHECK_OK(gpumm_buffer_close(h->buffer));
    gpumm_readback_release(h->readback);
    gpumm_buffer_release(h->buffer);
    gpumm_manager_close(h->manager);
    CHECK_OK(gpumm_fault_get_live(h->manager, &live));
    CHECK(live.committed_bytes == 0 && live.streams == 0 && live.events == 0 && live.blocks == 0);
    gpumm_manager_release(h->manager);
    CHECK(h->blocks == 0);
}

/* ---- The tests ------------------------------------------------------------------------------- */

static uint64_t baseline(host *h, heap *lua) {
    CHECK(live_through(h, lua, 0, 0)); /* what is opened at first use is, from here on */
    uint64_t calls = lua->calls;
    h->threads = count_threads();
    host_settle(h, &h->stats, &h->live);
    return calls;
}

static void test_every_allocation(host *h, heap *lua, uint64_t calls, uint64_t stride) {
    uint64_t k = 1, rounds = 0;
    for (; !live_through(h, lua, k, UINT64_MAX); k += stride)
        if (rounds++ % 16 == 0) check_untouched(h);
    check_untouched(h);
    CHECK(k > calls / 2); /* the last allocations are those of garbage's size, which varies a little */
    printf("%llu of %llu allocations failed, with all after them\n", (unsigned long long)rounds,
           (unsigned long long)calls);
}

static void test_memory_comes_back(host *h, heap *lua, uint64_t calls, uint64_t stride) {
    uint64_t rounds = 0;
    for (uint64_t k = 1; k <= calls; k += 7 * stride) {
        live_through(h, lua, k, k + 40);
        if (rounds++ % 16 == 0) check_untouched(h);
    }
    check_untouched(h);
}

static void test_thousand_states(host *h, heap *lua) {
    for (int i = 0; i < STATES; i++) {
        CHECK(live_through(h, lua, 0, 0));
        check_threads(h->threads);
    }
    check_untouched(h);
}

int main(void) {
    host h;
    heap lua;
    gpumm__host_open(&h);
    uint64_t calls = baseline(&h, &lua);
    test_every_allocation(&h, &lua, calls, STRIDE);
    test_memory_comes_back(&h, &lua, calls, STRIDE);
    test_thousand_states(&h, &lua);
    h.script = wide_script;
    calls = baseline(&h, &lua);
    test_every_allocation(&h, &lua, calls, WIDE_STRIDE * STRIDE);
    test_memory_comes_back(&h, &lua, calls, WIDE_STRIDE * STRIDE);
    host_close(&h);
    return 0;
}
