-- SPDX-License-Identifier: MIT
-- gpumm.force.quality: a layout by numbers, always beside those of random positions.

local chance = require "gpumm.common.chance"
local kernels = require "gpumm.force.kernels"
local distance = require "gpumm.force.distance"

local need, buffer = kernels.need, kernels.buffer
local quality = {}

local PIVOTS, SAMPLES, THREADS = 50, 2000, 1024

-- Three sums that many threads have parts of, added up in the order of the threads.
local function three(out)
    local view, a, b, c = need(out:download()), 0, 0, 0
    for k = 1, #view, 3 do a, b, c = a + view[k], b + view[k + 1], c + view[k + 2] end
    return a, b, c
end

local function stress(task, position)
    local out <close> = buffer(task.manager, "f64", 3 * THREADS)
    need(task.run.ratios(THREADS, task.n, task.pivots, task.pivot, task.hops, position, out))
    local sum, squares, pairs = three(out)
    if squares - squares ~= 0 then error("force.quality: the positions are not all finite numbers", 0) end
    if pairs == 0 then return 0 end
    return squares > 0 and 1 - sum * sum / (pairs * squares) or 1
end

local function variation(task, position)
    local now = task.rows.now
    if now.m == 0 then return 0 end
    local out <close> = buffer(task.manager, "f64", 3 * THREADS)
    need(task.run.lengths(THREADS, task.n, now.row, now.near, position, out))
    local sum, squares, edges = three(out)
    local mean = sum / edges
    return mean > 0 and math.sqrt(math.max(0, squares / edges - mean * mean)) / mean or 0
end

local function neighbourhood(task, position)
    local now, sum, count = task.rows.now, 0, 0
    local out <close> = buffer(task.manager, "f64", task.samples)
    need(task.run.kept(task.samples, task.n, task.sample, now.row, now.near, position, out))
    for _, jaccard in need(out:download()):each() do
        if jaccard >= 0 then sum, count = sum + jaccard, count + 1 end
    end
    return count > 0 and sum / count or 1
end

local function measure(task, position)
    return {
        stress = stress(task, position), neighbourhood = neighbourhood(task, position),
        variation = variation(task, position),
    }
end

local function random_positions(task)
    local values = {}
    for k = 1, task.n * task.dimensions do values[k] = chance.unit(task.seed << 40 | k) end
    local position = buffer(task.manager, "f32x" .. task.dimensions, task.n)
    need(position:upload(values))
    return position
end

--- The figures of n nodes at `position` (a buffer), and those of random positions: tables with stress,
--- neighbourhood and variation. `rows` are the graph's.
function quality.of(manager, rows, position, options)
    local task = {
        manager = manager, rows = rows, n = rows.now.n, dimensions = options.dimensions or 2, seed = options.seed or 1,
    }
    task.run = kernels.of(manager, "quality.cu", kernels.dimension(task.dimensions))
    local pivots = chance.sample(options.pivots or PIVOTS, task.n, task.seed + 100)
    local sample = chance.sample(options.samples or SAMPLES, task.n, task.seed + 200)
    local pivot <close> = buffer(manager, "u32", #pivots)
    local chosen <close> = buffer(manager, "u32", #sample)
    need(pivot:upload(pivots))
    need(chosen:upload(sample))
    local hops <close> = distance.from(manager, rows, pivots)
    task.pivots, task.pivot, task.hops, task.samples, task.sample = #pivots, pivot, hops, #sample, chosen
    local random <close> = random_positions(task)
    return measure(task, position), measure(task, random)
end

return quality
