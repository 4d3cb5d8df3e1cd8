-- SPDX-License-Identifier: MIT
-- Neighbours, degrees, breadth-first distances and components of a graph, as its methods.

local methods = {}

--- Neighbours of every node in one array: those of i are near[first[i]] to near[first[i + 1] - 1].
function methods:neighbours()
    if self.near then return self.near, self.first end
    local from, to, nodes = self.from, self.to, self.nodes
    local first, near = {}, {}
    for i = 1, nodes + 1 do first[i] = 0 end
    for e = 1, #from do
        local a, b = from[e], to[e]
        first[a], first[b] = first[a] + 1, first[b] + 1
    end
    local total = 1
    for i = 1, nodes + 1 do
        total = total + first[i]
        first[i] = total -- the end of i's row; filling it downwards leaves its start
    end
    for k = 1, 2 * #from do near[k] = 0 end
    for e = #from, 1, -1 do
        local a, b = from[e], to[e]
        first[a], first[b] = first[a] - 1, first[b] - 1
        near[first[a]], near[first[b]] = b, a
    end
    self.near, self.first = near, first
    return near, first
end

--- How many neighbours each node has.
function methods:degrees()
    if self.degree then return self.degree end
    local _, first = self:neighbours()
    local degree = {}
    for i = 1, self.nodes do degree[i] = first[i + 1] - first[i] end
    self.degree = degree
    return degree
end

--- Distances in edges from node `source`; -1 where there is no path.
function methods:bfs(source)
    source = type(source) == "number" and math.tointeger(source) or source
    if math.type(source) ~= "integer" or source < 1 or source > self.nodes then
        error(("bfs needs a node from 1 to %d, not %s"):format(self.nodes, tostring(source)), 2)
    end
    local near, first = self:neighbours()
    local distance, queue, tail = {}, { source }, 1
    for i = 1, self.nodes do distance[i] = -1 end
    distance[source] = 0
    local head = 1
    while head <= tail do
        local i = queue[head]
        head = head + 1
        local further = distance[i] + 1
        for k = first[i], first[i + 1] - 1 do
            local j = near[k]
            if distance[j] < 0 then
                distance[j] = further
                tail = tail + 1
                queue[tail] = j
            end
        end
    end
    return distance
end

local function flood(near, first, label, start, name)
    local stack, top = { start }, 1
    label[start] = name
    local size = 0
    while top > 0 do
        local i = stack[top]
        top = top - 1
        size = size + 1
        for k = first[i], first[i + 1] - 1 do
            local j = near[k]
            if not label[j] then
                label[j] = name
                top = top + 1
                stack[top] = j
            end
        end
    end
    return size
end

--- The component of every node (numbered by first appearance), and the components' sizes.
function methods:components()
    local near, first = self:neighbours()
    local label, sizes = {}, {}
    for i = 1, self.nodes do
        if not label[i] then sizes[#sizes + 1] = flood(near, first, label, i, #sizes + 1) end
    end
    return label, sizes
end

return methods
