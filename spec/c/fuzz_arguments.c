/* SPDX-License-Identifier: MIT */
/* Fuzzing the module's handling of arguments: calls at random, with values at random, on whatever earlier calls
   returned, in contained states, one after the other; a buffer of the application's is among the values. Called is
   every function of the module and of its parts, every method of its classes, as they are there: nothing has
   to be listed. What must hold: no crash (sanitizers), nothing left behind a closed state, and the application's
   buffer as it was. */
#include "base/size.h"
#include "base/status.h"
#include "core/element.h"
#include "fuzz.h"

/* The script, in two parts that are one chunk: what there is to choose from, and the choosing. It returns a
   function of the number of calls, whose upvalues keep what was made. */
static const char choices[] =
    "local seed, manager, buffer, names = ...\n"
    "math.randomseed(seed)\n"
    "local random, pool = math.random, { manager, buffer }\n"
    "local function pick(list) return list[random(#list)] end\n"
    "local words = { 'f32', 'u8', 'f32x2', 'f32x3', 'i64', 'f16', 'u64x4', 'position', 'x', 'y', 'from', 'to', '', 'a\\0b',\n"
    "  '4GiB', '1e6', '-1', '12 MiB', 'read', 'write', 'host', 'copy', 'geometric', 'linear', 'list', 'exact', 'wait', 'drop',\n"
    "  ('long'):rep(100), '\\255\\254', 'nan', '/etc/passwd', 'gpumm/picture.cu', 'count', 'default', 'data', '_x', '9', 'name' }\n"
    "local keys = { 'type', 'length', 'name', 'growth', 'max_length', 'ahead', 'slots', 'busy', 'direct', 'stream', 'first',\n"
    "  'count', 'limit', 'device', 'memory', 'granularity', 'workers', 'relocate', 'debug', 'kind', 'factor', 'step', 'list',\n"
    "  'align', 'positions', 'x', 'y', 'from', 'to', 'a', 'threads', 'bytes_per_element', 'growth_factor', 'max_size_bytes',\n"
    "  'min_size_bytes', 'enable_async', 'tag', 'steps', 'every', 'file', 'source' }\n"
    "local numbers = { 0, 1, 2, 3, 4, 7, 8, 10, 100, 1000, 4096, 65536, 1000000, -1, -2, 1 << 31, 1 << 32, 1 << 40, 1 << 61, 1 << 62,\n"
    "  math.maxinteger, math.mininteger, 0.5, 1.5, -0.0, 1e308, 2^53, 2^63, 1/0, -1/0, 0/0, 255, 256, 300 }\n"
    "local g, functions, reached = gpumm, {}, {}\n"
    "local function in_order(t)\n" /* the same seed does the same */
    "  local keys = {}\n"
    "  for key in pairs(t) do if type(key) == 'string' then keys[#keys + 1] = key end end\n"
    "  table.sort(keys)\n"
    "  return keys\n"
    "end\n"
    "local function gather(t)\n"
    "  reached[t] = true\n"
    "  for _, key in ipairs(in_order(t)) do\n"
    "    local v = t[key]\n"
    "    if type(v) == 'function' and key ~= 'run' then functions[#functions + 1] = v end\n" /* it prints its usage */
    "    if type(v) == 'table' and not reached[v] then gather(v) end\n"
    "  end\n"
    "end\n"
    "for _, part in ipairs { 'growth', 'graph', 'force', 'picture', 'page', 'options', 'simulation', 'description' } do\n"
    "  assert(g[part], part)\n"
    "end\n"
    "gather(g)\n"
    "for _, f in ipairs { g.manager, g.view, g.type, g.struct, g.view, g.struct, tostring, setmetatable, load, table.concat,\n"
    "  table.insert, table.move, table.sort, string.rep, next, ipairs, rawlen } do functions[#functions + 1] = f end\n"
    "local kept = g.graph.new(4, { 1, 2, 3 }, { 2, 3, 4 })\n"
    "pool[3] = kept\n"
    "for _, name in ipairs(in_order(getmetatable(kept).__index)) do names[#names + 1] = name end\n"
    "for name in ('x y z w position from to edges nodes open advance conclude close run progress describe statistics'):gmatch '%a+' do\n"
    "  names[#names + 1] = name\n"
    "end\n"
    "local value\n";
static const char choosing[] =
    "local function tables(depth)\n"
    "  local t, shape = {}, random(6)\n"
    "  if shape == 1 then for i = 1, random(0, 5) do t[i] = value(depth - 1) end\n"
    "  elseif shape == 2 then for i = 1, random(0, 20) do t[i] = random(0, 300) end\n"
    "  elseif shape == 3 then for _ = 1, random(0, 4) do t[pick(keys)] = value(depth - 1) end\n"
    "  elseif shape == 4 then for i = 1, random(1, 4) do t[i] = { pick(words), pick(words), value(depth - 1) } end\n"
    "  elseif shape == 5 then t = { type = pick(words), length = pick(numbers), growth = value(depth - 1) }\n"
    "  else for i = 0, 61 do t[1 << i] = 1 << i t[(1 << i) + 1] = (1 << i) + 1 end end\n"
    "  if random(8) == 1 then setmetatable(t, { __index = function() return value(0) end, __len = function() return pick(numbers) end,\n"
    "    __pairs = function() return next, {} end, __tostring = function() return value(0) end, __name = 'gpumm.buffer' }) end\n"
    "  return t\n"
    "end\n"
    "local function call(f, ...) return f(...) end\n"
    "local function arguments(n)\n"
    "  local list = {}\n"
    "  for i = 1, n do list[i] = value(2) end\n"
    "  return table.unpack(list, 1, n)\n"
    "end\n"
    "local act\n"
    "function value(depth)\n"
    "  local kind = random(12)\n"
    "  if kind <= 4 and #pool > 0 then return pick(pool) end\n"
    "  if kind <= 6 then return pick(numbers) end\n"
    "  if kind <= 8 then return pick(words) end\n"
    "  if kind == 9 then return random(2) == 1 end\n"
    "  if kind == 10 then return nil end\n"
    "  if kind == 11 and depth > 0 then return tables(depth) end\n"
    "  if depth > 0 and random(3) == 1 then return function() for _ = 1, 2 do act(0) end return value(0) end end\n"
    "  return random(0, 20)\n"
    "end\n"
    "local function keep(ok, first, second)\n"
    "  if not ok then return end\n"
    "  for _, v in ipairs { first or false, second or false } do\n"
    "    if type(v) == 'userdata' or type(v) == 'table' and getmetatable(v) then\n"
    "      if #pool < 40 then pool[#pool + 1] = v else pool[random(4, 40)] = v end\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local function simulation()\n"
    "  local t = { b = g.buffer { type = 'f32', length = 3 }, n = g.group { { 'x', 'f32x2' }, growth = pick { 1.3, 2, value(1) } },\n"
    "    steps = random(0, 4), device = 'host', in_flight = random(1, 3), step = function() act(0) end,\n"
    "    w = g.readback { pick { 'b', 'n.x' }, slots = random(2, 4), busy = pick { 'wait', 'drop' } } }\n"
    "  for _, name in ipairs { 'init', 'frame', 'finish', 'limit', pick(keys) } do\n"
    "    if random(3) == 1 then t[name] = random(2) == 1 and function() return act(0) end or value(2) end\n"
    "  end\n"
    "  return g.simulation(t)\n"
    "end\n"
    "local nested = 0\n"
    "function act()\n"
    "  if nested > 3 then return end\n"
    "  nested = nested + 1\n"
    "  local what = random(10)\n"
    "  if random(20) == 1 then keep(pcall(simulation)) end\n"
    "  if what <= 2 then keep(pcall(call, pick(functions), arguments(random(0, 4))))\n"
    "  elseif what <= 4 then local t, n = value(2), random(1 << 12)\n"
    "    keep(pcall(g.manager, { device = 'host', limit = 1 << 20, debug = random(2) == 1, relocate = random(2) == 1 }))\n"
    "    keep(pcall(manager.buffer, pick(pool), { type = pick(words), length = n, growth = t }))\n"
    "  else\n"
    "    local object, name = random(4) == 1 and value(2) or pick(pool), pick(names)\n"
    "    keep(pcall(function(...)\n"
    "      local method = object[name]\n"
    "      if random(6) == 1 then object[value(1)] = value(1) end\n"
    "      if type(method) ~= 'function' then return method end\n"
    "      if random(6) == 1 then return method(...) end\n"
    "      return method(object, ...)\n"
    "    end, arguments(random(0, 4))))\n"
    "    if random(10) == 1 then pcall(function() return #object, tostring(object), object == value(1), object() end) end\n"
    "  end\n"
    "  nested = nested - 1\n"
    "end\n"
    "return function(calls) for _ = 1, calls do nested = 0 act() end return #pool end\n";

enum { CALLS = 500, ROUNDS = 8, ELEMENTS = 64 };

static gpumm_manager *manager;
static gpumm_buffer *buffer;

static void open_host(void) {
    gpumm_type *type;
    gpumm_options options = {.device = "host", .limit = 64 << 20, .debug = true};
    CHECK_OK(gpumm_manager_open(&options, &manager));
    CHECK_OK(gpumm_type_parse("u8", &type));
    gpumm_buffer_options wanted = {.name = "kept", .type = type, .length = ELEMENTS};
    CHECK_OK(gpumm_manager_allocate(manager, &wanted, &buffer));
    gpumm_type_release(type);
}

/* What scripts wrote in it is theirs to write; it is there, whole, and grows. */
static void check_host(void) {
    unsigned char bytes[ELEMENTS], back[ELEMENTS];
    memset(bytes, 0xa5, sizeof bytes);
    CHECK_OK(gpumm_manager_check(manager));
    gpumm_status status = gpumm_buffer_resize(buffer, NULL, ELEMENTS);
    if (status != GPUMM_OK) fprintf(stderr, "%s\n", gpumm_message());
    CHECK(status == GPUMM_OK);
    CHECK_OK(gpumm_buffer_upload(buffer, NULL, 0, ELEMENTS, bytes));
    CHECK_OK(gpumm_buffer_download(buffer, NULL, 0, ELEMENTS, back));
    CHECK(memcmp(bytes, back, ELEMENTS) == 0);
}

static void add_names(lua_State *L, int list) { /* the keys of the table on top, which it pops */
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
    }
    lua_pop(L, 1);
}

static int by_text(lua_State *L) { /* of a sort, so that the same seed does the same */
    lua_pushboolean(L, strcmp(lua_tostring(L, 1), lua_tostring(L, 2)) < 0);
    return 1;
}

/* The metatable on top, of one of our classes, has functions of ours as __index: their upvalues are its tables. */
static void add_class(lua_State *L, int list) {
    lua_getfield(L, -1, "__index");
    for (int i = 1; i <= 3 && lua_iscfunction(L, -1) && lua_getupvalue(L, -1, i); i++) {
        if (lua_istable(L, -1)) add_names(L, list);
        else lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Every method and property there is. */
static void push_every_name(lua_State *L) {
    lua_newtable(L);
    int list = lua_gettop(L);
    lua_pushvalue(L, LUA_REGISTRYINDEX);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        bool ours = lua_type(L, -2) == LUA_TSTRING && strncmp(lua_tostring(L, -2), "gpumm.", 6) == 0;
        if (ours && lua_istable(L, -1)) add_class(L, list);
    }
    lua_pop(L, 1);
    CHECK(lua_rawlen(L, -1) > 100);
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, list);
    lua_pushcfunction(L, by_text);
    lua_call(L, 2, 0);
    lua_pop(L, 1);
}

/* What a script made in the application's manager goes before the next. */
static void clear_host(void) {
    char name[256];
    for (size_t i = 0; gpumm_manager_name(manager, i, name, sizeof name) == GPUMM_OK;) {
        if (strcmp(name, "kept") == 0) i++;
        else CHECK_OK(gpumm_manager_free(manager, name));
    }
}

static unsigned long one_state(fuzz *f) {
    unsigned long calls = 0;
    char script[sizeof choices + sizeof choosing];
    snprintf(script, sizeof script, "%s%s", choices, choosing);
    lua_State *L = fuzz_open((gpumm_lua_sandbox){.limit = 64 << 20, .timeout = 20});
    lua_pushinteger(L, (lua_Integer)fuzz_next(f));
    gpumm_lua_push_manager(L, manager, GPUMM_LUA_SHARE_BORROW);
    gpumm_lua_push_buffer(L, buffer, GPUMM_LUA_SHARE_BORROW);
    push_every_name(L);
    fuzz_run(L, script, 4, 1);
    for (int i = 0; i < ROUNDS && gpumm__clock_seconds() < f->until; i++) {
        lua_pushvalue(L, 1);
        lua_pushinteger(L, CALLS);
        if (lua_pcall(L, 1, 0, 0) != LUA_OK) break; /* a limit */
        calls += CALLS;
    }
    char ended[128] = "";
    if (!gpumm_lua_sandbox_ended(L, ended) && lua_gettop(L) > 1) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(lua_gettop(L) == 1 || ended[0]);
    fuzz_close(L);
    return calls;
}

int main(int argc, char **argv) {
    fuzz f = fuzz_begin(argc, argv);
    unsigned long calls = 0, states = 0;
    open_host();
    for (; gpumm__clock_seconds() < f.until; states++) {
        calls += one_state(&f);
        clear_host();
        check_host();
    }
    gpumm_buffer_release(buffer);
    CHECK_OK(gpumm_manager_free(manager, "kept"));
    gpumm_manager_close(manager);
    gpumm_manager_release(manager);
    printf("%lu calls in %lu states\n", calls, states);
    CHECK(calls > 0);
    return 0;
}
