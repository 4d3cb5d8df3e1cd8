-- SPDX-License-Identifier: MIT
-- Parts of a graph as graphs of their own: the largest component, a core, what is around a node. Nodes keep their order,
-- names and attributes; so do edges.

local adjacency = require "gpumm.graph.adjacency"
local columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"

local methods = {}

-- Some rows of a column: texts, or a view.
local function rows_of(column, order)
    if column == nil then return nil end
    if getmetatable(column) == "gpumm_layout.texts" then return native.numbered(column, order) end
    return native.gather(column, order)
end

local function each_of(all, order)
    local part = {}
    for name, column in pairs(all or {}) do part[name] = rows_of(column, order) end
    return part
end

-- The graph of the nodes whose value (a view of i32 or u32) is from `low` to `high`.
local function part(graph, value, low, high)
    local from, to, nodes, weights = columns(graph)
    local kept, order, new_from, new_to = native.part(from, to, nodes, value, low, high)
    return setmetatable({
        path = graph.path, nodes = #kept, edges = #order, from = new_from, to = new_to, loops = 0, duplicates = 0,
        names = rows_of(graph.names, kept), labels = rows_of(graph.labels, kept), weights = rows_of(weights, order),
        node_columns = each_of(graph.node_columns, kept), edge_columns = each_of(graph.edge_columns, order),
        directed = graph.directed,
    }, getmetatable(graph))
end

--- The largest component; of several that are as large, the first.
function methods:largest()
    local label, sizes = native.components(adjacency(self))
    local largest = 1
    for i = 2, #sizes do
        if sizes[i] > sizes[largest] then largest = i end
    end
    return part(self, label, largest, largest)
end

--- The k-core: what is left once every node with fewer than k neighbours is gone, again and again. Raises where nothing is.
function methods:core(k)
    k = type(k) == "number" and math.tointeger(k) or k
    if math.type(k) ~= "integer" or k < 1 then error(("core needs a whole number from 1, not %s"):format(tostring(k)), 2) end
    local near, first = adjacency(self)
    local core = part(self, native.core(near, first, k), 1, 1)
    if core.nodes == 0 then
        error(("the graph has no %d-core: no part of it has nodes with %d neighbours each"):format(k, k), 2)
    end
    return core
end

-- A node by its number or its name.
local function node_of(graph, node, level)
    local i = type(node) == "string" and graph.names:find(node) or type(node) == "number" and math.tointeger(node)
    if i and i >= 1 and i <= graph.nodes then return i end
    error(("the graph has no node %s"):format(type(node) == "string" and ("%q"):format(node) or tostring(node)), level + 1)
end

--- The nodes that are at most `radius` (1) edges away from a node, which is a name or a number.
function methods:around(node, radius)
    radius = radius == nil and 1 or type(radius) == "number" and math.tointeger(radius)
    if not radius or radius < 0 then error("around: the radius is a whole number from 0", 2) end
    local near, first = adjacency(self)
    return part(self, native.bfs(near, first, node_of(self, node, 2)), 0, radius)
end

return methods
