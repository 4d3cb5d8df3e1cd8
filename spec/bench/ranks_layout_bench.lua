-- SPDX-License-Identifier: MIT
-- What an iteration of a layout over ranks costs, for the model of doc/ranks.md, in CPU time of a process, which other processes
-- do not change much:
--     gpumm-run --quiet spec/bench/ranks_layout_bench.lua EDGES [STEPS [WORKERS]]                     one process
--     mpirun -n 2 gpumm-run --quiet spec/bench/ranks_layout_bench.lua EDGES [STEPS [WORKERS]] ranks
-- Parts are timed with a wait behind each; "all" without. What a rank spends in calls of the ranks is told apart: there it waits.

local gpumm = require "gpumm"
local path, steps, workers, over = arg[1], tonumber(arg[2] or 10), tonumber(arg[3] or 1), arg[4] == "ranks"
local world = over and require "gpumm.world"
local engine = require "gpumm.force.engine"
local start = require "gpumm.force.start"

local m <close> = over and assert(world.manager { workers = workers })
    or assert(gpumm.manager { device = "host", workers = workers })
local rank = over and world.rank or 0
local called = 0 -- in calls of the ranks

if over then
    for _, name in ipairs { "allgather", "allreduce", "collect" } do
        local real = world[name]
        world[name] = function(...)
            m:synchronize()
            local before = os.clock()
            local results = table.pack(real(...))
            called = called + os.clock() - before
            return table.unpack(results, 1, results.n)
        end
    end
end

local function clocked(f)
    m:synchronize()
    local before, apart = os.clock(), called
    f()
    m:synchronize()
    return os.clock() - before - (called - apart)
end

local function say(...) io.stdout:write(("rank %d: "):format(rank), string.format(...), "\n") end

local graph = over and require "gpumm.world.graph".read(world, m, path, false) or gpumm.graph.read(path, { weights = false })
local n, count, vec = graph.nodes, graph.nodes, "f32x2"
if over then count = select(2, graph.part:block(n)) end
local base = m:stats().used_bytes
local e, nodes = engine.new(m, { model = "tforce", part = graph.part }), {}
for name, of in pairs { position = { vec, n }, mass = { "f32", n }, velocity = { vec, count }, force = { vec, count },
    heft = { "f32", count } } do
    nodes[name] = assert(m:buffer { type = of[1], length = math.max(1, of[2]), max_length = math.max(1, of[2]) })
end
do
    local from <close> = assert(m:buffer { type = "u32", length = math.max(1, #graph.from) })
    local to <close> = assert(m:buffer { type = "u32", length = math.max(1, #graph.from) })
    if #graph.from > 0 then
        from:upload(graph.from)
        to:upload(graph.to)
    end
    e:connect(nodes, n, #graph.from, from, to, 1)
end
say("%d nodes, %d edges; %d own nodes, %d ends", n, graph.edges, count, e.rows.now.entries)
local held
say("start %.2f s", clocked(function()
    held = select(2, start.place(m, e.rows, nodes.position, { dimensions = 2, rounds = 10 }))
end))
collectgarbage()
say("edges, and what is a node's but position and mass: %d bytes", m:stats().used_bytes - base - 12 * n)
e:balance(nodes)

for i = 1, 3 do e:step(nodes, i, 1) end
local apart = called
local all = clocked(function()
    for i = 4, 3 + steps do e:step(nodes, i, 1) end
end)
say("an iteration: %.1f ms of CPU, %.1f in calls of the ranks", all / steps * 1e3, (called - apart) / steps * 1e3)

-- Its parts by themselves, milliseconds each.
local function each(f)
    return clocked(function()
        for i = 1, steps do f(i) end
    end) / steps * 1e3
end

local grid = each(function(i) e.pushes.grid:build(n, nodes.position, nodes.mass, i) end)
local repulsion = each(function(i) e:repel(nodes, 1, i) end)
local springs = each(function() e:springs(nodes) end)
say("grid %.1f, far and near %.1f, springs %.1f, motion %.1f ms", grid, repulsion - grid, springs,
    all / steps * 1e3 - repulsion - springs)
say("memory at its peak: %d bytes; %d stresses held", m:stats().peak_allocated_bytes, #held)
