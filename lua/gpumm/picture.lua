-- SPDX-License-Identifier: MIT
-- Pictures of laid out graphs as PNG, SVG and PDF, and their positions as files. What is in a picture says scene.lua; the
-- pixels of large ones are drawn on a device (raster.lua), shapes one by one (vector.lua).

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local column_of = require "gpumm.picture.column"
local floats = require "gpumm.common.floats"
local native = require "gpumm.layout.native"
local words = require "gpumm.words"
local nearest = words.nearest
local pdf = require "gpumm.picture.pdf"
local points = require "gpumm.common.points"
local raster = require "gpumm.picture.raster"
local scene = require "gpumm.picture.scene"
local svg = require "gpumm.picture.svg"
local vector = require "gpumm.picture.vector"

local picture = {}

local MAX_SIDE = 16384

-- The world's failures come back as nil and a message; here they raise.
local function need(value, message)
    if value == nil or value == false then error(message, 0) end
    return value
end

-- ---- What was asked for ----------------------------------------------------------------------

local VALID = { "positions", "graph", "width", "height", "colors", "kinds", "sizes", "radii", "widths", "arrows", "labels",
    "names", "legend", "turn", "title", "background", "manager" }

local function side(options, key, default)
    local value = options[key] or default
    value = type(value) == "number" and math.tointeger(value)
    if not value or value < 16 or value > MAX_SIDE then
        error(("picture.write: %s is a whole number from 16 to %d, not %s")
            :format(key, MAX_SIDE, tostring(options[key])), 4)
    end
    return value
end

local function is_finite(value) return type(value) == "number" and value - value == 0 end

local function check_turn(turn)
    if turn == nil or type(turn) == "table" and #turn == 2 and is_finite(turn[1]) and is_finite(turn[2]) then return end
    error("picture.write: turn is { degrees about the y axis, degrees about the x axis }", 4)
end

local function label_count(options)
    local count = options.labels or 0
    if count == true then count = 30 end
    count = type(count) == "number" and math.tointeger(count)
    if not count or count < 0 then
        error(("picture.write: labels is a whole number from 0, how many; not %s"):format(tostring(options.labels)), 4)
    end
    return count
end

local function names_of(options)
    local graph, names = options.graph, options.names
    if not names then return graph and (graph.labels or graph.names) or nil end
    if type(names) == "table" or type(names) == "userdata" then return names end
    error(("picture.write: names are a list, one a node, not %s"):format(tostring(names)), 4)
end

-- What texts are asked for; raises where they cannot be drawn.
local function texts_of(options)
    local request = { labels = label_count(options), names = names_of(options), legend = options.legend,
        manager = options.manager, title = tostring(options.title or options.graph and options.graph.path or "A graph") }
    if request.labels > 0 and not request.names then error("picture.write: labels need a graph, or names = a list", 4) end
    request.has_texts = request.labels > 0 or request.legend
    local why = request.has_texts and native.pen_missing()
    if why then error("picture: text in a picture " .. why, 0) end
    return request
end

local function positions_of(options)
    if options.positions == nil then error("picture.write needs positions = a view of f32x2", 4) end
    local positions = floats("picture.write", options.positions, 4)
    if #positions == 0 then error("there is nothing to draw: no positions", 0) end
    return positions
end

-- ---- Where to ----------------------------------------------------------------------------------

local WRITERS = { png = raster, svg = svg, pdf = pdf }

-- A path without an ending is a PNG's.
local function picture_ending(path)
    local ending = path:match "[^/]*$":match "%.([^.]*)$"
    if not ending or WRITERS[ending:lower()] then return (ending or "png"):lower() end
    error(("pictures are written as .png, .svg or .pdf, not as %q"):format(path), 0)
end

-- The same, and a PDF needs what text needs.
local function check_ending(path)
    local ending = picture_ending(path)
    local why = ending == "pdf" and native.pen_missing()
    if why then error("picture: a PDF " .. why, 0) end
    return ending
end

-- Found out before the work: a place that cannot be written. What exists there is left as it is.
local function check_place(path)
    if type(path) ~= "string" or path == "" then error("picture: a path to write to is needed", 3) end
    gpumm.writable(path) -- a contained script is told here what it was not granted
    local folder = path:match("^(.*)/[^/]*$")
    if folder == "" then folder = "/" end
    local there = io.open(folder or ".")
    if not there then error(("cannot write %s: there is no folder %s"):format(path, folder or "."), 0) end
    there:close()
end

--- Draws the graph (or the positions alone) into a file, .png, .svg or .pdf: nodes sized by degree and colored by
--- community, edges blended by density and as wide as their weights say. Options: positions (a view or buffer of f32x2, or of
--- f32x3: seen from above, what is near larger and brighter; or a list of points), graph, width (1600), height
--- (1200), colors (one a node: a name of CSS, "#rrggbb", "#rgb", { r, g, b }; one for all; or a column of numbers from cold to
--- warm, or of kinds), kinds (true: numbers are kinds too), sizes (a number from 0 for each node, by which areas go, instead of
--- the degree), radii (of each node in the units of the positions, as force.layout has them by its sizes: drawn to scale,
--- instead of sizes), widths (a number from 0 for each edge, instead of the weights; false: all alike), arrows (the graph's
--- directed), labels (how many of the largest nodes), names (one a node, instead of the graph's), legend (true, or its title),
--- turn ({ yaw, pitch } in degrees, of points in space), title (of an SVG), background, manager (otherwise one of its own,
--- closed at the end; SVG and PDF need none).
function picture.write(path, options)
    local _ <close> = words.plain()
    check_place(path)
    local ending = check_ending(path)
    if type(options) ~= "table" then error("picture.write needs a table of options", 2) end
    checked.keys("picture.write", options, VALID, 2)
    local width, height = side(options, "width", 1600), side(options, "height", 1200)
    check_turn(options.turn)
    local request = texts_of(options)
    local made = scene.of(options, positions_of(options), width, height)
    WRITERS[ending].write(path, made, request, request.has_texts and vector.measure() or nil)
    return true
end

-- ---- Positions as files ----------------------------------------------------------------------

local COLUMNS = { "x", "y", "z", "w" }

local function csv(view)
    local lanes = select("#", view:get(1))
    local format, lines = ("%.9g"):rep(lanes, ";"), {}
    for i = 1, #view do lines[i] = format:format(view:get(i)) end
    local text = table.concat(lines, "\n"):gsub("[,;]", { [","] = ".", [";"] = "," }) -- locales have commas in numbers
    return table.concat(COLUMNS, ",", 1, lanes) .. "\n" .. text .. "\n"
end

--- A column of one value a node, for `colors`: from a file of lines "name value".
function picture.column(path, graph) return column_of(path, graph) end

-- The ending of a path for positions.
local function ending_of(path)
    local ending = path:lower():match("%.(%w+)$")
    if ending == "npy" or ending == "csv" then return ending end
    error(("positions are written as .npy or .csv, not as %q"):format(path), 0)
end

local OUTPUTS = { "picture", "page", "positions", "frames", "graph" }

--- Raises where what a layout will write in the end cannot be written: { picture =, page =, positions =, graph = } are paths,
--- frames is a folder of .npy files; "" and nil are none.
function picture.outputs(paths)
    if type(paths) ~= "table" then error("picture.outputs needs a table of paths", 2) end
    local left = {}
    for key, path in pairs(paths) do left[key] = path end
    for _, key in ipairs(OUTPUTS) do
        local path = left[key] or ""
        left[key] = nil
        if path ~= "" then
            if key == "frames" then path = path .. "/000000.npy" end
            check_place(path)
            if key == "positions" then ending_of(path) end
            if key == "picture" then check_ending(path) end
            if key == "graph" then require "gpumm.graph.write".by_ending(path) end
            need(gpumm.writable(path))
        end
    end
    local unknown = next(left)
    if unknown ~= nil then
        local near = nearest(tostring(unknown), OUTPUTS)
        error(("picture.outputs: unknown output '%s'%s; valid: %s"):format(tostring(unknown),
            near and (" (did you mean '%s'?)"):format(near) or "", table.concat(OUTPUTS, ", ")), 2)
    end
end

--- Writes positions, in the order of the nodes, as .npy or .csv by the path's ending. With a graph the nodes' names are
--- written too: as a column of the .csv, or beside the .npy in FILE.names.csv; gpumm.graph.positions reads them back.
function picture.positions(path, view, graph)
    local _ <close> = words.plain()
    check_place(path)
    view = points("picture.positions", view, 2)
    if graph then
        require "gpumm.graph.positions".write(path, view, graph.names)
        return true
    end
    if #view == 0 then error("there is nothing to write: no positions", 0) end
    if ending_of(path) == "npy" then return need(gpumm.npy.write(path, view)) end
    return need(gpumm.raw.write(path, gpumm.view("u8", csv(view))))
end

--- Draws a manager's memory over time, as .svg, .png or .pdf, from a trace (gpumm-run --trace, gpumm.trace): categories
--- stacked, growth steps marked, the peak by what held it. Returns the peak: { total =, at =, now = { buffers =, … } }, bytes
--- and microseconds.
function picture.memory(path, options)
    local _ <close> = words.plain()
    check_place(path)
    return require "gpumm.picture.memory"(path, options)
end

return picture
