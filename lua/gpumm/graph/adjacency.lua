-- SPDX-License-Identifier: MIT
-- A graph's rows of neighbours as views, made once a graph.

local columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"

--- near (u32) and first (i64): the neighbours of i are near[first[i]] to near[first[i + 1] - 1].
return function(graph)
    if not graph.near then
        local from, to, nodes = columns(graph)
        graph.near, graph.first = native.neighbours(from, to, nodes)
    end
    return graph.near, graph.first
end
