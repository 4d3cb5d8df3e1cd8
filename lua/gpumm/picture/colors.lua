-- SPDX-License-Identifier: MIT
-- The colors of nodes: given one by one, as a column of numbers or of kinds, by community, or by degree.

local listed = require "gpumm.common.listed"
local text = require "gpumm.columns.text"

local colors = {}

-- Communities by size, then one grey for the many small ones.
local PALETTE = {
    0x5b8ff9, 0xff7a5c, 0x3ecf8e, 0xf7c843, 0xb37feb, 0x36cfe0, 0xff85c0, 0xa0d911, 0xffa94d, 0x8c9eff,
    0x4dd0a1, 0xe57373,
}
local GREY = 0x9aa5b1
local BACKGROUND = 0x0b0e14
local COMMUNITY_EDGES = 300000 -- beyond this, finding communities would take longer than the picture

local function channels(rgb)
    return (rgb >> 16 & 255) / 255, (rgb >> 8 & 255) / 255, (rgb & 255) / 255
end

-- "#rrggbb", a number of the palette from 1, or { r, g, b } from 0 to 1.
local function color_of(value, what)
    if type(value) == "string" and value:find("^#%x%x%x%x%x%x$") then
        return channels(tonumber(value:sub(2), 16))
    elseif math.type(value) == "integer" and value >= 1 then
        return channels(PALETTE[value] or GREY)
    elseif type(value) == "table" and #value == 3 and tonumber(value[1] + value[2] + value[3]) then
        return value[1], value[2], value[3]
    end
    error(("%s is %s; a color is \"#rrggbb\", {r, g, b} from 0 to 1, or a number from 1")
        :format(what, tostring(value)), 0)
end

-- From blue to gold, for heat from 0 to 1.
local function warm(heat) return 0.30 + 0.67 * heat, 0.52 + 0.26 * heat, 0.95 - 0.69 * heat, 1 end

local function put(rgba, i, r, g, b, a)
    rgba[4 * i - 3], rgba[4 * i - 2], rgba[4 * i - 1], rgba[4 * i] = r, g, b, a
end

-- By the logarithm of the degree: what is left where communities are out of reach.
local function by_degree(degree, count)
    local most, rgba = 1, {}
    for i = 1, count do most = math.max(most, degree[i]) end
    for i = 1, count do put(rgba, i, warm(math.log(1 + degree[i]) / math.log(1 + most))) end
    return rgba
end

local function one_by_one(list, count)
    local rgba = {}
    for i = 1, count do
        local r, g, b = color_of(list[i], "the color of node " .. i)
        put(rgba, i, r, g, b, 1)
    end
    return rgba
end

-- Numbers from the least to the greatest.
local function by_number(list, count)
    local low, high, rgba = math.huge, -math.huge, {}
    for i = 1, count do low, high = math.min(low, list[i]), math.max(high, list[i]) end
    if high - low ~= high - low then error("the colors are numbers that are not all finite", 0) end
    for i = 1, count do put(rgba, i, warm(high > low and (list[i] - low) / (high - low) or 0)) end
    return rgba
end

-- Kinds by how many there are of them, then by name.
local function by_kind(list, count)
    local size, order, rank, ranked = {}, {}, {}, {}
    for i = 1, count do
        local kind = list[i]
        if not size[kind] then order[#order + 1] = kind end
        size[kind] = (size[kind] or 0) + 1
    end
    table.sort(order, function(a, b)
        if size[a] ~= size[b] then return size[a] > size[b] end
        return a < b
    end)
    for k, kind in ipairs(order) do rank[kind] = k end
    for i = 1, count do ranked[i] = rank[list[i]] end
    return one_by_one(ranked, count)
end

local function is_every(list, count, matches)
    for i = 1, count do
        if not matches(list[i]) then return false end
    end
    return count > 0
end

local function is_kind(value) return type(value) == "string" and value:sub(1, 1) ~= "#" end
local function is_integer(value) return math.type(value) == "integer" end
local function is_number(value) return type(value) == "number" end

-- Whole numbers from 1 are the palette's.
local function of_list(given, count)
    local list = listed(given)
    if not list then error("colors are a list or a column, not " .. tostring(given), 0) end
    if is_every(list, count, is_kind) then return by_kind(list, count) end
    if is_every(list, count, is_number) and not is_every(list, count, is_integer) then return by_number(list, count) end
    return one_by_one(list, count)
end

--- How many neighbours each node has; without a graph, none.
function colors.degrees(graph, count)
    if graph then return graph:degrees() end
    local zero = {}
    for i = 1, count do zero[i] = 0 end
    return zero
end

--- Red, green, blue and 1 of every node, from 0 to 1, in one list.
function colors.of_nodes(options, degree, count)
    if options.colors then return of_list(options.colors, count) end
    local graph = options.graph
    if graph and graph.edges > 0 and graph.edges <= COMMUNITY_EDGES then
        return one_by_one(graph:communities(), count)
    end
    return by_degree(degree, count)
end

--- { r, g, b } of what was asked for as background.
function colors.background(value)
    return value and { color_of(value, "the background") } or { channels(BACKGROUND) }
end

-- The lines of a column's file, without a byte order mark; tabs alone separate where every line has one.
local function column_lines(path)
    local file, message = io.open(path, "rb")
    if not file then error("cannot read the column: " .. message, 0) end
    local whole, lines, tabs = file:read "a":gsub("^\239\187\191", ""), {}, true
    file:close()
    for line in whole:gmatch "[^\r\n]+" do
        if line:find "%S" and not line:find "^%s*[#%%]%s" then
            lines[#lines + 1] = line
            tabs = tabs and line:find("\t", 1, true) ~= nil
        end
    end
    return lines, tabs
end

--- One value a node from a file of "name value" lines: numbers where all of them are, else texts.
function colors.column(path, graph)
    local lines, tabs = column_lines(path)
    local value, list, numbers = {}, {}, {}
    for _, line in ipairs(lines) do
        local name, rest
        if tabs then name, rest = line:match "^([^\t]*)\t+(.*)$" else name, rest = line:match "^%s*([^%s,]+)[%s,]+(.*)$" end
        if name and not (not tabs and name:find "^[#%%]") then value[text.trim(name)] = text.trim(rest) end
    end
    for i, name in ipairs(graph.names) do
        if not value[name] then error(("%s has no line for node %q"):format(path, name), 0) end
        list[i], numbers[i] = value[name], tonumber(value[name])
    end
    return #numbers == #list and is_every(numbers, #list, is_number) and numbers or list
end

return colors
