-- SPDX-License-Identifier: MIT
-- What a trace costs a step of a layout: three layouts of one graph in three managers, of which one is traced, run a few steps
-- each by turns.
--
--     gpumm-run --quiet spec/bench/trace_bench.lua [--side 316] [--turns 40] [--steps 5] [--device auto] [--file /dev/null]
--
-- The two that are not traced say how far apart layouts are by chance.

local gpumm = require "gpumm"

local opt = gpumm.options(arg, { side = 316, turns = 40, steps = 5, device = "auto", file = "/tmp/gpumm-trace-bench.json" })

local function grid(side)
    local from, to = {}, {}
    for i = 1, side * side do
        if i % side ~= 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
        if i <= side * (side - 1) then from[#from + 1], to[#to + 1] = i, i + side end
    end
    return gpumm.graph.new(side * side, from, to)
end

local function scattered(n)
    local points = gpumm.view("f32x2", n)
    for i = 1, n do points:set(i, math.random() * 300, math.random() * 300) end
    return points
end

local function layout(graph, positions)
    local sim = gpumm.force.layout(graph, { positions = positions, steps = 1 << 20, every = 5, frame = function() end,
        device = opt.device })
    sim:open {}
    sim:advance(40) -- the first operations are timed each
    sim.manager:synchronize()
    return sim
end

-- Seconds a step, and of all threads together: what a machine with other work tells more surely.
local function timed(sim)
    local since, worked = gpumm.clock(), os.clock()
    sim:advance(opt.steps)
    sim.manager:synchronize()
    return { (gpumm.clock() - since) / opt.steps, (os.clock() - worked) / opt.steps }
end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

-- The median of the others' times, or work, and of what a layout takes beside the plain one in the same turn.
local function medians(turns, which, k)
    local list, ratios = {}, {}
    for i, turn in ipairs(turns) do
        list[i] = turn[k][which]
        ratios[i] = turn[k][which] / turn[1][which]
    end
    return 1e6 * median(list), median(ratios)
end

-- Who begins goes around, so that none comes always behind the same.
local function take_turns(layouts)
    local turns = {}
    for i = 1, opt.turns do
        turns[i] = {}
        for k = 1, #layouts do
            local at = (i + k) % #layouts + 1
            turns[i][at] = timed(layouts[at])
        end
    end
    return turns
end

math.randomseed(7)
local graph = grid(opt.side)
local positions = scattered(graph.nodes)
local layouts, names = {}, { "untraced", "untraced too", "traced" }
layouts[1], layouts[2] = layout(graph, positions), layout(graph, positions)
local trace <close> = assert(gpumm.trace { file = opt.file })
layouts[3] = layout(graph, positions)
print(("%d nodes, %d edges, %s"):format(graph.nodes, #graph.from, layouts[1].manager:device().name))
local turns = take_turns(layouts)
for k, name in ipairs(names) do
    local time, beside = medians(turns, 1, k)
    local work, beside_work = medians(turns, 2, k)
    print(("%-14s time %9.1f us a step, %.4f of the first; work of all threads %9.1f us, %.4f"):format(name, time, beside, work,
        beside_work))
end
for _, sim in ipairs(layouts) do sim:close() end
assert(trace:close())
