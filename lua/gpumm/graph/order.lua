-- SPDX-License-Identifier: MIT
-- In which order a graph that grows node by node gets its edges.

local columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"

--- The numbers of the edges in the order of the nodes that complete them, and where each node's begin (one more at the
--- end); in the file's order within each.
return function(graph)
    local from, to, nodes = columns(graph)
    return native.by_last(from, to, nodes)
end
