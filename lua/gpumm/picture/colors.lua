-- SPDX-License-Identifier: MIT
-- The colors of nodes: given one by one, as a column of numbers or of kinds, by community, or by degree; and what a
-- legend says of them.

local listed = require "gpumm.common.listed"
local palette = require "gpumm.picture.palette"

local colors = {}

local BACKGROUND = "#0b0e14"
local COMMUNITY_EDGES = 300000 -- beyond this, finding communities would take longer than the picture

local function is_color(value)
    if type(value) ~= "table" or #value ~= 3 then return false end
    for k = 1, 3 do
        if type(value[k]) ~= "number" or value[k] - value[k] ~= 0 then return false end -- NaN and infinities are none
    end
    return true
end

-- "#rrggbb", "#rgb", a name, a number of the palette from 1, or { r, g, b } from 0 to 1.
local function color_of(value, what)
    local rgb
    if type(value) == "string" then rgb = palette.parse(value)
    elseif type(value) == "number" and math.tointeger(value) and value >= 1 then rgb = palette.color(math.tointeger(value))
    elseif is_color(value) then rgb = value end
    if rgb then return rgb end
    error(("%s is %s; a color is a name of CSS, \"#rrggbb\", {r, g, b} from 0 to 1, or a number from 1")
        :format(what, tostring(value)), 0)
end

local function put(rgba, i, r, g, b)
    rgba[4 * i - 3], rgba[4 * i - 2], rgba[4 * i - 1], rgba[4 * i] = r, g, b, 1
end

-- ---- From cold to warm ------------------------------------------------------------------------------------

-- What is not there (NaN) is grey.
local function by_number(list, count)
    local low, high, rgba, missing = math.huge, -math.huge, {}, 0
    for i = 1, count do
        local value = list[i]
        if value ~= value then missing = missing + 1
        else low, high = math.min(low, value), math.max(high, value) end
    end
    if missing < count and not (low > -math.huge and high < math.huge) then
        error("the colors are numbers that are not all finite", 0)
    end
    local grey, unit = palette.grey, 1.0 * high - low < math.huge and 1.0 or 0.5 -- what is between halves is a number, too
    local from, range = unit * low, unit * high - unit * low
    for i = 1, count do
        if list[i] ~= list[i] then put(rgba, i, grey[1], grey[2], grey[3])
        else put(rgba, i, palette.warm(range > 0 and (unit * list[i] - from) / range or 0)) end
    end
    return rgba, { kind = "range", low = low, high = high, missing = missing }
end

-- By the logarithm of the degree: what is left where communities are out of reach.
local function by_degree(degree, count)
    local most, rgba = 1, {}
    for i = 1, count do most = math.max(most, degree[i]) end
    local scale = 1 / math.log(1 + most)
    for i = 1, count do put(rgba, i, palette.warm(math.log(1 + degree[i]) * scale)) end
    return rgba, { kind = "range", low = 0, high = most, title = "degree", logarithmic = true }
end

-- ---- By kind ------------------------------------------------------------------------------------------------

-- What a legend says: { label, how many, color } of each kind, the largest first.
local function entries_of(labels, sizes)
    local items = {}
    for k, label in ipairs(labels) do items[k] = { label = label, count = sizes[k], color = palette.color(k) } end
    return { kind = "kinds", items = items }
end

local function by_rank(rank, count)
    local rgba = {}
    for i = 1, count do
        local rgb = palette.color(rank[i])
        put(rgba, i, rgb[1], rgb[2], rgb[3])
    end
    return rgba
end

-- Kinds by how many there are of them, then by name; numbers before texts.
local function by_kind(list, count)
    local kinds, size, order, rank, ranked, labels, sizes = {}, {}, {}, {}, {}, {}, {}
    for i = 1, count do
        local kind = list[i]
        if kind == nil then error(("the color of node %d is nil; kinds are texts or numbers"):format(i), 0) end
        if kind ~= kind then kind = "" end
        kinds[i] = kind
        if not size[kind] then order[#order + 1] = kind end
        size[kind] = (size[kind] or 0) + 1
    end
    table.sort(order, function(a, b)
        if size[a] ~= size[b] then return size[a] > size[b] end
        if type(a) == type(b) and type(a) ~= "boolean" then return a < b end
        return tostring(a) < tostring(b)
    end)
    for k, kind in ipairs(order) do rank[kind], labels[k], sizes[k] = k, kind == "" and "(none)" or tostring(kind), size[kind] end
    for i = 1, count do ranked[i] = rank[kinds[i]] end
    return by_rank(ranked, count), entries_of(labels, sizes)
end

--- Has the graph communities that can be found in time?
function colors.has_communities(graph) return graph ~= nil and graph.edges > 0 and graph.edges <= COMMUNITY_EDGES end

local function by_community(graph, count)
    local rank, sizes = graph:communities()
    local labels = {}
    for k = 1, #sizes do labels[k] = "community " .. k end
    local legend = entries_of(labels, sizes)
    legend.title = "communities"
    return by_rank(rank, count), legend
end

-- ---- As they are given --------------------------------------------------------------------------------------

local function one_by_one(list, count)
    local rgba = {}
    for i = 1, count do
        local rgb = color_of(list[i], "the color of node " .. i)
        put(rgba, i, rgb[1], rgb[2], rgb[3])
    end
    return rgba
end

local function is_every(list, count, matches)
    for i = 1, count do
        if not matches(list[i]) then return false end
    end
    return count > 0
end

local function is_text(value) return type(value) == "string" end
local function is_boolean(value) return type(value) == "boolean" end
local function is_number(value) return type(value) == "number" end
local function names_color(value) return palette.parse(value) ~= nil end
local function is_no_sign(value) return value:sub(1, 1) ~= "#" end

-- Texts are colors where all of them are, and kinds where none looks as if it should be one.
local function of_texts(list, count)
    if is_every(list, count, names_color) or not is_every(list, count, is_no_sign) then return one_by_one(list, count) end
    return by_kind(list, count)
end

local function repeated(value, count)
    local list = {}
    for i = 1, count do list[i] = value end
    return list
end

local function of_list(given, count, kinds)
    if type(given) == "string" then given = repeated(given, count) end
    local list = listed(given)
    if not list then error("colors are a list or a column, not " .. tostring(given), 0) end
    if kinds or is_every(list, count, is_boolean) then return by_kind(list, count) end
    if is_every(list, count, is_text) then return of_texts(list, count) end
    if is_every(list, count, is_number) then return by_number(list, count) end
    return one_by_one(list, count)
end

--- How many neighbours each node has; without a graph, none.
function colors.degrees(graph, count)
    if graph then return graph:degrees() end
    return repeated(0, count)
end

--- Red, green, blue and 1 of every node, from 0 to 1, in one list; and what a legend says of them: { kind = "range", low,
--- high, missing, title }, { kind = "kinds", items = { { label, count, color }, … }, title }, or nil.
function colors.of_nodes(options, degree, count)
    if options.colors then return of_list(options.colors, count, options.kinds) end
    if colors.has_communities(options.graph) then return by_community(options.graph, count) end
    return by_degree(degree, count)
end

--- { r, g, b } of what was asked for as background.
function colors.background(value) return color_of(value or BACKGROUND, "the background") end

return colors
