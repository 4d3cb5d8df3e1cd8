-- SPDX-License-Identifier: MIT
-- A laid out graph as one HTML page that needs nothing else: the data in base64, and a program that pans and zooms
-- over it, by WebGL or on a plain canvas.

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local colors = require "gpumm.picture.colors"
local edge_columns = require "gpumm.graph.edge_columns"
local native = require "gpumm.layout.native"
local packed = require "gpumm.common.packed"
local points = require "gpumm.common.points"

local page = {}

local VALID = { "positions", "graph", "colors", "background", "title", "names" }

local function check(path, options)
    if type(path) ~= "string" or path == "" then error("page.write needs a path to write to", 3) end
    if type(options) ~= "table" then error("page.write needs a table of options", 3) end
    checked.keys("page.write", options, VALID, 3)
    if options.positions == nil then error("page.write needs positions = a view of f32x2", 3) end
    local positions = points("page.write", options.positions, 4)
    if #positions == 0 then error("page.write: there is nothing to show: no positions", 3) end
    return positions
end

-- ---- Base64 --------------------------------------------------------------------------------------

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local PAIRS = {} -- by twelve bits

for k = 0, 4095 do
    PAIRS[k] = LETTERS:sub(k // 64 + 1, k // 64 + 1) .. LETTERS:sub(k % 64 + 1, k % 64 + 1)
end

local function base64(data)
    local out, whole, count = {}, #data - #data % 3, 0
    for k = 1, whole, 3 do
        local a, b, c = data:byte(k, k + 2)
        out[count + 1] = PAIRS[a << 4 | b >> 4]
        out[count + 2] = PAIRS[(b & 15) << 8 | c]
        count = count + 2
    end
    local a, b = data:byte(whole + 1, whole + 2)
    if a then
        local last = PAIRS[((b or 0) & 15) << 8]
        out[count + 1] = PAIRS[a << 4 | (b or 0) >> 4] .. (b and last:sub(1, 1) or "=") .. "="
    end
    return table.concat(out)
end

-- ---- The data --------------------------------------------------------------------------------------

local function places(positions)
    local values = {}
    for i = 1, #positions do
        local x, y = positions:get(i)
        if type(x) ~= "number" or type(y) ~= "number" or x - x ~= 0 or y - y ~= 0 then
            error(("position %d is not finite: %s, %s"):format(i, tostring(x), tostring(y)), 0)
        end
        values[2 * i - 1], values[2 * i] = x, y
    end
    return packed("f", values, #values, "<")
end

-- Edges between nodes that have a position, little-endian whatever this machine is.
local function ends_of(graph, count)
    if not graph then return "", 0 end
    local from, to, nodes = edge_columns(graph)
    return native.ends(from, to, nodes, count, true)
end

local function colors_of(options, count)
    local rgba, bytes = colors.of_nodes(options, colors.degrees(options.graph, count), count), {}
    for i = 1, count do
        for k = 1, 3 do bytes[3 * i - 3 + k] = math.floor(math.max(0, math.min(rgba[4 * i - 4 + k], 1)) * 255 + 0.5) end
    end
    return packed("B", bytes)
end

-- ---- Text ------------------------------------------------------------------------------------------

-- What is no UTF-8 is taken byte by byte for Latin-1.
local function cleaned(text)
    if utf8.len(text) then return text end
    return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

-- As JSON in a script element: nothing may look like the element's end.
local function quoted(text)
    return '"' .. cleaned(text):gsub('[%c"\\<]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function escaped(text)
    return (cleaned(text):gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function names_of(options, count)
    local names = options.names
    if names == nil then names = options.graph and (options.graph.labels or options.graph.names) end
    local list = {}
    for i = 1, names and math.min(count, #names) or 0 do list[i] = quoted(tostring(names[i])) end
    return "[" .. table.concat(list, ",") .. "]"
end

--- Writes a page that shows the positions (a view or buffer of f32x2, or a list of points; of points in space, x and y) and
--- the graph's edges between them. Options: positions, graph, colors and background as picture.write has them, title,
--- names (one a node; false: none; otherwise the graph's labels, or else names).
function page.write(path, options)
    local positions = check(path, options)
    local count = #positions
    if options.graph and options.graph.nodes < count then
        error(("there are %d positions for a graph of %d nodes"):format(count, options.graph.nodes), 0)
    end
    local title = escaped(options.title or options.graph and options.graph.path or "A graph")
    local back = colors.background(options.background)
    local ends, edges = ends_of(options.graph, count)
    local parts = {
        TITLE = title, BACKGROUND = ("rgb(%.0f,%.0f,%.0f)"):format(back[1] * 255, back[2] * 255, back[3] * 255),
        META = ('{"nodes":%d,"edges":%d,"background":[%.4f,%.4f,%.4f]}'):format(count, edges, table.unpack(back)),
        NAMES = names_of(options, count), POSITIONS = base64(places(positions)), EDGES = base64(ends),
        COLORS = base64(colors_of(options, count)),
    }
    local text = gpumm.resource("gpumm/page/page.html"):gsub("@(%u+)@", parts)
    local written, message = gpumm.raw.write(path, gpumm.view("u8", text))
    if not written then error(message, 0) end
    return true
end

return page
