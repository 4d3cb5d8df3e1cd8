-- SPDX-License-Identifier: MIT
-- A graph over ranks: each has the edges with an end among its own nodes, without loops and duplicates, as one process would have
-- them: { nodes, edges (of all), from, to, weights, names, path, part }. gpumm.force.layout takes it like any other.

local gpumm = require "gpumm"
local deal = require "gpumm.world.deal"
local native = require "gpumm.layout.native"
local part = require "gpumm.world.part"

local need = require "gpumm.force.kernels".need
local graph = {}

local FEW = 3   -- nodes up to which every rank has all edges, for these are placed by looking at them

-- ---- One edge of every two nodes ---------------------------------------------------------------------------------

-- Were all edges there twice, once a way, on all ranks? What is wrong on one is wrong on all.
local function all_opposite(world, wrong, opposite, left)
    local any, said = false, need(world.collect(wrong or opposite and "twice" or left == 0 and "" or "once"))
    for _, text in ipairs(said) do
        if text ~= "once" and text ~= "twice" and text ~= "" then error(text, 0) end
    end
    for _, text in ipairs(said) do
        if text == "once" then return false end
        any = any or text == "twice"
    end
    return any
end

local function merge(world, n, came, least)
    local wrong = "the weights of the edges between nodes %d and %d add up to no finite number"
    local columns = { came.from, came.to, came.weight }
    local rows = native.rows(columns)
    local loops, a, opposite = native.merge(rows, n, 1, 2, came.weight and 3 or 0, 0, least and "least" or "sum", 0)
    if not loops then all_opposite(world, wrong:format(a, opposite)) end
    local weights = came.weight and rows:view(3) or nil
    if opposite and not all_opposite(world, nil, opposite, #rows) then
        for e = 1, weights and not least and #weights or 0 do weights[e] = 2 * weights[e] end
    elseif not opposite then all_opposite(world, nil, opposite, #rows) end
    return rows:view(1), rows:view(2), weights
end

-- Edges count where their lesser end is.
local function count_own(from, to, first, count)
    local sum = 0
    for e = 1, #from do
        local lesser = math.min(from[e], to[e]) - first
        if lesser >= 1 and lesser <= count then sum = sum + 1 end
    end
    return sum
end

-- ---- Making it ----------------------------------------------------------------------------------------------------

-- Our own names by the nodes' numbers, for messages.
local function names_of(edges)
    local by
    return setmetatable({}, { __index = function(_, i)
        if not by then
            by = {}
            for k = 1, #edges.names do by[edges.number[k]] = edges.names[k] end
        end
        return by[i] or ("node %d"):format(i)
    end })
end

-- Blocks of a graph so small that it is placed by looking at it: one has all, and the others know all edges.
local function few(world, edges)
    local function all_of(kind, view)
        local text = table.concat(need(world.collect(#view > 0 and view:bytes() or "")))
        return #text > 0 and gpumm.view(kind, text) or gpumm.view(kind, 0)
    end
    local blocks = { 1 }
    for r = 2, world.size + 1 do blocks[r] = edges.nodes + 1 end
    return { from = all_of("u32", edges.from), to = all_of("u32", edges.to), weight = edges.weight and
        all_of("f64", edges.weight) }, blocks
end

--- The graph of edges of which each rank has a part: { nodes, from, to, weight, names, number } as world.edges has it. least: of
--- duplicates the least weight counts. The manager is for the work of it.
function graph.of(world, manager, edges, least)
    local came, blocks
    if edges.nodes <= FEW then came, blocks = few(world, edges)
    else came, blocks = deal.views(world, manager, edges) end
    local from, to, weights = merge(world, edges.nodes, came, least)
    local of = part.new(world, blocks)
    local first, count = of:block(edges.nodes)
    return { nodes = edges.nodes, edges = of:total(count_own(from, to, first, count)), from = from, to = to, weights = weights,
        names = edges.names and names_of(edges), part = of }
end

--- The same of a graph that every rank has read whole.
function graph.share(world, manager, whole)
    local m = #whole.from
    local first, last = m * world.rank // world.size + 1, m * (world.rank + 1) // world.size
    local mine = { nodes = whole.nodes, from = native.slice(whole.from, first, last), to = native.slice(whole.to, first, last),
        weight = whole.weights and native.slice(whole.weights, first, last) }
    local made = graph.of(world, manager, mine, true)
    made.names, made.labels, made.path, made.node_columns = whole.names, whole.labels, whole.path, whole.node_columns
    return made
end

local IN_PARTS = { "only lists of edges are read in parts", "a bipartite graph is read by one rank" }

local function is_whole_only(message)
    for _, words in ipairs(IN_PARTS) do
        if type(message) == "string" and message:find(words, 1, true) then return true end
    end
    return false
end

--- A list of edges, each rank its part; nil where the file has a format that is read whole. weights: "strength", "length", false.
function graph.read(world, manager, path, weights)
    local ok, edges = pcall(world.edges, path, { weights = weights })
    if not ok then return not is_whole_only(edges) and error(edges, 0) or nil end
    if edges.nodes == 0 then error(path .. ": the graph is empty: no line names a node", 0) end
    local made = graph.of(world, manager, edges, weights == "length")
    made.path = path
    return made
end

--- The graph of a file, and where every rank has read it whole, by read_whole(), that one.
function graph.any(world, path, weights, read_whole)
    local manager <close> = need(world.manager { workers = world.workers() })
    local made, whole = path and graph.read(world, manager, path, weights), nil
    if not made then
        whole = read_whole()
        made = graph.share(world, manager, whole)
    end
    return made, whole
end

return graph
