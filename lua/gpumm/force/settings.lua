-- SPDX-License-Identifier: MIT
-- The options that layouts share, and what a caller gives beside them: nodes that stay, positions to begin at.

local chance = require "gpumm.common.chance"
local gpumm = require "gpumm"
local listed = require "gpumm.common.listed"
local native = require "gpumm.layout.native"
local plain = require "gpumm.words".plain

local settings = {}

local FARTHEST = 1e15 -- of a coordinate: its square is still a float

--- What every layout has, and `more` beside it; defaults in `more` come first.
function settings.fields(more)
    local fields = {
        model = { kind = "any", default = "tforce" }, dimensions = { kind = "whole", default = 2, least = 2, most = 3 },
        seed = { kind = "whole", default = 1 }, steps = { kind = "whole", default = 300, least = 0 },
        slots = { kind = "whole", default = 4, least = 2, most = 64 }, quality = { kind = "boolean", default = false },
        repulsion = { kind = "number", least = 0 }, gravity = { kind = "number" }, speed = { kind = "number", least = 0 },
        inertia = { kind = "number", least = 0, most = 1 }, frame = { kind = "callable" }, finish = { kind = "callable" },
        device = { kind = "any" },
    }
    for name, field in pairs(more) do fields[name] = field end
    return fields
end

--- One byte a node, from a list of nodes (from 1) or a set of them; nil: it names none.
function settings.pinned(what, nodes, pinned, level)
    local list = listed(pinned)
    if not list then error(("%s: pinned is a list of nodes, not %s"):format(what, tostring(pinned)), level + 1) end
    local bytes, any = {}, false
    for i = 1, nodes do bytes[i] = 0 end
    for key, value in pairs(list) do
        local i = value == true and key or value
        i = type(i) == "number" and math.tointeger(i) or i
        if math.type(i) ~= "integer" or not bytes[i] then
            error(("%s: pinned names %s, which is no node from 1 to %d"):format(what, tostring(i), nodes), level + 1)
        end
        bytes[i], any = 1, true
    end
    return any and bytes or nil
end

function settings.is_buffer(value)
    return type(value) == "userdata" and tostring(value):find("gpumm.buffer", 1, true) ~= nil
end

-- Coordinate k of node i of whatever was given, or nil.
local function reader(given, d)
    if type(given) ~= "table" then
        if settings.is_buffer(given) then given = assert(given:download()) end
        return function(i, k) return i <= #given and (select(k, given:get(i))) or nil end
    end
    local first = 1
    while given[first] == false do first = first + 1 end
    if type(given[first]) == "table" then return function(i, k) return given[i] and given[i][k] end end
    return function(i, k) return given[(i - 1) * d + k] end
end

local function extent(values)
    local low, high = math.huge, -math.huge
    for k = 1, #values do low, high = math.min(low, values[k]), math.max(high, values[k]) end
    return high - low
end

-- Forces cannot part nodes on one spot: all but one of them, and who is pinned, step aside a little.
local function part(values, n, d, pinned)
    local taken, size = {}, extent(values)
    local by = size > 0 and 1e-3 * size / math.sqrt(n) or math.sqrt(n)
    for i = 0, n - 1 do
        local key = string.pack("<" .. ("f"):rep(d), table.unpack(values, i * d + 1, i * d + d))
        if taken[key] and not (pinned and pinned[i + 1] == 1) then
            for k = i * d + 1, i * d + d do values[k] = values[k] + by * (chance.unit(k) - 0.5) end
        end
        taken[key] = true
    end
end

-- Which nodes of a list of points have a place (1), and which are false (0); nil: all have.
local function known_of(given, n)
    if type(given) ~= "table" then return nil end
    local known, all = {}, true
    for i = 1, n do
        known[i] = given[i] == false and 0 or 1
        all = all and known[i] == 1
    end
    return not all and known or nil
end

--- The positions of n nodes as a flat list, no two on one spot. `given` is such a list, a list of points, a view or a
--- buffer. A point may be false: that node has no place yet; then a second list says which have one (1, else 0).
function settings.positions(what, n, d, given, pinned, level)
    if type(given) ~= "table" and type(given) ~= "userdata" then
        error(("%s: positions are a list, a view or a buffer, not %s"):format(what, tostring(given)), level + 1)
    end
    local known = known_of(given, n)
    local at, values = reader(given, d), {}
    for i = 1, n do
        for k = 1, d do
            if known and known[i] == 0 then
                values[(i - 1) * d + k] = 0.0
                goto continue
            end
            local value = at(i, k)
            if type(value) ~= "number" or not (value >= -FARTHEST and value <= FARTHEST) then
                local _ <close> = plain()
                error(("%s: coordinate %d of position %d is a number from -%g to %g, not %s"):format(what, k, i, FARTHEST,
                    FARTHEST, tostring(value)), level + 1)
            end
            values[(i - 1) * d + k] = value
            ::continue::
        end
    end
    if at(n + 1, 1) then error(("%s: there are more positions than the %d nodes"):format(what, n), level + 1) end
    if not known then part(values, n, d, pinned) end
    return values, known
end

--- The sizes of n nodes as a list; nil where none is larger than 0.
function settings.sizes(what, n, given, level)
    local list, most = listed(given), 0
    if not list then error(("%s: sizes are a list or a column, not %s"):format(what, tostring(given)), level + 1) end
    if #list ~= n then error(("%s: there are %d sizes for %d nodes"):format(what, #list, n), level + 1) end
    for i = 1, n do
        if type(list[i]) ~= "number" or not (list[i] >= 0 and list[i] < math.huge) then
            error(("%s: size %d is a number from 0, not %s"):format(what, i, tostring(list[i])), level + 1)
        end
        most = math.max(most, list[i])
    end
    if most == 0 then return nil end
    local parts = {}
    for i = 1, n do parts[i] = list[i] / most end -- sums of finite numbers need not be finite
    return parts
end

--- Are a graph's weights lengths? Raises where the option is neither "strength" nor "length".
function settings.are_lengths(what, weights, level)
    if weights == "strength" or weights == "length" then return weights == "length" end
    error(("%s: weights are \"strength\" or \"length\", not %s"):format(what, tostring(weights)), level + 1)
end

--- Are they, and has this graph any?
function settings.lengths_of(what, graph, weights, level)
    return settings.are_lengths(what, weights, level + 1) and graph.weights ~= nil
end

-- Weights as native functions take them, also where a program has put a table.
local function as_column(weights) return type(weights) == "table" and gpumm.view("f64", weights) or weights end

-- Forces would fling nodes apart, and lengths of nothing or less are none: says which edge it is.
local function check_weights(what, graph, least, words, level)
    local weights = graph.weights
    local e = native.first_below(as_column(weights), least)
    if not e then return end
    local _ <close> = plain()
    if weights[e] == math.huge then words = "it is finite" end
    error(("%s: edge %d, from node %q to %q, has the weight %g; %s"):format(what, e, graph.names[graph.from[e]],
        graph.names[graph.to[e]], weights[e], words), level + 1)
end

--- Raises where a weight of the graph makes no sense as a strength, or as a length.
function settings.check_weights(what, graph, lengths, level)
    if not graph.weights then return end
    if lengths then check_weights(what, graph, 5e-324, "a length is larger than 0", level + 1)
    else check_weights(what, graph, 0, "a strength is at least 0", level + 1) end
end

--- How strongly each edge of a graph pulls, as f32 relative to the mean (of the whole, where the graph is a part) and at most 64
--- times that: what unit weights are in makes no difference. Of lengths: one over each, of which the mean is 1.
function settings.relative(graph, lengths)
    local column = as_column(graph.weights)
    local mean = graph.part and graph.part:mean_size(column, graph) or nil
    return lengths and native.per_length(column, mean) or native.scaled(column, mean)
end

return settings
