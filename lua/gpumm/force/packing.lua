-- Packs components side by side: each in its circle (ball), the largest in the middle, the others where there
-- is room nearest to it, found on a coarse raster.

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local packing = {}

local GAP = 1.0 -- between two circles, in edge lengths

-- The centre and the radius of a component.
local function circle(positions, list, d)
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
    return { centre = centre, radius = math.sqrt(radius) }
end

local GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

-- The free circle nearest to the middle along a sunflower's seats; what is placed is looked up by raster cell.
local Raster = {}
Raster.__index = Raster

function Raster:cells(x, y, r)
    local s = self.size
    return math.floor((x - r) / s), math.floor((x + r) / s), math.floor((y - r) / s), math.floor((y + r) / s)
end

function Raster:is_free(x, y, r)
    local x0, x1, y0, y1 = self:cells(x, y, r)
    for cx = x0, x1 do
        for cy = y0, y1 do
            for _, other in ipairs(self[cx << 32 ~ (cy & 0xffffffff)] or {}) do
                local apart = r + other.radius
                if (x - other.x) ^ 2 + (y - other.y) ^ 2 < apart * apart then return false end
            end
        end
    end
    return true
end

function Raster:take(x, y, r)
    local x0, x1, y0, y1 = self:cells(x, y, r)
    local circle_here = { x = x, y = y, radius = r }
    for cx = x0, x1 do
        for cy = y0, y1 do
            local key = cx << 32 ~ (cy & 0xffffffff)
            self[key] = self[key] or {}
            table.insert(self[key], circle_here)
        end
    end
end

-- Circles come in the order of size. Much smaller ones get closer seats, from the rim of the largest one on: they
-- fill what the greater ones left free.
local function seats(circles)
    local raster = setmetatable({ size = math.max(circles[1].radius / 16, 2 * GAP) }, Raster)
    local seat, unit = 0, nil
    for k, c in ipairs(circles) do
        local r = c.radius + GAP / 2
        if not unit or r < 0.7 * unit then
            unit = r
            seat = math.floor((circles[1].radius / unit) ^ 2)
        end
        local x, y = 0, 0
        while k > 1 do
            seat = seat + 1
            local radius, angle = unit * math.sqrt(seat), seat * GOLDEN_ANGLE
            x, y = radius * math.cos(angle), radius * math.sin(angle)
            if raster:is_free(x, y, r) then break end
        end
        raster:take(x, y, r)
        c.x, c.y = x, y
    end
end

--- Moves the components, lists of nodes from 0 with the largest first, to where they do not overlap.
function packing.pack(task, lists)
    local d, manager = task.dimensions, task.manager
    local positions = need(task.position:download(1, task.n))
    local circles, groups, by = {}, {}, {}
    for k, list in ipairs(lists) do circles[k] = circle(positions, list, d) end
    local order = table.move(circles, 1, #circles, 1, {})
    table.sort(order, function(a, b) return a.radius > b.radius end)
    seats(order)
    for k, list in ipairs(lists) do
        local c = circles[k]
        by[#by + 1], by[#by + 2] = c.x - c.centre[1], c.y - c.centre[2]
        if d == 3 then by[#by + 1] = -c.centre[3] end
        for _, i in ipairs(list) do groups[i + 1] = k - 1 end
    end
    local group <close> = buffer(manager, "u32", task.n)
    local shift <close> = buffer(manager, "f32x" .. d, #lists)
    need(group:upload(groups))
    need(shift:upload(by))
    need(task.run.shift(task.n, group, shift, task.position))
end

return packing
