-- SPDX-License-Identifier: MIT
-- gpumm.force.quality: a layout by numbers, always beside those of random positions.

local chance = require "gpumm.common.chance"
local kernels = require "gpumm.force.kernels"
local distance = require "gpumm.force.distance"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local quality = {}

local PIVOTS, SAMPLES = 50, 2000

-- Three sums of every chunk, added up in their order.
local function three(out)
    local a, b, c = 0, 0, 0
    for _, x, y, z in need(out:download()):each() do a, b, c = a + x, b + y, c + z end
    return a, b, c
end

-- Three sums over all nodes, of which run(chunks, chunk, out) writes those of the own ones' chunks.
local function sums_of(task, run)
    local now = task.rows.now
    local chunk, chunks = part.chunk(task.n)
    local out <close> = buffer(task.manager, "f64x3", chunks)
    if now.count > 0 then need(run((now.count + chunk - 1) // chunk, chunk, out)) end
    task.rows.part:gather(out, task.n, chunk)
    return three(out)
end

local function stress(task, position)
    local now = task.rows.now
    local sum, squares, pairs = sums_of(task, function(chunks, chunk, out)
        return task.run.ratios(chunks, chunk, now.count, now.first, task.pivots, task.pivot, task.hops, position, out)
    end)
    if squares - squares ~= 0 then error("force.quality: the positions are not all finite numbers", 0) end
    if pairs == 0 then return 0 end
    return squares > 0 and 1 - sum * sum / (pairs * squares) or 1
end

local function variation(task, position)
    local now = task.rows.now
    if now.m == 0 then return 0 end
    local sum, squares, edges = sums_of(task, function(chunks, chunk, out)
        return task.run.lengths(chunks, chunk, now.count, now.first, now.row, now.near, position, out)
    end)
    local mean = sum / edges
    return mean > 0 and math.sqrt(math.max(0, squares / edges - mean * mean)) / mean or 0
end

local function neighbourhood(task, position)
    local now, sum, count = task.rows.now, 0, 0
    local out <close> = buffer(task.manager, "f64", task.samples)
    need(out:fill(0))
    need(task.run.kept(task.samples, task.n, now.count, now.first, task.sample, now.row, now.near, position, out))
    task.rows.part:reduce(out, "sum", task.samples)
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
