-- SPDX-License-Identifier: MIT
-- Communities of a graph, by Louvain's modularity method.

local columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"

local methods = {}

--- The community of every node (1 is the largest), and their sizes: Louvain's modularity method, by the weights' sizes
--- where there are weights.
function methods:communities()
    local label, sizes = native.communities(columns(self))
    return label:totable(), sizes:totable()
end

return methods
