-- SPDX-License-Identifier: MIT
-- gpumm.force.quality: a layout by numbers, always beside those of random positions.

local chance = require "gpumm.common.chance"
local kernels = require "gpumm.force.kernels"
local distance = require "gpumm.force.distance"
local edge_lengths = require "gpumm.force.edge_lengths"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local quality = {}

local PIVOTS, SAMPLES = 50, 2000
local EDGES, FEWER = 20000, 4000 -- up to which all pairs of edges are looked at; as many of random positions
local NODES = 5000               -- up to which all nodes are looked at
local TWO, AT_ONCE = 256, 64     -- nodes whose neighbours' neighbours are looked at, and of how many at a time
local CLOSE = 0.05               -- of the median distance to the nearest node: closer is on nearly one spot

local function stress(task, position)
    local now = task.rows.now
    local sum, squares, pairs = part.sums(task.manager, task.rows, 3, function(chunks, chunk, out)
        return task.run.ratios(chunks, chunk, now.count, now.first, task.pivots, task.pivot, task.hops, position, out)
    end)
    if squares - squares ~= 0 then error("force.quality: the positions are not all finite numbers", 0) end
    if pairs == 0 then return 0 end
    return squares > 0 and 1 - sum * sum / (pairs * squares) or 1
end

local function variation(task, position)
    local edges = task.rows.now.m
    if edges == 0 then return 0 end
    local sum, squares = edge_lengths.sums(task.manager, task.rows, task.dimensions, position)
    local mean = sum / edges
    return mean > 0 and math.sqrt(math.max(0, squares / edges - mean * mean)) / mean or 0
end

-- The mean of those that are numbers from 0: the others have no neighbours.
local function mean_of(lists)
    local sum, count = 0, 0
    for _, list in ipairs(lists) do
        for _, jaccard in list:each() do
            if jaccard >= 0 then sum, count = sum + jaccard, count + 1 end
        end
    end
    return count > 0 and sum / count or 1
end

local function neighbourhood(task, position)
    local now = task.rows.now
    local out <close> = buffer(task.manager, "f64", task.samples)
    need(out:fill(0))
    need(task.run.kept(task.samples, task.n, now.count, now.first, task.sample, now.row, now.near, position, out))
    task.rows.part:reduce(out, "sum", task.samples)
    return mean_of { need(out:download()) }
end

-- Of the layout and of random positions at once, for the search takes longest. In edges, whatever lengths these have.
local function neighbourhoods_in_two(task, position, random)
    local manager, all = task.manager, { {}, {} }
    local rows = setmetatable({ lengths = false }, { __index = task.rows })
    local run = kernels.of(manager, "quality.cu", kernels.dimension(task.dimensions) .. kernels.distances(rows))
    local out <close> = buffer(manager, "f64", AT_ONCE)
    local sample <close> = buffer(manager, "u32", AT_ONCE)
    local reach <close> = buffer(manager, "u16", AT_ONCE * math.max(1, rows.now.count))
    for first = 0, math.min(TWO, task.samples) - 1, AT_ONCE do
        local some = table.move(task.chosen, first + 1, math.min(first + AT_ONCE, TWO, task.samples), 1, {})
        distance.write(manager, rows, some, 0, reach)
        need(sample:upload(some))
        local of = distance.sampled(manager, rows, reach, #some)
        for k, at in ipairs { position, random } do
            need(run.kept_in_two(#some, task.n, sample, of.hops, at, out))
            table.insert(all[k], need(out:download(1, #some)))
        end
        if of.hops ~= reach then
            for _, made in ipairs { of.nodes, of.hops, of.column } do made:close() end
        end
    end
    return mean_of(all[1]), mean_of(all[2])
end

-- The numbers of sampled edges as a buffer; false: all of them.
local function sampled_edges(task, edges)
    local m = task.rows.now.m
    if edges == m then return false end
    local chosen = buffer(task.manager, "u32", edges)
    need(chosen:upload(chance.sample(edges, m, task.seed + 300)))
    return chosen
end

-- The rows of all nodes as buffers, where each part has some: they are asked for once.
local function rows_of(task)
    local now = task.rows.now
    if task.rows.part.is_alone then return now.row, now.near end
    if not task.row then
        local row, near = task.rows.part:adjacency(now)
        task.row, task.near = buffer(task.manager, "u32", #row), buffer(task.manager, "u32", math.max(1, #near))
        need(task.row:upload(row))
        if #near > 0 then need(task.near:upload(near)) end
    end
    return task.row, task.near
end

-- Pairs of edges that cross: counted, or estimated from a sample. In space there are none.
local function crossings(task, position, most)
    local manager, m = task.manager, task.rows.now.m
    if m < 2 or task.dimensions == 3 then return 0 end
    local edges, row, near = math.min(m, most), rows_of(task)
    local chosen = sampled_edges(task, edges)
    local first <close> = buffer(manager, "u32", task.n + 1)
    local count <close> = buffer(manager, "u32", math.max(task.n, edges))
    local from <close> = buffer(manager, "u32", edges)
    local to <close> = buffer(manager, "u32", edges)
    local line <close> = buffer(manager, "f32", 4 * edges)
    need(task.run.listed(task.n, row, near, count))
    kernels.starts(manager, task.n, count, first)
    need(task.run.ends_of(edges, task.n, chosen, first, row, near, position, from, to, line))
    need(task.run.crossings(edges, from, to, line, count))
    need(manager:reduce { from = count, to = first, op = "sum", n = edges })
    local sum = need(first:download(1, 1))[1]
    if chosen then chosen:close() end
    if edges == m then return sum end
    return math.floor(sum * (m / edges) * ((m - 1) / (edges - 1)) + 0.5)
end

-- The share of nodes that have another nearly on their spot, and of those whose disc lies on another's (without radii: whose
-- very place is another's).
local function crowding(task, position, all, radii)
    local count = all and task.n <= NODES and task.n or task.samples
    local nearest <close> = buffer(task.manager, "f32", count)
    local overlaps <close> = buffer(task.manager, "u8", count)
    need(task.run.closest(count, task.n, count < task.n and task.sample or false, position, radii or false, nearest, overlaps))
    local distances, close, hit = need(nearest:download()):totable(), 0, 0
    for _, one in need(overlaps:download()):each() do hit = hit + one end
    table.sort(distances)
    local bound = CLOSE * distances[(count + 1) // 2]
    for k = 1, count do
        if distances[k] < bound or distances[k] == 0 then close = close + 1 end
    end
    return task.n > 1 and close / count or 0, hit / count
end

-- `mine`: the layout itself, at which it looks more closely.
local function measure(task, position, mine)
    local figures = {
        stress = stress(task, position), neighbourhood = neighbourhood(task, position),
        variation = variation(task, position), crossings = crossings(task, position, mine and EDGES or FEWER),
    }
    figures.coincidence, figures.overlap = crowding(task, position, mine, mine and task.radii)
    return figures
end

local function random_positions(task)
    local values = {}
    for k = 1, task.n * task.dimensions do values[k] = chance.unit(task.seed << 40 | k) end
    local position = buffer(task.manager, "f32x" .. task.dimensions, task.n)
    need(position:upload(values))
    return position
end

--- The figures of n nodes at `position` (a buffer), and those of random positions: tables with stress, neighbourhood,
--- neighbourhood2, variation, crossings, coincidence and overlap. `rows` are the graph's; options.radii is a buffer, or nil.
function quality.of(manager, rows, position, options)
    local task = {
        manager = manager, rows = rows, n = rows.now.n, dimensions = options.dimensions or 2, seed = options.seed or 1,
        radii = options.radii,
    }
    task.run = kernels.of(manager, "quality.cu", kernels.dimension(task.dimensions) .. kernels.distances(rows))
    local pivots = chance.sample(options.pivots or PIVOTS, task.n, task.seed + 100)
    local sample = chance.sample(options.samples or SAMPLES, task.n, task.seed + 200)
    local pivot <close> = buffer(manager, "u32", #pivots)
    local chosen <close> = buffer(manager, "u32", #sample)
    need(pivot:upload(pivots))
    need(chosen:upload(sample))
    local hops <close> = distance.from(manager, rows, pivots)
    task.pivots, task.pivot, task.hops, task.samples, task.sample, task.chosen = #pivots, pivot, hops, #sample, chosen, sample
    local random <close> = random_positions(task)
    local mine, others = measure(task, position, true), measure(task, random, false)
    mine.neighbourhood2, others.neighbourhood2 = neighbourhoods_in_two(task, position, random)
    for _, made in ipairs { task.row or nil, task.near } do made:close() end
    return mine, others
end

return quality
