-- SPDX-License-Identifier: MIT
-- Packs components side by side: the largest in the middle, the others where there is room nearest to it. What is
-- placed is found on a coarse raster.

local kernels = require "gpumm.force.kernels"
local outline = require "gpumm.force.outline"

local need, buffer = kernels.need, kernels.buffer
local packing = {}

local GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

-- Discs that are placed, by raster cell.
local Raster = {}
Raster.__index = Raster

function Raster:cells(x, y, r)
    local s = self.size
    return math.floor((x - r) / s), math.floor((x + r) / s), math.floor((y - r) / s), math.floor((y + r) / s)
end

local function key_of(x, y) return x << 32 ~ (y & 0xffffffff) end

function Raster:is_free(x, y, r)
    local x0, x1, y0, y1 = self:cells(x, y, r)
    for cx = x0, x1 do
        for cy = y0, y1 do
            for _, other in ipairs(self[key_of(cx, cy)] or {}) do
                local apart = r + other.radius
                if (x - other.x) ^ 2 + (y - other.y) ^ 2 < apart * apart then return false end
            end
        end
    end
    return true
end

function Raster:take(x, y, r)
    local x0, x1, y0, y1 = self:cells(x, y, r)
    local disc = { x = x, y = y, radius = r }
    for cx = x0, x1 do
        for cy = y0, y1 do
            local key = key_of(cx, cy)
            self[key] = self[key] or {}
            table.insert(self[key], disc)
        end
    end
end

local function fits(raster, shape, x, y, gap)
    for _, disc in ipairs(shape.discs) do
        if not raster:is_free(x + disc.x, y + disc.y, disc.radius + gap / 2) then return false end
    end
    return true
end

-- Between two components: an edge's length, or less where nodes are closer than that. Nodes alone have no closeness.
local function gap_beside(shape, nodes)
    if shape.radius == 0 then return 1 end
    return math.max(math.min(1, 2 * shape.radius / math.sqrt(nodes)), 1e-6)
end

-- Shapes come in the order of size, and try the seats of a sunflower. Much smaller ones get closer seats, from where
-- the largest leaves room on: they fill what the greater ones left free.
local function seat_all(shapes, gap)
    local first = shapes[1]
    local raster = setmetatable({ size = math.max(first.radius / 16, 2 * gap) }, Raster)
    local seat, unit = 0, nil
    for k, shape in ipairs(shapes) do
        local r = shape.radius + gap / 2
        if not unit or r < 0.7 * unit then
            unit = r
            seat = math.floor((first.inner / unit) ^ 2)
        end
        local x, y = 0, 0
        while k > 1 do
            seat = seat + 1
            local radius, angle = unit * math.sqrt(seat), seat * GOLDEN_ANGLE
            x, y = radius * math.cos(angle), radius * math.sin(angle)
            if fits(raster, shape, x, y, gap) then break end
        end
        for _, disc in ipairs(shape.discs) do raster:take(x + disc.x, y + disc.y, disc.radius + gap / 2) end
        shape.x, shape.y = x, y
    end
end

--- Moves the components, lists of nodes from 0 with the largest first, to where they do not overlap.
function packing.pack(task, lists)
    local d, manager = task.dimensions, task.manager
    local positions = need(task.position:download(1, task.n))
    local shapes, groups, by = {}, {}, {}
    for k, list in ipairs(lists) do shapes[k] = outline.of(positions, list, d) end
    local gap = gap_beside(shapes[1], #lists[1])
    local order = table.move(shapes, 1, #shapes, 1, {})
    table.sort(order, function(a, b) return a.radius > b.radius end)
    seat_all(order, gap)
    for k, list in ipairs(lists) do
        local shape = shapes[k]
        by[#by + 1], by[#by + 2] = shape.x - shape.centre[1], shape.y - shape.centre[2]
        if d == 3 then by[#by + 1] = -shape.centre[3] end
        for _, i in ipairs(list) do groups[i + 1] = k - 1 end
    end
    local group <close> = buffer(manager, "u32", task.n)
    local shift <close> = buffer(manager, "f32x" .. d, #lists)
    need(group:upload(groups))
    need(shift:upload(by))
    need(task.run.shift(task.n, group, shift, task.position))
end

return packing
