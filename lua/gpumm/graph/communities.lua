-- SPDX-License-Identifier: MIT
-- Communities of a graph, by Louvain's modularity method.

local methods = {}

-- One level of Louvain's method: every node moves to the neighbouring community that gains most
-- modularity, until few move. Rows are lists { node, weight, node, weight, … }.
local function move_nodes(rows, strength, total)
    local count = #rows
    local label, inside = {}, {}
    for i = 1, count do label[i], inside[i] = i, strength[i] end
    for _ = 1, 10 do
        local moved = 0
        for i = 1, count do
            local row, links, order = rows[i], {}, {}
            for k = 1, #row, 2 do
                local c = label[row[k]]
                if row[k] ~= i then
                    if not links[c] then order[#order + 1] = c end
                    links[c] = (links[c] or 0) + row[k + 1]
                end
            end
            local own, s = label[i], strength[i]
            inside[own] = inside[own] - s
            local best, gain = own, (links[own] or 0) - s * inside[own] / total
            for k = 1, #order do
                local c = order[k]
                local other = links[c] - s * inside[c] / total
                if other > gain + 1e-9 then best, gain = c, other end
            end
            inside[best] = inside[best] + s
            if best ~= own then label[i], moved = best, moved + 1 end
        end
        if moved * 100 <= count then break end
    end
    return label
end

-- Communities become the nodes of the next, smaller graph.
local function contract(rows, strength, label)
    local number, count, sums, coarse_strength = {}, 0, {}, {}
    for i = 1, #rows do
        local c = number[label[i]]
        if not c then
            count = count + 1
            c, number[label[i]], sums[count], coarse_strength[count] = count, count, {}, 0
        end
        label[i] = c
        coarse_strength[c] = coarse_strength[c] + strength[i]
    end
    local coarse = {}
    for c = 1, count do coarse[c] = {} end
    for i = 1, #rows do
        local row, c = rows[i], label[i]
        for k = 1, #row, 2 do
            local d = label[row[k]]
            local at = sums[c][d]
            if at then
                coarse[c][at] = coarse[c][at] + row[k + 1]
            else
                local new = coarse[c]
                new[#new + 1], new[#new + 2] = d, row[k + 1]
                sums[c][d] = #new
            end
        end
    end
    return coarse, coarse_strength
end

-- Labels in the order of size, the largest 1; ties by first appearance.
local function by_size(label)
    local size, order, rank = {}, {}, {}
    for i = 1, #label do
        local c = label[i]
        if not size[c] then size[c], order[#order + 1] = 0, c end
        size[c] = size[c] + 1
    end
    local seen = {}
    for k, c in ipairs(order) do seen[c] = k end
    table.sort(order, function(a, b)
        if size[a] ~= size[b] then return size[a] > size[b] end
        return seen[a] < seen[b]
    end)
    local sizes = {}
    for k, c in ipairs(order) do rank[c], sizes[k] = k, size[c] end
    for i = 1, #label do label[i] = rank[label[i]] end
    return label, sizes
end

--- The community of every node (1 is the largest), and their sizes: Louvain's modularity method.
function methods:communities()
    local near, first = self:neighbours()
    local rows, strength, label = {}, {}, {}
    for i = 1, self.nodes do
        local row = {}
        for k = first[i], first[i + 1] - 1 do row[#row + 1], row[#row + 2] = near[k], 1 end
        rows[i], strength[i], label[i] = row, #row // 2, i
    end
    local total = math.max(2 * self.edges, 1)
    repeat
        local before = #rows
        local coarse = move_nodes(rows, strength, total)
        rows, strength = contract(rows, strength, coarse)
        for i = 1, self.nodes do label[i] = coarse[label[i]] end
    until #rows == before
    return by_size(label)
end

return methods
