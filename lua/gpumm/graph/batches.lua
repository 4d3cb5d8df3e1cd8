-- SPDX-License-Identifier: MIT
-- A graph piece by piece, as raw columns for the buffers of a group.

local columns = require "gpumm.graph.edge_columns"
local gpumm = require "gpumm"
local native = require "gpumm.layout.native"

local methods = {}

--- The edges whose ends are both among the first `limit` nodes (all, without it) as pairs of u32 that
--- count from 0, in one raw string; and how many they are.
function methods:ends(limit)
    local from, to, nodes = columns(self)
    return native.ends(from, to, nodes, limit or nodes)
end

-- Positions as a view of vectors, whatever has them.
local function vectors(positions)
    if positions == nil or type(positions) == "userdata" then return positions end
    local list = {}
    for i = 1, #positions do
        local x, y = positions:get(i)
        list[i] = { x, y }
    end
    return gpumm.view("f64x2", list)
end

--- A function that hands out the graph `n` nodes at a time (0: all at once), in the order of their
--- numbers, and nil at the end. A batch is { nodes = columns, edges = columns, node_count,
--- edge_count, weights }: columns are raw strings by member name, ready for a group's `append`. An
--- edge comes with the later of its ends. Given a view of the positions so far, new nodes start
--- beside where their neighbours are now; otherwise beside where those started.
function methods:batches(n)
    n = math.tointeger(n or 0)
    if not n or n < 0 then error("batches needs how many nodes at a time, 0 for all", 2) end
    local pieces = native.batches(columns(self))
    return function(positions)
        local node_count, edge_count, position, mass, ends, weights = pieces:next(n, vectors(positions))
        if not node_count then return nil end
        return {
            nodes = { position = position, mass = mass }, node_count = node_count,
            edges = { ends = ends }, edge_count = edge_count, weights = weights,
        }
    end
end

return methods
