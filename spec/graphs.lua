-- SPDX-License-Identifier: MIT
-- Graphs that several specs lay out.

local gpumm = require "gpumm"

local graphs = {}

--- A square grid of side x side nodes, row by row.
function graphs.grid(side)
    local from, to = {}, {}
    for i = 1, side * side do
        if i % side ~= 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
        if i <= side * (side - 1) then from[#from + 1], to[#to + 1] = i, i + side end
    end
    return gpumm.graph.new(side * side, from, to)
end

return graphs
