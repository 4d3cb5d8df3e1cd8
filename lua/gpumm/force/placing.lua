-- SPDX-License-Identifier: MIT
-- A start where some nodes have a place already. Where most have, the others begin beside their neighbours. Where few have, the
-- whole graph is placed as if none had, laid over those that have (moved, turned and scaled), and these are put where they
-- belong.

local gpumm = require "gpumm"
local growing = require "gpumm.force.growing"
local kernels = require "gpumm.force.kernels"
local start = require "gpumm.force.start"

local need, buffer = kernels.need, kernels.buffer
local placing = {}

local MOST = 0.5 -- of the nodes

local function each_known(known, visit)
    for i = 1, #known do
        if known[i] == 1 then visit(i) end
    end
end

-- The middle of those that have a place, in two lists of coordinates.
local function middles(known, d, a, b)
    local count, ma, mb = 0, {}, {}
    for k = 1, d do ma[k], mb[k] = 0, 0 end
    each_known(known, function(i)
        count = count + 1
        for k = 1, d do
            ma[k], mb[k] = ma[k] + a[(i - 1) * d + k], mb[k] + b[(i - 1) * d + k]
        end
    end)
    for k = 1, d do ma[k], mb[k] = ma[k] / count, mb[k] / count end
    return ma, mb, count
end

-- By which a point about `ma` comes to lie about `mb` so that squares of distances are least: in the plane a complex
-- number, in space a scale alone.
local function turn_of(known, d, a, b, ma, mb)
    local dot, cross, square = 0, 0, 0
    each_known(known, function(i)
        local at = (i - 1) * d
        for k = 1, d do
            local x, y = a[at + k] - ma[k], b[at + k] - mb[k]
            dot, square = dot + (d == 2 and x * y or math.abs(x * y)), square + x * x
        end
        if d == 2 then cross = cross + (a[at + 1] - ma[1]) * (b[at + 2] - mb[2]) - (a[at + 2] - ma[2]) * (b[at + 1] - mb[1]) end
    end)
    if square == 0 or dot == 0 and cross == 0 then return 1, 0 end
    return dot / square, cross / square
end

-- All of `from`, laid over what is known of `to`; what is known stays.
local function lay_over(known, d, from, to)
    local ma, mb, count = middles(known, d, from, to)
    local re, im = 1, 0
    if count > 1 then re, im = turn_of(known, d, from, to, ma, mb) end
    local out = {}
    for i = 1, #known do
        local at = (i - 1) * d
        for k = 1, d do
            local turned = re * (from[at + k] - ma[k])
            if d == 2 then turned = turned + (k == 1 and -im or im) * (from[at + 3 - k] - ma[3 - k]) end
            out[at + k] = known[i] == 1 and to[at + k] or mb[k] + turned
        end
    end
    return out
end

local function flat(view, d)
    local list = {}
    for i = 1, #view do
        local at = { view:get(i) }
        for k = 1, d do list[(i - 1) * d + k] = at[k] end
    end
    return list
end

-- Half as far as nodes with a place lie apart on average, had they the room evenly.
local function spacing(known, d, values)
    local count, low, high = 0, math.huge, -math.huge
    each_known(known, function(i)
        count = count + 1
        for k = (i - 1) * d + 1, i * d do low, high = math.min(low, values[k]), math.max(high, values[k]) end
    end)
    return high > low and 0.5 * (high - low) / count ^ (1 / d) or 0.5
end

local function seat(manager, rows, position, options)
    need(position:upload(options.positions))
    local placed <close> = buffer(manager, "u32", #options.known)
    need(placed:upload(options.known))
    growing.seat_rest(manager, rows, position, 0, spacing(options.known, options.dimensions, options.positions),
        options.dimensions, placed)
end

--- Writes a start for rows.now.n nodes to `position`. options: positions (a flat list), known (1 for nodes that have one,
--- else 0), dimensions, seed.
function placing.place(manager, rows, position, options)
    local sum = 0
    each_known(options.known, function() sum = sum + 1 end)
    if sum >= MOST * #options.known then return seat(manager, rows, position, options) end
    start.place(manager, rows, position, options)
    if sum == 0 then return end
    local whole = flat(need(position:download()), options.dimensions)
    need(position:upload(gpumm.view("f32x" .. options.dimensions,
        lay_over(options.known, options.dimensions, whole, options.positions))))
end

return placing
