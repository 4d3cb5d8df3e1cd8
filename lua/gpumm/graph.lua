-- SPDX-License-Identifier: MIT
-- Graphs, from files and from programs. A graph is a table of plain arrays; it knows no
-- device. Nodes are numbered from 1 in the order in which the file first names them (on the device
-- from 0, which is what the packed columns of `batches` hold). Self-loops and duplicates are dropped
-- and counted; a file that makes no sense raises "FILE:LINE: what is wrong".

local input_of = require "gpumm.graph.input"
local read_dot = require "gpumm.graph.dot"
local read_edge_list = require "gpumm.graph.edges"
local read_graphml = require "gpumm.graph.graphml"
local read_matrix_market = require "gpumm.graph.matrix"

local graph = {}
local methods = {}
local metatable = { __index = methods, __name = "gpumm.graph" }

for _, part in ipairs { "search", "communities", "batches", "stress" } do
    for name, method in pairs(require("gpumm.graph." .. part)) do methods[name] = method end
end

local find, sub = string.find, string.sub

-- Graphviz's files go by their names, for what they hold could be a list of edges as well; the others by how they begin.
local function reader_of(path, text)
    local ending = path:lower():gsub("%.gz$", ""):match("%.(%w+)$")
    if ending == "dot" or ending == "gv" then return read_dot end
    if ending == "graphml" or find(text, "^%s*<%?xml") or find(text, "^%s*<graphml") then return read_graphml end
    return find(text, "^%%%%[Mm][Aa][Tt][Rr][Ii][Xx][Mm]") and read_matrix_market or read_edge_list
end

-- Labels where there are any: a node without one goes by its name.
local function labels_of(input)
    if not next(input.labels) then return nil end
    local labels = {}
    for i, name in ipairs(input.names) do labels[i] = input.labels[i] or name end
    return labels
end

local function made_of(input)
    return setmetatable({
        path = input.path, nodes = #input.names, edges = #input.from, names = input.names, labels = labels_of(input),
        from = input.from, to = input.to, weights = input.weighted and input.weights or nil,
        loops = input.loops, duplicates = input.duplicates,
    }, metatable)
end

--- Reads a graph, gzip'd or not: an edge list (two names a line, an optional weight; `#` and `%` comments; tabs, spaces
--- or commas), Matrix Market, GraphML (by Debian's lua-expat), or DOT (.dot or .gv; by Debian's graphviz). Raises where
--- the file is missing, malformed or holds no node.
function graph.read(path)
    if type(path) ~= "string" then
        error("graph.read needs a path, not a " .. type(path), 2)
    end
    local text = input_of.read_file(path)
    if sub(text, 1, 3) == "\239\187\191" then text = sub(text, 4) end
    local input = input_of.new(path)
    reader_of(path, text)(input, text)
    if #input.names == 0 then error(path .. ": the graph is empty: no line names a node", 0) end
    return made_of(input)
end

local function is_node(value, nodes)
    return type(value) == "number" and math.tointeger(value) and value >= 1 and value <= nodes
end

-- The weight of an edge that a program names.
local function given_weight(weights, e)
    local weight = weights[e]
    if type(weight) ~= "number" or weight - weight ~= 0 then
        error(("edge %d: its weight is a finite number, not %s"):format(e, tostring(weight)), 3)
    end
    return weight
end

--- A graph from arrays: `from` and `to` hold node numbers from 1, `weights` (may be nil) a number an edge. For graphs
--- that a program makes.
function graph.new(nodes, from, to, weights)
    local count = type(nodes) == "number" and math.tointeger(nodes) -- 2.0 is 2
    if not count or count < 1 then error("graph.new needs at least one node, not " .. tostring(nodes), 2) end
    nodes = count
    if type(from) ~= "table" or type(to) ~= "table" or #from ~= #to or type(weights or from) ~= "table" then
        error("graph.new needs arrays of the same length", 2)
    end
    local of = input_of.new("graph.new")
    local add = input_of.edge_adder(of)
    of.weighted = weights ~= nil
    for i = 1, nodes do of.names[i], of.index[i] = i, i end
    for e = 1, #from do
        if not (is_node(from[e], nodes) and is_node(to[e], nodes)) then
            error(("edge %d: %s and %s are not both nodes from 1 to %d"):format(e, from[e], to[e], nodes), 2)
        end
        add(from[e], to[e], weights and given_weight(weights, e) or 1)
    end
    for i = 1, nodes do of.names[i] = tostring(i) end
    return made_of(of)
end

return graph
