-- SPDX-License-Identifier: MIT
-- A scene as shapes: edges, arrows, nodes, labels and a legend, one after the other, by any pen that has them.

local labels = require "gpumm.picture.labels"
local legend = require "gpumm.picture.legend"
local native = require "gpumm.layout.native"

local vector = {}

local PLAINEST = 0.03 -- the least that an edge is seen

--- The color of text on a background.
function vector.ink(background)
    local light = 0.3 * background[1] + 0.6 * background[2] + 0.1 * background[3]
    return light > 0.5 and { 0.08, 0.09, 0.12 } or { 0.93, 0.94, 0.97 }
end

-- How long the head of an arrow is at the end of an edge of that width.
local function head_of(scene, width) return scene.few * math.max(5, scene.unit * (6 + 2.2 * width)) end

local function color_at(rgba, i) return rgba[4 * i - 3], rgba[4 * i - 2], rgba[4 * i - 1] end

-- Of an edge from (ax, ay) to the rim of a node at (bx, by): the tip, and the middle of the head's back.
local function arrow_of(scene, ax, ay, bx, by, radius, width)
    local dx, dy = bx - ax, by - ay
    local length = math.sqrt(dx * dx + dy * dy)
    local rest = length - radius
    local head = math.min(head_of(scene, width), 0.7 * rest)
    if head < 1 then return nil end
    dx, dy = dx / length, dy / length
    local tx, ty = bx - dx * radius, by - dy * radius
    return tx, ty, tx - dx * head, ty - dy * head, dx * 0.38 * head, dy * 0.38 * head
end

-- In steps: every other one is an object of its own in a PDF.
local function alpha_of(strength, base)
    local alpha = strength < 0 and math.max(-0.8 * strength, base) or base * strength
    return math.floor(math.max(PLAINEST, math.min(0.85, alpha)) * 50 + 0.5) / 50
end

-- Calls put(ax, ay, bx, by, width, alpha, a, b) for every edge.
local function each_edge(scene, put)
    local edges, places = scene.edges, scene.places
    local base = math.min(0.9, 40 / math.sqrt(edges.count + 1))
    for e = 1, edges.count do
        local a, b = string.unpack("=I4I4", edges.ends, 8 * e - 7)
        local width, strength = edges.looks:get(e)
        local ax, ay = places:get(a + 1)
        local bx, by = places:get(b + 1)
        put(ax, ay, bx, by, width, alpha_of(strength, base), a + 1, b + 1)
    end
end

local function draw_edges(scene, pen)
    local rgba = scene.rgba
    pen:group "edges"
    each_edge(scene, function(ax, ay, bx, by, width, alpha, a, b)
        local r, g, l = color_at(rgba, a)
        local r2, g2, l2 = color_at(rgba, b)
        if scene.arrows then -- the line ends where the head begins
            local _, _, x, y = arrow_of(scene, ax, ay, bx, by, scene.radius[b], width)
            if x then bx, by = x, y end
        end
        pen:color((r + r2) / 2, (g + g2) / 2, (l + l2) / 2, alpha)
        pen:line(ax, ay, bx, by, width * scene.unit)
    end)
end

local function draw_arrows(scene, pen)
    pen:group "arrows"
    each_edge(scene, function(ax, ay, bx, by, width, alpha, _, b)
        local tx, ty, x, y, dx, dy = arrow_of(scene, ax, ay, bx, by, scene.radius[b], width)
        if not tx then return end
        local r, g, l = color_at(scene.rgba, b)
        pen:color(r, g, l, math.min(1, alpha + 0.15))
        pen:triangle(tx, ty, x - dy, y + dx, x + dy, y - dx)
    end)
end

-- Far ones first; where nothing is far, large ones first, so that none hides a smaller one.
local function order_of(scene)
    local order, key = {}, scene.near and scene.near:totable() or scene.radius
    local sign = scene.near and 1 or -1
    for i = 1, scene.count do order[i] = i end
    table.sort(order, function(a, b)
        if key[a] ~= key[b] then return sign * key[a] < sign * key[b] end
        return a < b
    end)
    return order
end

local function draw_nodes(scene, pen, names)
    pen:group "nodes"
    for _, i in ipairs(order_of(scene)) do
        local x, y = scene.places:get(i)
        local r, g, b = color_at(scene.rgba, i)
        pen:node(x, y, scene.radius[i], scene.ring, r, g, b, names and names[i])
    end
end

--- What is written beside and about the nodes, laid out by what `pen` measures: nil where nothing is asked for.
function vector.texts(scene, request, pen)
    local made = {}
    if request.legend then
        made.legend = legend.layout(scene, type(request.legend) == "string" and request.legend or nil, pen)
    end
    if request.labels > 0 then
        made.labels = labels.place(scene, request.names, request.labels, pen, made.legend and made.legend.box)
    end
    return made
end

--- Draws what vector.texts has laid out.
function vector.draw_texts(scene, made, pen)
    local ink, back = vector.ink(scene.background), scene.background
    if made.legend then
        pen:group "legend"
        pen:halo(0, 0, 0, 0)
        legend.draw(made.legend, scene, pen, ink)
    end
    if made.labels then
        pen:group "labels"
        pen:color(ink[1], ink[2], ink[3], 1)
        for _, label in ipairs(made.labels) do
            pen:halo(back[1], back[2], back[3], label.size / 7)
            pen:text(label.x, label.baseline, label.text, label.size, label.width)
        end
    end
end

--- Draws all of a scene. `measure` is a pen that measures text, nil where none is asked for.
function vector.draw(scene, request, pen, measure)
    pen:background(scene.background)
    if scene.edges then draw_edges(scene, pen) end
    if scene.edges and scene.arrows then draw_arrows(scene, pen) end
    draw_nodes(scene, pen, request.names)
    if measure then vector.draw_texts(scene, vector.texts(scene, request, measure), pen) end
end

--- A pen that measures alone.
function vector.measure() return native.pen_pixels(1, 1) end

return vector
