-- SPDX-License-Identifier: MIT
-- Graphs whose layout needs no forces: without edges, complete, or of three nodes at most. All nodes are alike in the first
-- two: they fill a disc (a ball) evenly.

local closed = {}

local GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

-- A sunflower: node i at the radius within which i others have room.
local function disc(n)
    local values = {}
    for i = 0, n - 1 do
        local radius, angle = math.sqrt((i + 0.5) / math.pi), i * GOLDEN_ANGLE
        values[2 * i + 1], values[2 * i + 2] = radius * math.cos(angle), radius * math.sin(angle)
    end
    return values
end

-- Its like in space: heights in an order that has nothing to do with the radius.
local function ball(n)
    local values = {}
    for i = 0, n - 1 do
        local radius, angle = ((i + 0.5) * 3 / (4 * math.pi)) ^ (1 / 3), i * GOLDEN_ANGLE
        local z = 2 * ((i + 0.5) * math.sqrt(2) % 1) - 1
        local flat = math.sqrt(1 - z * z)
        values[3 * i + 1], values[3 * i + 2] = radius * flat * math.cos(angle), radius * flat * math.sin(angle)
        values[3 * i + 3] = radius * z
    end
    return values
end

local function in_space(values)
    local all = {}
    for i = 1, #values // 2 do all[3 * i - 2], all[3 * i - 1], all[3 * i] = values[2 * i - 1], values[2 * i], 0.0 end
    return all
end

-- Two or three nodes, connected: a line with the hub in the middle, or a triangle.
local function few(graph)
    if graph.nodes == 2 then return { -0.5, 0, 0.5, 0 } end
    if (graph.edges or #graph.from) == 3 then return { -0.5, 0, 0.5, 0, 0, math.sqrt(0.75) } end
    local degree, values, x = { 0, 0, 0 }, {}, -1
    for e = 1, 2 do
        for _, i in ipairs { graph.from[e], graph.to[e] } do degree[i] = degree[i] + 1 end
    end
    for i = 1, 3 do
        values[2 * i - 1], values[2 * i] = 0, 0
        if degree[i] == 1 then values[2 * i - 1], x = x, 1 end
    end
    return values
end

-- Edges are simple: a graph merges those of the same two nodes.
local function is_complete(graph, m) return not graph.weights and 2 * m == graph.nodes * (graph.nodes - 1) end

--- The positions as a flat list; nil where it takes forces.
function closed.positions(graph, dimensions)
    local n, m = graph.nodes, graph.edges or #graph.from
    if n <= 3 and m > 0 and m >= n - 1 then
        local values = few(graph)
        return dimensions == 3 and in_space(values) or values
    end
    if m > 0 and not is_complete(graph, m) then return nil end
    return dimensions == 3 and ball(n) or disc(n)
end

return closed
