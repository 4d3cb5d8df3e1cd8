-- SPDX-License-Identifier: MIT
-- How far a layout's distances are from the graph's, without a device.

local adjacency = require "gpumm.graph.adjacency"
local chance = require "gpumm.common.chance"
local gpumm = require "gpumm"
local native = require "gpumm.layout.native"
local points = require "gpumm.common.points"

local methods = {}

local unit, unpack = chance.unit, table.unpack

-- Coordinates of every node as one array an axis, whatever the positions came in.
local function axes(self, positions)
    local x, y, z = {}, {}, {}
    if type(positions) == "table" and type(positions[1]) == "number" then
        for i = 1, self.nodes do x[i], y[i] = positions[2 * i - 1], positions[2 * i] end
    elseif type(positions) == "table" then
        for i = 1, math.min(self.nodes, #positions) do x[i], y[i], z[i] = unpack(positions[i]) end
    else
        positions = points("stress", positions, 3)
        for i = 1, math.min(self.nodes, #positions) do x[i], y[i], z[i] = positions:get(i) end
    end
    if #x < self.nodes or #y < self.nodes then
        error(("%d positions for %d nodes"):format(math.min(#x, #y), self.nodes), 3)
    end
    return x, y, z
end


-- What a layout with no idea would give: hashed positions in a square.
local function random_axes(nodes, seed)
    local x, y = {}, {}
    for i = 1, nodes do x[i], y[i] = unit(seed << 32 | 2 * i), unit(seed << 32 | 2 * i + 1) end
    return x, y, {}
end

local function f64(values, count) return #values == count and gpumm.view("f64", values) or nil end

-- 1 - (sum r)^2 / (|P| sum r^2), r = |xi - xj| / dij over the pairs of a pivot and a node it reaches.
local function scaled_stress(self, pivots, x, y, z)
    local near, first = adjacency(self)
    local sum, squares, count = native.stress(near, first, pivots, f64(x, self.nodes), f64(y, self.nodes), f64(z, self.nodes))
    if count == 0 then return 0 end
    if squares == 0 then return 1 end -- everything on one spot tells nothing
    return 1 - sum * sum / (count * squares)
end

local function quality_options(options)
    options = options or {}
    local seed, count = math.tointeger(options.seed or 1), math.tointeger(options.pivots or 50)
    if not seed then error("the option seed is a whole number", 3) end
    if not count or count < 1 then error("the option pivots is a whole number, at least 1", 3) end
    return seed, count
end

local function choose_pivots(self, seed, count)
    local pivots = {}
    for k, at in ipairs(chance.sample(count, self.nodes, seed)) do pivots[k] = at + 1 end
    return gpumm.view("u32", pivots)
end

--- Scale-normalised stress of a layout, 0 to 1, over breadth-first distances from sampled pivots, and
--- that of random positions beside it. `positions` is a view, a flat list or a list of points; options
--- are `pivots` (50) and `seed` (1).
function methods:stress(positions, options)
    local seed, count = quality_options(options)
    local x, y, z = axes(self, positions)
    local pivots = choose_pivots(self, seed, count)
    return scaled_stress(self, pivots, x, y, z), scaled_stress(self, pivots, random_axes(self.nodes, seed))
end

--- The stress of random positions alone, with the same pivots as `stress` of the same options.
function methods:random_stress(options)
    local seed, count = quality_options(options)
    return scaled_stress(self, choose_pivots(self, seed, count), random_axes(self.nodes, seed))
end

return methods
