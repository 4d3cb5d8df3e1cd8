-- SPDX-License-Identifier: MIT
-- A graph's ends and weights as views, also where a program has put tables in their place.

local gpumm = require "gpumm"

local function column(kind, values)
    if values == nil or type(values) == "userdata" then return values end
    return gpumm.view(kind, values)
end

--- from, to, how many nodes, and weights (nil: none), as the native functions take them.
return function(graph)
    return column("u32", graph.from), column("u32", graph.to), graph.nodes, column("f64", graph.weights)
end
