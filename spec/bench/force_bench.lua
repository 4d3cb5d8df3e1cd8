-- SPDX-License-Identifier: MIT
-- Times and qualities of the force library, as lines of text:
--
--     gpumm-run spec/bench/force_bench.lua [--debian FILE] [--graphs FOLDER] [--side 1000] [--largest 1e6] [--steps 300]
--                                         [--device auto] [--made 0]
--
-- FILE is what scripts/debian-graph.sh wrote (or the environment's GPUMM_DEBIAN), FOLDER has what force_graphs.py writes. Context
-- and compilation are done before the clock starts: small layouts run first, and what is compiled is kept for the next run.
-- --side 0 and --largest 0 leave those parts out. --made 5e7 is a ring of so many nodes with a chord each, made on the device.

local gpumm = require "gpumm"
local force = gpumm.force

local opt = gpumm.options(arg, { debian = os.getenv("GPUMM_DEBIAN") or "", graphs = "", side = 1000, largest = 1000000,
    steps = 300, device = "auto", model = "tforce", made = 0 })

local m <close> = assert(gpumm.manager { device = opt.device })
m:raising(true)

-- Seconds since the first call, by an event of the device: it waits for what is enqueued.
local first
local function now()
    local event = m:main():record()
    event:wait()
    first = first or event
    return first:elapsed(event)
end

local function buffer(type, length) return m:buffer { type = type, length = math.max(1, length) } end

local function upload(type, values)
    local b = buffer(type, #values)
    if #values > 0 then b:upload(values) end
    return b
end

-- A square grid, without the tables of a graph: it is only wanted on the device.
local function grid_edges(side)
    local from, to, at = {}, {}, 0
    for y = 0, side - 1 do
        for x = 1, side do
            local i = y * side + x
            if x < side then at = at + 1; from[at], to[at] = i, i + 1 end
            if y < side - 1 then at = at + 1; from[at], to[at] = i, i + side end
        end
    end
    return upload("u32", from), upload("u32", to), at
end

local function nodes_of(n)
    return { position = buffer("f32x2", n), velocity = buffer("f32x2", n), force = buffer("f32x2", n),
        mass = buffer("f32", n), heft = buffer("f32", n) }
end

local LARGE = 65536 -- nodes, from which on they are numbered by where they lie, as force.layout does

-- The same graph, by such numbers, in an engine of its own: what each iteration takes and gives back is by the caller's.
local function by_place(engine, nodes, n, from, to, edges)
    if n < LARGE then return engine, nodes end
    local numbers, inside = force.by_place(m, engine.rows, nodes.position), nodes_of(n)
    local placed = force.engine(m, { model = opt.model })
    numbers:take(nodes.position, inside.position)
    placed:connect(inside, n, edges, numbers:translate(edges, from, 1), numbers:translate(edges, to, 1), 1)
    inside.numbers, inside.shown = numbers, nodes.position
    return placed, inside
end

local function iterate(engine, nodes, steps, each)
    local began, numbers = now(), nodes.numbers
    for i = 1, steps do
        if numbers then numbers:take(nodes.shown, nodes.position) end
        engine:step(nodes, i, engine.model.limit * (1 - (i - 1) / steps) + 1e-3)
        if numbers then numbers:give_back(nodes.position, nodes.shown) end
        if each then each(i) end
    end
    return now() - began
end

-- Takes every frame: the oldest is waited for where the ring would be full.
local function watcher(position)
    local slots, tickets, taken = 4, {}, 0
    local readback = position:readback { slots = slots }
    return function(i)
        if #tickets >= slots - 1 then
            readback:wait(table.remove(tickets, 1))
            taken = taken + 1
        end
        tickets[#tickets + 1] = readback:capture(i)
    end, function()
        for _, ticket in ipairs(tickets) do
            readback:wait(ticket)
            taken = taken + 1
        end
        return taken, readback.dropped
    end
end

local function show(name, n, edges, start, seconds, steps, engine, nodes)
    local q, random = force.quality_of(m, engine.rows, nodes.position)
    print(("%-12s %8d nodes %8d edges: start %.3f s, %.3f ms an iteration, %d in %.3f s; %s"):format(
        name, n, edges, start, 1000 * seconds / steps, steps, seconds, force.describe(q, random)))
    io.stdout:flush()
end

local function whole(name, n, from, to, edges, steps)
    local engine, nodes = force.engine(m, { model = opt.model }), nodes_of(n)
    local began = now()
    engine:connect(nodes, n, edges, from, to, 1)
    force.start(m, engine.rows, nodes.position)
    engine, nodes = by_place(engine, nodes, n, from, to, edges)
    engine:balance(nodes)
    local start = now() - began
    show(name .. " start", n, edges, start, 0, 1, engine, nodes)
    local each, rest = watcher(nodes.shown or nodes.position)
    local seconds = iterate(engine, nodes, steps, each)
    local taken, dropped = rest()
    show(name, n, edges, start, seconds, steps, engine, nodes)
    print(("%-12s %d frames for %d iterations, %d dropped; start and iterations: %.3f s"):format(
        name, taken, steps, dropped, start + seconds))
end

local function contents(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
end

-- One of force_graphs.py's.
local function from_folder(name)
    local path = opt.graphs .. "/" .. name
    local ends = {}
    for _, column in ipairs { "from", "to" } do
        local bytes = contents(path .. "." .. column)
        ends[column] = buffer("u32", #bytes // 4)
        ends[column]:upload(bytes)
    end
    whole(name, math.tointeger(tonumber(contents(path .. ".nodes"))), ends.from, ends.to, #ends.from, opt.steps)
end

-- Repulsion, springs and motion alone, on random positions and a ring with chords.
local function scaling(n)
    local engine, nodes, from, to, values = force.engine(m, { model = opt.model }), nodes_of(n), {}, {}, {}
    for i = 1, n do
        from[i], to[i] = i, i % n + 1
        values[2 * i - 1], values[2 * i] = math.random() * math.sqrt(n), math.random() * math.sqrt(n)
    end
    nodes.position:upload(values)
    engine:connect(nodes, n, n, upload("u32", from), upload("u32", to), 1)
    iterate(engine, nodes, 2)
    local steps = math.max(3, math.min(100, 3000000 // n))
    local plain = iterate(engine, nodes, steps) / steps
    local each, rest = watcher(nodes.position)
    local watched = iterate(engine, nodes, steps, each) / steps
    local taken, dropped = rest()
    print(("scaling      %8d nodes: %.3f ms an iteration, %.2f ns a node and log2(n)"):format(n, plain * 1e3,
        plain * 1e9 / (n * math.log(n, 2))))
    print(("scaling      %8d nodes: with every frame read back %.3f ms (%+.1f %%), %d of %d frames, %d dropped"):format(n,
        watched * 1e3, 100 * (watched / plain - 1), taken, steps, dropped))
    io.stdout:flush()
end

local MADE = [[
static __device__ unsigned mixed(unsigned x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}
extern "C" __global__ void made(int n, float side, unsigned *from, unsigned *to, float2 *position)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    from[2 * (long long)i] = from[2 * (long long)i + 1] = i;
    to[2 * (long long)i] = (i + 1) % n;
    to[2 * (long long)i + 1] = (i + 1 + mixed(i) % 1000) % n;
    position[i].x = side * (mixed(2 * i) >> 8) / 16777216.0f;
    position[i].y = side * (mixed(2 * i + 1) >> 8) / 16777216.0f;
}]]

-- The same on a graph that no table could hold, and what memory it takes.
local function made(n)
    local engine, nodes = force.engine(m, { model = opt.model }), nodes_of(n)
    local from, to = buffer("u32", 2 * n), buffer("u32", 2 * n)
    m:kernel { source = MADE, name = "made" }(n, math.sqrt(n), from, to, nodes.position)
    engine:connect(nodes, n, 2 * n, from, to, 0)
    iterate(engine, nodes, 2)
    local steps = math.max(3, math.min(100, 300000000 // n))
    print(("made         %8d nodes %8d edges: %.3f ms an iteration, %.2f GiB of memory, %.2f at most"):format(n, 2 * n,
        iterate(engine, nodes, steps) / steps * 1e3, m:stats().total_allocated_bytes / 2 ^ 30,
        m:stats().peak_allocated_bytes / 2 ^ 30))
end

-- Once each way that the graphs below go: in one piece, and in several that are numbered by place.
local function warm(n, from, to, edges)
    local engine, nodes = force.engine(m, { model = opt.model }), nodes_of(n)
    engine:connect(nodes, n, edges, from, to, 1)
    force.start(m, engine.rows, nodes.position)
    engine, nodes = by_place(engine, nodes, n, from, to, edges)
    engine:balance(nodes)
    iterate(engine, nodes, 2)
end

math.randomseed(1)
do
    local from, to, edges = grid_edges(100)
    warm(10000, from, to, edges)
    from, to, edges = grid_edges(260)
    warm(70000, from, to, edges)
end
print(m:device().name)
if opt.debian ~= "" then
    local g = gpumm.graph.read(opt.debian)
    whole("debian", g.nodes, upload("u32", g.from), upload("u32", g.to), g.edges, opt.steps)
end
if opt.graphs ~= "" then
    from_folder "geometric"
    from_folder "rmat"
end
if opt.side > 0 then
    local from, to, edges = grid_edges(opt.side)
    whole("grid " .. opt.side, opt.side * opt.side, from, to, edges, opt.steps)
end
local n = 10000
while n <= opt.largest do
    scaling(n)
    collectgarbage()
    n = n * 10
end
if opt.made > 0 then made(math.tointeger(opt.made)) end
