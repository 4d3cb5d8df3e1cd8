-- SPDX-License-Identifier: MIT
-- Where in a picture nodes are: everything is in it, and a few strays do not make a dot of the rest. Points in space are
-- turned, and what is near is larger and farther from the middle.

local native = require "gpumm.layout.native"

local frame = {}

local FAR = 2.5         -- times as wide as the rest is what a few strays may make a picture
local SKIP = 0.005      -- the part of the nodes that may be strays at either end
local STRENGTH = 0.25   -- of the perspective
local MARGIN = 0.04     -- of the shorter side

-- The s for which s log(1 + far / s) is `room`.
local function squeeze(far, room)
    local low, high = 0, far
    for _ = 1, 200 do
        local s = (low + high) / 2
        if s * math.log(1 + far / s) < room then low = s else high = s end
    end
    return math.max((low + high) / 2, far * 1e-300)
end

-- How one coordinate is drawn: { low, high, squeeze_low, squeeze_high }, and from where to where it goes then.
local function axis_of(spread)
    local low, inner_low, inner_high, high = table.unpack(spread)
    local inner = inner_high - inner_low
    if not (inner > 0 and high - low > FAR * inner) then return { low, high, 0, 0 }, low, high end
    local below, above = inner_low - low, high - inner_high
    local room = inner * (math.min(below, above) > 0.3 * inner and 0.3 or 0.5)
    local axis = { inner_low, inner_high, 0, 0 }
    if below > room then axis[3], below = squeeze(below, room), room end
    if above > room then axis[4], above = squeeze(above, room), room end
    return axis, inner_low - below, inner_high + above
end

local function center(low, high) return low + (high - low) / 2 end

local function fitted(x0, x1, y0, y1, width, height)
    local margin = MARGIN * math.min(width, height)
    local scale = math.min((width - 2 * margin) / (x1 - x0), (height - 2 * margin) / (y1 - y0))
    if scale ~= scale or scale == math.huge then scale = 1 end -- one node, or all on one spot
    return scale, width / 2 - scale * center(x0, x1), height / 2 + scale * center(y0, y1)
end

-- How deep the whole is, less a few strays; what is nearly flat looks so.
local function depth_of(spreads)
    local width = 0
    for k = 1, 2 do width = math.max(width, (spreads[k][4] - spreads[k][1]) / 2) end
    local far, near = spreads[3][2], spreads[3][3]
    local half = math.max((near - far) / 2, 0.2 * width)
    return center(far, near), half > 0 and half or 1
end

-- From where to where discs go, y upwards, of places at one pixel a unit; what is near is larger.
local function extents(places, near, radii)
    local x0, x1, y0, y1 = math.huge, -math.huge, math.huge, -math.huge
    for i = 1, #places do
        local x, y = places:get(i)
        local r = radii[i] * (near and frame.enlarged(near[i]) or 1)
        x0, x1, y0, y1 = math.min(x0, x - r), math.max(x1, x + r), math.min(y0, -y - r), math.max(y1, -y + r)
    end
    return x0, x1, y0, y1
end

local function in_space(positions, spreads, axes, ranges, width, height, radii)
    local middle, half = depth_of(spreads)
    local how = { 1, 0, 0, middle, half, center(ranges[1], ranges[2]), center(ranges[3], ranges[4]), STRENGTH }
    local places, near = native.place(positions, axes, how)
    local x, y = table.unpack(native.spread(places, 0))
    local x0, x1, y0, y1 = x[1], x[4], -y[4], -y[1]
    if radii then x0, x1, y0, y1 = extents(places, near, radii) end
    how[1], how[2], how[3] = fitted(x0, x1, y0, y1, width, height)
    return native.place(positions, axes, how), near, how[1]
end

local function in_plane(positions, axes, ranges, width, height, radii)
    local x0, x1, y0, y1 = table.unpack(ranges)
    if radii then x0, x1, y0, y1 = extents(native.place(positions, axes, { 1, 0, 0, 0, 1, 0, 0, 0 }), nil, radii) end
    local scale, left, top = fitted(x0, x1, y0, y1, width, height)
    return native.place(positions, axes, { scale, left, top, 0, 1, 0, 0, 0 }), nil, scale
end

--- Places in pixels (a view of f32x2), of points in space also how near each is, from 0 to 1 (a view of f32). `turn` =
--- { yaw, pitch } in degrees; `radii`, in the positions' units, are of discs that are all in it. Then a unit in pixels.
function frame.place(positions, width, height, turn, radii)
    local space = #positions > 0 and select("#", positions:get(1)) >= 3
    if space and turn then positions = native.turned(positions, turn[1], turn[2]) end
    local spreads = native.spread(positions, SKIP)
    local axes, ranges = {}, {}
    for k = 1, 2 do axes[k], ranges[2 * k - 1], ranges[2 * k] = axis_of(spreads[k]) end
    for k = 1, 2 do
        if axes[k][3] > 0 or axes[k][4] > 0 then
            native.say "picture: a few nodes are far out; how far is drawn shortened, so that the rest is seen"
            break
        end
    end
    if space then return in_space(positions, spreads, axes, ranges, width, height, radii) end
    return in_plane(positions, axes, ranges, width, height, radii)
end

--- How much larger than in the middle what is so near is drawn.
function frame.enlarged(near) return 1 / (1 - STRENGTH * (2 * near - 1)) end

return frame
