-- SPDX-License-Identifier: MIT
-- Pictures of laid out graphs, and their positions as files. Drawing runs on a device, by the kernels
-- of picture.cu, through the public API alone: this file proves that the API is enough.

local gpumm = require "gpumm"
local checked = require "gpumm.common.checked"
local colors = require "gpumm.picture.colors"
local points = require "gpumm.common.points"
local nearest = require "gpumm.words".nearest

local picture = {}

local MAX_SIDE = 16384
local BINS, ONE = 128, 128     -- as in picture.cu
local THREADS = 1024           -- that sum over all edges
local FAR = 2.5                -- times as wide as the rest is what a few strays may make a picture
local SHORT = 64               -- pixels: edges up to this long are always whole
local MOST_LAYERS = 6          -- of long edges over the whole picture, until they are thinned

-- The world's failures come back as nil and a message; here they raise, for nothing can be drawn then.
local function need(value, message)
    if value == nil or value == false then error(message, 0) end
    return value
end

-- ---- What was asked for ----------------------------------------------------------------------

local VALID = { "positions", "graph", "width", "height", "colors", "sizes", "background", "manager" }

local function side(options, key, default)
    local value = options[key] or default
    value = type(value) == "number" and math.tointeger(value)
    if not value or value < 16 or value > MAX_SIDE then
        error(("picture.write: %s is a whole number from 16 to %d, not %s")
            :format(key, MAX_SIDE, tostring(options[key])), 4)
    end
    return value
end

-- x and y of every node, all finite, or the error that names the one which is not.
local function coordinates(positions)
    local count = #positions
    if count == 0 then error("there is nothing to draw: no positions", 0) end
    local x, y = {}, {}
    for i = 1, count do
        local px, py = positions:get(i)
        if not px or not py or px - px ~= 0 or py - py ~= 0 then
            error(("position %d is not finite: %s, %s"):format(i, tostring(px), tostring(py)), 0)
        end
        x[i], y[i] = px, py
    end
    return x, y
end

-- ---- Fitting into the frame ------------------------------------------------------------------

local function bounds(values, skip)
    local sorted = table.move(values, 1, #values, 1, {})
    table.sort(sorted)
    local cut = math.floor(#sorted * skip)
    return sorted[1 + cut], sorted[#sorted - cut]
end

-- Everything is shown, unless a few strays would make a dot of the rest: then those lie on the border.
local function span(values)
    local low, high = bounds(values, 0)
    local inner_low, inner_high = bounds(values, 0.005)
    local inner = inner_high - inner_low
    if inner > 0 and high - low > FAR * inner then return inner_low - inner / 4, inner_high + inner / 4 end
    return low, high
end

local function fit(x, y, width, height)
    local x0, x1 = span(x)
    local y0, y1 = span(y)
    local margin = 0.04 * math.min(width, height)
    local scale = math.min((width - 2 * margin) / (x1 - x0), (height - 2 * margin) / (y1 - y0))
    if scale ~= scale or scale == math.huge then scale = 1 end -- one node, or all on one spot
    return {
        scale = scale, left = width / 2 - scale * (x0 + x1) / 2, top = height / 2 + scale * (y0 + y1) / 2,
        border = margin / 2, right = width - margin / 2, bottom = height - margin / 2,
    }
end

-- ---- What the nodes look like ----------------------------------------------------------------

-- What sizes are asked for, as if they were degrees: the largest is drawn as the largest degree would be.
local function as_degrees(sizes, degree, count)
    local most, largest, out = 1, 0, {}
    if #sizes ~= count then error(("there are %d sizes for %d positions"):format(#sizes, count), 0) end
    for i = 1, count do
        local size = sizes[i]
        if type(size) ~= "number" or not (size >= 0 and size < math.huge) then
            error(("size %d is a number from 0, not %s"):format(i, tostring(size)), 0)
        end
        most, largest = math.max(most, degree[i]), math.max(largest, size)
    end
    for i = 1, count do out[i] = largest > 0 and sizes[i] / largest * most or most end
    return out
end

-- The area grows with the degree; in a picture of many nodes all are smaller, and in a small picture
-- none is too small to be seen.
local function radii(degree, count, width, height)
    local unit = math.min(width, height) / 1200
    if unit < 1 then unit = math.sqrt(unit) end
    local crowd = math.max(0.2, math.min((5000 / count) ^ (count > 5000 and 0.4 or 0.25), 6))
    local radius = {}
    for i = 1, count do
        radius[i] = math.max(0.6, unit * crowd * math.min(1.2 + 0.45 * math.sqrt(degree[i]), 16))
    end
    return radius, 1.2 * unit * math.min(crowd, 1.5)
end

-- ---- Drawing ---------------------------------------------------------------------------------

-- Buffers and kernels of one picture. A buffer belongs to its handle, and those to this table.
local Canvas = {}
Canvas.__index = Canvas

local function new_canvas(manager, width, height)
    local canvas = setmetatable({ manager = manager, width = width, height = height, kernels = {} }, Canvas)
    canvas.source = gpumm.resource("gpumm/picture.cu")
    canvas.edges = canvas:buffer("u64", 2 * width * height)
    canvas.nodes = canvas:buffer("u64", 2 * width * height)
    canvas.rim = canvas:buffer("u32", width * height)
    canvas.bins = canvas:buffer("u32", BINS)
    canvas.pixels = canvas:buffer("u8x4", width * height)
    return canvas
end

function Canvas:buffer(element, length, data)
    local buffer = need(self.manager:buffer { type = element, length = length, max_length = length })
    if data then need(buffer:upload(data)) end
    return buffer
end

function Canvas:launch(name, arguments)
    local kernel = self.kernels[name]
    if not kernel then
        kernel = need(self.manager:kernel { source = self.source, name = name })
        self.kernels[name] = kernel
    end
    need(kernel(arguments))
end

-- Points in space are seen from above: by their x and y.
function Canvas:place(x, y, frame)
    local count, positions = #x, {}
    for i = 1, count do positions[2 * i - 1], positions[2 * i] = x[i], y[i] end
    self.count = count
    self.point = self:buffer("f32x2", count)
    self:launch("project", {
        n = count, position = self:buffer("f32x2", count, positions), point = self.point,
        scale = frame.scale, left = frame.left, top = frame.top,
        border = frame.border, right = frame.right, bottom = frame.bottom,
    })
end

-- One pixel in how many long edges' ones to draw, so that a picture takes seconds.
function Canvas:sparse(ends, count)
    local out, sum = self:buffer("f64", THREADS), 0
    self:launch("extents", {
        threads = THREADS, m = count, ends = ends, point = self.point, short_one = SHORT, out = out,
    })
    for _, part in need(out:download()):each() do sum = sum + part end
    return math.max(1, math.ceil(sum / (MOST_LAYERS * self.width * self.height)))
end

function Canvas:draw_edges(graph)
    local list, count = graph:ends(self.count)
    if count == 0 then return end
    local ends = self:buffer("u32x2", count, list)
    self:launch("draw_edges", {
        m = count, ends = ends, point = self.point, color = self.color,
        light = self.edges, width = self.width, height = self.height, reach = 0.05 * self.width,
        sparse = self:sparse(ends, count), short_one = SHORT,
    })
end

function Canvas:draw_nodes(radius, ring)
    self:launch("draw_nodes", {
        n = self.count, point = self.point, radius = self:buffer("f32", self.count, radius),
        color = self.color, light = self.nodes, rim = self.rim,
        width = self.width, height = self.height, ring = ring,
    })
end

-- What the logarithm of the coverage is multiplied with, so that the coverage that 99 of 100 pixels with edges stay
-- under is shown nearly full.
function Canvas:range()
    self:launch("measure", { pixels = self.width * self.height, light = self.edges, bins = self.bins })
    local bins, total, under, bin = need(self.bins:download()), 0, 0, 0
    for i = 1, BINS do total = total + bins[i] end
    while bin < BINS - 1 and under < 0.99 * total do
        bin = bin + 1
        under = under + bins[bin]
    end
    return 0.9 / math.log(1 + math.max(2 ^ (bin / 4), 2 * ONE) / ONE)
end

function Canvas:develop(background)
    local red, green, blue = background[1], background[2], background[3]
    self:launch("develop", {
        pixels = self.width * self.height, edges = self.edges, nodes = self.nodes, rim = self.rim,
        out = self.pixels, range = self:range(), red = red, green = green, blue = blue,
    })
    return need(self.pixels:download())
end

local function draw(manager, options, request)
    local canvas = new_canvas(manager, request.width, request.height)
    canvas:place(request.x, request.y, request.frame)
    canvas.color = canvas:buffer("f32x4", request.count, request.color)
    if options.graph then canvas:draw_edges(options.graph) end
    canvas:draw_nodes(request.radius, request.ring)
    return canvas:develop(request.background)
end

local function prepare(options)
    checked.keys("picture.write", options, VALID, 3)
    local positions = options.positions
    if positions == nil then error("picture.write needs positions = a view of f32x2", 3) end
    local request = { width = side(options, "width", 1600), height = side(options, "height", 1200) }
    local x, y = coordinates(points("picture.write", positions, 3))
    local degree = colors.degrees(options.graph, #x)
    if #degree < #x then
        error(("there are %d positions for a graph of %d nodes"):format(#x, #degree), 0)
    end
    request.count, request.x, request.y = #x, x, y
    request.frame = fit(x, y, request.width, request.height)
    local size = options.sizes and as_degrees(options.sizes, degree, #x) or degree
    request.radius, request.ring = radii(size, #x, request.width, request.height)
    request.color = colors.of_nodes(options, degree, #x)
    request.background = colors.background(options.background)
    return request
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

--- Draws the graph (or the positions alone) into a PNG file: nodes sized by degree and colored by
--- community, edges blended by density. Options: positions (a view or buffer of f32x2, or of
--- f32x3: seen from above; or a list of points), graph, width (1600), height
--- (1200), colors (one a node: "#rrggbb", { r, g, b }, numbers of the palette; or a column of fractions, or of
--- kinds), sizes (a number from 0 for each node, by which areas go, instead of the degree), background,
--- manager (otherwise one of its own, closed at the end).
function picture.write(path, options)
    check_place(path)
    if type(options) ~= "table" then error("picture.write needs a table of options", 2) end
    local request = prepare(options)
    local manager = options.manager or need(gpumm.manager { device = "auto" })
    local drawn, pixels = pcall(draw, manager, options, request)
    if not options.manager then manager:close() end
    if not drawn then error(pixels, 0) end
    need(gpumm.image.write(path, pixels, request.width, request.height))
    return true
end

-- ---- Positions as files ----------------------------------------------------------------------

local COLUMNS = { "x", "y", "z", "w" }

local function csv(view)
    local lanes = select("#", view:get(1))
    local format, lines = ("%.9g"):rep(lanes, ","), { table.concat(COLUMNS, ",", 1, lanes) }
    for i = 1, #view do lines[i + 1] = format:format(view:get(i)) end
    return table.concat(lines, "\n") .. "\n"
end

--- A column of one value a node, for `colors`: from a file of lines "name value".
function picture.column(path, graph) return colors.column(path, graph) end

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

--- Draws a manager's memory over time, as SVG, from a trace (gpumm-run --trace, gpumm.trace): categories stacked, growth
--- steps marked, the peak by what held it. Returns the peak: { total =, at =, now = { buffers =, … } }, bytes and microseconds.
function picture.memory(path, options)
    check_place(path)
    local text, peak = require "gpumm.picture.memory"(path, options)
    need(gpumm.raw.write(path, gpumm.view("u8", text)))
    return peak
end

return picture
