-- SPDX-License-Identifier: MIT
-- A laid out graph as one HTML page that needs nothing else: the data in base64, and a program (page/*.js) that shows it, by
-- WebGL or on a plain canvas, turned, searched, filtered and through the frames in which it grew.

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local floats = require "gpumm.common.floats"
local frames_of = require "gpumm.page.frames"
local json = require "gpumm.page.json"
local listed = require "gpumm.common.listed"
local native = require "gpumm.layout.native"
local packed = require "gpumm.common.packed"
local palette = require "gpumm.picture.palette"
local parts = require "gpumm.page.parts"
local scene = require "gpumm.picture.scene"
local words = require "gpumm.words"

local page = {}

local VALID = { "positions", "graph", "colors", "kinds", "sizes", "radii", "widths", "arrows", "background", "title", "names",
    "columns", "frames", "legend" }
local WIDTH, HEIGHT = 1600, 1200 -- what a picture has, so that the page looks like it
local COLUMNS = 16               -- to filter by
local KINDS = 5000               -- of one column
local ITEMS = 60                 -- of the legend

local function check(path, options)
    if type(path) ~= "string" or path == "" then error("page.write needs a path to write to", 3) end
    if type(options) ~= "table" then error("page.write needs a table of options", 3) end
    checked.keys("page.write", options, VALID, 3)
    if options.positions == nil then error("page.write needs positions = a view of f32x2", 3) end
    local positions = floats("page.write", options.positions, 4)
    if #positions == 0 then error("page.write: there is nothing to show: no positions", 3) end
    if options.graph and options.graph.nodes < #positions then
        error(("there are %d positions for a graph of %d nodes"):format(#positions, options.graph.nodes), 0)
    end
    return positions
end

-- ---- What is shown --------------------------------------------------------------------------------------

-- Edges as native.ends has them, little-endian whatever this machine is.
local function little(ends)
    if string.pack("=I2", 1) == "\1\0" then return ends end
    return (ends:gsub("(.)(.)(.)(.)", "%4%3%2%1"))
end

local function byte(c) return math.floor(math.max(0, math.min(c, 1)) * 255 + 0.5) end

local function colors_of(rgba, count)
    local bytes = {}
    for i = 1, count do
        for k = 1, 3 do bytes[3 * i - 3 + k] = byte(rgba[4 * i - 4 + k]) end
    end
    return packed("B", bytes)
end

local function names_of(options, count)
    local names = options.names
    if names == nil then names = options.graph and (options.graph.labels or options.graph.names) end
    if names and type(names) ~= "table" and type(names) ~= "userdata" then
        error(("page.write: names are a list, one a node, or false; not %s"):format(tostring(names)), 3)
    end
    local list = {}
    for i = 1, names and math.min(count, #names) or 0 do list[i] = json.text(tostring(names[i])) end
    return "[" .. table.concat(list, ",") .. "]"
end

local function css(rgb) return ("rgb(%d,%d,%d)"):format(byte(rgb[1]), byte(rgb[2]), byte(rgb[3])) end

local function legend_of(made, title)
    local of = made.legend
    if not of or title == false or of.kind == "range" and of.low > of.high then return "null" end
    title = json.text(type(title) == "string" and title or of.title or "color")
    if of.kind == "range" then
        return ('{"kind":"range","title":%s,"low":%s,"high":%s}'):format(title, json.number(of.low), json.number(of.high))
    end
    local items = {}
    for k = 1, math.min(#of.items, ITEMS) do
        local item = of.items[k]
        items[k] = ('{"label":%s,"count":%d,"color":"%s"}'):format(json.text(item.label), item.count, css(item.color))
    end
    return ('{"kind":"kinds","title":%s,"items":[%s]}'):format(title, table.concat(items, ","))
end

-- ---- Columns to filter by ---------------------------------------------------------------------------------

-- Numbers as they are; texts as numbers of kinds, and the kinds. nil where it is neither, or every node is of its own kind.
local function column_of(column, count)
    local list = listed(column)
    if not list or #list < count then return nil end
    if type(list[1]) == "number" then
        for i = 1, count do
            if type(list[i]) ~= "number" then return nil end
        end
        return list
    end
    local number, kinds, values = {}, {}, {}
    for i = 1, count do
        local kind = tostring(list[i])
        if not number[kind] then
            number[kind], kinds[#kinds + 1] = #kinds, json.text(kind)
            if #kinds > math.max(2, math.min(KINDS, count - 1)) then return nil end
        end
        values[i] = number[kind]
    end
    return values, kinds
end

local function sorted_names(columns)
    local names = {}
    for name in pairs(columns) do
        if type(name) ~= "string" then error(("page.write: a column has a name, not %s"):format(tostring(name)), 0) end
        names[#names + 1] = name
    end
    table.sort(names)
    return names
end

local function columns_of(options, count)
    local columns = options.columns
    if columns == nil then columns = options.graph and options.graph.node_columns or {} end
    if columns and type(columns) ~= "table" then
        error(("page.write: columns are a table of columns by name, or false; not %s"):format(tostring(columns)), 3)
    end
    local said, data = {}, {}
    for _, name in ipairs(sorted_names(columns or {})) do
        local values, kinds = column_of(columns[name], count)
        if values and #said < COLUMNS then
            local list = kinds and (',"kinds":[%s]'):format(table.concat(kinds, ",")) or ""
            said[#said + 1] = ('{"name":%s%s}'):format(json.text(name), list)
            data[#data + 1] = packed("f", values, count, "<")
        end
    end
    return "[" .. table.concat(said, ",") .. "]", table.concat(data)
end

-- ---- The page -----------------------------------------------------------------------------------------------

local function mixed(a, b, part)
    local out = {}
    for k = 1, 3 do out[k] = a[k] + part * (b[k] - a[k]) end
    return out
end

local function scale()
    local list = {}
    for k = 0, 8 do list[k + 1] = css { palette.warm(k / 8) } end
    return table.concat(list, ",")
end

local function looks_of(back)
    local light = 0.3 * back[1] + 0.6 * back[2] + 0.1 * back[3] > 0.5
    local ink = light and { 0.08, 0.09, 0.12 } or { 0.93, 0.94, 0.97 }
    return { BACKGROUND = css(back), INK = css(ink), PALE = css(mixed(back, ink, 0.62)), LINE = css(mixed(back, ink, 0.2)),
        PANEL = css(mixed(back, ink, 0.05)), SCALE = scale() }
end

local function title_of(options)
    local path = options.graph and options.graph.path
    return tostring(options.title or path and path:match "[^/]+$" or "A graph")
end

local function meta_of(made, positions, options, columns, frames)
    local lanes = math.min(select("#", positions:get(1)), 3)
    return ('{"nodes":%d,"edges":%d,"lanes":%d,"directed":%s,"to_scale":%s,"background":[%s],"legend":%s,"columns":%s,'
        .. '"frames":%s,"box":%s}')
        :format(made.count, made.edges and made.edges.count or 0, lanes, tostring(made.arrows or false),
            tostring(options.radii and true or false), json.numbers(made.background), legend_of(made, options.legend), columns,
            frames.said, frames.box)
end

--- Writes a page that shows the positions (a view or buffer of f32x2 or f32x3, or a list of points) and the graph's edges
--- between them. Options: positions, graph, colors, kinds, sizes, radii, widths, arrows and background as picture.write has
--- them, title, names (one a node; false: none; otherwise the graph's labels, or else names), columns ({ name = one value a
--- node } to filter by, instead of the graph's; false: none), frames (a list of { step =, positions = } of a layout that grew,
--- of its first nodes), legend (its title; false: none).
function page.write(path, options)
    local _ <close> = words.plain()
    local positions = check(path, options)
    local made = scene.of(options, positions, WIDTH, HEIGHT, true)
    local frames = frames_of.encode(options.frames, positions)
    local columns, values = columns_of(options, made.count)
    local parted = looks_of(made.background)
    local space = select("#", positions:get(1)) > 2
    local edges = made.edges
    parted.TITLE = json.html(title_of(options))
    parted.META = meta_of(made, positions, options, columns, frames)
    parted.NAMES = names_of(options, made.count)
    parted.POSITIONS = native.base64(native.lanes(positions, 1, 2))
    parted.DEPTHS = space and native.base64(native.lanes(positions, 3, 3)) or ""
    parted.EDGES = native.base64(edges and little(edges.ends) or "")
    parted.LOOKS = native.base64(edges and native.look_bytes(edges.looks) or "")
    parted.COLORS = native.base64(colors_of(made.rgba, made.count))
    parted.RADII = native.base64(packed("f", options.radii and made.sizes or made.radius, made.count, "<"))
    parted.COLUMNS, parted.FRAMES = native.base64(values), native.base64(frames.data)
    parted.STYLE, parted.DRAWING, parted.PROGRAM = parts.style(), parts.drawing(), parts.program()
    local text = gpumm.resource("gpumm/page/page.html"):gsub("@(%u+)@", parted)
    local written, message = gpumm.raw.write(path, gpumm.view("u8", text))
    if not written then error(message, 0) end
    return true
end

--- A list of frames for page.write that keeps at most so many (48) of those that it is given, evenly: frames:add(step, view).
page.frames = frames_of.new

return page
