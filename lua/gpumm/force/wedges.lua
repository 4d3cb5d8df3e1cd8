-- SPDX-License-Identifier: MIT
-- A start for a tree: without crossings. Each node has a wedge about the middle, as wide as its share of the leaves, and is as
-- far from the middle as in the tree.

local kernels = require "gpumm.force.kernels"
local native = require "gpumm.layout.native"
local part = require "gpumm.force.part"

local need = kernels.need
local wedges = {}

-- Nodes from `root` on, nearest first, each one's parent (-1: the root's), and which entry of the rows leads to it.
local function outwards(row, near, root)
    local order, parent, entry = { root }, { [root] = -1 }, {}
    local head = 1
    while head <= #order do
        local i = order[head]
        head = head + 1
        for k = row[i + 1] + 1, row[i + 2] do
            local j = near[k]
            if j ~= parent[i] then parent[j], entry[j], order[#order + 1] = i, k, j end
        end
    end
    return order, parent, entry
end

-- For each node the sum of `own` over itself and what is behind it.
local function sums(order, parent, own)
    local sum = {}
    for k = #order, 1, -1 do
        local i = order[k]
        sum[i] = (sum[i] or 0) + own(i, sum[i])
        local up = parent[i]
        if up >= 0 then sum[up] = (sum[up] or 0) + sum[i] end
    end
    return sum
end

-- The node from which no branch has more than half of the tree.
local function middle_of(row, near, any)
    local order, parent = outwards(row, near, any)
    local size, n = sums(order, parent, function() return 1 end), #order
    local middle = any
    for k = 2, n do
        if 2 * size[order[k]] >= n then middle = order[k] end -- these are one path, and come in its order
    end
    return middle
end

--- `count` of a tree's nodes, evenly: every so many of those that one meets who follows each branch to its ends.
function wedges.evenly(task, members, count)
    local now, first = task.rows.now, members and members[1] or 0
    local row, near = part.adjacency_of(task)
    local stack, parent, some, met = { first }, { [first] = -1 }, {}, 0
    local step = (members and #members or now.n) / count
    while #stack > 0 do
        local i = table.remove(stack)
        if met >= (#some + 0.5) * step // 1 then some[#some + 1] = i end
        met = met + 1
        for k = row[i + 1] + 1, row[i + 2] do
            local j = near[k]
            if j ~= parent[i] then parent[j], stack[#stack + 1] = i, j end
        end
    end
    return some
end

-- How many entries the rows of these have: a list, or a view of many.
local function entries_of(row, members)
    if type(members) ~= "table" then return native.entries(row, members) end
    local entries = 0
    for _, i in ipairs(members) do entries = entries + row[i + 2] - row[i + 1] end
    return entries
end

--- Is the component of these nodes (nil: the whole) a tree?
function wedges.is_tree(task, members)
    local now = task.rows.now
    if not members then return now.m == now.n - 1 end
    task.row = task.row or task.rows.part:starts(now)
    return entries_of(task.row, members) == 2 * (#members - 1)
end

-- How far from its own angle the children of a node may be whose edges are at least so long: one that leaves its circle at a
-- flatter angle cuts through it.
local function flattest(depth, shortest) return depth == 0 and math.pi or math.acos(depth / (depth + shortest)) end

-- The shortest edge from each node outwards.
local function shortest_of(order, parent, length)
    local shortest = {}
    for _, i in ipairs(order) do
        local up = parent[i]
        if up >= 0 then shortest[up] = math.min(shortest[up] or math.huge, length(i)) end
    end
    return shortest
end

-- Places a tree's nodes, from the root on; each shares its wedge among its children, as `leaves` says.
local function spread(order, parent, leaves, length, set)
    local low, per_leaf, depth = { [order[1]] = -math.pi }, {}, { [order[1]] = 0 } -- where the wedge of its next child begins
    local width, shortest = { [order[1]] = 2 * math.pi }, shortest_of(order, parent, length)
    for _, i in ipairs(order) do
        local up = parent[i]
        if up >= 0 then
            low[i], width[i], depth[i] = low[up], leaves[i] * per_leaf[up], depth[up] + length(i)
            low[up] = low[up] + width[i]
        end
        local at, most = low[i] + width[i] / 2, flattest(depth[i], shortest[i] or 1)
        set(i, depth[i] * math.cos(at), depth[i] * math.sin(at))
        width[i] = math.min(width[i], 2 * most)
        low[i], per_leaf[i] = at - width[i] / 2, width[i] / leaves[i]
    end
end

--- Places a tree, whose nodes from 0 are the list or view `members` (nil: all), in the plane, by set(node, x, y).
function wedges.place(task, members, set)
    local row, near = part.adjacency_of(task)
    if task.rows.lengths then task.pulls = task.pulls or need(task.rows.part:pulls(task.rows.now)) end
    local pull = task.pulls
    local order, parent, entry = outwards(row, near, middle_of(row, near, members and members[1] or 0))
    local leaves = sums(order, parent, function(_, behind) return behind and 0 or 1 end)
    local function length(i) return pull and 1 / pull[entry[i]] or 1 end
    spread(order, parent, leaves, length, set)
end

return wedges
