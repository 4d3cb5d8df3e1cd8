-- SPDX-License-Identifier: MIT
-- What is in a picture, in pixels: nodes, edges and what they look like, whatever it is drawn with.

local gpumm = require "gpumm"
local colors = require "gpumm.picture.colors"
local edge_columns = require "gpumm.graph.edge_columns"
local frame = require "gpumm.picture.frame"
local listed = require "gpumm.common.listed"
local native = require "gpumm.layout.native"

local scene = {}

local THINNEST, THICKEST = 0.7, 6  -- how wide edges of weights are, as times a plain one
local REACH = 0.05                 -- of the width: how long an edge is that is half as strong as a short one
local FADED = 0.4                  -- of its color is what is farthest away

-- ---- Nodes ---------------------------------------------------------------------------------------------

-- What sizes are asked for, as if they were degrees: the largest is drawn as the largest degree would be.
local function as_degrees(given, degree, count)
    local sizes = listed(given)
    if not sizes then error("sizes are a list or a column, not " .. tostring(given), 0) end
    local most, largest, out = 1, 0, {}
    if #sizes ~= count then error(("there are %d sizes for %d positions"):format(#sizes, count), 0) end
    for i = 1, count do
        local size = sizes[i]
        if type(size) ~= "number" or not (size >= 0 and size < math.huge) then
            error(("size %d is a number from 0, not %s"):format(i, tostring(size)), 0)
        end
        most, largest = math.max(most, degree[i]), math.max(largest, size)
    end
    for i = 1, count do out[i] = largest > 0 and sizes[i] / largest * most or most end
    return out
end

-- Radii in the positions' units, and the largest.
local function check_radii(given, count)
    local list, most = listed(given), 0
    if not list then error("radii are a list or a column, not " .. tostring(given), 0) end
    if #list ~= count then error(("there are %d radii for %d positions"):format(#list, count), 0) end
    for i = 1, count do
        if type(list[i]) ~= "number" or not (list[i] >= 0 and list[i] < math.huge) then
            error(("radius %d is a number from 0, not %s"):format(i, tostring(list[i])), 0)
        end
        most = math.max(most, list[i])
    end
    return list, most
end

-- Drawn to scale, but so that each is seen.
local function to_scale(list, count, scale)
    local radius = {}
    for i = 1, count do radius[i] = math.max(0.6, list[i] * scale) end
    return radius
end

-- The area grows with the degree; in a picture of many nodes all are smaller, and in a small picture
-- none is too small to be seen.
local function radii(degree, count, width, height)
    local unit = math.min(width, height) / 1200
    if unit < 1 then unit = math.sqrt(unit) end
    local crowd = math.max(0.2, math.min((5000 / count) ^ (count > 5000 and 0.4 or 0.25), 6))
    local radius = {}
    for i = 1, count do
        radius[i] = math.max(0.6, unit * crowd * math.min(1.2 + 0.45 * math.sqrt(degree[i]), 16))
    end
    return radius, 1.2 * unit * math.min(crowd, 1.5), unit
end

-- What is far away is smaller, and nearly as the background is.
local function fade(made)
    local rgba, back = made.rgba, made.background
    for i = 1, made.count do
        local near = made.near[i]
        made.radius[i] = math.max(0.6, made.radius[i] * frame.enlarged(near))
        local part = FADED + (1 - FADED) * near
        for c = 1, 3 do
            local at = 4 * i - 4 + c
            rgba[at] = back[c] + part * (rgba[at] - back[c])
        end
    end
end

-- ---- Edges ---------------------------------------------------------------------------------------------

local function check_width(value, e)
    if type(value) == "number" and value >= 0 and value < math.huge then return value end
    error(("the width of edge %d is a number from 0, not %s"):format(e, tostring(value)), 0)
end

-- The heaviest is THICKEST wide; areas go by weights, as those of nodes do by degrees.
local function relative_widths(list, count)
    local least, most, out = math.huge, 0, {}
    for e = 1, count do
        local value = check_width(list[e], e)
        least, most = math.min(least, value), math.max(most, value)
    end
    if most <= least then return nil end
    for e = 1, count do out[e] = math.max(THINNEST, THICKEST * math.sqrt(list[e] / most)) end
    return out
end

-- Of the edges that are shown: those whose ends both have a place.
local function shown_values(graph, values, count)
    local list, out = listed(values), {}
    if not list then error("widths are a list or a column, not " .. tostring(values), 0) end
    if #list ~= graph.edges then error(("there are %d widths for %d edges"):format(#list, graph.edges), 0) end
    local from, to = graph.from, graph.to
    for e = 1, graph.edges do
        if from[e] <= count and to[e] <= count then out[#out + 1] = list[e] end
    end
    return out
end

-- Weights below 0 say nothing about a width.
local function is_weight(list)
    for e = 1, #list do
        if not (list[e] >= 0 and list[e] < math.huge) then return false end
    end
    return true
end

local function widths_of(options, count)
    local graph, values = options.graph, options.widths
    if values == nil then values = graph.weights end
    if not values or graph.edges == 0 then return nil end
    local list = shown_values(graph, values, count)
    if options.widths == nil and not is_weight(list) then return nil end
    local widths = relative_widths(list, #list)
    return widths and gpumm.view("f32", widths)
end

local function add_edges(made, options)
    local from, to, nodes = edge_columns(options.graph)
    local ends, count = native.ends(from, to, nodes, made.count, false)
    local widths = widths_of(options, made.count)
    if count == 0 then return end
    local looks = native.looks(made.places, ends, widths, made.width, made.height, REACH * made.width)
    made.few = math.max(0.3, math.min((5000 / count) ^ 0.25, 1)) -- how large the heads of so many arrows are
    made.edges = { ends = ends, count = count, looks = looks }
    made.arrows = options.arrows
    if made.arrows == nil then made.arrows = options.graph.directed == true end
end

--- The scene of picture.write's options, checked as far as they say how large it is: { width, height, count, places, near,
--- rgba, legend, background, radius, sizes, ring, unit, edges, arrows }.
--- `unfaded`: what is far has its own color and size.
function scene.of(options, positions, width, height, unfaded)
    local count = #positions
    local made = { width = width, height = height, count = count, background = colors.background(options.background) }
    local own, most = options.radii, 0
    if own then own, most = check_radii(own, count) end
    local places, near, scale = frame.place(positions, width, height, options.turn, most)
    made.places, made.near = places, near
    local degree = colors.degrees(options.graph, count)
    if #degree < count then error(("there are %d positions for a graph of %d nodes"):format(count, #degree), 0) end
    made.sizes = own or options.sizes and as_degrees(options.sizes, degree, count) or degree
    made.radius, made.ring, made.unit = radii(own and degree or made.sizes, count, width, height)
    if own then made.radius = to_scale(own, count, scale) end
    made.rgba, made.legend = colors.of_nodes(options, degree, count)
    if made.near and not unfaded then fade(made) end
    if options.graph then add_edges(made, options) end
    return made
end

return scene
