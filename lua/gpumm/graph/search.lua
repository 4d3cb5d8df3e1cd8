-- SPDX-License-Identifier: MIT
-- Neighbours, degrees, breadth-first distances and components of a graph, as its methods.

local adjacency = require "gpumm.graph.adjacency"
local columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"

local methods = {}

--- Neighbours of every node in one array: those of i are near[first[i]] to near[first[i + 1] - 1].
function methods:neighbours()
    local near, first = adjacency(self)
    return near:totable(), first:totable()
end

--- How many neighbours each node has.
function methods:degrees()
    if not self.degree then
        local from, to, nodes = columns(self)
        self.degree = native.degrees(from, to, nodes):totable()
    end
    return self.degree
end

--- Distances in edges from node `source`; -1 where there is no path.
function methods:bfs(source)
    source = type(source) == "number" and math.tointeger(source) or source
    if math.type(source) ~= "integer" or source < 1 or source > self.nodes then
        error(("bfs needs a node from 1 to %d, not %s"):format(self.nodes, tostring(source)), 2)
    end
    local near, first = adjacency(self)
    return native.bfs(near, first, source):totable()
end

--- The component of every node (numbered by first appearance), and the components' sizes.
function methods:components()
    local label, sizes = native.components(adjacency(self))
    return label:totable(), sizes:totable()
end

return methods
