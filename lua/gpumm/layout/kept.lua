-- SPDX-License-Identifier: MIT
-- Nodes that have a place before a layout: pinned ones, and those of an earlier run.

local gpumm = require "gpumm"

local kept = {}

local HOLD = 0.2    -- of the way back to its place that a node is drawn in a step
local GENTLE = 1    -- how far a node may move at first, where the layout is mostly there

-- Puts what a file has for nodes of this graph into `points`; the list of those nodes.
local function read(path, graph, dimensions, points)
    local view, has = gpumm.graph.positions(path, graph, { some = true })
    local lanes = select("#", view:get(1))
    if lanes < dimensions then
        error(("%s has %d coordinates a node, and the layout has %d"):format(path, lanes, dimensions), 0)
    end
    local found = {}
    for i = 1, graph.nodes do
        if has[i] then
            points[i] = table.move({ view:get(i) }, 1, dimensions, 1, {})
            found[#found + 1] = i
        end
    end
    if #found == 0 then error(path .. ": none of its names is a node of the graph", 0) end
    return found
end

local function no_points(graph)
    local points = {}
    for i = 1, graph.nodes do points[i] = false end
    return points
end

--- Adds to the options `of` of force.layout what --positions-from and --pinned say.
function kept.apply(graph, options, of)
    if options.positions_from == "" and options.pinned == "" then return end
    of.positions = no_points(graph)
    if options.positions_from ~= "" then
        read(options.positions_from, graph, options.dimensions, of.positions)
        of.hold, of.limit = HOLD, GENTLE
    end
    if options.pinned ~= "" then of.pinned = read(options.pinned, graph, options.dimensions, of.positions) end
end

return kept
