-- SPDX-License-Identifier: MIT
-- Scenes as pixels. Drawing runs on a device, by the kernels of picture.cu, through the public API alone: this file
-- proves that the API is enough. Texts are drawn over what comes from there.

local gpumm = require "gpumm"
local native = require "gpumm.layout.native"
local pen_of = require "gpumm.picture.pen"
local vector = require "gpumm.picture.vector"

local raster = {}

local BINS, ONE = 128, 128     -- as in picture.cu
local THREADS = 1024           -- that sum over all edges
local SHORT = 64               -- pixels: edges up to this long are always whole
local MOST_LAYERS = 6          -- of long edges over the whole picture, until they are thinned
local ALONE, HEADS = 0.4, 0.75 -- how much of the background edges that are alone, and arrows, hide

-- The world's failures come back as nil and a message; here they raise, for nothing can be drawn then.
local function need(value, message)
    if value == nil or value == false then error(message, 0) end
    return value
end

-- Buffers and kernels of one picture. A buffer belongs to its handle, and those to this table.
local Canvas = {}
Canvas.__index = Canvas

local function new_canvas(manager, scene)
    local canvas = setmetatable({ manager = manager, scene = scene, width = scene.width, height = scene.height, kernels = {} },
        Canvas)
    local pixels = scene.width * scene.height
    canvas.source = gpumm.resource("gpumm/picture.cu")
    canvas.edges = canvas:buffer("u64", 2 * pixels)
    canvas.nodes = canvas:buffer("u64", 2 * pixels)
    canvas.rim = canvas:buffer("u32", pixels)
    canvas.bins = canvas:buffer("u32", BINS)
    canvas.pixels = canvas:buffer("u8x4", pixels)
    canvas.point = canvas:buffer("f32x2", scene.count, scene.places)
    canvas.color = canvas:buffer("f32x4", scene.count, scene.rgba)
    canvas.radius = canvas:buffer("f32", scene.count, scene.radius)
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

-- One pixel in how many long edges' ones to draw, so that a picture takes seconds.
function Canvas:sparse()
    local out, sum = self:buffer("f64", THREADS), 0
    self:launch("extents", {
        threads = THREADS, m = self.scene.edges.count, ends = self.ends, point = self.point, look = self.look, short_one = SHORT,
        out = out,
    })
    for _, part in need(out:download()):each() do sum = sum + part end
    return math.max(1, math.ceil(sum / (MOST_LAYERS * self.width * self.height)))
end

-- Edges among others at once (alone = 0), or those that are alone, of so much coverage.
function Canvas:draw_edges(alone)
    self:launch("draw_edges", {
        m = self.scene.edges.count, ends = self.ends, look = self.look, point = self.point, color = self.color, alone = alone,
        light = self.edges, width = self.width, height = self.height, sparse = self.thinned, short_one = SHORT,
        thick = self.scene.unit,
    })
end

function Canvas:draw_arrows(cover)
    self:launch("draw_arrows", {
        m = self.scene.edges.count, ends = self.ends, look = self.look, point = self.point, color = self.color,
        radius = self.radius, cover = cover, light = self.edges, width = self.width, height = self.height,
        unit = self.scene.unit, few = self.scene.few,
    })
end

-- What the logarithm of the coverage is multiplied with, so that the coverage that 99 of 100 pixels with edges stay
-- under is shown nearly full.
function Canvas:expose()
    self:launch("measure", { pixels = self.width * self.height, light = self.edges, bins = self.bins })
    local bins, total, under, bin = need(self.bins:download()), 0, 0, 0
    for i = 1, BINS do total = total + bins[i] end
    while bin < BINS - 1 and under < 0.99 * total do
        bin = bin + 1
        under = under + bins[bin]
    end
    self.range = 0.9 / math.log(1 + math.max(2 ^ (bin / 4), 2 * ONE) / ONE)
end

-- The coverage, as a part of a whole one, that hides so much of the background.
function Canvas:cover(share) return ONE / 255 * (math.exp(share / self.range) - 1) end

function Canvas:draw_all_edges()
    local edges = self.scene.edges
    if not edges then return self:expose() end
    self.ends = self:buffer("u32x2", edges.count, edges.ends)
    self.look = self:buffer("f32x2", edges.count, edges.looks)
    self.thinned = self:sparse()
    self:draw_edges(0)
    self:expose()
    self:draw_edges(2 * self:cover(ALONE)) -- a line lies on two rows, mostly
    if self.scene.arrows then self:draw_arrows(self:cover(HEADS)) end
end

function Canvas:draw_nodes()
    local depth, is_deep = self:buffer("u32", self.scene.near and self.width * self.height or 1), 0
    local near = self:buffer("f32", self.scene.count, self.scene.near)
    local shared = { n = self.scene.count, point = self.point, radius = self.radius, near = near, depth = depth,
        width = self.width, height = self.height }
    if self.scene.near then
        is_deep = 1
        self:launch("draw_depth", shared)
    end
    shared.color, shared.light, shared.rim = self.color, self.nodes, self.rim
    shared.ring, shared.is_deep = self.scene.ring, is_deep
    self:launch("draw_nodes", shared)
end

function Canvas:develop()
    local back = self.scene.background
    self:launch("develop", {
        pixels = self.width * self.height, edges = self.edges, nodes = self.nodes, rim = self.rim,
        out = self.pixels, range = self.range, red = back[1], green = back[2], blue = back[3],
    })
    return need(self.pixels:download())
end

local function draw(manager, scene)
    local canvas = new_canvas(manager, scene)
    canvas:draw_all_edges()
    canvas:draw_nodes()
    return canvas:develop()
end

local function with_texts(pixels, scene, request, measure)
    if not measure then return pixels end
    local pen <close> = native.pen_pixels(scene.width, scene.height)
    vector.draw_texts(scene, vector.texts(scene, request, measure), pen_of(pen, scene))
    return pen:over(pixels)
end

--- Writes a scene as PNG.
function raster.write(path, scene, request, measure)
    local manager = request.manager or need(gpumm.manager { device = "auto" })
    local drawn, pixels = pcall(draw, manager, scene)
    if not request.manager then manager:close() end
    if not drawn then error(pixels, 0) end
    need(gpumm.image.write(path, with_texts(pixels, scene, request, measure), scene.width, scene.height))
end

return raster
