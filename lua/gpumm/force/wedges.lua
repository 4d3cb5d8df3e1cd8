-- SPDX-License-Identifier: MIT
-- A start for a tree: without crossings. Each node has a wedge about the middle, as wide as its share of the leaves, and is as
-- far from the middle as in the tree.

local kernels = require "gpumm.force.kernels"

local need = kernels.need
local wedges = {}

-- Nodes from `root` on, nearest first, and each one's parent (-1: the root's).
local function outwards(row, near, root)
    local order, parent = { root }, { [root] = -1 }
    local head = 1
    while head <= #order do
        local i = order[head]
        head = head + 1
        for k = row[i + 1] + 1, row[i + 2] do
            local j = near[k]
            if j ~= parent[i] then parent[j], order[#order + 1] = i, j end
        end
    end
    return order, parent
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

--- Is the component of these nodes (nil: the whole) a tree?
function wedges.is_tree(task, members)
    local now = task.rows.now
    if not members then return now.m == now.n - 1 end
    task.row = task.row or need(task.rows.part:starts(now))
    local entries = 0
    for _, i in ipairs(members) do entries = entries + task.row[i + 2] - task.row[i + 1] end
    return entries == 2 * (#members - 1)
end

--- Writes the positions of a tree, whose nodes from 0 are the list `members` (nil: all), to task.position, in the plane.
function wedges.place(task, members)
    local now = task.rows.now
    if not task.near then task.row, task.near = task.rows.part:adjacency(now) end
    local row, near = task.row, task.near
    local order, parent = outwards(row, near, middle_of(row, near, members and members[1] or 0))
    local leaves = sums(order, parent, function(_, behind) return behind and 0 or 1 end)
    local values, from, depth = need(task.position:download(1, task.n)), { [order[1]] = 0 }, { [order[1]] = 0 }
    local angle = 2 * math.pi / leaves[order[1]]
    local next = { [order[1]] = 0 } -- where the wedge of its next child begins
    for _, i in ipairs(order) do
        local up = parent[i]
        if up >= 0 then
            from[i], depth[i] = next[up], depth[up] + 1
            next[up], next[i] = next[up] + leaves[i], next[up]
        end
        local at = (from[i] + leaves[i] / 2) * angle
        local x, y = depth[i] * math.cos(at), depth[i] * math.sin(at)
        values:set(i + 1, x, y)
    end
    need(task.position:upload(values))
end

return wedges
