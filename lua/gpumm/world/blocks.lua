-- SPDX-License-Identifier: MIT
-- Nodes in blocks of about the same work. A block ends where its part of the work does, found by halving, so that a graph of any
-- size costs a few looks.

local function check(row, node, align)
    local kind = type(row)
    if kind ~= "table" and kind ~= "userdata" or #row < 1 then
        error("world.blocks needs where rows begin and the last one ends, a list or a view", 3)
    end
    if type(node) ~= "number" or not (node >= 0 and node < math.huge) then
        error("world.blocks: what a node costs is a number from 0", 3)
    end
    if math.type(align) ~= "integer" or align < 1 then error("world.blocks: align is a whole number from 1", 3) end
end

--- parts + 1 numbers of nodes, from 1 to #row.
return function(row, parts, node, align)
    check(row, node, align)
    local nodes, first = #row - 1, row[1]
    local function work(i) return row[i] - first + node * (i - 1) end -- of the nodes before node i
    local all, bounds = work(nodes + 1), { 1 }
    for k = 1, parts - 1 do
        local low, high = bounds[k], nodes + 1
        while low < high do -- the first node before which there is enough
            local middle = (low + high) // 2
            if work(middle) * parts < all * k then low = middle + 1 else high = middle end
        end
        local rounded = (low - 1 + align // 2) // align * align + 1
        bounds[k + 1] = math.max(bounds[k], math.min(rounded, nodes + 1))
    end
    bounds[parts + 1] = nodes + 1
    return bounds
end
