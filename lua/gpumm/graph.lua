-- SPDX-License-Identifier: MIT
-- Graphs, from files and from programs. A graph knows no device: its edges are columns (views of u32, nodes from 1),
-- its names a column of text. Self-loops and duplicates are dropped or merged, and counted; a file that makes no sense
-- raises "FILE:LINE: what is wrong".

local checked = require "gpumm.common.checked"
local counted = require "gpumm.graph.counted"
local made = require "gpumm.graph.made"
local native = require "gpumm.layout.native"
local read = require "gpumm.graph.read"
local gpumm = require "gpumm"
local positions = require "gpumm.graph.positions"
local write = require "gpumm.graph.write"

local graph = {}
local methods = {}
local metatable = { __index = methods, __name = "gpumm.graph" }

for _, part in ipairs { "search", "part", "communities", "batches", "stress" } do
    for name, method in pairs(require("gpumm.graph." .. part)) do methods[name] = method end
end

--- Reads a graph, gzip'd or not. The format is known by the content: delimited text (two names a line, an optional
--- weight; CSV with a header), Matrix Market, METIS, DIMACS, SIF, GML, Pajek, GraphML, GEXF, and DOT (by Debian's
--- graphviz). Nodes keep the order of formats that list or count them; else they go by first appearance. Raises where the
--- file is missing, malformed or holds no node. Options: format, columns ({ source = "from", target = "to" }), header,
--- comments, delimiter, quotes, decimal, duplicates ("merge", or "count": edge_columns.count says how many each edge
--- had), weights ("strength": those of duplicates add up; "length": the least counts; false: none), threads, limit.
function graph.read(path, options)
    if type(path) ~= "string" then
        error("graph.read needs a path, not a " .. type(path), 2)
    end
    return setmetatable(read(path, options), metatable)
end

-- What a program gives as ends or weights: a table or a view, as a view of `kind`.
local function column(values, kind, what)
    local done, view = pcall(gpumm.view, kind, values)
    if not done then error(("graph.new: %s: %s"):format(what, (tostring(view):gsub("^.-:%d+: ", ""))), 4) end
    return view
end

local function check_edge(from, to, e, nodes)
    local function is_node(value)
        return type(value) == "number" and math.tointeger(value) and value >= 1 and value <= nodes
    end
    if is_node(from[e]) and is_node(to[e]) then return end
    error(("edge %d: %s and %s are not both nodes from 1 to %d"):format(e, tostring(from[e]), tostring(to[e]), nodes), 4)
end

local function check_weight(weights, e)
    local weight = weights[e]
    if type(weight) == "number" and weight - weight == 0 then return end
    error(("edge %d: its weight is a finite number, not %s"):format(e, tostring(weight)), 4)
end

local function check_tables(nodes, from, to, weights)
    if type(from) == "table" or type(to) == "table" then
        for e = 1, #from do check_edge(from, to, e, nodes) end
    end
    if weights then
        for e = 1, #from do check_weight(weights, e) end
    end
end

--- Writes a graph: .graphml or .gexf with positions (a view or a list of points), colors (as picture.write has them),
--- sizes and all attributes; .csv has the edges. Raises where the ending is another, the file cannot be written, or two nodes
--- would have one name in it.
function graph.write(path, g, options)
    if type(path) ~= "string" then error("graph.write needs a path, not a " .. type(path), 2) end
    if type(g) ~= "table" or not g.from or not g.nodes then error("graph.write needs a graph", 2) end
    return write.graph(path, g, options, 2)
end

--- Positions by the nodes' names from a .csv (name, x, y, …) or .npy that picture.positions has written with its graph: a
--- view in the order of the nodes, and a list of which have one. Raises where a node has none, unless options.some is true; then
--- also a list of the names that are no node's.
function graph.positions(path, g, options)
    if type(path) ~= "string" then error("graph.positions needs a path, not a " .. type(path), 2) end
    if type(g) ~= "table" or not g.names then error("graph.positions needs a graph", 2) end
    return positions.read(path, g.names, options and options.some)
end

local function is_column(value) return type(value) == "table" or type(value) == "userdata" end

-- What a program gives as names or labels, one a node, as a column of text. A label that is false or "" is the name.
local function texts_of(given, nodes, what, names)
    if not is_column(given) or #given ~= nodes then
        error(("graph.new: %s are a list of %d texts, one a node, not %s"):format(what, nodes,
            is_column(given) and #given or tostring(given)), 4)
    end
    local list = {}
    for i = 1, nodes do
        local text = given[i]
        if names and (not text or text == "") then text = names[i] end
        if type(text) ~= "string" then error(("graph.new: %s: %s of node %d is no text"):format(what, tostring(text), i), 4) end
        list[i] = text
    end
    return list
end

local function check_distinct(names)
    local node = {}
    for i, name in ipairs(names) do
        if node[name] then error(("graph.new: names: nodes %d and %d are both %q"):format(node[name], i, name), 4) end
        node[name] = i
    end
    return native.texts(names)
end

local function names_of(options, nodes)
    local given = checked.options("graph.new", options, { names = { kind = "any" }, labels = { kind = "any" } }, 3)
    local names = given.names and check_distinct(texts_of(given.names, nodes, "names")) or native.texts(nodes)
    return names, given.labels and native.texts(texts_of(given.labels, nodes, "labels", names))
end

--- A graph from arrays: `from` and `to` hold node numbers from 1, `weights` (may be nil) a number an edge; tables or
--- views. For graphs that a program makes. Options: names (distinct; "1", "2", … unless given) and labels, a text a node.
function graph.new(nodes, from, to, weights, options)
    local count = type(nodes) == "number" and math.tointeger(nodes) -- 2.0 is 2
    if not count or count < 1 or count > counted.MOST then
        error(("graph.new needs 1 to %d nodes, not %s"):format(counted.MOST, tostring(nodes)), 2)
    end
    nodes = count
    if not is_column(from) or not is_column(to) or #from ~= #to or not is_column(weights or from) then
        error("graph.new needs arrays of the same length", 2)
    end
    check_tables(nodes, from, to, weights)
    local columns = { column(from, "u32", "from"), column(to, "u32", "to") }
    if weights then columns[3] = column(weights, "f64", "weights") end
    local names, labels = names_of(options, nodes)
    local input = { path = "graph.new", rows = native.rows(columns), from = 1, to = 2, weight = 3,
        weighted = weights and true or false, names = names, quiet = true }
    local g = made.graph(input)
    g.labels = labels
    return setmetatable(g, metatable)
end

return graph
