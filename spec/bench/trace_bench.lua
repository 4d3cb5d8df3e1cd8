-- SPDX-License-Identifier: MIT
-- What a trace costs a step of a layout, in pairs: two layouts of one graph in two managers, of which one is traced, run a few
-- steps each by turns.
--
--     gpumm-run --quiet spec/bench/trace_bench.lua [--side 316] [--pairs 40] [--steps 5] [--device auto] [--file /dev/null]
--
-- Beside it stands the same with neither traced, which says how far apart two layouts are by chance.

local gpumm = require "gpumm"

local opt = gpumm.options(arg, { side = 316, pairs = 40, steps = 5, device = "auto", file = "/tmp/gpumm-trace-bench.json" })

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
    sim:advance(10)
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

-- The medians of both, and of the pairs' ratios.
local function medians(pairs_of, which)
    local firsts, seconds, ratios = {}, {}, {}
    for i, pair in ipairs(pairs_of) do
        firsts[i], seconds[i] = pair[1][which], pair[2][which]
        ratios[i] = seconds[i] / firsts[i]
    end
    return 1e6 * median(firsts), 1e6 * median(seconds), median(ratios)
end

local function compare(what, first, second)
    local list = {}
    for i = 1, opt.pairs do
        local a, b
        if i % 2 == 0 then a, b = timed(first), timed(second) else b, a = timed(second), timed(first) end
        list[i] = { a, b }
    end
    print(("%-18s time %9.1f us and %9.1f us a step, ratio of pairs %.4f"):format(what, medians(list, 1)))
    print(("%-18s work %9.1f us and %9.1f us a step, ratio of pairs %.4f"):format("", medians(list, 2)))
end

math.randomseed(7)
local graph = grid(opt.side)
local positions = scattered(graph.nodes)
local plain, twin = layout(graph, positions), layout(graph, positions)
print(("%d nodes, %d edges, %s"):format(graph.nodes, #graph.from, plain.manager:device().name))
compare("neither traced", plain, twin)
twin:close()
local trace <close> = assert(gpumm.trace { file = opt.file })
local traced = layout(graph, positions)
compare("the second traced", plain, traced)
traced:close()
plain:close()
assert(trace:close())
