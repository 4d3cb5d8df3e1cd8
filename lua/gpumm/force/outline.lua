-- SPDX-License-Identifier: MIT
-- Where a component is, for packing: its centre, and discs about it that cover it. One disc where it is small or
-- round; else one a cell of a coarse raster, so that the room beside what is long and thin is not lost. What a component
-- surrounds counts as its own.

local outline = {}

local HALF = 24       -- cells of the raster from the centre to the border
local FEW = 64        -- nodes up to which a component is one disc
local ROUND = 0.6     -- of the circle: covered so far, a component is one disc as well

local function middle(positions, list, d)
    local centre, radius = {}, 0
    for k = 1, d do centre[k] = 0 end
    for _, i in ipairs(list) do
        local at = { positions:get(i + 1) }
        for k = 1, d do centre[k] = centre[k] + at[k] / #list end
    end
    for _, i in ipairs(list) do
        local at, square = { positions:get(i + 1) }, 0
        for k = 1, d do square = square + (at[k] - centre[k]) ^ 2 end
        radius = math.max(radius, square)
    end
    return centre, math.sqrt(radius)
end

local WIDTH = 2 * HALF + 5 -- two more on each side: for what is beside the nodes, and for the way around it

local function cell_at(x, y) return (y + HALF + 2) * WIDTH + x + HALF + 2 end

-- Cells with nodes, and those beside them, for edges lead there.
local function occupied(positions, list, centre, size)
    local cells = {}
    for _, i in ipairs(list) do
        local px, py = positions:get(i + 1)
        local x, y = math.floor((px - centre[1]) / size + 0.5), math.floor((py - centre[2]) / size + 0.5)
        for a = -1, 1 do
            for b = -1, 1 do cells[cell_at(x + a, y + b)] = true end
        end
    end
    return cells
end

-- The cells that can be reached from outside.
local function around(cells)
    local free, stack = { [0] = true }, { 0 }
    while #stack > 0 do
        local c = table.remove(stack)
        local x, y = c % WIDTH, c // WIDTH
        for _, step in ipairs { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } } do
            local u, v = x + step[1], y + step[2]
            local next = v * WIDTH + u
            if u >= 0 and v >= 0 and u < WIDTH and v < WIDTH and not free[next] and not cells[next] then
                free[next], stack[#stack + 1] = true, next
            end
        end
    end
    return free
end

-- A disc for every cell that is not free, and the distance from the centre to the nearest that is.
local function discs_of(free, size)
    local discs, inner = {}, math.huge
    for y = -HALF - 2, HALF + 2 do
        for x = -HALF - 2, HALF + 2 do
            if free[cell_at(x, y)] then inner = math.min(inner, size * math.sqrt(x * x + y * y))
            else discs[#discs + 1] = { x = x * size, y = y * size, radius = size * 0.71 } end
        end
    end
    return discs, inner
end

--- The outline of the nodes in `list` (from 0): { centre, radius, discs = { { x, y, radius }, … } from the centre,
--- inner = how far from the centre there is room }.
function outline.of(positions, list, d)
    local centre, radius = middle(positions, list, d)
    local whole = { centre = centre, radius = radius, discs = { { x = 0, y = 0, radius = radius } }, inner = radius }
    if #list <= FEW then return whole end
    local size = radius / HALF
    local discs, inner = discs_of(around(occupied(positions, list, centre, size)), size)
    if #discs > ROUND * math.pi * HALF * HALF then return whole end
    return { centre = centre, radius = radius, discs = discs, inner = inner }
end

return outline
