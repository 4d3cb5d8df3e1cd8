-- SPDX-License-Identifier: MIT
-- Nodes that have a place before a layout: pinned ones, and those of an earlier run.

local gpumm = require "gpumm"
local native = require "gpumm.layout.native"

local kept = {}

local HOLD = 0.2    -- of the way back to its place that a node is drawn in a step
local GENTLE = 1    -- how far a node may move at first, where the layout is mostly there

-- Puts what a file has for nodes of this graph into `points`; the list of those nodes, and the names that are no node's.
local function read(path, graph, dimensions, points)
    local view, has, strangers = gpumm.graph.positions(path, graph, { some = true })
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
    return found, strangers
end

-- A name that is spelled otherwise pins nothing; the file may also be of a graph that had more nodes, so that it is no error.
local function say_strangers(path, strangers)
    if #strangers == 0 then return end
    native.say(("%s: %d of its names are no nodes of the graph, and pin nothing: %q%s"):format(path, #strangers, strangers[1],
        #strangers > 1 and " is the first" or ""), "warning")
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
    if options.pinned ~= "" then
        local strangers
        of.pinned, strangers = read(options.pinned, graph, options.dimensions, of.positions)
        say_strangers(options.pinned, strangers)
    end
end

return kept
